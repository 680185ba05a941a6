/* events - <root>/events.log: one JSON line per event, appended with one write.
 * Shape   {"time":"RFC3339Nano","type":"container","action":"start","id":"..",
 *         "name":"..","image":"..","exitCode":0,"detail":"..",
 *         "attributes":{"key":"value"}}; members that do not apply are left out.
 *         attributes: labels, and what only this action has.
 * Size    at EVENTS_MAX_BYTES it replaces events.log.1, and a new one begins.
 * Units   wall ns.
 * Errors  0 or -errno; callers may ignore it: a lost event never stops an action.
 * Owner   everything is borrowed.
 * Process any; O_APPEND makes single lines atomic.
 * Source  docker events.
 */
#ifndef ENGINE_STORE_EVENTS_H
#define ENGINE_STORE_EVENTS_H

#include "engine/types.h"

#define EVENTS_MAX_BYTES (16 << 20)

/* Members are NULL if they do not apply. action: create attach start die oom stop kill pause
 * unpause restart rename destroy commit "exec_start: COMMAND" ... of containers, tag untag
 * delete import of images, create mount unmount destroy of volumes. */
struct event {
    int64_t time_ns; /* 0 = now */
    const char *type, *action, *id, *name, *image, *detail;
    int exit_code;             /* -1 = does not apply */
    const struct strv *labels; /* "key=value"; NULL = none */
    struct event_attribute {
        const char *name, *value; /* NULL = none */
    } attribute;
    const struct event_attribute *more; /* ended by one without a name; NULL = none */
};
int events_append(int root_fd, const struct event *e);
/* n of them by one write, in this order. */
int events_append_all(int root_fd, const struct event *e, size_t n);
/* An event of a container, with the names in its record, which it borrows. */
struct event event_of(const struct mtd_record *r, const char *action);
/* Appends that event. */
int events_note(int root_fd, const struct mtd_record *r, const char *action);
/* The same with an attribute of the action. */
int events_note_with(int root_fd, const struct mtd_record *r, const char *action,
                     const char *name, const char *value);
/* Whether the log has that event of the container, of since_ns or later. It is searched as a
 * whole: for who takes over from a killed process and must not say again what that said. */
bool events_has(int root_fd, const char *id, const char *action, int64_t since_ns);

#endif
