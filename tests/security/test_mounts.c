/* Nothing that an image or a shared volume prepares leads a mount, a mask or a file of ours
 * elsewhere. Each test makes the trap with the host's or the container's own means and then
 * starts a container in it. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/state.h"
#include "../support/stopped.h"
#include "base/buf.h"
#include "base/cleanup.h"

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(mounts, .init = set_up, .fini = tear_down, .timeout = 60);

/* An image "trap" of what the script has done as root, and of one word for commit. */
static void make_trap(const char *script, const char *change)
{
    free(ASK(&s, "run", "--name", "maker", "--cap-add", "SYS_ADMIN", "--security-opt",
             "seccomp=unconfined", "busybox", "sh", "-c", script));
    free(ASK(&s, "commit", "--change", change, "maker", "trap"));
    free(ASK(&s, "rm", "maker"));
}

static const char *below(char out[256], const char *name)
{
    snprintf(out, 256, "%s/%s", s.dir.path, name);
    return out;
}

/* The command fails with one line that has this in it, and nothing is left of it. */
static void expect_refused(const char *const args[], const char *why)
{
    auto_done(outcome_done) struct outcome o = state_run_input(&s, NULL, 0, args);
    int refused = strcmp(args[0], "create") == 0 ? 1 : 125; /* docker's statuses */
    cr_expect_eq(o.status, refused, "%s: status %d: %s", args[0], o.status, o.out);
    cr_expect(strstr(o.err, why), "not \"%s\": %s", why, o.err);
    char *end = strchr(o.err, '\n');
    cr_expect(end && end[1] == '\0', "not one line: %s", o.err);
    cr_expect_str_eq(state_leftovers(&s, false), "");
}
#define REFUSED(why, ...) expect_refused((const char *const[]){__VA_ARGS__, NULL}, why)

/* ---- targets ---- */

Test(mounts, an_image_has_no_volume_on_the_kernels_files)
{
    static const char *const TARGETS[] = {
        "/dev",       "/dev/x", "//proc",          "/./proc",   "/proc/sys/",
        "/x/../proc", "/sys",   "/sys/fs//cgroup", "/../dev/.", "/proc/self"};
    for (size_t i = 0; i < ARRAY_SIZE(TARGETS); i++) {
        char change[64];
        snprintf(change, sizeof(change), "VOLUME %s", TARGETS[i]);
        make_trap("true", change);
        REFUSED("kernel's", "run", "--rm", "trap", "true");
        REFUSED("kernel's", "create", "--name", "x", "trap", "true");
    }
}

/* Else its record could be written and not read. */
Test(mounts, an_image_has_no_more_volumes_than_a_record)
{
    auto_done(buf_done) struct buf change = {0};
    cr_assert_eq(buf_puts(&change, "VOLUME"), 0);
    for (int i = 0; i < 4097; i++)
        cr_assert_eq(buf_printf(&change, " /v/%d", i), 0);
    make_trap("true", change.data);
    REFUSED("mounts: 4097 of them", "run", "--rm", "trap", "true");
    REFUSED("mounts: 4097 of them", "create", "--name", "x", "trap", "true");
    auto_free char *volumes = ASK(&s, "volume", "ls", "-q");
    cr_expect_str_eq(volumes, "");
}

/* By links the image can give any name to them. */
Test(mounts, a_link_of_the_image_leads_no_mount_to_the_kernels_files)
{
    static const char *const LINKS[] = {"/proc", "../../proc/sys", "/sys/kernel",
                                        "/dev",  "/dev/shm",       "/dev/pts"};
    for (size_t i = 0; i < ARRAY_SIZE(LINKS); i++) {
        char script[128];
        snprintf(script, sizeof(script), "ln -s %s /link", LINKS[i]);
        make_trap(script, "VOLUME /link");
        REFUSED("a link of the image", "run", "--rm", "trap", "true");
        make_trap(script, "CMD true");
        REFUSED("a link of the image", "run", "--rm", "-v", "vol:/link", "trap");
        REFUSED("a link of the image", "run", "--rm", "--tmpfs", "/link/", "trap");
    }
    /* The links that every /dev has. */
    REFUSED("a link of the image", "run", "--rm", "-v", "/etc:/dev/fd", "busybox",
            "true");
}

