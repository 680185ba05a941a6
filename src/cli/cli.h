/* cli - the command line: `mytop-docker [global options] [--batch] [VERB ...]`.
 * Shape   a verb parses its options from a table, calls the engine and prints: data to
 *         stdout, everything else to stderr.
 * Layers  a file calls files of the lines above its own, or earlier ones of its line:
 *           values and text    print options template/ format table follow du values
 *                              inspect ps spec_*
 *           shared by verbs    verb report each help session complete
 *           the verbs          verb_*
 *           argv to a verb     verbs command script cli
 * Source  exit statuses: docker's (0, 1, 125, 126, 127, the command's own, 128+n).
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "engine/engine.h"

/* The dashboard is passed in, so that cli does not depend on ui. o->root and o->run_root
 * are absolute; argv is what follows the global options. Returns an exit status. */
typedef int (*cli_screen_fn)(const struct mtd_options *o, int argc, char **argv);
/* Returns the exit status of the process. */
int cli_main(int argc, char **argv, cli_screen_fn screen);

#endif
