/* The sockets. They were made in the container's namespace and stay there; those that ask others
 * are made by this process in its own. Everything is behind one epoll descriptor, whose owner
 * wakes for nothing else; nothing here waits, and what an asker or a server does not do within
 * PATIENCE is given up. */

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/dns/dns.h"

#define ADDRESS 0x7f00000b /* 127.0.0.11 */
#define ASKED_MAX 64       /* questions to others at a time */
#define STREAMS_MAX 16     /* connections of askers */
#define PATIENCE 5         /* seconds until another server is asked, or an asker let go */
#define AT_ONCE 32         /* events taken in one turn */

/* A connection of an asker, whose questions come one after the other. */
struct stream {
    int fd;          /* <= 0 = free */
    unsigned serial; /* which connection it is: the slot is used again */
    unsigned age;
    size_t got;
    unsigned char data[2 + DNS_MESSAGE_MAX];
};

/* To whom an answer goes: an address, or a stream. */
struct asker {
    struct sockaddr_in address;
    int stream; /* -1 = by UDP */
    unsigned serial;
};

/* A question that was passed on. */
struct asked {
    int fd; /* <= 0 = free */
    struct asker asker;
    uint16_t id;
    size_t server, len;
    unsigned age;
    bool by_tcp;
    struct dns_question question;
    unsigned char
        data[2 + DNS_MESSAGE_MAX]; /* the question, behind room for its length */
};

/* Mapped zeroed; what is not used is never touched. */
struct dns_work {
    unsigned busy, serial; /* slots that are taken */
    struct asked asked[ASKED_MAX];
    struct stream streams[STREAMS_MAX];
    unsigned char buffer[2 + 65536];
    struct dns_answer answer;
    char servers[DNS_SERVERS][46];
};

enum kind { KIND_UDP, KIND_TCP, KIND_TIMER, KIND_STREAM, KIND_ASKED };
#define TAG(kind, index) ((uint64_t)(kind) << 32 | (uint32_t)(index))

static int watch(const struct dns_server *d, int fd, enum kind kind, size_t index,
                 uint32_t events)
{
    struct epoll_event e = {.events = events, .data.u64 = TAG(kind, index)};
    return epoll_ctl(d->poll_fd, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

static int open_socket(int type)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(DNS_PORT), .sin_addr = {htonl(ADDRESS)}};
    auto_fd int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
        return -errno;
    if (type == SOCK_STREAM && listen(fd, STREAMS_MAX) < 0)
        return -errno;
    return take_fd(&fd);
}

int dns_server_open(struct dns_server *d)
{
    *d = (struct dns_server)DNS_SERVER_NONE;
    d->poll_fd = epoll_create1(EPOLL_CLOEXEC);
    d->udp = open_socket(SOCK_DGRAM);
    int rc = d->udp < 0 ? d->udp : 0;
    if (rc == 0 && (d->tcp = open_socket(SOCK_STREAM)) < 0)
        rc = d->tcp;
    if (rc == 0 && d->poll_fd < 0)
        rc = -EMFILE;
    if (rc == 0)
        rc = watch(d, d->udp, KIND_UDP, 0, EPOLLIN);
    if (rc == 0)
        rc = watch(d, d->tcp, KIND_TCP, 0, EPOLLIN);
    if (rc < 0)
        dns_server_close(d);
    return rc;
}

static void close_work(struct dns_work *w)
{
    for (size_t i = 0; w && w->busy && i < ASKED_MAX; i++)
        if (w->asked[i].fd > 0)
            close(w->asked[i].fd);
    for (size_t i = 0; w && w->busy && i < STREAMS_MAX; i++)
        if (w->streams[i].fd > 0)
            close(w->streams[i].fd);
    if (w)
        munmap(w, sizeof(*w));
}

void dns_server_close(struct dns_server *d)
{
    int *fds[] = {&d->udp, &d->tcp, &d->timer, &d->poll_fd};
    close_work(d->work);
    d->work = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        if (*fds[i] >= 0)
            close(take_fd(fds[i]));
}

