/* Random limits on a group of the test's own, read back from the kernel's files: what was asked for,
 * and what was not is as it was before. Needs root and writable v1 hierarchies. */

#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/cgroup/cgroup.h"
#include "seed.h"

#define ROUNDS 60
#define MIB (1024 * 1024)

static struct cgroup host, group;
static struct mtd_error err;
static int64_t memory_max, memsw_max; /* what the kernel shows for "no limit" */

static const struct cgroup_dir *dir_with(const struct cgroup *c, const char *file)
{
    for (size_t i = 0; i < c->n; i++)
        if (!c->dirs[i].v2 && faccessat(c->dirs[i].fd, file, F_OK, 0) == 0)
            return &c->dirs[i];
    return NULL;
}

static void read_text(const char *file, char ret[256])
{
    const struct cgroup_dir *d = dir_with(&group, file);
    cr_assert(d && fs_read_small_at(d->fd, file, ret, 256) >= 0, "%s", file);
}

static int64_t value_of(const char *file)
{
    char text[256], *end;
    read_text(file, text);
    if (strcmp(text, "max") == 0)
        return -1;
    int64_t n = strtoll(text, &end, 10);
    cr_assert(end != text && (*end == '\0' || *end == '\n'), "%s: %s", file, text);
    return n;
}

static void make_group(void)
{
    char id[32];
    snprintf(id, sizeof(id), "values%d", (int)getpid());
    int rc = cgroup_create(&group, &host, id, &err);
    if (rc == -EROFS || rc == -EACCES)
        cr_skip_test("the hierarchies are not writable");
    cr_assert_eq(rc, 0, "%s", err.text);
}

static void drop_group(void)
{
    cr_expect_eq(cgroup_destroy(&group, &err), 0, "%s", err.text);
    cgroup_done(&group);
    group = (struct cgroup){0};
}

static void set_up(void)
{
    if (geteuid() != 0)
        cr_skip_test("needs root");
    cr_assert_eq(cgroup_discover(&host, "/proc", &err), 0, "%s", err.text);
    make_group();
    if (!dir_with(&group, "memory.limit_in_bytes") || !dir_with(&group, "cpu.shares") ||
        !dir_with(&group, "pids.max")) {
        drop_group();
        cr_skip_test("no v1 hierarchies with memory, cpu and pids");
    }
    memory_max = value_of("memory.limit_in_bytes");
    memsw_max = dir_with(&group, "memory.memsw.limit_in_bytes")
                    ? value_of("memory.memsw.limit_in_bytes")
                    : 0;
}

static void tear_down(void)
{
    if (group.n)
        drop_group();
    cgroup_remove_parents(&host);
    cgroup_done(&host);
}

TestSuite(cgroup_values, .init = set_up, .fini = tear_down, .timeout = 60);

/* Bytes as a user may type them, not only whole pages. */
static int64_t any_memory(struct seed *s)
{
    return MIB + (int64_t)(seed_number(s) >> 28);
}

static struct mtd_resources any_limits(struct seed *s)
{
    struct mtd_resources r = {0};
    if (seed_below(s, 3)) {
        r.memory = any_memory(s);
        switch (seed_below(s, 3)) {
        case 0: r.memory_swap = -1; break;
        case 1: r.memory_swap = r.memory + (int64_t)seed_below(s, 64 * MIB); break;
        }
    }
    if (seed_below(s, 2))
        r.memory_reservation =
            r.memory ? MIB + (int64_t)seed_below(s, (uint64_t)(r.memory - MIB) + 1)
                     : any_memory(s);
    r.sets_swappiness = seed_below(s, 4) == 0;
    r.swappiness = r.sets_swappiness ? (unsigned)seed_below(s, 101) : 0;
    switch (seed_below(s, 3)) {
    case 0: r.nano_cpus = 10000000 + (int64_t)seed_below(s, 990000000); break;
    case 1: r.cpu_quota = 1000 + (int64_t)seed_below(s, 1000000); /* fall through */
    default: r.cpu_period = seed_below(s, 2) ? 1000 + (int64_t)seed_below(s, 999001) : 0;
    }
    r.cpu_shares = seed_below(s, 2) ? 2 + seed_below(s, 262143) : 0;
    r.pids = seed_below(s, 2) ? 1 + (int64_t)seed_below(s, 4000000) : 0;
    r.pids = seed_below(s, 5) ? r.pids : -1;
    return r;
}

