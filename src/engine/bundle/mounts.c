/* A mount's options are words: some are attributes of the mount, some flags of the file system,
 * some say what kind of a mount it is; all others are the file system's own. A word that begins
 * with r is for the mounts below as well. */

#include "engine/bundle/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"

#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif
#define MS_LAZY_TIME (1UL << 25)

#define ATIME MOUNT_ATTR__ATIME

/* With an "r" in front: of all below as well (runc's rro ...). */
static const struct {
    const char *word;
    uint64_t set, clear;
} ATTRS[] = {
    {"ro", MOUNT_ATTR_RDONLY, 0},
    {"rw", 0, MOUNT_ATTR_RDONLY},
    {"nosuid", MOUNT_ATTR_NOSUID, 0},
    {"suid", 0, MOUNT_ATTR_NOSUID},
    {"nodev", MOUNT_ATTR_NODEV, 0},
    {"dev", 0, MOUNT_ATTR_NODEV},
    {"noexec", MOUNT_ATTR_NOEXEC, 0},
    {"exec", 0, MOUNT_ATTR_NOEXEC},
    {"nodiratime", MOUNT_ATTR_NODIRATIME, 0},
    {"diratime", 0, MOUNT_ATTR_NODIRATIME},
    {"relatime", MOUNT_ATTR_RELATIME, ATIME},
    {"norelatime", 0, 0},
    {"noatime", MOUNT_ATTR_NOATIME, ATIME},
    {"atime", 0, 0},
    {"strictatime", MOUNT_ATTR_STRICTATIME, ATIME},
    {"nostrictatime", 0, 0},
    {"nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, 0},
    {"symfollow", 0, MOUNT_ATTR_NOSYMFOLLOW},
};

static const struct {
    const char *word;
    unsigned long set, clear;
} FLAGS[] = {
    {"sync", MS_SYNCHRONOUS, 0},
    {"async", 0, MS_SYNCHRONOUS},
    {"dirsync", MS_DIRSYNC, 0},
    {"mand", MS_MANDLOCK, 0},
    {"nomand", 0, MS_MANDLOCK},
    {"silent", MS_SILENT, 0},
    {"loud", 0, MS_SILENT},
    {"iversion", MS_I_VERSION, 0},
    {"noiversion", 0, MS_I_VERSION},
    {"lazytime", MS_LAZY_TIME, 0},
    {"nolazytime", 0, MS_LAZY_TIME},
    {"defaults", 0, 0},
    {"acl", 0, 0},
    {"noacl", 0, 0},
};

static const struct {
    const char *word;
    unsigned long type;
} PROPAGATION[] = {
    {"private", MS_PRIVATE},       {"rprivate", MS_PRIVATE | MS_REC},
    {"slave", MS_SLAVE},           {"rslave", MS_SLAVE | MS_REC},
    {"shared", MS_SHARED},         {"rshared", MS_SHARED | MS_REC},
    {"unbindable", MS_UNBINDABLE}, {"runbindable", MS_UNBINDABLE | MS_REC},
};

/* What kind of a mount it is: one member, or two. */
#define KIND(word, first, second)                   \
    {                                               \
        word, offsetof(struct bundle_mount, first), \
            offsetof(struct bundle_mount, second)   \
    }
static const struct {
    const char *word;
    size_t first, second;
} KINDS[] = {
    KIND("bind", bind, bind),          KIND("rbind", bind, recursive),
    KIND("idmap", maps, maps),         KIND("ridmap", maps, maps_all),
    KIND("remount", remount, remount), KIND("tmpcopyup", copy_up, copy_up),
};

int bundle_propagation(const char *word, unsigned long *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(PROPAGATION); i++)
        if (strcmp(PROPAGATION[i].word, word) == 0) {
            *ret = PROPAGATION[i].type;
            return 0;
        }
    return -EINVAL;
}

/* ---- what is known, for `features` ---- */

static int add_recursive(struct strv *ret, const char *word)
{
    char all[24];
    snprintf(all, sizeof(all), "r%s", word);
    return strv_add(ret, all);
}

int bundle_mount_words(struct strv *ret)
{
    int rc = 0;
    for (size_t i = 0; i < ARRAY_SIZE(ATTRS) && rc == 0; i++)
        if ((rc = strv_add(ret, ATTRS[i].word)) == 0)
            rc = add_recursive(ret, ATTRS[i].word);
    for (size_t i = 0; i < ARRAY_SIZE(FLAGS) && rc == 0; i++)
        rc = strv_add(ret, FLAGS[i].word);
    for (size_t i = 0; i < ARRAY_SIZE(PROPAGATION) && rc == 0; i++)
        rc = strv_add(ret, PROPAGATION[i].word);
    for (size_t i = 0; i < ARRAY_SIZE(KINDS) && rc == 0; i++)
        rc = strv_add(ret, KINDS[i].word);
    return rc;
}

static bool take_attr(struct bundle_mount *m, const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(ATTRS); i++) {
        bool all = word[0] == 'r' && strcmp(word + 1, ATTRS[i].word) == 0;
        if (!all && strcmp(word, ATTRS[i].word) != 0)
            continue;
        uint64_t *set = all ? &m->all_set : &m->set;
        uint64_t *clear = all ? &m->all_clear : &m->clear;
        *set = (*set & ~ATTRS[i].clear) | ATTRS[i].set;
        *clear = (*clear & ~ATTRS[i].set) | ATTRS[i].clear;
        return true;
    }
    return false;
}

