/* spec_mounts - -v and --tmpfs; --mount is in spec_mount_words.c. A host path that does not exist is refused here,
 * before anything is created: docker -v would make a root-owned directory of a typo. */

#include "cli/spec_mounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* What docker accepts after the second colon; words of one kind exclude each other. */
enum volume_option {
    VOLUME_MODE,
    VOLUME_COPY,
    VOLUME_LABEL, /* for SELinux: no effect, as in docker, where there is none */
    VOLUME_CACHE, /* for other systems: no effect in docker either */
    VOLUME_SPREAD,
    VOLUME_IDMAP
};
static const struct {
    const char *word;
    enum volume_option kind;
} VOLUME_OPTIONS[] = {
    {"ro", VOLUME_MODE},          {"rw", VOLUME_MODE},       {"nocopy", VOLUME_COPY},
    {"z", VOLUME_LABEL},          {"Z", VOLUME_LABEL},       {"cached", VOLUME_CACHE},
    {"consistent", VOLUME_CACHE}, {"default", VOLUME_CACHE}, {"delegated", VOLUME_CACHE},
    {"idmap", VOLUME_IDMAP},
};

static int option_kind(const char *word)
{
    enum mtd_propagation p;
    for (size_t i = 0; i < ARRAY_SIZE(VOLUME_OPTIONS); i++)
        if (strcmp(word, VOLUME_OPTIONS[i].word) == 0)
            return (int)VOLUME_OPTIONS[i].kind;
    return mtd_propagation_parse(word, &p) == 0 ? VOLUME_SPREAD : -EINVAL;
}

static int apply_volume_option(struct mtd_mount *m, const char *word, unsigned *seen,
                               struct mtd_error *err)
{
    int kind = option_kind(word);
    if (kind < 0)
        return mtd_fail(err, EINVAL,
                        "invalid mode: %.40s; use ro, rw, nocopy, idmap, z, Z, or a "
                        "propagation (rprivate, rslave, rshared)",
                        word);
    unsigned bit = 1u << kind;
    if (*seen & bit)
        return mtd_fail(err, EINVAL,
                        "option \"%.60s\": another one of its kind is given already",
                        word);
    *seen |= bit;
    if (kind == VOLUME_MODE)
        m->read_only = strcmp(word, "ro") == 0;
    if (kind == VOLUME_SPREAD)
        return mtd_propagation_parse(word, &m->propagation);
    m->idmap = m->idmap || kind == VOLUME_IDMAP;
    m->no_copy = m->no_copy || kind == VOLUME_COPY;
    return 0;
}

/* Some words are for one of the two alone. */
static int check_options(const struct mtd_mount *m, unsigned seen, struct mtd_error *err)
{
    bool volume = m->type == MTD_MOUNT_VOLUME;
    if (volume && (seen & 1u << VOLUME_SPREAD))
        return mtd_fail(err, EINVAL, "invalid mode: %s is for host paths, not volumes",
                        mtd_propagation_name(m->propagation));
    if (!volume && m->no_copy)
        return mtd_fail(err, EINVAL,
                        "invalid mode: nocopy is for volumes, not host paths");
    return 0;
}

