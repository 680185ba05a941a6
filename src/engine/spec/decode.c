/* The text may be hostile or damaged, so each value is checked for kind and range before
 * it is stored, and the error names the member. */

#include "engine/spec/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/strv.h"

static int wrong(const struct field *f, const char *what, struct mtd_error *err)
{
    return mtd_fail(err, EINVAL, "%s: %s", f->path, what);
}

static int no_memory(const struct field *f, struct mtd_error *err)
{
    return mtd_fail(err, ENOMEM, "%s: out of memory", f->path);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* {"hex": "ff41"}; NULL with *ret_error set: -EINVAL or -ENOMEM. */
static char *decode_bytes(const json_t *in, int *ret_error)
{
    const char *hex = json_string_value(json_object_get(in, "hex"));
    size_t n = hex ? strlen(hex) : 1;
    *ret_error = -EINVAL;
    if (n % 2 != 0)
        return NULL;
    auto_free char *out = malloc(n / 2 + 1);
    if (!out) {
        *ret_error = -ENOMEM;
        return NULL;
    }
    for (size_t i = 0; i < n / 2; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0 || high + low == 0)
            return NULL;
        out[i] = (char)(high << 4 | low);
    }
    out[n / 2] = '\0';
    return take_ptr(&out);
}

static char *decode_string(const json_t *in, int *ret_error)
{
    if (json_is_object(in))
        return decode_bytes(in, ret_error);
    *ret_error = json_is_string(in) ? -ENOMEM : -EINVAL;
    return json_is_string(in) ? strdup(json_string_value(in)) : NULL;
}

static int store_string(const struct field *f, const json_t *in, char **p,
                        struct mtd_error *err)
{
    int rc;
    char *s = decode_string(in, &rc);
    if (!s)
        return rc == -ENOMEM ? no_memory(f, err) : wrong(f, "not a string", err);
    free(*p);
    *p = s;
    return 0;
}

static int store_chars(const struct field *f, const json_t *in, char *p,
                       struct mtd_error *err)
{
    size_t n = json_string_length(in);
    if (!json_is_string(in))
        return wrong(f, "not a string", err);
    if (n >= f->size)
        return wrong(f, "too long", err);
    memcpy(p, json_string_value(in), n + 1);
    return 0;
}

static int store_int(const struct field *f, const json_t *in, void *p,
                     struct mtd_error *err)
{
    if (!json_is_integer(in))
        return wrong(f, "not a whole number", err);
    int64_t v = json_integer_value(in);
    if (v < f->min || v > f->max)
        return wrong(f, "out of range", err);
    if (f->size == sizeof(int64_t))
        *(int64_t *)p = v;
    else
        *(uint32_t *)p = (uint32_t)v;
    return 0;
}

static int store_enum(const struct field *f, const json_t *in, void *p,
                      struct mtd_error *err)
{
    const char *text = json_string_value(in);
    for (int i = 0; text && i <= f->max; i++)
        if (strcmp(text, f->name(i)) == 0) {
            *(int *)p = i;
            return 0;
        }
    return wrong(f, "not a known value", err);
}

static int store_time(const struct field *f, const json_t *in, int64_t *p,
                      struct mtd_error *err)
{
    const char *text = json_string_value(in);
    if (!text || !strchr(text, 'T')) /* time_parse takes durations too */
        return wrong(f, "not a timestamp", err);
    if (strcmp(text, "0001-01-01T00:00:00Z") == 0) {
        *p = 0;
        return 0;
    }
    int64_t v;
    if (time_parse(text, 0, &v) < 0)
        return wrong(f, "not a timestamp", err);
    *p = v;
    return 0;
}

static int store_signal(const struct field *f, const json_t *in, char **p,
                        struct mtd_error *err)
{
    const char *text = json_string_value(in);
    int sig = 0;
    if (!text || (*text && parse_signal(text, &sig) < 0))
        return wrong(f, "not a signal", err);
    return *text ? store_string(f, in, p, err) : 0;
}

static int store_mask(const struct field *f, const json_t *in, uint64_t *p,
                      struct mtd_error *err)
{
    const char *text = json_string_value(in);
    if (!text || !hex_is_valid(text, 16))
        return wrong(f, "not 16 hexadecimal digits", err);
    *p = strtoull(text, NULL, 16);
    return 0;
}

static int store_list(const struct field *f, const json_t *in, struct strv *p,
                      struct mtd_error *err)
{
    auto_done(strv_done) struct strv list = {0};
    if (!json_is_array(in) && !json_is_null(in)) /* Go writes empty lists as null */
        return wrong(f, "not a list of strings", err);
    if (json_array_size(in) > SPEC_MAX_ITEMS)
        return wrong(f, "too long", err);
    for (size_t i = 0; i < json_array_size(in); i++) {
        int rc;
        char *s = decode_string(json_array_get(in, i), &rc);
        if (!s && rc != -ENOMEM)
            return wrong(f, "not a list of strings", err);
        if (strv_take(&list, s) < 0)
            return no_memory(f, err);
    }
    strv_done(p);
    *p = list;
    list = (struct strv){0};
    return 0;
}

