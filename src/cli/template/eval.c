/* eval - walks the nodes of a template with a dot, in the order and with the rules of
 * text/template/exec.go, because users compare the output with docker's. */

#include <errno.h>

#include "cli/template/internal.h"

/* What a list may end with besides 0 and an error. */
enum { DID_BREAK = 1, DID_CONTINUE };

static int eval_pipe(struct run *r, const struct pipe *pipe, const struct value *dot,
                     struct value *ret);
static int walk(struct run *r, const struct list *list, const struct value *dot);

/* ---- operands ---- */

static int eval_names(struct run *r, const struct name *name,
                      const struct value *argument, struct value *v)
{
    int rc = 0;
    for (; name && rc == 0; name = name->next) {
        struct value of = *v;
        rc = run_field(r, name, &of, name->next ? NULL : argument, v);
    }
    return rc;
}

static int eval_function(struct run *r, const struct node *n, struct node *args,
                         const struct value *dot, const struct value *final,
                         struct value *ret);

static int eval_term(struct run *r, const struct node *n, const struct value *dot,
                     struct value *ret)
{
    switch (n->kind) {
    case NODE_CONST: *ret = n->constant; return 0;
    case NODE_NIL: *ret = (struct value){.kind = VALUE_NONE}; return 0;
    case NODE_VARIABLE: *ret = r->vars[n->slot]; return 0;
    case NODE_PIPE: return eval_pipe(r, n->pipe, dot, ret);
    case NODE_FUNCTION: return eval_function(r, n, NULL, dot, NULL, ret);
    default: *ret = *dot; return 0;
    }
}

/* An operand alone, as the argument of something. */
static int eval_operand(struct run *r, const struct node *n, const struct value *dot,
                        struct value *ret)
{
    int rc = run_step(r, n->at);
    if (rc == 0)
        rc = eval_term(r, n, dot, ret);
    return rc < 0 ? rc : eval_names(r, n->names, NULL, ret);
}

/* ---- functions ---- */

/* They stop at the first argument that decides. */
static int eval_and_or(struct run *r, const struct node *n, const struct node *args,
                       const struct value *dot, const struct value *final,
                       struct value *ret)
{
    bool is_or = n->function->name[0] == 'o';
    if (!args && !final)
        return run_fail(r, n->at, "wrong number of args for %s: want at least 1 got 0",
                        n->function->name);
    for (; args; args = args->next) {
        int rc = eval_operand(r, args, dot, ret);
        if (rc < 0 || value_truth(ret) == is_or)
            return rc;
    }
    if (final)
        *ret = *final;
    return 0;
}

static int eval_args(struct run *r, const struct node *args, const struct value *dot,
                     const struct value *final, struct call *c)
{
    size_t n = final != NULL;
    for (const struct node *a = args; a; a = a->next)
        n++;
    c->args = run_alloc(r, c->node->at, (n + 1) * sizeof(*c->args));
    if (!c->args)
        return -EINVAL;
    int rc = 0;
    for (; args && rc == 0; args = args->next)
        rc = eval_operand(r, args, dot, &c->args[c->len++]);
    if (final)
        c->args[c->len++] = *final;
    return rc;
}

static int eval_function(struct run *r, const struct node *n, struct node *args,
                         const struct value *dot, const struct value *final,
                         struct value *ret)
{
    struct call c = {.run = r, .node = n, .name = n->function->name};
    if (!n->function->fn)
        return eval_and_or(r, n, args, dot, final, ret);
    int rc = eval_args(r, args, dot, final, &c);
    return rc < 0 ? rc : function_call(&c, n->function, ret);
}

/* ---- pipelines ---- */

