/* Changes of a live container's networks that a killed process has not ended, and the word to the
 * container's monitor, which holds its ports. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "engine/container/container.h"
#include "engine/net/net.h"

#define ANSWER_MS 5000 /* a monitor that is stopped looks when it goes on */

int container_open_network(const struct mtd_record *r, struct mtd_error *err)
{
    char path[48];
    snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)r->status.pid);
    auto_fd int pidfd = proc_open(r->status.pid, r->status.pid_start);
    auto_fd int fd = pidfd < 0 ? -1 : openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || !proc_is(r->status.pid, r->status.pid_start))
        return mtd_fail(err, ESRCH, "container %.80s has just ended", r->name);
    return take_fd(&fd);
}

/* Others of its messages may come before it. */
static void await_answer(int fd)
{
    static char room[PACKET_MAX];
    const void *data;
    size_t len;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int type = 1;
    while (type > 0 && type != PACKET_NETWORK && poll(&p, 1, ANSWER_MS) == 1)
        type = packet_recv(fd, room, 0, &data, &len);
}

void container_tell_network(struct mtd_engine *e, const char *id,
                            const struct net_held *held)
{
    auto_fd int fd = container_connect(e, id, NULL);
    int rc = fd < 0 ? fd : 0;
    size_t at = 0;
    while (rc == 0) {
        size_t some = held->n - at < PACKET_FDS ? held->n - at : PACKET_FDS;
        uint32_t more = at + some < held->n;
        rc = packet_send_fds(fd, PACKET_NETWORK, &more, sizeof(more), held->fds + at,
                             some);
        at += some;
        if (!more)
            break;
    }
    if (rc == 0)
        await_answer(fd);
}

void container_settle_network(struct mtd_engine *e, const struct mtd_record *r,
                              const struct net_held *held)
{
    auto_fd int ns = container_open_network(r, NULL);
    if (ns >= 0 || container_has_monitor(e, r->id))
        net_settle(&e->store, r, ns >= 0 ? ns : -1);
    container_tell_network(e, r->id, held);
}

static void settle_one(struct mtd_engine *e, const char *id, const struct mtd_record *r,
                       bool live)
{
    static const struct net_held NONE;
    if (live || (r && container_has_monitor(e, id)))
        container_settle_network(e, r, &NONE);
    else if (!container_has_monitor(e, id))
        net_forget(&e->store, id);
    net_change_end(&e->store, id);
}

/* Whoever holds the lock is still at it. */
bool container_settle_id(struct mtd_engine *e, const char *id)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    auto_fd int lock = store_try_lock(&e->store, id, NULL);
    if (lock == -EAGAIN)
        return false;
    bool known = lock >= 0 && store_load(&e->store, id, &r, NULL) == 0;
    bool live = known && mtd_state_is_live(container_observe(e, id, &r.status));
    if (live && !net_is_here(&r.status))
        return false; /* a command that is given there ends the change */
    settle_one(e, id, known ? &r : NULL, live);
    return true;
}

/* Who had the lock before may have been killed after this command looked for such changes. */
int container_begin_network_change(struct mtd_engine *e, const char *id)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    if (net_change_is_noted(&e->store, id) && store_load(&e->store, id, &r, NULL) == 0)
        settle_one(e, id, &r, mtd_state_is_live(container_observe(e, id, &r.status)));
    return net_change_begin(&e->store, id);
}

void container_mend_networks(struct mtd_engine *e)
{
    char ids[64][MTD_ID_SIZE];
    (void)net_mend(&e->store, NET_QUICK, NULL);
    int n = net_changes(&e->store, ids);
    for (int i = 0; i < n; i++)
        (void)container_settle_id(e, ids[i]);
}
