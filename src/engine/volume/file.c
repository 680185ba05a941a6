/* volume.json. It is written once, before the volume appears under its name, so readers need no
 * lock and never see half of it. */

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/volume/volume.h"

#define FILE_MAX (1u << 20)
#define WORDS_MAX 4096

static void decref(json_t *const *j)
{
    json_decref(*j);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct strv *v)
{
    if (v->len > 1)
        qsort(v->items, v->len, sizeof(char *), compare);
}

/* Where "key=value" has no sign, the value is empty. */
static json_t *encode_words(const struct strv *words)
{
    json_t *all = json_object();
    for (size_t i = 0; all && i < words->len; i++) {
        const char *word = words->items[i];
        size_t len = strcspn(word, "=");
        json_t *value = json_string(word + len + (word[len] == '='));
        if (json_object_setn_new(all, word, len, value) < 0) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

int volume_write(int dir_fd, struct mtd_volume *v, bool durable)
{
    char time[TIME_TEXT];
    time_format_rfc3339(v->created_at, time);
    sort(&v->labels);
    sort(&v->options);
    auto_done(decref) json_t *all =
        json_pack("{s:s, s:s, s:o, s:o}", "name", v->name, "createdAt", time, "labels",
                  encode_words(&v->labels), "options", encode_words(&v->options));
    auto_free char *text = all ? json_dumps(all, JSON_INDENT(1)) : NULL;
    if (!text)
        return -EINVAL;
    return fs_replace_at(dir_fd, VOLUME_FILE, text, strlen(text), 0600, durable);
}

static int decode_words(const json_t *all, const char *name, struct strv *ret,
                        struct mtd_error *err)
{
    const char *key;
    json_t *value;
    int rc = 0;
    if (all && !json_is_object(all) && !json_is_null(all))
        return mtd_fail(err, EBADMSG, "%s: not an object", name);
    if (json_object_size(all) > WORDS_MAX)
        return mtd_fail(err, EBADMSG, "%s: more than %d", name, WORDS_MAX);
    json_object_foreach((json_t *)all, key, value)
    {
        auto_free char *word = NULL;
        if (rc == 0 && !json_is_string(value))
            rc = mtd_fail(err, EBADMSG, "%s: %.40s is not a string", name, key);
        if (rc == 0 && asprintf(&word, "%s=%s", key, json_string_value(value)) < 0)
            rc = -ENOMEM;
        if (rc == 0)
            rc = strv_add(ret, word);
    }
    sort(ret);
    return rc;
}

static int decode(const json_t *all, struct mtd_volume *ret, struct mtd_error *err)
{
    const char *time = json_string_value(json_object_get(all, "createdAt"));
    if (!json_is_object(all))
        return mtd_fail(err, EBADMSG, "not a JSON object");
    if (!time || !strchr(time, 'T') || time_parse(time, 0, &ret->created_at) < 0)
        return mtd_fail(err, EBADMSG, "createdAt: not a timestamp");
    int rc = decode_words(json_object_get(all, "labels"), "labels", &ret->labels, err);
    return rc < 0 ? rc
                  : decode_words(json_object_get(all, "options"), "options",
                                 &ret->options, err);
}

int volume_decode(const char *text, size_t len, struct mtd_volume *ret,
                  struct mtd_error *err)
{
    json_error_t why;
    auto_done(decref) json_t *all = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (!all)
        return mtd_fail(err, EBADMSG, "not JSON: %s, line %d", why.text, why.line);
    return decode(all, ret, err);
}

/* Of a version that wrote no file: a name of 64 hexadecimal digits was its choice. */
static int guess(int dir_fd, struct mtd_volume *ret)
{
    struct statx st;
    if (statx(dir_fd, "", AT_EMPTY_PATH, STATX_BTIME | STATX_MTIME, &st) == 0) {
        bool born = st.stx_mask & STATX_BTIME;
        struct statx_timestamp t = born ? st.stx_btime : st.stx_mtime;
        ret->created_at = t.tv_sec * NS_PER_SEC + t.tv_nsec;
    }
    return hex_is_valid(ret->name, MTD_ID_LEN)
               ? strv_add(&ret->labels, MTD_VOLUME_ANONYMOUS "=")
               : 0;
}

int volume_read(int dir_fd, const char *name, struct mtd_volume *ret,
                struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    ret->size = MTD_VOLUME_NO_SIZE;
    ret->name = strdup(name);
    int rc = ret->name ? fs_read_own_at(dir_fd, VOLUME_FILE, FILE_MAX, &text) : -ENOMEM;
    if (rc == -ENOENT || (rc == 0 && text.len == 0))
        rc = guess(dir_fd, ret);
    else if (rc == 0)
        rc = volume_decode(text.data, text.len, ret, err);
    for (size_t i = 0; rc == 0 && i < ret->labels.len; i++)
        if (strcmp(ret->labels.items[i], MTD_VOLUME_ANONYMOUS "=") == 0)
            ret->anonymous = true;
    if (rc == 0)
        return 0;
    mtd_fail_errno(err, -rc, "cannot read it");
    mtd_context(err, "volumes/%.80s/" VOLUME_FILE, name);
    return rc;
}
