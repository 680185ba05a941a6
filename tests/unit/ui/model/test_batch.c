/* The dashboard's table of verbs against the command line's own. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "cli/verb.h"
#include "ui/model/batch.h"

static const struct verb *verb_of(const char *name)
{
    char text[64], *argv[2], *save = NULL;
    int argc = 0, words;
    snprintf(text, sizeof(text), "%s", name);
    for (char *w = strtok_r(text, " ", &save); w && argc < 2;
         w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    return verb_find(VERBS, argc, argv, &words);
}

Test(batch, every_verb_is_known_to_the_dashboard)
{
    const struct verb *v;
    for (size_t i = 0; (v = verb_at(VERBS, i)); i++) {
        const struct batch_verb *b = batch_verb_of(v->name);
        if (v->flags & (VERB_REFUSED | VERB_HIDDEN))
            cr_expect_null(b, "%s is not for people", v->name);
        else
            cr_expect(b && strcmp(b->name, v->name) == 0, "%s", v->name);
    }
}

Test(batch, nothing_that_changes_something_only_looks)
{
    const struct batch_verb *b;
    for (size_t i = 0; (b = batch_verb_at(i)); i++) {
        const struct verb *v = verb_of(b->name);
        cr_assert_not_null(v, "%s", b->name);
        if (v->group == GROUP_RUN || v->group == GROUP_LIFECYCLE)
            cr_expect(!b->looks || strcmp(b->name, "wait") == 0, "%s", b->name);
        if (v->flags & VERB_READ_ONLY)
            cr_expect(b->looks, "%s", b->name);
    }
}
