/* value - what templates compute with: JSON's types under Go's names and rules. */

#include <stdlib.h>

#include "cli/template/internal.h"

struct value value_of_int(int64_t i)
{
    return (struct value){.kind = VALUE_INT, .integer = i};
}

struct value value_of_bool(bool b)
{
    return (struct value){.kind = VALUE_BOOL, .boolean = b};
}

struct value value_of_string(const char *text, size_t len)
{
    return (struct value){.kind = VALUE_STRING, .string = {text, len}};
}

struct value value_of_json(const json_t *j)
{
    switch (json_typeof(j)) {
    case JSON_TRUE: return value_of_bool(true);
    case JSON_FALSE: return value_of_bool(false);
    case JSON_INTEGER: return value_of_int(json_integer_value(j));
    case JSON_REAL:
        return (struct value){.kind = VALUE_FLOAT, .real = json_real_value(j)};
    case JSON_STRING: return value_of_string(json_string_value(j), json_string_length(j));
    case JSON_ARRAY:
        return (struct value){.kind = VALUE_LIST,
                              .list = {.array = j, .len = json_array_size(j)}};
    case JSON_OBJECT: return (struct value){.kind = VALUE_MAP, .map = j};
    default: return (struct value){.kind = VALUE_NIL};
    }
}

struct value value_inside(const struct value *list_or_map, const json_t *item)
{
    struct value v = value_of_json(item);
    v.name = list_or_map->name;
    return v;
}

struct value value_item(const struct value *list, size_t i)
{
    i += list->list.from;
    return list->list.items ? list->list.items[i]
                            : value_inside(list, json_array_get(list->list.array, i));
}

size_t value_len(const struct value *v)
{
    switch (v->kind) {
    case VALUE_STRING: return v->string.len;
    case VALUE_LIST: return v->list.len;
    case VALUE_MAP: return json_object_size(v->map);
    default: return 0;
    }
}

bool value_truth(const struct value *v)
{
    switch (v->kind) {
    case VALUE_BOOL: return v->boolean;
    case VALUE_INT: return v->integer != 0;
    case VALUE_FLOAT: return v->real != 0;
    case VALUE_ROW: return true;
    default: return value_len(v) > 0;
    }
}

const char *value_type(const struct value *v)
{
    switch (v->kind) {
    case VALUE_BOOL: return "bool";
    case VALUE_INT: return "int";
    case VALUE_FLOAT: return "float64";
    case VALUE_STRING: return "string";
    case VALUE_LIST: return v->list.items ? "[]string" : "[]interface {}";
    case VALUE_MAP: return "map[string]interface {}";
    case VALUE_ROW: return "row";
    default: return "nil";
    }
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **value_keys(struct arena *a, const json_t *map)
{
    size_t n = 0;
    const char **keys = arena_alloc(a, (json_object_size(map) + 1) * sizeof(*keys));
    if (!keys)
        return NULL;
    /* jansson's iterators want to be able to write. */
    json_t *m = (json_t *)map;
    for (void *i = json_object_iter(m); i; i = json_object_iter_next(m, i))
        keys[n++] = json_object_iter_key(i);
    qsort(keys, n, sizeof(*keys), compare_keys);
    return keys;
}
