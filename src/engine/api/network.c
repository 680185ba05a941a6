/* Networks, and containers that join and leave them while they run. The record is written after
 * the kernel has been asked: what was refused is not recorded. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "engine/api/internal.h"
#include "engine/archive/hash.h"
#include "engine/net/net.h"
#include "engine/store/events.h"

int mtd_network_inspect(struct mtd_engine *e, const char *name, struct mtd_net *ret,
                        struct mtd_error *err)
{
    return net_load(&e->store, name, ret, err);
}

void mtd_endpoint_id(const char *container, const char *network, char ret[MTD_ID_SIZE])
{
    char both[2 * MTD_ID_SIZE];
    int len = snprintf(both, sizeof(both), "%s/%s", container, network);
    archive_hash(both, (size_t)len, ret);
}

int mtd_network_list(struct mtd_engine *e, struct mtd_net_list *ret,
                     struct mtd_error *err)
{
    return net_list(&e->store, ret, err);
}

/* With docker's attributes. */
static void note(struct mtd_engine *e, const char *action, const struct mtd_net *n,
                 const char *container)
{
    const struct event_attribute more[] = {{container ? "container" : NULL, container},
                                           {NULL, NULL}};
    struct event v = {.type = "network",
                      .action = action,
                      .id = n->id,
                      .name = n->name,
                      .exit_code = -1,
                      .attribute = {"type", mtd_net_driver_word(n->driver)},
                      .more = more};
    events_append(e->store.root_fd, &v);
}

int mtd_network_create(struct mtd_engine *e, struct mtd_net *n, struct mtd_error *err)
{
    bool fresh = e->store.root_fd < 0;
    int rc = fresh ? net_check_name(n->name, err) : 0;
    if (rc == 0 && fresh)
        rc = container_make_roots(e, err);
    if (rc == 0)
        rc = net_create(&e->store, n, err);
    if (rc == 0)
        note(e, "create", n, NULL);
    return rc;
}

int mtd_network_check(struct mtd_engine *e, struct mtd_net *n, struct mtd_error *err)
{
    return net_check(&e->store, n, err);
}

int mtd_port_check(struct mtd_engine *e, const struct mtd_port *p, struct mtd_error *err)
{
    return net_check_port(&e->store, p, err);
}

/* With one network only there is nothing to be told apart. */
int mtd_network_traffic(const struct mtd_summary *s, const char *network,
                        struct mtd_traffic *ret)
{
    const char *address = NULL;
    size_t len = strlen(network);
    for (size_t i = s->addresses.len; i-- > 0;)
        if (strncmp(s->addresses.items[i], network, len) == 0 &&
            s->addresses.items[i][len] == ' ')
            address = s->addresses.items[i] + len + 1;
    if (s->pid <= 0 || !address)
        return -ENOENT;
    ret->taken_at = clock_mono_ns();
    return net_traffic(s->pid, s->networks.len > 1 ? address : NULL, &ret->rx, &ret->tx);
}

int mtd_ports_heard(const struct mtd_record *r, bool *heard)
{
    return net_heard(&r->status, heard);
}

/* A stopped container that is to start on it would not start any more. */
static int check_wanted(struct mtd_engine *e, const struct mtd_net *n,
                        struct mtd_error *err)
{
    auto_done(mtd_list_done) struct mtd_list l = {0};
    int rc = store_list(&e->store, &l, err);
    for (size_t i = 0; i < l.len && rc == 0; i++)
        if (strv_contains(&l.items[i].networks, n->name) &&
            l.items[i].network == MTD_NET_BRIDGE)
            return mtd_fail(err, EBUSY,
                            "network %.80s is in use by container %.80s; remove that, or "
                            "disconnect it",
                            n->name, l.items[i].name);
    return rc;
}

