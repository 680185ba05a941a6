/* Init is pid 1 of the container, and until its execve a copy of the monitor, with which
 * it communicates over the handshake of wire/sync.h. */

#include "engine/inside/internal.h"

#include "base/proc.h"
#include "engine/syscalls/syscalls.h"
#include "engine/wire/sync.h"

static int send_terminal(struct inside *c, int master)
{
    return sync_send_tty(c->sync_fd, master);
}

static int send_exec(struct inside *c)
{
    return sync_send_exec(c->sync_fd);
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
                                          .send_exec = send_exec,
                                          .send_error = send_error};
    const struct mtd_process *process = &i->rootfs.record->spec.process;
    struct inside c = {.ops = &ops,
                       .process = process,
                       .rows = i->rows,
                       .cols = i->cols,
                       .stdio = {i->stdio[0], i->stdio[1], i->stdio[2]},
                       .label = i->label,
                       .proc_fd = -1,
                       .seccomp = syscalls_profile(process),
                       .seccomp_caps = syscalls_caps(process),
                       .ignored = proc_ignored_signals(),
                       .init = i,
                       .sync_fd = i->sync_fd,
                       .root_fd = -1,
                       .shm_fd = -1};
    proc_set_name(INSIDE_INIT_NAME);
    inside_run(&c);
}
