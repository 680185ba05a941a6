/* run - errors with their place, and the limits of a run: a template comes from the user
 * and must not make the program large or slow. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "cli/template/internal.h"

int template_fail(const struct template *t, size_t at, struct mtd_error *err,
                  const char *fmt, ...)
{
    char text[sizeof(err->text)];
    size_t line = 1, column = 1;
    for (size_t i = 0; i < at && t->text[i]; i++) {
        bool end = t->text[i] == '\n';
        line += end;
        column = end ? 1 : column + ((t->text[i] & 0xc0) != 0x80);
    }
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return mtd_fail(err, EINVAL, "template: %zu:%zu: %s", line, column, text);
}

int run_fail(struct run *r, size_t at, const char *fmt, ...)
{
    char text[200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return template_fail(r->t, at, r->err, "%s", text);
}

int run_result(struct run *r, size_t at, int rc)
{
    if (rc == -E2BIG)
        return run_fail(r, at, "the result is larger than %d MB",
                        TEMPLATE_OUTPUT_MAX >> 20);
    return rc == -ENOMEM ? mtd_fail(r->err, ENOMEM, "out of memory") : rc;
}

int run_step(struct run *r, size_t at)
{
    return ++r->steps > TEMPLATE_STEPS_MAX
               ? run_fail(r, at, "needs more than %d steps", TEMPLATE_STEPS_MAX)
               : 0;
}

void *run_alloc(struct run *r, size_t at, size_t size)
{
    void *p = arena_alloc(r->arena, size);
    if (!p && size > r->arena->max - r->arena->total)
        run_fail(r, at, "needs more than %d MB of memory", TEMPLATE_MEMORY_MAX >> 20);
    else if (!p)
        run_result(r, at, -ENOMEM);
    return p;
}

int run_string(struct run *r, size_t at, struct buf *b, struct value *ret)
{
    char *copy = run_alloc(r, at, b->len + 1);
    if (copy && b->len)
        memcpy(copy, b->data, b->len);
    *ret = value_of_string(copy, b->len);
    buf_done(b);
    return copy ? 0 : -EINVAL;
}

int call_fail(const struct call *c, const char *fmt, ...)
{
    char text[160];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return run_fail(c->run, c->node->at, "%s: %s", c->name, text);
}
