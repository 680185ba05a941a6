/* From "go" to the command. Init may take long, or for ever: it works on an image's files and on
 * volumes whose server is gone, and anybody may stop it. So the container's lock is not held
 * here, clients are served, a stop breaks the start off at once, and there is a limit. */

#include "engine/monitor/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/wire/sync.h"

enum { AT_SYNC, AT_LISTEN, AT_CLIENTS, AT_ALL = AT_CLIENTS + MONITOR_CLIENTS };

static int init_died(struct monitor *m, struct mtd_error *err)
{
    bool oom = cgroup_oom_kills(&m->cgroup) > 0;
    int rc = mtd_fail(err, ECHILD,
                      oom ? "the memory limit is too small to start; raise it"
                          : "init died before the command could run");
    return oom ? mtd_about(err, MTD_ABOUT_MEMORY, rc) : rc;
}

static void take_terminal(struct monitor *m, int master)
{
    fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
    m->out = m->in = master;
}

/* A message of init's. 1 = it has become the command. */
static int take_message(struct monitor *m, bool *execs, struct mtd_error *err)
{
    struct mtd_error said = {0};
    int fd = -1;
    int what = sync_recv(m->sync_fd, &said, &fd);
    if (what == SYNC_ERROR) {
        *err = said;
        return said.code ? -said.code : -EIO;
    }
    if (what == SYNC_EOF && *execs)
        return 1;
    if (what == SYNC_TTY)
        take_terminal(m, fd);
    else if (what == SYNC_EXEC)
        *execs = true;
    else
        return init_died(m, err);
    return 0;
}

/* A client's words come before init's: a stop that was said before the command ran must be
 * known by then, because its signal was lost. true = init has said something. */
static bool serve(struct monitor *m, int timeout_ms)
{
    struct pollfd p[AT_ALL];
    p[AT_SYNC] = (struct pollfd){.fd = m->sync_fd, .events = POLLIN};
    p[AT_LISTEN] = (struct pollfd){.fd = m->listen_fd, .events = POLLIN};
    for (size_t i = 0; i < MONITOR_CLIENTS; i++)
        p[AT_CLIENTS + i] = (struct pollfd){
            .fd = m->clients[i].waits ? -1 : m->clients[i].fd, .events = POLLIN};
    if (poll(p, AT_ALL, timeout_ms) <= 0)
        return false;
    for (size_t i = 0; i < MONITOR_CLIENTS; i++)
        if (p[AT_CLIENTS + i].revents)
            monitor_client_read(m, &m->clients[i]);
    if (p[AT_LISTEN].revents)
        monitor_client_accept(m);
    return !p[AT_LISTEN].revents && p[AT_SYNC].revents;
}

/* Poll takes an int: a longer wait is repeated. */
static int turn(int64_t deadline)
{
    int64_t left = (deadline - clock_mono_ns() + NS_PER_MS - 1) / NS_PER_MS;
    return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

static int await(struct monitor *m, struct mtd_error *err)
{
    unsigned limit = m->record.spec.start_timeout;
    int64_t deadline = clock_mono_ns() + limit * NS_PER_SEC;
    bool execs = false;
    for (int rc = 0; rc <= 0;) {
        bool said = serve(m, turn(deadline));
        if (m->stopping)
            return mtd_fail(err, ECANCELED, "it was stopped before its command ran");
        rc = said ? take_message(m, &execs, err) : 0;
        if (rc < 0)
            return rc;
        if (rc == 0 && !said && clock_mono_ns() >= deadline)
            return mtd_fail(err, ETIMEDOUT,
                            "the command did not run within %u s, and the start was "
                            "broken off; is a file system of its volumes stuck?",
                            limit);
    }
    return 0;
}

int monitor_release_init(struct monitor *m, struct mtd_error *err)
{
    (void)sync_go(m->sync_fd); /* if it fails, init may have left an error for us */
    close(take_fd(&m->lock_fd));
    m->starting = true;
    int rc = await(m, err);
    m->starting = false;
    if (rc < 0)
        return rc;
    close(take_fd(&m->sync_fd));
    m->alive = true;
    return 0;
}
