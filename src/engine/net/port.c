/* A published port is an element of one map per family and kind: its key is what a packet is for,
 * its data where it goes, its comment the id of the container. That it is made exclusively makes
 * the kernel the list of who has which port. The port is also bound to, without listening, so that
 * no process of the host believes to have it; what is not translated is refused at once. */

#include "engine/net/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/net/expression.h"

#define WAITING 64 /* connections that nobody has accepted */
#define AT_ONCE \
    72 /* elements in one request, which has room for as many of the longest */

struct element {
    const char *map;
    unsigned char key[24], data[20];
    size_t key_len, data_len;
};

/* The one address of the host that it is published on; none for all of a family, which is said as
 * 0.0.0.0 or [::], or of both. -EINVAL. */
static int address_of(const struct mtd_port *p, struct net_address *ret)
{
    static const unsigned char ALL[16];
    *ret = (struct net_address){0};
    int rc = p->address ? net_address_parse(p->address, ret) : 0;
    if (rc == 0 && memcmp(ret->bytes, ALL, ret->len) == 0)
        ret->len = 0;
    return rc;
}

/* Where a port of that family leads; on ::1 IPv4 is written as IPv6 is. */
static const char *target_of(const struct mtd_endpoint *e, const struct mtd_port *p,
                             bool six, char ret[NET_TEXT])
{
    const char *to = net_relayed_to(e);
    bool loopback = six && net_port_is_loopback6(p);
    if (!loopback)
        return six ? e->address6 : e->address;
    snprintf(ret, NET_TEXT, "%s%.45s", strchr(to, ':') ? "" : "::ffff:", to);
    return ret;
}

/* false = there is nothing to translate to: the container has no address of that family. What is on
 * ::1 is no rule's; its element says who has it. */
static bool make_element(struct element *ret, const struct mtd_endpoint *e,
                         const struct mtd_port *p, bool six)
{
    struct net_address at, to;
    char text[NET_TEXT];
    const char *target = target_of(e, p, six, text);
    if ((p->address && (strchr(p->address, ':') != NULL) != six) ||
        address_of(p, &at) < 0 || !target || net_address_parse(target, &to) < 0)
        return false;
    *ret = (struct element){.map = six ? (at.len ? "ports6_at" : "ports6")
                                       : (at.len ? "ports4_at" : "ports4")};
    uint16_t host = htons((uint16_t)p->host), port = htons((uint16_t)p->target);
    memcpy(ret->key, at.bytes, at.len);
    ret->key[at.len] = p->udp ? IPPROTO_UDP : IPPROTO_TCP;
    memcpy(ret->key + at.len + 4, &host, sizeof(host));
    ret->key_len = at.len + 8u;
    memcpy(ret->data, to.bytes, to.len);
    memcpy(ret->data + to.len, &port, sizeof(port));
    ret->data_len = to.len + 4u;
    return true;
}

static void put_value(struct netlink_request *r, int type, const void *value, size_t len)
{
    size_t nest = netlink_nest(r, (uint16_t)type);
    netlink_put(r, NFTA_DATA_VALUE, value, len);
    netlink_nest_end(r, nest);
}

static void put_element(struct netlink_request *r, int type, const struct element *x,
                        const struct net_owner *o, int flags)
{
    bool new = type == NFT_MSG_NEWSETELEM;
    unsigned char comment[2 + MTD_ID_SIZE + NET_ROOT_SIZE] = {0};
    expression_message(r, type, flags | (new ? NLM_F_CREATE | NLM_F_EXCL : 0));
    netlink_put_text(r, NFTA_SET_ELEM_LIST_TABLE, NET_TABLE);
    netlink_put_text(r, NFTA_SET_ELEM_LIST_SET, x->map);
    size_t list = netlink_nest(r, NFTA_SET_ELEM_LIST_ELEMENTS);
    size_t element = netlink_nest(r, NFTA_LIST_ELEM);
    put_value(r, NFTA_SET_ELEM_KEY, x->key, x->key_len);
    if (new) {
        int len =
            snprintf((char *)comment + 2, sizeof(comment) - 2, "%s %s", o->id, o->root);
        comment[1] = (unsigned char)(len + 1);
        put_value(r, NFTA_SET_ELEM_DATA, x->data, x->data_len);
        netlink_put(r, NFTA_SET_ELEM_USERDATA, comment, (size_t)len + 3);
    }
    netlink_nest_end(r, element);
    netlink_nest_end(r, list);
}

