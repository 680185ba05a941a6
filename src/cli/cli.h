/* cli - the command line: `mytop-docker [global options] [--batch] [VERB ...]`.
 * Shape   a table of verbs, one file per group; each verb parses its options from a table,
 *         calls the engine, prints. Data to stdout, everything else to stderr, one line per
 *         error: "mytop-docker: VERB: what, on what, why; what to do".
 * Source  exit statuses: docker's (0, 1, 125, 126, 127, the command's own, 128+n).
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "engine/engine.h"

/* The screen is handed in, so that cli does not know ui. Returns an exit status. */
typedef int (*cli_screen_fn)(const struct mtd_options *o, int argc, char **argv);
int cli_main(int argc, char **argv, cli_screen_fn screen);

#endif