Test(mounts, of_proc_a_user_may_replace_a_few_files)
{
    char volume[300], path[256];
    tempdir_put(&s.dir, "vol/file", "ours");
    static const char *const NO[] = {"/proc",          "/proc/1",   "/proc/version",
                                     "/proc/sys/fs",   "//proc/fs", "/proc/../proc/keys",
                                     "/proc/cpuinfo/x"};
    for (size_t i = 0; i < ARRAY_SIZE(NO); i++) {
        snprintf(volume, sizeof(volume), "%s:%s", below(path, "vol/file"), NO[i]);
        REFUSED("outside /proc", "run", "--rm", "-v", volume, "busybox", "true");
        REFUSED("outside /proc", "run", "--rm", "--tmpfs", NO[i], "busybox", "true");
    }
    snprintf(volume, sizeof(volume), "%s:/proc/cpuinfo", below(path, "vol/file"));
    auto_free char *got =
        ASK(&s, "run", "--rm", "-v", volume, "busybox", "cat", "/proc/cpuinfo");
    cr_expect_str_eq(got, "ours");
}

/* As in docker: it replaces what would be there by default. */
Test(mounts, a_users_mount_below_sys_is_not_covered)
{
    char volume[300], path[256];
    tempdir_put(&s.dir, "vol/file", "ours");
    snprintf(volume, sizeof(volume), "%s:/sys/fs/cgroup", below(path, "vol"));
    auto_free char *got =
        ASK(&s, "run", "--rm", "-v", volume, "busybox", "cat", "/sys/fs/cgroup/file");
    cr_expect_str_eq(got, "ours");
}

Test(mounts, dev_proc_and_sys_must_be_directories_of_the_image)
{
    char script[512], path[256];
    static const char *const NAMES[] = {"dev", "proc", "sys"};
    tempdir_put(&s.dir, "host/file", "untouched");
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++) {
        snprintf(script, sizeof(script),
                 "umount -l /%s && rmdir /%s && ln -s ../../../../../../..%s /%s",
                 NAMES[i], NAMES[i], below(path, "host"), NAMES[i]);
        make_trap(script, "CMD true");
        REFUSED(NAMES[i], "run", "--rm", "trap");
        cr_expect_eq(tempdir_count(s.dir.fd, "host"), 1, "%s: something was made",
                     NAMES[i]);
    }
}

/* ---- the files of ours in /etc ---- */

Test(mounts, files_in_etc_are_not_put_where_links_lead)
{
    make_trap(
        "cd /etc; umount -l hosts hostname resolv.conf; ln -sf /dev/null resolv.conf; ln -sf /proc/version hosts; "
        "ln -sf /sys/power/state hostname",
        "CMD true");
    auto_free char *got =
        ASK(&s, "run", "--rm", "-h", "box", "trap", "sh", "-c",
            "cat /etc/hostname; stat -c %t:%T /dev/null; grep -c localhost /etc/hosts; "
            "grep -c Linux /proc/version; [ -L /etc/hosts ] || echo file");
    cr_expect_str_eq(got, "box\n1:3\n2\n1\nfile");
}

/* The host's directory is not in the container's /dev/shm, as the state is. */
Test(mounts, links_out_of_the_image_stay_in_it)
{
    char script[600], host[] = "/var/tmp/mtd-test.XXXXXX";
    cr_assert_not_null(mkdtemp(host));
    snprintf(script, sizeof(script),
             "umount -l /etc/hosts /etc/resolv.conf; ln -sf %s/hosts /etc/hosts; "
             "ln -sf ../../../../..%s/made /etc/resolv.conf; ln -s %s /data",
             host, host, host);
    make_trap(script, "VOLUME /data/deep");
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "run", "--rm", "trap", "sh", "-c",
            "touch /data/deep/x; grep -c localhost /etc/hosts");
    cr_expect_eq(rmdir(host), 0, "something was made in it");
    cr_expect_str_eq(o.out, "2\n", "%s", o.err);
}

Test(mounts, etc_itself_leads_nowhere)
{
    make_trap("umount -l /etc/*; rm -r /etc; ln -s /proc/1 /etc", "CMD true");
    REFUSED("/etc/hosts", "run", "--rm", "trap");
}

/* ---- masks ---- */

/* What the paths are that inspect says, seen from inside. */
#define LOOK_AT_MASKED                                                            \
    "for p in $0; do [ -e $p ] || continue; "                                     \
    "grep -q \" $p \" /proc/self/mountinfo || echo \"$p: not covered\"; "         \
    "if [ -d $p ]; then [ \"$(ls -A $p)\" ] && echo \"$p: not empty\"; "          \
    "  mkdir $p/x 2>/dev/null && echo \"$p: written\"; "                          \
    "else [ \"$(stat -c %t:%T $p)\" = 1:3 ] || echo \"$p: not ours\"; fi; done; " \
    "echo looked"

#define LOOK_AT_READ_ONLY                                                          \
    "for p in $0; do [ -e $p ] || continue; "                                      \
    "grep -q \" $p ro,\" /proc/self/mountinfo || echo \"$p: not read-only\"; "     \
    "for f in $p $p/kernel/hostname $p/1/smp_affinity; do [ -f $f ] || continue; " \
    "  echo 1 2>/dev/null >$f && echo \"$f: written\"; done; done; echo looked"

