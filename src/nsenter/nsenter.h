/* nsenter - joining a container's namespaces before main().
 * Shape   the engine (exec.c) builds a struct nsenter_request in a sealed memfd and runs
 *         our executable again: argv[0] = NSENTER_NAME, empty environment, the memfd on
 *         fd 3, a SOCK_SEQPACKET on fd 4 for results. The constructor acts only if all of
 *         that holds: argv[0], memfd seals, magic, version, sizes. No environment
 *         variable is ever read.
 * Order   cgroups first (their directories are the host's), then setns: the pidfd with
 *         all namespaces at once, or one by one with mount last on kernels < 5.8. What has
 *         been joined is compared with what the container began with, before anything is
 *         done there: its pid 1 may have gone elsewhere. Then
 *         clone with CLONE_PARENT into the pid namespace, so the command is the front
 *         end's own child; both say which process that is. The cgroup and the user namespace
 *         come last, in that child: for CLONE_INTO_CGROUP the kernel checks the parent's.
 * Late    with NSENTER_LATE nothing is cloned here: the joiner itself takes the steps to the
 *         command, which the container cannot see, and clones last, when it has no more
 *         rights than the command (inside/exec_steps.c).
 * Process the constructor of the re-executed program, single-threaded. It returns to
 *         main() only in the child that is inside the container; main() then runs
 *         inside_exec_main() (engine/inside/inside.h), which does terminal, user,
 *         capabilities, directory and execve.
 * Errors  a reply with a struct mtd_error over fd 4, then _exit(125).
 * Limits  hostile requests are expected: sizes and counts are checked before use.
 */
#ifndef NSENTER_NSENTER_H
#define NSENTER_NSENTER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/schedule.h"
#include "base/strv.h"

#define NSENTER_NAME "mtd:exec"
#define NSENTER_MAGIC 0x6d74642d65786563ULL /* "mtd-exec" */
#define NSENTER_VERSION 7u
#define NSENTER_MAX (4u << 20)
#define NSENTER_MAX_RLIMITS 32u
#define NSENTER_MAX_CGROUPS 32u
#define NSENTER_MAX_NAMESPACES 16u
#define NSENTER_MAX_GROUPS 64u
#define NSENTER_SETS 4
#define NSENTER_MAX_PRESERVE 256u

enum { NSENTER_REQUEST_FD = 3, NSENTER_REPLY_FD = 4 };

enum {
    NSENTER_TTY = 1 << 0, /* a terminal of the container's devpts becomes 0, 1, 2 */
    /* the container's own /dev/null instead of the inherited stream */
    NSENTER_NULL_IN = 1 << 1,
    NSENTER_NULL_OUT = 1 << 2,
    NSENTER_NULL_ERR = 1 << 3,
    NSENTER_NO_NEW_PRIVS = 1 << 4,
    NSENTER_KEEP = 1 << 5,   /* the command may outlive the front end */
    NSENTER_USERNS = 1 << 6, /* the container has a user namespace of its own */
    NSENTER_EXACT = 1 << 8,  /* of a bundle: ids, sets, umask as they are given */
    NSENTER_PERSONALITY = 1 << 9,
    NSENTER_LATE = 1 << 7, /* the container may trace what is in its PID namespace */
};

struct nsenter_rlimit {
    char name[16];
    uint64_t soft, hard;
};

