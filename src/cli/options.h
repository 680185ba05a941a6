/* options - one table of rows per verb, parsed by glibc's getopt_long family.
 * Shape   docker's spellings (-it, -itd, --name=x, -e A=b, -eA=b, --rm=false) and
 *         mydocker's single-dash long ones (-name x, -mem 100m). What an element means
 *         never depends on what other options exist:
 *           --word         the long option with exactly that name; no abbreviations
 *           -word          the long option with exactly that name, when there is one
 *           -xyz           otherwise a cluster of letters; the last may take a value
 *         "-x=value" and "--word=value" are values, as Go's pflag reads them.
 * Errors  -EINVAL, err names the option; -ENOMEM.
 * Owner   values are borrowed from argv; lists and operands are freed by options_done.
 * Process any; uses getopt's globals, so never from a signal handler or twice at once.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct option_list {
    const char **items;
    size_t len;
};

enum option_kind {
    OPTION_FLAG,   /* bool */
    OPTION_TEXT,   /* const char *: the last one wins */
    OPTION_LIST,   /* struct option_list: all, in order */
    OPTION_FILTER, /* the same without empty ones, which docker's --filter ignores */
    OPTION_VALUE,  /* set(field, value) parses it; -ERANGE is judged as of OPTION_LATE */
    OPTION_LATE,   /* the same, for what docker judges only when the command runs */
    OPTION_MARK,   /* set(field, NULL): a flag that means more than one bool */
    OPTION_FIRST,  /* becomes the first operand (mydocker's -containerId ID) */
    OPTION_LAST,   /* becomes the last operand (mydocker's -imageName NAME) */
    OPTION_REFUSE, /* docker's, not ours; `help` says why and what to use instead */
    OPTION_IGNORE, /* docker's, without effect here; `help` says why, NULL = it has none there */
};

typedef int (*option_set_fn)(void *field, const char *value, struct mtd_error *err);

struct option_row {
    const char *name; /* long name; NULL = the letter only */
    char letter;      /* 0 = none */
    enum option_kind kind;
    size_t offset; /* of the field in the verb's values */
    option_set_fn set;
    const char *metavar; /* what the help calls the value; NULL for flags, and tells them
                            from the others where nothing is set: REFUSE and IGNORE */
    const char *help;    /* NULL = works, but the help does not show it */
};
#define OPTION_END                \
    {                             \
        .name = NULL, .letter = 0 \
    }
#define OPTION_IS_END(r) (!(r)->name && !(r)->letter)

#define OPTION_TABLES 3
struct option_set {
    const struct option_row *tables[OPTION_TABLES]; /* unused ones NULL */
    bool stop_at_operand; /* all that follows the first operand is operands: run, exec */
    bool stop_at_unknown; /* an unknown option is the first operand */
};

#define OPTION_NOTES 8
struct operands {
    char **items; /* NULL-terminated */
    size_t len;
    bool help;    /* --help was given; nothing else was checked */
    bool unknown; /* it failed because of an option that does not exist */
    bool late;    /* it failed because of a value that docker's daemon judges */
    const struct option_row *notes[OPTION_NOTES]; /* ignored ones with something to say */
    size_t n_notes;
    size_t given; /* how many options there were, empty values too */
};

/* values: zeroed or preset by the caller; the tables' offsets point into it. argv[0] is
 * skipped. On failure lists may be filled: call options_done in every case. */
int options_parse(const struct option_set *set, int argc, char **argv, void *values,
                  struct operands *ret, struct mtd_error *err);
void options_done(const struct option_set *set, void *values, struct operands *o);

#endif
