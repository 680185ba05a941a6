/* The container's networks. What is taken on the host (addresses, names, ports) comes before the
 * clone, the interfaces while init mounts. A namespace that must be there earlier, another
 * container's or one that belongs to a user namespace, is entered around the clone. */

#include "engine/monitor/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/proc.h"

#define FLOWS_AFTER (50 * NS_PER_MS) /* many containers end before */

int monitor_claim_network(struct monitor *m, struct mtd_error *err)
{
    int rc = net_claim(&m->store, &m->record, &m->held, err);
    if (rc == 0)
        net_flows_note(&m->flows, &m->record.status);
    m->flows_at = rc == 0 && m->flows.n ? clock_mono_ns() + FLOWS_AFTER : 0;
    return rc;
}

static void lead_on(int fd, const char *address, unsigned port, void *arg)
{
    struct monitor *m = arg;
    (void)relay_listen(&m->relay, fd, address, port);
}

void monitor_drop_network(struct monitor *m)
{
    relay_forget(&m->relay);
    m->flows_at = 0;
    net_flows_note(&m->flows, &m->record.status);
    if (m->record.status.n_endpoints)
        net_release(&m->store, &m->record, &m->held);
    net_change_drop(&m->store, m->id);
    net_held_done(&m->held);
}

void monitor_forget_flows(struct monitor *m)
{
    bool strays = m->flows_at != 0;
    m->flows_at = 0;
    net_flows_forget(&m->flows, strays);
}

/* ---- the host's rules ---- */

/* Without it the next command notices as well. */
static void watch(struct monitor *m)
{
    if (m->watch_fd < 0 && (m->watch_fd = net_watch()) < 0)
        m->watch_fd = -1;
}

/* Who deletes it again and again is answered once a second. */
void monitor_mend_table(struct monitor *m)
{
    char any[256];
    int64_t now = clock_mono_ns();
    for (int i = 0; i < 1000 && recv(m->watch_fd, any, sizeof(any), 0) >= 0; i++)
        ;
    m->mend_again = m->mended_at && now - m->mended_at < NS_PER_SEC;
    if (!m->mend_again) {
        (void)net_mend(&m->store, NET_DEEP, NULL);
        m->mended_at = now;
    }
    m->settle_ns = now + NS_PER_SEC;
}

static int open_namespace(const struct monitor *m)
{
    char path[48];
    if (m->net_ns >= 0)
        return fcntl(m->net_ns, F_DUPFD_CLOEXEC, 0);
    snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)m->pid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

int monitor_make_links(struct monitor *m, struct mtd_error *err)
{
    if (!m->record.status.n_endpoints)
        return 0;
    auto_fd int ns = open_namespace(m);
    if (ns < 0)
        return mtd_fail_errno(err, errno, "cannot open the container's network");
    watch(m);
    monitor_open_names(m,
                       ns);  /* before the interface is up, and before anybody can ask */
    relay_forget(&m->relay); /* of the run before */
    net_each_relayed(&m->record, &m->held, lead_on, m);
    return net_connect(&m->store, &m->record, ns, 0, err);
}

void monitor_take_over_network(struct monitor *m)
{
    bool here =
        net_is_here(&m->record.status); /* ports of this host would not lead to it */
    if (here) {
        net_hold(&m->record, &m->held);
        net_each_relayed(&m->record, &m->held, lead_on, m);
    }
    auto_fd int ns = m->record.status.n_endpoints ? open_namespace(m) : -1;
    if (ns >= 0 && proc_is(m->pid, m->record.status.pid_start)) {
        if (here)
            watch(m);
        monitor_open_names(m, ns);
    }
}

void monitor_close_network(struct monitor *m)
{
    dns_server_close(&m->dns); /* its sockets keep the namespace, and so the interfaces */
    relay_close(&m->relay);
    monitor_close(&m->watch_fd);
}

/* What it took to read the record goes in a moment. */
void monitor_networks_changed(struct monitor *m)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    if (store_load(&m->store, m->id, &r, NULL) == 0 && net_is_here(&r.status)) {
        relay_forget(&m->relay);
        net_hold(&r, &m->held);
        net_each_relayed(&r, &m->held, lead_on, m);
        if (r.status.n_endpoints)
            watch(m);
    }
    m->settle_ns = clock_mono_ns() + NS_PER_SEC;
}

int monitor_enter_network(struct monitor *m, int *ret_back)
{
    *ret_back = -1;
    if (m->net_ns < 0)
        return 0;
    auto_fd int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (own < 0 || setns(m->net_ns, CLONE_NEWNET) < 0)
        return -errno;
    *ret_back = take_fd(&own);
    return 0;
}

int monitor_leave_network(int *back)
{
    int rc = *back >= 0 && setns(*back, CLONE_NEWNET) < 0 ? -errno : 0;
    cleanup_fd(back);
    *back = -1;
    return rc;
}
