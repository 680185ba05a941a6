/* Starting is handing the container to a monitor and hearing from it: ready, or why not. The
 * log is opened before, because a short-lived --rm container may be gone when the answer
 * comes. */

#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/container/internal.h"
#include "engine/container/relay.h"
#include "engine/host/kernel.h"
#include "engine/host/self.h"
#include "engine/monitor/monitor.h"

#define LINK_MAX_LEN 4096
#define ADOPT_WAIT_MS 10000
#define GREETING_WAIT_MS 10000
#define START_TRIES 20

static void forget(struct attachment *a)
{
    if (a->fd < 0)
        return;
    log_reader_close(&a->reader);
    close(take_fd(&a->dir_fd));
    a->fd = -1;
}

/* Opens the log at its present end; it may not exist yet. */
static int open_reader(struct mtd_engine *e, const char *id, struct attachment *a,
                       struct mtd_error *err)
{
    forget(&e->attached);
    auto_fd int dir = store_open_dir(&e->store, id, err);
    if (dir < 0)
        return dir;
    auto_fd int log =
        openat(dir, "container.log",
               O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_APPEND, 0600);
    if (log < 0)
        return mtd_fail_errno(err, errno, "cannot open the log of %.12s", id);
    off_t end = lseek(log, 0, SEEK_END);
    int r = log_reader_open(&a->reader, dir, false, end < 0 ? 0 : (uint64_t)end, err);
    if (r == 0)
        a->dir_fd = take_fd(&dir);
    return r;
}

static pid_t spawn_monitor(struct mtd_engine *e, const char *id,
                           const struct mtd_start *s, const char *mode, int socket_fd,
                           struct mtd_error *err)
{
    char rows[8], cols[8], exe[LINK_MAX_LEN];
    auto_fd int self = self_open(err);
    if (self < 0)
        return self;
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    exe[n < 0 ? 0 : n] = '\0';
    snprintf(rows, sizeof(rows), "%u", (unsigned)s->rows);
    snprintf(cols, sizeof(cols), "%u", (unsigned)s->cols);
    char *argv[] = {(char *)MONITOR_NAME,
                    e->store.root,
                    e->store.run_root,
                    (char *)id,
                    rows,
                    cols,
                    exe,
                    (char *)mode,
                    NULL};
    return self_spawn(self, argv, socket_fd, NULL, err);
}

/* The first thing a monitor says. */
static int hear(int fd, struct packet_ready *ret, struct mtd_error *err)
{
    static char room[PACKET_MAX];
    const void *data = NULL;
    size_t len = 0;
    int type = packet_recv(fd, room, 0, &data, &len);
    if (type == PACKET_READY) {
        memcpy(ret, data, sizeof(*ret));
        return 0;
    }
    if (type != PACKET_ERROR)
        return mtd_fail(err, EPIPE, "the monitor died while starting it; try again");
    struct mtd_error said;
    memcpy(&said, data, sizeof(said));
    said.text[sizeof(said.text) - 1] = '\0';
    if (err)
        *err = said;
    return said.code ? -said.code : -EIO;
}

/* A monitor that runs greets who connects at once. */
static int hear_greeting(int fd, struct packet_ready *ret, struct mtd_error *err)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, GREETING_WAIT_MS) == 0)
        return engine_fail_mute(fd, "cannot attach", err);
    return hear(fd, ret, err);
}

int engine_fail_mute(int fd, const char *what, struct mtd_error *err)
{
    struct ucred who = {0};
    socklen_t len = sizeof(who);
    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len); /* who listens: the monitor */
    return mtd_fail(err, ETIMEDOUT,
                    "%s: the container's monitor, process %d, does not "
                    "respond; if it is stopped, resume it: kill -CONT %d",
                    what, (int)who.pid, (int)who.pid);
}

static int launch(struct mtd_engine *e, const char *id, const struct mtd_start *s,
                  const char *mode, struct packet_ready *ready, struct mtd_error *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return mtd_fail_errno(err, errno, "cannot create a socket");
    auto_fd int mine = pair[0], theirs = pair[1];
    pid_t pid = spawn_monitor(e, id, s, mode, theirs, err);
    if (pid < 0)
        return pid;
    close(take_fd(&theirs));
    int r = hear(mine, ready, err);
    if (r < 0) {
        waitpid(pid, NULL, 0);
        return r;
    }
    return take_fd(&mine);
}

static bool is_restarting(struct mtd_engine *e, const char *id)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    return store_load(&e->store, id, &r, NULL) == 0 &&
           r.status.state == MTD_STATE_RESTARTING;
}