/* All of them or none. Only the last is acknowledged, and what fails. *ret_failed: which of them. */
static int change(struct netlink *nf, int type, const struct net_owner *o,
                  const struct element *items, size_t n, size_t *ret_failed)
{
    struct netlink_request r;
    unsigned failed = 0;
    netlink_request_init(&r);
    expression_batch_begin(&r);
    for (size_t i = 0; i < n; i++)
        put_element(&r, type, &items[i], o, i + 1 < n ? NETLINK_QUIET : 0);
    expression_batch_end(&r);
    int rc = n ? netlink_send(nf, &r, &failed) : 0;
    *ret_failed = failed && failed <= n ? failed - 1 : 0; /* 0 is the batch's beginning */
    return rc;
}

struct batch {
    struct element items[AT_ONCE];
    size_t port_of[AT_ONCE], n;
};

/* Both families of a port are in one. The first port that is not in it any more. */
static size_t fill_batch(struct batch *b, const struct mtd_endpoint *e,
                         const struct mtd_port *ports, size_t at, size_t n)
{
    for (b->n = 0; at < n && b->n + 2 <= AT_ONCE; at++)
        for (int six = 0; six < 2; six++)
            if (make_element(&b->items[b->n], e, &ports[at], six))
                b->port_of[b->n++] = at;
    return at;
}

int net_ports_add(struct netlink *nf, const struct net_owner *o,
                  const struct mtd_endpoint *e, const struct mtd_port *ports, size_t n,
                  size_t *ret_at)
{
    struct batch b;
    size_t failed;
    for (size_t i = 0, next; i < n; i = next) {
        next = fill_batch(&b, e, ports, i, n);
        int rc = change(nf, NFT_MSG_NEWSETELEM, o, b.items, b.n, &failed);
        if (rc < 0) {
            *ret_at = b.port_of[failed];
            net_ports_remove(nf, e, ports, i);
            return rc;
        }
    }
    return 0;
}

/* One that is not there makes a whole batch fail: then each is removed for itself. */
int net_ports_remove(struct netlink *nf, const struct mtd_endpoint *e,
                     const struct mtd_port *ports, size_t n)
{
    struct batch b;
    int result = 0;
    size_t failed;
    for (size_t i = 0, next; i < n; i = next) {
        next = fill_batch(&b, e, ports, i, n);
        if (change(nf, NFT_MSG_DELSETELEM, NULL, b.items, b.n, &failed) == 0)
            continue;
        for (size_t k = 0; k < b.n; k++) {
            int rc = change(nf, NFT_MSG_DELSETELEM, NULL, &b.items[k], 1, &failed);
            result = rc < 0 && rc != -ENOENT ? rc : result;
        }
    }
    return result;
}

/* ---- whose they are ---- */

static const char *const MAPS[] = {"ports4", "ports4_at", "ports6", "ports6_at"};

struct net_published_port {
    struct element element;
    struct net_owner owner;
};
struct walk {
    const char *map;
    void (*fn)(const struct net_published_port *f, void *arg);
    void *arg;
};

static bool take_value(struct netlink_span s, uint16_t type, unsigned char *ret,
                       size_t size, size_t *ret_len)
{
    struct netlink_span outer, value;
    if (!netlink_find(s, type, &outer) || !netlink_find(outer, NFTA_DATA_VALUE, &value) ||
        value.left > size)
        return false;
    memcpy(ret, value.at, value.left);
    *ret_len = value.left;
    return true;
}

/* "ID ROOT" */
static void take_owner(struct netlink_span comment, struct net_owner *ret)
{
    size_t len = comment.left - (2 + MTD_ID_SIZE);
    memcpy(ret->id, comment.at + 2, MTD_ID_LEN);
    memcpy(ret->root, comment.at + 2 + MTD_ID_SIZE,
           len < NET_ROOT_SIZE ? len : NET_ROOT_SIZE - 1);
}

