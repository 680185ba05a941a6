/* What the runtime says of itself, and an example of a config.json. */

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/oci_verb.h"
#include "engine/types.h"

static int put(struct buf *ret, json_t *o)
{
    auto_free char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
    json_decref(o);
    return text && buf_puts(ret, text) == 0 ? buf_putc(ret, '\n') : -ENOMEM;
}

static json_t *words(const char *const *list, size_t n)
{
    json_t *a = json_array();
    for (size_t i = 0; a && i < n; i++)
        json_array_append_new(a, json_string(list[i]));
    return a;
}
#define WORDS(list) words(list, ARRAY_SIZE(list))

static const char *const HOOKS[] = {"prestart",       "createRuntime", "createContainer",
                                    "startContainer", "poststart",     "poststop"};
static const char *const NAMESPACES[] = {"cgroup", "ipc",  "mount", "network",
                                         "pid",    "time", "user",  "uts"};
static const char *const ACTIONS[] = {
    "SCMP_ACT_ALLOW",        "SCMP_ACT_ERRNO",       "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG",
    "SCMP_ACT_NOTIFY",       "SCMP_ACT_TRACE",       "SCMP_ACT_TRAP"};
static const char *const OPERATORS[] = {"SCMP_CMP_NE",       "SCMP_CMP_LT", "SCMP_CMP_LE",
                                        "SCMP_CMP_EQ",       "SCMP_CMP_GE", "SCMP_CMP_GT",
                                        "SCMP_CMP_MASKED_EQ"};

static json_t *capabilities(void)
{
    json_t *a = json_array();
    for (int i = 0; a && mtd_cap_name(i); i++)
        json_array_append_new(a, json_string(mtd_cap_name(i)));
    return a;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int oci_features(struct buf *ret)
{
    auto_done(strv_done) struct strv options = {0};
    if (runtime_mount_words(&options) < 0)
        return -ENOMEM;
    qsort(options.items, options.len, sizeof(*options.items), compare);
    json_t *o = json_pack(
        "{s:s, s:s, s:o, s:o, s:{s:o, s:o, s:{s:b, s:b, s:b, s:b, s:b}, s:{s:b, s:o, s:o},"
        " s:{s:b}, s:{s:b}, s:{s:b}, s:{s:{s:b}}}}",
        "ociVersionMin", "1.0.0", "ociVersionMax", RUNTIME_OCI_VERSION, "hooks",
        WORDS(HOOKS), "mountOptions",
        words((const char *const *)options.items, options.len), "linux", "namespaces",
        WORDS(NAMESPACES), "capabilities", capabilities(), "cgroup", "v1", 1, "v2", 1,
        "systemd", 1, "systemdUser", 1, "rdma", 1, "seccomp", "enabled", 1, "actions",
        WORDS(ACTIONS), "operators", WORDS(OPERATORS), "apparmor", "enabled", 1,
        "selinux", "enabled", 0, "intelRdt", "enabled", 0, "mountExtensions", "idmap",
        "enabled", 1);
    return put(ret, o);
}

static json_t *mount(const char *to, const char *type, const char *from,
                     const char *options)
{
    json_t *list = json_loads(options, 0, NULL);
    return json_pack("{s:s, s:s, s:s, s:o}", "destination", to, "type", type, "source",
                     from, "options", list);
}

static json_t *mounts(void)
{
    return json_pack(
        "[o,o,o,o,o,o,o]", mount("/proc", "proc", "proc", "[]"),
        mount("/dev", "tmpfs", "tmpfs",
              "[\"nosuid\",\"strictatime\",\"mode=755\",\"size=65536k\"]"),
        mount("/dev/pts", "devpts", "devpts",
              "[\"nosuid\",\"noexec\",\"newinstance\",\"ptmxmode=0666\",\"mode=0620\","
              "\"gid=5\"]"),
        mount("/dev/shm", "tmpfs", "shm",
              "[\"nosuid\",\"noexec\",\"nodev\",\"mode=1777\",\"size=65536k\"]"),
        mount("/dev/mqueue", "mqueue", "mqueue", "[\"nosuid\",\"noexec\",\"nodev\"]"),
        mount("/sys", "sysfs", "sysfs", "[\"nosuid\",\"noexec\",\"nodev\",\"ro\"]"),
        mount("/sys/fs/cgroup", "cgroup", "cgroup",
              "[\"nosuid\",\"noexec\",\"nodev\",\"relatime\",\"ro\"]"));
}

static json_t *kernel(void)
{
    return json_pack("{s:{s:[{s:b,s:s}]}, s:[{s:s},{s:s},{s:s},{s:s},{s:s},{s:s}],"
                     " s:[s,s,s,s,s,s,s,s,s], s:[s,s,s,s,s]}",
                     "resources", "devices", "allow", 0, "access", "rwm", "namespaces",
                     "type", "pid", "type", "network", "type", "ipc", "type", "uts",
                     "type", "mount", "type", "cgroup", "maskedPaths", "/proc/acpi",
                     "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                     "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
                     "/sys/firmware", "readonlyPaths", "/proc/bus", "/proc/fs",
                     "/proc/irq", "/proc/sys", "/proc/sysrq-trigger");
}

int oci_spec(struct buf *ret)
{
    json_t *caps = json_loads(
        "[\"CAP_AUDIT_WRITE\",\"CAP_KILL\",\"CAP_NET_BIND_SERVICE\"]", 0, NULL);
    json_t *process = json_pack(
        "{s:b, s:{s:i,s:i}, s:[s], s:[s,s], s:s, s:{s:O,s:O,s:o}, s:[{s:s,s:i,s:i}], s:b}",
        "terminal", 1, "user", "uid", 0, "gid", 0, "args", "sh", "env",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm",
        "cwd", "/", "capabilities", "bounding", caps, "effective", caps, "permitted",
        caps, "rlimits", "type", "RLIMIT_NOFILE", "hard", 1024, "soft", 1024,
        "noNewPrivileges", 1);
    return put(ret, json_pack("{s:s, s:o, s:{s:s,s:b}, s:s, s:o, s:o}", "ociVersion",
                              RUNTIME_OCI_VERSION, "process", process, "root", "path",
                              "rootfs", "readonly", 1, "hostname", "mytop-runc", "mounts",
                              mounts(), "linux", kernel()));
}
