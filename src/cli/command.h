/* command - one command: finds the verb, parses its options, checks operands and rights,
 *         opens the engine, runs.
 * Errors  an exit status; the error has been reported.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "cli/verb.h"

/* argv[0] is the first word of the verb, from the command line or from a script. */
int command_run(struct cli *c, int argc, char **argv);

#endif
