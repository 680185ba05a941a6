#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "engine/types.h"

Test(types, names_have_one_rule_and_one_wording)
{
    char name[260] = "";
    struct mtd_error err = {0};
    memset(name, 'a', 255);
    cr_expect_eq(mtd_name_check(name, &err), 0);
    name[255] = 'a';
    cr_expect_eq(mtd_name_check(name, NULL), -EINVAL);
    static const char *const GOOD[] = {"a", "0", "Web-1", "A.b_c", "a-"};
    static const char *const BAD[] = {"",   "-a",  ".a",  "_a",
                                      "/a", "a/b", "a b", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
        cr_expect_eq(mtd_name_check(GOOD[i], &err), 0, "%s", GOOD[i]);
        cr_expect_eq(mtd_volume_name_check(GOOD[i], &err), 0, "%s", GOOD[i]);
    }
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        cr_expect_eq(mtd_name_check(BAD[i], NULL), -EINVAL, "%s", BAD[i]);
        cr_expect_eq(mtd_volume_name_check(BAD[i], NULL), -EINVAL, "%s", BAD[i]);
    }
    mtd_name_check("a b", &err);
    cr_expect_str_eq(err.text, "invalid container name \"a b\"; use "
                               "[a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 255 characters");
    mtd_error_clear(&err);
    mtd_volume_name_check("a b", &err);
    cr_expect_str_eq(err.text,
                     "invalid volume name \"a b\"; use "
                     "[a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 255 characters; a host "
                     "path begins with / or .");
}

Test(types, one_slash_in_front_of_a_name_is_not_the_names)
{
    cr_expect_str_eq(mtd_name_bare("/web"), "web");
    cr_expect_str_eq(mtd_name_bare("web"), "web");
    cr_expect_str_eq(mtd_name_bare("//web"), "/web");
    cr_expect_str_eq(mtd_name_bare("/"), "");
    cr_expect_null(mtd_name_bare(NULL));
}

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

Test(types, live_has_processes_and_active_has_a_monitor)
{
    for (int i = 0; i < MTD_STATE_COUNT; i++) {
        enum mtd_state s = (enum mtd_state)i;
        bool live = s == MTD_STATE_RUNNING || s == MTD_STATE_PAUSED;
        cr_expect_eq(mtd_state_is_live(s), live, "%s", mtd_state_name(s));
        cr_expect_eq(mtd_state_is_active(s), live || s == MTD_STATE_RESTARTING, "%s",
                     mtd_state_name(s));
    }
}

Test(types, capability_names)
{
    uint64_t cap;
    cr_assert_eq(mtd_cap_parse("CHOWN", &cap, NULL), 0);
    cr_assert_eq(cap, 1);
    cr_assert_eq(mtd_cap_parse("cap_net_admin", &cap, NULL), 0);
    cr_assert_eq(cap, 1u << 12);
    cr_assert_eq(mtd_cap_parse("CAP_CHECKPOINT_RESTORE", &cap, NULL), 0);
    cr_assert_eq(cap, 1ull << 40);
    cr_assert_eq(mtd_cap_parse("all", &cap, NULL), 0);
    cr_assert_eq(cap, MTD_CAPS_ALL);
    static const char *const BAD[] = {"", "CAP_", "NET", "CAP_CAP_CHOWN", "CHOWN ", "12"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        cr_expect_eq(mtd_cap_parse(BAD[i], &cap, NULL), -EINVAL, "%s", BAD[i]);
    cr_assert_str_eq(mtd_cap_name(21), "CAP_SYS_ADMIN");
    cr_assert_null(mtd_cap_name(41));
    cr_assert_null(mtd_cap_name(-1));
}

Test(types, dockers_default_capabilities)
{
    static const char *const NAMES[] = {
        "CHOWN",  "DAC_OVERRIDE", "FSETID",           "FOWNER",     "MKNOD",
        "SETGID", "SETUID",       "SETFCAP",          "SETPCAP",    "NET_RAW",
        "KILL",   "SYS_CHROOT",   "NET_BIND_SERVICE", "AUDIT_WRITE"};
    uint64_t all = 0, cap;
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        cr_assert_eq(mtd_cap_parse(NAMES[i], &cap, NULL), 0);
        all |= cap;
    }
    cr_assert_eq(all, MTD_CAPS_DEFAULT);
}

Test(types, a_new_spec_has_the_documented_defaults)
{
    struct mtd_spec s;
    mtd_spec_init(&s);
    cr_expect_eq(s.process.caps, MTD_CAPS_DEFAULT);
    cr_expect_eq(s.stop_timeout, 10);
    cr_expect_null(s.stop_signal);
    cr_expect_eq(mtd_stop_signal(&s), SIGTERM);
    cr_expect_eq(s.network, MTD_NET_NONE);
    cr_expect_eq(s.restart, MTD_RESTART_NO);
    cr_expect_eq(s.log_max_file, 1);
    cr_expect_eq(s.healthcheck.interval, 0);
    cr_expect_eq(s.healthcheck.timeout, 0);
    cr_expect_eq(s.healthcheck.retries, 0);
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
