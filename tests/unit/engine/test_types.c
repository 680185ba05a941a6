#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/types.h"

Test(types, every_state_has_a_name_that_parses)
{
    for (int i = 0; i < MTD_STATE_COUNT; i++) {
        enum mtd_state back = MTD_STATE_COUNT;
        cr_expect_eq(mtd_state_parse(mtd_state_name((enum mtd_state)i), &back), 0);
        cr_expect_eq((int)back, i);
    }
    enum mtd_state s = MTD_STATE_DEAD;
    cr_expect_eq(mtd_state_parse("Running", &s), -EINVAL);
    cr_expect_eq(s, MTD_STATE_DEAD);
    cr_expect_str_eq(mtd_state_name(MTD_STATE_COUNT), "?");
}

Test(types, every_stage_has_a_name)
{
    for (int i = MTD_STAGE_CLAIM; i < MTD_STAGE_COUNT; i++)
        cr_expect(mtd_stage_name((enum mtd_stage)i)[0] != '\0', "stage %d", i);
    cr_expect_str_eq(mtd_stage_name(MTD_STAGE_COUNT), "?");
}

Test(types, a_new_spec_has_the_documented_defaults)
{
    struct mtd_spec s;
    mtd_spec_init(&s);
    cr_expect_eq(s.process.caps, MTD_CAPS_DEFAULT);
    cr_expect_eq(s.stop_timeout, 10);
    cr_expect_eq(s.stop_signal, 0);
    cr_expect_eq(s.network, MTD_NET_NONE);
    cr_expect_eq(s.restart, MTD_RESTART_NO);
    cr_expect_eq(s.log_max_file, 1);
    cr_expect_eq(s.health_interval, 30000000000);
    cr_expect_eq(s.health_timeout, 30000000000);
    cr_expect_eq(s.health_retries, 3);
    mtd_spec_done(&s);
}

Test(types, done_may_be_called_twice)
{
    struct mtd_record r;
    mtd_record_init(&r);
    r.name = strdup("x");
    strv_add(&r.spec.process.args, "a");
    r.spec.mounts = calloc(1, sizeof(*r.spec.mounts));
    r.spec.n_mounts = 1;
    r.spec.mounts[0].target = strdup("/x");
    mtd_record_done(&r);
    mtd_record_done(&r);
    cr_expect_null(r.name);
    cr_expect_eq(r.spec.n_mounts, 0);
}