static void take_element(struct walk *w, struct netlink_span s)
{
    struct net_published_port f = {.element.map = w->map};
    struct netlink_span comment;
    if (!take_value(s, NFTA_SET_ELEM_KEY, f.element.key, sizeof(f.element.key),
                    &f.element.key_len))
        return;
    (void)take_value(s, NFTA_SET_ELEM_DATA, f.element.data, sizeof(f.element.data),
                     &f.element.data_len);
    if (netlink_find(s, NFTA_SET_ELEM_USERDATA, &comment) &&
        comment.left > 2 + MTD_ID_SIZE)
        take_owner(comment, &f.owner);
    w->fn(&f, w->arg);
}

static int take_answer(const struct netlink_answer *a, void *arg)
{
    struct netlink_span s = a->body, list;
    struct netlink_attribute x;
    struct nfgenmsg h;
    netlink_take_header(&s, &h, sizeof(h));
    if (netlink_find(s, NFTA_SET_ELEM_LIST_ELEMENTS, &list))
        while (netlink_next_attribute(&list, &x))
            take_element(arg, x.value);
    return 0;
}

static void each_port(struct netlink *nf,
                      void (*fn)(const struct net_published_port *, void *), void *arg)
{
    for (size_t i = 0; i < ARRAY_SIZE(MAPS); i++) {
        struct netlink_request r;
        struct walk w = {.map = MAPS[i], .fn = fn, .arg = arg};
        netlink_request_init(&r);
        expression_message(&r, NFT_MSG_GETSETELEM, NLM_F_DUMP);
        netlink_put_text(&r, NFTA_SET_ELEM_LIST_TABLE, NET_TABLE);
        netlink_put_text(&r, NFTA_SET_ELEM_LIST_SET, MAPS[i]);
        (void)netlink_ask(nf, &r, take_answer, &w);
    }
}

struct wanted {
    const struct mtd_port *port;
    struct net_address at;
    struct net_owner *ret;
};

/* A port on all addresses and one on a single address are in each other's way. */
static void compare(const struct net_published_port *f, void *arg)
{
    struct wanted *w = arg;
    size_t len = f->element.key_len < 8 ? 0 : f->element.key_len - 8;
    uint16_t host = 0;
    if (f->element.key_len < 8)
        return;
    memcpy(&host, f->element.key + len + 4, sizeof(host));
    if (f->element.key[len] != (w->port->udp ? IPPROTO_UDP : IPPROTO_TCP) ||
        ntohs(host) != w->port->host)
        return;
    if (len && w->at.len &&
        (len != w->at.len || memcmp(f->element.key, w->at.bytes, len) != 0))
        return;
    *w->ret = f->owner;
}

int net_ports_owner(struct netlink *nf, const struct mtd_port *p, struct net_owner *ret)
{
    struct wanted w = {.port = p, .ret = ret};
    *ret = (struct net_owner){0};
    (void)address_of(p, &w.at);
    each_port(nf, compare, &w);
    return ret->id[0] ? 0 : -ENOENT;
}

static void collect(const struct net_published_port *f, void *arg)
{
    struct net_published *all = arg;
    struct net_published_port *more = realloc(all->items, (all->n + 1) * sizeof(*more));
    if (!more)
        return;
    all->items = more;
    all->items[all->n++] = *f;
}

void net_published_list(struct netlink *nf, struct net_published *ret)
{
    each_port(nf, collect, ret);
}

void net_published_done(struct net_published *p)
{
    free(p->items);
    *p = (struct net_published){0};
}

static bool is_element(const struct element *a, const struct element *b)
{
    return strcmp(a->map, b->map) == 0 && a->key_len == b->key_len &&
           a->data_len == b->data_len && memcmp(a->key, b->key, a->key_len) == 0 &&
           memcmp(a->data, b->data, a->data_len) == 0;
}

bool net_published_has(const struct net_published *all, const char *id,
                       const struct mtd_endpoint *e, const struct mtd_port *p,
                       size_t *count)
{
    struct element x;
    bool has = true;
    for (int six = 0; six < 2; six++) {
        bool found = false;
        if (!make_element(&x, e, p, six))
            continue;
        for (size_t i = 0; i < all->n && !found; i++)
            found = strcmp(all->items[i].owner.id, id) == 0 &&
                    is_element(&all->items[i].element, &x);
        has &= found;
        *count += found;
    }
    return has;
}