#define ALL_OF(member) "{{range .HostConfig." member "}}{{.}} {{end}}"

/* Written down here again: what the program forgets must not be forgotten by its test. */
static const char *const DOCKERS[] = {
    "/proc/acpi",       "/proc/asound",      "/proc/interrupts",
    "/proc/kcore",      "/proc/keys",        "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
    "/proc/scsi",       "/sys/firmware",     "/sys/devices/virtual/powercap"};

Test(mounts, every_masked_and_read_only_path_is)
{
    free(ASK(&s, "run", "-d", "--name", "box", "--security-opt",
             "mask=/etc/hosts:/etc/not-there:/home", "busybox", "sleep", "1000"));
    auto_free char *masked = ASK(&s, "inspect", "-f", ALL_OF("MaskedPaths"), "box");
    auto_free char *read_only = ASK(&s, "inspect", "-f", ALL_OF("ReadonlyPaths"), "box");
    for (size_t i = 0; i < ARRAY_SIZE(DOCKERS); i++) {
        char word[64];
        snprintf(word, sizeof(word), "%s ", DOCKERS[i]);
        cr_expect(strstr(masked, word), "%s: not among %s", DOCKERS[i], masked);
    }
    cr_expect(strstr(masked, "/etc/hosts "), "%s", masked);
    cr_expect_str_eq(read_only,
                     "/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger ");
    auto_free char *seen = ASK(&s, "exec", "box", "sh", "-c", LOOK_AT_MASKED, masked);
    cr_expect_str_eq(seen, "looked");
    auto_free char *tried =
        ASK(&s, "exec", "box", "sh", "-c", LOOK_AT_READ_ONLY, read_only);
    cr_expect_str_eq(tried, "looked");
}

#define MOUNTS_BELOW \
    "grep -c ' /proc/..* - \\| /sys/firmware ' /proc/self/mountinfo; true"

Test(mounts, what_is_masked_can_be_chosen)
{
    auto_free char *none =
        ASK(&s, "run", "--rm", "--security-opt", "systempaths=unconfined", "busybox",
            "sh", "-c", MOUNTS_BELOW);
    cr_expect_str_eq(none, "0");
    auto_free char *one =
        ASK(&s, "run", "--rm", "--security-opt", "unmask=/proc/k*:/sys/firmware",
            "busybox", "sh", "-c",
            "grep -c ' /proc/k\\| /sys/firmware ' /proc/self/mountinfo; "
            "grep -c ' /proc/interrupts ' /proc/self/mountinfo");
    cr_expect_str_eq(one, "0\n1");
    auto_free char *more =
        ASK(&s, "run", "--rm", "--privileged", "--security-opt", "mask=/etc/hosts",
            "busybox", "sh", "-c", "wc -c </etc/hosts; " MOUNTS_BELOW);
    cr_expect_str_eq(more, "0\n0");
    REFUSED("not an absolute path", "run", "--rm", "--security-opt", "mask=etc",
            "busybox", "true");
    REFUSED("not an absolute path", "run", "--rm", "--security-opt", "unmask=/a:b",
            "busybox", "true");
}

/* The class of CVE-2025-31133: where the user lets a volume be /dev, what is in it is another
 * container's. */
Test(mounts, masks_do_not_show_what_a_volume_has_as_dev_null)
{
    char volume[300], path[256];
    tempdir_put(&s.dir, "dev/null", "secret");
    snprintf(volume, sizeof(volume), "%s:/dev", below(path, "dev"));
    auto_free char *got = ASK(&s, "run", "-i", "--rm", "-v", volume, "busybox", "sh",
                              "-c", "cat /dev/null /proc/keys /proc/timer_list");
    cr_expect_str_eq(got, "secret");
    /* A device of the user's has the name as well. */
    auto_free char *zero = ASK(&s, "run", "-i", "--rm", "--device", "/dev/zero:/dev/null",
                               "busybox", "sh", "-c", "cat /proc/timer_list | wc -c");
    cr_expect_str_eq(zero, "0");
}

/* ---- races ---- */

/* A directory that init has just made in a shared volume becomes a link to one of the host's:
 * its mode must not be set there. */
