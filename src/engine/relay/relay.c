/* One structure for each connection, whose sides are 0, who called, and 1, who is called. */

#include "engine/relay/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

#define AT_ONCE 32   /* events taken in one turn */
#define ROUNDS 4     /* pieces of one connection and way in one turn */
#define PIECE 65536u /* what a pipe holds */

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

struct relay_listener {
    int fd;
    union address to;
};

/* Of a side, what came from it: */
struct way {
    int pipe[2];
    size_t held; /* bytes in the pipe */
    bool ended;  /* nothing more will come */
    bool passed; /* and the other side has been told */
};

struct link {
    int fd[2]; /* <= 0 = free */
    struct way from[2];
    uint32_t events[2];
    bool connecting;
};

struct relay_work {
    unsigned busy;
    struct link links[RELAY_MAX];
};

/* Listeners are known by their descriptor, connections by index and side. */
#define TAG_LISTENER(fd) ((uint64_t)1 << 32 | (uint32_t)(fd))
#define TAG_LINK(i, side) ((uint64_t)((i)*2 + (size_t)(side)))

/* ---- listeners ---- */

static void watch_listeners(const struct relay *r, bool on)
{
    for (size_t i = 0; i < r->n; i++) {
        int fd = r->listeners[i].fd;
        struct epoll_event e = {.events = EPOLLIN, .data.u64 = TAG_LISTENER(fd)};
        (void)epoll_ctl(r->poll_fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, &e);
    }
}

static int parse(const char *address, unsigned port, union address *ret)
{
    *ret = (union address){.in = {.sin_family = AF_INET, .sin_port = htons(port)}};
    if (inet_pton(AF_INET, address, &ret->in.sin_addr) == 1)
        return 0;
    *ret = (union address){.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
    return inet_pton(AF_INET6, address, &ret->in6.sin6_addr) == 1 ? 0 : -EINVAL;
}

int relay_listen(struct relay *r, int fd, const char *address, unsigned port)
{
    struct relay_listener l = {.fd = fd};
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = TAG_LISTENER(fd)};
    struct relay_listener *more = realloc(r->listeners, (r->n + 1) * sizeof(*more));
    int rc = more ? parse(address, port, &l.to) : -ENOMEM;
    if (more)
        r->listeners = more;
    if (rc < 0)
        return rc;
    if (r->poll_fd < 0 && (r->poll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0)
        return r->poll_fd = -1, -errno;
    if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ||
        (!r->full && epoll_ctl(r->poll_fd, EPOLL_CTL_ADD, fd, &e) < 0))
        return -errno;
    r->listeners[r->n++] = l;
    return 0;
}

static void give_back(struct relay *r)
{
    if (r->work && !r->work->busy) {
        munmap(r->work, sizeof(*r->work));
        r->work = NULL;
    }
    if (!r->work && !r->n && r->poll_fd >= 0)
        close(take_fd(&r->poll_fd));
}

void relay_forget(struct relay *r)
{
    if (!r->full)
        watch_listeners(r, false);
    free(r->listeners);
    r->listeners = NULL;
    r->n = 0;
    give_back(r);
}

/* ---- connections ---- */

static void close_all(struct link *l)
{
    for (int side = 0; side < 2; side++) {
        int *fds[] = {&l->fd[side], &l->from[side].pipe[0], &l->from[side].pipe[1]};
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
            if (*fds[i] > 0)
                close(*fds[i]);
    }
    *l = (struct link){0};
}

static void end(struct relay *r, struct link *l)
{
    close_all(l);
    r->work->busy--;
    if (r->full) {
        r->full = false;
        watch_listeners(r, true);
    }
}

/* The other one is to see that it was not an orderly end. */
static void reset(int fd)
{
    static const struct linger AT_ONCE_GONE = {.l_onoff = 1};
    if (fd > 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &AT_ONCE_GONE, sizeof(AT_ONCE_GONE));
}

static void break_off(struct relay *r, struct link *l)
{
    reset(l->fd[0]);
    reset(l->fd[1]);
    end(r, l);
}

void relay_close(struct relay *r)
{
    for (size_t i = 0; r->work && i < RELAY_MAX; i++)
        if (r->work->links[i].fd[0] > 0)
            break_off(r, &r->work->links[i]);
    relay_forget(r);
}

static uint32_t wanted(const struct link *l, int side)
{
    bool reads = !l->from[side].ended && !l->from[side].held;
    bool writes = l->from[!side].held;
    if (l->connecting)
        return side ? EPOLLOUT : 0;
    return (reads ? EPOLLIN : 0) | (writes ? EPOLLOUT : 0);
}

/* Errors are told in any case, and the end of both ways: once, where nothing else is waited for. */
static int watch(const struct relay *r, struct link *l)
{
    for (int side = 0; side < 2; side++) {
        size_t i = (size_t)(l - r->work->links);
        uint32_t now = wanted(l, side) ? wanted(l, side) : EPOLLET;
        struct epoll_event e = {.events = now, .data.u64 = TAG_LINK(i, side)};
        int how = l->events[side] ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
        if (l->events[side] == now)
            continue;
        if (epoll_ctl(r->poll_fd, how, l->fd[side], &e) < 0)
            return -errno;
        l->events[side] = now;
    }
    return 0;
}

