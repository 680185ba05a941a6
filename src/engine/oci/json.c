/* Documents come from registries and archives: each value is checked for kind and length
 * before it is taken, and the error names the member. */

#include "engine/oci/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"

#define MAX_ITEMS 65536
#define HEX_LEN (SHA256_HEX_SIZE - 1)

int oci_wrong(const char *member, const char *why, struct mtd_error *err)
{
    return mtd_fail(err, EINVAL, "%s: %s", member, why);
}

int oci_no_memory(struct mtd_error *err)
{
    return mtd_fail(err, ENOMEM, "out of memory");
}

int oci_parse(const char *text, size_t len, const char *what, json_t **ret,
              struct mtd_error *err)
{
    json_error_t why = {0};
    if (len > OCI_MAX_BYTES)
        return mtd_fail(err, EINVAL, "not an image %s: more than %u MB", what,
                        OCI_MAX_BYTES >> 20);
    json_t *o = json_loadb(text ? text : "", len, JSON_REJECT_DUPLICATES, &why);
    if (!o && json_error_code(&why) == json_error_out_of_memory)
        return oci_no_memory(err);
    if (!o)
        return mtd_fail(err, EINVAL, "not an image %s: %.100s", what, why.text);
    if (!json_is_object(o)) {
        json_decref(o);
        return mtd_fail(err, EINVAL, "not an image %s: not an object", what);
    }
    *ret = o;
    return 0;
}

int oci_print(const json_t *object, size_t max, struct buf *ret, struct mtd_error *err)
{
    auto_free char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    size_t len = text ? strlen(text) : 0;
    if (!text)
        return oci_no_memory(err);
    if (len > max)
        return mtd_fail(err, E2BIG, "it becomes larger than %zu MB", max >> 20);
    ret->len = 0;
    return buf_add(ret, text, len) < 0 ? oci_no_memory(err) : 0;
}

/* NULL also for null and "", as Go reads it. */
static const json_t *member_of(const json_t *o, const char *member)
{
    const json_t *v = json_object_get(o, member);
    return json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0) ? NULL
                                                                                : v;
}

int oci_get_text(const json_t *o, const char *member, char **ret, struct mtd_error *err)
{
    const json_t *v = member_of(o, member);
    if (!v)
        return 0;
    if (!json_is_string(v))
        return oci_wrong(member, "not a string", err);
    char *copy = strdup(json_string_value(v));
    if (!copy)
        return oci_no_memory(err);
    free(*ret);
    *ret = copy;
    return 0;
}

int oci_get_chars(const json_t *o, const char *member, char *out, size_t size,
                  struct mtd_error *err)
{
    const json_t *v = member_of(o, member);
    if (!v)
        return 0;
    if (!json_is_string(v))
        return oci_wrong(member, "not a string", err);
    if (json_string_length(v) >= size)
        return oci_wrong(member, "too long", err);
    memcpy(out, json_string_value(v), json_string_length(v) + 1);
    return 0;
}

int oci_get_list(const json_t *o, const char *member, struct strv *ret,
                 struct mtd_error *err)
{
    const json_t *v = member_of(o, member);
    if (!v)
        return 0;
    if (!json_is_array(v) || json_array_size(v) > MAX_ITEMS)
        return oci_wrong(member, "not a list of strings, or too long", err);
    for (size_t i = 0; i < json_array_size(v); i++) {
        const char *item = json_string_value(json_array_get(v, i));
        if (!item)
            return oci_wrong(member, "not a list of strings", err);
        if (strv_add(ret, item) < 0)
            return oci_no_memory(err);
    }
    return 0;
}

static int add_pair(struct strv *ret, const char *key, const char *value)
{
    char *pair;
    return asprintf(&pair, "%s=%s", key, value) < 0 ? -ENOMEM : strv_take(ret, pair);
}

