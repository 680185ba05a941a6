/* The templates are those of --format, below the engine, so that a tag and a column are typed
 * alike. */

#include "engine/attrs.h"

#include <errno.h>
#include <jansson.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/utf8.h"
#include "cli/template/template.h"

#define SHORT 12
#define SHA256 "sha256:"

const char *mtd_log_opt(const struct mtd_spec *s, const char *name)
{
    return strv_env_get(&s->log_opts, name);
}

bool mtd_log_compresses(const struct mtd_spec *s)
{
    const char *value = mtd_log_opt(s, "compress");
    bool on = s->log_driver == MTD_LOG_LOCAL;
    if (value)
        (void)parse_bool(value, &on);
    return on && s->log_driver != MTD_LOG_NONE && s->log_max_size && s->log_max_file > 1;
}

static bool has_key(const char *pair, const char *name, size_t len)
{
    return strncmp(pair, name, len) == 0 && pair[len] == '=';
}

static int add_listed(const char *names, const struct strv *from, struct strv *ret)
{
    int rc = 0;
    while (names && *names) {
        size_t len = strcspn(names, ",");
        for (size_t i = 0; i < from->len && rc == 0; i++)
            if (has_key(from->items[i], names, len))
                rc = strv_env_set(ret, from->items[i]);
        names += len + (names[len] == ',');
    }
    return rc;
}

static void regex_done(regex_t **re)
{
    if (*re)
        regfree(*re);
}

static int add_matching(const char *option, const char *pattern, const struct strv *from,
                        struct strv *ret, struct mtd_error *err)
{
    regex_t re;
    int rc = 0;
    if (!pattern || !*pattern)
        return 0;
    if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB))
        return mtd_fail(err, EINVAL, "the log option %s: \"%.80s\" is no pattern", option,
                        pattern);
    auto_done(regex_done) regex_t *owned = &re;
    for (size_t i = 0; i < from->len && rc == 0; i++) {
        auto_free char *key = strndup(from->items[i], strcspn(from->items[i], "="));
        if (!key)
            rc = -ENOMEM;
        else if (regexec(owned, key, 0, NULL, 0) == 0)
            rc = strv_env_set(ret, from->items[i]);
    }
    return rc;
}

static int compare_keys(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    size_t n = strcspn(x, "="), m = strcspn(y, "=");
    int order = memcmp(x, y, n < m ? n : m);
    return order ? order : (n > m) - (n < m);
}

static int sorted(struct strv *v, int rc, struct mtd_error *err)
{
    if (v->len > 1)
        qsort(v->items, v->len, sizeof(char *), compare_keys);
    return rc < 0 && err && !err->code ? mtd_fail_errno(err, -rc, "the log's labels")
                                       : rc;
}

static int choose(const struct mtd_spec *s, struct strv *ret, struct mtd_error *err)
{
    const struct {
        const char *names, *pattern;
        const struct strv *from;
    } KINDS[] = {{"labels", "labels-regex", &s->labels},
                 {"env", "env-regex", &s->process.env}};
    int rc = 0;
    for (size_t i = 0; i < ARRAY_SIZE(KINDS) && rc == 0; i++) {
        rc = add_listed(mtd_log_opt(s, KINDS[i].names), KINDS[i].from, ret);
        if (rc == 0)
            rc = add_matching(KINDS[i].pattern, mtd_log_opt(s, KINDS[i].pattern),
                              KINDS[i].from, ret, err);
    }
    return rc;
}

int mtd_log_attrs(const struct mtd_spec *s, struct strv *ret, struct mtd_error *err)
{
    return sorted(ret, choose(s, ret, err), err);
}

/* ---- the tag ---- */

static void set(json_t *o, const char *name, const char *text)
{
    json_t *value = json_string(text ? text : "");
    json_object_set_new(o, name, value ? value : json_string("?")); /* no UTF-8 */
}

