/* Ports of a container that exists. Those of a live one change in the kernel first: what is refused there
 * is not recorded. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "engine/api/internal.h"
#include "engine/net/net.h"
#include "engine/port/port.h"

static void remove_at(struct mtd_spec *s, size_t i)
{
    free(s->ports[i].address);
    memmove(s->ports + i, s->ports + i + 1, (--s->n_ports - i) * sizeof(*s->ports));
}

static size_t remove_matching(struct mtd_spec *s, const struct mtd_port *wanted)
{
    size_t kept = 0, found = s->n_ports;
    for (size_t i = 0; i < s->n_ports; i++)
        if (net_port_matches(&s->ports[i], wanted))
            free(s->ports[i].address);
        else
            s->ports[kept++] = s->ports[i];
    s->n_ports = kept;
    return found - kept;
}

/* "80", or "8000-9000:80", of which the one that is published was chosen. */
static bool may_have_become(const struct mtd_port *p, unsigned host)
{
    return p->host == 0 || (p->host_last && host >= p->host && host <= p->host_last);
}

/* One that was to be any has the number that was chosen: "8080:80" is then "80". */
static void remove_from_spec(struct mtd_spec *s, const struct mtd_port *wanted)
{
    struct mtd_port any = *wanted;
    any.host = 0;
    if (remove_matching(s, wanted) == 0 && any.target)
        for (size_t i = s->n_ports; i-- > 0;)
            if (may_have_become(&s->ports[i], wanted->host) &&
                net_port_matches(&s->ports[i], &any)) {
                remove_at(s, i);
                return;
            }
}

static int unpublish(struct mtd_record *r, const struct mtd_update *u, bool live,
                     struct mtd_error *err)
{
    char text[NET_PORT_TEXT];
    int rc = live ? net_unpublish(r, u->publish_rm, u->n_publish_rm, err) : 0;
    for (size_t i = 0; i < u->n_publish_rm && rc == 0; i++) {
        if (live)
            remove_from_spec(&r->spec, &u->publish_rm[i]);
        else if (remove_matching(&r->spec, &u->publish_rm[i]) == 0)
            return mtd_fail(err, ENOENT, "container %.80s does not publish port %s",
                            r->name, net_port_text(&u->publish_rm[i], text));
    }
    return rc;
}

static bool is_taken(const struct mtd_spec *s, const struct mtd_port *p)
{
    const struct mtd_port same = {.address = p->address, .host = p->host, .udp = p->udp};
    for (size_t i = 0; i < s->n_ports && p->host && !p->host_last; i++)
        if (net_port_matches(&s->ports[i], &same))
            return true;
    return false;
}

static int publish_in_spec(struct mtd_record *r, const struct mtd_update *u,
                           struct mtd_error *err)
{
    char text[NET_PORT_TEXT];
    for (size_t i = 0; i < u->n_publish_add; i++) {
        const struct mtd_port *p = &u->publish_add[i];
        if (is_taken(&r->spec, p))
            return mtd_fail(err, EEXIST,
                            "port %s is already published by container %.80s",
                            net_port_text(p, text), r->name);
        if (mtd_ports_add(p, &r->spec.ports, &r->spec.n_ports) < 0)
            return mtd_fail(err, ENOMEM, "out of memory");
    }
    return 0;
}

int api_change_ports(struct mtd_engine *e, struct mtd_record *r,
                     const struct mtd_update *u, bool live, struct net_held *held,
                     struct mtd_error *err)
{
    struct mtd_port *had = NULL;
    size_t n = 0;
    int rc = 0;
    if (r->spec.network != MTD_NET_BRIDGE)
        return mtd_fail(err, EINVAL,
                        "container %.80s publishes no ports in its network mode %s",
                        r->name, mtd_network_word(r->spec.network));
    rc = net_check_ports(u->publish_add, u->n_publish_add, err);
    for (size_t i = 0; i < r->status.n_ports && rc == 0; i++)
        rc = mtd_ports_add(&r->status.ports[i], &had, &n);
    if (rc == 0 && live)
        rc = container_begin_network_change(e, r->id);
    if (rc < 0)
        mtd_fail_errno(err, -rc, "cannot change the ports of container %.80s", r->name);
    if (rc == 0)
        rc = unpublish(r, u, live, err);
    (void)fault_point("update.unpublished");
    if (rc == 0)
        rc = publish_in_spec(r, u, err);
    if (rc == 0 && live && u->n_publish_add)
        rc = net_publish(&e->store, r, u->publish_add, u->n_publish_add, had, n, held,
                         err);
    (void)fault_point("update.published");
    mtd_ports_done(&had, &n);
    return rc;
}
