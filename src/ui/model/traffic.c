/* What was not read this time has ended, or left the network, and is forgotten. The flows are in
 * the order of container and network: a screen looks up each of them at every reading. */
#include "ui/model/traffic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static double rate(uint64_t now, uint64_t before, double seconds)
{
    return now < before || seconds <= 0 ? -1 : (double)(now - before) / seconds;
}

static int compare(const void *a, const void *b)
{
    const struct flow *x = a, *y = b;
    int order = strcmp(x->id, y->id);
    return order ? order : strcmp(x->network, y->network);
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
    if (fresh.len)
        qsort(fresh.flows, fresh.len, sizeof(*fresh.flows), compare);
    traffic_done(t);
    *t = fresh;
}

const struct flow *traffic_find(const struct traffic *t, const char *id,
                                const char *network)
{
    struct flow key = {.network = (char *)network};
    snprintf(key.id, sizeof(key.id), "%s", id);
    return t->len ? bsearch(&key, t->flows, t->len, sizeof(key), compare) : NULL;
}

void traffic_done(struct traffic *t)
{
    for (size_t i = 0; i < t->len; i++)
        free(t->flows[i].network);
    free(t->flows);
    *t = (struct traffic){0};
}
