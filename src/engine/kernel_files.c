/* Which paths are hidden is docker's list and podman's words to change it. */

#include "engine/kernel_files.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"

static const char *const MASKED[] = {
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
};

static const char *const READ_ONLY[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

/* What a user may mount in /proc: figures that lxcfs makes for one container, and two switches
 * that are for the whole host otherwise. runc's list but for /proc/net/dev, which is another file
 * for each process, so that only pid 1 would see the mount. */
static const char *const IN_PROC[] = {
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/slabinfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/uptime",
    "/proc/sys/crypto/fips_enabled",
    "/proc/sys/kernel/ns_last_pid",
};

const char *const mtd_kernel_tree_root[MTD_KERNEL_TREES] = {
    [MTD_TREE_PROC] = "/proc", [MTD_TREE_SYS] = "/sys", [MTD_TREE_DEV] = "/dev"};

static bool is_unmasked(const struct mtd_spec *s, const char *path)
{
    if (s->process.privileged)
        return true;
    for (size_t i = 0; i < s->unmask.len; i++)
        if (strcasecmp(s->unmask.items[i], "ALL") == 0 ||
            fnmatch(s->unmask.items[i], path, FNM_PATHNAME) == 0)
            return true;
    return false;
}

static int add(const struct mtd_spec *s, const char *path, struct strv *ret)
{
    return is_unmasked(s, path) ? 0 : strv_add(ret, path);
}

/* How often a CPU was too hot tells what other containers do. Most virtual machines have no such
 * directory, and then the first CPU's says it of all. */
static int add_throttle(const struct mtd_spec *s, const char *sys, struct strv *ret)
{
    char there[512], path[64];
    long n = 1;
    for (long cpu = 0; cpu < n; cpu++) {
        snprintf(path, sizeof(path), "/devices/system/cpu/cpu%ld/thermal_throttle", cpu);
        snprintf(there, sizeof(there), "%s%s", sys, path);
        if (faccessat(AT_FDCWD, there, F_OK, 0) < 0)
            continue;
        if (cpu == 0)
            n = sysconf(_SC_NPROCESSORS_CONF);
        snprintf(there, sizeof(there), "/sys%s", path);
        int rc = add(s, there, ret);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int mtd_masked_paths(const struct mtd_spec *s, const char *sys, struct strv *ret)
{
    int rc = 0;
    for (size_t i = 0; i < ARRAY_SIZE(MASKED) && rc == 0; i++)
        rc = add(s, MASKED[i], ret);
    if (rc == 0)
        rc = add_throttle(s, sys, ret);
    return rc < 0 ? rc : strv_add_all(ret, &s->mask);
}

int mtd_readonly_paths(const struct mtd_spec *s, struct strv *ret)
{
    int rc = 0;
    for (size_t i = 0; i < ARRAY_SIZE(READ_ONLY) && rc == 0; i++)
        rc = add(s, READ_ONLY[i], ret);
    return rc;
}

static int add_words(struct strv *ret, const char *text, bool all, struct mtd_error *err)
{
    auto_free char *copy = strdup(text);
    char *rest = copy;
    if (!copy)
        return mtd_fail(err, ENOMEM, "out of memory");
    for (char *word; (word = strsep(&rest, ":"));) {
        if (*word != '/' && !(all && strcasecmp(word, "ALL") == 0))
            return mtd_fail(err, EINVAL, "\"%.80s\" is not an absolute path%s", word,
                            all ? " or ALL" : "");
        if (strv_add(ret, word) < 0)
            return mtd_fail(err, ENOMEM, "out of memory");
    }
    return 0;
}

int mtd_mask_add(struct strv *ret, const char *text, struct mtd_error *err)
{
    return add_words(ret, text, false, err);
}

int mtd_unmask_add(struct strv *ret, const char *text, struct mtd_error *err)
{
    return add_words(ret, text, true, err);
}

enum mtd_kernel_tree mtd_kernel_tree_of(const char *path)
{
    for (int i = MTD_TREE_PROC; i < MTD_KERNEL_TREES; i++) {
        size_t n = strlen(mtd_kernel_tree_root[i]);
        if (strncmp(path, mtd_kernel_tree_root[i], n) == 0 &&
            (path[n] == '\0' || path[n] == '/'))
            return (enum mtd_kernel_tree)i;
    }
    return MTD_TREE_NONE;
}

static bool is_allowed_in_proc(const char *target)
{
    for (size_t i = 0; i < ARRAY_SIZE(IN_PROC); i++)
        if (strcmp(IN_PROC[i], target) == 0)
            return true;
    return false;
}

int mtd_mount_target_check(const char *target, bool of_image, struct mtd_error *err)
{
    enum mtd_kernel_tree tree = mtd_kernel_tree_of(target ? target : "");
    if (!target || target[0] != '/')
        return mtd_fail(err, EINVAL, "mount target \"%s\" must be an absolute path",
                        target ? target : "");
    if (strcmp(target, "/") == 0)
        return mtd_fail(err, EINVAL, "mount target must not be the root \"/\"");
    if (of_image && tree != MTD_TREE_NONE)
        return mtd_fail(err, EINVAL,
                        "the image has a volume at %s, which is the kernel's; build it "
                        "without",
                        target);
    if (tree == MTD_TREE_PROC && !is_allowed_in_proc(target))
        return mtd_fail(err, EINVAL,
                        "mount target \"%s\" would cover the kernel's files; choose a "
                        "path outside /proc",
                        target);
    return 0;
}
