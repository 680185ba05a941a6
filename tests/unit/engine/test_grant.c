/* grant: what the texts of devices, rules and kernel parameters mean. */

#include "engine/grant.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "tempdir.h"

static void expect_device(const char *text, const char *source, const char *target,
                          const char *access)
{
    struct mtd_device d;
    cr_assert_eq(mtd_device_parse(text, &d, NULL), 0, "%s", text);
    cr_expect_str_eq(d.source, source, "%s", text);
    cr_expect_str_eq(d.target, target, "%s", text);
    cr_expect_str_eq(d.access, access, "%s", text);
}

Test(grant, a_device_is_host_container_access)
{
    expect_device("/dev/fuse", "/dev/fuse", "/dev/fuse", "rwm");
    expect_device("/dev/a:/dev/b", "/dev/a", "/dev/b", "rwm");
    expect_device("/dev/a:r", "/dev/a", "/dev/a", "r");
    expect_device("/dev/a:/dev/b:mr", "/dev/a", "/dev/b", "mr");
    static const char *const BAD[] = {"",          "/dev/a:",      "/dev/a:/dev/b:",
                                      ":/dev/b",   "a:/dev/b",     "/dev/a:b",
                                      "/dev/a:rr", "/dev/a:/b:rx", "/dev/a:/dev/../etc/x",
                                      "/dev/a:/",  "/dev/a:/b:r:w"};
    struct mtd_device d;
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        cr_expect_eq(mtd_device_parse(BAD[i], &d, NULL), -EINVAL, "%s", BAD[i]);
}

struct seen {
    int n;
    char target[64];
    dev_t number;
};

static int note(const char *target, const struct stat *st, const char *access, void *arg,
                struct mtd_error *err)
{
    struct seen *s = arg;
    (void)access, (void)err;
    s->n++;
    s->number = st->st_rdev;
    snprintf(s->target, sizeof(s->target), "%s", target);
    return 0;
}

Test(grant, a_device_is_looked_up_on_the_host)
{
    struct seen s = {0};
    struct mtd_error err = {0};
    cr_expect_eq(mtd_device_each("/dev/null:/dev/n", note, &s, NULL), 0);
    cr_expect(s.n == 1 && s.number == makedev(1, 3));
    cr_expect_str_eq(s.target, "/dev/n");
    cr_expect_eq(mtd_device_each("/dev/nosuch", note, &s, &err), -ENOENT);
    cr_expect_str_eq(err.text, "device /dev/nosuch: No such file or directory");
    cr_expect_eq(mtd_device_each("/etc/passwd", note, &s, NULL), -ENODEV);
}

/* A directory gives the devices in it, and below. */
Test(grant, a_directory_stands_for_its_devices)
{
    struct tempdir dir;
    struct seen s = {0};
    char text[256];
    tempdir_make(&dir);
    tempdir_put(&dir, "d/below/file", "");
    if (mknodat(dir.fd, "d/below/null", S_IFCHR | 0600, makedev(1, 3)) < 0) {
        tempdir_done(&dir);
        cr_skip("needs mknod");
    }
    snprintf(text, sizeof(text), "%s/d:/dev/x", dir.path);
    cr_expect_eq(mtd_device_each(text, note, &s, NULL), 0);
    cr_expect_eq(s.n, 1);
    cr_expect_str_eq(s.target, "/dev/x/below/null");
    tempdir_done(&dir);
}

Test(grant, a_rule_is_type_numbers_access)
{
    struct mtd_device_rule r;
    cr_assert_eq(mtd_device_rule_parse("c 189:* rwm", &r, NULL), 0);
    cr_expect(r.type == 'c' && r.major == 189 && r.minor == -1);
    cr_expect_str_eq(r.access, "rwm");
    cr_assert_eq(mtd_device_rule_parse("a *:7 m", &r, NULL), 0);
    cr_expect(r.type == 'a' && r.major == -1 && r.minor == 7);
    static const char *const BAD[] = {"",         "c",       "c 1",      "c 1:3",
                                      "x 1:3 r",  "c 1:3 x", "c 1:3 rr", "c -1:3 r",
                                      "c 1:3  r", "c  1:3 r"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        cr_expect_eq(mtd_device_rule_parse(BAD[i], &r, NULL), -EINVAL, "%s", BAD[i]);
}

Test(grant, only_parameters_with_a_namespace_of_its_own)
{
    struct mtd_spec own = {0}, hosts = {.network = MTD_NET_HOST,
                                        .ipc = MTD_IPC_HOST,
                                        .uts_host = true};
    static const char *const GOOD[] = {
        "net.core.somaxconn=1",  "net.ipv4.ip_forward=1", "kernel.shmmax=1",
        "kernel.sem=1 2 3 4",    "kernel.msgmax=1",       "fs.mqueue.msg_max=1",
        "kernel.domainname=x.y", "net/ipv4/conf/e.1/x=1", "kernel.shm_rmid_forced=1"};
    static const char *const BAD[] = {"kernel.panic=1",
                                      "vm.swappiness=1",
                                      "kernel.hostname=x",
                                      "net.=1",
                                      "kernel.shmmaxx=1",
                                      "net/../kernel/panic=1",
                                      "net..x=1",
                                      "net.core.somaxconn",
                                      "=1",
                                      ""};
    for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
        cr_expect_eq(mtd_sysctl_check(GOOD[i], &own, NULL), 0, "%s", GOOD[i]);
        cr_expect_eq(mtd_sysctl_check(GOOD[i], &hosts, NULL), -EINVAL, "%s", GOOD[i]);
    }
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        cr_expect_eq(mtd_sysctl_check(BAD[i], &own, NULL), -EINVAL, "%s", BAD[i]);
}

Test(grant, a_parameter_is_a_path)
{
    char path[64];
    cr_expect_str_eq(mtd_sysctl_split("net.ipv4.ip_forward=1=2", path, sizeof(path)),
                     "1=2");
    cr_expect_str_eq(path, "net/ipv4/ip_forward");
    cr_expect_str_eq(mtd_sysctl_split("net/ipv4/conf/e.1/x=", path, sizeof(path)), "");
    cr_expect_str_eq(path, "net/ipv4/conf/e.1/x");
}