static int connect_to(const union address *to)
{
    static const int YES = 1;
    socklen_t len = to->any.sa_family == AF_INET6 ? sizeof(to->in6) : sizeof(to->in);
    auto_fd int fd =
        socket(to->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &YES, sizeof(YES));
    if (connect(fd, &to->any, len) < 0 && errno != EINPROGRESS)
        return -errno;
    return take_fd(&fd);
}

static int prepare(const struct relay *r, struct link *l, const union address *to)
{
    static const int YES = 1;
    (void)setsockopt(l->fd[0], IPPROTO_TCP, TCP_NODELAY, &YES, sizeof(YES));
    if (pipe2(l->from[0].pipe, O_NONBLOCK | O_CLOEXEC) < 0 ||
        pipe2(l->from[1].pipe, O_NONBLOCK | O_CLOEXEC) < 0)
        return -errno;
    l->fd[1] = connect_to(to);
    return l->fd[1] < 0 ? l->fd[1] : watch(r, l);
}

static struct link *free_link(struct relay *r)
{
    if (!r->work) {
        void *w = mmap(NULL, sizeof(*r->work), PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (w == MAP_FAILED)
            return NULL;
        r->work = w;
    }
    for (size_t i = 0; i < RELAY_MAX; i++)
        if (r->work->links[i].fd[0] <= 0)
            return &r->work->links[i];
    return NULL;
}

/* false = there was none, or no room. */
static bool accept_one(struct relay *r, const struct relay_listener *at)
{
    struct link *l = free_link(r);
    if (!l) {
        watch_listeners(r, false);
        r->full = true;
        return false;
    }
    int fd = accept4(at->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return false;
    *l = (struct link){.fd = {fd}, .connecting = true};
    r->work->busy++;
    if (prepare(r, l, &at->to) < 0)
        break_off(r, l);
    return true;
}

static void take_calls(struct relay *r, int fd)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->listeners[i].fd == fd)
            for (int k = 0; k < AT_ONCE && accept_one(r, &r->listeners[i]); k++)
                ;
}

/* ---- bytes ---- */

static ssize_t pass(int from, int to, size_t n)
{
    ssize_t moved = splice(from, NULL, to, NULL, n, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
    return moved < 0 ? -errno : moved;
}

/* A piece, or the end. 1 = there may be more, -EAGAIN = not now. */
static int move(struct link *l, int side)
{
    struct way *w = &l->from[side];
    ssize_t n = 0;
    if (!w->held && !w->ended) {
        n = pass(l->fd[side], w->pipe[1], PIECE);
        w->ended = n == 0;
        w->held = n < 0 ? 0 : (size_t)n;
    }
    if (n >= 0 && w->held) {
        n = pass(w->pipe[0], l->fd[!side], w->held);
        w->held -= n < 0 ? 0 : (size_t)n;
    }
    if (n < 0)
        return (int)n;
    if (w->ended && !w->held && !w->passed) {
        (void)shutdown(l->fd[!side], SHUT_WR);
        w->passed = true;
    }
    return w->ended && !w->held ? -EAGAIN : 1;
}

static int move_both(struct link *l)
{
    for (int side = 0; side < 2; side++) {
        int rc = 1;
        for (int i = 0; i < ROUNDS && rc > 0; i++)
            rc = move(l, side);
        if (rc < 0 && rc != -EAGAIN && rc != -EINTR)
            return rc;
    }
    return 0;
}

static int error_of(int fd)
{
    int error = 0;
    socklen_t len = sizeof(error);
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? -errno : -error;
}

static void take_event(struct relay *r, uint64_t tag, uint32_t events)
{
    int side = tag & 1, rc = 0;
    struct link *l = r->work ? &r->work->links[tag / 2] : NULL;
    if (!l || l->fd[0] <= 0)
        return; /* it has ended by an event before this one */
    if ((events & EPOLLERR) || l->connecting)
        rc = error_of(l->fd[side]);
    if (rc == 0 && side == 1 && (events & EPOLLOUT))
        l->connecting = false;
    if (rc == 0 && !l->connecting)
        rc = move_both(l);
    if (rc == 0)
        rc = watch(r, l);
    if (rc < 0)
        break_off(r, l);
    else if (l->from[0].passed && l->from[1].passed)
        end(r, l);
}

bool relay_turn(struct relay *r)
{
    struct epoll_event e[AT_ONCE];
    int n = epoll_wait(r->poll_fd, e, AT_ONCE, 0);
    for (int i = 0; i < n; i++)
        if (e[i].data.u64 >> 32)
            take_calls(r, (int)(uint32_t)e[i].data.u64);
        else
            take_event(r, e[i].data.u64, e[i].events);
    give_back(r);
    return n > 0;
}
