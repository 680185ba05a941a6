/* verb_help - help, and the verbs docker has and this program does not: each says why, or
 * what to use instead. */

#include <unistd.h>

#include "cli/help.h"
#include "cli/report.h"

static int run_help(struct cli *c, void *values, const struct operands *o)
{
    int words;
    (void)values;
    if (o->len == 0)
        return report_printed(c, help_program(c->verbs, STDOUT_FILENO));
    const struct verb *v = verb_find(c->verbs, (int)o->len, o->items, &words);
    if (!v)
        return report_unknown(c, (int)o->len, o->items);
    if (v->flags & VERB_REFUSED)
        return report_fail(c, STATUS_ENGINE, "%s: %s", v->name, v->summary);
    return report_printed(c, help_verb(v, STDOUT_FILENO));
}

const struct verb VERBS_HELP[] = {
    {.name = "help",
     .operands = "[VERB]",
     .summary = "Show this list, or help about a verb",
     .group = GROUP_SYSTEM,
     .flags = VERB_ANYONE,
     .max = 2,
     .run = run_help},
    VERB_END,
};

/* clang-format takes the initialiser for a block. */
/* clang-format off */
#define REFUSED(verb, why) {.name = (verb), .summary = (why), .flags = VERB_REFUSED}
/* clang-format on */

const struct verb VERBS_REFUSED[] = {
    REFUSED("search", "not supported; registries have web pages for that"),
    REFUSED("compose", "not supported"),
    VERB_END,
};
