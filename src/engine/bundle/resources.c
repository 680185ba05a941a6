/* linux.resources. What `run` has as well goes into the same structure and is set and checked by
 * the same code; the rest are values for files of controllers, one row each. */

#include "engine/bundle/internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"

#define WHERE "linux.resources"

struct numbers {
    int64_t limit, reservation, swap, swappiness, kernel, kernel_tcp;
    bool oom_off, sets_oom_off;
    bool hierarchy, checks;
    int64_t quota, period, burst, rt_runtime, rt_period, idle;
    uint64_t shares;
    int64_t pids, weight, leaf_weight, class_id;
};
#define UNSET INT64_MIN

/* 0 and below are no limit, as with every runtime. */
static const struct bundle_field MEMORY[] = {
    {"limit", BUNDLE_NUMBER, offsetof(struct numbers, limit), -1, INT64_MAX},
    {"reservation", BUNDLE_NUMBER, offsetof(struct numbers, reservation), -1, INT64_MAX},
    {"swap", BUNDLE_NUMBER, offsetof(struct numbers, swap), -1, INT64_MAX},
    {"swappiness", BUNDLE_NUMBER, offsetof(struct numbers, swappiness), 0, 100},
    {"kernel", BUNDLE_NUMBER, offsetof(struct numbers, kernel), -1, INT64_MAX},
    {"kernelTCP", BUNDLE_NUMBER, offsetof(struct numbers, kernel_tcp), -1, INT64_MAX},
    {"disableOOMKiller", BUNDLE_BOOL, offsetof(struct numbers, oom_off)},
    {"useHierarchy", BUNDLE_BOOL, offsetof(struct numbers, hierarchy)},
    {"checkBeforeUpdate", BUNDLE_BOOL, offsetof(struct numbers, checks)},
    BUNDLE_END,
};

static const struct bundle_field CPU[] = {
    {"shares", BUNDLE_BIG, offsetof(struct numbers, shares)},
    {"quota", BUNDLE_NUMBER, offsetof(struct numbers, quota), -1, INT64_MAX},
    {"period", BUNDLE_NUMBER, offsetof(struct numbers, period), 0, INT64_MAX},
    {"burst", BUNDLE_NUMBER, offsetof(struct numbers, burst), 0, INT64_MAX},
    {"realtimeRuntime", BUNDLE_NUMBER, offsetof(struct numbers, rt_runtime), -1,
     INT64_MAX},
    {"realtimePeriod", BUNDLE_NUMBER, offsetof(struct numbers, rt_period), 0, INT64_MAX},
    {"idle", BUNDLE_NUMBER, offsetof(struct numbers, idle), 0, 1},
    BUNDLE_END,
};

static const struct bundle_field CPUSET[] = {
    {"cpus", BUNDLE_TEXT, offsetof(struct mtd_resources, cpuset_cpus)},
    {"mems", BUNDLE_TEXT, offsetof(struct mtd_resources, cpuset_mems)},
    BUNDLE_END,
};

/* ---- values for files ---- */

static int add_write(struct bundle *b, const struct bundle_write *from,
                     struct mtd_error *err)
{
    struct bundle_write *w =
        bundle_grow((void **)&b->writes, &b->n_writes, sizeof(*w), err);
    if (!w)
        return -ENOMEM;
    const char *const texts[] = {from->controller, from->file, from->value, from->file2,
                                 from->value2};
    char **to[] = {&w->controller, &w->file, &w->value, &w->file2, &w->value2};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        if (texts[i] && !(*to[i] = strdup(texts[i])))
            return mtd_fail(err, ENOMEM, "out of memory");
    return 0;
}

