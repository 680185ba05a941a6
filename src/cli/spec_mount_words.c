/* spec_mount_words - --mount: "key=value" words with commas between, as a line of CSV. */

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "cli/spec_mounts.h"

/* Which type of mount a key is for; the words are docker's. */
enum group { FOR_ALL, FOR_BIND, FOR_VOLUME, FOR_TMPFS };
static const char *const GROUPS[] = {"", "bind", "volume", "tmpfs"};

struct words {
    const char *type, *source, *target, *consistency, *propagation, *recursive, *subpath,
        *driver, *size, *mode;
    bool read_only, flat, no_copy, idmap;
    struct strv labels, options;
    bool used[4]; /* groups that a key was of */
};

static void words_done(struct words *w)
{
    strv_done(&w->labels);
    strv_done(&w->options);
}

enum kind { TEXT, FLAG, LIST };
#define AT(member) offsetof(struct words, member)
static const struct key {
    const char *name;
    enum kind kind;
    enum group group;
    size_t offset;
} KEYS[] = {
    {"type", TEXT, FOR_ALL, AT(type)},
    {"source", TEXT, FOR_ALL, AT(source)},
    {"src", TEXT, FOR_ALL, AT(source)},
    {"target", TEXT, FOR_ALL, AT(target)},
    {"dst", TEXT, FOR_ALL, AT(target)},
    {"destination", TEXT, FOR_ALL, AT(target)},
    {"readonly", FLAG, FOR_ALL, AT(read_only)},
    {"ro", FLAG, FOR_ALL, AT(read_only)},
    {"idmap", FLAG, FOR_ALL, AT(idmap)},
    {"consistency", TEXT, FOR_ALL, AT(consistency)},
    {"bind-propagation", TEXT, FOR_BIND, AT(propagation)},
    {"bind-nonrecursive", FLAG, FOR_BIND, AT(flat)},
    {"bind-recursive", TEXT, FOR_BIND, AT(recursive)},
    {"volume-subpath", TEXT, FOR_VOLUME, AT(subpath)},
    {"volume-nocopy", FLAG, FOR_VOLUME, AT(no_copy)},
    {"volume-label", LIST, FOR_VOLUME, AT(labels)},
    {"volume-driver", TEXT, FOR_VOLUME, AT(driver)},
    {"volume-opt", LIST, FOR_VOLUME, AT(options)},
    {"tmpfs-size", TEXT, FOR_TMPFS, AT(size)},
    {"tmpfs-mode", TEXT, FOR_TMPFS, AT(mode)},
};

static const struct key *find_key(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(KEYS); i++)
        if (strcmp(KEYS[i].name, name) == 0)
            return &KEYS[i];
    return NULL;
}

static int set_flag(const char *name, const char *value, bool *ret, struct mtd_error *err)
{
    *ret = true;
    return value && parse_bool(value, ret) < 0
               ? mtd_fail(err, EINVAL, "invalid value for %s: %.40s", name, value)
               : 0;
}

