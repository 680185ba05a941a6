/* settings - files of "name = value" lines under "[section]" lines: one rule for all of them.
 * Shape   '#' begins a comment, at the start of a line or with blanks around. CRLF and a byte
 *         order mark are accepted. A wrong line is named by file and number and ignored.
 * Errors  the first wrong line is kept in problem, wrong counts them. A missing file is empty.
 */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include "base/error.h"

struct settings {
    const char *const
        *sections; /* the names there are but the unnamed first, NULL at the end */
    /* section "" = before the first "[section]". -errno: err says why, without the place. */
    int (*set)(void *arg, const char *section, const char *name, const char *value,
               struct mtd_error *err);
    void *arg;
    struct mtd_error problem; /* code 0 = none */
    unsigned wrong;
};
/* Parses a text as if it were the file of that name. The text is cut up. */
void settings_parse(struct settings *s, const char *name, char *text);
/* -errno = the file cannot be read, which is in problem, too. A link is followed. */
int settings_load(struct settings *s, const char *path);

#endif
