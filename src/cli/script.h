/* script - batch commands from a file or stdin, one per line.
 * Shape   words as a POSIX shell splits them: blanks, '...', "..." (backslash before " \
 *         $ ` and newline), \x; a line ending in a backslash or inside quotes goes on in
 *         the next; # at the beginning of a word starts a comment. Nothing is expanded.
 * Errors  -EINVAL, err with the reason; the runner adds file and line.
 */
#ifndef CLI_SCRIPT_H
#define CLI_SCRIPT_H

#include "base/strv.h"
#include "cli/verb.h"

/* Splits text. -EAGAIN = a quote is open or the last character is a backslash: append the
 * next line and call again. */
int script_split(const char *text, struct strv *ret);

/* Runs the file ("-" = stdin; the commands' own stdin is then /dev/null). Stops at the
 * first failure with its status; keep_going runs all and returns the first failure's. */
int script_run(struct cli *c, const char *path, bool keep_going);

#endif
