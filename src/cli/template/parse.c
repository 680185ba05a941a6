/* parse - from tokens to nodes: lists of text and actions. The grammar and its errors are
 *         those of text/template/parse/parse.go. */

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cli/template/internal.h"

static int parse_list(struct parser *p, struct list *list, const struct node *of);

static void append(struct list *list, struct node *n)
{
    *list->end = n;
    list->end = &n->next;
}

/* ---- actions ---- */

static const struct keyword {
    const char *name;
    enum node_kind kind;
} KEYWORDS[] = {
    {"if", NODE_IF},       {"range", NODE_RANGE},       {"with", NODE_WITH},
    {"break", NODE_BREAK}, {"continue", NODE_CONTINUE},
};

static const struct keyword *find_keyword(const struct parser *p)
{
    for (size_t i = 0; i < ARRAY_SIZE(KEYWORDS); i++)
        if (parser_is(p, KEYWORDS[i].name))
            return &KEYWORDS[i];
    return NULL;
}

static int expect_close(struct parser *p, const char *in)
{
    return p->now.kind == TOKEN_CLOSE ? 0 : parser_unexpected(p, in);
}

static int parse_control(struct parser *p, const struct keyword *k, struct list *list);

/* The present token is "else". */
static int parse_else(struct parser *p, struct node *n, const struct keyword *k)
{
    int rc = parser_advance(p);
    if (rc == 0 && k->kind != NODE_RANGE && parser_is(p, k->name))
        return parse_control(p, k, &n->otherwise); /* one {{end}} ends both */
    if (rc == 0)
        rc = expect_close(p, "else");
    if (rc == 0)
        rc = parse_list(p, &n->otherwise, n);
    if (rc == 0 && parser_is(p, "else"))
        return parser_fail(p, p->now.at, "expected end; found {{else}}");
    return rc;
}

/* The present token is the keyword; afterwards it is "end". */
static int parse_control(struct parser *p, const struct keyword *k, struct list *list)
{
    struct node *n = parser_node(p, k->kind, &p->now);
    if (!n)
        return -ENOMEM;
    n->body.end = &n->body.first;
    n->otherwise.end = &n->otherwise.first;
    append(list, n);
    size_t scope = p->n_variables;
    int rc = parser_deeper(p, n->at);
    if (rc == 0)
        rc = parser_advance(p);
    if (rc == 0)
        rc = parse_pipe(p, k->name, TOKEN_CLOSE, &n->pipe);
    p->ranges += k->kind == NODE_RANGE;
    if (rc == 0)
        rc = parse_list(p, &n->body, n);
    p->ranges -= k->kind == NODE_RANGE;
    if (rc == 0 && parser_is(p, "else"))
        rc = parse_else(p, n, k);
    p->n_variables = scope;
    p->depth--;
    return rc;
}

/* break, continue */
static int parse_jump(struct parser *p, const struct keyword *k, struct list *list)
{
    struct node *n = parser_node(p, k->kind, &p->now);
    if (!n)
        return -ENOMEM;
    if (p->ranges == 0)
        return parser_fail(p, n->at, "{{%s}} outside {{range}}", k->name);
    append(list, n);
    int rc = parser_advance(p);
    return rc < 0 ? rc : expect_close(p, k->name);
}

static int parse_output(struct parser *p, struct list *list)
{
    struct node *n = parser_node(p, NODE_ACTION, &p->now);
    if (!n)
        return -ENOMEM;
    append(list, n);
    return parse_pipe(p, "command", TOKEN_CLOSE, &n->pipe);
}

/* Afterwards the present token is "}}". */
static int parse_action(struct parser *p, struct list *list)
{
    static const char *const REFUSED[] = {"define", "block", "template"};
    for (size_t i = 0; i < ARRAY_SIZE(REFUSED); i++)
        if (parser_is(p, REFUSED[i]))
            return parser_fail(p, p->now.at, "{{%s}} is not supported", REFUSED[i]);
    const struct keyword *k = find_keyword(p);
    if (!k)
        return parse_output(p, list);
    if (k->kind == NODE_BREAK || k->kind == NODE_CONTINUE)
        return parse_jump(p, k, list);
    int rc = parse_control(p, k, list);
    if (rc == 0)
        rc = parser_advance(p);
    return rc < 0 ? rc : expect_close(p, "end");
}

/* docker replaces exactly these two before it parses the template. */
static size_t unescape_text(char *text, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        bool escape =
            text[i] == '\\' && i + 1 < len && (text[i + 1] == 't' || text[i + 1] == 'n');
        text[n++] = !escape ? text[i] : text[i + 1] == 't' ? '\t' : '\n';
        i += escape;
    }
    return n;
}

static int add_text(struct parser *p, const struct token *text, struct list *list)
{
    if (text->len == 0)
        return 0;
    struct node *n = parser_node(p, NODE_TEXT, text);
    char *copy = arena_strndup(&p->t->arena, p->t->text + text->at, text->len);
    if (!n || !copy)
        return parser_no_memory(p);
    n->constant = value_of_string(copy, unescape_text(copy, text->len));
    append(list, n);
    return 0;
}

/* Text and comments up to the next action, whose first token is then the present one. */
static int parse_text(struct parser *p, struct list *list, bool *action)
{
    int found, rc = 0;
    do {
        struct token text;
        found = lex_text(&p->lexer, &text);
        rc = found < 0 ? found : add_text(p, &text, list);
    } while (rc == 0 && found == LEX_COMMENT);
    *action = rc == 0 && found == LEX_ACTION;
    return *action ? parser_advance(p) : rc;
}

/* Up to the "end" or "else" of `of`, or, where that is NULL, of the template. */
static int parse_list(struct parser *p, struct list *list, const struct node *of)
{
    bool action = true;
    int rc = parse_text(p, list, &action);
    while (rc == 0 && action && !parser_is(p, "end") && !parser_is(p, "else")) {
        rc = parse_action(p, list);
        if (rc == 0)
            rc = parse_text(p, list, &action);
    }
    if (rc < 0 || (of != NULL) == action)
        return rc;
    return of ? parser_fail(p, of->at, "{{%.*s}} without its {{end}}", (int)of->len,
                            p->t->text + of->at)
              : parser_fail(p, p->now.at, "unexpected {{%.*s}}", SHOWN(p, &p->now));
}

/* ---- the whole ---- */

static int parse_all(struct template *t, struct mtd_error *err)
{
    struct token *variables = calloc(VARIABLES_MAX, sizeof(*variables));
    struct parser p = {.t = t, .variables = variables};
    p.lexer = (struct lexer){.t = t, .len = strlen(t->text), .err = err};
    int rc = variables ? parse_list(&p, &t->list, NULL) : parser_no_memory(&p);
    free(variables);
    return rc;
}

int template_parse(const char *text, struct template **ret, struct mtd_error *err)
{
    struct template *t = malloc(sizeof(*t));
    if (!t)
        return mtd_fail(err, ENOMEM, "out of memory");
    arena_init(&t->arena, SIZE_MAX / 4);
    t->slots = 1;
    t->list = (struct list){NULL, &t->list.first};
    t->text = strdup(text);
    int rc = t->text ? parse_all(t, err) : mtd_fail(err, ENOMEM, "out of memory");
    if (rc < 0)
        template_free(t);
    else
        *ret = t;
    return rc;
}

void template_free(struct template *t)
{
    if (!t)
        return;
    arena_done(&t->arena);
    free(t->text);
    free(t);
}