static int apply_volume_options(struct mtd_mount *m, char *options, unsigned *seen,
                                struct mtd_error *err)
{
    char *save = NULL;
    m->mode = strdup(options);
    if (!m->mode)
        return mtd_fail(err, ENOMEM, "out of memory");
    for (char *word = strtok_r(options, ",", &save); word;
         word = strtok_r(NULL, ",", &save)) {
        int rc = apply_volume_option(m, word, seen, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int parse_volume_parts(char *text, struct mtd_mount *m, struct mtd_error *err)
{
    char *target = strchr(text, ':');
    if (!target) {
        m->type = MTD_MOUNT_VOLUME;
        m->anonymous = true;
        return spec_mount_target(m, text, err);
    }
    *target++ = '\0';
    char *options = strchr(target, ':');
    if (options)
        *options++ = '\0';
    if (options && strchr(options, ':'))
        return mtd_fail(err, EINVAL, "too many colons; write HOST:CONTAINER[:ro,idmap]");
    if (!*text)
        return mtd_fail(err, EINVAL, "the part before the colon is empty");
    unsigned seen = 0;
    int rc = spec_mount_target(m, target, err);
    if (rc == 0 && options)
        rc = apply_volume_options(m, options, &seen, err);
    if (rc == 0)
        rc = spec_mount_source(m, text, err);
    return rc < 0 ? rc : check_options(m, seen, err);
}

static int parse_volume(const char *text, struct mtd_mount *ret, struct mtd_error *err)
{
    struct mtd_mount m = {0};
    auto_free char *copy = strdup(text);
    int rc =
        copy ? parse_volume_parts(copy, &m, err) : mtd_fail(err, ENOMEM, "out of memory");
    if (rc < 0) {
        mtd_context(err, "--volume \"%.60s\"", text);
        mtd_mount_done(&m);
        return rc;
    }
    *ret = m;
    return 0;
}

/* ---- --tmpfs ---- */

/* The options of the kernel's tmpfs; any other would fail only when it is mounted. */
static int check_tmpfs_options(const char *options, struct mtd_error *err)
{
    static const char *const KNOWN[] = {
        "size=", "mode=", "nr_inodes=", "nr_blocks=", "uid=", "gid=", "mpol=", NULL};
    static const char *const FLAGS[] = {
        "rw",          "exec",          "noexec",   "suid",       "nosuid",
        "dev",         "nodev",         "ro",       "sync",       "async",
        "dirsync",     "atime",         "noatime",  "relatime",   "norelatime",
        "strictatime", "nostrictatime", "diratime", "nodiratime", NULL};
    for (const char *p = options; *p;) {
        size_t len = strcspn(p, ",");
        bool ok = len == 0;
        for (const char *const *k = KNOWN; *k && !ok; k++)
            ok = strncmp(p, *k, strlen(*k)) == 0 && len > strlen(*k);
        for (const char *const *k = FLAGS; *k && !ok; k++)
            ok = strlen(*k) == len && strncmp(p, *k, len) == 0;
        if (!ok)
            return mtd_fail(err, EINVAL, "unknown tmpfs option \"%.*s\"",
                            (int)(len > 60 ? 60 : len), p);
        p += len + (p[len] == ',');
    }
    return 0;
}

static int parse_tmpfs(const char *text, struct mtd_mount *ret, struct mtd_error *err)
{
    struct mtd_mount m = {.type = MTD_MOUNT_TMPFS};
    auto_free char *target = strndup(text, strcspn(text, ":"));
    const char *colon = strchr(text, ':');
    int rc = target ? spec_mount_target(&m, target, err)
                    : mtd_fail(err, ENOMEM, "out of memory");
    if (rc == 0 && colon && colon[1]) {
        rc = check_tmpfs_options(colon + 1, err);
        m.options = strdup(colon + 1);
        if (rc == 0 && !m.options)
            rc = mtd_fail(err, ENOMEM, "out of memory");
    }
    if (rc < 0) {
        mtd_context(err, "--tmpfs \"%.60s\"", text);
        mtd_mount_done(&m);
        return rc;
    }
    *ret = m;
    return 0;
}

/* ---- all of them ---- */

static int add_mount(struct mtd_spec *s, struct mtd_mount *m, struct mtd_error *err)
{
    const char *target = m->target ? m->target : "";
    for (size_t i = 0; i < s->n_mounts; i++)
        if (s->mounts[i].target && strcmp(s->mounts[i].target, target) == 0)
            return mtd_fail(err, EINVAL, "duplicate mount point: %.120s", target);
    struct mtd_mount *mounts = realloc(s->mounts, (s->n_mounts + 1) * sizeof(*s->mounts));
    if (!mounts)
        return mtd_fail(err, ENOMEM, "out of memory");
    s->mounts = mounts;
    s->mounts[s->n_mounts++] = *m;
    *m = (struct mtd_mount){0};
    return 0;
}

typedef int (*parse_fn)(const char *text, struct mtd_mount *ret, struct mtd_error *err);

/* docker keeps -v in a set: the same text twice is one mount. --tmpfs it keeps by path: the
 * last one for a path counts. --mount is a list. */
enum repeats { REPEATS_NEVER, REPEATS_SAME_TEXT, REPEATS_SAME_PATH };

static bool is_repeated(const struct option_list *values, size_t i, enum repeats how)
{
    const char *text = values->items[i];
    size_t len = strcspn(text, ":");
    for (size_t k = i + 1; k < values->len; k++) {
        const char *later = values->items[k];
        if ((how == REPEATS_SAME_TEXT && strcmp(later, text) == 0) ||
            (how == REPEATS_SAME_PATH && strcspn(later, ":") == len &&
             strncmp(later, text, len) == 0))
            return true;
    }
    return false;
}

static int add_all(struct mtd_spec *s, const struct option_list *values, parse_fn parse,
                   enum repeats repeats, struct mtd_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < values->len && rc == 0; i++) {
        auto_done(mtd_mount_done) struct mtd_mount m = {0};
        if (is_repeated(values, i, repeats))
            continue;
        rc = parse(values->items[i], &m, err);
        if (rc == 0)
            rc = add_mount(s, &m, err);
    }
    return rc;
}

int spec_volumes(struct mtd_spec *s, const struct option_list *values,
                 struct mtd_error *err)
{
    return add_all(s, values, parse_volume, REPEATS_SAME_TEXT, err);
}

int spec_mounts(struct mtd_spec *s, const struct option_list *values,
                struct mtd_error *err)
{
    return add_all(s, values, spec_mount_parse, REPEATS_NEVER, err);
}

int spec_tmpfs(struct mtd_spec *s, const struct option_list *values,
               struct mtd_error *err)
{
    return add_all(s, values, parse_tmpfs, REPEATS_SAME_PATH, err);
}
