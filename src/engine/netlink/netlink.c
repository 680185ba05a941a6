/* The kernel works a request off within sendto(), so its acknowledgements are there when that
 * returns, and nothing here has to wait: a receive that finds nothing is an error. Answers that
 * are not the kernel's, or have another request's number, are not looked at. */

#include "engine/netlink/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

#define ANSWER_MAX 32768 /* what the kernel fills at once in a dump */

int netlink_open(struct netlink *ret, int protocol)
{
    static const int YES = 1;
    auto_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    struct sockaddr_nl own = {.nl_family = AF_NETLINK};
    if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0)
        return -errno;
    /* An error repeats no more than the header of what it is about. */
    (void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &YES, sizeof(YES));
    *ret = (struct netlink){.fd = take_fd(&fd)};
    return 0;
}

void netlink_close(struct netlink *n)
{
    if (n->fd >= 0)
        close(take_fd(&n->fd));
}

static void number(struct netlink *n, struct netlink_request *r)
{
    for (size_t at = 0; at < r->len;) {
        struct nlmsghdr *h = (struct nlmsghdr *)(void *)(r->data + at);
        h->nlmsg_seq = ++n->seq;
        at += NLMSG_ALIGN(h->nlmsg_len);
    }
}

static int transmit(struct netlink *n, struct netlink_request *r)
{
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (r->full)
        return -EMSGSIZE;
    number(n, r);
    ssize_t sent =
        sendto(n->fd, r->data, r->len, 0, (struct sockaddr *)&kernel, sizeof(kernel));
    return sent < 0 ? -errno : 0;
}

/* The next packet of the kernel's. */
static int receive(struct netlink *n, unsigned char *data, struct netlink_span *ret)
{
    for (;;) {
        struct sockaddr_nl from = {0};
        struct iovec part = {data, ANSWER_MAX};
        struct msghdr m = {.msg_name = &from,
                           .msg_namelen = sizeof(from),
                           .msg_iov = &part,
                           .msg_iovlen = 1};
        ssize_t got = recvmsg(n->fd, &m, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || (m.msg_flags & MSG_TRUNC))
            return got < 0 ? (errno == EAGAIN ? -EPROTO : -errno) : -EMSGSIZE;
        *ret = (struct netlink_span){data, (size_t)got};
        if (m.msg_namelen == sizeof(from) && from.nl_pid == 0)
            return 0;
    }
}

struct talk {
    uint32_t first;  /* the number of the first message */
    unsigned wanted; /* acknowledgements that are still to come */
    int rc;
    unsigned failed;
    netlink_fn *fn;
    void *arg;
};

static void take_ack(struct talk *t, struct netlink_answer *a)
{
    int32_t code = -EPROTO;
    if (a->body.left >= sizeof(code))
        memcpy(&code, a->body.at, sizeof(code));
    t->wanted--;
    if (code < 0 && t->rc == 0) {
        t->rc = code;
        t->failed = a->seq - t->first;
    }
    /* A refused batch of nf_tables is answered for its first message alone. */
    if (code < 0 && a->seq == t->first)
        t->wanted = 0;
}

static void take_answer(struct talk *t, struct netlink_answer *a)
{
    if (a->flags & NLM_F_DUMP_INTR)
        t->rc = t->rc ? t->rc : -EINTR;
    if (a->type == NLMSG_ERROR)
        take_ack(t, a);
    else if (a->type == NLMSG_DONE)
        t->wanted = 0;
    else if (t->fn && t->rc == 0) {
        int rc = t->fn(a, t->arg);
        t->rc = rc < 0 ? rc : 0;
    }
}

static int talk(struct netlink *n, struct netlink_request *r, struct talk *t)
{
    unsigned char data[ANSWER_MAX];
    t->first = n->seq + 1;
    t->wanted = r->acks;
    int rc = transmit(n, r);
    while (rc == 0 && t->wanted) {
        struct netlink_span s;
        struct netlink_answer a;
        rc = receive(n, data, &s);
        while (rc == 0 && t->wanted && netlink_next_answer(&s, &a))
            if (a.seq - t->first < r->count)
                take_answer(t, &a);
    }
    return rc < 0 ? rc : t->rc;
}

int netlink_send(struct netlink *n, struct netlink_request *r, unsigned *ret_failed)
{
    struct talk t = {0};
    int rc = talk(n, r, &t);
    if (ret_failed)
        *ret_failed = t.failed;
    return rc;
}

int netlink_ask(struct netlink *n, struct netlink_request *r, netlink_fn *fn, void *arg)
{
    struct talk t = {.fn = fn, .arg = arg};
    return talk(n, r, &t);
}