static void set_list(json_t *o, const char *name, const struct strv *from)
{
    json_t *list = json_array();
    for (size_t i = 0; i < from->len; i++)
        json_array_append_new(list, json_string(from->items[i]));
    json_object_set_new(o, name, list);
}

static void set_map(json_t *o, const char *name, const struct strv *pairs)
{
    json_t *map = json_object();
    for (size_t i = 0; i < pairs->len; i++) {
        auto_free char *key = strndup(pairs->items[i], strcspn(pairs->items[i], "="));
        const char *value = strchr(pairs->items[i], '=');
        if (key)
            set(map, key, value ? value + 1 : "");
    }
    json_object_set_new(o, name, map);
}

static void set_command(json_t *o, const struct strv *args)
{
    auto_done(buf_done) struct buf text = {0};
    for (size_t i = 0; i < args->len; i++)
        (void)buf_printf(&text, "%s%s", i ? " " : "", args->items[i]);
    set(o, "Command", text.data);
}

static void set_short(json_t *o, const char *name, const char *id)
{
    char text[SHORT + 1] = "";
    if (id && strncmp(id, SHA256, strlen(SHA256)) == 0)
        id += strlen(SHA256);
    snprintf(text, sizeof(text), "%s", id ? id : "");
    set(o, name, text);
}

static json_t *make_info(const struct mtd_spec *s, const char *id, const char *name)
{
    char host[65] = "";
    auto_free char *slashed = NULL;
    json_t *o = json_object();
    (void)!gethostname(host, sizeof(host) - 1);
    if (!o || asprintf(&slashed, "/%s", name ? name : "") < 0)
        return o;
    set_short(o, "ID", id);
    set(o, "FullID", id);
    set(o, "ContainerID", id);
    set(o, "Name", slashed + 1);
    set(o, "ContainerName", slashed);
    set_short(o, "ImageID", s->image_id);
    set(o, "ImageFullID", s->image_id);
    set(o, "ContainerImageID", s->image_id);
    set(o, "ImageName", s->image);
    set(o, "ContainerImageName", s->image);
    set(o, "Hostname", host);
    set(o, "DaemonName", "docker");
    set_command(o, &s->process.args);
    set_list(o, "ContainerEnv", &s->process.env);
    set_map(o, "ContainerLabels", &s->labels);
    return o;
}

int mtd_log_tag(const struct mtd_spec *s, const char *id, const char *name,
                const char *usual, char **ret, struct mtd_error *err)
{
    static const char *const MAPS[] = {"ContainerLabels", NULL};
    const char *text = mtd_log_opt(s, "tag");
    auto_done(buf_done) struct buf out = {0};
    struct template *t = NULL;
    int rc = template_parse(text && *text ? text : usual, &t, err);
    json_t *info = rc < 0 ? NULL : make_info(s, id, name);
    if (rc == 0 && !info)
        rc = -ENOMEM;
    if (rc == 0)
        rc = template_run(t, &(struct template_data){.tree = info, .maps = MAPS}, &out,
                          err);
    if (rc == 0)
        rc = buf_puts(&out, "");
    json_decref(info);
    template_free(t);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "out of memory"),
               mtd_context(err, "the log's tag"), rc;
    *ret = buf_take(&out);
    return 0;
}

int mtd_log_details(const struct mtd_spec *s, const char *id, const char *name,
                    struct strv *ret, struct mtd_error *err)
{
    auto_free char *tag = NULL, *pair = NULL;
    int rc = choose(s, ret, err);
    if (rc == 0)
        rc = mtd_log_tag(s, id, name, "", &tag, err);
    if (rc == 0 && *tag)
        rc = asprintf(&pair, "tag=%s", tag) < 0 ? -ENOMEM : strv_env_set(ret, pair);
    return sorted(ret, rc, err);
}

int mtd_log_opts_check(const struct mtd_spec *s, struct mtd_error *err)
{
    auto_done(strv_done) struct strv all = {0};
    return s->log_opts.len ? mtd_log_details(s, "", NULL, &all, err) : 0;
}
