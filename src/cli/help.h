/* help - the usage texts, made of the tables that the options are parsed from.
 * Errors  0 or -errno of writing.
 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/verb.h"

/* The program's options, and the verbs of the tables by group. */
int help_program(const struct verb *const *tables, int fd);

/* The verbs that may stand behind a word: "container", "image" ... */
int help_object(const struct verb *const *tables, const char *object, int fd);

int help_verb(const struct verb *v, int fd);

#endif