int oci_get_map(const json_t *o, const char *member, bool values, struct strv *ret,
                struct mtd_error *err)
{
    const json_t *v = member_of(o, member);
    const char *key;
    json_t *item;
    if (!v)
        return 0;
    if (!json_is_object(v) || json_object_size(v) > MAX_ITEMS)
        return oci_wrong(member, "not an object, or too long", err);
    json_object_foreach((json_t *)v, key, item)
    {
        const char *text = json_is_null(item) ? "" : json_string_value(item);
        if (values && !text)
            return oci_wrong(member, "not an object of strings", err);
        if ((values ? add_pair(ret, key, text) : strv_add(ret, key)) < 0)
            return oci_no_memory(err);
    }
    return 0;
}

int oci_get_time(const json_t *o, const char *member, int64_t *ret, struct mtd_error *err)
{
    const json_t *v = member_of(o, member);
    const char *text = json_string_value(v);
    int64_t value = 0;
    if (!v || (text && strcmp(text, "0001-01-01T00:00:00Z") == 0))
        return 0;
    if (!text || !strchr(text, 'T') || time_parse(text, 0, &value) < 0)
        return oci_wrong(member, "not a time", err);
    *ret = value;
    return 0;
}

int oci_get_digest(const json_t *o, const char *member, char out[SHA256_HEX_SIZE],
                   struct mtd_error *err)
{
    const char *text = json_string_value(json_object_get(o, member));
    if (!text)
        return oci_wrong(member, "missing, or not a string", err);
    if (strncmp(text, "sha512:", 7) == 0)
        return mtd_fail(err, ENOTSUP, "%s: only sha256 digests are supported", member);
    if (strncmp(text, "sha256:", 7) != 0 || strlen(text + 7) != HEX_LEN ||
        !hex_is_valid(text + 7, HEX_LEN))
        return oci_wrong(member, "not sha256: and 64 hex digits", err);
    memcpy(out, text + 7, SHA256_HEX_SIZE);
    return 0;
}

static int set(json_t *o, const char *member, json_t *value)
{
    return json_object_set_new(o, member, value) < 0 ? -ENOMEM : 0;
}

static int drop(json_t *o, const char *member)
{
    json_object_del(o, member);
    return 0;
}

/* Bytes that are not UTF-8 cannot be said in JSON; docker replaces them, too. */
static char *plain(const char *s, size_t len)
{
    char *copy = strndup(s, len);
    json_t *valid = copy ? json_stringn(copy, len) : NULL;
    for (char *p = copy; p && *p && !valid; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    json_decref(valid);
    return copy;
}

static json_t *text_of(const char *s)
{
    json_t *text = json_string(s);
    if (text)
        return text;
    auto_free char *copy = plain(s, strlen(s));
    return copy ? json_string(copy) : NULL;
}

int oci_set_text(json_t *o, const char *member, const char *value)
{
    return value && *value ? set(o, member, text_of(value)) : drop(o, member);
}

int oci_set_list(json_t *o, const char *member, const struct strv *v)
{
    if (v->len == 0)
        return drop(o, member);
    auto_json json_t *list = json_array();
    for (size_t i = 0; i < v->len; i++)
        if (json_array_append_new(list, text_of(v->items[i])) < 0)
            return -ENOMEM;
    return json_object_set(o, member, list) < 0 ? -ENOMEM : 0;
}

int oci_set_map(json_t *o, const char *member, bool values, const struct strv *v)
{
    if (v->len == 0)
        return drop(o, member);
    auto_json json_t *map = json_object();
    for (size_t i = 0; i < v->len; i++) {
        const char *item = v->items[i], *equals = values ? strchr(item, '=') : NULL;
        size_t len = equals ? (size_t)(equals - item) : strlen(item);
        auto_free char *key = plain(item, len);
        json_t *value = values ? text_of(equals ? equals + 1 : "") : json_object();
        if (!key || json_object_set_new(map, key, value) < 0)
            return -ENOMEM;
    }
    return json_object_set(o, member, map) < 0 ? -ENOMEM : 0;
}

int oci_set_time(json_t *o, const char *member, int64_t wall_ns)
{
    char text[TIME_TEXT];
    if (wall_ns == 0)
        return drop(o, member);
    time_format_rfc3339(wall_ns, text);
    return set(o, member, json_string(text));
}
