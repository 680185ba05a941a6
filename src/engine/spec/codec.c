/* Encoding by tables: what equals its default is left out, so that a record
 * stays short and a later default does not need its old value spelled out.
 * Decoding is in decode.c. */

#include "engine/spec/internal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/strv.h"

#define MAX_DEPTH 32

static json_t *encode_bytes(const char *s)
{
    size_t n = strlen(s);
    auto_free char *hex = malloc(2 * n + 1);
    if (!hex)
        return NULL;
    hex[0] = '\0';
    for (size_t i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned char)s[i]);
    return json_pack("{s:s}", "hex", hex);
}

static json_t *encode_string(const char *s)
{
    json_t *text = json_string(s);
    return text ? text : encode_bytes(s);
}

static json_t *encode_list(const struct strv *v)
{
    auto_json json_t *list = json_array();
    for (size_t i = 0; list && i < v->len; i++)
        if (json_array_append_new(list, encode_string(v->items[i])) < 0)
            return NULL;
    return take_ptr(&list);
}

/* Keys that are not UTF-8 cannot be expressed in JSON, and no image has
 * them: left out. */
static json_t *encode_map(const struct strv *v, bool with_values)
{
    auto_json json_t *map = json_object();
    for (size_t i = 0; map && i < v->len; i++) {
        const char *item = v->items[i], *equals = with_values ? strchr(item, '=') : NULL;
        size_t key_len = equals ? (size_t)(equals - item) : strlen(item);
        json_t *value =
            !with_values ? json_object() : encode_string(equals ? equals + 1 : "");
        if (!value)
            return NULL;
        json_object_setn_new(map, item, key_len, value);
    }
    return take_ptr(&map);
}

static int64_t read_int(const struct field *f, const void *p)
{
    if (f->size == sizeof(int64_t))
        return *(const int64_t *)p;
    return f->min < 0 ? *(const int32_t *)p : (int64_t) * (const uint32_t *)p;
}

static json_t *encode_structs(const struct field *f, const void *base,
                              struct mtd_error *err)
{
    const char *items = *(const char *const *)((const char *)base + f->offset);
    size_t n = *(const size_t *)((const char *)base + f->count_offset);
    auto_free void *defaults = calloc(1, f->items->struct_size);
    auto_json json_t *list = defaults ? json_array() : NULL;
    for (size_t i = 0; list && i < n; i++) {
        auto_json json_t *item = json_object();
        if (!item || spec_codec_encode(f->items, items + i * f->items->struct_size,
                                       defaults, item, err) < 0)
            return NULL;
        if (json_array_append(list, item) < 0)
            return NULL;
    }
    return take_ptr(&list);
}

static json_t *encode_time(int64_t wall_ns)
{
    char text[TIME_TEXT];
    time_format_rfc3339(wall_ns, text);
    return json_string(text);
}

static json_t *encode_value(const struct field *f, const void *base,
                            struct mtd_error *err)
{
    const void *p = (const char *)base + f->offset;
    char text[32];
    switch (f->kind) {
    case FIELD_STRING:
        return *(char *const *)p ? encode_string(*(char *const *)p) : json_null();
    case FIELD_CHARS: return encode_string(p);
    case FIELD_BOOL: return json_boolean(*(const bool *)p);
    case FIELD_INT: return json_integer(read_int(f, p));
    case FIELD_ENUM: return json_string(f->name(*(const int *)p));
    case FIELD_TIME: return encode_time(*(const int64_t *)p);
    case FIELD_SIGNAL: return json_string(*(char *const *)p ? *(char *const *)p : "");
    case FIELD_MASK:
        snprintf(text, sizeof(text), "%016" PRIx64, *(const uint64_t *)p);
        return json_string(text);
    case FIELD_LIST: return encode_list(p);
    case FIELD_MAP: return encode_map(p, true);
    case FIELD_SET: return encode_map(p, false);
    case FIELD_STRUCTS: return encode_structs(f, base, err);
    }
    return NULL;
}

