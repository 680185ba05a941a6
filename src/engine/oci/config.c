/* A config says what a container of the image runs, which layers it has and how it came
 * about. Of a config that somebody else made all members are kept when a new one is made
 * from it, also those we do not know. */

#include "engine/oci/internal.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"

#define MAX_HISTORY 65536

static void history_done(struct oci_history *h)
{
    free(h->created_by);
    free(h->author);
    free(h->comment);
}

void oci_config_done(struct oci_config *c)
{
    mtd_image_config_done(&c->config);
    strv_done(&c->diff_ids);
    for (size_t i = 0; i < c->n_history; i++)
        history_done(&c->history[i]);
    free(c->history);
    *c = (struct oci_config){0};
}

#define TEXT(m) offsetof(struct mtd_image_config, m)
static const struct {
    const char *member;
    size_t offset;
} TEXTS[] = {{"User", TEXT(user)},
             {"WorkingDir", TEXT(working_dir)},
             {"StopSignal", TEXT(stop_signal)}},
  LISTS[] = {{"Env", TEXT(env)},
             {"Cmd", TEXT(cmd)},
             {"Entrypoint", TEXT(entrypoint)},
             {"OnBuild", TEXT(on_build)}},
  SETS[] = {{"ExposedPorts", TEXT(exposed)}, {"Volumes", TEXT(volumes)}};

static void *at(const struct mtd_image_config *c, size_t offset)
{
    return (char *)c + offset;
}

static int check_signal(const struct mtd_image_config *c, struct mtd_error *err)
{
    int sig;
    if (c->stop_signal && *c->stop_signal && parse_signal(c->stop_signal, &sig) < 0)
        return oci_wrong("StopSignal", "not a signal", err);
    return 0;
}

static const struct {
    const char *member;
    size_t offset;
} TIMES[] = {{"Interval", TEXT(healthcheck.interval)},
             {"Timeout", TEXT(healthcheck.timeout)},
             {"StartPeriod", TEXT(healthcheck.start_period)},
             {"StartInterval", TEXT(healthcheck.start_interval)}};

static bool is_test(const struct strv *test)
{
    static const char *const KINDS[] = {"NONE", "CMD", "CMD-SHELL"};
    for (size_t i = 0; test->len && i < ARRAY_SIZE(KINDS); i++)
        if (strcmp(test->items[0], KINDS[i]) == 0)
            return test->len > 1 || i == 0;
    return test->len == 0;
}

/* docker's; OCI has none, but its configs carry it. */
static int decode_healthcheck(const json_t *in, struct mtd_image_config *c,
                              struct mtd_error *err)
{
    json_int_t retries = json_integer_value(json_object_get(in, "Retries"));
    int rc = in ? oci_get_list(in, "Test", &c->healthcheck.test, err) : 0;
    if (rc == 0 && !is_test(&c->healthcheck.test))
        return oci_wrong("Healthcheck.Test", "not NONE, CMD or CMD-SHELL with a command",
                         err);
    for (size_t i = 0; i < ARRAY_SIZE(TIMES) && rc == 0; i++) {
        json_int_t ns = json_integer_value(json_object_get(in, TIMES[i].member));
        if (ns < 0)
            rc = oci_wrong("Healthcheck", "a time below zero", err);
        *(int64_t *)at(c, TIMES[i].offset) = ns;
    }
    if (rc == 0 && (retries < 0 || retries > INT_MAX))
        rc = oci_wrong("Healthcheck.Retries", "out of range", err);
    c->healthcheck.retries = rc == 0 ? (unsigned)retries : 0;
    return rc;
}

static int decode_settings(const json_t *in, struct mtd_image_config *c,
                           struct mtd_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < ARRAY_SIZE(TEXTS) && rc == 0; i++)
        rc = oci_get_text(in, TEXTS[i].member, at(c, TEXTS[i].offset), err);
    for (size_t i = 0; i < ARRAY_SIZE(LISTS) && rc == 0; i++)
        rc = oci_get_list(in, LISTS[i].member, at(c, LISTS[i].offset), err);
    for (size_t i = 0; i < ARRAY_SIZE(SETS) && rc == 0; i++)
        rc = oci_get_map(in, SETS[i].member, false, at(c, SETS[i].offset), err);
    if (rc == 0)
        rc = oci_get_map(in, "Labels", true, &c->labels, err);
    if (rc == 0)
        rc = check_signal(c, err);
    return rc < 0 ? rc : decode_healthcheck(json_object_get(in, "Healthcheck"), c, err);
}

