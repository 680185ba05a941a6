/* engine_part - what the files of the API share; nobody else includes it. */
#ifndef ENGINE_CONTAINER_INTERNAL_H
#define ENGINE_CONTAINER_INTERNAL_H

#include "engine/cgroup/cgroup.h"
#include "engine/engine.h"
#include "engine/image/image.h"
#include "engine/store/store.h"
#include "engine/wire/packet.h"

/* A connection made by mtd_start or mtd_attach, and the log opened before the container could
 * be gone: mtd_relay finds it by its descriptor. */
struct attachment {
    int fd; /* -1 = none */
    int dir_fd;
    struct log_reader reader;
};

struct mtd_engine {
    struct store store;
    struct image_store images;
    char boot_id[BOOT_ID_LEN + 1];
    struct attachment attached; /* one at a time: a front end shows one container */
};

/* True state of a record that says running: the kernel is asked, not the file. */
enum mtd_state engine_observe(struct mtd_engine *e, const char *id,
                              const struct mtd_status *status);
/* ref -> id, lock (skipped when lock_fd is NULL), record with observed state. */
int engine_load(struct mtd_engine *e, const char *ref, struct mtd_record *ret,
                int *ret_lock, struct mtd_error *err);
void engine_note(struct mtd_engine *e, const struct mtd_record *r, const char *action);
char *engine_dir(struct mtd_engine *e, const char *id, const char *name); /* malloc'ed */

/* Refuses limits this machine or docker's rules do not allow. */
int engine_check_resources(const struct mtd_resources *r, struct mtd_error *err);

/* An empty volume gets what the image has at its target. For create, before anybody sees the
 * container; the volumes are made, image_hold() is held. */
int engine_fill_volumes(struct mtd_engine *e, const struct mtd_record *r,
                        struct mtd_error *err);

/* A monitor lives: it holds the claim. */
bool engine_has_monitor(struct mtd_engine *e, const char *id);
/* Puts right what killed processes left: new monitors, groups and run directories nobody owns,
 * interrupted removals. Cheap when there is nothing. */
void engine_sweep(struct mtd_engine *e);
/* <run dir>/frozen: a commit has paused it and goes on with it afterwards. */
#define ENGINE_FROZEN "frozen"
/* Lock held, no monitor: the groups and the run directory go. */
void engine_clear_run(struct mtd_engine *e, const char *id);
/* The host was restarted since this was written: what runs in it is exited now. True: it was
 * changed; saving it (lock held) is the caller's. */
bool engine_settle(const struct mtd_engine *e, struct mtd_record *r);
bool engine_settle_summary(const struct mtd_engine *e, struct mtd_summary *s);
/* One record on disk. False: somebody is at work on it, who may not have seen it yet. */
bool engine_settle_one(struct mtd_engine *e, const char *id);
/* All records on disk, once after each restart of the host. */
void engine_settle_all(struct mtd_engine *e);
/* A running container has a health check (its status is not NULL) and nobody who runs it. */
bool engine_lacks_health(struct mtd_engine *e, const char *id, pid_t pid,
                         const char *health);
bool engine_mend_health(struct mtd_engine *e, const char *id);
/* Gives a container whose monitor died a new one. Call it without holding the lock. */
int engine_adopt(struct mtd_engine *e, const char *id, struct mtd_error *err);

/* A connection to the monitor; -errno when there is none. */
int engine_connect(struct mtd_engine *e, const char *id, struct mtd_error *err);
/* Waits for the monitor's PACKET_EXIT. 1 = *ret is set, 0 = the monitor is gone,
 * -ETIMEDOUT. timeout_ms -1 = for ever. */
int engine_wait_exit(int fd, int64_t timeout_ms, struct packet_exit *ret);
/* The same, also for the end of a run that the restart policy lets another one follow. */
int engine_wait_run(int fd, int64_t timeout_ms);
/* -ETIMEDOUT: the monitor behind this connection lives and says nothing. */
int engine_fail_mute(int fd, const char *what, struct mtd_error *err);

#endif
