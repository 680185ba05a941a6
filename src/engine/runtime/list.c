/* What there is, for people and programs. */

#include "engine/runtime/internal.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"

int runtime_state(const struct runtime *r, const char *id, struct buf *ret,
                  struct mtd_error *err)
{
    auto_done(runtime_close) struct container c;
    int rc = runtime_open(r, id, &c, err);
    if (rc < 0)
        return rc;
    if (c.half)
        return mtd_fail(err, ENOENT, "container does not exist");
    json_t *o = runtime_state_object(&c.record, runtime_observe(&c));
    auto_free char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
    json_decref(o);
    return text && buf_puts(ret, text) == 0 && buf_putc(ret, '\n') == 0
               ? 0
               : mtd_fail(err, ENOMEM, "out of memory");
}

static void line_done(struct runtime_line *l)
{
    char *const texts[] = {l->id, l->bundle, l->created, l->owner, l->json};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        free(texts[i]);
}

void runtime_lines_done(struct runtime_lines *l)
{
    for (size_t i = 0; i < l->len; i++)
        line_done(&l->items[i]);
    free(l->items);
    *l = (struct runtime_lines){0};
}

/* "root", as the first columns of `list` have it; a number where it has no name. */
static char *owner_of(uid_t uid)
{
    char *text = NULL;
    if (uid == 0)
        return strdup("root");
    return asprintf(&text, "#%u", uid) < 0 ? NULL : text;
}

static int fill(struct runtime_line *l, const struct container *c)
{
    l->status = runtime_observe(c);
    l->pid = l->status == RUNTIME_STOPPED ? 0 : (int)c->record.pid;
    json_t *o = runtime_state_object(&c->record, l->status);
    l->owner = owner_of(c->record.owner);
    if (o && l->owner)
        json_object_set_new(o, "owner", json_string(l->owner));
    l->json = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    l->id = strdup(c->record.id);
    l->bundle = strdup(c->record.bundle);
    l->created = strdup(c->record.created ? c->record.created : "");
    return l->owner && l->json && l->id && l->bundle && l->created ? 0 : -ENOMEM;
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct runtime_line *)a)->id,
                  ((const struct runtime_line *)b)->id);
}

static int add(const struct runtime *r, const char *id, struct runtime_lines *l)
{
    auto_done(runtime_close) struct container c;
    if (runtime_open(r, id, &c, NULL) < 0 || c.half)
        return 0; /* another's file, or one that is just being made or removed */
    struct runtime_line *grown = realloc(l->items, (l->len + 1) * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    l->items = grown;
    grown[l->len] = (struct runtime_line){0};
    return fill(&grown[l->len++], &c);
}

int runtime_list(const struct runtime *r, struct runtime_lines *ret,
                 struct mtd_error *err)
{
    struct fs_dir d;
    const struct dirent64 *e;
    int root = runtime_open_root(r, false, err);
    if (root == -ENOENT)
        return 0;
    if (root < 0)
        return root;
    int rc = 0;
    fs_dir_init(&d, root);
    while (rc == 0 && (e = fs_dir_next(&d)))
        rc = add(r, e->d_name, ret);
    fs_dir_done(&d);
    if (ret->len)
        qsort(ret->items, ret->len, sizeof(*ret->items), compare);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot list the containers") : 0;
}