/* The last name of a field may be a method; what is given to it is its argument. */
static int eval_method(struct run *r, const struct command *c, const struct value *dot,
                       const struct value *final, struct value *ret)
{
    const struct node *n = c->args, *arg = n->next;
    struct value argument;
    if (c->len - 1 + (final != NULL) != 1)
        return run_fail(r, n->at, "too many arguments");
    int rc = arg ? eval_operand(r, arg, dot, &argument) : 0;
    if (final)
        argument = *final;
    if (rc == 0)
        rc = eval_term(r, n, dot, ret);
    return rc < 0 ? rc : eval_names(r, n->names, &argument, ret);
}

static int eval_command(struct run *r, const struct command *c, const struct value *dot,
                        const struct value *final, struct value *ret)
{
    const struct node *n = c->args;
    int rc = run_step(r, n->at);
    if (rc < 0)
        return rc;
    if (n->kind == NODE_FUNCTION) {
        rc = eval_function(r, n, n->next, dot, final, ret);
        return rc < 0 ? rc : eval_names(r, n->names, NULL, ret);
    }
    if (n->kind == NODE_NIL)
        return run_fail(r, n->at, "nil is not a command");
    if (!n->next && !final)
        return eval_operand(r, n, dot, ret);
    if (!n->names)
        return run_fail(r, n->at, "can't give argument to non-function %.*s",
                        (int)(n->len < 40 ? n->len : 40), r->t->text + n->at);
    return eval_method(r, c, dot, final, ret);
}

static int eval_pipe(struct run *r, const struct pipe *pipe, const struct value *dot,
                     struct value *ret)
{
    struct value v, before;
    const struct value *final = NULL;
    for (const struct command *c = pipe->first; c; c = c->next) {
        int rc = eval_command(r, c, dot, final, &v);
        if (rc < 0)
            return rc;
        before = v;
        final = &before;
    }
    for (int i = 0; i < pipe->vars; i++)
        r->vars[pipe->slots[i]] = v;
    *ret = v;
    return 0;
}

/* ---- lists ---- */

/* {{.Names}}: most of what is asked of a row. */
static bool is_plain_field(const struct pipe *p, const struct value *dot)
{
    const struct node *n = p->first->args;
    return dot->kind == VALUE_ROW && n->kind == NODE_FIELD && !n->names->next &&
           !n->next && !p->first->next && !p->vars;
}

static int print_action(struct run *r, const struct node *n, const struct value *dot)
{
    struct value v;
    if (is_plain_field(n->pipe, dot))
        return run_write_field(r, n->pipe->first->args->names);
    struct writer w = {r->out, r->out_max, r->arena};
    int rc = eval_pipe(r, n->pipe, dot, &v);
    if (rc < 0 || n->pipe->vars)
        return rc;
    rc = run_whole(r, n->at, &v);
    if (rc == 0 && v.kind == VALUE_NONE)
        rc = write_bytes(&w, "<no value>", 10);
    else if (rc == 0)
        rc = write_value(&w, &v);
    return run_result(r, n->at, rc);
}

static int walk_condition(struct run *r, const struct node *n, const struct value *dot)
{
    struct value v;
    int rc = eval_pipe(r, n->pipe, dot, &v);
    if (rc < 0)
        return rc;
    bool with = n->kind == NODE_WITH;
    return value_truth(&v) ? walk(r, &n->body, with ? &v : dot)
                           : walk(r, &n->otherwise, dot);
}

/* One turn of a range; returns 1 when it was the last. */
static int walk_turn(struct run *r, const struct node *n, const struct value *key,
                     const struct value *item)
{
    const struct pipe *p = n->pipe;
    if (p->vars)
        r->vars[p->slots[p->vars - 1]] = *item;
    if (p->vars > 1)
        r->vars[p->slots[0]] = *key;
    int rc = run_step(r, n->at);
    if (rc == 0)
        rc = walk(r, &n->body, item);
    return rc == DID_CONTINUE ? 0 : rc;
}