Test(mounts, a_new_directory_swapped_for_a_link_changes_nothing_outside)
{
#ifndef MTD_FAULTS
    cr_skip("needs a build with fault points");
#endif
    char shared[300], inner[300], made[256], link[256], path[256];
    struct stat st;
    tempdir_put(&s.dir, "shared/file", "");
    tempdir_put(&s.dir, "host/secret", "");
    cr_assert_eq(fchmodat(s.dir.fd, "host", 0700, 0), 0);
    snprintf(shared, sizeof(shared), "%s:/s", below(path, "shared"));
    snprintf(inner, sizeof(inner), "%s:/s/made/deep", below(path, "shared"));
    s.fault = "fs.made:stop:2";
    pid_t front = SPAWN(&s, "run", "--rm", "-v", shared, "-v", inner, "busybox", "true");
    s.fault = NULL;
    pid_t init = stopped_await(front);
    cr_assert_gt(init, 0);
    below(made, "shared/made");
    cr_assert_eq(rmdir(made), 0);
    cr_assert_eq(symlink(below(link, "host"), made), 0);
    kill(init, SIGCONT);
    cr_expect_eq(state_reap(front), 125);
    cr_assert_eq(fstatat(s.dir.fd, "host", &st, 0), 0);
    cr_expect_eq(st.st_mode & 07777, 0700, "%o", st.st_mode);
    cr_expect_eq(tempdir_count(s.dir.fd, "host"), 1);
    unlink(made);
    cr_expect_str_eq(state_leftovers(&s, false), "");
}

#define SWAPS                                 \
    "cd /s; ln -s / l; mkdir -p d; echo on; " \
    "while :; do mv d x; mv l d; mv d l; mv x d; done"

/* The same without knowing when: another container swaps them all the time. */
Test(mounts, starts_beside_a_container_that_swaps_links)
{
    char shared[300], path[256], before[64], after[64];
    struct stat st;
    tempdir_put(&s.dir, "shared/file", "");
    snprintf(shared, sizeof(shared), "%s:/s", below(path, "shared"));
    cr_assert_eq(stat("/", &st), 0);
    snprintf(before, sizeof(before), "%o %ld", st.st_mode, (long)st.st_nlink);
    free(ASK(&s, "run", "-d", "--name", "evil", "-v", shared, "busybox", "sh", "-c",
             SWAPS));
    for (int i = 0; i < 25; i++) {
        auto_done(outcome_done) struct outcome o =
            RUN(&s, "run", "--rm", "-v", shared, "--tmpfs", "/s/d/made-by-mtd", "busybox",
                "sh", "-c", "[ -e /bin/busybox ] && echo own");
        cr_expect(o.status == 125 || strcmp(o.out, "own\n") == 0, "%d %s%s", o.status,
                  o.out, o.err);
    }
    free(ASK(&s, "rm", "-f", "evil"));
    cr_assert_eq(stat("/", &st), 0);
    snprintf(after, sizeof(after), "%o %ld", st.st_mode, (long)st.st_nlink);
    cr_expect_str_eq(after, before);
    cr_expect_neq(access("/made-by-mtd", F_OK), 0);
}

/* ---- the working directory ---- */

Test(mounts, a_working_directory_by_a_descriptor_is_refused)
{
    free(ASK(&s, "run", "-d", "--name", "box", "busybox", "sleep", "1000"));
    for (int fd = 3; fd < 16; fd++) {
        char cwd[32], change[64];
        snprintf(cwd, sizeof(cwd), "/proc/self/fd/%d", fd);
        auto_done(outcome_done) struct outcome o =
            RUN(&s, "exec", "-w", cwd, "box", "ls", "..");
        cr_expect_neq(o.status, 0, "%s: %s", cwd, o.out);
        snprintf(change, sizeof(change), "WORKDIR %s", cwd);
        make_trap("true", change);
        auto_done(outcome_done) struct outcome run = RUN(&s, "run", "--rm", "trap", "ls");
        cr_expect_neq(run.status, 0, "%s: %s", cwd, run.out);
    }
}

/* Where another process's root can be reached by its number, no descriptor is needed. What the check
 * of the directory is for: nothing else stands between. */
Test(mounts, a_working_directory_in_another_root_is_refused)
{
    char hosts[64];
    snprintf(hosts, sizeof(hosts), "/proc/%d/root/usr", (int)getpid());
    free(ASK(&s, "run", "-d", "--name", "box", "busybox", "sleep", "1000"));
    free(ASK(&s, "run", "-d", "--name", "sees", "--pid", "host", "busybox", "sleep",
             "1000"));
    const char *const RUNS[][9] = {
        {"run", "--rm", "--pid", "host", "-w", hosts, "busybox", "ls"},
        {"run", "--rm", "--pid", "container:box", "-w", "/proc/1/root/bin", "busybox",
         "ls"},
        {"exec", "-w", hosts, "sees", "ls"},
    };
    for (size_t i = 0; i < sizeof(RUNS) / sizeof(RUNS[0]); i++) {
        auto_done(outcome_done) struct outcome o = state_run_input(&s, NULL, 0, RUNS[i]);
        cr_expect_neq(o.status, 0, "%s", o.out);
        cr_expect(strstr(o.err, "working directory /proc/"), "%s%s", o.out, o.err);
    }
}