/* "key" alone is "key=", for labels; a later one replaces it. */
static int add_word(struct strv *list, const char *value, struct mtd_error *err)
{
    auto_free char *word = NULL;
    if (asprintf(&word, "%s%s", value, strchr(value, '=') ? "" : "=") < 0 ||
        strv_env_set(list, word) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    return 0;
}

static int read_word(struct words *w, char *word, struct mtd_error *err)
{
    char *value = strchr(word, '=');
    if (value)
        *value++ = '\0';
    for (char *p = word; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    const struct key *key = find_key(word);
    if (!value && (!key || key->kind != FLAG))
        return mtd_fail(err, EINVAL, "invalid field '%.40s' must be a key=value pair",
                        word);
    if (!key)
        return mtd_fail(err, EINVAL, "unexpected key '%.40s' in '%.40s=%.40s'", word,
                        word, value);
    w->used[key->group] = true;
    char *field = (char *)w + key->offset;
    if (key->kind == FLAG)
        return set_flag(word, value, (bool *)field, err);
    if (key->kind == LIST)
        return add_word((struct strv *)field, value, err);
    *(const char **)field = *value ? value : NULL;
    return 0;
}

/* Cuts the next field of a line of CSV off, its quotes removed in place; 0 = that was all. */
static int next_field(char **at, char **ret, struct mtd_error *err)
{
    char *from = *at, *to = *at;
    *ret = *at;
    if (!from)
        return 0;
    bool quoted = *from == '"';
    for (from += quoted; *from; *to++ = *from++) {
        if (!quoted && *from == ',')
            break;
        if (*from != '"')
            continue;
        if (quoted && from[1] == '"')
            from++;
        else if (quoted && (from[1] == ',' || !from[1])) {
            quoted = false;
            from++;
            break;
        } else
            return mtd_fail(err, EINVAL, "a quote in the middle of a word");
    }
    if (quoted)
        return mtd_fail(err, EINVAL, "a quote is not closed");
    *at = *from ? from + 1 : NULL;
    *to = '\0';
    return 1;
}

static int read_words(struct words *w, char *text, struct mtd_error *err)
{
    char *field;
    if (!*text)
        return mtd_fail(err, EINVAL, "it is empty");
    int rc;
    while ((rc = next_field(&text, &field, err)) > 0) {
        rc = read_word(w, field, err);
        if (rc < 0)
            break;
    }
    return rc;
}

/* ---- what they mean ---- */

static void take_words(struct strv *to, struct strv *from)
{
    *to = *from;
    *from = (struct strv){0};
}

static int build_tmpfs(struct words *w, struct mtd_mount *m, struct mtd_error *err)
{
    auto_done(buf_done) struct buf b = {0};
    uint64_t size;
    char *end = NULL;
    if (w->source)
        return mtd_fail(err, EINVAL, "field Source must not be specified");
    if (w->size && parse_size(w->size, &size) < 0)
        return mtd_fail(err, EINVAL, "invalid value for tmpfs-size: %.40s", w->size);
    if (w->mode && (strtoul(w->mode, &end, 8) > 07777 || *end || end == w->mode ||
                    w->mode[strspn(w->mode, "01234567")]))
        return mtd_fail(err, EINVAL, "invalid value for tmpfs-mode: %.40s", w->mode);
    int rc = 0;
    if (w->size)
        rc = buf_printf(&b, "size=%llu", (unsigned long long)size);
    if (rc == 0 && w->mode)
        rc = buf_printf(&b, "%smode=%s", b.len ? "," : "", w->mode);
    if (rc < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    m->options = b.len ? buf_take(&b) : NULL;
    return 0;
}

/* docker's rules about what goes together. */
static int check_recursion(const struct words *w, struct mtd_mount *m,
                           struct mtd_error *err)
{
    if (w->flat)
        m->recursion = MTD_RECURSION_DISABLED;
    if (!w->recursive)
        return 0;
    if (mtd_recursion_parse(w->recursive, &m->recursion) < 0)
        return mtd_fail(err, EINVAL,
                        "invalid value for bind-recursive: %.40s (must be \"enabled\", "
                        "\"disabled\", \"writable\", or \"readonly\")",
                        w->recursive);
    bool read_only = m->recursion == MTD_RECURSION_READONLY;
    if ((read_only || m->recursion == MTD_RECURSION_WRITABLE) && !w->read_only)
        return mtd_fail(err, EINVAL,
                        "option 'bind-recursive=%s' requires 'readonly' to be specified "
                        "in conjunction",
                        w->recursive);
    if (read_only && (!w->propagation || m->propagation != MTD_PROPAGATION_RPRIVATE))
        return mtd_fail(err, EINVAL,
                        "option 'bind-recursive=readonly' requires "
                        "'bind-propagation=rprivate' to be specified in conjunction");
    return 0;
}

static int build_bind(struct words *w, struct mtd_mount *m, struct mtd_error *err)
{
    if (!w->source)
        return mtd_fail(err, EINVAL, "field Source must not be empty");
    if (*w->source != '/' && *w->source != '.')
        return mtd_fail(err, EINVAL, "source \"%.80s\" must be a path", w->source);
    if (w->propagation && mtd_propagation_parse(w->propagation, &m->propagation) < 0)
        return mtd_fail(err, EINVAL,
                        "invalid propagation mode: %.40s; use rprivate, private, rslave, "
                        "slave, rshared or shared",
                        w->propagation);
    int rc = check_recursion(w, m, err);
    return rc < 0 ? rc : spec_mount_source(m, w->source, err);
}

static int build_volume(struct words *w, struct mtd_mount *m, struct mtd_error *err)
{
    if (w->driver && strcmp(w->driver, "local") != 0)
        return mtd_fail(err, EINVAL,
                        "volume-driver: \"%.40s\" is not supported; only local is",
                        w->driver);
    m->anonymous = !w->source;
    m->no_copy = w->no_copy;
    int rc = w->source ? mtd_volume_name_check(w->source, err) : 0;
    if (rc == 0 && w->source)
        rc = spec_mount_source(m, w->source, err);
    if (rc == 0 && w->subpath && !(m->subpath = strdup(w->subpath)))
        rc = mtd_fail(err, ENOMEM, "out of memory");
    take_words(&m->volume_labels, &w->labels);
    take_words(&m->volume_options, &w->options);
    return rc;
}

static int check_groups(const struct words *w, enum group own, struct mtd_error *err)
{
    for (int g = FOR_BIND; g <= FOR_TMPFS; g++)
        if (w->used[g] && g != (int)own)
            return mtd_fail(err, EINVAL, "cannot mix '%s-*' options with mount type '%s'",
                            GROUPS[g], GROUPS[own]);
    return 0;
}

static int check_consistency(const char *word, struct mtd_error *err)
{
    static const char *const WORDS[] = {"default", "consistent", "cached", "delegated"};
    for (size_t i = 0; word && i < ARRAY_SIZE(WORDS); i++)
        if (strcmp(word, WORDS[i]) == 0)
            return 0;
    return word ? mtd_fail(err, EINVAL, "invalid value for consistency: %.40s", word) : 0;
}

static const struct {
    const char *word;
    enum group group;
    enum mtd_mount_type type;
    int (*build)(struct words *, struct mtd_mount *, struct mtd_error *);
} TYPES[] = {{"volume", FOR_VOLUME, MTD_MOUNT_VOLUME, build_volume},
             {"bind", FOR_BIND, MTD_MOUNT_BIND, build_bind},
             {"tmpfs", FOR_TMPFS, MTD_MOUNT_TMPFS, build_tmpfs}};

static int build(struct words *w, struct mtd_mount *m, struct mtd_error *err)
{
    const char *type = w->type ? w->type : "volume";
    size_t i = 0;
    while (i < ARRAY_SIZE(TYPES) && strcasecmp(type, TYPES[i].word) != 0)
        i++;
    if (!w->target)
        return mtd_fail(err, EINVAL, "target is required");
    if (i == ARRAY_SIZE(TYPES))
        return mtd_fail(err, EINVAL,
                        "mount type unknown: \"%.40s\"; use bind, volume or tmpfs", type);
    m->origin = MTD_ORIGIN_MOUNT;
    m->type = TYPES[i].type;
    m->read_only = w->read_only;
    m->idmap = w->idmap;
    int rc = check_groups(w, TYPES[i].group, err);
    if (rc == 0)
        rc = check_consistency(w->consistency, err);
    if (rc == 0)
        rc = spec_mount_target(m, w->target, err);
    return rc < 0 ? rc : TYPES[i].build(w, m, err);
}

int spec_mount_parse(const char *text, struct mtd_mount *ret, struct mtd_error *err)
{
    auto_done(mtd_mount_done) struct mtd_mount m = {0};
    auto_done(words_done) struct words w = {0};
    auto_free char *copy = strdup(text);
    int rc = copy ? read_words(&w, copy, err) : mtd_fail(err, ENOMEM, "out of memory");
    if (rc == 0)
        rc = build(&w, &m, err);
    if (rc < 0) {
        mtd_context(err, "--mount \"%.60s\"", text);
        return rc;
    }
    *ret = m;
    m = (struct mtd_mount){0};
    return 0;
}