/* Everything the two processes need; strings are owned. */
struct nsenter_request {
    pid_t pid; /* the container's pid 1, and its start time */
    uint64_t pid_start;
    uint32_t flags;
    uint64_t caps;
    uint64_t sets[NSENTER_SETS]; /* EXACT: effective, permitted, inheritable, ambient */
    uint32_t umask;              /* EXACT */
    uint32_t preserve; /* EXACT: so many descriptors from 5 on become 3, 4 ... */
    uint64_t personality;
    unsigned short rows, cols;
    int oom_score_adj;
    char *cwd, *user;   /* "" = "/", root */
    char *seccomp;      /* the profile, and for which capabilities it is */
    char *seccomp_made; /* of it, before; "" = nothing */
    uint64_t seccomp_caps;
    struct schedule schedule;
    char *cpus_first;    /* on which the joiner begins, "0-3"; "", NULL = as it is */
    char *cpus;          /* the same of the command; "" = all, when the first are given */
    char *label;         /* for attr/exec (host/label.h); "" = none */
    const char *files;   /* SELinux's label of pipes; NULL = none; borrowed, not sent */
    struct strv groups;  /* further ones of the user's: names or gids */
    struct strv cgroups; /* as in a record: "controllers:/host/dir", "unified:" for v2 */
    struct strv namespaces; /* what must be joined, as in base/ns.h */
    struct strv args, env;
    struct nsenter_rlimit *rlimits;
    size_t n_rlimits;
    uint64_t ignored; /* signals, by the joiner; not sent */
    int proc_fd;      /* the host's /proc, by the joiner when there is a label; else -1 */
};
void nsenter_request_done(struct nsenter_request *r);

/* -E2BIG = larger than NSENTER_MAX; -EBADMSG = not a request (nothing is set then). */
int nsenter_encode(const struct nsenter_request *r, struct buf *ret);
int nsenter_decode(const void *data, size_t len, struct nsenter_request *ret);
/* The request as a sealed memfd; and the way back, which insists on the seals. */
int nsenter_seal(const struct nsenter_request *r);
int nsenter_unseal(int fd, struct nsenter_request *ret);

/* What comes back over the socket. The kernel adds the sender's pid (SCM_CREDENTIALS), so
 * the command's pid needs no message of its own and cannot be mistaken. */
enum nsenter_reply_kind {
    NSENTER_EOF = 0,  /* received only: every sender has exec'ed or is gone */
    NSENTER_INSIDE,   /* from the command's process: it exists */
    NSENTER_CHILD,    /* the same from the joiner */
    NSENTER_MASTER,   /* with the terminal's master */
    NSENTER_LISTENER, /* the sender has a descriptor for a seccomp listener */
    NSENTER_ERROR,
};
struct nsenter_reply {
    enum nsenter_reply_kind kind;
    pid_t sender; /* seen from the receiver's pid namespace */
    pid_t pid;    /* the same; NSENTER_CHILD: the process */
    int fd;       /* NSENTER_MASTER; else -1. The receiver owns it. */
    int number; /* NSENTER_LISTENER: in the sender's table; to be taken by pidfd_getfd */
    struct mtd_error error;
};
int nsenter_socket(int *ret_front, int *ret_inside);
/* What has no descriptor is written, not sent: the command's process reports under the
 * container's filter of system calls, which may forbid sendmsg but not write. Without a reader
 * SIGPIPE ends it.
 * pass: a descriptor to send along, -1 = none; error: NULL = none. */
int nsenter_reply(int fd, enum nsenter_reply_kind kind, int pass,
                  const struct mtd_error *error);
int nsenter_reply_child(int fd, pid_t pid);
/* By write and read, as the filter is loaded; waits until the front end says that it has it. */
int nsenter_reply_listener(int fd, int number);
int nsenter_taken(int fd); /* the front end's word for that; 0 or -errno */
int nsenter_receive(int fd, struct nsenter_reply *ret); /* blocks */

/* Joins the cgroups and namespaces, then clones. The parent gets the child's pid, as the
 * front end sees it, and has nothing more to do; the child, which dies with the front end,
 * gets 0, and so does the caller itself with NSENTER_LATE. On failure returns -errno.
 * one_by_one = without the pidfd form of setns. */
int nsenter_join(const struct nsenter_request *r, int one_by_one, struct mtd_error *err);

/* The request this process was started with, once the constructor has joined; else
 * NULL. */
const struct nsenter_request *nsenter_joined(void);
void nsenter_set_joined(
    const struct nsenter_request *r); /* for the constructor; borrowed */

#endif