int mtd_network_remove(struct mtd_engine *e, const char *name, struct mtd_error *err)
{
    auto_done(mtd_net_done) struct mtd_net n = {0};
    bool mode = strcmp(name, "host") == 0 || strcmp(name, "none") == 0;
    int rc = mode ? 0 : net_load(&e->store, name, &n, err);
    if (rc == 0 && (mode || strcmp(n.name, MTD_NET_DEFAULT) == 0))
        return mtd_fail(err, EPERM,
                        "network %s is a pre-defined network and cannot be "
                        "removed",
                        mode ? name : n.name);
    if (rc == 0)
        rc = check_wanted(e, &n, err);
    if (rc == 0)
        rc = net_remove(&e->store, &n, err);
    if (rc == 0)
        note(e, "destroy", &n, NULL);
    return rc;
}

/* Also what was done to interfaces of living containers: their bridge may be another one now. */
int mtd_network_reload(struct mtd_engine *e, struct mtd_error *err)
{
    auto_done(mtd_list_done) struct mtd_list l = {0};
    int rc = net_restore(&e->store, err);
    if (rc == 0)
        rc = store_list(&e->store, &l, err);
    for (size_t i = 0; i < l.len && rc == 0; i++)
        if (l.items[i].network == MTD_NET_BRIDGE && mtd_state_is_live(l.items[i].state))
            (void)container_settle_id(e, l.items[i].id);
    return rc;
}

void mtd_network_obstacles(struct mtd_engine *e, const char *network,
                           void (*tell)(const char *network, const char *text, void *arg),
                           void *arg)
{
    net_each_obstacle(&e->store, network, tell, arg);
}

/* ---- containers ---- */

static int load(struct mtd_engine *e, const char *ref, struct mtd_record *r, int *lock,
                struct mtd_error *err)
{
    int rc = container_load(e, ref, r, lock, err);
    if (rc == 0 && r->spec.network != MTD_NET_BRIDGE)
        return mtd_fail(err, EINVAL,
                        "container %.80s cannot be on a network beside its mode %s",
                        r->name, mtd_network_word(r->spec.network));
    return rc;
}

static int find_join(const struct mtd_spec *s, const char *network)
{
    for (size_t i = 0; i < s->n_joins; i++)
        if (strcmp(s->joins[i].network, network) == 0)
            return (int)i;
    return -ENOENT;
}

static int copy_text(char **ret, const char *text)
{
    *ret = text ? strdup(text) : NULL;
    return text && !*ret ? -ENOMEM : 0;
}

static int add_join(struct mtd_spec *s, const struct mtd_join *j, const char *network)
{
    struct mtd_join *more = realloc(s->joins, (s->n_joins + 1) * sizeof(*more));
    if (!more)
        return -ENOMEM;
    s->joins = more;
    struct mtd_join *to = &more[s->n_joins++];
    *to = (struct mtd_join){0};
    int rc = copy_text(&to->network, network);
    if (rc == 0)
        rc = copy_text(&to->address, j->address);
    if (rc == 0)
        rc = copy_text(&to->address6, j->address6);
    if (rc == 0)
        rc = copy_text(&to->mac, j->mac);
    if (rc == 0)
        rc = copy_text(&to->ifname, j->ifname);
    if (rc == 0)
        rc = strv_copy(&to->link_locals, &j->link_locals);
    to->gw_priority = j->gw_priority;
    return rc < 0 ? rc : strv_copy(&to->aliases, &j->aliases);
}

/* What was refused, or not recorded, is undone; what has been is told to the monitor. */
void api_end_network_change(struct mtd_engine *e, const struct mtd_record *r, int rc,
                            bool ports, const struct net_held *held)
{
    static const struct net_held NONE;
    auto_done(mtd_record_done) struct mtd_record old;
    mtd_record_init(&old);
    if (rc < 0 && store_load(&e->store, r->id, &old, NULL) == 0)
        container_settle_network(e, &old, &NONE);
    else if (ports)
        container_tell_network(e, r->id, held);
    net_change_end(&e->store, r->id);
}

