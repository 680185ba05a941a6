/* The child only waits, for the end of a pipe: when the caller has what it wants or is killed,
 * the kernel closes its end, and the child exits. */

#include "engine/confine/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/inherit.h"
#include "base/sys.h"
#include "engine/idmap.h"
#include "engine/limits.h"

struct holder {
    pid_t pid;
    int pipe; /* closing it ends the process */
};

/* Of the caller's descriptors it keeps none: its locks are not to outlive it. */
static __attribute__((noreturn)) void hold(int end)
{
    char byte;
    if (dup2(end, STDIN_FILENO) == STDIN_FILENO &&
        sys_close_range(STDIN_FILENO + 1, ~0u, 0) == 0)
        while (read(STDIN_FILENO, &byte, 1) < 0 && errno == EINTR)
            continue;
    _exit(0);
}

static int start_holder(struct holder *h, uint64_t more)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    struct clone_args args = {.flags = CLONE_NEWUSER | more, .exit_signal = SIGCHLD};
    h->pid = sys_clone3(&args, sizeof(args));
    int error = errno;
    if (h->pid == 0)
        hold(ends[0]);
    close(ends[0]);
    h->pipe = ends[1];
    if (h->pid > 0)
        return 0;
    close(h->pipe);
    return -error;
}

static void end_holder(struct holder *h)
{
    close(h->pipe);
    while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

/* The kernel takes a map as one write. */
static int write_map(pid_t pid, const char *name, const struct mtd_idrange *ranges,
                     size_t n)
{
    char path[64], text[MTD_IDMAP_RANGES * 36];
    size_t used = 0;
    for (size_t i = 0; i < n && used < sizeof(text); i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%llu %llu %llu\n",
                                 (unsigned long long)ranges[i].inside,
                                 (unsigned long long)ranges[i].host,
                                 (unsigned long long)ranges[i].count);
    if (used >= sizeof(text))
        return -E2BIG;
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    return fs_write_at(AT_FDCWD, path, text);
}

static int map(pid_t pid, const struct userns_map *m)
{
    char path[64];
    int rc = write_map(pid, "uid_map", m->uids, m->n_uids);
    if (rc == 0)
        rc = write_map(pid, "gid_map", m->gids, m->n_gids);
    if (rc < 0)
        return rc;
    snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int open_network(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int confine_userns_open(const struct mtd_spec *s, int *ret_network, struct mtd_error *err)
{
    const struct userns_map m = {s->idmap, s->idmap, s->n_idmap, s->n_idmap};
    return confine_userns_make(&m, ret_network, err);
}

int confine_userns_make(const struct userns_map *m, int *ret_network,
                        struct mtd_error *err)
{
    struct holder h = {0, -1};
    int network = -1, rc = start_holder(&h, ret_network ? CLONE_NEWNET : 0);
    if (rc == -ENOSPC || rc == -EUSERS)
        return mtd_fail(err, -rc,
                        "no further user namespace is allowed; raise the host's sysctl "
                        "user.max_user_namespaces");
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot create a user namespace");
    int fd = map(h.pid, m);
    if (fd >= 0 && ret_network)
        network = open_network(h.pid);
    end_holder(&h);
    if (fd >= 0 && ret_network && network < 0)
        return close(fd),
               mtd_fail_errno(err, -network, "cannot open the network namespace");
    if (ret_network && fd >= 0)
        *ret_network = network;
    return fd < 0 ? mtd_fail_errno(err, -fd, "cannot map the ids of the user namespace")
                  : fd;
}

bool confine_groups_denied(void)
{
    char text[16];
    return fs_read_small_at(AT_FDCWD, "/proc/self/setgroups", text, sizeof(text)) > 0 &&
           strncmp(text, "deny", 4) == 0;
}

void confine_userns_prepare(const struct mtd_process *p)
{
    for (size_t i = 0; i < p->n_rlimits; i++) {
        int resource = mtd_limit_rlimit(&p->rlimits[i], NULL);
        if (resource >= 0)
            inherit_raise_limit(resource, p->rlimits[i].hard);
    }
    if (p->oom_score_adj)
        inherit_set_oom_score(p->oom_score_adj);
}

int confine_userns_join(int fd, int flags, struct mtd_error *err)
{
    if (setns(fd, CLONE_NEWUSER) < 0)
        return mtd_fail_errno(err, errno, "cannot enter the user namespace");
    if (unshare(flags) < 0)
        return mtd_fail_errno(err, errno,
                              "cannot create namespaces in the user namespace");
    if ((setgroups(0, NULL) < 0 && !confine_groups_denied()) || setresgid(0, 0, 0) < 0 ||
        setresuid(0, 0, 0) < 0)
        return mtd_fail_errno(err, errno, "cannot become the user namespace's root");
    return 0;
}
