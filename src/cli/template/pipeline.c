/* pipeline - what stands between "{{" and "}}": operands, commands, pipelines. A variable
 *            becomes a slot here, so that a run looks up no names. */

#include <errno.h>

#include "base/cleanup.h"
#include "cli/template/internal.h"

/* ---- variables ---- */

static int declare(struct parser *p, const struct token *t, size_t *slot)
{
    if (p->n_variables == VARIABLES_MAX)
        return parser_fail(p, t->at, "more than %d variables", VARIABLES_MAX);
    p->variables[p->n_variables++] = *t;
    *slot = p->n_variables; /* slot 0 is $ */
    if (p->t->slots <= *slot)
        p->t->slots = *slot + 1;
    return 0;
}

static int find_variable(struct parser *p, const struct token *t, size_t *slot)
{
    const char *text = p->t->text;
    *slot = 0;
    for (size_t i = p->n_variables; i-- > 0;) {
        const struct token *other = &p->variables[i];
        if (other->len == t->len && !memcmp(text + other->at, text + t->at, t->len)) {
            *slot = i + 1;
            return 0;
        }
    }
    return t->len == 1
               ? 0 /* $ */
               : parser_fail(p, t->at, "undefined variable \"%.*s\"", SHOWN(p, t));
}

/* ---- operands ---- */

/* The present token, a field, as the last of the node's names. */
static int add_name(struct parser *p, struct node *n, struct name **last)
{
    struct name *name = arena_alloc(&p->t->arena, sizeof(*name));
    char *text = arena_strndup(&p->t->arena, p->t->text + p->now.at + 1, p->now.len - 1);
    if (!name || !text)
        return parser_no_memory(p);
    *name = (struct name){.text = text, .at = p->now.at};
    *(*last ? &(*last)->next : &n->names) = name;
    *last = name;
    return parser_advance(p);
}

/* .B.C directly behind an operand that has names. */
static int add_names(struct parser *p, struct node *n, struct name *last)
{
    int rc = 0;
    bool may = n->kind == NODE_FIELD || n->kind == NODE_VARIABLE ||
               n->kind == NODE_PIPE || n->kind == NODE_FUNCTION;
    while (rc == 0 && p->now.kind == TOKEN_FIELD && !p->now.space) {
        if (!may)
            return parser_fail(p, p->now.at, "unexpected <%.*s> after a constant",
                               SHOWN(p, &p->now));
        rc = add_name(p, n, &last);
    }
    return rc;
}

static int parse_string(struct parser *p, struct node *n)
{
    auto_done(buf_done) struct buf bytes = {0};
    int rc = lex_unquote(&p->lexer, &p->now, &bytes);
    if (rc < 0)
        return rc == -ENOMEM ? parser_no_memory(p) : rc;
    if (p->now.kind == TOKEN_CHAR) {
        n->constant = value_of_int(utf8_rune(bytes.data, bytes.len));
        return 0;
    }
    char *copy = arena_strndup(&p->t->arena, bytes.data, bytes.len);
    n->constant = value_of_string(copy, bytes.len);
    return copy ? 0 : parser_no_memory(p);
}

static int parse_word(struct parser *p, struct node *n)
{
    bool yes = parser_is(p, "true");
    n->kind = NODE_CONST;
    if (yes || parser_is(p, "false")) {
        n->constant = value_of_bool(yes);
        return 0;
    }
    if (parser_is(p, "nil")) {
        n->kind = NODE_NIL;
        return 0;
    }
    n->kind = NODE_FUNCTION;
    n->function = function_find(p->t->text + p->now.at, p->now.len);
    return n->function ? 0
                       : parser_fail(p, p->now.at, "unknown function \"%.*s\"",
                                     SHOWN(p, &p->now));
}

static int parse_paren(struct parser *p, struct node *n)
{
    n->kind = NODE_PIPE;
    int rc = parser_deeper(p, p->now.at);
    if (rc == 0)
        rc = parser_advance(p);
    if (rc == 0)
        rc = parse_pipe(p, "parenthesized pipeline", TOKEN_CLOSE_PAREN, &n->pipe);
    p->depth--;
    return rc;
}

/* What the token alone tells. */
static int parse_term(struct parser *p, struct node *n)
{
    switch (p->now.kind) {
    case TOKEN_DOT: n->kind = NODE_DOT; return 0;
    case TOKEN_WORD: return parse_word(p, n);
    case TOKEN_NUMBER:
        n->kind = NODE_CONST;
        return lex_number(&p->lexer, &p->now, &n->constant);
    case TOKEN_STRING:
    case TOKEN_RAW:
    case TOKEN_CHAR: n->kind = NODE_CONST; return parse_string(p, n);
    case TOKEN_VARIABLE:
        n->kind = NODE_VARIABLE;
        return find_variable(p, &p->now, &n->slot);
    case TOKEN_OPEN_PAREN: return parse_paren(p, n);
    default: return parser_unexpected(p, "operand");
    }
}

