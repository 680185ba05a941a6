/* `commit -c` takes those Dockerfile instructions that only change an image's config, those
 * that docker takes. They are one table; any other is refused by name. */

#include "engine/image/image.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "engine/image/dockerfile_words.h"
#include "engine/image/internal.h"

#define BLANKS " \t\r\n"
#define MAX_INSTRUCTION (64u << 10)
#define MAX_PORTS 1024

struct change {
    struct mtd_image_config *config;
    const char *rest; /* of the instruction, without blanks at both ends */
    bool cmd_set;     /* CMD came before in this list */
};

static int no_memory(struct mtd_error *err)
{
    return mtd_fail_errno(err, ENOMEM, "cannot change the config");
}

static int expand(const struct change *c, const char *word, char **ret,
                  struct mtd_error *err)
{
    const char *reason;
    int rc = dockerfile_words_expand(word, &c->config->env, ret, &reason);
    if (rc == -EINVAL)
        return mtd_fail(err, EINVAL, "%.100s: %s", word, reason);
    return rc < 0 ? no_memory(err) : 0;
}

static int expand_all(const struct change *c, const struct strv *raw, struct strv *ret,
                      struct mtd_error *err)
{
    for (size_t i = 0; i < raw->len; i++) {
        char *word;
        int rc = expand(c, raw->items[i], &word, err);
        if (rc < 0)
            return rc;
        if (strv_take(ret, word) < 0)
            return no_memory(err);
    }
    return 0;
}

static int expand_words(const struct change *c, struct strv *ret, struct mtd_error *err)
{
    auto_done(strv_done) struct strv raw = {0};
    if (dockerfile_words_split(c->rest, &raw) < 0)
        return no_memory(err);
    return expand_all(c, &raw, ret, err);
}

static void replace_list(struct strv *to, struct strv *from)
{
    strv_done(to);
    *to = *from;
    *from = (struct strv){0};
}

static int parse_json_list(const struct change *c, struct strv *ret,
                           struct mtd_error *err)
{
    int rc = dockerfile_words_json(c->rest, ret);
    if (rc == -EINVAL)
        return mtd_fail(err, EINVAL, "%.100s: a JSON list here is one of strings",
                        c->rest);
    return rc < 0 ? no_memory(err) : rc;
}

/* Exec form, or a line for the shell. */
static int set_command(const struct change *c, struct strv *to, struct mtd_error *err)
{
    auto_done(strv_done) struct strv args = {0};
    int rc = parse_json_list(c, &args, err);
    if (rc < 0)
        return rc;
    if (rc == 0 && c->rest[0] &&
        (strv_add(&args, "/bin/sh") < 0 || strv_add(&args, "-c") < 0 ||
         strv_add(&args, c->rest) < 0))
        return no_memory(err);
    replace_list(to, &args);
    return 0;
}

static int change_cmd(struct change *c, struct mtd_error *err)
{
    c->cmd_set = true;
    return set_command(c, &c->config->cmd, err);
}

/* The old CMD was made for the old ENTRYPOINT. */
static int change_entrypoint(struct change *c, struct mtd_error *err)
{
    int rc = set_command(c, &c->config->entrypoint, err);
    if (rc == 0 && !c->cmd_set)
        strv_done(&c->config->cmd);
    return rc;
}

/* "NAME value with spaces": everything after the name. */
static int set_old_form(const struct change *c, struct strv *to, struct mtd_error *err)
{
    size_t n = strcspn(c->rest, BLANKS);
    const char *value = c->rest + n + strspn(c->rest + n, BLANKS);
    if (!value[0])
        return mtd_fail(err, EINVAL, "\"%.100s\" is not NAME=VALUE", c->rest);
    auto_free char *word = strndup(c->rest, n), *name = NULL;
    auto_free char *text = NULL, *assignment = NULL;
    if (!word)
        return no_memory(err);
    int rc = expand(c, word, &name, err);
    if (rc == 0)
        rc = expand(c, value, &text, err);
    if (rc < 0)
        return rc;
    if (!name[0])
        return mtd_fail(err, EINVAL, "\"%.100s\" is not NAME=VALUE", c->rest);
    if (asprintf(&assignment, "%s=%s", name, text) < 0) {
        assignment = NULL;
        return no_memory(err);
    }
    return strv_env_set(to, assignment) < 0 ? no_memory(err) : 0;
}

static int set_pairs(const struct change *c, struct strv *to, struct mtd_error *err)
{
    auto_done(strv_done) struct strv words = {0}, raw = {0};
    if (dockerfile_words_split(c->rest, &raw) < 0)
        return no_memory(err);
    if (raw.len > 0 && !strchr(raw.items[0], '='))
        return set_old_form(c, to, err);
    int rc = expand_words(c, &words, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < words.len; i++)
        if (!strchr(words.items[i], '=') || words.items[i][0] == '=')
            return mtd_fail(err, EINVAL, "\"%.100s\" is not NAME=VALUE", words.items[i]);
    for (size_t i = 0; i < words.len; i++)
        if (strv_env_set(to, words.items[i]) < 0)
            return no_memory(err);
    return 0;
}

