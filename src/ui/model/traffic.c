/* What was not read this time has ended, or left the network, and is forgotten. */
#include "ui/model/traffic.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static double rate(uint64_t now, uint64_t before, double seconds)
{
    return now < before || seconds <= 0 ? -1 : (double)(now - before) / seconds;
}

static int add(struct traffic *t, const struct flow *f)
{
    struct flow *more = reallocarray(t->flows, t->len + 1, sizeof(*more));
    if (!more)
        return -1;
    t->flows = more;
    t->flows[t->len++] = *f;
    return 0;
}

static void read_one(struct traffic *t, const struct traffic *old,
                     const struct mtd_summary *s, const char *network, traffic_fn *read)
{
    struct flow f = {.in = -1, .out = -1};
    const struct flow *before = traffic_find(old, s->id, network);
    if (read(s, network, &f.last) < 0)
        return;
    if (before) {
        double dt = (double)(f.last.taken_at - before->last.taken_at) / NS_PER_SEC;
        f.in = rate(f.last.rx, before->last.rx, dt);
        f.out = rate(f.last.tx, before->last.tx, dt);
    }
    memcpy(f.id, s->id, sizeof(f.id));
    f.network = strdup(network);
    if (!f.network || add(t, &f) < 0)
        free(f.network);
}

void traffic_read(struct traffic *t, const struct mtd_list *l, const char *network,
                  traffic_fn *read)
{
    struct traffic fresh = {0};
    for (size_t i = 0; i < l->len; i++) {
        const struct mtd_summary *s = &l->items[i];
        for (size_t k = 0; mtd_state_is_live(s->state) && k < s->networks.len; k++)
            if (!network || strcmp(network, s->networks.items[k]) == 0)
                read_one(&fresh, t, s, s->networks.items[k], read);
    }
    traffic_done(t);
    *t = fresh;
}

const struct flow *traffic_find(const struct traffic *t, const char *id,
                                const char *network)
{
    for (size_t i = 0; i < t->len; i++)
        if (strcmp(t->flows[i].id, id) == 0 && strcmp(t->flows[i].network, network) == 0)
            return &t->flows[i];
    return NULL;
}

void traffic_done(struct traffic *t)
{
    for (size_t i = 0; i < t->len; i++)
        free(t->flows[i].network);
    free(t->flows);
    *t = (struct traffic){0};
}