static int add_pair(struct strv *list, const char *key, const json_t *value)
{
    auto_done(buf_done) struct buf b = {0};
    if (!value)
        return strv_add(list, key);
    int rc;
    auto_free char *text = decode_string(value, &rc);
    if (!text)
        return rc;
    rc = buf_printf(&b, "%s=%s", key, text);
    return rc < 0 ? rc : strv_take(list, buf_take(&b));
}

static int store_map(const struct field *f, const json_t *in, struct strv *p,
                     struct mtd_error *err)
{
    auto_done(strv_done) struct strv list = {0};
    const char *key;
    json_t *value;
    if (!json_is_object(in) && !json_is_null(in))
        return wrong(f, "not an object", err);
    if (json_object_size(in) > SPEC_MAX_ITEMS)
        return wrong(f, "too long", err);
    json_object_foreach((json_t *)in, key, value)
    {
        int rc = add_pair(&list, key, f->kind == FIELD_SET ? NULL : value);
        if (rc < 0)
            return rc == -ENOMEM ? no_memory(f, err)
                                 : wrong(f, "not an object of strings", err);
    }
    strv_done(p);
    *p = list;
    list = (struct strv){0};
    return 0;
}

/* The array is base's from the start, so base's _done frees what a failure leaves. */
static int store_structs(const struct field *f, const json_t *in, void *base,
                         struct mtd_error *err)
{
    void **items = (void **)((char *)base + f->offset);
    size_t *count = (size_t *)((char *)base + f->count_offset);
    size_t n = json_array_size(in), size = f->items->struct_size;
    if (!json_is_array(in) || n > SPEC_MAX_STRUCTS)
        return wrong(f, n > SPEC_MAX_STRUCTS ? "too long" : "not a list", err);
    if (n == 0)
        return 0;
    *items = calloc(n, size);
    if (!*items)
        return no_memory(f, err);
    for (*count = 0; *count < n;) {
        const json_t *item = json_array_get(in, *count);
        char *p = (char *)*items + (*count)++ * size;
        if (!json_is_object(item))
            return wrong(f, "not a list of objects", err);
        int rc = spec_codec_decode(f->items, item, p, err);
        if (rc < 0) {
            mtd_context(err, "%s", f->path);
            return rc;
        }
    }
    return 0;
}

static int store_bool(const struct field *f, const json_t *in, bool *p,
                      struct mtd_error *err)
{
    if (!json_is_boolean(in))
        return wrong(f, "not true or false", err);
    *p = json_is_true(in);
    return 0;
}

static int store_value(const struct field *f, const json_t *in, void *base,
                       struct mtd_error *err)
{
    void *p = (char *)base + f->offset;
    switch (f->kind) {
    case FIELD_STRING: return store_string(f, in, p, err);
    case FIELD_CHARS: return store_chars(f, in, p, err);
    case FIELD_BOOL: return store_bool(f, in, p, err);
    case FIELD_INT: return store_int(f, in, p, err);
    case FIELD_ENUM: return store_enum(f, in, p, err);
    case FIELD_TIME: return store_time(f, in, p, err);
    case FIELD_SIGNAL: return store_signal(f, in, p, err);
    case FIELD_MASK: return store_mask(f, in, p, err);
    case FIELD_LIST: return store_list(f, in, p, err);
    case FIELD_MAP:
    case FIELD_SET: return store_map(f, in, p, err);
    case FIELD_STRUCTS: return store_structs(f, in, base, err);
    }
    return wrong(f, "of an unknown type", err);
}

/* *ret is NULL if missing. A component on the way that is not an object is an error. */
static int find_value(const struct field *f, const json_t *object, const json_t **ret,
                      struct mtd_error *err)
{
    const char *path = f->path, *dot;
    *ret = NULL;
    for (; (dot = strchr(path, '.')); path = dot + 1) {
        object = json_object_getn(object, path, (size_t)(dot - path));
        if (!object)
            return 0;
        if (!json_is_object(object))
            return mtd_fail(err, EINVAL, "%.*s: not an object", (int)(dot - f->path),
                            f->path);
    }
    *ret = json_object_get(object, path);
    return 0;
}

/* Nothing that could stand for it: 0 would be refused if it were written. */
static bool is_needed(const struct field *f)
{
    return f->kind == FIELD_INT && f->always && f->min > 0;
}

int spec_codec_decode(const struct field_table *t, const json_t *in, void *base,
                      struct mtd_error *err)
{
    for (size_t i = 0; i < t->n_fields; i++) {
        const struct field *f = &t->fields[i];
        const json_t *value;
        int rc = find_value(f, in, &value, err);
        if (rc < 0)
            return rc;
        if (!value && is_needed(f))
            return wrong(f, "missing", err);
        if (!value || (f->kind == FIELD_STRING && json_is_null(value)))
            continue;
        rc = store_value(f, value, base, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}
