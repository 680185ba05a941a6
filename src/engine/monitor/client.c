/* A client must not be able to stall the container, so nothing here waits: a client that
 * does not read gets one PACKET_LOG and then none until it has; one that breaks the
 * protocol is dropped. Input is the only flow to the container; if the container does not
 * take it, clients that send more are not read (their sockets fill up), so one buffer is
 * enough. The other clients still are: a stop must be noticed. */

#include "engine/monitor/internal.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/host/tty.h"

static struct monitor_client *free_slot(struct monitor *m)
{
    for (size_t i = 0; i < MONITOR_CLIENTS; i++)
        if (m->clients[i].fd < 0)
            return &m->clients[i];
    return NULL;
}

void monitor_client_add(struct monitor *m, int fd)
{
    struct monitor_client *c = free_slot(m);
    if (c)
        *c = (struct monitor_client){.fd = fd};
    else
        close(fd);
}

/* A terminal has no end of input, and a container may keep its stdin for the next client. What
 * is still to be written comes first. */
static void end_input(struct monitor *m)
{
    if (m->tty || m->keeps_stdin)
        return;
    m->input_eof = true;
    monitor_client_flush_input(m);
}

void monitor_client_drop(struct monitor *m, struct monitor_client *c)
{
    bool gave = c->gives_input;
    m->tidy = m->packs.due = true; /* it may have held pieces of the log */
    close(c->fd);
    *c = (struct monitor_client){.fd = -1};
    if (gave)
        end_input(m);
}

/* A message of ours is unread. The client looks at the log after reading it, and so finds
 * all that was written before this call. */
static bool has_unread(const struct monitor_client *c)
{
    int unread = 0;
    return ioctl(c->fd, SIOCOUTQ, &unread) == 0 && unread > 0;
}

static void notify(struct monitor *m, struct monitor_client *c)
{
    if (has_unread(c))
        return;
    int rc =
        packet_send(c->fd, PACKET_LOG, &m->written, sizeof(m->written), MSG_DONTWAIT);
    if (rc < 0 && rc != -EAGAIN)
        monitor_client_drop(m, c);
}

void monitor_client_notify_all(struct monitor *m)
{
    for (size_t i = 0; i < MONITOR_CLIENTS; i++)
        if (m->clients[i].fd >= 0 && m->clients[i].follows)
            notify(m, &m->clients[i]);
}

void monitor_client_send_all(struct monitor *m, enum packet_type type, const void *data,
                             size_t len)
{
    for (size_t i = 0; i < MONITOR_CLIENTS; i++)
        if (m->clients[i].fd >= 0 &&
            packet_send(m->clients[i].fd, type, data, len, MSG_DONTWAIT) < 0)
            monitor_client_drop(m, &m->clients[i]);
}

static void refuse(int fd)
{
    struct mtd_error err = {0};
    mtd_fail(&err, EUSERS,
             "the container already has %d clients; disconnect one of them first",
             MONITOR_CLIENTS);
    packet_send(fd, PACKET_ERROR, &err, sizeof(err), MSG_DONTWAIT);
    close(fd);
}

/* A new client is told at once that the container runs, and where in the log
 * its output begins. */
void monitor_client_accept(struct monitor *m)
{
    int fd = accept4(m->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    if (!free_slot(m)) {
        refuse(fd);
        return;
    }
    if (m->starting) { /* it is told with the others */
        monitor_client_add(m, fd);
        return;
    }
    struct packet_ready ready = {.pid = m->pid, .tty = m->tty, .log_offset = m->log.size};
    if (packet_send(fd, PACKET_READY, &ready, sizeof(ready), MSG_DONTWAIT) < 0)
        close(fd);
    else
        monitor_client_add(m, fd);
}

void monitor_client_flush_input(struct monitor *m)
{
    while (m->input_start < m->input_end && m->in >= 0) {
        ssize_t n =
            write(m->in, m->input + m->input_start, m->input_end - m->input_start);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            m->input_start = m->input_end; /* the container has closed it */
        else
            m->input_start += (size_t)n;
    }
    m->input_start = m->input_end = 0;
    for (size_t i = 0; i < MONITOR_CLIENTS; i++)
        m->clients[i].waits = false;
    if (!m->input_eof || m->in < 0)
        return;
    if (m->in != m->out)
        close(m->in);
    m->in = -1;
}

static void take_input(struct monitor *m, const void *data, size_t len)
{
    if (len == 0)
        end_input(m);
    if (len == 0 || m->in < 0)
        return;
    memcpy(m->input, data, len);
    m->input_start = 0;
    m->input_end = len;
    monitor_client_flush_input(m);
}

/* Notifies at once what was written before: the client may have looked at the log before it asked. */
static void follow(struct monitor *m, struct monitor_client *c, uint64_t flags)
{
    c->gives_input = c->gives_input || (flags & PACKET_GIVES_INPUT);
    if (flags & PACKET_NO_OUTPUT)
        return;
    c->follows = true;
    if (m->written > 0)
        notify(m, c);
}

static bool is_input(const struct monitor_client *c)
{
    struct packet_head head;
    ssize_t n = recv(c->fd, &head, sizeof(head), MSG_PEEK | MSG_DONTWAIT);
    return n == (ssize_t)sizeof(head) && head.type == PACKET_STDIN;
}

/* The answer says that what is no longer published can be had by others. */
static void take_ports(struct monitor *m, struct monitor_client *c,
                       struct packet_fds *fds, bool more)
{
    for (size_t i = 0; i < fds->n; i++)
        (void)net_held_add(&m->held, fds->fds[i]);
    if (more)
        return;
    monitor_networks_changed(m);
    uint32_t none = 0;
    if (packet_send(c->fd, PACKET_NETWORK, &none, sizeof(none), MSG_DONTWAIT) < 0)
        monitor_client_drop(m, c);
}

void monitor_client_read(struct monitor *m, struct monitor_client *c)
{
    static char room[PACKET_MAX];
    const void *data = NULL;
    size_t len = 0;
    c->waits = monitor_input_waits(m) && is_input(c);
    if (c->waits)
        return;
    struct packet_fds fds;
    int type = packet_recv_fds(c->fd, room, MSG_DONTWAIT, &data, &len, &fds);
    if (type == -EAGAIN)
        return;
    if (type != PACKET_NETWORK)
        packet_fds_close(&fds);
    switch (type) {
    case PACKET_STDIN: take_input(m, data, len); return;
    case PACKET_RESIZE: {
        const struct packet_size *size = data;
        if (m->tty)
            tty_resize(m->out, size->rows, size->cols);
        return;
    }
    case PACKET_LOG: follow(m, c, *(const uint64_t *)data); return;
    case PACKET_NETWORK: take_ports(m, c, &fds, *(const uint32_t *)data != 0); return;
    case PACKET_SHUTDOWN: m->stopping = m->shutdown = true; return;
    case PACKET_STOPPING:
        m->stopping = true;
        m->shutdown = false;
        return;
    default: monitor_client_drop(m, c);
    }
}
