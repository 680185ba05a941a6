/* kernel_files: what is hidden, what a container's words change, where something may be
 * mounted. */

#include "engine/kernel_files.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tempdir.h"

static struct mtd_spec spec;

static void set_up(void)
{
    mtd_spec_init(&spec);
}

static void tear_down(void)
{
    mtd_spec_done(&spec);
}

TestSuite(kernel_files, .init = set_up, .fini = tear_down);

static void expect_masked(const char *sys, bool is, const char *path)
{
    struct strv paths = {0};
    cr_assert_eq(mtd_masked_paths(&spec, sys, &paths), 0);
    cr_assert_eq(mtd_readonly_paths(&spec, &paths), 0);
    cr_expect_eq(strv_contains(&paths, path), is, "%s", path);
    strv_done(&paths);
}

Test(kernel_files, what_is_hidden_is_dockers_list)
{
    static const char *const PATHS[] = {
        "/proc/acpi",       "/proc/asound",       "/proc/interrupts",
        "/proc/kcore",      "/proc/keys",         "/proc/latency_stats",
        "/proc/timer_list", "/proc/timer_stats",  "/proc/sched_debug",
        "/proc/scsi",       "/sys/firmware",      "/sys/devices/virtual/powercap",
        "/proc/bus",        "/proc/fs",           "/proc/irq",
        "/proc/sys",        "/proc/sysrq-trigger"};
    for (size_t i = 0; i < sizeof(PATHS) / sizeof(PATHS[0]); i++)
        expect_masked("/nowhere", true, PATHS[i]);
    spec.process.privileged = true;
    for (size_t i = 0; i < sizeof(PATHS) / sizeof(PATHS[0]); i++)
        expect_masked("/nowhere", false, PATHS[i]);
}

#define THROTTLE(n) "/devices/system/cpu/cpu" #n "/thermal_throttle"

Test(kernel_files, each_cpus_throttling_is_hidden)
{
    struct tempdir tmp;
    tempdir_make(&tmp);
    tempdir_put(&tmp, THROTTLE(0) "/core_throttle_count" + 1, "0");
    expect_masked(tmp.path, true, "/sys" THROTTLE(0));
    expect_masked("/nowhere", false, "/sys" THROTTLE(0));
    tempdir_done(&tmp);
}

Test(kernel_files, words_change_what_is_hidden)
{
    cr_assert_eq(mtd_unmask_add(&spec.unmask, "/proc/k*:/proc/sys", NULL), 0);
    cr_assert_eq(mtd_mask_add(&spec.mask, "/a:/proc/kcore/x", NULL), 0);
    expect_masked("/nowhere", false, "/proc/kcore");
    expect_masked("/nowhere", false, "/proc/keys");
    expect_masked("/nowhere", false, "/proc/sys");
    expect_masked("/nowhere", true, "/proc/sysrq-trigger");
    expect_masked("/nowhere", true, "/proc/kcore/x");
    cr_assert_eq(mtd_unmask_add(&spec.unmask, "all", NULL), 0);
    expect_masked("/nowhere", false, "/proc/sysrq-trigger");
    expect_masked("/nowhere", true, "/a");
}

Test(kernel_files, words_are_absolute_paths)
{
    static const char *const BAD[] = {"", "a", "/a:b", "/a:", "ALL", "./a"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct mtd_error err = {0};
        cr_expect_eq(mtd_mask_add(&spec.mask, BAD[i], &err), -EINVAL, "%s", BAD[i]);
        cr_expect(strstr(err.text, "not an absolute path"), "%s", err.text);
    }
    cr_expect_eq(mtd_unmask_add(&spec.unmask, "/a:x", NULL), -EINVAL);
}

Test(kernel_files, nothing_is_mounted_on_the_kernels_files)
{
    static const struct {
        const char *target;
        bool image, user;
    } MAY[] = {
        {"/data", true, true},
        {"/process", true, true},
        {"/system/x", true, true},
        {"/device", true, true},
        {"/proc", false, false},
        {"/proc/1", false, false},
        {"/proc/version", false, false},
        {"/proc/cpuinfo", false, true},
        {"/proc/uptime", false, true},
        {"/proc/sys/kernel/ns_last_pid", false, true},
        {"/proc/sys/kernel", false, false},
        {"/sys", false, true},
        {"/sys/fs/cgroup", false, true},
        {"/dev", false, true},
        {"/dev/shm/x", false, true},
        {"/", false, false},
        {"data", false, false},
    };
    for (size_t i = 0; i < sizeof(MAY) / sizeof(MAY[0]); i++) {
        cr_expect_eq(mtd_mount_target_check(MAY[i].target, true, NULL) == 0, MAY[i].image,
                     "an image on %s", MAY[i].target);
        cr_expect_eq(mtd_mount_target_check(MAY[i].target, false, NULL) == 0, MAY[i].user,
                     "a user on %s", MAY[i].target);
    }
    cr_expect_eq(mtd_mount_target_check(NULL, false, NULL), -EINVAL);
}
