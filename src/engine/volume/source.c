/* Options of docker's local driver. They are the user's, who is root: what is refused is what
 * could not work. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "engine/volume/volume.h"

#define WORDS_MAX 511 /* host/mount.h */

/* A container's mount namespace has no network when its volumes are mounted. */
static const char *const NETWORK[] = {"nfs", "nfs4",  "cifs", "smb3",      "ceph",  "9p",
                                      "afs", "ncpfs", "coda", "glusterfs", "lustre"};

static int read_options(const struct strv *options, struct volume_source *ret,
                        const char **ret_words, struct mtd_error *err)
{
    const struct {
        const char *key;
        const char **field;
    } KEYS[] = {{"type", &ret->type}, {"device", &ret->device}, {"o", ret_words}};
    for (size_t i = 0; i < options->len; i++) {
        const char *word = options->items[i];
        size_t len = strcspn(word, "="), k = 0;
        while (k < ARRAY_SIZE(KEYS) &&
               (strlen(KEYS[k].key) != len || strncmp(word, KEYS[k].key, len) != 0))
            k++;
        if (len == 4 && strncmp(word, "size", len) == 0)
            return mtd_fail(err, EINVAL,
                            "option size is not supported, it needs project quotas; use "
                            "type=tmpfs, device=tmpfs and o=size=...");
        if (k == ARRAY_SIZE(KEYS))
            return mtd_fail(err, EINVAL,
                            "invalid option: \"%.*s\"; the local driver has type, device "
                            "and o",
                            (int)(len > 60 ? 60 : len), word);
        *KEYS[k].field = word + len + (word[len] == '=');
    }
    return 0;
}

static int missing(const char *what, struct mtd_error *err)
{
    return mtd_fail(err, EINVAL, "missing required option: \"%s\"", what);
}

/* "bind,ro" -> "ro", and what it says of the bind: 0 none, 1 bind, 2 rbind. */
static int split_words(const char *words, char **ret, int *ret_bind)
{
    auto_done(buf_done) struct buf rest = {0};
    auto_free char *copy = strdup(words);
    char *save = NULL;
    int rc = copy ? 0 : -ENOMEM;
    for (char *w = rc == 0 ? strtok_r(copy, ",", &save) : NULL; w && rc == 0;
         w = strtok_r(NULL, ",", &save)) {
        bool deep = strcmp(w, "rbind") == 0;
        if (deep || strcmp(w, "bind") == 0)
            *ret_bind = deep ? 2 : 1;
        else if (strcmp(w, "defaults") != 0 && strcmp(w, "loop") != 0)
            rc = buf_printf(&rest, "%s%s", rest.len ? "," : "", w);
    }
    if (rc == 0 && rest.len)
        *ret = buf_take(&rest);
    return rc;
}

static int check_type(const struct volume_source *v, struct mtd_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(NETWORK); i++)
        if (strcmp(v->type, NETWORK[i]) == 0)
            return mtd_fail(err, EINVAL,
                            "type %s is not supported: the file system of a network has "
                            "to be mounted on the host; then use type=none, o=bind and "
                            "device=DIRECTORY",
                            v->type);
    if (!*v->type || v->type[strspn(v->type, "abcdefghijklmnopqrstuvwxyz0123456789_.-")])
        return mtd_fail(err, EINVAL, "type \"%.40s\" is no file system", v->type);
    return 0;
}

static int check_bind(const struct volume_source *v, struct mtd_error *err)
{
    if (v->device[0] != '/')
        return mtd_fail(err, EINVAL, "device \"%.80s\" must be an absolute path",
                        v->device);
    return 0;
}

int volume_source_parse(const struct strv *options, struct volume_source *ret,
                        struct mtd_error *err)
{
    auto_done(volume_source_done) struct volume_source v = {0};
    const char *words = NULL;
    int bind = 0, rc = read_options(options, &v, &words, err);
    if (rc < 0)
        return rc;
    if (!v.type && !v.device && !words) {
        *ret = v;
        return 0;
    }
    if (!v.device || !*v.device)
        return missing("device", err);
    if (!v.type)
        return missing("type", err);
    if (words && strlen(words) > WORDS_MAX)
        return mtd_fail(err, EINVAL, "option o is longer than %d bytes", WORDS_MAX);
    if (words && split_words(words, &v.words, &bind) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    bool none = strcmp(v.type, "none") == 0 || strcmp(v.type, "bind") == 0;
    if (none && !bind)
        return mtd_fail(err, EINVAL, "type %s needs o=bind", v.type);
    v.kind = bind ? VOLUME_BIND : VOLUME_FS;
    v.recursive = bind == 2;
    rc = bind ? check_bind(&v, err) : check_type(&v, err);
    if (rc < 0)
        return rc;
    *ret = v;
    v = (struct volume_source){0};
    return 0;
}

void volume_source_done(struct volume_source *v)
{
    free(v->words);
    *v = (struct volume_source){0};
}