static bool take_flag(struct bundle_mount *m, const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(FLAGS); i++)
        if (strcmp(FLAGS[i].word, word) == 0) {
            m->flags = (m->flags & ~FLAGS[i].clear) | FLAGS[i].set;
            return true;
        }
    return false;
}

static bool take_propagation(struct bundle_mount *m, const char *word)
{
    unsigned long type;
    if (bundle_propagation(word, &type) < 0)
        return false;
    for (size_t i = 0; i + 1 < ARRAY_SIZE(m->propagation); i++)
        if (!m->propagation[i]) {
            m->propagation[i] = type;
            break;
        }
    return true;
}

static bool take_kind(struct bundle_mount *m, const char *word)
{
    for (size_t i = 0; i < ARRAY_SIZE(KINDS); i++)
        if (strcmp(KINDS[i].word, word) == 0) {
            *(bool *)((char *)m + KINDS[i].first) = true;
            *(bool *)((char *)m + KINDS[i].second) = true;
            return true;
        }
    return false;
}

/* What no table has is the file system's; a bind has none. */
static int take_words(struct bundle_mount *m, const struct strv *words, const char *where,
                      struct mtd_error *err)
{
    auto_done(buf_done) struct buf rest = {0};
    for (size_t i = 0; i < words->len; i++) {
        const char *word = words->items[i];
        if (take_kind(m, word) || take_propagation(m, word) || take_attr(m, word) ||
            take_flag(m, word))
            continue;
        if (*word && buf_printf(&rest, "%s%s", rest.len ? "," : "", word) < 0)
            return mtd_fail(err, ENOMEM, "out of memory");
    }
    if (!m->bind && m->type && strcmp(m->type, "bind") == 0)
        m->bind = m->recursive = true;
    if (rest.len && !m->bind)
        m->options = buf_take(&rest);
    return 0;
}

static int clean_destination(struct bundle_mount *m, const char *where,
                             struct mtd_error *err)
{
    char *path = NULL;
    if (!*m->destination)
        return bundle_bad(err, where, "destination", "must not be empty");
    /* Relative ones are those of versions before 1.0, from the root. */
    if (asprintf(&path, "/%s", m->destination) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    fs_clean_path(path);
    free(m->destination);
    m->destination = path;
    return 0;
}

/* What the file system does is also what it does elsewhere. */
static int check_remount(const struct bundle_mount *m, const char *where,
                         struct mtd_error *err)
{
    if (m->options || m->flags || m->copy_up || m->maps || m->n_uids)
        return bundle_bad(err, where, "options",
                          "remount changes a mount's own, such as ro and nosuid, alone");
    return 0;
}

static int check_mount(const struct bundle_mount *m, const char *where,
                       struct mtd_error *err)
{
    if (strcmp(m->destination, "/") == 0)
        return bundle_bad(err, where, "destination", "must not be the root");
    if (m->remount)
        return check_remount(m, where, err);
    if (m->bind && !m->source)
        return bundle_bad(err, where, "source", "is missing");
    if (!m->bind && !m->type)
        return bundle_bad(err, where, "type", "is missing");
    if ((m->maps || m->n_uids) && !m->bind)
        return bundle_bad(err, where, "options", "only a bind can have its ids mapped");
    if (!m->n_uids != !m->n_gids)
        return bundle_bad(err, where, "uidMappings", "need gidMappings, and the reverse");
    if (m->copy_up && (m->bind || strcmp(m->type, "tmpfs") != 0))
        return bundle_bad(err, where, "options", "tmpcopyup is for a tmpfs");
    return 0;
}

static int read_mount(json_t *item, const char *where, size_t i, void *to,
                      struct mtd_error *err)
{
    static const struct bundle_field MOUNT[] = {
        {"destination", BUNDLE_TEXT, offsetof(struct bundle_mount, destination),
         .required = true},
        {"type", BUNDLE_TEXT, offsetof(struct bundle_mount, type)},
        {"source", BUNDLE_TEXT, offsetof(struct bundle_mount, source)},
        BUNDLE_END,
    };
    static const struct bundle_field OPTIONS[] = {{"options", BUNDLE_STRINGS, 0},
                                                  BUNDLE_END};
    struct bundle *b = to;
    auto_done(strv_done) struct strv words = {0};
    (void)i;
    struct bundle_mount *m =
        bundle_grow((void **)&b->mounts, &b->n_mounts, sizeof(*m), err);
    if (!m)
        return -ENOMEM;
    int rc = bundle_fields(item, where, MOUNT, m, err);
    if (rc == 0)
        rc = bundle_fields(item, where, OPTIONS, &words, err);
    if (rc == 0)
        rc = take_words(m, &words, where, err);
    if (rc == 0)
        rc = bundle_id_maps(item, where, "uidMappings", &m->uids, &m->n_uids, err);
    if (rc == 0)
        rc = bundle_id_maps(item, where, "gidMappings", &m->gids, &m->n_gids, err);
    if (rc == 0)
        rc = clean_destination(m, where, err);
    return rc == 0 ? check_mount(m, where, err) : rc;
}

int bundle_mounts(json_t *o, struct bundle *b, struct mtd_error *err)
{
    return bundle_each(o, "", "mounts", read_mount, b, err);
}
