/* spec_mounts - -v, --mount and --tmpfs. A host path that does not exist is refused here,
 * before anything is created: docker -v would make a root-owned directory of a typo. */

#include "cli/spec_mounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"

static void mount_done(struct mtd_mount *m)
{
    free(m->source);
    free(m->target);
    free(m->options);
    *m = (struct mtd_mount){0};
}

/* "/a/./b/../c//" -> "/a/c"; relative to the working directory. */
static int set_path(char **field, const char *path, struct mtd_error *err)
{
    auto_free char *all = NULL;
    int rc = fs_absolute(path, &all);
    if (rc == 0) {
        fs_clean_path(all);
        free(*field);
        *field = take_ptr(&all);
        return 0;
    }
    if (rc == -ENOENT)
        mtd_fail(err, ENOENT, "\"%.80s\": " FS_NO_CWD, path);
    else
        mtd_fail_errno(err, rc < 0 ? -rc : ENOMEM, "\"%.80s\"", path);
    return rc < 0 ? rc : -ENOMEM;
}

static int set_target(struct mtd_mount *m, const char *target, struct mtd_error *err)
{
    if (*target != '/')
        return mtd_fail(err, EINVAL,
                        "\"%.80s\" must be an absolute path in the container", target);
    int rc = set_path(&m->target, target, err);
    if (rc < 0)
        return rc;
    if (strcmp(m->target, "/") == 0)
        return mtd_fail(err, EINVAL, "the target cannot be \"/\"");
    return 0;
}

/* A host path, or a volume's name. */
static int set_source(struct mtd_mount *m, const char *source, struct mtd_error *err)
{
    struct stat st;
    bool path = *source == '/' || *source == '.';
    int rc = path ? 0 : mtd_volume_name_check(source, err);
    if (rc < 0)
        return rc;
    m->type = path ? MTD_MOUNT_BIND : MTD_MOUNT_VOLUME;
    rc = path ? set_path(&m->source, source, err) : 0;
    if (rc == 0 && !path && !(m->source = strdup(source)))
        return mtd_fail(err, ENOMEM, "out of memory");
    if (rc < 0)
        return rc;
    if (path && stat(m->source, &st) < 0)
        return mtd_fail(err, errno, "host path %.120s: %s%s", m->source, strerror(errno),
                        errno == ENOENT ? "; create it first" : "");
    return 0;
}

/* What docker accepts after the second colon; some of it has no effect here. Words of one
 * kind exclude each other. */
enum volume_option {
    VOLUME_MODE,
    VOLUME_COPY,
    VOLUME_LABEL,
    VOLUME_CACHE,
    VOLUME_SPREAD,
    VOLUME_IDMAP
};
static const struct {
    const char *word;
    enum volume_option kind;
} VOLUME_OPTIONS[] = {
    {"ro", VOLUME_MODE},          {"rw", VOLUME_MODE},        {"nocopy", VOLUME_COPY},
    {"z", VOLUME_LABEL},          {"Z", VOLUME_LABEL},        {"cached", VOLUME_CACHE},
    {"consistent", VOLUME_CACHE}, {"default", VOLUME_CACHE},  {"delegated", VOLUME_CACHE},
    {"rprivate", VOLUME_SPREAD},  {"private", VOLUME_SPREAD}, {"idmap", VOLUME_IDMAP},
};

static int apply_volume_option(struct mtd_mount *m, const char *word, unsigned *seen,
                               struct mtd_error *err)
{
    size_t i = 0;
    while (i < ARRAY_SIZE(VOLUME_OPTIONS) && strcmp(word, VOLUME_OPTIONS[i].word) != 0)
        i++;
    if (i == ARRAY_SIZE(VOLUME_OPTIONS))
        return mtd_fail(err, EINVAL,
                        "unknown option \"%.60s\"; use ro, rw, nocopy or idmap", word);
    unsigned bit = 1u << VOLUME_OPTIONS[i].kind;
    if (*seen & bit)
        return mtd_fail(err, EINVAL,
                        "option \"%.60s\": another one of its kind is given already",
                        word);
    *seen |= bit;
    if (VOLUME_OPTIONS[i].kind == VOLUME_MODE)
        m->read_only = strcmp(word, "ro") == 0;
    m->idmap = m->idmap || VOLUME_OPTIONS[i].kind == VOLUME_IDMAP;
    m->no_copy = m->no_copy || VOLUME_OPTIONS[i].kind == VOLUME_COPY;
    return 0;
}

