/* Networks: the table, bridges, interfaces, addresses and published ports against the records; and what
 * other programs' rules do to them, which only their owner can repair. */

#include "engine/check/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

static int restore(struct mtd_engine *e, const struct finding *f)
{
    (void)f;
    return net_restore(&e->store, NULL);
}

static int settle(struct mtd_engine *e, const struct finding *f)
{
    return container_settle_id(e, f->id) ? 0 : -EAGAIN;
}

static int forget(struct mtd_engine *e, const struct finding *f)
{
    auto_fd int lock = store_try_lock(&e->store, f->id, NULL);
    if (lock == -EAGAIN || container_has_monitor(e, f->id))
        return -EAGAIN;
    net_forget(&e->store, f->id);
    return 0;
}

static void take_fault(enum net_fault fault, const char *id, const char *object,
                       const char *text, void *arg)
{
    static const repair_fn REPAIRS[] = {[NET_FAULT_HOST] = restore,
                                        [NET_FAULT_CONTAINER] = settle,
                                        [NET_FAULT_STRAY] = forget,
                                        [NET_FAULT_ELSEWHERE] = NULL};
    check_add(arg, *id ? id : NULL, object, REPAIRS[fault], "%s", text);
}

static void take_obstacle(const char *network, const char *text, void *arg)
{
    check_add(arg, NULL, network, NULL, "network %s: %s", network, text);
}

void check_network_of(struct check *c, const struct mtd_record *r)
{
    net_verify_one(&c->e->store, r, take_fault, c);
    if (!net_is_here(&r->status))
        return;
    for (size_t i = 0; i < r->status.n_endpoints; i++)
        if (!strv_contains(&c->networks, r->status.endpoints[i].network)) {
            (void)strv_add(&c->networks, r->status.endpoints[i].network);
            net_each_obstacle(&c->e->store, r->status.endpoints[i].network, take_obstacle,
                              c);
        }
}

void check_networks(struct check *c)
{
    net_verify(&c->e->store, take_fault, c);
}
