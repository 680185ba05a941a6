/* batch - what the dashboard has to know about batch command lines: which verbs only
 * look, which run until interrupted, what their operands name. A test compares the table
 * with the command line's own.
 */
#ifndef UI_MODEL_BATCH_H
#define UI_MODEL_BATCH_H

#include <stdbool.h>

#include "base/strv.h"

enum operand { OPERAND_NONE, OPERAND_CONTAINER, OPERAND_IMAGE, OPERAND_EITHER };

struct batch_verb {
    const char *name;
    bool looks; /* changes nothing: allowed with --read-only */
    enum operand operand;
};
/* All verbs, i = 0, 1 ...; NULL after the last. */
const struct batch_verb *batch_verb_at(size_t i);
/* The verb text begins with ("ps -a", "container prune"); NULL = none. */
const struct batch_verb *batch_verb_of(const char *text);
bool batch_only_looks(const char *text);

/* Whether the command must be given the terminal: it needs one (-it, attach), or it runs
 * until ctrl-c (logs -f, stats, events). */
bool batch_wants_terminal(const struct strv *argv);

#endif
