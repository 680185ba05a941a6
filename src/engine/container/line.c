/* The connection to a container's monitor. A monitor may be stopped, so a wait with a
 * limit ends by telling the user which process does not respond. */

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/container/container.h"

#define POLL_MAX_MS 3600000 /* poll takes an int; longer waits are repeated */

int container_connect(struct mtd_engine *e, const char *id, struct mtd_error *err)
{
    auto_fd int run = store_open_run(&e->store, id, false, err);
    return run < 0 ? run : packet_connect(run, err);
}

/* Waits for a word of the monitor until the deadline. 1 = there is one, 0 = it is
 * over. */
static int await_word(int fd, bool for_ever, int64_t deadline)
{
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int64_t left = (deadline - clock_mono_ns() + NS_PER_MS - 1) / NS_PER_MS;
        left = left < 0 ? 0 : left > POLL_MAX_MS ? POLL_MAX_MS : left;
        int n = poll(&p, 1, for_ever ? -1 : (int)left);
        if (n > 0)
            return 1;
        if (n < 0 && errno != EINTR)
            return -errno;
        if (!for_ever && clock_mono_ns() >= deadline)
            return 0;
    }
}

void container_wait_start(struct mtd_engine *e, const char *id, int64_t timeout_ms)
{
    auto_fd int fd = container_connect(e, id, NULL);
    if (fd >= 0)
        (void)await_word(fd, false, clock_mono_ns() + timeout_ms * NS_PER_MS);
}

static int wait_exit(int fd, int64_t timeout_ms, bool any_run, struct packet_exit *ret)
{
    static char room[PACKET_MAX];
    int64_t deadline = clock_mono_ns() + timeout_ms * NS_PER_MS;
    for (;;) {
        const void *data = NULL;
        size_t len = 0;
        int r = await_word(fd, timeout_ms < 0, deadline);
        if (r <= 0)
            return r < 0 ? r : -ETIMEDOUT;
        int type = packet_recv(fd, room, MSG_DONTWAIT, &data, &len);
        if (type <= 0 && type != -EAGAIN)
            return 0;
        if (type != PACKET_EXIT)
            continue;
        memcpy(ret, data, sizeof(*ret));
        if (any_run || !ret->restarting)
            return 1;
    }
}

int container_wait_exit(int fd, int64_t timeout_ms, struct packet_exit *ret)
{
    return wait_exit(fd, timeout_ms, false, ret);
}

int container_wait_run(int fd, int64_t timeout_ms)
{
    struct packet_exit end;
    return wait_exit(fd, timeout_ms, true, &end);
}

int container_fail_unresponsive(int fd, const char *what, struct mtd_error *err)
{
    struct ucred who = {0};
    socklen_t len = sizeof(who);
    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len); /* who listens: the monitor */
    return mtd_fail(err, ETIMEDOUT,
                    "%s: the container's monitor, process %d, does not "
                    "respond; if it is stopped, resume it: kill -CONT %d",
                    what, (int)who.pid, (int)who.pid);
}