static int connect_live(struct mtd_engine *e, struct mtd_record *r, struct net_held *held,
                        struct mtd_error *err)
{
    auto_fd int ns = container_open_network(r, err);
    if (ns < 0)
        return ns;
    (void)container_begin_network_change(e, r->id);
    return net_join(&e->store, r, &r->spec.joins[r->spec.n_joins - 1], ns, held, err);
}

int mtd_network_connect(struct mtd_engine *e, const char *ref, const struct mtd_join *j,
                        struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(mtd_net_done) struct mtd_net n = {0};
    auto_done(net_held_done) struct net_held held = {0};
    auto_fd int lock = -1;
    mtd_record_init(&r);
    int rc = net_load(&e->store, j->network, &n, err);
    if (rc == 0)
        rc = load(e, ref, &r, &lock, err);
    if (rc == 0 && find_join(&r.spec, n.name) >= 0)
        return mtd_fail(err, EEXIST, "container %.80s is already on network %.80s",
                        r.name, n.name);
    if (rc == 0)
        rc = net_check_join(&e->store, j, err);
    if (rc < 0)
        return rc;
    if (add_join(&r.spec, j, n.name) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    bool live = mtd_state_is_live(r.status.state);
    if (live)
        rc = connect_live(e, &r, &held, err);
    (void)fault_point("connect.record");
    if (rc == 0)
        rc = store_save(&e->store, &r, true, err);
    (void)fault_point("connect.recorded");
    if (live)
        api_end_network_change(e, &r, rc, held.n > 0, &held);
    if (rc == 0)
        note(e, "connect", &n, r.id);
    return rc;
}

static void remove_join(struct mtd_spec *s, size_t i)
{
    struct mtd_join *gone = malloc(sizeof(*gone));
    size_t one = 1;
    if (!gone)
        return;
    *gone = s->joins[i];
    memmove(s->joins + i, s->joins + i + 1, (--s->n_joins - i) * sizeof(*gone));
    mtd_joins_done(&gone, &one);
}

/* One that waits to be started again has no interface, but addresses, names and ports. */
static int leave(struct mtd_engine *e, struct mtd_record *r, bool live,
                 const char *network, struct mtd_error *err)
{
    auto_fd int ns = live ? container_open_network(r, err) : -1;
    if (live && ns < 0)
        return ns;
    (void)container_begin_network_change(e, r->id);
    for (size_t i = 0; i < r->status.n_endpoints; i++)
        if (strcmp(r->status.endpoints[i].network, network) == 0)
            return net_leave(&e->store, r, i, ns, err);
    return 0;
}

int mtd_network_disconnect(struct mtd_engine *e, const char *name, const char *ref,
                           struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(mtd_net_done) struct mtd_net n = {0};
    auto_fd int lock = -1;
    mtd_record_init(&r);
    int rc = net_load(&e->store, name, &n, err);
    if (rc == 0)
        rc = load(e, ref, &r, &lock, err);
    int at = rc < 0 ? rc : find_join(&r.spec, n.name);
    if (rc == 0 && at < 0)
        return mtd_fail(err, ENOENT, "container %.80s is not on network %.80s", r.name,
                        n.name);
    if (rc < 0)
        return rc;
    bool live = mtd_state_is_live(r.status.state), ports = r.status.n_ports > 0;
    bool holds = live || (r.status.n_endpoints && container_has_monitor(e, r.id));
    if (holds)
        rc = leave(e, &r, live, n.name, err);
    (void)fault_point("disconnect.record");
    if (rc == 0) {
        remove_join(&r.spec, (size_t)at);
        rc = store_save(&e->store, &r, true, err);
    }
    (void)fault_point("disconnect.recorded");
    if (holds)
        api_end_network_change(e, &r, rc, ports, &(struct net_held){0});
    if (rc == 0)
        note(e, "disconnect", &n, r.id);
    return rc;
}
