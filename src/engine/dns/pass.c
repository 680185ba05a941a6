/* Questions to others: by a socket and a number of its own for each, so that an answer can hardly be
 * forged. A server that refuses, that says to have failed, or that is silent for IMPATIENCE leaves it
 * to the next: askers have no other server than this one, and the most impatient of them, musl's,
 * waits for five seconds in all. */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/dns/internal.h"

static int open_to(const char *server, bool by_tcp)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } to = {0};
    bool six = strchr(server, ':');
    if (six)
        to.in6 =
            (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(DNS_PORT)};
    else
        to.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(DNS_PORT)};
    if (inet_pton(six ? AF_INET6 : AF_INET, server,
                  six ? (void *)&to.in6.sin6_addr : (void *)&to.in.sin_addr) != 1)
        return -EINVAL;
    int type = (by_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
    auto_fd int fd = socket(six ? AF_INET6 : AF_INET, type, 0);
    /* Connected: what comes from anybody else is not received. The port is the kernel's choice. */
    if (fd < 0 || (connect(fd, &to.any, six ? sizeof(to.in6) : sizeof(to.in)) < 0 &&
                   errno != EINPROGRESS))
        return -errno;
    return take_fd(&fd);
}

static void drop_socket(struct asked *q)
{
    if (q->fd > 0)
        close(take_fd(&q->fd));
}

/* false = there is no further server. */
static bool ask_next(struct dns_server *d, struct asked *q)
{
    size_t index = (size_t)(q - d->work->asked);
    for (; q->server < DNS_SERVERS && d->work->servers[q->server][0]; q->server++) {
        drop_socket(q);
        q->age = 0;
        q->fd = open_to(d->work->servers[q->server], q->by_tcp);
        if (q->fd < 0 || getrandom(&q->id, sizeof(q->id), 0) != sizeof(q->id))
            continue;
        q->data[2] = (unsigned char)(q->id >> 8);
        q->data[3] = (unsigned char)q->id;
        if (q->by_tcp ? dns_watch(d, q->fd, KIND_ASKED, index, EPOLLOUT) == 0
                      : send(q->fd, q->data + 2, q->len, 0) == (ssize_t)q->len &&
                            dns_watch(d, q->fd, KIND_ASKED, index, EPOLLIN) == 0)
            return true;
    }
    drop_socket(q);
    return false;
}

static bool has_more(const struct dns_server *d, const struct asked *q)
{
    return q->server + 1 < DNS_SERVERS && d->work->servers[q->server + 1][0];
}

/* It knows nothing, which says nothing about what another one knows. */
static bool is_refusal(const unsigned char *answer)
{
    int code = answer[3] & 15;
    return code == DNS_FAILED || code == DNS_UNKNOWN || code == DNS_REFUSED;
}

static void give_up(struct dns_server *d, struct asked *q)
{
    drop_socket(q);
    d->work->busy--;
    q->data[2] = (unsigned char)(q->question.id >> 8);
    q->data[3] = (unsigned char)q->question.id;
    dns_fail(d, &q->question, q->data + 2, &q->asker, DNS_FAILED);
}

void dns_pass_on(struct dns_server *d, const struct dns_source *s,
                 const struct dns_question *q, const void *data, size_t len,
                 const struct asker *from)
{
    struct asked *free_one = NULL;
    memset(d->work->servers, 0, sizeof(d->work->servers));
    bool any = s->servers(s->arg, d->work->servers) > 0;
    for (size_t i = 0; i < ASKED_MAX && any && !free_one; i++)
        if (d->work->asked[i].fd <= 0)
            free_one = &d->work->asked[i];
    if (!free_one || len > DNS_MESSAGE_MAX) {
        dns_fail(d, q, data, from, any ? DNS_FAILED : DNS_REFUSED);
        return;
    }
    free_one->fd = -1;
    free_one->asker = *from;
    free_one->by_tcp = from->stream >= 0;
    free_one->server = 0;
    free_one->len = len;
    free_one->question = *q;
    d->work->busy++;
    memcpy(free_one->data + 2, data, len);
    free_one->data[0] = (unsigned char)(len >> 8);
    free_one->data[1] = (unsigned char)len;
    dns_set_timer(d);
    if (!ask_next(d, free_one))
        give_up(d, free_one);
}

/* ---- answers ---- */

/* By TCP the question is sent when the connection stands; an answer comes in one piece or in
 * several, which are looked at until it is whole. */
static ssize_t receive(struct dns_server *d, struct asked *q, unsigned char **ret)
{
    unsigned char *b = d->work->buffer;
    if (!q->by_tcp) {
        *ret = b;
        return recv(q->fd, b, sizeof(d->work->buffer), MSG_DONTWAIT);
    }
    ssize_t n = recv(q->fd, b, sizeof(d->work->buffer), MSG_DONTWAIT | MSG_PEEK);
    *ret = b + 2;
    if (n < 2 || n < 2 + ((ssize_t)b[0] << 8 | b[1]))
        return n <= 0 ? n : (errno = EAGAIN, -1);
    return (ssize_t)b[0] << 8 | b[1];
}

static void send_question(struct dns_server *d, struct asked *q, size_t index)
{
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = TAG(KIND_ASKED, index)};
    if (send(q->fd, q->data, q->len + 2, MSG_NOSIGNAL | MSG_DONTWAIT) !=
            (ssize_t)q->len + 2 ||
        epoll_ctl(d->poll_fd, EPOLL_CTL_MOD, q->fd, &e) < 0) {
        q->server++;
        if (!ask_next(d, q))
            give_up(d, q);
    }
}

void dns_take_answer(struct dns_server *d, size_t index, uint32_t events)
{
    struct asked *q = &d->work->asked[index];
    unsigned char *data;
    if (q->fd <= 0)
        return;
    if (q->by_tcp && (events & EPOLLOUT)) {
        send_question(d, q, index);
        return;
    }
    ssize_t n = receive(d, q, &data);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) { /* refused: nobody is there */
        q->server++;
        if (!ask_next(d, q))
            give_up(d, q);
        return;
    }
    if (!dns_message_answers(data, (size_t)n, q->id, &q->question))
        return; /* forged, or late: the right one may still come */
    if (has_more(d, q) && is_refusal(data)) {
        q->server++;
        if (!ask_next(d, q))
            give_up(d, q);
        return;
    }
    size_t len = (size_t)n;
    data[0] = (unsigned char)(q->question.id >> 8);
    data[1] = (unsigned char)q->question.id;
    if (q->asker.stream < 0 && len > q->question.room) { /* by TCP it gets all */
        data[2] |= 0x02;
        memset(data + 6, 0, 6);
        len = q->question.end;
    }
    drop_socket(q);
    d->work->busy--;
    dns_reply(d, &q->asker, data, len);
}

void dns_age_asked(struct dns_server *d, unsigned seconds)
{
    for (size_t i = 0; i < ASKED_MAX; i++) {
        struct asked *q = &d->work->asked[i];
        unsigned limit = has_more(d, q) ? IMPATIENCE : PATIENCE;
        if (q->fd <= 0 || (q->age += seconds) < limit)
            continue;
        q->server++;
        if (!ask_next(d, q))
            give_up(d, q);
    }
}
