/* How an answer gets to whoever asked: to an address, or into a connection that is still there. */

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/dns/internal.h"

int dns_watch(const struct dns_server *d, int fd, enum kind kind, size_t index,
              uint32_t events)
{
    struct epoll_event e = {.events = events, .data.u64 = TAG(kind, index)};
    return epoll_ctl(d->poll_fd, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

/* A tick a second while something is under way. */
void dns_set_timer(struct dns_server *d)
{
    struct itimerspec every = {{1, 0}, {1, 0}};
    if (d->timer >= 0)
        return;
    d->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (d->timer >= 0 && (timerfd_settime(d->timer, 0, &every, NULL) < 0 ||
                          dns_watch(d, d->timer, KIND_TIMER, 0, EPOLLIN) < 0))
        close(take_fd(&d->timer));
}

void dns_drop_stream(struct dns_server *d, struct stream *t)
{
    close(take_fd(&t->fd));
    t->got = 0;
    d->work->busy--;
}

static void send_stream(struct dns_server *d, struct stream *t, const void *data,
                        size_t len)
{
    unsigned char head[2] = {(unsigned char)(len >> 8), (unsigned char)len};
    struct iovec parts[] = {{head, 2}, {(void *)data, len}};
    struct msghdr m = {.msg_iov = parts, .msg_iovlen = 2};
    if (sendmsg(t->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)len + 2)
        dns_drop_stream(d, t); /* it does not read */
}

void dns_reply(struct dns_server *d, const struct asker *to, const void *data, size_t len)
{
    struct stream *t = to->stream < 0 ? NULL : &d->work->streams[to->stream];
    if (!t)
        (void)sendto(d->udp, data, len, MSG_DONTWAIT,
                     (const struct sockaddr *)&to->address, sizeof(to->address));
    else if (t->fd > 0 && t->serial == to->serial)
        send_stream(d, t, data, len);
}

struct dns_answer *dns_begin(struct dns_server *d, const struct dns_question *q,
                             const void *data, const struct asker *to)
{
    struct dns_answer *a = &d->work->answer;
    dns_answer_begin(a, data, q, to->stream < 0 ? q->room : DNS_STREAM_MAX);
    return a;
}

void dns_finish(struct dns_server *d, const struct dns_question *q,
                const struct asker *to, int code)
{
    struct dns_answer *a = &d->work->answer;
    dns_answer_end(a, q, code);
    dns_reply(d, to, a->data, a->len);
}

void dns_fail(struct dns_server *d, const struct dns_question *q, const void *data,
              const struct asker *to, int code)
{
    dns_begin(d, q, data, to);
    dns_finish(d, q, to, code);
}
