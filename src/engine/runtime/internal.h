/* runtime/internal.h - what the files of runtime share.
 * Shape   state.c is the directory of a container and what is in it, gate.c its socket;
 *         create.c makes one in steps, asked.c, filters.c, groups.c, namespace.c, userns.c,
 *         unit.c, console.c and listener.c have a part of that each; start.c, control.c, delete.c,
 *         exec.c, list.c and stats.c are the verbs.
 * Errors  as in runtime.h.
 */
#ifndef ENGINE_RUNTIME_INTERNAL_H
#define ENGINE_RUNTIME_INTERNAL_H

#include "engine/bundle/bundle.h"
#include "engine/cgroup/cgroup.h"
#include "engine/host/apparmor.h"
#include "engine/runtime/runtime.h"

#define RUNTIME_STATE "state.json"
#define RUNTIME_CONFIG "config.json"
#define RUNTIME_GATE "start.sock"

/* What state.json holds. */
struct runtime_record {
    char *id, *version, *bundle, *rootfs, *created;
    pid_t pid; /* 0 = there is none yet */
    uint64_t pid_start;
    char boot_id[BOOT_ID_LEN + 1];
    uid_t owner;
    bool creating;           /* as long as its `create` has not succeeded */
    bool hooked;             /* hooks have run, so that those of poststop are due */
    bool own_pids;           /* all its processes end with the first one */
    char *cgroup;            /* below the root of each hierarchy; NULL = it has none */
    char *unit;              /* of systemd's, whose group that is; NULL = it is our own */
    bool users_unit;         /* of the user's systemd */
    struct strv cgroups;     /* as in mtd_status; empty as long as it is being made */
    struct strv namespaces;  /* the same */
    struct strv annotations; /* a key, its value, a key, ... */
    char *seccomp_made;      /* of the profile */
    char *resources;         /* JSON: what updates have set; NULL = nothing */
};
void runtime_record_done(struct runtime_record *s);

/* A container that is there. */
struct container {
    int dir_fd;
    bool half; /* its state was never written: nothing was made but the directory */
    struct runtime_record record;
};
void runtime_close(struct container *c);
/* -ENOENT "container does not exist". */
int runtime_open(const struct runtime *r, const char *id, struct container *ret,
                 struct mtd_error *err);
/* Waits, some seconds, for whoever makes or removes it. -EBUSY */
int runtime_lock(const struct container *c, struct mtd_error *err);
/* Its config.json. */
int runtime_config(const struct container *c, struct bundle *ret, struct mtd_error *err);
int runtime_save(int dir_fd, const struct runtime_record *s, struct mtd_error *err);

int runtime_id_check(const char *id, struct mtd_error *err);
int runtime_open_root(const struct runtime *r, bool make, struct mtd_error *err);

enum runtime_status runtime_observe(const struct container *c);
bool runtime_is_alive(const struct runtime_record *s);
/* Its groups, also those of a half-made one. */
int runtime_groups(const struct runtime_record *s, struct cgroup *ret,
                   struct mtd_error *err);
/* Of the state in JSON what follows pid and status, malloc'ed. */
char *runtime_state_rest(const struct runtime_record *s);
/* The same as an object, whole; NULL = out of memory. */
struct json_t *runtime_state_object(const struct runtime_record *s,
                                    enum runtime_status status);

/* gate.c: a connection; flags of the socket. -ECONNREFUSED, -ENOENT = nobody waits there. */
int runtime_connect(int dir_fd, int flags);
/* 0 = connected to the gate of an init that waits; -ECONNREFUSED, -ENOENT = it does not. */
int runtime_knock(int dir_fd);
int runtime_listen(int dir_fd, struct mtd_error *err);

/* console.c: sockets of the caller's, which get a descriptor. One that does not take it is given
 * up after a while. */
#define RUNTIME_PEER_WAIT 5 /* seconds */
int runtime_connect_path(const char *path, const char *what, struct mtd_error *err);
int runtime_console_connect(const char *path, struct mtd_error *err);
int runtime_console_send(int socket, int master, struct mtd_error *err);

/* What `create` has while it makes a container. */
struct runtime_creation {
    const struct runtime *runtime;
    const struct runtime_create *asked;
    struct bundle bundle;
    struct buf text; /* of config.json */
    struct runtime_record record;
    int root_fd, dir_fd, gate_fd, sync_fd, console_fd, pidfd;
    int namespaces[BUNDLE_NS_COUNT];
    int *trees; /* NULL = none are needed */
    struct cgroup host, cgroup;
    struct systemd systemd;  /* fd 0 = it is not asked */
    bool started;            /* the unit */
    struct strv unit_groups; /* as in record.cgroups, before they are there */
    char label[APPARMOR_NAME_MAX + 8];
    char *rest; /* of the state for hooks */
};
/* asked.c: reads and checks what is asked for; nothing is made. */
int runtime_read_config(struct runtime_creation *c, struct mtd_error *err);
bool runtime_asks_limits(const struct bundle *b); /* more than rules of devices */

