/* inside/internal.h - the state of a process on its way to the command, and its steps.
 * Shape   init.c and exec.c begin, and know how to report to the process that started
 *         this one; steps.c has the table and the loop; identity.c, stdio.c and command.c
 *         have the steps of all, init_steps.c, bundle_steps.c and exec_steps.c those of one; late.c is what
 *         waits for the end of them; open.c opens by path in the container; reaper.c is a program of its own.
 * Errors  as in inside.h.
 */
#ifndef ENGINE_INSIDE_INTERNAL_H
#define ENGINE_INSIDE_INTERNAL_H

#include "engine/confine/user.h"
#include "engine/inside/inside.h"
#include "engine/syscalls/syscalls.h"

struct inside;

/* What the two processes do differently within a step. */
struct inside_ops {
    enum inside_process process;
    const char *name; /* of its fault points, before the dot */
    int (*send_terminal)(struct inside *c, int master); /* 0 or -errno */
    /* Under the container's filter: its listener's descriptor is to be taken from this process.
     * 0 or -errno */
    int (*hand_listener)(struct inside *c, int listener);
    /* The same: exec comes next. */
    int (*before_exec)(struct inside *c, struct mtd_error *err);
    void (*send_error)(struct inside *c, const struct mtd_error *err);
};

struct inside {
    const struct inside_ops *ops;
    const struct mtd_process *process; /* what it becomes; borrowed */
    unsigned short rows, cols;         /* of the terminal */
    int stdio[3]; /* become 0, 1, 2, made by the engine; -1 = the container's /dev/null */
    uint64_t ignored; /* signals as in proc_ignored_signals; execve would leave them so */

    const char *seccomp;   /* the container's profile, borrowed */
    const char *made;      /* of it, before; NULL or "" = nothing */
    const char *label;     /* for attr/exec (host/label.h); "" = none */
    int proc_fd;           /* the host's /proc; -1 = it is mounted here */
    uint64_t seccomp_caps; /* for which it is: the container's, whatever exec gives */

    const struct inside_init *init; /* of init alone */
    int sync_fd, root_fd;
    int shm_fd;                            /* another container's /dev/shm, or -1 */
    const struct nsenter_request *request; /* of exec alone */
    int master;                            /* the same: to be sent last, or -1 */

    struct user user; /* set by steps */
    struct strv env;
    char program[4096];
};

/* Takes the process's steps. It becomes the command, or reports the failure and exits. */
void inside_run(struct inside *c) __attribute__((noreturn));

/* ---- open.c: 0 or a descriptor, or -errno, without a sentence ---- */

/* The container's null device, or one of our own if something else stands in its place. */
int inside_open_null(int flags);
/* One write to a file of this process's in /proc. -ENXIO = /proc is not the kernel's. */
int inside_write_own(const char *name, const char *text);
/* The first line of it; its length. */
int inside_read_own(const char *name, char *ret, size_t size);

/* A step: 0, or -errno and err set. */
typedef int inside_step(struct inside *c, struct mtd_error *err);

inside_step inside_hide, inside_label, inside_session, inside_keyring, inside_user,
    inside_limits, inside_oom_score, inside_umask, inside_personality, inside_scheduling,
    inside_directory, inside_identity, inside_privileges; /* identity.c */
inside_step inside_stdio, inside_console;                 /* stdio.c */
inside_step inside_program, inside_signals, inside_close, inside_seccomp,
    inside_command; /* command.c */

inside_step inside_init_groups, inside_init_share, inside_init_descriptors,
    inside_init_rootfs, inside_init_userns, inside_init_network, inside_init_go,
    inside_init_cgroup_namespace, inside_init_hostname, inside_init_sysctls,
    inside_init_pivot; /* init_steps.c */

inside_step inside_bundle_namespaces, inside_bundle_descriptors, inside_bundle_tree,
    inside_bundle_loopback, inside_bundle_mounted, inside_bundle_hooks,
    inside_bundle_names, inside_bundle_sysctls, inside_bundle_enter, inside_bundle_gate,
    inside_bundle_begin; /* bundle_steps.c */

/* "name=value" into the /proc below root_fd, which must be the kernel's. */
int inside_set_sysctl(int root_fd, const char *text, struct mtd_error *err);

inside_step inside_exec_announce, inside_exec_follow; /* exec_steps.c */

/* ---- late.c ---- */

/* What the identity leaves permitted for the steps after it: a filter is loaded without
 * no_new_privs by who has CAP_SYS_ADMIN. execve takes it. */
uint64_t inside_late_caps(const struct inside *c);
/* Unless the session may outlive it. */
void inside_die_with_front(const struct inside *c);

/* No process of the container's sees this one before the very end: NSENTER_LATE. */
bool inside_is_late(const struct inside *c);
/* The calls that it makes there. -EPERM = the filter forbids one, err says which. */
int inside_check_late(const struct inside *c, const struct syscalls_filter *f,
                      struct mtd_error *err);
/* Then it becomes a process of the container's. */
int inside_appear(struct inside *c, struct mtd_error *err);

#endif
