/* verb - what a verb is, what its function is handed, and the lookup by name.
 * Shape   verbs are in tables, one file per group (verb_*.c). command.c parses the
 *         options, checks the number of operands, refuses callers that are not root,
 *         opens the engine and calls run(). A verb prints data to stdout (print.h) and
 *         errors to stderr (report.h).
 * Errors  run() returns an exit status; check() returns 0 or -errno with err.
 * Owner   values are zeroed memory of values_size bytes that command.c frees after
 *         done().
 */
#ifndef CLI_VERB_H
#define CLI_VERB_H

#include "cli/options.h"
#include "engine/engine.h"

#define STATUS_FAILED 1    /* the command failed on a container or image */
#define STATUS_ENGINE 125  /* this program failed, or bad usage */
#define STATUS_NO_EXEC 126 /* the container's command cannot be run */
#define STATUS_NO_FILE 127 /* the container's command was not found */

struct cli {
    struct mtd_options options;
    struct mtd_engine *engine;        /* open while a verb runs that needs it */
    const struct verb *const *verbs;  /* all there are */
    const struct option_row *globals; /* the program's own options */
    const struct verb *verb;          /* the one that runs; NULL = the program itself */
    const char *object; /* "image" of "image inspect"; NULL = the verb stood alone */
    const char *script; /* file the command is in; NULL = the command line */
    size_t line;        /* in the script, from 1 */
};

enum verb_group {
    GROUP_RUN,
    GROUP_LIFECYCLE,
    GROUP_QUERY,
    GROUP_IMAGE,
    GROUP_VOLUME,
    GROUP_NETWORK,
    GROUP_SYSTEM,
    GROUP_COUNT
};

enum verb_flag {
    VERB_ANYONE = 1,    /* needs neither root nor the engine */
    VERB_READ_ONLY = 2, /* only reads: does not create the roots */
    VERB_AS_FOUND = 8,  /* opening the engine must repair nothing */
    VERB_STARTS =
        16, /* run and create: what is wrong with options has the engine's status, 125 */
    VERB_REFUSED = 4, /* docker has it, this program does not: the summary says why */
    VERB_EXISTING =
        64, /* of what there must be: does not create the roots either, unless it
                           takes an image that comes with the program or from a registry */
    VERB_HIDDEN = 32, /* for programs: the help and the dashboard do not know it */
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

/* ---- lookup: tables is a list of such tables, ended by NULL ---- */

/* The verb that argv begins with, its aliases resolved; *ret_words = how many words of
 * argv name it. NULL = none. */
const struct verb *verb_find(const struct verb *const *tables, int argc, char **argv,
                             int *ret_words);
/* All verbs in the order of their tables, i = 0, 1 ...; NULL after the last. */
const struct verb *verb_at(const struct verb *const *tables, size_t i);

/* What v is called behind an object, "ls" behind "image"; NULL = it has no such name, or is
 * not to be shown. */
const char *verb_behind(const struct verb *const *tables, const char *object,
                        const struct verb *v);

/* Whether verbs have this word in front: "container", "image", "system". */
bool verb_is_object(const char *word);
/* These words, i = 0, 1 ...; NULL after the last. */
const char *verb_object_at(size_t i);

/* ---- the tables, each in the verb_*.c of its name ---- */

extern const struct verb *const VERBS[]; /* verbs.c: all of them, ended by NULL */
extern const struct verb VERBS_RUN[], VERBS_EXEC[], VERBS_LIFECYCLE[], VERBS_QUERY[],
    VERBS_LOGS[], VERBS_STATS[], VERBS_TOP[], VERBS_EVENTS[], VERBS_IMAGE[],
    VERBS_HISTORY[], VERBS_VOLUME[], VERBS_ARCHIVE[], VERBS_CP[], VERBS_REGISTRY[],
    VERBS_BUILD[], VERBS_LOAD[], VERBS_SYSTEM[], VERBS_HELP[], VERBS_CHECK[],
    VERBS_PRUNE[], VERBS_NETWORK[], VERBS_PORT[], VERBS_BOOT[], VERBS_COMPLETION[],
    VERBS_REFUSED[];

#endif
