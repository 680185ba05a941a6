/* functions - the table of what a template can call, and the functions that take any
 * value. A table, so that arguments are counted and checked in one place. */

#include "base/cleanup.h"
#include "cli/template/internal.h"

static int function_call_refused(const struct call *c, struct value *ret)
{
    return call_fail(c, "no value here is a function");
}

/* and, or: evaluated by eval.c, which need not evaluate all arguments. */
static const struct function FUNCTIONS[] = {
    {"and", 1, -1, "", NULL},
    {"call", 0, -1, "", function_call_refused},
    {"eq", 2, -1, "", function_eq},
    {"ge", 2, 2, "", function_ge},
    {"gt", 2, 2, "", function_gt},
    {"html", 0, -1, "", function_html},
    {"index", 1, -1, "", function_index},
    {"join", 2, 2, "ls", function_join, true},
    {"js", 0, -1, "", function_js},
    {"json", 1, 1, "", function_json, true},
    {"le", 2, 2, "", function_le},
    {"len", 1, 1, "", function_len},
    {"lower", 1, 1, "s", function_lower, true},
    {"lt", 2, 2, "", function_lt},
    {"ne", 2, 2, "", function_ne},
    {"not", 1, 1, "", function_not},
    {"or", 1, -1, "", NULL},
    {"pad", 3, 3, "sii", function_pad},
    {"print", 0, -1, "", function_print},
    {"printf", 1, -1, "s", function_printf},
    {"println", 0, -1, "", function_println},
    {"slice", 1, 4, "", function_slice},
    {"split", 2, 2, "ss", function_split, true},
    {"title", 1, 1, "s", function_title, true},
    {"truncate", 2, 2, "si", function_truncate, true},
    {"upper", 1, 1, "s", function_upper, true},
    {"urlquery", 0, -1, "", function_urlquery},
};

const struct function *function_find(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_SIZE(FUNCTIONS); i++)
        if (strlen(FUNCTIONS[i].name) == len && memcmp(FUNCTIONS[i].name, name, len) == 0)
            return &FUNCTIONS[i];
    return NULL;
}

static bool is_string_list(const struct value *v)
{
    bool all = v->kind == VALUE_LIST;
    for (size_t i = 0; all && i < v->list.len; i++)
        all = value_item(v, i).kind == VALUE_STRING;
    return all || v->kind == VALUE_NIL;
}

static int check_type(const struct call *c, size_t i, char type)
{
    const struct value *v = &c->args[i];
    const char *want = type == 's' && v->kind != VALUE_STRING ? "a string"
                       : type == 'i' && v->kind != VALUE_INT  ? "an integer"
                       : type == 'l' && !is_string_list(v)    ? "a list of strings"
                                                              : NULL;
    return want ? call_fail(c, "argument %zu must be %s and is %s", i + 1, want,
                            value_type(v))
                : 0;
}

static int check_count(const struct call *c, const struct function *f)
{
    bool few = c->len < (size_t)f->min, many = f->max >= 0 && c->len > (size_t)f->max;
    if (!few && !many)
        return 0;
    return run_fail(c->run, c->node->at, "wrong number of args for %s: want %s%d got %zu",
                    c->name, f->min != f->max ? few ? "at least " : "at most " : "",
                    few ? f->min : f->max, c->len);
}

int function_call(const struct call *c, const struct function *f, struct value *ret)
{
    int rc = check_count(c, f);
    for (size_t i = 0; i < c->len && rc == 0; i++) {
        if (c->args[i].kind == VALUE_NONE)
            c->args[i].kind = VALUE_NIL;
        rc = run_whole(c->run, c->node->at, &c->args[i]);
        bool title = c->run->data->header && f->is_title;
        if (rc == 0 && i < strlen(f->types) && !title)
            rc = check_type(c, i, f->types[i]);
    }
    if (rc < 0)
        return rc;
    if (c->run->data->header && f->is_title) {
        *ret = c->args[0];
        return 0;
    }
    return f->fn(c, ret);
}

FUNCTION(not )
{
    *ret = value_of_bool(!value_truth(&c->args[0]));
    return 0;
}

FUNCTION(len)
{
    const struct value *v = &c->args[0];
    if (v->kind != VALUE_STRING && v->kind != VALUE_LIST && v->kind != VALUE_MAP)
        return call_fail(c, "a value of type %s has no length", value_type(v));
    *ret = value_of_int((int64_t)value_len(v));
    return 0;
}

/* ---- index, slice ---- */

/* An index or, for slice, a border, of a list or string. */
static int check_index(const struct call *c, const struct value *i, size_t end)
{
    if (i->kind != VALUE_INT)
        return call_fail(c, "cannot index slice/array with %s%s",
                         i->kind == VALUE_NIL ? "" : "type ", value_type(i));
    if (i->integer < 0 || (uint64_t)i->integer >= end)
        return call_fail(c, "index out of range: %lld", (long long)i->integer);
    return 0;
}

static int index_map(const struct call *c, const struct value *key, struct value *v)
{
    if (key->kind != VALUE_STRING)
        return call_fail(c, "value has type %s; should be string", value_type(key));
    const json_t *member = json_object_getn(v->map, key->string.text, key->string.len);
    *v = member    ? value_inside(v, member)
         : v->open ? run_missing(c->run, v)
                   : (struct value){.kind = VALUE_NONE};
    return 0;
}

