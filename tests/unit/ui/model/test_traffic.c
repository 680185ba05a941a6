#include "ui/model/traffic.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define MANY 50

static int64_t now;

/* Each container and network its own: the number in the id, 1000 more for "b". */
static int figures(const struct mtd_summary *s, const char *network,
                   struct mtd_traffic *ret)
{
    uint64_t own = strtoull(s->id, NULL, 10) + (network[0] == 'b' ? 1000 : 0);
    *ret = (struct mtd_traffic){
        .taken_at = now, .rx = own * (uint64_t)(now / NS_PER_SEC), .tx = 0};
    return 0;
}

Test(traffic, each_is_found_whatever_the_order_of_the_list)
{
    struct mtd_summary items[MANY] = {0};
    struct mtd_list l = {.items = items, .len = MANY};
    auto_done(traffic_done) struct traffic t = {0};
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(items[i].id, sizeof(items[i].id), "%u", (i * 37 + 11) % MANY);
        items[i].state = MTD_STATE_RUNNING;
        strv_add(&items[i].networks, i % 2 ? "a" : "b");
        strv_add(&items[i].networks, i % 2 ? "b" : "a");
    }
    for (now = NS_PER_SEC; now <= 2 * NS_PER_SEC; now += NS_PER_SEC)
        traffic_read(&t, &l, NULL, figures);
    cr_assert_eq(t.len, 2 * MANY);
    for (unsigned i = 0; i < MANY; i++)
        for (unsigned b = 0; b < 2; b++) {
            const struct flow *f = traffic_find(&t, items[i].id, b ? "b" : "a");
            cr_assert_not_null(f, "%s", items[i].id);
            cr_expect_eq((unsigned)f->in, strtoul(items[i].id, NULL, 10) + 1000 * b);
        }
    cr_expect_null(traffic_find(&t, "77", "a"));
    cr_expect_null(traffic_find(&t, "7", "c"));
    for (unsigned i = 0; i < MANY; i++)
        strv_done(&items[i].networks);
}
