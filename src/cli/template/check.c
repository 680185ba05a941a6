/* check - finds the fields that a template asks of its first dot, so that a wrong name is
 * an error even if the list has no rows. */

#include "cli/template/internal.h"

struct check {
    const struct template *t;
    template_field_fn fn;
    void *arg;
    struct mtd_error *err;
};

static int check_pipe(const struct check *c, const struct pipe *pipe, bool root);

static int check_operand(const struct check *c, const struct node *n, bool root)
{
    bool of_root =
        (n->kind == NODE_FIELD && root) || (n->kind == NODE_VARIABLE && n->slot == 0);
    if (n->kind == NODE_PIPE)
        return check_pipe(c, n->pipe, root);
    return of_root && n->names ? c->fn(c->t, n->names->text, n->names->at, c->arg, c->err)
                               : 0;
}

static int check_pipe(const struct check *c, const struct pipe *pipe, bool root)
{
    int rc = 0;
    for (const struct command *k = pipe->first; k && rc == 0; k = k->next)
        for (const struct node *n = k->args; n && rc == 0; n = n->next)
            rc = check_operand(c, n, root);
    return rc;
}

static int check_list(const struct check *c, const struct list *list, bool root)
{
    int rc = 0;
    for (const struct node *n = list->first; n && rc == 0; n = n->next) {
        if (n->kind < NODE_ACTION || n->kind > NODE_WITH)
            continue;
        rc = check_pipe(c, n->pipe, root);
        if (rc == 0)
            rc = check_list(c, &n->body, root && n->kind == NODE_IF);
        if (rc == 0)
            rc = check_list(c, &n->otherwise, root);
    }
    return rc;
}

int template_each_field(const struct template *t, template_field_fn fn, void *arg,
                        struct mtd_error *err)
{
    struct check c = {t, fn, arg, err};
    return check_list(&c, &t->list, true);
}