static int decode_history_one(const json_t *in, struct oci_history *h,
                              struct mtd_error *err)
{
    int rc = oci_get_time(in, "created", &h->created_at, err);
    if (rc == 0)
        rc = oci_get_text(in, "created_by", &h->created_by, err);
    if (rc == 0)
        rc = oci_get_text(in, "author", &h->author, err);
    if (rc == 0)
        rc = oci_get_text(in, "comment", &h->comment, err);
    h->empty_layer = json_is_true(json_object_get(in, "empty_layer"));
    return rc;
}

static int decode_history(const json_t *o, struct oci_config *c, struct mtd_error *err)
{
    const json_t *list = json_object_get(o, "history");
    size_t n = json_array_size(list);
    if (n == 0)
        return 0;
    if (n > MAX_HISTORY)
        return oci_wrong("history", "too long", err);
    c->history = calloc(n, sizeof(*c->history));
    if (!c->history)
        return oci_no_memory(err);
    c->n_history = n;
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = decode_history_one(json_array_get(list, i), &c->history[i], err);
    return rc;
}

static int decode_diff_ids(const json_t *o, struct strv *ret, struct mtd_error *err)
{
    auto_done(strv_done) struct strv list = {0};
    const json_t *rootfs = json_object_get(o, "rootfs");
    int rc = oci_get_list(rootfs, "diff_ids", &list, err);
    if (rc == 0 && (list.len == 0 || list.len > OCI_MAX_LAYERS))
        rc =
            oci_wrong("rootfs.diff_ids", list.len ? "too many" : "missing or empty", err);
    for (size_t i = 0; i < list.len && rc == 0; i++) {
        const char *id = list.items[i];
        if (strncmp(id, "sha256:", 7) != 0 || strlen(id) != 6 + SHA256_HEX_SIZE ||
            !hex_is_valid(id + 7, SHA256_HEX_SIZE - 1))
            rc = oci_wrong("rootfs.diff_ids", "not digests", err);
        else if (strv_add(ret, id + 7) < 0)
            rc = oci_no_memory(err);
    }
    return rc;
}

static int decode(const json_t *o, struct oci_config *c, struct mtd_error *err)
{
    int rc = oci_get_time(o, "created", &c->created_at, err);
    if (rc == 0)
        rc = oci_get_text(o, "author", &c->config.author, err);
    if (rc == 0)
        rc = oci_get_chars(o, "os", c->platform.os, sizeof(c->platform.os), err);
    if (rc == 0)
        rc = oci_get_chars(o, "architecture", c->platform.architecture,
                           sizeof(c->platform.architecture), err);
    if (rc == 0)
        rc = oci_get_chars(o, "variant", c->platform.variant, sizeof(c->platform.variant),
                           err);
    if (rc == 0)
        rc = decode_diff_ids(o, &c->diff_ids, err);
    if (rc == 0)
        rc = decode_settings(json_object_get(o, "config"), &c->config, err);
    if (rc == 0)
        rc = decode_history(o, c, err);
    return rc;
}

int oci_config_decode(const char *text, size_t len, struct oci_config *ret,
                      struct mtd_error *err)
{
    auto_json json_t *o = NULL;
    auto_done(oci_config_done) struct oci_config c = {0};
    int rc = oci_parse(text, len, "config", &o, err);
    if (rc == 0)
        rc = decode(o, &c, err);
    const char *newest = c.n_history ? c.history[c.n_history - 1].comment : NULL;
    if (rc == 0 && newest && !(c.config.comment = strdup(newest)))
        rc = oci_no_memory(err);
    if (rc < 0)
        return rc;
    *ret = c;
    c = (struct oci_config){0};
    return 0;
}

/* ---- writing ---- */

static int encode_healthcheck(json_t *o, const struct mtd_image_config *c)
{
    const struct mtd_healthcheck *h = &c->healthcheck;
    if (h->test.len == 0) {
        json_object_del(o, "Healthcheck");
        return 0;
    }
    json_t *check = json_object();
    if (json_object_set_new(o, "Healthcheck", check) < 0)
        return -ENOMEM;
    int rc = oci_set_list(check, "Test", &h->test);
    for (size_t i = 0; i < ARRAY_SIZE(TIMES) && rc == 0; i++) {
        int64_t ns = *(int64_t *)at(c, TIMES[i].offset);
        if (ns && json_object_set_new(check, TIMES[i].member, json_integer(ns)) < 0)
            rc = -ENOMEM;
    }
    if (rc == 0 && h->retries &&
        json_object_set_new(check, "Retries", json_integer(h->retries)) < 0)
        rc = -ENOMEM;
    return rc;
}