static int change_env(struct change *c, struct mtd_error *err)
{
    return set_pairs(c, &c->config->env, err);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(struct strv *v)
{
    if (v->len > 1)
        qsort(v->items, v->len, sizeof(*v->items), compare);
}

static int change_label(struct change *c, struct mtd_error *err)
{
    int rc = set_pairs(c, &c->config->labels, err);
    sort(&c->config->labels);
    return rc;
}

static int set_text(char **to, char *text)
{
    free(*to);
    *to = text;
    return 0;
}

static int change_user(struct change *c, struct mtd_error *err)
{
    char *user;
    int rc = expand(c, c->rest, &user, err);
    return rc < 0 ? rc : set_text(&c->config->user, user);
}

/* Joined to the present one, "." and ".." resolved in the text. */
static int join_path(const char *base, const char *path, struct buf *ret)
{
    int rc = buf_puts(ret, "");
    const char *parts[] = {path[0] == '/' || !base ? "" : base, path};
    for (size_t i = 0; i < ARRAY_SIZE(parts) && rc == 0; i++) {
        const char *p = parts[i];
        while (rc == 0 && *(p += strspn(p, "/"))) {
            size_t n = strcspn(p, "/");
            if (n == 2 && p[0] == '.' && p[1] == '.')
                while (ret->len > 0 && ret->data[--ret->len] != '/')
                    ;
            else if (!(n == 1 && p[0] == '.'))
                rc = buf_printf(ret, "/%.*s", (int)n, p);
            p += n;
        }
    }
    if (rc == 0 && ret->len == 0)
        rc = buf_puts(ret, "/");
    if (rc == 0)
        ret->data[ret->len] = '\0';
    return rc;
}

static int change_workdir(struct change *c, struct mtd_error *err)
{
    auto_free char *path = NULL;
    auto_done(buf_done) struct buf full = {0};
    int rc = expand(c, c->rest, &path, err);
    if (rc < 0)
        return rc;
    if (join_path(c->config->working_dir, path, &full) < 0)
        return no_memory(err);
    char *text = buf_take(&full);
    return text ? set_text(&c->config->working_dir, text) : no_memory(err);
}

static int add_unique(struct strv *to, const char *s)
{
    return strv_contains(to, s) ? 0 : strv_add(to, s);
}

static int change_volume(struct change *c, struct mtd_error *err)
{
    auto_done(strv_done) struct strv raw = {0}, paths = {0};
    int rc = parse_json_list(c, &raw, err);
    if (rc >= 0)
        rc = rc == 1 ? expand_all(c, &raw, &paths, err) : expand_words(c, &paths, err);
    if (rc < 0)
        return rc;
    if (paths.len == 0)
        return mtd_fail(err, EINVAL, "VOLUME needs a value");
    for (size_t i = 0; i < paths.len; i++)
        if (paths.items[i][0] != '/')
            return mtd_fail(err, EINVAL, "\"%.100s\" is not an absolute path",
                            paths.items[i]);
    for (size_t i = 0; i < paths.len; i++)
        if (add_unique(&c->config->volumes, paths.items[i]) < 0)
            return no_memory(err);
    sort(&c->config->volumes);
    return 0;
}

static int bad_port(const char *text, struct mtd_error *err)
{
    return mtd_fail(err, EINVAL, "\"%.100s\" is not PORT[-PORT][/tcp|udp|sctp]", text);
}

/* In any case; none is tcp. NULL: another one. */
static const char *find_protocol(const char *name)
{
    static const char *const KNOWN[] = {"tcp", "udp", "sctp"};
    for (size_t i = 0; i < ARRAY_SIZE(KNOWN); i++)
        if (!name[0] || strcasecmp(KNOWN[i], name) == 0)
            return KNOWN[i];
    return NULL;
}

/* "80", "80-90/udp" -> "80/tcp"; "80/udp" ... */
static int add_ports(struct strv *to, const char *text, struct mtd_error *err)
{
    char range[16];
    const char *slash = strchr(text, '/'), *proto = find_protocol(slash ? slash + 1 : "");
    size_t n = slash ? (size_t)(slash - text) : strlen(text);
    uint64_t first, last;
    if (n >= sizeof(range) || !proto)
        return bad_port(text, err);
    memcpy(range, text, n);
    range[n] = '\0';
    char *dash = strchr(range, '-');
    if (dash)
        *dash++ = '\0';
    if (parse_u64(range, 65535, &first) < 0 ||
        parse_u64(dash ? dash : range, 65535, &last) < 0 || first < 1 || last < first ||
        last - first >= MAX_PORTS)
        return bad_port(text, err);
    for (uint64_t port = first; port <= last; port++) {
        char item[32];
        snprintf(item, sizeof(item), "%u/%s", (unsigned)port, proto);
        if (add_unique(to, item) < 0)
            return no_memory(err);
    }
    return 0;
}

/* A variable may hold several, or none. */
static int add_each_port(struct strv *to, const char *text, struct mtd_error *err)
{
    auto_done(strv_done) struct strv parts = {0};
    int rc = dockerfile_words_split(text, &parts) < 0 ? no_memory(err) : 0;
    for (size_t i = 0; i < parts.len && rc == 0; i++)
        rc = add_ports(to, parts.items[i], err);
    return rc;
}

static int change_expose(struct change *c, struct mtd_error *err)
{
    auto_done(strv_done) struct strv words = {0}, ports = {0};
    int rc = strv_copy(&ports, &c->config->exposed) < 0 ? no_memory(err) : 0;
    if (rc == 0)
        rc = expand_words(c, &words, err);
    for (size_t i = 0; i < words.len && rc == 0; i++)
        rc = add_each_port(&ports, words.items[i], err);
    if (rc < 0)
        return rc;
    sort(&ports);
    replace_list(&c->config->exposed, &ports);
    return 0;
}

static int change_stop_signal(struct change *c, struct mtd_error *err)
{
    auto_free char *text = NULL;
    int sig, rc = expand(c, c->rest, &text, err);
    if (rc < 0)
        return rc;
    if (parse_signal(text, &sig) < 0)
        return mtd_fail(err, EINVAL, "\"%.100s\" is not a signal", text);
    free(c->config->stop_signal);
    c->config->stop_signal = take_ptr(&text);
    return 0;
}

static int change_healthcheck(struct change *c, struct mtd_error *err)
{
    return image_parse_healthcheck(c->rest, &c->config->healthcheck, err);
}

/* Kept as it is typed, for the builds that take the image as their base. */
static int change_on_build(struct change *c, struct mtd_error *err)
{
    static const char *const NEVER[] = {"ONBUILD", "FROM", "MAINTAINER"};
    size_t n = strcspn(c->rest, BLANKS);
    for (size_t i = 0; i < ARRAY_SIZE(NEVER); i++)
        if (strlen(NEVER[i]) == n && strncasecmp(NEVER[i], c->rest, n) == 0)
            return mtd_fail(err, EINVAL, "%s cannot be a trigger", NEVER[i]);
    return strv_add(&c->config->on_build, c->rest) < 0 ? no_memory(err) : 0;
}

static const struct instruction {
    const char *name;
    int (*change)(struct change *, struct mtd_error *);
    bool may_be_empty;
} INSTRUCTIONS[] = {
    {"CMD", change_cmd, true},    {"ENTRYPOINT", change_entrypoint, true},
    {"ENV", change_env},          {"EXPOSE", change_expose},
    {"LABEL", change_label},      {"HEALTHCHECK", change_healthcheck},
    {"ONBUILD", change_on_build}, {"STOPSIGNAL", change_stop_signal},
    {"USER", change_user},        {"VOLUME", change_volume},
    {"WORKDIR", change_workdir},
};

static const struct instruction *find_instruction(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_SIZE(INSTRUCTIONS); i++)
        if (strlen(INSTRUCTIONS[i].name) == len &&
            strncasecmp(INSTRUCTIONS[i].name, name, len) == 0)
            return &INSTRUCTIONS[i];
    return NULL;
}

