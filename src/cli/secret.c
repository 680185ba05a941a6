#include "cli/secret.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"

#define SECRET_MAX (500u << 10) /* docker's */

enum part { ID, FILE_PATH, VARIABLE, TYPE, N_PARTS };
static const struct {
    const char *key;
    enum part part;
} KEYS[] = {
    {"id", ID},        {"src", FILE_PATH}, {"source", FILE_PATH},
    {"env", VARIABLE}, {"type", TYPE},
};

static int take_part(char *word, char *parts[N_PARTS])
{
    char *value = strchr(word, '=');
    for (size_t i = 0; value && i < ARRAY_SIZE(KEYS); i++)
        if ((size_t)(value - word) == strlen(KEYS[i].key) &&
            strncmp(word, KEYS[i].key, strlen(KEYS[i].key)) == 0) {
            parts[KEYS[i].part] = value + 1;
            return 0;
        }
    return -EINVAL;
}

static bool id_is_valid(const char *id)
{
    static const char KNOWN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789._-";
    size_t len = id ? strlen(id) : 0;
    return len > 0 && len <= 128 && id[0] != '.' && strspn(id, KNOWN) == len;
}

static int read_file(const char *path, struct mtd_secret *ret, struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    int rc = fs_read_path(path, SECRET_MAX, &text);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "--secret: %.120s", path);
    ret->len = text.len;
    ret->data = buf_take(&text);
    return 0;
}

static int read_variable(const char *name, struct mtd_secret *ret, struct mtd_error *err)
{
    const char *value = getenv(name);
    if (!value)
        return mtd_fail(err, EINVAL, "--secret: the variable %.80s is not set", name);
    ret->data = strdup(value);
    ret->len = strlen(value);
    return ret->data ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

static int read_one(const char *text, struct mtd_secret *ret, struct mtd_error *err)
{
    char *parts[N_PARTS] = {NULL};
    auto_free char *copy = strdup(text);
    int rc = copy ? 0 : -ENOMEM;
    for (char *rest = copy, *word; rc == 0 && (word = strsep(&rest, ","));)
        rc = take_part(word, parts);
    const char *type = parts[TYPE] ? parts[TYPE] : "file";
    if (rc == 0 && strcmp(type, "file") != 0 && strcmp(type, "env") != 0)
        rc = -EINVAL;
    if (rc < 0 || !id_is_valid(parts[ID]))
        return mtd_fail(err, EINVAL,
                        "--secret: \"%.60s\" is not id=NAME[,src=FILE|,env=VARIABLE]",
                        text);
    ret->id = strdup(parts[ID]);
    if (!ret->id)
        return mtd_fail(err, ENOMEM, "out of memory");
    if (parts[FILE_PATH] && strcmp(type, "env") != 0)
        return read_file(parts[FILE_PATH], ret, err);
    const char *name = parts[VARIABLE]    ? parts[VARIABLE]
                       : parts[FILE_PATH] ? parts[FILE_PATH]
                                          : parts[ID];
    bool only_id = !parts[VARIABLE] && !parts[FILE_PATH] && !parts[TYPE];
    return only_id && !getenv(name) ? read_file(name, ret, err)
                                    : read_variable(name, ret, err);
}

int secret_list_read(const struct option_list *texts, struct secret_list *ret,
                     struct mtd_error *err)
{
    int rc = 0;
    ret->items = calloc(texts->len + 1, sizeof(*ret->items));
    if (!ret->items)
        return mtd_fail(err, ENOMEM, "out of memory");
    for (; ret->len < texts->len && rc == 0; ret->len++)
        rc = read_one(texts->items[ret->len], &ret->items[ret->len], err);
    return rc;
}

void secret_list_done(struct secret_list *l)
{
    for (size_t i = 0; i < l->len; i++) {
        if (l->items[i].data)
            explicit_bzero(l->items[i].data, l->items[i].len);
        free(l->items[i].data);
        free(l->items[i].id);
    }
    free(l->items);
    *l = (struct secret_list){0};
}
