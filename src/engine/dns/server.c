/* The sockets. They were made in the container's namespace and stay there; those that ask others
 * are made by this process in its own. Everything is behind one epoll descriptor, whose owner
 * wakes for nothing else; nothing here waits, and what an asker or a server does not do within
 * PATIENCE is given up. */

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/dns/internal.h"

#define ADDRESS 0x7f00000b /* 127.0.0.11 */
#define AT_ONCE 32         /* events taken in one turn */

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
        rc = dns_watch(d, d->udp, KIND_UDP, 0, EPOLLIN);
    if (rc == 0)
        rc = dns_watch(d, d->tcp, KIND_TCP, 0, EPOLLIN);
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

/* ---- questions ---- */

#define KEPT 32 /* addresses of a name; of more the files are read again */

struct address {
    unsigned char bytes[16];
    size_t len;
};

/* Of all the addresses that are asked for, those from index `from` up to `to`; or kept. */
struct filling {
    struct dns_answer *answer;
    uint16_t type;
    unsigned index, from, to;
    struct address *kept;
};

static void add_address(const char *text, void *arg)
{
    struct filling *f = arg;
    unsigned char bytes[16] = {0};
    bool six = strchr(text, ':');
    bool asked = f->type == DNS_ANY || f->type == (six ? DNS_AAAA : DNS_A);
    if (!asked || inet_pton(six ? AF_INET6 : AF_INET, text, bytes) != 1)
        return;
    if (f->index >= f->from && f->index < f->to)
        dns_answer_address(f->answer, bytes, six ? 16 : 4);
    if (f->kept && f->index < KEPT) {
        f->kept[f->index].len = six ? 16 : 4;
        memcpy(f->kept[f->index].bytes, bytes, sizeof(bytes));
    }
    f->index++;
}

/* Several begin with another one each time: most askers take the first. */
static int look_up_name(const struct dns_source *s, const struct dns_question *q,
                        struct dns_answer *a)
{
    unsigned start = 0;
    struct address kept[KEPT];
    struct filling count = {.answer = a, .type = q->type, .kept = kept};
    int rc = s->addresses(s->arg, q->name, add_address, &count);
    if (rc < 0)
        return rc;
    if (count.index > 1 && getrandom(&start, sizeof(start), 0) == sizeof(start))
        start %= count.index;
    for (unsigned i = 0; i < count.index && count.index <= KEPT; i++) {
        const struct address *at = &kept[(start + i) % count.index];
        dns_answer_address(a, at->bytes, at->len);
    }
    struct filling parts[] = {{a, q->type, 0, start, UINT_MAX, NULL},
                              {a, q->type, 0, 0, start, NULL}};
    for (size_t i = 0; i < ARRAY_SIZE(parts) && count.index > KEPT; i++)
        (void)s->addresses(s->arg, q->name, add_address, &parts[i]);
    return rc;
}

static int look_up(const struct dns_source *s, const struct dns_question *q,
                   struct dns_answer *a)
{
    char address[46], name[DNS_NAME_MAX];
    if (q->type == DNS_PTR && dns_message_reverse(q->name, address)) {
        int rc = s->name(s->arg, address, name);
        if (rc == 0)
            dns_answer_name(a, name);
        return rc;
    }
    return q->plain ? look_up_name(s, q, a) : -ENOENT;
}

/* One label and not known here: other servers are not to learn of it, and do not know it. But
 * whoever looks for servers and keys of zones may ask for "org". */
static bool is_ours(const struct dns_question *q)
{
    static const uint16_t ZONES[] = {DNS_NS, DNS_SOA, DNS_DS, DNS_DNSKEY};
    for (size_t i = 0; i < ARRAY_SIZE(ZONES); i++)
        if (q->type == ZONES[i])
            return false;
    return *q->name && !strchr(q->name, '.');
}

static void take_question(struct dns_server *d, const struct dns_source *s,
                          const unsigned char *data, size_t len, const struct asker *from)
{
    struct dns_question q;
    if (dns_message_question(data, len, &q) < 0)
        return; /* what is no question gets no answer */
    int rc = look_up(s, &q, dns_begin(d, &q, data, from));
    if (rc >= 0)
        dns_finish(d, &q, from, DNS_OK);
    else if (is_ours(&q))
        dns_finish(d, &q, from, DNS_NO_NAME);
    else
        dns_pass_on(d, s, &q, data, len, from);
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
        if (t->fd > 0 || dns_watch(d, fd, KIND_STREAM, i, EPOLLIN) < 0)
            continue;
        t->fd = fd;
        t->got = t->age = 0;
        t->serial = ++d->work->serial;
        d->work->busy++;
        dns_set_timer(d);
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
            dns_drop_stream(d, t);
        return;
    }
    t->got += (size_t)n;
    t->age = 0;
    while (t->fd > 0 && t->got >= 2) {
        size_t len = (size_t)t->data[0] << 8 | t->data[1];
        if (len > DNS_MESSAGE_MAX) {
            dns_drop_stream(d, t);
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

static void tick(struct dns_server *d)
{
    uint64_t n = 0;
    (void)!read(d->timer, &n, sizeof(n));
    dns_age_asked(d, (unsigned)n);
    for (size_t i = 0; i < STREAMS_MAX; i++) {
        struct stream *t = &d->work->streams[i];
        if (t->fd > 0 && (t->age += (unsigned)n) > 2 * PATIENCE)
            dns_drop_stream(d, t);
    }
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
        case KIND_ASKED: dns_take_answer(d, index, e[i].events); break;
        }
    }
    give_back(d);
    return true;
}