static int encode_settings(json_t *o, const struct mtd_image_config *c)
{
    int rc = 0;
    for (size_t i = 0; i < ARRAY_SIZE(TEXTS) && rc == 0; i++)
        rc = oci_set_text(o, TEXTS[i].member, *(char **)at(c, TEXTS[i].offset));
    for (size_t i = 0; i < ARRAY_SIZE(LISTS) && rc == 0; i++)
        rc = oci_set_list(o, LISTS[i].member, at(c, LISTS[i].offset));
    for (size_t i = 0; i < ARRAY_SIZE(SETS) && rc == 0; i++)
        rc = oci_set_map(o, SETS[i].member, false, at(c, SETS[i].offset));
    if (rc == 0)
        rc = encode_healthcheck(o, c);
    return rc < 0 ? rc : oci_set_map(o, "Labels", true, &c->labels);
}

static json_t *encode_history(const struct oci_config *c)
{
    auto_json json_t *list = json_array();
    for (size_t i = 0; list && i < c->n_history; i++) {
        const struct oci_history *h = &c->history[i];
        json_t *o = json_object();
        if (json_array_append_new(list, o) < 0 ||
            oci_set_time(o, "created", h->created_at) < 0 ||
            oci_set_text(o, "created_by", h->created_by) < 0 ||
            oci_set_text(o, "author", h->author) < 0 ||
            oci_set_text(o, "comment", h->comment) < 0 ||
            (h->empty_layer && json_object_set_new(o, "empty_layer", json_true()) < 0))
            return NULL;
    }
    return take_ptr(&list);
}

static json_t *encode_rootfs(const struct strv *diff_ids)
{
    auto_json json_t *list = json_array();
    for (size_t i = 0; list && i < diff_ids->len; i++)
        if (json_array_append_new(list, json_sprintf("sha256:%s", diff_ids->items[i])) <
            0)
            return NULL;
    return list ? json_pack("{s:s, s:O}", "type", "layers", "diff_ids", list) : NULL;
}

/* docker's own record of the container that the image was made of is about that one. */
static void drop_old(json_t *o)
{
    static const char *const OLD[] = {
        "container", "container_config", "docker_version", "parent", "id", "comment"};
    for (size_t i = 0; i < ARRAY_SIZE(OLD); i++)
        json_object_del(o, OLD[i]);
}

static int encode(json_t *o, const struct oci_config *c)
{
    if (!json_is_object(json_object_get(o, "config")) &&
        json_object_set_new(o, "config", json_object()) < 0)
        return -ENOMEM;
    drop_old(o);
    int rc = oci_set_time(o, "created", c->created_at);
    if (rc == 0)
        rc = oci_set_text(o, "author", c->config.author);
    if (rc == 0)
        rc = oci_set_text(o, "architecture", c->platform.architecture);
    if (rc == 0)
        rc = oci_set_text(o, "os", c->platform.os);
    if (rc == 0)
        rc = oci_set_text(o, "variant", c->platform.variant);
    if (rc == 0)
        rc = encode_settings(json_object_get(o, "config"), &c->config);
    if (rc == 0 && (json_object_set_new(o, "rootfs", encode_rootfs(&c->diff_ids)) < 0 ||
                    json_object_set_new(o, "history", encode_history(c)) < 0))
        rc = -ENOMEM;
    return rc;
}

int oci_config_encode(const struct oci_config *c, const char *base, size_t base_len,
                      struct buf *ret, struct mtd_error *err)
{
    auto_json json_t *o = NULL;
    int rc = base ? oci_parse(base, base_len, "config", &o, err) : 0;
    if (rc < 0)
        return rc;
    if (!o)
        o = json_object();
    return !o || encode(o, c) < 0 ? oci_no_memory(err)
                                  : oci_print(o, OCI_MAX_BYTES, ret, err);
}

static char *copy(const char *s, int *rc)
{
    char *out = s ? strdup(s) : NULL;
    if (s && !out)
        *rc = -ENOMEM;
    return out;
}

int oci_config_add_history(struct oci_config *c, const struct oci_history *h)
{
    int rc = 0;
    struct oci_history *list = reallocarray(c->history, c->n_history + 1, sizeof(*list));
    if (!list)
        return -ENOMEM;
    c->history = list;
    list[c->n_history++] =
        (struct oci_history){h->created_at, copy(h->created_by, &rc),
                             copy(h->author, &rc), copy(h->comment, &rc), h->empty_layer};
    return rc;
}
