/* container - the state directory and its containers: the base of what engine.h declares.
 * Shape   files in ranks, each uses only those before it:
 *           observe   what the kernel says about a record
 *           line      the connection to a monitor
 *           network   what a monitor has to know of a container's networks
 *           launch    starting a monitor
 *           boot, health, making, volume, sweep   repairing what killed processes and a
 *                     reboot left
 *           open, load, list   the state directory, records with their state observed
 *         The other calls of engine.h are in the room above, engine/api; those of `system
 *         check` in one of their own.
 * Errors  0 or -errno, as in engine.h.
 * Owner   returned fds are the caller's, close-on-exec.
 * Process any single-threaded process, root.
 */
#ifndef ENGINE_CONTAINER_CONTAINER_H
#define ENGINE_CONTAINER_CONTAINER_H

#include "engine/cgroup/cgroup.h"
#include "engine/engine.h"
#include "engine/image/image.h"
#include "engine/net/net.h"
#include "engine/store/store.h"
#include "engine/wire/packet.h"

struct mtd_engine {
    struct store store;
    struct image_store images;
    char boot_id[BOOT_ID_LEN + 1];
    bool kernel_suits;        /* it was asked */
    char making[MTD_ID_SIZE]; /* what making_fd holds the note of */
    int making_fd;            /* container/making.c; -1 = none */
    struct container_ahead {
        char id[MTD_ID_SIZE];
        pid_t pid;
        int fd; /* -1 = none */
    } ahead;    /* a monitor that waits, container/launch.c */
};

/* ---- container/observe.c ---- */

/* The state of a record that says running, according to the kernel. */
enum mtd_state container_observe(struct mtd_engine *e, const char *id,
                                 const struct mtd_status *status);
/* The same for an item of a list. */
enum mtd_state container_observe_summary(struct mtd_engine *e,
                                         const struct mtd_summary *s);
/* A running monitor holds the claim. */
bool container_has_monitor(struct mtd_engine *e, const char *id);
/* The record wants a monitor and there is none. After a reboot there is
 * nothing to take over. */
bool container_is_orphan(struct mtd_engine *e, const char *id, enum mtd_state said,
                         const char *boot_id);

/* ---- container/line.c ---- */

/* Connects to the monitor; -errno = there is none. */
int container_connect(struct mtd_engine *e, const char *id, struct mtd_error *err);
/* Waits until the start that is under way has come to its end, whichever, or for timeout_ms. */
void container_wait_start(struct mtd_engine *e, const char *id, int64_t timeout_ms);
/* Waits for the monitor's PACKET_EXIT. 1 = *ret is set, 0 = the monitor is gone,
 * -ETIMEDOUT. timeout_ms -1 = none. */
int container_wait_exit(int fd, int64_t timeout_ms, struct packet_exit *ret);
/* The same, but also returns at the end of a run that will be restarted. */
int container_wait_run(int fd, int64_t timeout_ms);
/* Says that the monitor of this connection runs but does not respond;
 * returns -ETIMEDOUT. */
int container_fail_unresponsive(int fd, const char *what, struct mtd_error *err);

/* ---- container/network.c ---- */

/* The network namespace of a live container; -ESRCH. */
int container_open_network(const struct mtd_record *r, struct mtd_error *err);
/* The monitor takes over what is held and looks at the record again; waits until it has. */
void container_tell_network(struct mtd_engine *e, const char *id,
                            const struct net_held *held);
/* Makes everything as the record is, and tells the monitor. The lock is held. */
void container_settle_network(struct mtd_engine *e, const struct mtd_record *r,
                              const struct net_held *held);
/* The same by id, of one that does not live what is left is removed. false = it is locked. */
bool container_settle_id(struct mtd_engine *e, const char *id);
/* Notes that the networks of a container change, until net_change_end(), and settles before what
 * another process has left half done. The lock is held, and the record not yet changed on disk. */
int container_begin_network_change(struct mtd_engine *e, const char *id);
/* A table that was flushed, and changes that were begun and not ended. */
void container_mend_networks(struct mtd_engine *e);

/* ---- container/launch.c ---- */