static bool lists_equal(const struct strv *a, const struct strv *b)
{
    if (a->len != b->len)
        return false;
    for (size_t i = 0; i < a->len; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    return true;
}

static bool is_default(const struct field *f, const void *base, const void *defaults)
{
    const void *p = (const char *)base + f->offset,
               *d = (const char *)defaults + f->offset;
    switch (f->kind) {
    case FIELD_SIGNAL:
    case FIELD_STRING: {
        const char *a = *(char *const *)p, *b = *(char *const *)d;
        return a == b || (a && b && strcmp(a, b) == 0);
    }
    case FIELD_CHARS: return strcmp(p, d) == 0;
    case FIELD_LIST:
    case FIELD_MAP:
    case FIELD_SET: return lists_equal(p, d);
    case FIELD_STRUCTS:
        return *(const size_t *)((const char *)base + f->count_offset) == 0;
    case FIELD_BOOL:
    case FIELD_INT:
    case FIELD_ENUM:
    case FIELD_TIME:
    case FIELD_MASK: return memcmp(p, d, f->size) == 0;
    }
    return false;
}

/* The object for the path's last component, made if missing; *ret_name is
 * that component. */
static json_t *open_objects(json_t *object, const char *path, const char **ret_name)
{
    const char *dot;
    for (; object && (dot = strchr(path, '.')); path = dot + 1) {
        size_t n = (size_t)(dot - path);
        json_t *child = json_object_getn(object, path, n);
        if (!child) {
            child = json_object();
            if (json_object_setn_new_nocheck(object, path, n, child) < 0)
                return NULL;
        }
        object = child;
    }
    *ret_name = path;
    return object;
}

static int check_count(const struct field *f, const void *base, struct mtd_error *err)
{
    bool structs = f->kind == FIELD_STRUCTS;
    size_t n = 0, max = structs ? SPEC_MAX_STRUCTS : SPEC_MAX_ITEMS;
    if (structs)
        n = *(const size_t *)((const char *)base + f->count_offset);
    else if (f->kind == FIELD_LIST || f->kind == FIELD_MAP || f->kind == FIELD_SET)
        n = ((const struct strv *)(const void *)((const char *)base + f->offset))->len;
    return n <= max ? 0
                    : mtd_fail(err, E2BIG, "%s: %zu of them, and there may be %zu",
                               f->path, n, max);
}

int spec_codec_check(const struct field_table *t, const void *base, struct mtd_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < t->n_fields && rc == 0; i++)
        rc = check_count(&t->fields[i], base, err);
    return rc;
}

int spec_codec_encode(const struct field_table *t, const void *base, const void *defaults,
                      json_t *out, struct mtd_error *err)
{
    int rc = spec_codec_check(t, base, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < t->n_fields; i++) {
        const struct field *f = &t->fields[i];
        if (!f->always && is_default(f, base, defaults))
            continue;
        const char *name = NULL; /* gcc -O1 does not see that it is set */
        json_t *object = open_objects(out, f->path, &name);
        json_t *value = encode_value(f, base, err);
        if (!object || !value || json_object_set_new_nocheck(object, name, value) < 0)
            return mtd_fail(err, ENOMEM, "%s: out of memory", f->path);
    }
    return 0;
}

/* jansson would recurse 2048 levels deep; records need far fewer. */
static bool is_too_deep(const char *text, size_t len)
{
    bool in_string = false;
    int depth = 0;
    for (size_t i = 0; i < len; i++) {
        if (in_string) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == '"')
                in_string = false;
        } else if (text[i] == '"')
            in_string = true;
        else if (text[i] == '{' || text[i] == '[') {
            if (++depth > MAX_DEPTH)
                return true;
        } else if (text[i] == '}' || text[i] == ']')
            depth--;
    }
    return false;
}

int spec_codec_parse(const char *text, size_t len, size_t max, json_t **ret,
                     struct mtd_error *err)
{
    json_error_t why;
    if (len > max)
        return mtd_fail(err, EINVAL, "longer than %zu bytes", max);
    if (is_too_deep(text, len))
        return mtd_fail(err, EINVAL, "nested deeper than %d", MAX_DEPTH);
    auto_json json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (!json)
        return mtd_fail(err, EINVAL, "not JSON: %s, line %d", why.text, why.line);
    if (!json_is_object(json))
        return mtd_fail(err, EINVAL, "not a JSON object");
    *ret = take_ptr(&json);
    return 0;
}

struct bounded {
    struct buf *buf;
    size_t max;
    int error;
};

static int collect(const char *data, size_t len, void *arg)
{
    struct bounded *b = arg;
    if (len > b->max - b->buf->len)
        b->error = -E2BIG;
    else
        b->error = buf_add(b->buf, data, len);
    return b->error < 0 ? -1 : 0;
}

int spec_codec_print(const json_t *object, size_t max, struct buf *ret,
                     struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    struct bounded b = {.buf = &text, .max = max};
    if (json_dump_callback(object, collect, &b, JSON_INDENT(1)) < 0 ||
        collect("\n", 1, &b) < 0)
        return b.error == -E2BIG ? mtd_fail(err, E2BIG, "longer than %zu bytes", max)
                                 : mtd_fail(err, ENOMEM, "out of memory");
    buf_done(ret);
    *ret = text;
    text = (struct buf){0};
    return 0;
}
