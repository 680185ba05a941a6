/* systemd - units for groups, asked of systemd on its bus. D-Bus itself, as little of it as that
 * needs: sd-bus exists as a shared library only, and libdbus needs that one to be linked.
 * Shape   a connection per command: systemd's own socket, which only root may use, else a bus.
 *         What a call asks for is done when it returns: jobs are waited for.
 * Limits  an answer is at most SYSTEMD_MAX_BYTES; all that is waited for has the time limit of the
 *         connection. What does not follow the protocol ends it (-EPROTO).
 * Errors  0 or -errno; err has systemd's own sentence where it gave one. -ENOTCONN = there is no
 *         systemd; -ETIMEDOUT.
 * Owner   systemd_close, systemd_properties_done.
 * Process any, single-threaded.
 * Source  dbus-specification (messages, SASL EXTERNAL); org.freedesktop.systemd1(5).
 */
#ifndef ENGINE_SYSTEMD_SYSTEMD_H
#define ENGINE_SYSTEMD_SYSTEMD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

#define SYSTEMD_MAX_BYTES (1u << 20)
#define SYSTEMD_TIMEOUT_MS 30000

struct systemd {
    int fd;
    int timeout_ms;
    uint32_t serial;
    struct buf in; /* what has been read and not used yet */
    size_t used;   /* of it */
};

/* What the environment says of where it is; NULL or "" = nothing. */
struct systemd_places {
    const char *host;        /* DBUS_SYSTEM_BUS_ADDRESS */
    const char *users;       /* DBUS_SESSION_BUS_ADDRESS */
    const char *runtime_dir; /* XDG_RUNTIME_DIR */
};
/* users: the service manager of the caller; else the host's, by its address or at its own places. */
int systemd_open(struct systemd *ret, const struct systemd_places *at, bool users,
                 struct mtd_error *err);
/* address: as D-Bus has it, "unix:path=/x"; bus: others are on it, too. */
int systemd_connect(struct systemd *ret, const char *address, bool bus, int timeout_ms,
                    struct mtd_error *err);
void systemd_close(struct systemd *s); /* also of one that was never opened and is zero */

/* Of a unit: what is added is there as a whole, or rc says what failed. */
struct systemd_properties {
    struct buf bytes;
    int rc;
};
void systemd_properties_done(struct systemd_properties *p);
void systemd_add_text(struct systemd_properties *p, const char *name, const char *value);
void systemd_add_flag(struct systemd_properties *p, const char *name, bool value);
void systemd_add_number(struct systemd_properties *p, const char *name, uint64_t value);
void systemd_add_pid(struct systemd_properties *p, const char *name, pid_t pid);
void systemd_add_bytes(struct systemd_properties *p, const char *name,
                       const unsigned char *bytes, size_t n);
/* value: in GVariant's text format, as runc's annotations have it: true, 'text', uint64 5,
 * ['a', 'b']. A name in Sec becomes one in USec, its value in seconds microseconds. -EINVAL. */
int systemd_add_parsed(struct systemd_properties *p, const char *name, const char *value,
                       struct mtd_error *err);

/* A scope of that name. One that failed before is forgotten; -EEXIST = there is one. */
int systemd_start_scope(struct systemd *s, const char *unit,
                        const struct systemd_properties *p, struct mtd_error *err);
/* Until the next boot. */
int systemd_set(struct systemd *s, const char *unit, const struct systemd_properties *p,
                struct mtd_error *err);
/* Nothing of it is left then, not even that it failed. 0 also when there is none. */
int systemd_stop(struct systemd *s, const char *unit, struct mtd_error *err);
/* The process becomes one of the unit's. */
int systemd_attach(struct systemd *s, const char *unit, pid_t pid, struct mtd_error *err);
/* The group of systemd itself, "/" for the host's; malloc'ed. */
int systemd_group(struct systemd *s, char **ret, struct mtd_error *err);

/* "a-b.slice" to "a.slice/a-b.slice", "-.slice" to "": the group of a slice, malloc'ed. -EINVAL */
int systemd_expand_slice(const char *slice, char **ret, struct mtd_error *err);

#endif
