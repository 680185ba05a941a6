/* A monitor is started with the socket on which it reports that the container is ready,
 * or why not; so a start cannot be confused with another one's answer. */

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/cgroup/cgroup.h"
#include "engine/container/container.h"
#include "engine/host/self.h"
#include "engine/monitor/monitor.h"

#define LINK_MAX_LEN 4096
#define ADOPT_WAIT_MS 10000
#define SIGNAL_WAIT_MS 1000

static pid_t spawn_monitor(struct mtd_engine *e, const char *id, const char *mode,
                           int socket_fd, struct mtd_error *err)
{
    char exe[LINK_MAX_LEN];
    auto_done(place_done) struct group_place outside = PLACE_HERE;
    auto_fd int self = self_open(err);
    int rc = self < 0 ? self : cgroup_leave(&outside, "/proc", err);
    if (rc < 0)
        return rc;
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    exe[n < 0 ? 0 : n] = '\0';
    char *argv[] = {
        (char *)MONITOR_NAME, e->store.root, e->store.run_root, (char *)id, exe,
        (char *)mode,         NULL};
    return self_spawn(self, argv, socket_fd, NULL, &outside, err);
}

static int spawn(struct mtd_engine *e, const char *id, const char *mode,
                 struct container_ahead *ret, struct mtd_error *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return mtd_fail_errno(err, errno, "cannot create a socket");
    auto_fd int mine = pair[0], theirs = pair[1];
    pid_t pid = spawn_monitor(e, id, mode, theirs, err);
    if (pid < 0)
        return pid;
    *ret = (struct container_ahead){.pid = pid, .fd = take_fd(&mine)};
    snprintf(ret->id, sizeof(ret->id), "%s", id);
    return 0;
}

void container_launch_ahead(struct mtd_engine *e, const char *id)
{
    container_launch_drop(e);
    (void)spawn(e, id, MONITOR_START, &e->ahead, NULL);
}

void container_launch_drop(struct mtd_engine *e)
{
    if (e->ahead.fd < 0)
        return;
    close(take_fd(&e->ahead.fd));
    waitpid(e->ahead.pid, NULL, 0);
}

static int begin(const struct container_ahead *m, const struct mtd_start *s)
{
    struct packet_begin begin = {.rows = s->rows,
                                 .cols = s->cols,
                                 .gives_input = s->gives_input,
                                 .attaches = s->attaches};
    int rc = proc_boot_id(begin.boot_id);
    return rc < 0 ? rc : packet_send(m->fd, PACKET_BEGIN, &begin, sizeof(begin), 0);
}

/* One that waited may have been killed meanwhile. */
static bool take_ahead(struct mtd_engine *e, const char *id, const struct mtd_start *s,
                       struct container_ahead *ret)
{
    if (e->ahead.fd < 0 || strcmp(e->ahead.id, id) != 0 || begin(&e->ahead, s) < 0) {
        container_launch_drop(e);
        return false;
    }
    *ret = e->ahead;
    e->ahead.fd = -1;
    return true;
}

/* Who waits for a start may hold signals back for the command (mtd_start). A start that takes
 * seconds can be given up all the same: then they act here. */
static void await_answer(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    sigset_t held;
    sigemptyset(&held);
    while (poll(&p, 1, SIGNAL_WAIT_MS) == 0) {
        sigprocmask(SIG_UNBLOCK, &held, NULL);
        sigpending(&held);
    }
}

int container_hear(int fd, struct packet_ready *ret, struct mtd_error *err)
{
    static char room[PACKET_MAX];
    const void *data = NULL;
    size_t len = 0;
    await_answer(fd);
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

int container_launch(struct mtd_engine *e, const char *id, const struct mtd_start *s,
                     const char *mode, struct packet_ready *ready, struct mtd_error *err)
{
    struct container_ahead m = {.fd = -1};
    if (!take_ahead(e, id, s, &m)) {
        int rc = spawn(e, id, mode, &m, err);
        if (rc < 0)
            return rc;
        (void)begin(&m, s); /* if it has died, the next line says so */
    }
    int rc = container_hear(m.fd, ready, err);
    if (rc == 0)
        return m.fd;
    close(m.fd);
    waitpid(m.pid, NULL, 0);
    return rc;
}

/* The new monitor answers when it has taken over. If the container has ended, that is
 * recorded by the time it answers or the connection is closed. */
int container_adopt(struct mtd_engine *e, const char *id, struct mtd_error *err)
{
    struct mtd_start s = {0};
    struct packet_ready ready = {0};
    auto_fd int fd = container_launch(e, id, &s, MONITOR_ADOPT, &ready, err);
    if (fd < 0)
        return fd;
    if (ready.pid == 0)
        container_wait_run(fd, ADOPT_WAIT_MS);
    return 0;
}
