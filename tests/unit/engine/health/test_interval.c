/* health_interval: more often in the start period, as docker does. */

#include "engine/health/health.h"

#include <criterion/criterion.h>

#include "base/clock.h"

#define S(n) ((n) * (int64_t)NS_PER_SEC)

Test(health, waits_less_while_it_starts)
{
    struct mtd_spec s = {.healthcheck.interval = S(60)};
    cr_expect_eq(health_interval(&s, true), S(5));
    cr_expect_eq(health_interval(&s, false), S(60));
    s.healthcheck.start_interval = S(7);
    cr_expect_eq(health_interval(&s, true), S(7));
    s = (struct mtd_spec){.healthcheck.interval = S(1)};
    cr_expect_eq(health_interval(&s, true), S(1), "never longer");
    s.healthcheck.interval = 0;
    cr_expect_eq(health_interval(&s, false), S(30));
}
