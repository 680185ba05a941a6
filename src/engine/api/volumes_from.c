/* --volumes-from: the binds and volumes of another container, except where the new one has a
 * mount of its own. An anonymous volume goes with the last container that has it
 * (store_remove_volumes). */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/api/internal.h"

static bool has_target(const struct mtd_spec *s, const char *target)
{
    for (size_t i = 0; i < s->n_mounts; i++)
        if (strcmp(s->mounts[i].target, target) == 0)
            return true;
    return false;
}

static int add_copy(struct mtd_spec *s, const struct mtd_mount *from, bool read_only)
{
    struct mtd_mount *all = reallocarray(s->mounts, s->n_mounts + 1, sizeof(*all));
    if (!all)
        return -ENOMEM;
    s->mounts = all;
    struct mtd_mount *m = &all[s->n_mounts];
    int rc = mtd_mount_copy(m, from);
    if (rc < 0)
        return rc;
    m->read_only |= read_only;
    m->origin = MTD_ORIGIN_FROM;
    s->n_mounts++;
    return 0;
}

/* The part after the colon: ro, rw, and what has no effect here; each kind once. */
static int parse_mode(const char *text, bool *ret_read_only, struct mtd_error *err)
{
    static const struct {
        const char *word;
        unsigned kind;
    } WORDS[] = {{"ro", 1}, {"rw", 1}, {"z", 2}, {"Z", 2}};
    unsigned seen = 0;
    for (const char *p = text; *p || p == text;) {
        size_t len = strcspn(p, ","), i = 0;
        while (i < ARRAY_SIZE(WORDS) &&
               (strlen(WORDS[i].word) != len || strncmp(p, WORDS[i].word, len) != 0))
            i++;
        if (i == ARRAY_SIZE(WORDS) || (seen & WORDS[i].kind))
            return mtd_fail(err, EINVAL,
                            "volumes of another container: \"%.40s\" is not ro or rw",
                            text);
        seen |= WORDS[i].kind;
        *ret_read_only = *ret_read_only || strncmp(p, "ro", len) == 0;
        p += len + (p[len] == ',');
    }
    return 0;
}

static int add_from(struct mtd_engine *e, struct mtd_spec *s, const char *text,
                    struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_free char *ref = strndup(text, strcspn(text, ":"));
    const char *mode = strchr(text, ':');
    bool read_only = false;
    char id[MTD_ID_SIZE];
    mtd_record_init(&r);
    int rc = ref ? 0 : mtd_fail(err, ENOMEM, "out of memory");
    if (rc == 0 && mode)
        rc = parse_mode(mode + 1, &read_only, err);
    if (rc == 0)
        rc = store_resolve(&e->store, ref, id, err);
    if (rc == 0)
        rc = store_load(&e->store, id, &r, err);
    for (size_t i = 0; rc == 0 && i < r.spec.n_mounts; i++) {
        const struct mtd_mount *m = &r.spec.mounts[i];
        if (m->type == MTD_MOUNT_TMPFS || !m->source || has_target(s, m->target))
            continue;
        if (add_copy(s, m, read_only) < 0)
            rc = mtd_fail(err, ENOMEM, "out of memory");
    }
    return rc;
}

int api_add_volumes_from(struct mtd_engine *e, struct mtd_spec *s, struct mtd_error *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->volumes_from.len; i++)
        rc = add_from(e, s, s->volumes_from.items[i], err);
    return rc;
}