static int apply_volume_options(struct mtd_mount *m, char *options, struct mtd_error *err)
{
    char *save = NULL;
    unsigned seen = 0;
    for (char *word = strtok_r(options, ",", &save); word;
         word = strtok_r(NULL, ",", &save)) {
        int rc = apply_volume_option(m, word, &seen, err);
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
        return set_target(m, text, err);
    }
    *target++ = '\0';
    char *options = strchr(target, ':');
    if (options)
        *options++ = '\0';
    if (options && strchr(options, ':'))
        return mtd_fail(err, EINVAL, "too many colons; write HOST:CONTAINER[:ro]");
    if (!*text)
        return mtd_fail(err, EINVAL, "the part before the colon is empty");
    int rc = set_target(m, target, err);
    if (rc == 0 && options)
        rc = apply_volume_options(m, options, err);
    return rc < 0 ? rc : set_source(m, text, err);
}

static int parse_volume(const char *text, struct mtd_mount *ret, struct mtd_error *err)
{
    struct mtd_mount m = {0};
    auto_free char *copy = strdup(text);
    int rc =
        copy ? parse_volume_parts(copy, &m, err) : mtd_fail(err, ENOMEM, "out of memory");
    if (rc < 0) {
        mtd_context(err, "--volume \"%.60s\"", text);
        mount_done(&m);
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
    int rc =
        target ? set_target(&m, target, err) : mtd_fail(err, ENOMEM, "out of memory");
    if (rc == 0 && colon && colon[1]) {
        rc = check_tmpfs_options(colon + 1, err);
        m.options = strdup(colon + 1);
        if (rc == 0 && !m.options)
            rc = mtd_fail(err, ENOMEM, "out of memory");
    }
    if (rc < 0) {
        mtd_context(err, "--tmpfs \"%.60s\"", text);
        mount_done(&m);
        return rc;
    }
    *ret = m;
    return 0;
}

/* ---- --mount ---- */

struct mount_words {
    const char *type, *source, *target, *tmpfs_size, *tmpfs_mode;
    bool read_only, no_copy, idmap;
};

static int read_mount_word(struct mount_words *w, char *word, struct mtd_error *err)
{
    const struct {
        const char *key;
        const char **field;
    } KEYS[] = {{"type", &w->type},
                {"source", &w->source},
                {"src", &w->source},
                {"target", &w->target},
                {"dst", &w->target},
                {"destination", &w->target},
                {"tmpfs-size", &w->tmpfs_size},
                {"tmpfs-mode", &w->tmpfs_mode}};
    const struct {
        const char *key;
        bool *field;
    } FLAGS[] = {{"readonly", &w->read_only},
                 {"ro", &w->read_only},
                 {"idmap", &w->idmap},
                 {"volume-nocopy", &w->no_copy}};
    char *value = strchr(word, '=');
    if (value)
        *value++ = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(FLAGS); i++)
        if (strcmp(word, FLAGS[i].key) == 0) {
            *FLAGS[i].field = true;
            return value && parse_bool(value, FLAGS[i].field) < 0
                       ? mtd_fail(err, EINVAL, "%s=\"%.40s\" is not true or false", word,
                                  value)
                       : 0;
        }
    if (strcmp(word, "bind-propagation") == 0 && value &&
        (strcmp(value, "rprivate") == 0 || strcmp(value, "private") == 0))
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(KEYS); i++)
        if (strcmp(word, KEYS[i].key) == 0) {
            if (!value || !*value)
                return mtd_fail(err, EINVAL, "%s needs a value", word);
            *KEYS[i].field = value;
            return 0;
        }
    return mtd_fail(
        err, EINVAL,
        "unknown key \"%.40s\"; use type, source, target, readonly, tmpfs-size, "
        "tmpfs-mode",
        word);
}