/* A tick a second while something is under way. */
static void set_timer(struct dns_server *d)
{
    struct itimerspec every = {{1, 0}, {1, 0}};
    if (d->timer >= 0)
        return;
    d->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (d->timer >= 0 && (timerfd_settime(d->timer, 0, &every, NULL) < 0 ||
                          watch(d, d->timer, KIND_TIMER, 0, EPOLLIN) < 0))
        close(take_fd(&d->timer));
}

static bool make_work(struct dns_server *d)
{
    if (d->work)
        return true;
    void *w = mmap(NULL, sizeof(struct dns_work), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    d->work = w == MAP_FAILED ? NULL : w;
    return d->work;
}

static void give_back(struct dns_server *d)
{
    if (!d->work || d->work->busy)
        return;
    close_work(d->work);
    d->work = NULL;
    if (d->timer >= 0)
        close(take_fd(&d->timer));
}

/* ---- answering ---- */

static void drop_stream(struct dns_server *d, struct stream *t)
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
        drop_stream(d, t); /* it does not read */
}

static void reply(struct dns_server *d, const struct asker *to, const void *data,
                  size_t len)
{
    struct stream *t = to->stream < 0 ? NULL : &d->work->streams[to->stream];
    if (!t)
        (void)sendto(d->udp, data, len, MSG_DONTWAIT,
                     (const struct sockaddr *)&to->address, sizeof(to->address));
    else if (t->fd > 0 && t->serial == to->serial)
        send_stream(d, t, data, len);
}

struct filling {
    struct dns_answer *answer;
    uint16_t type;
};

static void add_address(const char *text, void *arg)
{
    struct filling *f = arg;
    unsigned char bytes[16];
    bool six = strchr(text, ':');
    bool asked = f->type == DNS_ANY || f->type == (six ? DNS_AAAA : DNS_A);
    if (asked && inet_pton(six ? AF_INET6 : AF_INET, text, bytes) == 1)
        dns_answer_address(f->answer, bytes, six ? 16 : 4);
}

static int look_up(const struct dns_source *s, const struct dns_question *q,
                   struct dns_answer *a)
{
    struct filling f = {a, q->type};
    char address[46], name[DNS_NAME_MAX];
    if (q->type == DNS_PTR && dns_message_reverse(q->name, address)) {
        int rc = s->name(s->arg, address, name);
        if (rc == 0)
            dns_answer_name(a, name);
        return rc;
    }
    return q->plain ? s->addresses(s->arg, q->name, add_address, &f) : -ENOENT;
}

static void finish(struct dns_server *d, const struct dns_question *q,
                   const struct asker *to, int code)
{
    struct dns_answer *a = &d->work->answer;
    dns_answer_end(a, q, code, to->stream < 0 ? q->room : DNS_MESSAGE_MAX);
    reply(d, to, a->data, a->len);
}

static void fail(struct dns_server *d, const struct dns_question *q, const void *data,
                 const struct asker *to, int code)
{
    dns_answer_begin(&d->work->answer, data, q);
    finish(d, q, to, code);
}

/* ---- asking others ---- */

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
        if (q->by_tcp ? watch(d, q->fd, KIND_ASKED, index, EPOLLOUT) == 0
                      : send(q->fd, q->data + 2, q->len, 0) == (ssize_t)q->len &&
                            watch(d, q->fd, KIND_ASKED, index, EPOLLIN) == 0)
            return true;
    }
    drop_socket(q);
    return false;
}

static void give_up(struct dns_server *d, struct asked *q)
{
    drop_socket(q);
    d->work->busy--;
    q->data[2] = (unsigned char)(q->question.id >> 8);
    q->data[3] = (unsigned char)q->question.id;
    fail(d, &q->question, q->data + 2, &q->asker, DNS_FAILED);
}

static void pass_on(struct dns_server *d, const struct dns_source *s,
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
        fail(d, q, data, from, any ? DNS_FAILED : DNS_REFUSED);
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
    set_timer(d);
    if (!ask_next(d, free_one))
        give_up(d, free_one);
}

/* One label and not known here: other servers are not to learn of it, and do not know it. */
static bool is_ours(const struct dns_question *q)
{
    return (q->type == DNS_A || q->type == DNS_AAAA) && *q->name && !strchr(q->name, '.');
}

