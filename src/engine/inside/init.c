/* Init is pid 1 of the container, and until its execve a copy of the monitor, with which
 * it communicates over the handshake of wire/sync.h. */

#include "engine/inside/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/proc.h"
#include "engine/syscalls/syscalls.h"
#include "engine/wire/sync.h"

bool inside_is_init(pid_t pid)
{
    char path[48], name[32];
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    return fs_read_small_at(AT_FDCWD, path, name, sizeof(name)) > 0 &&
           strcmp(name, INSIDE_INIT_NAME) == 0;
}

/* What cannot be told counts as outside. */
static bool same_root(pid_t a, pid_t b)
{
    char path[2][48];
    struct stat st[2];
    pid_t pids[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof(path[i]), "/proc/%d/root", (int)pids[i]);
        if (fstatat(AT_FDCWD, path[i], &st[i], 0) < 0)
            return true;
    }
    return st[0].st_dev == st[1].st_dev && st[0].st_ino == st[1].st_ino;
}

bool inside_is_outside(pid_t pid, pid_t monitor)
{
    return inside_is_init(pid) && same_root(pid, monitor);
}

static int send_terminal(struct inside *c, int master)
{
    return sync_send_tty(c->sync_fd, master);
}

static int hand_listener(struct inside *c, int listener)
{
    return sync_hand_listener(c->sync_fd, listener);
}

static int send_exec(struct inside *c, struct mtd_error *err)
{
    int rc = sync_send_exec(c->sync_fd);
    return rc < 0 ? mtd_fail_errno(err, -rc, "the monitor has exited") : 0;
}

static void send_error(struct inside *c, const struct mtd_error *err)
{
    sync_send_error(c->sync_fd, err);
}

void inside_init(const struct inside_init *i)
{
    static const struct inside_ops ops = {.process = INSIDE_INIT,
                                          .name = "init",
                                          .send_terminal = send_terminal,
                                          .hand_listener = hand_listener,
                                          .before_exec = send_exec,
                                          .send_error = send_error};
    static const struct inside_ops bundles = {.process = INSIDE_BUNDLE,
                                              .name = "create",
                                              .send_terminal = send_terminal,
                                              .hand_listener = hand_listener,
                                              .before_exec = send_exec,
                                              .send_error = send_error};
    const struct mtd_process *process =
        i->bundle ? &i->bundle->tree.bundle->process : &i->rootfs.record->spec.process;
    struct inside c = {.ops = i->bundle ? &bundles : &ops,
                       .process = process,
                       .rows = i->rows,
                       .cols = i->cols,
                       .stdio = {i->stdio[0], i->stdio[1], i->stdio[2]},
                       .label = i->label,
                       .proc_fd = -1,
                       .seccomp = syscalls_profile(process),
                       .made = process->seccomp_made,
                       .seccomp_caps = syscalls_caps(process),
                       .ignored = proc_ignored_signals(),
                       .init = i,
                       .sync_fd = i->sync_fd,
                       .root_fd = -1,
                       .shm_fd = -1,
                       .master = -1};
    proc_set_name(INSIDE_INIT_NAME);
    inside_run(&c);
}
