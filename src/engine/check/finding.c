/* check.c and host.c report and repair alike, so what they share is below both. */

#include "engine/check/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

static void finding_done(struct finding *f)
{
    free(f->object);
    free(f->text);
}

void check_done(struct check *c)
{
    for (size_t i = 0; i < c->len; i++)
        finding_done(&c->items[i]);
    free(c->items);
    cgroup_done(&c->host);
    strv_done(&c->groups);
    strv_done(&c->networks);
    *c = (struct check){0};
}

static struct finding *make_room(struct check *c)
{
    if (c->len == c->cap) {
        size_t cap = c->cap ? 2 * c->cap : 16;
        struct finding *items = reallocarray(c->items, cap, sizeof(*items));
        if (!items)
            return NULL;
        c->items = items;
        c->cap = cap;
    }
    return &c->items[c->len];
}

void check_add(struct check *c, const char *id, const char *object, repair_fn repair,
               const char *fmt, ...)
{
    va_list args;
    struct finding *f = make_room(c);
    char *text = NULL;
    va_start(args, fmt);
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    char *copy = f ? strdup(object) : NULL;
    if (!copy || n < 0) {
        free(copy);
        free(n < 0 ? NULL : text);
        c->out_of_memory = true;
        return;
    }
    *f = (struct finding){.object = copy, .text = text, .repair = repair};
    snprintf(f->id, sizeof(f->id), "%s", id ? id : "");
    c->len++;
}

const struct finding *check_find(const struct check *c, const struct finding *like)
{
    for (size_t i = 0; i < c->len; i++) {
        const struct finding *f = &c->items[i];
        if (f->repair == like->repair && strcmp(f->id, like->id) == 0 &&
            strcmp(f->object, like->object) == 0)
            return f;
    }
    return NULL;
}

bool check_exists(struct mtd_engine *e, const char *id)
{
    return e->store.containers_fd >= 0 &&
           faccessat(e->store.containers_fd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int check_clear(struct mtd_engine *e, const struct finding *f)
{
    auto_fd int lock = store_try_lock(&e->store, f->id, NULL);
    if (lock == -EAGAIN || container_has_monitor(e, f->id))
        return -EAGAIN;
    container_clear_run(e, f->id);
    return 0;
}

void check_keep_common(struct check *c, const struct check *again)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->len; i++) {
        if (check_find(again, &c->items[i]))
            c->items[kept++] = c->items[i];
        else
            finding_done(&c->items[i]);
    }
    c->len = kept;
}
