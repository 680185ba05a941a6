/* systemd makes a scope around processes that are there, and moves them: init, which waits for go
 * meanwhile. So the group comes after the clone, and still before anything of the container's. The
 * limits are set by us as in any group, and told to systemd as well: it writes its own again
 * whenever it reloads. */

#include "engine/runtime/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/parse.h"
#include "engine/wire/sync.h"

#define ANNOTATION "org.systemd.property."
#define DEFAULT_PREFIX "runc"
#define NAME_BYTES 255
#define PERCENT_USEC 10000 /* what systemd counts a second of CPU in */

/* ---- its name ---- */

static bool is_name(const char *unit)
{
    static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789:-_.\\@";
    return strlen(unit) <= NAME_BYTES && !unit[strspn(unit, LETTERS)];
}

static int bad_path(const char *path, struct mtd_error *err)
{
    return mtd_fail(err, EINVAL,
                    "expected cgroupsPath to be of format \"slice:prefix:name\" for "
                    "systemd cgroups, got \"%.80s\" instead",
                    path);
}

/* Of an ordinary user it is below systemd's own group, which only that one knows. */
static bool is_ordinary(void)
{
    return geteuid() != 0 || !runtime_is_hosts();
}

struct names {
    char slice[NAME_BYTES + 1], prefix[NAME_BYTES + 1], name[NAME_BYTES + 1];
};

static int split(const char *path, const char *id, struct names *ret,
                 struct mtd_error *err)
{
    const char *first = path ? strchr(path, ':') : NULL;
    const char *second = first ? strchr(first + 1, ':') : NULL;
    char *const parts[] = {ret->slice, ret->prefix, ret->name};
    *ret = (struct names){.prefix = DEFAULT_PREFIX};
    if (!path || !*path)
        return snprintf(ret->name, sizeof(ret->name), "%s", id), 0;
    if (!second || strchr(second + 1, ':') || !second[1])
        return bad_path(path, err);
    const char *const from[] = {path, first + 1, second + 1};
    const size_t n[] = {(size_t)(first - path), (size_t)(second - first) - 1,
                        strlen(second + 1)};
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if (n[i] > NAME_BYTES)
            return bad_path(path, err);
        memcpy(parts[i], from[i], n[i]);
        parts[i][n[i]] = '\0';
    }
    return 0;
}

static const char *slice_of(const struct names *n)
{
    return *n->slice ? n->slice : is_ordinary() ? "user.slice" : "system.slice";
}

int runtime_name_unit(struct runtime_creation *c, struct mtd_error *err)
{
    struct names n;
    auto_free char *slice = NULL;
    int rc = split(c->bundle.cgroups_path, c->asked->id, &n, err);
    if (rc == 0)
        rc = systemd_expand_slice(slice_of(&n), &slice, err);
    if (rc < 0)
        return rc;
    size_t len = strlen(n.name);
    if (len >= 6 && strcmp(n.name + len - 6, ".slice") == 0)
        return mtd_fail(
            err, EOPNOTSUPP,
            "%.80s is a slice, which has no processes; cgroupsPath is to name "
            "a container's own scope",
            n.name);
    if (asprintf(&c->record.unit, "%s-%s.scope", n.prefix, n.name) < 0)
        c->record.unit = NULL;
    if (c->record.unit && !is_name(c->record.unit))
        return mtd_fail(err, EINVAL, "\"%.80s\" cannot be the name of a unit",
                        c->record.unit);
    bool top = !slice || !*slice;
    if (!c->record.unit || asprintf(&c->record.cgroup, "%s%s%s", top ? "" : slice,
                                    top ? "" : "/", c->record.unit) < 0)
        return c->record.cgroup = NULL, mtd_fail(err, ENOMEM, "out of memory");
    c->record.users_unit = is_ordinary();
    return 0;
}

/* ---- before anything is made ---- */

