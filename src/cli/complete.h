/* complete - what may come next on a command line; the shells' completions ask for it.
 * Shape   candidates are lines "WORD\tDESCRIPTION" (the tab only with a description). A
 *         last line of ":files" says that names of files may follow as well.
 * Rule    everything comes from the tables that parse and describe the verbs, so that a
 *         new option is completed without a line here. Nothing is changed or repaired.
 */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include "base/buf.h"
#include "cli/verb.h"

/* words: what was typed after the program's name, the last one begun ("" = not yet). Words
 * that cannot be completed add nothing. -ENOMEM. */
int complete_words(struct cli *c, char **words, size_t n, struct buf *ret);

#endif
