/* fields - .A.B of trees and of rows. A row makes only the fields that are asked for, so
 * that a list does not pay for what it does not show. */

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"
#include "cli/template/internal.h"

static bool is_map(const struct run *r, const char *name)
{
    const char *const *maps = r->data->maps;
    while (maps && *maps && strcmp(*maps, name) != 0)
        maps++;
    return maps && *maps;
}

static const json_t *find_type(const struct run *r, const struct value *of,
                               const char *name)
{
    const json_t *fields = of->name ? json_object_get(r->data->types, of->name) : NULL;
    return json_object_get(fields, name);
}

/* What is missing or null still has its type: lists and maps are nil, and so empty. */
static struct value empty_value(const json_t *type)
{
    struct value v = value_of_json(type);
    if (v.kind == VALUE_LIST)
        v.list.array = NULL;
    if (v.kind == VALUE_MAP)
        v.map = NULL;
    return v;
}

struct value run_missing(const struct run *r, const struct value *map)
{
    const json_t *type = find_type(r, map, "*");
    return type ? empty_value(type) : value_of_string("", 0);
}

/* Go's templates see the fields of its types, whose names in JSON differ by their case alone:
 * .ID is "Id" of a container and "id" of an event. */
static const json_t *find_member(const json_t *map, const char *name)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)map, key, value)
    {
        if (strcasecmp(key, name) == 0)
            return value;
    }
    return NULL;
}

static int get_member(struct run *r, const struct name *name, const struct value *of,
                      struct value *ret)
{
    const json_t *member = json_object_get(of->map, name->text), *type = NULL;
    if (of->open) {
        *ret = member ? value_inside(of, member) : (struct value){.kind = VALUE_NONE};
        return 0;
    }
    member = member ? member : find_member(of->map, name->text);
    if (!member || json_is_null(member))
        type = find_type(r, of, name->text);
    if (!member && !type)
        return run_fail(r, name->at, "no field .%.80s", name->text);
    *ret = type ? empty_value(type) : value_of_json(member);
    ret->open = is_map(r, name->text);
    ret->name = name->text;
    return 0;
}

/* -1 = there is none. */
static ssize_t find_field(const struct template_row *row, const char *name)
{
    const char *other;
    for (size_t i = 0; (other = row->name(row->data, i)); i++)
        if (strcmp(other, name) == 0)
            return (ssize_t)i;
    return -1;
}

/* A part of a string does not end in a NUL. */
static int copy_argument(struct run *r, const struct name *name,
                         const struct value *argument, char **ret)
{
    if (argument->kind != VALUE_STRING)
        return run_fail(r, name->at, ".%.80s expects a string; got %s", name->text,
                        value_type(argument));
    *ret = run_alloc(r, name->at, argument->string.len + 1);
    if (*ret)
        memcpy(*ret, argument->string.text, argument->string.len);
    return *ret ? 0 : -EINVAL;
}

/* What a row's get returned; a key was given or not. */
static int field_result(struct run *r, const struct name *name, int rc)
{
    if (rc == -ENOENT)
        return run_fail(r, name->at, ".%.80s has arguments but is not a method",
                        name->text);
    if (rc == -EINVAL)
        return run_fail(r, name->at, ".%.80s needs an argument", name->text);
    return run_result(r, name->at, rc);
}

static int put_field(struct run *r, const struct name *name, const char *key,
                     struct buf *out)
{
    const struct template_row *row = r->data->row;
    ssize_t i = find_field(row, name->text);
    if (i < 0)
        return run_fail(r, name->at, "no field .%.80s", name->text);
    return field_result(r, name, row->get(row->data, (size_t)i, key, out));
}

int run_write_field(struct run *r, const struct name *name)
{
    int rc = put_field(r, name, NULL, r->out);
    return rc == 0 && r->out->len > r->out_max ? run_result(r, name->at, -E2BIG) : rc;
}

static int get_field(struct run *r, const struct name *name, const struct value *argument,
                     struct value *ret)
{
    char *key = NULL;
    struct buf bytes = {0};
    int rc = argument ? copy_argument(r, name, argument, &key) : 0;
    if (rc == 0)
        rc = put_field(r, name, key, &bytes);
    if (rc == 0)
        return run_string(r, name->at, &bytes, ret);
    buf_done(&bytes);
    return rc;
}

int run_field(struct run *r, const struct name *name, const struct value *of,
              const struct value *argument, struct value *ret)
{
    if (of->kind == VALUE_ROW)
        return get_field(r, name, argument, ret);
    if (argument)
        return run_fail(r, name->at, ".%.80s has arguments but is not a method",
                        name->text);
    *ret = *of;
    if (of->kind == VALUE_NONE) /* what a map has not has no fields either */
        return 0;
    if (of->kind == VALUE_NIL)
        return run_fail(r, name->at, "nil evaluating .%.80s", name->text);
    if (of->kind != VALUE_MAP)
        return run_fail(r, name->at, "no field .%.80s in a value of type %s", name->text,
                        value_type(of));
    return get_member(r, name, of, ret);
}

static int add_field(const struct template_row *row, size_t i, json_t *whole)
{
    auto_done(buf_done) struct buf bytes = {0};
    int rc = row->get(row->data, i, NULL, &bytes);
    if (rc == -EINVAL)
        return 0; /* a method */
    /* The bytes of a row need not be UTF-8; write_json sees to that. */
    json_t *text = rc < 0 ? NULL : json_stringn_nocheck(bytes.data ?: "", bytes.len);
    if (rc == 0 && json_object_set_new_nocheck(whole, row->name(row->data, i), text) < 0)
        rc = -ENOMEM;
    return rc;
}

static int compare_names(const void *a, const void *b, void *arg)
{
    const struct template_row *row = arg;
    return strcmp(row->name(row->data, *(const size_t *)a),
                  row->name(row->data, *(const size_t *)b));
}

/* In the order of the names: a row is a map for docker's JSON. */
static int build_row(struct run *r)
{
    const struct template_row *row = r->data->row;
    size_t n = 0;
    while (row->name(row->data, n))
        n++;
    size_t *order = arena_alloc(r->arena, (n + 1) * sizeof(*order));
    r->row = json_object();
    if (!order || !r->row)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    qsort_r(order, n, sizeof(*order), compare_names, (void *)row);
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = add_field(row, order[i], r->row);
    return rc;
}

int run_whole(struct run *r, size_t at, struct value *v)
{
    if (v->kind != VALUE_ROW)
        return 0;
    int rc = r->row ? 0 : build_row(r);
    if (rc == 0)
        *v = value_of_json(r->row);
    return run_result(r, at, rc);
}
