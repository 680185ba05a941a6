/* verb - what a verb is and what its function is handed.
 * Shape   verbs live in tables, one file per group (verb_*.c); the dispatcher in cli.c
 *         parses the options, checks the number of operands, refuses who is not root,
 *         opens the engine and calls. A verb prints data to stdout and errors by
 *         cli_error().
 * Errors  a verb returns an exit status; check() and helpers return 0 or -errno with err.
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include "cli/cli.h"
#include "cli/options.h"

#define STATUS_FAILED 1    /* the command failed on a container or image */
#define STATUS_ENGINE 125  /* this program failed, or bad usage */
#define STATUS_NO_EXEC 126 /* the container's command cannot be run */
#define STATUS_NO_FILE 127 /* it was not found */

struct cli {
    struct mtd_options options;
    struct mtd_engine *engine; /* open while a verb runs that needs it */
    const struct verb *verb;   /* NULL = the program itself */
    const char *script;        /* file the command stands in; NULL = the command line */
    size_t line;
    cli_screen_fn screen;
};

enum verb_group {
    GROUP_RUN,
    GROUP_LIFE,
    GROUP_LOOK,
    GROUP_IMAGE,
    GROUP_SYSTEM,
    GROUP_COUNT
};

enum verb_flag {
    VERB_ANYONE = 1,   /* needs neither root nor the engine */
    VERB_LOOKS = 2,    /* only reads: does not create the roots */
    VERB_AS_FOUND = 8, /* opening the engine must mend nothing */
    VERB_REFUSED = 4,  /* docker has it, this program does not: the summary says why */
};

struct verb {
    const char *name;     /* "run", "container prune" */
    const char *operands; /* for the usage line: "CONTAINER [CONTAINER...]" */
    const char *summary;
    enum verb_group group;
    unsigned flags;
    struct option_set options;
    size_t values_size;
    size_t min, max;            /* operands */
    void (*init)(void *values); /* presets; may be NULL */
    /* What can be refused before anything is opened or created; may be NULL. */
    int (*check)(void *values, const struct operands *o, struct mtd_error *err);
    int (*run)(struct cli *c, void *values, const struct operands *o);
    void (*done)(void *values); /* frees what check and setters allocated; may be NULL */
};
#define VERB_MANY ((size_t)-1)
#define VERB_END     \
    {                \
        .name = NULL \
    }

/* The groups' tables, each ended by VERB_END. */
extern const struct verb VERBS_RUN[], VERBS_EXEC[], VERBS_LIFE[], VERBS_LOOK[],
    VERBS_LOGS[], VERBS_STATS[], VERBS_TOP[], VERBS_EVENTS[], VERBS_IMAGE[],
    VERBS_ARCHIVE[], VERBS_SYSTEM[], VERBS_CHECK[], VERBS_PRUNE[], VERBS_BOOT[],
    VERBS_REFUSED[];

/* The verb that argv begins with, its aliases resolved; *ret_words = how many words of
 * argv name it. NULL = none. */
const struct verb *verb_find(int argc, char **argv, int *ret_words);
/* All verbs in order of their tables, i = 0, 1 ...; NULL behind the last. */
const struct verb *verb_at(size_t i);

/* Whether verbs have this word in front: "container", "image", "system". */
bool verb_is_object(const char *word);

/* One verb, from the command line or a script. Exit status. */
int cli_command(struct cli *c, int argc, char **argv);
/* Says that argv, at least one word, begins with no verb. Exit status. */
int cli_unknown(const struct cli *c, int argc, char **argv);

/* ---- report.c ---- */

/* "mytop-docker: VERB: text", one line, nothing a terminal would obey. Returns status. */
int cli_error(const struct cli *c, int status, const struct mtd_error *err);
int cli_fail(const struct cli *c, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The status after printing, rc of print_fd(): a failure is said. */
int cli_printed(const struct cli *c, int rc);
void cli_warn(const struct cli *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* fn for each operand; what the user typed is printed after each success when echo.
 * Failures are reported and the rest goes on. 0 or STATUS_FAILED. */
typedef int (*cli_each_fn)(struct cli *c, const char *ref, const void *values,
                           struct mtd_error *err);
int cli_each(struct cli *c, const struct operands *o, const void *values, cli_each_fn fn,
             bool echo);
/* The same in child processes side by side: ten containers that take ten seconds to stop
 * take ten seconds. What is printed comes as it happens. */
int cli_each_at_once(struct cli *c, const struct operands *o, const void *values,
                     cli_each_fn fn, bool echo);

/* ---- help.c ---- */

int help_program(int fd); /* the list of verbs */
int help_verb(const struct verb *v, int fd);

/* ---- script.c: see script.h ---- */

#endif