static int index_once(const struct call *c, const struct value *key, struct value *v)
{
    if (v->kind == VALUE_MAP)
        return index_map(c, key, v);
    if (v->kind == VALUE_NIL || v->kind == VALUE_NONE)
        return call_fail(c, "index of untyped nil");
    if (v->kind != VALUE_LIST && v->kind != VALUE_STRING)
        return call_fail(c, "can't index item of type %s", value_type(v));
    int rc = check_index(c, key, value_len(v));
    if (rc < 0)
        return rc;
    size_t i = (size_t)key->integer;
    *v = v->kind == VALUE_LIST ? value_item(v, i)
                               : value_of_int((unsigned char)v->string.text[i]);
    return 0;
}

FUNCTION(index)
{
    int rc = 0;
    *ret = c->args[0];
    if (ret->kind == VALUE_NIL)
        return call_fail(c, "index of untyped nil");
    for (size_t i = 1; i < c->len && rc == 0; i++)
        rc = index_once(c, &c->args[i], ret);
    return rc;
}

FUNCTION(slice)
{
    struct value v = c->args[0];
    if (v.kind == VALUE_NIL)
        return call_fail(c, "slice of untyped nil");
    if (v.kind != VALUE_LIST && v.kind != VALUE_STRING)
        return call_fail(c, "can't slice item of type %s", value_type(&v));
    if (v.kind == VALUE_STRING && c->len == 4)
        return call_fail(c, "cannot 3-index slice a string");
    size_t border[3] = {0, value_len(&v), value_len(&v)};
    for (size_t i = 1; i < c->len; i++) {
        int rc = check_index(c, &c->args[i], value_len(&v) + 1);
        if (rc < 0)
            return rc;
        border[i - 1] = (size_t)c->args[i].integer;
    }
    for (size_t i = 0; i < 2; i++)
        if (border[i] > border[i + 1] && (i == 0 || c->len == 4))
            return call_fail(c, "invalid slice index: %zu > %zu", border[i],
                             border[i + 1]);
    if (v.kind == VALUE_STRING) {
        v = value_of_string(v.string.text + border[0], border[1] - border[0]);
    } else {
        v.list.from += border[0];
        v.list.len = border[1] - border[0];
    }
    *ret = v;
    return 0;
}

/* ---- comparisons ---- */

static bool is_basic(const struct value *v)
{
    return v->kind >= VALUE_BOOL && v->kind <= VALUE_STRING;
}

static int order_strings(const struct value *a, const struct value *b)
{
    size_t n = a->string.len < b->string.len ? a->string.len : b->string.len;
    int order = n ? memcmp(a->string.text, b->string.text, n) : 0;
    return order ? order
                 : (a->string.len > b->string.len) - (a->string.len < b->string.len);
}

/* Of the same basic kind. */
static int order(const struct value *a, const struct value *b)
{
    switch (a->kind) {
    case VALUE_BOOL: return a->boolean - b->boolean;
    case VALUE_INT: return (a->integer > b->integer) - (a->integer < b->integer);
    case VALUE_FLOAT: return (a->real > b->real) - (a->real < b->real);
    default: return order_strings(a, b);
    }
}

static int is_equal(const struct call *c, const struct value *a, const struct value *b,
                    bool *ret)
{
    bool a_nil = a->kind == VALUE_NIL, b_nil = b->kind == VALUE_NIL;
    *ret = a_nil && b_nil;
    if (a_nil || b_nil)
        return 0;
    if (a->kind != b->kind)
        return call_fail(c, "incompatible types for comparison: %s and %s", value_type(a),
                         value_type(b));
    if (!is_basic(a))
        return call_fail(c, "non-comparable type %s", value_type(a));
    *ret = order(a, b) == 0;
    return 0;
}

FUNCTION(eq)
{
    bool equal = false;
    int rc = 0;
    for (size_t i = 1; i < c->len && rc == 0 && !equal; i++)
        rc = is_equal(c, &c->args[0], &c->args[i], &equal);
    *ret = value_of_bool(equal);
    return rc;
}

FUNCTION(ne)
{
    bool equal = false;
    int rc = is_equal(c, &c->args[0], &c->args[1], &equal);
    *ret = value_of_bool(!equal);
    return rc;
}

static int get_order(const struct call *c, int *ret)
{
    const struct value *a = &c->args[0], *b = &c->args[1];
    if (!is_basic(a) || !is_basic(b) || (a->kind == VALUE_BOOL && b->kind == VALUE_BOOL))
        return call_fail(c, "invalid type for comparison");
    if (a->kind != b->kind)
        return call_fail(c, "incompatible types for comparison: %s and %s", value_type(a),
                         value_type(b));
    *ret = order(a, b);
    return 0;
}

FUNCTION(lt)
{
    int o = 0, rc = get_order(c, &o);
    *ret = value_of_bool(o < 0);
    return rc;
}

FUNCTION(le)
{
    int o = 0, rc = get_order(c, &o);
    *ret = value_of_bool(o <= 0);
    return rc;
}

FUNCTION(gt)
{
    int o = 0, rc = get_order(c, &o);
    *ret = value_of_bool(o > 0);
    return rc;
}

FUNCTION(ge)
{
    int o = 0, rc = get_order(c, &o);
    *ret = value_of_bool(o >= 0);
    return rc;
}
