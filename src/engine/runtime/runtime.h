/* runtime - containers from bundles, as an OCI runtime has them: for podman, containerd and others
 * that have a monitor of their own.
 * Shape   a container is a directory, <root>/<id>, with its state, a copy of its config.json and the
 *         socket at which its init waits for `start`. No process of ours stays: init is whose
 *         child the caller makes it by ending `create`, and its streams are the caller's.
 * State   what is written is what was made; what it is now, the kernel says: pid and start time,
 *         whether init still listens at its gate, the freezer. A process killed at any point
 *         leaves what runtime_delete() with force removes.
 * Errors  0 or -errno; err in the words that callers look for: "container does not exist"
 *         (-ENOENT), "container not running" (-ESRCH).
 * Process the command line, single-threaded.
 * Source  OCI runtime-spec runtime.md; the texts are those of runc 1.1.
 */
#ifndef ENGINE_RUNTIME_RUNTIME_H
#define ENGINE_RUNTIME_RUNTIME_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"
#include "engine/systemd/systemd.h"

#define RUNTIME_OCI_VERSION "1.2.0"

struct runtime {
    const char *root;    /* absolute */
    bool systemd_cgroup; /* create: groups are units of systemd's */
    struct systemd_places systemd;
    bool no_groups;        /* containers are made without, and have no limits */
    struct strv *warnings; /* create, exec and update add sentences; NULL = to nothing */
};

/* Adds what options of mounts are known, for `features`. -ENOMEM */
int runtime_mount_words(struct strv *ret);

struct runtime_create {
    const char *id;
    const char *bundle;   /* its directory; NULL = the working directory */
    const char *pid_file; /* NULL = none; as all paths here relative to where we are */
    const char *console_socket; /* NULL = none */
    unsigned preserve;          /* descriptors from 3 on that the container gets */
    bool no_pivot, no_new_keyring;
};
/* Before that: this process becomes the same program, opened so that a container which gets to see
 * its file cannot write it (host/self.h). */
int runtime_protect(char *const argv[], struct mtd_error *err);
/* The streams 0 to 2 of this process become the container's. *ret_pidfd may be NULL; else it is
 * init's, which is this process's child. */
int runtime_create(const struct runtime *r, const struct runtime_create *c,
                   int *ret_pidfd, struct mtd_error *err);
int runtime_start(const struct runtime *r, const char *id, struct mtd_error *err);

enum runtime_status {
    RUNTIME_CREATING,
    RUNTIME_CREATED,
    RUNTIME_RUNNING,
    RUNTIME_PAUSED,
    RUNTIME_STOPPED
};
const char *runtime_status_name(enum runtime_status s);

/* Appends the state as JSON, indented as runc has it. */
int runtime_state(const struct runtime *r, const char *id, struct buf *ret,
                  struct mtd_error *err);
/* A line of `list` each; strings are the list's. Half-made ones are left out. */
struct runtime_line {
    char *id, *bundle, *created, *owner;
    char *json; /* as state, in one line */
    int pid;
    enum runtime_status status;
};
struct runtime_lines {
    struct runtime_line *items;
    size_t len;
};
int runtime_list(const struct runtime *r, struct runtime_lines *ret,
                 struct mtd_error *err);
void runtime_lines_done(struct runtime_lines *l);

/* all: every process of its groups; then it may have ended. */
int runtime_kill(const struct runtime *r, const char *id, int sig, bool all,
                 struct mtd_error *err);
/* force: whatever it does is killed, what is half made removed, what is not there is fine. */
int runtime_delete(const struct runtime *r, const char *id, bool force,
                   struct mtd_error *err);
int runtime_freeze(const struct runtime *r, const char *id, bool frozen,
                   struct mtd_error *err);
/* The pids of its processes on the host; malloc'ed. Returns how many. */
int runtime_pids(const struct runtime *r, const char *id, int **ret,
                 struct mtd_error *err);
/* resources: the JSON text of linux.resources; what it does not name stays. */
int runtime_update(const struct runtime *r, const char *id, const char *resources,
                   size_t len, struct mtd_error *err);
/* Appends one line of JSON with its figures, as `events --stats`. */
int runtime_stats(const struct runtime *r, const char *id, struct buf *ret,
                  struct mtd_error *err);

struct runtime_exec {
    const char *id;
    const char
        *process; /* a file with the JSON of a process; NULL = the container's with: */
    struct strv args, env, caps;
    const char *cwd, *user; /* "UID[:GID]"; NULL = the container's */
    struct strv groups;     /* additional gids */
    bool tty, no_new_privs;
    const char *apparmor;
    const char *pid_file, *console_socket;
    unsigned preserve;
    bool detach;
};
/* *ret_status: its exit status, 0 when it is detached from. */
int runtime_exec(const struct runtime *r, const struct runtime_exec *x, int *ret_status,
                 struct mtd_error *err);

#endif