static int64_t whole_pages(int64_t bytes)
{
    return bytes / sysconf(_SC_PAGESIZE) * sysconf(_SC_PAGESIZE);
}

static void expect(const char *file, int64_t want)
{
    cr_expect_eq(value_of(file), want, "%s: %" PRId64 ", not %" PRId64, file,
                 value_of(file), want);
}

static void expect_memory(const struct mtd_resources *r)
{
    int64_t swap = r->memory == 0 || r->memory_swap < 0 ? memsw_max
                   : r->memory_swap                     ? whole_pages(r->memory_swap)
                                                        : whole_pages(2 * r->memory);
    expect("memory.limit_in_bytes", r->memory ? whole_pages(r->memory) : memory_max);
    if (memsw_max)
        expect("memory.memsw.limit_in_bytes", swap);
    expect("memory.soft_limit_in_bytes",
           r->memory_reservation ? whole_pages(r->memory_reservation) : memory_max);
    if (r->sets_swappiness)
        expect("memory.swappiness", r->swappiness);
}

/* A number of CPUs is a share of 100 ms, in microseconds. */
static void expect_cpu(const struct mtd_resources *r)
{
    int64_t quota = r->nano_cpus ? r->nano_cpus / 10000 : r->cpu_quota;
    expect("cpu.shares", r->cpu_shares ? (int64_t)r->cpu_shares : 1024);
    expect("cpu.cfs_period_us", r->cpu_period && !r->nano_cpus ? r->cpu_period : 100000);
    expect("cpu.cfs_quota_us", quota ? quota : -1);
}

static void limit(struct seed *s)
{
    struct mtd_resources r = any_limits(s);
    err = (struct mtd_error){0};
    cr_assert_eq(cgroup_limit(&group, &r, &err), 0, "%s", err.text);
    expect_memory(&r);
    expect_cpu(&r);
    expect("pids.max", r.pids > 0 ? r.pids : -1);
}

Test(cgroup_values, of_a_new_group)
{
    struct seed s = seed_of("of_a_new_group");
    for (int i = 0; i < ROUNDS / 3; i++) {
        limit(&s);
        drop_group();
        make_group();
    }
}

/* As update does: from any limits to any others, in whatever order the kernel takes them. */
Test(cgroup_values, changed_again_and_again)
{
    struct seed s = seed_of("changed_again_and_again");
    group.fresh = false;
    for (int i = 0; i < ROUNDS; i++)
        limit(&s);
}

/* A list of CPUs and what the kernel makes of it have the same members. */
static void expect_cpus(const char *text, unsigned want)
{
    char is[256], *p = is;
    unsigned set = 0;
    read_text("cpuset.cpus", is);
    while (*p && *p != '\n') {
        unsigned long first = strtoul(p, &p, 10), last = first;
        if (*p == '-')
            last = strtoul(p + 1, &p, 10);
        for (; first <= last; first++)
            set |= 1u << first;
        p += *p == ',';
    }
    cr_expect_eq(set, want, "%s is %s", text, is);
}

Test(cgroup_values, lists_of_cpus)
{
    struct seed s = seed_of("lists_of_cpus");
    unsigned cpus = (unsigned)sysconf(_SC_NPROCESSORS_CONF);
    if (!dir_with(&group, "cpuset.cpus"))
        cr_skip_test("no cpuset of v1");
    cpus = cpus > 16 ? 16 : cpus;
    for (int i = 0; i < ROUNDS / 3; i++) {
        char text[128] = "";
        unsigned want = 0;
        for (size_t n = 1 + seed_below(&s, 3); n > 0; n--) {
            unsigned a = (unsigned)seed_below(&s, cpus),
                     b = a + (unsigned)seed_below(&s, cpus - a);
            snprintf(text + strlen(text), sizeof(text) - strlen(text),
                     a == b ? "%s%u" : "%s%u-%u", *text ? "," : "", a, b);
            for (; a <= b; a++)
                want |= 1u << a;
        }
        struct mtd_resources r = {.cpuset_cpus = text};
        cr_assert_eq(cgroup_limit(&group, &r, &err), 0, "%s: %s", text, err.text);
        expect_cpus(text, want);
    }
}