/* Starts the process of a container's monitor while the container is still being made, so that
 * the two overlap: to execute and start a program takes a millisecond. It waits for
 * container_launch(), and goes with this process. An error shows there. */
void container_launch_ahead(struct mtd_engine *e, const char *id);
/* There will be no such container after all. */
void container_launch_drop(struct mtd_engine *e);
/* Starts a monitor, mode as in monitor.h, or lets the one that waits begin; returns the
 * connection to it when it is ready. */
int container_launch(struct mtd_engine *e, const char *id, const struct mtd_start *s,
                     const char *mode, struct packet_ready *ready, struct mtd_error *err);
/* Receives the monitor's first message. */
int container_hear(int fd, struct packet_ready *ret, struct mtd_error *err);
/* Gives a container whose monitor was killed a new one. Do not hold the lock. */
int container_adopt(struct mtd_engine *e, const char *id, struct mtd_error *err);

/* ---- container/boot.c ---- */

/* If the host was rebooted since the record was written, a running container becomes
 * exited. true = it was changed; the caller saves it, with the lock held. */
bool container_settle(const struct mtd_engine *e, struct mtd_record *r);
bool container_settle_summary(const struct mtd_engine *e, struct mtd_summary *s);
/* The same for one record on disk. false = a process that may not have noticed
 * yet has it locked. */
bool container_settle_one(struct mtd_engine *e, const char *id);
/* The same for all records on disk, once after each boot. */
void container_settle_all(struct mtd_engine *e);

/* ---- container/health.c ---- */

/* The running container has a health check (health is not NULL) but no
 * process that runs it. */
bool container_lacks_health(struct mtd_engine *e, const char *id, pid_t pid,
                            const char *health);
bool container_mend_health(struct mtd_engine *e, const char *id);

/* ---- container/sweep.c ---- */

/* Repairs what killed processes left: starts new monitors, removes groups and run
 * directories without an owner, completes removals. Cheap if there is nothing to do. */
void container_sweep(struct mtd_engine *e);
/* The part of it that is about processes that were killed: one read when
 * there are none. */
void container_sweep_lost(struct mtd_engine *e);
/* <run dir>/frozen: a commit has paused the container and will resume it. */
#define CONTAINER_FROZEN "frozen"

/* ---- container/clear.c ---- */

/* Removes the groups and the run directory; hold the lock, and there is no monitor. */
void container_clear_run(struct mtd_engine *e, const char *id);

/* ---- container/load.c ---- */

/* Resolves ref, locks the container (unless ret_lock is NULL) and loads its record, with
 * the state observed. */
int container_load(struct mtd_engine *e, const char *ref, struct mtd_record *ret,
                   int *ret_lock, struct mtd_error *err);

/* ---- container/open.c ---- */

/* A path in the container's directory, malloc'ed. */
char *container_dir(struct mtd_engine *e, const char *id, const char *name);

/* ---- container/volume.c ---- */

/* Copies what the image has at a volume's target into the volume, if that is empty.
 * For create, before other processes see the container; the volumes exist,
 * image_hold() is held. */
int container_fill_volumes(struct mtd_engine *e, const struct mtd_record *r,
                           struct mtd_error *err);
/* Of a killed create: a copy that is complete is moved into the volume, another one removed.
 * Nothing while a living process copies. all: <root>/volumes. */
void container_finish_volume(int all_fd, const char *name);

/* ---- container/making.c ---- */

/* A note, for as long as this process lives or until the other call, that r is being made. Its
 * volumes have names and are not there yet. to_run: a container that is never started goes. */
int container_making_begin(struct mtd_engine *e, const struct mtd_record *r, bool to_run,
                           struct mtd_error *err);
void container_making_end(struct mtd_engine *e, const char *id);
/* What killed processes were making. */
void container_sweep_making(struct mtd_engine *e);

/* The roots of a machine that has none yet. */
int container_make_roots(struct mtd_engine *e, struct mtd_error *err);
/* Makes them if there are none and the image comes with the program; -ENOENT. Defined by api:
 * an image is at its place before a verb about it takes locks there. */
int container_need_image(struct mtd_engine *e, const char *ref, struct mtd_error *err);

#endif
