/* progress - shows on stderr how far an engine call is (engine/progress.h).
 * Shape   on a terminal one bar per step, redrawn in place at most ten times a second and
 *         not before a quarter of a second has passed: what is quick shows nothing. A bar
 *         that is finished stays above as a line. "plain" writes a line for each finished
 *         step, "json" a line like
 *           {"id":"…","what":"Writing","done":1,"total":2,"rate":3,"finished":false}
 *         ten times a second for each step, and for each that is finished.
 * Units   rate: bytes a second since the step began; 0 = not known yet.
 * Errors  none: what cannot be shown is not shown.
 * Process reports may come from any thread.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli/options.h"
#include "engine/progress.h"

enum progress_mode {
    PROGRESS_AUTO, /* bars if stderr is a terminal that can move its cursor, else nothing */
    PROGRESS_TTY, /* bars */
    PROGRESS_PLAIN,
    PROGRESS_JSON,
    PROGRESS_NONE,
};
/* For an OPTION_VALUE whose field is an enum progress_mode. */
int progress_set_mode(void *field, const char *value, struct mtd_error *err);
#define PROGRESS_OPTION(offset)                                           \
    {                                                                     \
        "progress", 0, OPTION_VALUE, (offset), progress_set_mode, "KIND", \
            "How progress is shown on stderr: auto (bars on a terminal, " \
            "nothing otherwise), plain, json, none"                       \
    }

struct progress;
/* NULL = nothing is shown, also when there is no memory. */
struct progress *progress_new(enum progress_mode mode);
/* What the engine takes; NULL for NULL. */
const struct mtd_progress *progress_of(struct progress *p);
/* The last state of all bars; what is written to stderr afterwards stands below them. Before
 * an error is reported, or the result printed. NULL = nothing. */
void progress_free(struct progress *p);

#endif
