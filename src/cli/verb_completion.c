/* verb_completion - the scripts that teach a shell this program's words, and the hidden
 * verb they ask. The scripts know no verb and no option, so they never grow old. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/complete.h"
#include "cli/print.h"
#include "cli/report.h"

/* assets/completion, embedded */
extern const char mtd_completion_bash[], mtd_completion_zsh[], mtd_completion_fish[];

static const struct {
    const char *shell, *script;
} SHELLS[] = {{"bash", mtd_completion_bash},
              {"zsh", mtd_completion_zsh},
              {"fish", mtd_completion_fish}};

static const char *script_of(const char *shell)
{
    for (size_t i = 0; i < ARRAY_SIZE(SHELLS); i++)
        if (strcmp(SHELLS[i].shell, shell) == 0)
            return SHELLS[i].script;
    return NULL;
}

static int check_shell(void *values, const struct operands *o, struct mtd_error *err)
{
    (void)values;
    return script_of(o->items[0])
               ? 0
               : mtd_fail(err, EINVAL,
                          "no completion for \"%.40s\"; there is one for "
                          "bash, zsh and fish",
                          o->items[0]);
}

static int run_completion(struct cli *c, void *values, const struct operands *o)
{
    (void)values;
    const char *script = script_of(o->items[0]);
    return report_printed(c, print_fd(STDOUT_FILENO, script, strlen(script)));
}

static int run_complete(struct cli *c, void *values, const struct operands *o)
{
    auto_done(buf_done) struct buf out = {0};
    (void)values;
    int rc = complete_words(c, o->items, o->len, &out);
    return report_printed(c, rc < 0 ? rc : print_fd(STDOUT_FILENO, out.data, out.len));
}

const struct verb VERBS_COMPLETION[] = {
    {.name = "completion",
     .operands = "SHELL",
     .summary = "Print the script that completes words in bash, zsh or fish",
     .group = GROUP_SYSTEM,
     .flags = VERB_ANYONE,
     .min = 1,
     .max = 1,
     .check = check_shell,
     .run = run_completion},
    {.name = "__complete",
     .operands = "WORD...",
     .summary = "What may come next; for the scripts of completion",
     .group = GROUP_SYSTEM,
     .flags = VERB_ANYONE | VERB_HIDDEN,
     .max = VERB_MANY,
     .run = run_complete},
    VERB_END,
};
