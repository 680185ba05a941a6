/* A published port is bound to on the host, in each family it is published in, so that its programs
 * do not get it; one of a range, or any, is the first that can be had. */

#include "engine/net/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define TRIES 20 /* for a free port of both families */

struct families {
    bool four, six;
};

static struct families families_of(const struct mtd_port *p, const struct mtd_endpoint *e)
{
    bool six = p->address && strchr(p->address, ':');
    return (struct families){.four = !p->address || !six,
                             .six = p->address ? six : e->address6 != NULL};
}

static int hold_once(struct mtd_port *p, const struct mtd_endpoint *e, struct families f,
                     int fds[2])
{
    struct mtd_port at = *p;
    for (int six = 0; six < 2; six++) {
        if (!(six ? f.six : f.four))
            continue;
        fds[six] = net_port_hold(&at, e, six, &at.host);
        if (fds[six] < 0)
            return fds[six];
    }
    p->host = at.host;
    return 0;
}

static void let_go(int fds[2])
{
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    fds[0] = fds[1] = -1;
}

/* Of a container whose monitor was killed: nobody is bound to it. nf NULL = not asked. */
static bool is_in_the_way(struct store *s, struct netlink *nf, const struct mtd_port *p)
{
    struct net_owner o;
    return nf && net_ports_owner(nf, p, &o) == 0 && net_owner_is_live(s, &o);
}

static int hold_first(struct store *s, struct netlink *nf, struct mtd_port *p,
                      const struct mtd_endpoint *e, struct families f, int fds[2])
{
    int rc = -EADDRINUSE;
    for (unsigned host = p->host; host <= p->host_last && rc == -EADDRINUSE; host++) {
        struct mtd_port one = *p;
        one.host = host;
        one.host_last = 0;
        let_go(fds);
        rc = hold_once(&one, e, f, fds);
        if (rc == 0 && is_in_the_way(s, nf, &one))
            rc = -EADDRINUSE;
        if (rc == 0)
            *p = one;
    }
    return rc;
}

static int hold_any(struct mtd_port *p, const struct mtd_endpoint *e, struct families f,
                    int fds[2])
{
    int rc = -EADDRINUSE;
    for (int i = 0; i < TRIES && rc == -EADDRINUSE; i++) {
        let_go(fds);
        rc = hold_once(p, e, f, fds);
    }
    return rc;
}

static int hold(struct store *s, struct netlink *nf, struct mtd_port *p,
                const struct mtd_endpoint *e, struct families f, int fds[2])
{
    int rc = p->host_last ? hold_first(s, nf, p, e, f, fds)
             : p->host    ? hold_once(p, e, f, fds)
                          : hold_any(p, e, f, fds);
    if (rc < 0)
        let_go(fds);
    return rc;
}

int net_port_try(struct store *s, struct netlink *nf, const struct mtd_port *p)
{
    struct mtd_port wanted = *p;
    bool six = p->address && strchr(p->address, ':');
    int fds[2] = {-1, -1};
    int rc = hold(s, nf, &wanted, NULL, (struct families){.four = !six, .six = six}, fds);
    let_go(fds);
    return rc;
}

int net_held_add(struct net_held *h, int fd)
{
    int *more = realloc(h->fds, (h->n + 1) * sizeof(int));
    if (!more)
        return close(fd), -ENOMEM;
    h->fds = more;
    h->fds[h->n++] = fd;
    return 0;
}

int net_port_take(struct store *s, struct netlink *nf, struct mtd_port *p,
                  const struct mtd_endpoint *e, struct net_held *h)
{
    int fds[2] = {-1, -1};
    int rc = hold(s, nf, p, e, families_of(p, e), fds);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        if (fds[i] >= 0 && net_held_add(h, fds[i]) < 0)
            rc = -ENOMEM;
    return rc;
}

/* Both are in the record's order, so what is looked for is mostly the next one. */
static int take_held(struct net_held *h, size_t *at, const struct mtd_port *p, bool six)
{
    for (size_t i = 0; i < h->n; i++) {
        size_t k = (*at + i) % h->n;
        if (h->fds[k] >= 0 && net_port_is(h->fds[k], p, six)) {
            *at = k + 1;
            return take_fd(&h->fds[k]);
        }
    }
    return -1;
}

/* Those that it holds go into kept, or those that are missing are bound to. */
static void hold_some(const struct mtd_status *st, struct net_held *from,
                      struct net_held *kept)
{
    const struct mtd_endpoint *e = mtd_port_endpoint(st);
    size_t at = 0;
    unsigned host;
    for (size_t i = 0; e && i < 2 * st->n_ports; i++) {
        const struct mtd_port *p = &st->ports[i / 2];
        struct families f = families_of(p, e);
        bool six = i % 2;
        if (!(six ? f.six : f.four))
            continue;
        int fd = from ? take_held(from, &at, p, six) : net_port_hold(p, e, six, &host);
        if (fd >= 0)
            (void)net_held_add(kept, fd);
    }
}

/* What goes may be in the way of what comes: the same number at another address. */
void net_hold(const struct mtd_record *r, struct net_held *held)
{
    struct net_held now = {0};
    if (r->status.n_endpoints)
        hold_some(&r->status, held, &now);
    net_held_done(held);
    if (r->status.n_endpoints)
        hold_some(&r->status, NULL, &now);
    *held = now;
}

void net_each_relayed(const struct mtd_record *r, const struct net_held *held,
                      net_relayed_fn *fn, void *arg)
{
    const struct mtd_endpoint *e = mtd_port_endpoint(&r->status);
    for (size_t i = 0; e && i < r->status.n_ports; i++) {
        const struct mtd_port *p = &r->status.ports[i];
        for (size_t k = 0; net_port_is_relayed(p, e) && k < held->n; k++)
            if (net_port_is(held->fds[k], p, true) && net_port_listen(held->fds[k]) == 0)
                fn(held->fds[k], net_relayed_to(e), p->target, arg);
    }
}
