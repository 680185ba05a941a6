/* Tables say which members there are; here is what each kind of them is in JSON, with one
 * wording for what is wrong. */

#include "engine/bundle/internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define WHERE_MAX 128

int bundle_bad(struct mtd_error *err, const char *where, const char *key,
               const char *text)
{
    return mtd_fail(err, EINVAL, BUNDLE_CONFIG ": %s%s%s: %s", where,
                    key && *where ? "." : "", key ? key : "", text);
}

int bundle_warn(struct bundle *b, struct mtd_error *err, const char *fmt, ...)
{
    char text[200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    for (size_t i = 0; i < b->warnings.len; i++)
        if (strcmp(b->warnings.items[i], text) == 0)
            return 0;
    return strv_add(&b->warnings, text) < 0 ? mtd_fail(err, ENOMEM, "out of memory") : 0;
}

/* A number that JSON has, but an int64_t has not, was read as a real one: rlimits are as large
 * as uint64_t. */
int bundle_number(json_t *v, int64_t min, int64_t max, int64_t *ret)
{
    if (json_is_integer(v)) {
        json_int_t n = json_integer_value(v);
        if (n < min || n > max)
            return -ERANGE;
        *ret = n;
        return 0;
    }
    double d = json_is_real(v) ? json_real_value(v) : 0.5;
    if (d >= 9223372036854775807.0 && max == INT64_MAX)
        d = 9223372036854774784.0; /* the largest double below */
    if (d < -9223372036854775808.0 || d > 9223372036854774784.0 ||
        d != (double)(int64_t)d)
        return json_is_real(v) ? -ERANGE : -EINVAL;
    if ((int64_t)d < min || (int64_t)d > max)
        return -ERANGE;
    *ret = (int64_t)d;
    return 0;
}

static int read_big(json_t *v, uint64_t *ret)
{
    int64_t n = 0;
    if (json_is_real(v) && json_real_value(v) >= 9223372036854775807.0) {
        double d = json_real_value(v);
        if (d > 18446744073709551616.0)
            return -ERANGE;
        *ret = d >= 18446744073709551615.0 ? UINT64_MAX : (uint64_t)d;
        return 0;
    }
    int rc = bundle_number(v, -1, INT64_MAX, &n);
    if (rc == 0)
        *ret = n < 0 ? UINT64_MAX : (uint64_t)n;
    return rc;
}

static int read_strings(json_t *v, struct strv *ret)
{
    if (!json_is_array(v))
        return -EINVAL;
    for (size_t i = 0; i < json_array_size(v); i++) {
        const char *s = json_string_value(json_array_get(v, i));
        int rc = s ? strv_add(ret, s) : -EINVAL;
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_pairs(json_t *v, struct strv *ret)
{
    const char *key;
    json_t *value;
    if (!json_is_object(v))
        return -EINVAL;
    json_object_foreach(v, key, value)
    {
        char *text = NULL;
        if (!json_is_string(value))
            return -EINVAL;
        if (asprintf(&text, "%s=%s", key, json_string_value(value)) < 0)
            return -ENOMEM;
        int rc = strv_take(ret, text);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_map(json_t *v, struct strv *ret)
{
    const char *key;
    json_t *value;
    if (!json_is_object(v))
        return -EINVAL;
    json_object_foreach(v, key, value)
    {
        int rc = json_is_string(value) ? strv_add(ret, key) : -EINVAL;
        if (rc == 0)
            rc = strv_add(ret, json_string_value(value));
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_text(json_t *v, char **ret)
{
    if (!json_is_string(v))
        return -EINVAL;
    free(*ret);
    *ret = strdup(json_string_value(v));
    return *ret ? 0 : -ENOMEM;
}

static int read_field(json_t *v, const struct bundle_field *f, void *at)
{
    switch (f->kind) {
    case BUNDLE_TEXT: return read_text(v, at);
    case BUNDLE_STRINGS: return read_strings(v, at);
    case BUNDLE_PAIRS: return read_pairs(v, at);
    case BUNDLE_MAP: return read_map(v, at);
    case BUNDLE_BOOL:
        if (!json_is_boolean(v))
            return -EINVAL;
        *(bool *)at = json_is_true(v);
        return 0;
    case BUNDLE_NUMBER: return bundle_number(v, f->min, f->max, at);
    case BUNDLE_BIG: return read_big(v, at);
    case BUNDLE_REFUSED: return -EOPNOTSUPP;
    }
    return -EINVAL;
}

/* Asked for by being there, but not by being empty. */
static bool is_empty(json_t *v)
{
    return json_is_null(v) || json_is_false(v) ||
           (json_is_string(v) && !*json_string_value(v)) ||
           (json_is_array(v) && json_array_size(v) == 0) ||
           (json_is_object(v) && json_object_size(v) == 0);
}

static int refuse(const struct bundle_field *f, const char *where, int rc,
                  struct mtd_error *err)
{
    static const char *const TYPES[] = {
        [BUNDLE_TEXT] = "must be a string",
        [BUNDLE_STRINGS] = "must be an array of strings",
        [BUNDLE_PAIRS] = "must be an object of strings",
        [BUNDLE_MAP] = "must be an object of strings",
        [BUNDLE_BOOL] = "must be true or false",
        [BUNDLE_NUMBER] = "must be a whole number",
        [BUNDLE_BIG] = "must be a whole number",
        [BUNDLE_REFUSED] = "",
    };
    if (rc == -EOPNOTSUPP)
        return bundle_bad(err, where, f->key, f->why);
    if (rc == -ERANGE)
        return bundle_bad(err, where, f->key, "the number is out of range");
    if (rc == -EINVAL)
        return bundle_bad(err, where, f->key, TYPES[f->kind]);
    return mtd_fail(err, ENOMEM, "out of memory");
}

int bundle_fields(json_t *o, const char *where, const struct bundle_field *fields,
                  void *to, struct mtd_error *err)
{
    for (const struct bundle_field *f = fields; f->key; f++) {
        json_t *v = o ? json_object_get(o, f->key) : NULL;
        bool none = !v || json_is_null(v) || (f->kind == BUNDLE_REFUSED && is_empty(v));
        if (none && f->required)
            return bundle_bad(err, where, f->key, "is missing");
        int rc = none ? 0 : read_field(v, f, (char *)to + f->offset);
        if (rc < 0)
            return refuse(f, where, rc, err);
    }
    return 0;
}

int bundle_member(json_t *o, const char *where, const char *key, json_type type,
                  json_t **ret, struct mtd_error *err)
{
    json_t *v = o ? json_object_get(o, key) : NULL;
    *ret = NULL;
    if (!v || json_is_null(v))
        return 0;
    if (json_typeof(v) != type)
        return bundle_bad(err, where, key,
                          type == JSON_ARRAY ? "must be an array" : "must be an object");
    *ret = v;
    return 0;
}

int bundle_each(json_t *o, const char *where, const char *key, bundle_item_fn fn,
                void *to, struct mtd_error *err)
{
    json_t *list;
    char here[WHERE_MAX];
    int rc = bundle_member(o, where, key, JSON_ARRAY, &list, err);
    size_t n = list ? json_array_size(list) : 0;
    if (n > BUNDLE_MAX_ITEMS)
        return bundle_bad(err, where, key, "has too many items");
    for (size_t i = 0; i < n && rc == 0; i++) {
        json_t *item = json_array_get(list, i);
        snprintf(here, sizeof(here), "%s%s%s[%zu]", where, *where ? "." : "", key, i);
        rc = json_is_object(item) ? fn(item, here, i, to, err)
                                  : bundle_bad(err, here, NULL, "must be an object");
    }
    return rc;
}

void *bundle_grow(void **items, size_t *n, size_t size, struct mtd_error *err)
{
    char *grown = realloc(*items, (*n + 1) * size);
    if (!grown) {
        mtd_fail(err, ENOMEM, "out of memory");
        return NULL;
    }
    *items = grown;
    memset(grown + *n * size, 0, size);
    return grown + (*n)++ * size;
}

int bundle_load(const char *text, size_t len, const char *what, json_t **ret,
                struct mtd_error *err)
{
    json_error_t e;
    if (len > BUNDLE_MAX_BYTES)
        return mtd_fail(err, EFBIG, "%s is larger than %u bytes", what, BUNDLE_MAX_BYTES);
    json_t *o = json_loadb(text, len, JSON_REJECT_DUPLICATES, &e);
    if (!o && json_error_code(&e) == json_error_numeric_overflow)
        o = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &e);
    if (!o)
        return mtd_fail(err, EINVAL, "%s: line %d: %s", what, e.line, e.text);
    if (!json_is_object(o)) {
        json_decref(o);
        return mtd_fail(err, EINVAL, "%s is not a JSON object", what);
    }
    *ret = o;
    return 0;
}
