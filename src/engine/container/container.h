/* container - the state and what is known of the containers in it, for all that engine.h declares.
 * Shape   files in ranks, each uses the ones before it only:
 *           observe   what the kernel says of a record
 *           line      talking with a monitor
 *           launch    making one
 *           boot, health, sweep   putting right what is left of something
 *           load, list   records as all others see them
 *           the calls of engine.h; those of `system check` are in a room of their own
 */
#ifndef ENGINE_CONTAINER_CONTAINER_H
#define ENGINE_CONTAINER_CONTAINER_H

#include "engine/cgroup/cgroup.h"
#include "engine/engine.h"
#include "engine/image/image.h"
#include "engine/store/store.h"
#include "engine/wire/packet.h"

struct mtd_engine {
    struct store store;
    struct image_store images;
    char boot_id[BOOT_ID_LEN + 1];
};

/* ---- container/observe.c ---- */

/* True state of a record that says running: the kernel is asked, not the file. */
enum mtd_state container_observe(struct mtd_engine *e, const char *id,
                                 const struct mtd_status *status);
/* The same for a list item, which carries the same facts. */
enum mtd_state container_observe_summary(struct mtd_engine *e,
                                         const struct mtd_summary *s);
/* A monitor lives: it holds the claim. */
bool container_has_monitor(struct mtd_engine *e, const char *id);
/* It should have a monitor and has none. After a reboot there is nothing to take over. */
bool container_is_orphan(struct mtd_engine *e, const char *id, enum mtd_state said,
                         const char *boot_id);

/* ---- container/line.c ---- */

/* A connection to the monitor; -errno when there is none. */
int container_connect(struct mtd_engine *e, const char *id, struct mtd_error *err);
/* Waits for the monitor's PACKET_EXIT. 1 = *ret is set, 0 = the monitor is gone,
 * -ETIMEDOUT. timeout_ms -1 = for ever. */
int container_wait_exit(int fd, int64_t timeout_ms, struct packet_exit *ret);
/* The same, also for the end of a run that the restart policy lets another one follow. */
int container_wait_run(int fd, int64_t timeout_ms);
/* -ETIMEDOUT: the monitor behind this connection lives and does not answer. */
int container_fail_unresponsive(int fd, const char *what, struct mtd_error *err);

/* ---- container/launch.c ---- */

/* A new monitor, mode as in monitor.h: the connection to it, once it said that it is ready. */
int container_launch(struct mtd_engine *e, const char *id, const struct mtd_start *s,
                     const char *mode, struct packet_ready *ready, struct mtd_error *err);
/* The first thing a monitor says. */
int container_hear(int fd, struct packet_ready *ret, struct mtd_error *err);
/* Gives a container whose monitor died a new one. Call it without holding the lock. */
int container_adopt(struct mtd_engine *e, const char *id, struct mtd_error *err);

/* ---- container/boot.c ---- */

/* The host was restarted since this was written: what runs in it is exited now. True: it was
 * changed; saving it (lock held) is the caller's. */
bool container_settle(const struct mtd_engine *e, struct mtd_record *r);
bool container_settle_summary(const struct mtd_engine *e, struct mtd_summary *s);
/* One record on disk. False: it is locked by a process which may not have seen it yet. */
bool container_settle_one(struct mtd_engine *e, const char *id);
/* All records on disk, once after each restart of the host. */
void container_settle_all(struct mtd_engine *e);

/* ---- container/health.c ---- */

/* A running container has a health check (its status is not NULL) and no process that runs it. */
bool container_lacks_health(struct mtd_engine *e, const char *id, pid_t pid,
                            const char *health);
bool container_mend_health(struct mtd_engine *e, const char *id);

/* ---- container/sweep.c ---- */

/* Puts right what killed processes left: new monitors, groups and run directories without an
 * owner, interrupted removals. Cheap when there is nothing. */
void container_sweep(struct mtd_engine *e);
/* The part of it that is about processes that were killed: one read when there are none. */
void container_sweep_lost(struct mtd_engine *e);
/* <run dir>/frozen: a commit has paused it and resumes it afterwards. */
#define CONTAINER_FROZEN "frozen"
/* Lock held, no monitor: the groups and the run directory go. */
void container_clear_run(struct mtd_engine *e, const char *id);

/* ---- container/load.c ---- */

/* ref -> id, lock (skipped when lock_fd is NULL), record with observed state. */
int container_load(struct mtd_engine *e, const char *ref, struct mtd_record *ret,
                   int *ret_lock, struct mtd_error *err);

#endif