static int parse_operand(struct parser *p, struct node **ret)
{
    struct name *last = NULL;
    struct node *n = parser_node(p, NODE_FIELD, &p->now);
    if (!n)
        return -ENOMEM;
    bool field = p->now.kind == TOKEN_FIELD;
    int rc = field ? add_name(p, n, &last) : parse_term(p, n);
    if (rc == 0 && !field)
        rc = parser_advance(p);
    if (rc == 0)
        rc = add_names(p, n, last);
    *ret = n;
    return rc;
}

/* ---- pipelines ---- */

static bool ends_command(enum token_kind kind)
{
    return kind == TOKEN_PIPE || kind == TOKEN_CLOSE || kind == TOKEN_CLOSE_PAREN;
}

static int parse_command(struct parser *p, struct command **ret)
{
    struct command *c = arena_alloc(&p->t->arena, sizeof(*c));
    if (!c)
        return parser_no_memory(p);
    struct node **end = &c->args;
    int rc = 0;
    do {
        if (c->len && !p->now.space)
            return parser_unexpected(p, "operand");
        rc = parse_operand(p, end);
        if (rc < 0)
            return rc;
        end = &(*end)->next;
        c->len++;
    } while (!ends_command(p->now.kind));
    *ret = c;
    return 0;
}

static bool is_executable(const struct node *n)
{
    return n->kind != NODE_CONST && n->kind != NODE_NIL && n->kind != NODE_DOT;
}

static int parse_commands(struct parser *p, const char *of, enum token_kind end,
                          struct pipe *pipe)
{
    struct command **next = &pipe->first;
    for (int stage = 1;; stage++) {
        if (p->now.kind == end) /* Go lets a pipeline end in "|" */
            return pipe->first ? 0
                               : parser_fail(p, p->now.at, "missing value for %s", of);
        if (ends_command(p->now.kind))
            return parser_unexpected(p, of);
        size_t at = p->now.at;
        int rc = parse_command(p, next);
        if (rc < 0)
            return rc;
        if (stage > 1 && !is_executable((*next)->args))
            return parser_fail(p, at, "non executable command in pipeline stage %d",
                               stage);
        next = &(*next)->next;
        if (p->now.kind == TOKEN_PIPE)
            rc = parser_advance(p);
        else if (p->now.kind != end)
            rc = parser_unexpected(p, of);
        if (rc < 0)
            return rc;
    }
}

/* One variable and the sign behind it is used up when it is declared or set. */
static int parse_variable(struct parser *p, const char *of, struct pipe *pipe, bool *more)
{
    struct lexer before = p->lexer;
    struct token variable = p->now;
    bool is_range = strcmp(of, "range") == 0;
    *more = false;
    int rc = parser_advance(p);
    if (rc < 0)
        return rc;
    bool comma = p->now.kind == TOKEN_COMMA;
    if (!comma && p->now.kind != TOKEN_DECLARE && p->now.kind != TOKEN_ASSIGN) {
        p->lexer = before;
        p->now = variable;
        return 0;
    }
    if (comma && (!is_range || pipe->vars > 0))
        return parser_fail(p, p->now.at, "too many declarations in %s", of);
    pipe->sets = p->now.kind == TOKEN_ASSIGN;
    pipe->declared[pipe->vars++] = variable;
    *more = comma;
    rc = parser_advance(p);
    if (rc == 0 && comma && p->now.kind != TOKEN_VARIABLE)
        return parser_fail(p, p->now.at, "range can only initialize variables");
    return rc;
}

static int parse_variables(struct parser *p, const char *of, struct pipe *pipe)
{
    bool more = p->now.kind == TOKEN_VARIABLE;
    int rc = 0;
    while (more && rc == 0) {
        int before = pipe->vars;
        rc = parse_variable(p, of, pipe, &more);
        if (rc == 0 && before == 1 && pipe->vars == 1)
            return parser_fail(p, p->now.at, "range can only initialize variables");
    }
    return rc;
}

/* They can be used behind the pipeline that gives them their value, and in Go's parser in
 * it, too; a value that is not there yet would be no help. */
static int bind_variables(struct parser *p, struct pipe *pipe)
{
    int rc = 0;
    for (int i = 0; i < pipe->vars && rc == 0; i++)
        rc = pipe->sets ? find_variable(p, &pipe->declared[i], &pipe->slots[i])
                        : declare(p, &pipe->declared[i], &pipe->slots[i]);
    return rc;
}

/* Up to `end`, which is left as the present token. */
int parse_pipe(struct parser *p, const char *of, enum token_kind end, struct pipe **ret)
{
    struct pipe *pipe = arena_alloc(&p->t->arena, sizeof(*pipe));
    if (!pipe)
        return parser_no_memory(p);
    pipe->at = p->now.at;
    int rc = parse_variables(p, of, pipe);
    if (rc == 0)
        rc = parse_commands(p, of, end, pipe);
    if (rc == 0)
        rc = bind_variables(p, pipe);
    *ret = pipe;
    return rc;
}