static int add_numbers(struct bundle *b, const struct numbers *n, struct mtd_error *err)
{
    const struct {
        int64_t value;
        const char *controller, *file, *file2;
    } ROWS[] = {
        {n->burst, "cpu", "cpu.cfs_burst_us", "cpu.max.burst"},
        {n->rt_period, "cpu", "cpu.rt_period_us", NULL},
        {n->rt_runtime, "cpu", "cpu.rt_runtime_us", NULL},
        {n->idle, "cpu", "cpu.idle", "cpu.idle"},
        {n->kernel_tcp, "memory", "memory.kmem.tcp.limit_in_bytes", NULL},
        {n->class_id, "net_cls", "net_cls.classid", NULL},
        {n->leaf_weight, "blkio", "blkio.leaf_weight", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++) {
        char text[24];
        if (ROWS[i].value == UNSET)
            continue;
        snprintf(text, sizeof(text), "%lld", (long long)ROWS[i].value);
        struct bundle_write w = {(char *)ROWS[i].controller, (char *)ROWS[i].file, text,
                                 (char *)ROWS[i].file2, text};
        int rc = add_write(b, &w, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

struct huge {
    char *size;
    uint64_t limit;
};

static int read_huge(json_t *item, const char *where, size_t i, void *to,
                     struct mtd_error *err)
{
    static const struct bundle_field FIELDS[] = {
        {"pageSize", BUNDLE_TEXT, offsetof(struct huge, size), .required = true},
        {"limit", BUNDLE_BIG, offsetof(struct huge, limit), .required = true},
        BUNDLE_END};
    struct huge h = {0};
    char file[64], file2[64], value[24];
    (void)i;
    int rc = bundle_fields(item, where, FIELDS, &h, err);
    auto_free char *size = h.size;
    if (rc < 0)
        return rc;
    if (strlen(size) > 16 || size[strspn(size, "0123456789KMGTB")])
        return bundle_bad(err, where, "pageSize", "must be like 2MB");
    snprintf(file, sizeof(file), "hugetlb.%s.limit_in_bytes", size);
    snprintf(file2, sizeof(file2), "hugetlb.%s.max", size);
    snprintf(value, sizeof(value), "%llu", (unsigned long long)h.limit);
    return add_write(
        to, &(struct bundle_write){(char *)"hugetlb", file, value, file2, value}, err);
}

struct io {
    int64_t major, minor, rate, weight, leaf;
};

static const struct {
    const char *key, *file, *key2;
} RATES[] = {
    {"throttleReadBpsDevice", "blkio.throttle.read_bps_device", "rbps"},
    {"throttleWriteBpsDevice", "blkio.throttle.write_bps_device", "wbps"},
    {"throttleReadIOPSDevice", "blkio.throttle.read_iops_device", "riops"},
    {"throttleWriteIOPSDevice", "blkio.throttle.write_iops_device", "wiops"},
};

struct rates {
    struct bundle *b;
    size_t row;
};

static int read_rate(json_t *item, const char *where, size_t i, void *to,
                     struct mtd_error *err)
{
    static const struct bundle_field FIELDS[] = {
        {"major", BUNDLE_NUMBER, offsetof(struct io, major), 0, 4095, true},
        {"minor", BUNDLE_NUMBER, offsetof(struct io, minor), 0, 1048575, true},
        {"rate", BUNDLE_NUMBER, offsetof(struct io, rate), 0, INT64_MAX},
        BUNDLE_END};
    const struct rates *r = to;
    struct io io = {0};
    char value[96], value2[96];
    (void)i;
    int rc = bundle_fields(item, where, FIELDS, &io, err);
    if (rc < 0)
        return rc;
    snprintf(value, sizeof(value), "%lld:%lld %lld", (long long)io.major,
             (long long)io.minor, (long long)io.rate);
    snprintf(value2, sizeof(value2), "%lld:%lld %s=%lld", (long long)io.major,
             (long long)io.minor, RATES[r->row].key2, (long long)io.rate);
    struct bundle_write w = {(char *)"blkio", (char *)RATES[r->row].file, value,
                             (char *)"io.max", value2};
    return add_write(r->b, &w, err);
}

static int add_weight(struct bundle *b, const struct io *io, int64_t weight,
                      const char *file, const char *file2, struct mtd_error *err)
{
    char value[96];
    if (!weight)
        return 0;
    snprintf(value, sizeof(value), "%lld:%lld %lld", (long long)io->major,
             (long long)io->minor, (long long)weight);
    struct bundle_write w = {(char *)"blkio", (char *)file, value, (char *)file2, value};
    return add_write(b, &w, err);
}

static int read_weight(json_t *item, const char *where, size_t i, void *to,
                       struct mtd_error *err)
{
    static const struct bundle_field FIELDS[] = {
        {"major", BUNDLE_NUMBER, offsetof(struct io, major), 0, 4095, true},
        {"minor", BUNDLE_NUMBER, offsetof(struct io, minor), 0, 1048575, true},
        {"weight", BUNDLE_NUMBER, offsetof(struct io, weight), 10, 1000},
        {"leafWeight", BUNDLE_NUMBER, offsetof(struct io, leaf), 10, 1000},
        BUNDLE_END};
    struct io io = {0};
    (void)i;
    int rc = bundle_fields(item, where, FIELDS, &io, err);
    if (rc == 0)
        rc = add_weight(to, &io, io.weight, "blkio.weight_device", "io.bfq.weight", err);
    return rc < 0 ? rc
                  : add_weight(to, &io, io.leaf, "blkio.leaf_weight_device", NULL, err);
}

static int read_blkio(json_t *o, struct bundle *b, struct numbers *n,
                      struct mtd_error *err)
{
    static const struct bundle_field FIELDS[] = {
        {"weight", BUNDLE_NUMBER, offsetof(struct numbers, weight), 0, 1000},
        {"leafWeight", BUNDLE_NUMBER, offsetof(struct numbers, leaf_weight), 0, 1000},
        BUNDLE_END};
    json_t *io;
    int rc = bundle_member(o, WHERE, "blockIO", JSON_OBJECT, &io, err);
    if (rc == 0)
        rc = bundle_fields(io, WHERE ".blockIO", FIELDS, n, err);
    if (rc == 0)
        rc = bundle_each(io, WHERE ".blockIO", "weightDevice", read_weight, b, err);
    for (size_t i = 0; i < ARRAY_SIZE(RATES) && rc == 0; i++)
        rc = bundle_each(io, WHERE ".blockIO", RATES[i].key, read_rate,
                         &(struct rates){b, i}, err);
    return rc;
}

/* v2's files by name: of a controller, and in this group. */
static int read_unified(json_t *o, struct bundle *b, struct mtd_error *err)
{
    json_t *all, *value;
    const char *file;
    int rc = bundle_member(o, WHERE, "unified", JSON_OBJECT, &all, err);
    if (rc < 0 || !all)
        return rc;
    json_object_foreach(all, file, value)
    {
        if (strchr(file, '/') || !strchr(file, '.') || !json_is_string(value))
            return bundle_bad(err, WHERE ".unified", file,
                              "must be a file of a control group and a string");
        struct bundle_write w = {.file2 = (char *)file,
                                 .value2 = (char *)json_string_value(value)};
        rc = add_write(b, &w, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int read_rdma(json_t *o, struct bundle *b, struct mtd_error *err)
{
    json_t *all, *one;
    const char *device;
    int rc = bundle_member(o, WHERE, "rdma", JSON_OBJECT, &all, err);
    if (rc < 0 || !all)
        return rc;
    json_object_foreach(all, device, one)
    {
        int64_t handles = -1, objects = -1;
        char value[160];
        json_t *h = json_object_get(one, "hcaHandles");
        json_t *p = json_object_get(one, "hcaObjects");
        if ((h && bundle_number(h, 0, UINT32_MAX, &handles) < 0) ||
            (p && bundle_number(p, 0, UINT32_MAX, &objects) < 0) || strlen(device) > 64)
            return bundle_bad(err, WHERE ".rdma", NULL, "must have whole numbers");
        int n = snprintf(value, sizeof(value), "%s", device);
        if (handles >= 0)
            n += snprintf(value + n, sizeof(value) - (size_t)n, " hca_handle=%lld",
                          (long long)handles);
        if (objects >= 0)
            snprintf(value + n, sizeof(value) - (size_t)n, " hca_object=%lld",
                     (long long)objects);
        struct bundle_write w = {(char *)"rdma", (char *)"rdma.max", value,
                                 (char *)"rdma.max", value};
        rc = add_write(b, &w, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- devices ---- */

struct rule {
    bool allow;
    char *type, *access;
    int64_t major, minor;
};

static int read_rule(json_t *item, const char *where, size_t i, void *to,
                     struct mtd_error *err)
{
    static const struct bundle_field FIELDS[] = {
        {"allow", BUNDLE_BOOL, offsetof(struct rule, allow), .required = true},
        {"type", BUNDLE_TEXT, offsetof(struct rule, type)},
        {"access", BUNDLE_TEXT, offsetof(struct rule, access)},
        {"major", BUNDLE_NUMBER, offsetof(struct rule, major), -1, 4095},
        {"minor", BUNDLE_NUMBER, offsetof(struct rule, minor), -1, 1048575},
        BUNDLE_END};
    struct bundle *b = to;
    struct rule r = {.major = -1, .minor = -1};
    (void)i;
    int rc = bundle_fields(item, where, FIELDS, &r, err);
    auto_free char *type = r.type, *access = r.access;
    if (rc < 0)
        return rc;
    const char *letters = access && *access ? access : "rwm";
    char kind = type && *type ? *type : 'a';
    if (!strchr("abcu", kind) || (type && strlen(type) > 1))
        return bundle_bad(err, where, "type", "must be a, b, c or u");
    if (strlen(letters) > 3 || letters[strspn(letters, "rwm")])
        return bundle_bad(err, where, "access", "must be of the letters rwm");
    struct mtd_device_rule *one =
        bundle_grow((void **)&b->rules, &b->n_rules, sizeof(*one), err);
    if (!one)
        return -ENOMEM;
    one->deny = !r.allow;
    one->type = kind == 'u' ? 'c' : kind;
    one->major = (int)r.major;
    one->minor = (int)r.minor;
    snprintf(one->access, sizeof(one->access), "%s", letters);
    return 0;
}

/* ---- all ---- */

static int64_t set(int64_t value, int64_t before)
{
    return value == UNSET ? before : value > 0 ? value : 0;
}

static void take_numbers(struct mtd_resources *r, const struct numbers *n)
{
    r->memory = set(n->limit, r->memory);
    r->memory_reservation = set(n->reservation, r->memory_reservation);
    if (n->swap != UNSET)
        r->memory_swap = n->swap > 0 ? n->swap : -1;
    else if (r->memory_swap <= 0)
        r->memory_swap = -1;
    if (r->memory == 0)
        r->memory_swap = -1;
    if (n->swappiness != UNSET) {
        r->sets_swappiness = true;
        r->swappiness = (unsigned)n->swappiness;
    }
    if (n->sets_oom_off)
        r->oom_kill_disable = n->oom_off;
    if (n->quota != UNSET)
        r->cpu_quota = n->quota > 0 ? n->quota : -1;
    r->cpu_period = set(n->period, r->cpu_period);
    if (n->shares)
        r->cpu_shares = n->shares < 2 ? 2 : n->shares > 262144 ? 262144 : n->shares;
    if (n->pids != UNSET)
        r->pids = n->pids > 0 ? n->pids : -1;
    if (n->weight > 0)
        r->blkio_weight = (uint64_t)n->weight;
}

/* Both are things of the past: runc ignores them as well. */
static int warn_of(struct bundle *b, const struct numbers *n, struct mtd_error *err)
{
    int rc = 0;
    if (n->kernel != UNSET)
        rc = bundle_warn(b, err,
                         "memory.kernel is ignored: kernels have no such limit any more");
    if (rc == 0 && !n->hierarchy)
        rc = bundle_warn(
            b, err,
            "memory.useHierarchy is ignored: groups always are below one another");
    return rc;
}

static int read_member(json_t *o, const char *key, const struct bundle_field *fields,
                       void *to, struct mtd_error *err)
{
    json_t *part;
    char where[64];
    snprintf(where, sizeof(where), WHERE ".%s", key);
    int rc = bundle_member(o, WHERE, key, JSON_OBJECT, &part, err);
    return rc < 0 ? rc : bundle_fields(part, where, fields, to, err);
}

static void drop_empty(char **text)
{
    if (*text && !**text) {
        free(*text);
        *text = NULL;
    }
}

int bundle_resources(json_t *o, struct bundle *b, bool with_devices,
                     struct mtd_error *err)
{
    static const struct bundle_field PIDS[] = {
        {"limit", BUNDLE_NUMBER, offsetof(struct numbers, pids), -1, INT64_MAX},
        BUNDLE_END};
    static const struct bundle_field NETWORK[] = {
        {"classID", BUNDLE_NUMBER, offsetof(struct numbers, class_id), 0, UINT32_MAX},
        {"priorities", BUNDLE_REFUSED, .why = "priorities of networks are not supported"},
        BUNDLE_END};
    struct numbers n = {.limit = UNSET,
                        .reservation = UNSET,
                        .swap = UNSET,
                        .swappiness = UNSET,
                        .kernel = UNSET,
                        .kernel_tcp = UNSET,
                        .quota = UNSET,
                        .period = UNSET,
                        .burst = UNSET,
                        .rt_runtime = UNSET,
                        .rt_period = UNSET,
                        .idle = UNSET,
                        .pids = UNSET,
                        .weight = UNSET,
                        .leaf_weight = UNSET,
                        .class_id = UNSET,
                        .hierarchy = true,
                        .checks = b->checks_usage};
    const struct {
        const char *key;
        const struct bundle_field *fields;
        void *to;
    } PARTS[] = {
        {"memory", MEMORY, &n}, {"cpu", CPU, &n},         {"cpu", CPUSET, &b->resources},
        {"pids", PIDS, &n},     {"network", NETWORK, &n},
    };
    int rc = 0;
    for (size_t i = 0; i < ARRAY_SIZE(PARTS) && rc == 0; i++)
        rc = read_member(o, PARTS[i].key, PARTS[i].fields, PARTS[i].to, err);
    n.sets_oom_off =
        o && json_object_get(json_object_get(o, "memory"), "disableOOMKiller");
    drop_empty(&b->resources.cpuset_cpus);
    drop_empty(&b->resources.cpuset_mems);
    if (rc == 0)
        rc = read_blkio(o, b, &n, err);
    take_numbers(&b->resources, &n);
    b->checks_usage = n.checks;
    if (rc == 0)
        rc = warn_of(b, &n, err);
    if (rc == 0)
        rc = add_numbers(b, &n, err);
    if (rc == 0)
        rc = bundle_each(o, WHERE, "hugepageLimits", read_huge, b, err);
    if (rc == 0)
        rc = read_rdma(o, b, err);
    if (rc == 0)
        rc = read_unified(o, b, err);
    if (rc == 0 && with_devices)
        rc = bundle_each(o, WHERE, "devices", read_rule, b, err);
    return rc;
}
