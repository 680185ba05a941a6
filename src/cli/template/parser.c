/* parser - errors, tokens and nodes, which both halves of the parser need: parse.c and
 * pipeline.c do not call each other in a circle. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/template/internal.h"

int parser_fail(struct parser *p, size_t at, const char *fmt, ...)
{
    char text[160];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return template_fail(p->t, at, p->lexer.err, "%s", text);
}

int parser_no_memory(struct parser *p)
{
    return mtd_fail(p->lexer.err, ENOMEM, "out of memory");
}

int parser_unexpected(struct parser *p, const char *in)
{
    return parser_fail(p, p->now.at, "unexpected %.*s in %s", SHOWN(p, &p->now), in);
}

int parser_advance(struct parser *p)
{
    return lex_next(&p->lexer, &p->now);
}

bool parser_is(const struct parser *p, const char *word)
{
    return token_is(&p->lexer, &p->now, word);
}

int parser_deeper(struct parser *p, size_t at)
{
    if (++p->depth > TEMPLATE_DEPTH_MAX)
        return parser_fail(p, at, "nested deeper than %d", TEMPLATE_DEPTH_MAX);
    return 0;
}

struct node *parser_node(struct parser *p, enum node_kind kind, const struct token *t)
{
    struct node *n = arena_alloc(&p->t->arena, sizeof(*n));
    if (!n) {
        parser_no_memory(p);
        return NULL;
    }
    n->kind = kind;
    n->at = t->at;
    n->len = t->len;
    return n;
}
