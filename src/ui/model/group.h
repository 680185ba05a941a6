/* group - what a container is to somebody who looks for trouble: its state, and whether it
 * wants a look. One table of words, shapes and colours for rows, header and notices.
 */
#ifndef UI_MODEL_GROUP_H
#define UI_MODEL_GROUP_H

#include "engine/types.h"
#include "ui/draw/canvas.h"

enum group {
    GROUP_UNHEALTHY, /* the first ones want a look: group_needs_look() */
    GROUP_RESTARTING,
    GROUP_OOM, /* ended because memory ran out */
    GROUP_DEAD,
    GROUP_BROKEN,
    GROUP_UP,
    GROUP_PAUSED,
    GROUP_FAILED, /* ended with a status, or could not be started */
    GROUP_EXITED,
    GROUP_CREATED,
    GROUP_REMOVING,
    GROUP_COUNT
};
enum group group_of(const struct mtd_summary *s);
bool group_needs_look(enum group g);
enum shape group_shape(enum group g);
enum color group_color(enum group g);
const char *group_word(enum group g); /* of the header's counts: "unhealthy", "up" */

/* Why it ended or does not start, one line without its status; "" = nothing to say. */
void group_cause(const struct mtd_summary *s, char *out, size_t size);

#endif