static int apply(struct change *c, const char *text, struct mtd_error *err)
{
    text += strspn(text, BLANKS);
    size_t len = strlen(text), n = strcspn(text, BLANKS);
    const struct instruction *in = find_instruction(text, n);
    if (!in)
        return mtd_fail(
            err, EINVAL,
            "\"%.*s\" cannot be changed; use CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, "
            "LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME or WORKDIR",
            n > 40 ? 40 : (int)n, text);
    if (len > MAX_INSTRUCTION)
        return mtd_fail(err, EINVAL, "%s: longer than 64 KiB", in->name);
    auto_free char *rest = strdup(text + n + strspn(text + n, BLANKS));
    if (!rest)
        return no_memory(err);
    for (len = strlen(rest); len > 0 && strchr(BLANKS, rest[len - 1]);)
        rest[--len] = '\0';
    if (!rest[0] && !in->may_be_empty)
        return mtd_fail(err, EINVAL, "%s needs a value", in->name);
    c->rest = rest;
    int rc = in->change(c, err);
    if (rc < 0)
        mtd_context(err, "%s", in->name);
    return rc;
}

int image_apply_change(struct mtd_image_config *c, const char *instruction,
                       struct mtd_error *err)
{
    char *items[] = {(char *)instruction, NULL}; /* only read */
    return image_apply_changes(c, &(struct strv){.items = items, .len = 1}, err);
}

int image_apply_changes(struct mtd_image_config *c, const struct strv *instructions,
                        struct mtd_error *err)
{
    struct change change = {.config = c};
    auto_done(strv_done) struct strv lines = {0};
    if (dockerfile_lines(instructions, &lines) < 0)
        return no_memory(err);
    if (lines.len == 0 && instructions->len > 0)
        return mtd_fail(err, EINVAL, "no instruction; write one like CMD [\"sh\"]");
    for (size_t i = 0; i < lines.len; i++) {
        int rc = apply(&change, lines.items[i], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}