static void take_question(struct dns_server *d, const struct dns_source *s,
                          const unsigned char *data, size_t len, const struct asker *from)
{
    struct dns_question q;
    if (dns_message_question(data, len, &q) < 0)
        return; /* what is no question gets no answer */
    dns_answer_begin(&d->work->answer, data, &q);
    int rc = look_up(s, &q, &d->work->answer);
    if (rc >= 0)
        finish(d, &q, from, DNS_OK);
    else if (is_ours(&q))
        finish(d, &q, from, DNS_NO_NAME);
    else
        pass_on(d, s, &q, data, len, from);
}

/* ---- what comes in ---- */

static void take_datagrams(struct dns_server *d, const struct dns_source *s)
{
    for (int i = 0; i < AT_ONCE; i++) {
        struct asker from = {.stream = -1};
        socklen_t size = sizeof(from.address);
        ssize_t n = recvfrom(d->udp, d->work->buffer, DNS_MESSAGE_MAX, MSG_DONTWAIT,
                             (struct sockaddr *)&from.address, &size);
        if (n <= 0)
            return;
        take_question(d, s, d->work->buffer, (size_t)n, &from);
    }
}

static void accept_stream(struct dns_server *d)
{
    int fd = accept4(d->tcp, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    for (size_t i = 0; i < STREAMS_MAX && fd >= 0; i++) {
        struct stream *t = &d->work->streams[i];
        if (t->fd > 0 || watch(d, fd, KIND_STREAM, i, EPOLLIN) < 0)
            continue;
        t->fd = fd;
        t->got = t->age = 0;
        t->serial = ++d->work->serial;
        d->work->busy++;
        set_timer(d);
        return;
    }
    if (fd >= 0)
        close(fd); /* all are taken */
}

static void take_stream(struct dns_server *d, const struct dns_source *s, size_t index)
{
    struct stream *t = &d->work->streams[index];
    if (t->fd <= 0)
        return;
    ssize_t n = recv(t->fd, t->data + t->got, sizeof(t->data) - t->got, MSG_DONTWAIT);
    if (n <= 0) {
        if (n == 0 || (errno != EAGAIN && errno != EINTR))
            drop_stream(d, t);
        return;
    }
    t->got += (size_t)n;
    t->age = 0;
    while (t->fd > 0 && t->got >= 2) {
        size_t len = (size_t)t->data[0] << 8 | t->data[1];
        if (len > DNS_MESSAGE_MAX) {
            drop_stream(d, t);
            return;
        }
        if (t->got < 2 + len)
            return;
        struct asker from = {.stream = (int)index, .serial = t->serial};
        take_question(d, s, t->data + 2, len, &from);
        if (t->fd <= 0)
            return;
        t->got -= 2 + len;
        memmove(t->data, t->data + 2 + len, t->got);
    }
}

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

static void take_answer(struct dns_server *d, size_t index, uint32_t events)
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
    reply(d, &q->asker, data, len);
}

static void tick(struct dns_server *d)
{
    uint64_t n;
    (void)!read(d->timer, &n, sizeof(n));
    for (size_t i = 0; i < ASKED_MAX; i++) {
        struct asked *q = &d->work->asked[i];
        if (q->fd <= 0 || ++q->age < PATIENCE)
            continue;
        q->server++;
        if (!ask_next(d, q))
            give_up(d, q);
    }
    for (size_t i = 0; i < STREAMS_MAX; i++)
        if (d->work->streams[i].fd > 0 && ++d->work->streams[i].age > 2 * PATIENCE)
            drop_stream(d, &d->work->streams[i]);
}

bool dns_server_turn(struct dns_server *d, const struct dns_source *s)
{
    struct epoll_event e[AT_ONCE];
    int n = epoll_wait(d->poll_fd, e, AT_ONCE, 0);
    if (n <= 0 || !make_work(d))
        return false;
    for (int i = 0; i < n; i++) {
        size_t index = (uint32_t)e[i].data.u64;
        switch ((enum kind)(e[i].data.u64 >> 32)) {
        case KIND_UDP: take_datagrams(d, s); break;
        case KIND_TCP: accept_stream(d); break;
        case KIND_TIMER: tick(d); break;
        case KIND_STREAM: take_stream(d, s, index); break;
        case KIND_ASKED: take_answer(d, index, e[i].events); break;
        }
    }
    give_back(d);
    return true;
}
