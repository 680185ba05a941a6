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
    if (!v && o->len == 1 && verb_is_object(o->items[0]))
        return report_printed(c, help_object(c->verbs, o->items[0], STDOUT_FILENO));
    if (!v)
        return report_unknown(c, (int)o->len, o->items);
    if (v->flags & VERB_REFUSED)
        return report_fail(c, STATUS_FAILED, "%s: %s", v->name, v->summary);
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
#define NO_SWARM "not supported; there are no swarms"
#define REFUSED(verb, why) {.name = (verb), .summary = (why), .flags = VERB_REFUSED}
/* clang-format on */

const struct verb VERBS_REFUSED[] = {
    REFUSED("search", "not supported; registries have web pages for that"),
    REFUSED("compose", "not supported"),
    REFUSED("context", "there is no daemon to connect to; --root is another state"),
    REFUSED("buildx", "not supported; use `build`"),
    REFUSED("manifest", "not supported; an image has one platform, this machine's"),
    REFUSED("checkpoint", "not supported; pause keeps a container as it is"),
    REFUSED("plugin", "not supported; there are no plugins"),
    REFUSED("trust", "not supported; there are no signatures"),
    REFUSED("swarm", NO_SWARM),
    REFUSED("node", NO_SWARM),
    REFUSED("service", NO_SWARM),
    REFUSED("stack", NO_SWARM),
    REFUSED("secret", NO_SWARM),
    REFUSED("config", NO_SWARM),
    REFUSED("volume update", NO_SWARM),
    VERB_END,
};
