/* script - batch commands from a file or stdin, one per line.
 * Shape   words_split_script() of words.h: # comments; a line ending in a backslash or
 *         inside quotes continues in the next.
 * Errors  an exit status; errors are reported with file and line.
 */
#ifndef CLI_SCRIPT_H
#define CLI_SCRIPT_H

#include <stdbool.h>

#include "cli/verb.h"

/* Runs the file ("-" = stdin; the commands' own stdin is then /dev/null). Stops at the
 * first failure with its status; keep_going runs all and returns the first failure's. */
int script_run(struct cli *c, const char *path, bool keep_going);

#endif
