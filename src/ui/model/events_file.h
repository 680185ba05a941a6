/* events_file - reading <root>/events.log: one JSON line per event, newest at the end.
 * Only the last megabyte is looked at: this is for people; `events` prints all of them.
 */
#ifndef UI_MODEL_EVENTS_FILE_H
#define UI_MODEL_EVENTS_FILE_H

#include <stdint.h>

#include "engine/types.h"

struct event_line {
    char time[32]; /* as written, RFC 3339 */
    char action[24];
    char detail[160];
    int exit_code; /* -1 = none */
};
struct event_list {
    struct event_line *items; /* oldest first */
    size_t len;
};
/* The events of one container. -errno; no file = an empty list. */
int events_file_read(const char *path, const char *id, struct event_list *ret);
void event_list_done(struct event_list *l);

#endif