/* A monitor that is there although nothing runs: it waits to start it again, then it is the
 * one asked for; or it is about to go, then the next one comes after it. */
static int launch_after(struct mtd_engine *e, const char *id, const struct mtd_start *s,
                        struct packet_ready *ready, struct mtd_error *err)
{
    int fd = -EBUSY;
    for (int tries = 0; tries < START_TRIES && fd == -EBUSY; tries++) {
        mtd_error_clear(err);
        fd = launch(e, id, s, MONITOR_START, ready, err);
        auto_fd int other = fd == -EBUSY ? engine_connect(e, id, NULL) : -1;
        if (other >= 0 && is_restarting(e, id) && hear(other, ready, err) == 0)
            return take_fd(&other);
        if (other >= 0 && engine_wait_run(other, ADOPT_WAIT_MS) == -ETIMEDOUT)
            return engine_fail_mute(other, "cannot start it", err);
    }
    return fd;
}

int mtd_start(struct mtd_engine *e, const char *ref, const struct mtd_start *s,
              struct mtd_error *err)
{
    char id[MTD_ID_SIZE];
    struct attachment a = {.fd = -1, .dir_fd = -1};
    struct packet_ready ready = {0};
    int r = kernel_check(err);
    if (r == 0)
        r = store_resolve(&e->store, ref, id, err);
    if (r == 0 && s->attach_fd)
        r = open_reader(e, id, &a, err);
    if (r < 0)
        return r;
    auto_fd int fd = launch_after(e, id, s, &ready, err);
    if (fd < 0) {
        a.fd = s->attach_fd ? 0 : -1;
        forget(&a);
        return fd;
    }
    if (s->log_offset)
        *s->log_offset = ready.log_offset;
    if (s->attach_fd) {
        *s->attach_fd = a.fd = take_fd(&fd);
        e->attached = a;
    }
    return 0;
}

/* The new monitor answers when it has taken over; a dead container's end is recorded when it
 * says so, or when the connection closes. */
int engine_adopt(struct mtd_engine *e, const char *id, struct mtd_error *err)
{
    struct mtd_start s = {0};
    struct packet_ready ready = {0};
    auto_fd int fd = launch(e, id, &s, MONITOR_ADOPT, &ready, err);
    if (fd < 0)
        return fd;
    if (ready.pid == 0)
        engine_wait_run(fd, ADOPT_WAIT_MS);
    return 0;
}

int engine_connect(struct mtd_engine *e, const char *id, struct mtd_error *err)
{
    auto_fd int run = store_open_run(&e->store, id, false, err);
    return run < 0 ? run : packet_connect(run, err);
}

int mtd_attach(struct mtd_engine *e, const char *ref, struct mtd_relay *r,
               struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record rec;
    mtd_record_init(&rec);
    struct attachment a = {.fd = -1, .dir_fd = -1};
    struct packet_ready ready;
    int code = engine_load(e, ref, &rec, NULL, err);
    if (code < 0)
        return code;
    if (!mtd_state_is_live(rec.status.state))
        return mtd_fail(err, EBUSY,
                        "cannot attach to %s: it is not running; start it first", ref);
    if (rec.status.state == MTD_STATE_PAUSED)
        return mtd_fail(err, EBUSY, "cannot attach to %s: it is paused; unpause it first",
                        ref);
    auto_fd int fd = engine_connect(e, rec.id, err);
    if (fd < 0)
        return fd;
    code = open_reader(e, rec.id, &a, err);
    if (code == 0 && (code = hear_greeting(fd, &ready, err)) < 0) {
        a.fd = 0;
        forget(&a);
    }
    if (code < 0)
        return code;
    r->tty = ready.tty;
    r->redraw = true;
    r->log_offset = a.reader.offset;
    r->attach_fd = a.fd = take_fd(&fd);
    e->attached = a;
    return 0;
}

int mtd_relay(struct mtd_engine *e, const char *id, struct mtd_relay *r, int *ret_status,
              struct mtd_error *err)
{
    struct mtd_record rec;
    struct attach_target target = {.reader = &e->attached.reader};
    if (e->attached.fd != r->attach_fd)
        return mtd_fail(err, EBADF, "the connection was not made by this engine");
    mtd_record_init(&rec);
    if (r->sig_proxy && store_load(&e->store, id, &rec, NULL) == 0) {
        target.pid = rec.status.pid;
        target.pid_start = rec.status.pid_start;
    }
    mtd_record_done(&rec);
    e->attached.reader.offset = r->log_offset;
    int code = attach_relay(&target, r, ret_status, err);
    forget(&e->attached);
    close(take_fd(&r->attach_fd));
    return code;
}