static int build_tmpfs(const struct mount_words *w, struct mtd_mount *m,
                       struct mtd_error *err)
{
    struct buf b = {0};
    uint64_t size;
    if (w->source)
        return mtd_fail(err, EINVAL, "a tmpfs has no source");
    if (w->tmpfs_size && parse_size(w->tmpfs_size, &size) < 0)
        return mtd_fail(err, EINVAL, "tmpfs-size \"%.40s\" is not a size", w->tmpfs_size);
    if (w->tmpfs_mode && w->tmpfs_mode[strspn(w->tmpfs_mode, "01234567")])
        return mtd_fail(err, EINVAL, "tmpfs-mode \"%.40s\" is not octal", w->tmpfs_mode);
    m->type = MTD_MOUNT_TMPFS;
    int rc = 0;
    if (w->tmpfs_size)
        rc = buf_printf(&b, "size=%llu", (unsigned long long)size);
    if (rc == 0 && w->tmpfs_mode)
        rc = buf_printf(&b, "%smode=%s", b.len ? "," : "", w->tmpfs_mode);
    if (rc < 0) {
        buf_done(&b);
        return mtd_fail(err, ENOMEM, "out of memory");
    }
    m->options = b.len ? buf_take(&b) : NULL;
    return 0;
}

static int build_bind(const struct mount_words *w, struct mtd_mount *m,
                      struct mtd_error *err)
{
    if (!w->source)
        return mtd_fail(err, EINVAL, "a bind mount needs source=");
    if (*w->source != '/' && *w->source != '.')
        return mtd_fail(err, EINVAL, "source \"%.80s\" must be a path", w->source);
    return set_source(m, w->source, err);
}

static int build_volume(const struct mount_words *w, struct mtd_mount *m,
                        struct mtd_error *err)
{
    m->type = MTD_MOUNT_VOLUME;
    m->anonymous = !w->source;
    int rc = w->source ? mtd_volume_name_check(w->source, err) : 0;
    if (rc < 0)
        return rc;
    return w->source ? set_source(m, w->source, err) : 0;
}

static int build_mount(const struct mount_words *w, struct mtd_mount *m,
                       struct mtd_error *err)
{
    static const struct {
        const char *type;
        int (*build)(const struct mount_words *, struct mtd_mount *, struct mtd_error *);
    } TYPES[] = {{"volume", build_volume}, {"bind", build_bind}, {"tmpfs", build_tmpfs}};
    const char *type = w->type ? w->type : "volume";
    if (!w->target)
        return mtd_fail(err, EINVAL, "target= is missing");
    m->origin = MTD_ORIGIN_MOUNT;
    m->read_only = w->read_only;
    m->no_copy = w->no_copy;
    m->idmap = w->idmap;
    int rc = set_target(m, w->target, err);
    for (size_t i = 0; i < ARRAY_SIZE(TYPES) && rc == 0; i++)
        if (strcmp(type, TYPES[i].type) == 0)
            return TYPES[i].build(w, m, err);
    return rc < 0 ? rc
                  : mtd_fail(err, EINVAL,
                             "unknown type \"%.40s\"; use bind, volume or tmpfs", type);
}

static int parse_mount(const char *text, struct mtd_mount *ret, struct mtd_error *err)
{
    struct mtd_mount m = {0};
    struct mount_words w = {0};
    auto_free char *copy = strdup(text);
    char *save = NULL;
    int rc = copy ? 0 : mtd_fail(err, ENOMEM, "out of memory");
    for (char *word = rc == 0 ? strtok_r(copy, ",", &save) : NULL; word && rc == 0;
         word = strtok_r(NULL, ",", &save))
        rc = read_mount_word(&w, word, err);
    if (rc == 0)
        rc = build_mount(&w, &m, err);
    if (rc < 0) {
        mtd_context(err, "--mount \"%.60s\"", text);
        mount_done(&m);
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
        auto_done(mount_done) struct mtd_mount m = {0};
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
    return add_all(s, values, parse_mount, REPEATS_NEVER, err);
}

int spec_tmpfs(struct mtd_spec *s, const struct option_list *values,
               struct mtd_error *err)
{
    return add_all(s, values, parse_tmpfs, REPEATS_SAME_PATH, err);
}