static int go_below(struct runtime_creation *c, struct mtd_error *err)
{
    char *own = NULL, *path = NULL;
    int rc = systemd_group(&c->systemd, &own, err);
    if (rc < 0)
        return rc;
    if (asprintf(&path, "%s%s%s", own + 1, own[1] ? "/" : "", c->record.cgroup) < 0)
        path = NULL;
    free(own);
    free(c->record.cgroup);
    c->record.cgroup = path;
    return path ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

/* Whoever is killed later on leaves a record with this name, by which a deletion stops it: it must
 * not be somebody else's. */
static int check_free(const struct runtime_creation *c, struct mtd_error *err)
{
    auto_done(cgroup_done) struct cgroup there = {0};
    int rc = cgroup_open_at(&there, &c->host, c->record.cgroup, err);
    if (rc < 0 || there.n == 0 || cgroup_is_used(&there) <= 0)
        return rc;
    return mtd_fail(err, EEXIST, "systemd: cannot start %s: there is one with processes",
                    c->record.unit);
}

int runtime_find_unit(struct runtime_creation *c, struct mtd_error *err)
{
    int rc = systemd_open(&c->systemd, &c->runtime->systemd, c->record.users_unit, err);
    if (rc == 0)
        rc = cgroup_discover(&c->host, "/proc", err);
    if (rc == 0 && strcmp(cgroup_version(&c->host), "2") != 0)
        rc =
            mtd_fail(err, EOPNOTSUPP,
                     "systemd cgroups need a host with cgroup v2 alone, and this one has "
                     "v1 hierarchies; use cgroupfs");
    if (rc == 0 && c->record.users_unit)
        rc = go_below(c, err);
    if (rc < 0)
        return rc;
    rc = cgroup_describe_at(&c->host, c->record.cgroup, &c->unit_groups);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot note the groups")
                  : check_free(c, err);
}

/* ---- its properties ---- */

static void add_quota(struct systemd_properties *p, struct cgroup_bandwidth b, bool all)
{
    const int64_t usual = 100000;
    int64_t period = b.period > 0 ? b.period : usual;
    uint64_t quota = UINT64_MAX;
    if (b.quota > 0)
        quota = (uint64_t)((double)b.quota * 1000000 / (double)period);
    if (b.quota > 0 && quota % PERCENT_USEC)
        quota += PERCENT_USEC - quota % PERCENT_USEC;
    if (b.period > 0)
        systemd_add_number(p, "CPUQuotaPeriodUSec", (uint64_t)b.period);
    if (b.quota > 0 || b.period > 0 || all)
        systemd_add_number(p, "CPUQuotaPerSecUSec", quota);
}

/* "0-2,5" as bits, the lowest number first. */
static int add_set(struct systemd_properties *p, const char *name, const char *list)
{
    unsigned char bits[1024] = {0};
    unsigned highest = 0;
    int rc = list ? parse_cpu_list(list, sizeof(bits) * 8, &highest) : 0;
    if (rc < 0 || !list)
        return rc;
    for (const char *at = list; *at; at += *at == ',') {
        char *end;
        unsigned long from = strtoul(at, &end, 10), to = from;
        if (*end == '-')
            to = strtoul(end + 1, &end, 10);
        for (; from <= to; from++)
            bits[from / 8] |= (unsigned char)(1u << from % 8);
        at = end;
    }
    systemd_add_bytes(p, name, bits, highest / 8 + 1);
    return 0;
}

/* v2's files of linux.resources.unified that systemd has properties for. */
static const struct {
    const char *file, *property;
} NUMBERS[] = {
    {"memory.min", "MemoryMin"},          {"memory.low", "MemoryLow"},
    {"memory.high", "MemoryHigh"},        {"memory.max", "MemoryMax"},
    {"memory.swap.max", "MemorySwapMax"}, {"pids.max", "TasksMax"},
    {"cpu.weight", "CPUWeight"},
};

static int add_unified(struct systemd_properties *p, const char *file, const char *value)
{
    uint64_t number = UINT64_MAX;
    long long quota = -1, period = 0;
    if (strcmp(file, "cpuset.cpus") == 0)
        return add_set(p, "AllowedCPUs", value);
    if (strcmp(file, "cpuset.mems") == 0)
        return add_set(p, "AllowedMemoryNodes", value);
    if (strcmp(file, "cpu.max") == 0) {
        if (sscanf(value, "max %lld", &period) < 1 &&
            sscanf(value, "%lld %lld", &quota, &period) < 1 && strcmp(value, "max") != 0)
            return -EINVAL;
        add_quota(p, (struct cgroup_bandwidth){quota, period}, true);
    }
    for (size_t i = 0; i < ARRAY_SIZE(NUMBERS); i++) {
        if (strcmp(file, NUMBERS[i].file) != 0)
            continue;
        if (strcmp(value, "max") != 0 && parse_u64(value, UINT64_MAX, &number) < 0)
            return -EINVAL;
        systemd_add_number(p, NUMBERS[i].property, number);
    }
    return 0;
}

static void add_memory(struct systemd_properties *p, const struct mtd_resources *r,
                       bool all)
{
    if (r->memory > 0 || all) {
        systemd_add_number(p, "MemoryMax",
                           r->memory > 0 ? (uint64_t)r->memory : UINT64_MAX);
        systemd_add_number(p, "MemorySwapMax", cgroup_v2_swap(r));
    }
    if (r->memory_reservation > 0 || all)
        systemd_add_number(p, "MemoryLow", (uint64_t)r->memory_reservation);
}

int runtime_unit_limits(struct systemd_properties *p, const struct bundle *b, bool all,
                        struct mtd_error *err)
{
    const struct mtd_resources *r = &b->resources;
    add_memory(p, r, all);
    if (r->cpu_shares || all)
        systemd_add_number(p, "CPUWeight",
                           r->cpu_shares ? cgroup_v2_weight(r->cpu_shares) : 100);
    add_quota(p, cgroup_bandwidth_of(r), all);
    if (r->pids || all)
        systemd_add_number(p, "TasksMax", r->pids > 0 ? (uint64_t)r->pids : UINT64_MAX);
    if (add_set(p, "AllowedCPUs", r->cpuset_cpus) < 0 ||
        add_set(p, "AllowedMemoryNodes", r->cpuset_mems) < 0)
        return mtd_fail(err, EINVAL, "linux.resources.cpu: no list of numbers");
    for (size_t i = 0; i < b->n_writes; i++) {
        const struct bundle_write *w = &b->writes[i];
        if (w->file2 && !w->controller && add_unified(p, w->file2, w->value2) < 0)
            return mtd_fail(err, EINVAL, "linux.resources.unified.%.60s: \"%.60s\"?",
                            w->file2, w->value2);
    }
    return 0;
}

/* What a bundle says for itself comes last: systemd takes the last word. */
static int add_annotations(struct systemd_properties *p, const struct strv *all,
                           struct mtd_error *err)
{
    static const size_t PREFIX = sizeof(ANNOTATION) - 1;
    int rc = 0;
    for (size_t i = 0; i + 1 < all->len && rc == 0; i += 2)
        if (strncmp(all->items[i], ANNOTATION, PREFIX) == 0)
            rc = systemd_add_parsed(p, all->items[i] + PREFIX, all->items[i + 1], err);
    if (rc < 0)
        mtd_context(err, "annotations");
    return rc;
}

static int add_properties(struct systemd_properties *p, const struct runtime_creation *c,
                          struct mtd_error *err)
{
    static const char *const COUNTED[] = {"MemoryAccounting", "CPUAccounting",
                                          "IOAccounting", "TasksAccounting"};
    char text[300];
    struct names n;
    int rc = split(c->bundle.cgroups_path, c->asked->id, &n, err);
    if (rc < 0)
        return rc;
    snprintf(text, sizeof(text), "mytop-runc container %s", c->asked->id);
    systemd_add_text(p, "Description", text);
    systemd_add_text(p, "Slice", slice_of(&n));
    systemd_add_flag(p, "Delegate", true);
    systemd_add_pid(p, "PIDs", c->record.pid);
    for (size_t i = 0; i < ARRAY_SIZE(COUNTED); i++)
        systemd_add_flag(p, COUNTED[i], true);
    systemd_add_flag(p, "DefaultDependencies", false);
    rc = runtime_unit_limits(p, &c->bundle, false, err);
    return rc < 0 ? rc : add_annotations(p, &c->bundle.annotations, err);
}

/* ---- of a container that is being made ---- */

/* Nobody is to run without limits because of what was only said. */
static int check_placed(const struct runtime_creation *c, struct mtd_error *err)
{
    pid_t *pids = NULL;
    int n = cgroup_pids(&c->cgroup, &pids);
    bool found = false;
    for (int i = 0; i < n; i++)
        found |= pids[i] == c->record.pid;
    free(pids);
    return found
               ? 0
               : mtd_fail(err, EPROTO,
                          "systemd has started %s, and process %d is not in its group %s",
                          c->record.unit, (int)c->record.pid, c->record.cgroup);
}

int runtime_start_unit(struct runtime_creation *c, struct mtd_error *err)
{
    auto_done(systemd_properties_done) struct systemd_properties p = {0};
    if (!c->record.unit)
        return 0;
    int rc = add_properties(&p, c, err);
    if (rc < 0)
        return rc;
    c->started = true;
    rc = systemd_start_scope(&c->systemd, c->record.unit, &p, err);
    c->started = rc != -EEXIST;
    (void)fault_point("unit.started");
    if (rc == 0)
        rc = cgroup_adopt_at(&c->cgroup, &c->host, c->record.cgroup, err);
    if (rc == 0)
        rc = check_placed(c, err);
    (void)fault_point("unit.limits");
    if (rc == 0)
        rc = runtime_limit_groups(c, err);
    if (rc == 0)
        (void)sync_go(c->sync_fd); /* if it fails, init may have left an error for us */
    return rc;
}

void runtime_drop_unit(struct runtime_creation *c)
{
    if (!c->record.unit || !c->started)
        return;
    cgroup_kill(&c->cgroup, NULL);
    systemd_stop(&c->systemd, c->record.unit, NULL);
    if (c->cgroup.n)
        cgroup_destroy(&c->cgroup, NULL);
}

/* ---- of one that is there ---- */

static bool is_of_this_boot(const struct runtime_record *s)
{
    char boot[BOOT_ID_LEN + 1];
    return proc_boot_id(boot) == 0 && strcmp(boot, s->boot_id) == 0;
}

int runtime_stop_unit(const struct runtime *r, const struct runtime_record *s,
                      struct mtd_error *err)
{
    struct systemd d = {0};
    if (!s->unit || !is_of_this_boot(s))
        return 0;
    int rc = systemd_open(&d, &r->systemd, s->users_unit, err);
    if (rc == 0)
        rc = systemd_stop(&d, s->unit, err);
    systemd_close(&d);
    return rc;
}

int runtime_update_unit(const struct runtime *r, const struct runtime_record *s,
                        const struct bundle *b, struct mtd_error *err)
{
    auto_done(systemd_properties_done) struct systemd_properties p = {0};
    struct systemd d = {0};
    if (!s->unit)
        return 0;
    int rc = runtime_unit_limits(&p, b, true, err);
    if (rc == 0)
        rc = systemd_open(&d, &r->systemd, s->users_unit, err);
    if (rc == 0)
        rc = systemd_set(&d, s->unit, &p, err);
    systemd_close(&d);
    return rc;
}

int runtime_enter_unit(const struct runtime *r, const struct runtime_record *s,
                       struct mtd_error *err)
{
    struct systemd d = {0};
    if (!s->unit || !s->users_unit)
        return 0;
    int rc = systemd_open(&d, &r->systemd, true, err);
    if (rc == 0)
        rc = systemd_attach(&d, s->unit, getpid(), err);
    systemd_close(&d);
    return rc;
}