size_t net_published_count(const struct net_published *all, const char *id)
{
    size_t n = 0;
    for (size_t i = 0; i < all->n; i++)
        n += strcmp(all->items[i].owner.id, id) == 0;
    return n;
}

void net_published_owners(const struct net_published *all, const char *root,
                          void (*fn)(const char *id, void *arg), void *arg)
{
    for (size_t i = 0; i < all->n; i++) {
        const struct net_owner *o = &all->items[i].owner;
        bool told = strcmp(o->root, root) != 0;
        for (size_t k = 0; k < i && !told; k++)
            told = strcmp(all->items[k].owner.id, o->id) == 0;
        if (!told && o->id[0])
            fn(o->id, arg);
    }
}

/* What a dump shows is removed after it: the two do not mix on one socket. */
void net_ports_forget(struct netlink *nf, const char *id)
{
    struct net_published all = {0};
    net_published_list(nf, &all);
    for (size_t i = 0; i < all.n; i++) {
        size_t failed;
        if (strcmp(all.items[i].owner.id, id) == 0)
            (void)change(nf, NFT_MSG_DELSETELEM, NULL, &all.items[i].element, 1, &failed);
    }
    net_published_done(&all);
}

/* ---- the host's side ---- */

static int bind_to(int fd, const struct net_address *at, bool six, unsigned port)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } a = {0};
    if (six) {
        a.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
                                      .sin6_port = htons((uint16_t)port)};
        memcpy(&a.in6.sin6_addr, at->bytes, sizeof(a.in6.sin6_addr));
        return bind(fd, &a.any, sizeof(a.in6)) < 0 ? -errno : 0;
    }
    a.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    memcpy(&a.in.sin_addr, at->bytes, sizeof(a.in.sin_addr));
    return bind(fd, &a.any, sizeof(a.in)) < 0 ? -errno : 0;
}

static unsigned port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } a;
    socklen_t len = sizeof(a);
    if (getsockname(fd, &a.any, &len) < 0)
        return 0;
    return ntohs(a.any.sa_family == AF_INET6 ? a.in6.sin6_port : a.in.sin_port);
}

bool net_port_is(int fd, const struct mtd_port *p, bool six)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } a;
    struct net_address at = {0};
    int type = 0;
    socklen_t len = sizeof(a), size = sizeof(type);
    if (getsockname(fd, &a.any, &len) < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 ||
        (p->address && net_address_parse(p->address, &at) < 0))
        return false;
    if ((type == SOCK_DGRAM) != p->udp || (a.any.sa_family == AF_INET6) != six)
        return false;
    if (six)
        return ntohs(a.in6.sin6_port) == p->host &&
               memcmp(&a.in6.sin6_addr, at.bytes, 16) == 0;
    return ntohs(a.in.sin_port) == p->host && memcmp(&a.in.sin_addr, at.bytes, 4) == 0;
}

int net_port_listen(int fd)
{
    return listen(fd, WAITING) < 0 ? -errno : 0;
}

int net_port_hold(const struct mtd_port *p, const struct mtd_endpoint *e, bool six,
                  unsigned *ret_host)
{
    static const int YES = 1, LITTLE = 1;
    struct net_address at = {0};
    if (p->address && net_address_parse(p->address, &at) < 0)
        return -EINVAL;
    auto_fd int fd = socket(six ? AF_INET6 : AF_INET,
                            (p->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (six)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &YES, sizeof(YES));
    bool relayed = six && !p->udp && p->address && (!e || net_port_is_relayed(p, e));
    if (relayed) /* connections that have ended are in nobody's way, and who listens is */
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &YES, sizeof(YES));
    if (p->udp) /* what arrives is kept, though nobody reads it */
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &LITTLE, sizeof(LITTLE));
    int rc = bind_to(fd, &at, six, p->host);
    if (rc == 0 && relayed)
        rc = net_port_listen(fd);
    if (rc < 0)
        return rc;
    *ret_host = p->host ? p->host : port_of(fd);
    return take_fd(&fd);
}