/* userns.c: the container's user namespace into c->namespaces, -1 = it has the caller's. */
int runtime_open_userns(struct runtime_creation *c, struct mtd_error *err);
/* c->trees, when there is one, or a mount has mapped ids. */
int runtime_open_trees(struct runtime_creation *c, struct mtd_error *err);
void runtime_close_trees(struct runtime_creation *c);
int runtime_give_groups(const struct runtime_creation *c, struct mtd_error *err);
/* c->host. A group that somebody uses is not the container's: it gets one below it. */
int runtime_find_groups(struct runtime_creation *c, struct mtd_error *err);
/* groups.c: all limits that b names, of a new group or of one that is there. */
int runtime_set_limits(struct cgroup *g, const struct bundle *b, struct mtd_error *err);
/* The limits and devices of c->cgroup, whom it belongs to; notes it. */
int runtime_limit_groups(struct runtime_creation *c, struct mtd_error *err);
/* unit.c: from cgroupsPath "slice:prefix:name" record.unit and record.cgroup; asks nobody. */
int runtime_name_unit(struct runtime_creation *c, struct mtd_error *err);
/* Connects; record.cgroup is whole then. Nobody has a unit of that name. */
int runtime_find_unit(struct runtime_creation *c, struct mtd_error *err);
/* Init, which waits, is put in the unit, and that gets its limits. */
int runtime_start_unit(struct runtime_creation *c, struct mtd_error *err);
void runtime_drop_unit(struct runtime_creation *c);
/* What others are told of the limits that the kernel's files get. all: also those that are not
 * set. */
int runtime_unit_limits(struct systemd_properties *p, const struct bundle *b, bool all,
                        struct mtd_error *err);
/* 0 also for a container without a unit, and one that was made before this boot. */
int runtime_stop_unit(const struct runtime *r, const struct runtime_record *s,
                      struct mtd_error *err);
int runtime_update_unit(const struct runtime *r, const struct runtime_record *s,
                        const struct bundle *b, struct mtd_error *err);
/* This process, and all that it starts: an ordinary user cannot move another there. */
int runtime_enter_unit(const struct runtime *r, const struct runtime_record *s,
                       struct mtd_error *err);
/* filters.c: checks the profile, sets seccomp_made. */
int runtime_find_filter(const struct runtime *r, struct mtd_process *p,
                        struct mtd_error *err);
/* listener.c: of seccomp's notified calls. Whether there is one if the profile needs it. */
int runtime_check_listener(const struct bundle *b, struct mtd_error *err);
/* Out of the process that has loaded the filter. */
int runtime_take_listener(pid_t pid, int number, struct mtd_error *err);
/* pid: of the process it is about; s: of its container. */
int runtime_send_listener(const struct runtime_record *s, const struct bundle *b,
                          pid_t pid, enum runtime_status status, int fd,
                          struct mtd_error *err);
/* Then whoever receives at the socket hears -EAGAIN when the listener lets the process wait. */
void runtime_limit_wait(int socket);
int runtime_listener_hangs(const struct bundle *b, struct mtd_error *err);

/* Is this process in the host's user namespace? */
bool runtime_is_hosts(void);
/* Pipes at 0 to 2 become its user's. */
void runtime_give_streams(const struct bundle *b);
/* Becomes init; the flag: it is in its groups. */
typedef void runtime_init_fn(const struct runtime_creation *c, int sync_fd, bool placed);
/* Init with the namespaces `flags` in that user namespace; takes sync_fd, init's end. Sets pid and
 * pidfd. */
int runtime_clone_across(struct runtime_creation *c, int sync_fd, uint64_t flags,
                         runtime_init_fn *init, struct mtd_error *err);

/* namespace.c: opens those that are given by path, -1 each other. */
int runtime_open_namespaces(const struct bundle *b, int fds[BUNDLE_NS_COUNT],
                            struct mtd_error *err);
/* Around a clone: the PID namespace, and a new one of time with its offsets. */
struct runtime_aside {
    int pid, time; /* to go back to; -1 = nothing was left */
};
int runtime_step_aside(const struct bundle *b, const int fds[BUNDLE_NS_COUNT],
                       struct runtime_aside *ret, struct mtd_error *err);
int runtime_step_back(struct runtime_aside *a, struct mtd_error *err);

/* What of b is ignored becomes a warning of r's. */
int runtime_warn(const struct runtime *r, const struct bundle *b, struct mtd_error *err);

/* A file with the pid, there as a whole. */
int runtime_write_pid(const char *path, pid_t pid, struct mtd_error *err);
/* Descriptors 3 to 2 + n are open. */
int runtime_check_preserved(unsigned n, struct mtd_error *err);
/* What attr/apparmor/exec is told; "" = nothing. size: APPARMOR_NAME_MAX + 8 */
int runtime_label(const struct mtd_process *p, char *ret, struct mtd_error *err);
/* Each of the last hooks; one that fails is a warning of r's. */
void runtime_poststop(const struct runtime *r, const struct runtime_record *s,
                      const struct bundle *b);
/* The killing half of a deletion. */
int runtime_end(const struct runtime_record *s, struct mtd_error *err);

#endif
