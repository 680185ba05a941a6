/* Attach clients. Nothing here waits: a client that does not read gets one PACKET_LOG and then
 * nothing until it answers, a client that breaks the protocol is dropped. Input is the only
 * flow towards the container; when the container does not take it, clients are simply not read
 * (their sockets fill up), so memory stays one buffer. */

#include "engine/monitor_part.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/console.h"

void client_add(struct monitor *m, int fd)
{
    for (size_t i = 0; i < MONITOR_CLIENTS; i++)
        if (m->clients[i].fd < 0) {
            m->clients[i] = (struct monitor_client){.fd = fd};
            return;
        }
    close(fd);
}

void client_drop(struct monitor *m, struct monitor_client *c)
{
    m->tidy = true;
    close(c->fd);
    *c = (struct monitor_client){.fd = -1};
}

static void kick(struct monitor *m, struct monitor_client *c)
{
    c->kicked = true;
    c->seen = m->written;
    int r = packet_send(c->fd, PACKET_LOG, &m->written, sizeof(m->written), MSG_DONTWAIT);
    if (r < 0 && r != -EAGAIN)
        client_drop(m, c);
}

void client_kick_all(struct monitor *m)
{
    for (size_t i = 0; i < MONITOR_CLIENTS; i++)
        if (m->clients[i].fd >= 0 && !m->clients[i].kicked)
            kick(m, &m->clients[i]);
}

void client_send_all(struct monitor *m, enum packet_type type, const void *data,
                     size_t len)
{
    for (size_t i = 0; i < MONITOR_CLIENTS; i++)
        if (m->clients[i].fd >= 0 &&
            packet_send(m->clients[i].fd, type, data, len, MSG_DONTWAIT) < 0)
            client_drop(m, &m->clients[i]);
}

/* A new client is told at once that it is in: the container runs, its output begins here. */
void client_accept(struct monitor *m)
{
    int fd = accept4(m->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    struct packet_ready ready = {.pid = m->pid, .tty = m->tty, .log_offset = m->log.size};
    if (packet_send(fd, PACKET_READY, &ready, sizeof(ready), MSG_DONTWAIT) < 0)
        close(fd);
    else
        client_add(m, fd);
}

void client_flush_input(struct monitor *m)
{
    while (m->input_start < m->input_end && m->in >= 0) {
        ssize_t n =
            write(m->in, m->input + m->input_start, m->input_end - m->input_start);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0)
            m->input_start = m->input_end; /* nobody reads it any more */
        else
            m->input_start += (size_t)n;
    }
    m->input_start = m->input_end = 0;
    if (!m->input_eof || m->in < 0)
        return;
    if (m->in != m->out)
        close(m->in);
    m->in = -1;
}

static void take_input(struct monitor *m, const void *data, size_t len)
{
    if (len == 0 && !m->tty)
        m->input_eof = true;
    if (m->in < 0)
        return;
    memcpy(m->input, data, len);
    m->input_start = 0;
    m->input_end = len;
    client_flush_input(m);
}

static void answer_log(struct monitor *m, struct monitor_client *c)
{
    c->kicked = false;
    if (c->seen != m->written)
        kick(m, c);
}

void client_read(struct monitor *m, struct monitor_client *c)
{
    static char room[PACKET_MAX];
    const void *data = NULL;
    size_t len = 0;
    int type = packet_recv(c->fd, room, MSG_DONTWAIT, &data, &len);
    if (type == -EAGAIN)
        return;
    switch (type) {
    case PACKET_STDIN: take_input(m, data, len); return;
    case PACKET_RESIZE: {
        const struct packet_size *size = data;
        if (m->tty)
            console_resize(m->out, size->rows, size->cols);
        return;
    }
    case PACKET_LOG: answer_log(m, c); return;
    case PACKET_SHUTDOWN: m->stopping = m->shutdown = true; return;
    case PACKET_STOPPING:
        m->stopping = true;
        m->shutdown = false;
        return;
    default: client_drop(m, c);
    }
}