static int walk_map(struct run *r, const struct node *n, const struct value *map)
{
    size_t size = json_object_size(map->map);
    const char **keys = value_keys(r->arena, map->map);
    if (!keys)
        return run_result(r, n->at, -E2BIG);
    int rc = 0;
    for (size_t i = 0; i < size && rc == 0; i++) {
        struct value key = value_of_string(keys[i], strlen(keys[i]));
        struct value item = value_inside(map, json_object_get(map->map, keys[i]));
        rc = walk_turn(r, n, &key, &item);
    }
    return rc;
}

static int walk_numbers(struct run *r, const struct node *n, int64_t end)
{
    int rc = 0;
    if (n->pipe->vars > 1)
        return run_fail(r, n->at, "can't use %lld to iterate over more than one variable",
                        (long long)end);
    for (int64_t i = 0; i < end && rc == 0; i++) {
        struct value item = value_of_int(i);
        rc = walk_turn(r, n, &item, &item);
    }
    return rc;
}

static int walk_items(struct run *r, const struct node *n, const struct value *over)
{
    int rc = 0;
    if (over->kind == VALUE_MAP)
        return walk_map(r, n, over);
    if (over->kind == VALUE_INT)
        return walk_numbers(r, n, over->integer);
    for (size_t i = 0; i < over->list.len && rc == 0; i++) {
        struct value key = value_of_int((int64_t)i), item = value_item(over, i);
        rc = walk_turn(r, n, &key, &item);
    }
    return rc;
}

static int walk_range(struct run *r, const struct node *n, const struct value *dot)
{
    struct value over;
    int rc = eval_pipe(r, n->pipe, dot, &over);
    if (rc == 0)
        rc = run_whole(r, n->at, &over);
    if (rc < 0)
        return rc;
    bool may = over.kind == VALUE_LIST || over.kind == VALUE_MAP ||
               over.kind == VALUE_INT || over.kind == VALUE_NIL ||
               over.kind == VALUE_NONE;
    if (!may)
        return run_fail(r, n->pipe->at, "range can't iterate over a value of type %s",
                        value_type(&over));
    bool some = over.kind == VALUE_INT ? over.integer > 0 : value_len(&over) > 0;
    if (!some)
        return walk(r, &n->otherwise, dot);
    rc = walk_items(r, n, &over);
    return rc == DID_BREAK ? 0 : rc;
}

static int walk_node(struct run *r, const struct node *n, const struct value *dot)
{
    struct writer w = {r->out, r->out_max, r->arena};
    switch (n->kind) {
    case NODE_TEXT:
        return run_result(
            r, n->at, write_bytes(&w, n->constant.string.text, n->constant.string.len));
    case NODE_RANGE: return walk_range(r, n, dot);
    case NODE_BREAK: return DID_BREAK;
    case NODE_CONTINUE: return DID_CONTINUE;
    case NODE_ACTION: return print_action(r, n, dot);
    default: return walk_condition(r, n, dot);
    }
}

static int walk(struct run *r, const struct list *list, const struct value *dot)
{
    int rc = 0;
    for (const struct node *n = list->first; n && rc == 0; n = n->next) {
        rc = run_step(r, n->at);
        if (rc == 0)
            rc = walk_node(r, n, dot);
    }
    return rc;
}

int template_run(const struct template *t, const struct template_data *data,
                 struct buf *out, struct mtd_error *err)
{
    struct arena arena; /* most of it is never touched */
    struct run r = {.t = t, .data = data, .out = out, .err = err, .arena = &arena};
    struct value root = {.kind = VALUE_ROW};
    r.out_max = out->len + TEMPLATE_OUTPUT_MAX;
    if (data->tree)
        root = value_of_json(data->tree);
    root.name = "";
    arena_init(&arena, TEMPLATE_MEMORY_MAX);
    r.vars = run_alloc(&r, 0, t->slots * sizeof(*r.vars));
    int rc = r.vars ? 0 : -ENOMEM;
    if (rc == 0) {
        r.vars[0] = root;
        rc = walk(&r, &t->list, &root);
    }
    json_decref(r.row);
    arena_done(&arena);
    return rc;
}
