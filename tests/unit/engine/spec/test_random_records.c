/* Records that nobody has thought of: each comes back as it was, and a damaged one is refused
 * whole or read as what it says. The members are listed here once more, so that the codec's own
 * table is not asked what it should do. */

#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "engine/spec/spec.h"
#include "seed.h"

#define RECORDS 400
#define DAMAGES 40

enum kind { TEXT, CHARS, BOOL, I32, U32, I64, U64, ENUM, TIME, LIST, MAP, SIGNAL, MANY };
struct members;
struct member {
    const char *name;
    enum kind kind;
    size_t at;
    int64_t min, max;         /* CHARS: its size is max */
    const struct members *of; /* MANY */
    size_t count_at;
};
struct members {
    const struct member *items;
    size_t n, size;
};

#define M(kind, member, ...)                                   \
    {                                                          \
#member, kind, offsetof(struct S, member), __VA_ARGS__ \
    }
#define MEMBERS(name, list) \
    static const struct members name = {list, ARRAY_SIZE(list), sizeof(struct S)}

#define S mtd_mount
static const struct member MOUNT[] = {
    M(ENUM, type, 0, MTD_MOUNT_VOLUME),
    M(TEXT, source),
    M(TEXT, options),
    M(BOOL, read_only),
    M(BOOL, idmap),
    M(BOOL, no_copy),
    M(BOOL, anonymous),
    M(ENUM, propagation, 0, MTD_PROPAGATION_COUNT - 1),
    M(ENUM, recursion, 0, MTD_RECURSION_COUNT - 1),
    M(TEXT, subpath),
    M(TEXT, mode),
    M(LIST, volume_labels),
    M(LIST, volume_options),
    M(ENUM, origin, 0, MTD_ORIGIN_FROM),
    M(TEXT, target), /* an absolute path */
};
MEMBERS(MOUNTS, MOUNT);
#undef S
#define S mtd_rlimit
static const struct member RLIMIT[] = {M(CHARS, name, 0, 16),
                                       M(U64, soft, INT64_MIN, INT64_MAX),
                                       M(U64, hard, INT64_MIN, INT64_MAX)};
MEMBERS(RLIMITS, RLIMIT);
#undef S
#define S mtd_idrange
static const struct member IDRANGE[] = {M(U64, inside, 0, UINT32_MAX),
                                        M(U64, host, 0, UINT32_MAX),
                                        M(U64, count, 1, UINT32_MAX)};
MEMBERS(IDRANGES, IDRANGE);
#undef S
#define S mtd_join
static const struct member JOIN[] = {
    M(TEXT, network),  M(TEXT, address),
    M(TEXT, address6), M(TEXT, mac),
    M(LIST, aliases),  M(LIST, link_locals),
    M(TEXT, ifname),   M(I64, gw_priority, INT32_MIN, INT32_MAX)};
MEMBERS(JOINS, JOIN);
#undef S
#define S mtd_port
static const struct member PORT[] = {M(TEXT, address), M(U32, host, 0, UINT16_MAX),
                                     M(U32, host_last, 0, UINT16_MAX),
                                     M(U32, target, 1, UINT16_MAX), M(BOOL, udp)};
MEMBERS(PORTS, PORT);
#undef S
#define S mtd_endpoint
static const struct member ENDPOINT[] = {
    M(TEXT, network),      M(TEXT, address),
    M(TEXT, gateway),      M(TEXT, mac),
    M(TEXT, address6),     M(TEXT, gateway6),
    M(U32, prefix, 0, 32), M(U32, prefix6, 0, 128),
    M(LIST, names),        M(LIST, link_locals),
    M(TEXT, ifname),       M(I64, gw_priority, INT32_MIN, INT32_MAX),
    M(BOOL, direct)};
MEMBERS(ENDPOINTS, ENDPOINT);
#undef S

#define S mtd_record
#define P(kind, member, ...) M(kind, spec.process.member, __VA_ARGS__)
#define L(kind, member, ...) M(kind, spec.resources.member, __VA_ARGS__)
#define T(kind, member, ...) M(kind, status.member, __VA_ARGS__)
#define ITEMS(member, count, of) \
    M(MANY, member, 0, 0, &of, offsetof(struct mtd_record, count))
static const struct member RECORD[] = {
    M(TIME, created_at),
    M(TEXT, spec.image),
    M(TEXT, spec.image_id),
    M(LIST, spec.layers),
    M(LIST, spec.entrypoint),
    M(LIST, spec.cmd),
    P(LIST, args),
    P(LIST, env),
    P(TEXT, cwd),
    P(TEXT, user),
    P(BOOL, tty),
    P(BOOL, open_stdin),
    P(BOOL, keeps_stdin),
    P(BOOL, no_new_privs),
    P(BOOL, init),
    P(BOOL, privileged),
    P(U64, caps, INT64_MIN, INT64_MAX),
    P(I32, oom_score_adj, -1000, 1000),
    P(LIST, group_add),
    P(TEXT, seccomp),
    P(TEXT, seccomp_made),
    P(TEXT, apparmor),
    P(TEXT, selinux),
    ITEMS(spec.process.rlimits, spec.process.n_rlimits, RLIMITS),
    M(TEXT, spec.hostname),
    M(TEXT, spec.domainname),
    M(BOOL, spec.read_only),
    ITEMS(spec.mounts, spec.n_mounts, MOUNTS),
    L(I64, memory, 0, INT64_MAX),
    L(I64, memory_swap, -1, INT64_MAX),
    L(I64, memory_reservation, 0, INT64_MAX),
    L(BOOL, sets_swappiness),
    L(BOOL, oom_kill_disable),
    L(U32, swappiness, 0, 100),
    L(I64, nano_cpus, 0, INT64_MAX),
    L(I64, cpu_period, 0, INT64_MAX),
    L(I64, cpu_quota, -1, INT64_MAX),
    L(U64, cpu_shares, 0, 262144),
    L(U64, blkio_weight, 0, 1000),
    L(I64, pids, -1, INT64_MAX),
    L(TEXT, cpuset_cpus),
    L(TEXT, cpuset_mems),
    L(LIST, blkio[MTD_BLKIO_WEIGHT]),
    L(LIST, blkio[MTD_BLKIO_READ_BPS]),
    L(LIST, blkio[MTD_BLKIO_WRITE_BPS]),
    L(LIST, blkio[MTD_BLKIO_READ_IOPS]),
    L(LIST, blkio[MTD_BLKIO_WRITE_IOPS]),
    M(ENUM, spec.network, 0, MTD_NET_CONTAINER),
    ITEMS(spec.joins, spec.n_joins, JOINS),
    M(TEXT, spec.network_from),
    ITEMS(spec.ports, spec.n_ports, PORTS),
    M(BOOL, spec.publish_all),
    M(ENUM, spec.ipc, 0, MTD_IPC_HOST),
    M(BOOL, spec.pid_host),
    M(BOOL, spec.uts_host),
    M(TEXT, spec.pid_from),
    M(TEXT, spec.ipc_from),
    M(ENUM, spec.userns, 0, MTD_USERNS_RANGES),
    M(U64, spec.userns_size, 0, UINT32_MAX),
    ITEMS(spec.idmap, spec.n_idmap, IDRANGES),
    M(I64, spec.shm_size, 0, INT64_MAX),
    M(LIST, spec.dns),
    M(LIST, spec.dns_search),
    M(LIST, spec.dns_options),
    M(LIST, spec.add_hosts),
    M(MAP, spec.sysctls),
    M(LIST, spec.devices),
    M(LIST, spec.device_rules),
    M(LIST, spec.volumes_from),
    M(LIST, spec.mask),
    M(LIST, spec.unmask),
    M(LIST, spec.label_words),
    M(TEXT, spec.mount_label),
    M(LIST, spec.exposed),
    M(MAP, spec.annotations),
    M(SIGNAL, spec.stop_signal),
    M(I64, spec.stop_timeout, -1, INT64_MAX),
    M(U32, spec.start_timeout, 1, MTD_START_TIMEOUT_MAX),
    M(BOOL, spec.sets_stop_timeout),
    M(BOOL, spec.attach[0]),
    M(BOOL, spec.attach[1]),
    M(BOOL, spec.attach[2]),
    M(LIST, spec.labels),
    M(LIST, spec.env_cmdline),
    M(BOOL, spec.auto_remove),
    M(ENUM, spec.restart, 0, MTD_RESTART_UNLESS_STOPPED),
    M(U32, spec.restart_max, 0, UINT32_MAX),
    M(ENUM, spec.log_driver, 0, MTD_LOG_NONE),
    M(U64, spec.log_max_size, 0, INT64_MAX),
    M(U32, spec.log_max_file, 1, 1000000000),
    M(LIST, spec.log_opts),
    M(LIST, spec.healthcheck.test),
    M(I64, spec.healthcheck.interval, 0, INT64_MAX),
    M(I64, spec.healthcheck.timeout, 0, INT64_MAX),
    M(I64, spec.healthcheck.start_period, 0, INT64_MAX),
    M(I64, spec.healthcheck.start_interval, 0, INT64_MAX),
    M(U32, spec.healthcheck.retries, 0, UINT32_MAX),
    T(ENUM, state, 0, MTD_STATE_BROKEN),
    T(I32, pid, 0, INT_MAX),
    T(U64, pid_start, INT64_MIN, INT64_MAX),
    T(CHARS, boot_id, 0, BOOT_ID_LEN + 1),
    T(I32, monitor_pid, 0, INT_MAX),
    T(U64, monitor_start, INT64_MIN, INT64_MAX),
    T(I32, exit_code, -1, 255),
    T(I32, exit_signal, 0, 128),
    T(BOOL, oom_killed),
    T(BOOL, stopped_by_user),
    T(U32, restart_count, 0, UINT32_MAX),
    T(TIME, started_at),
    T(TIME, finished_at),
    T(TIME, next_start_at),
    T(TEXT, error),
    T(LIST, cgroups),
    T(LIST, namespaces),
    T(TEXT, health),
    T(U64, host_network, 0, INT64_MAX),
    ITEMS(status.endpoints, status.n_endpoints, ENDPOINTS),
    ITEMS(status.ports, status.n_ports, PORTS)};
MEMBERS(RECORDS_OF, RECORD);
#undef S

/* ---- filling ----------------------------------------------------------------------- */

static const char *letters_of(struct seed *s)
{
    static const char *const LETTERS[] = {"abc=,:/. -", "\"\\\n\t{}[]", NULL};
    return LETTERS[seed_below(s, 3)]; /* NULL: any bytes, rarely UTF-8 */
}

static char *any_text(struct seed *s)
{
    char text[64];
    seed_text(s, text, seed_below(s, 8) ? 8 : sizeof(text), letters_of(s));
    return strdup(text);
}

static int64_t any_number(struct seed *s, int64_t min, int64_t max)
{
    uint64_t range = (uint64_t)max - (uint64_t)min, n = seed_number(s);
    switch (seed_below(s, 8)) {
    case 0: return min;
    case 1: return max;
    default:
        return (int64_t)((uint64_t)min + (range == UINT64_MAX ? n : n % (range + 1)));
    }
}

static void fill_list(struct seed *s, struct strv *list)
{
    strv_done(list);
    *list = (struct strv){0};
    for (size_t n = seed_below(s, 4); n > 0; n--)
        cr_assert_eq(strv_take(list, any_text(s)), 0);
}

/* Keys are UTF-8 and there once each; values are anything. */
static void fill_map(struct seed *s, struct strv *list)
{
    for (size_t n = seed_below(s, 4); n > 0; n--) {
        char key[16], pair[128];
        auto_free char *value = any_text(s);
        seed_text(s, key, sizeof(key), "ab.\xc3\xa9 \"");
        snprintf(pair, sizeof(pair), "%zu%s=%s", n,
                 strchr(key, '\xc3') || strchr(key, '\xa9') ? "\xc3\xa9" : key, value);
        cr_assert_eq(strv_add(list, pair), 0);
    }
}

static void fill(struct seed *s, const struct members *of, void *base);

static void fill_many(struct seed *s, const struct member *m, void *base)
{
    void **items = (void **)((char *)base + m->at);
    size_t *n = (size_t *)((char *)base + m->count_at);
    *n = seed_below(s, 3);
    *items = *n ? calloc(*n, m->of->size) : NULL;
    for (size_t i = 0; i < *n; i++)
        fill(s, m->of, (char *)*items + i * m->of->size);
}

static void fill_member(struct seed *s, const struct member *m, void *base)
{
    static const char *const SIGNALS[] = {"SIGTERM", "rtmin+3", "9", "hup"};
    void *p = (char *)base + m->at;
    int64_t n = any_number(s, m->min, m->max);
    switch (m->kind) {
    case TEXT: *(char **)p = any_text(s); break;
    case SIGNAL: *(char **)p = strdup(SIGNALS[seed_below(s, 4)]); break;
    case CHARS: seed_text(s, p, (size_t)m->max, "0123-abc"); break;
    case BOOL: *(bool *)p = seed_below(s, 2); break;
    case I32: *(int32_t *)p = (int32_t)n; break;
    case U32: *(uint32_t *)p = (uint32_t)n; break;
    case ENUM: *(int *)p = (int)n; break;
    case I64:
    case U64: *(int64_t *)p = n; break;
    case TIME: *(int64_t *)p = (int64_t)(seed_number(s) >> 1); break;
    case LIST: fill_list(s, p); break;
    case MAP: fill_map(s, p); break;
    case MANY: fill_many(s, m, base); break;
    }
}

static void make_absolute(char **path)
{
    char text[80];
    snprintf(text, sizeof(text), "/%s", *path);
    free(*path);
    *path = strdup(text);
}

/* Half of the members: the others keep their defaults. */
static void fill(struct seed *s, const struct members *of, void *base)
{
    for (size_t i = 0; i < of->n; i++)
        if (of != &RECORDS_OF || seed_below(s, 2))
            fill_member(s, &of->items[i], base);
    if (of == &MOUNTS)
        make_absolute(&((struct mtd_mount *)base)->target);
}

static void make(struct seed *s, struct mtd_record *r)
{
    mtd_record_init(r);
    for (size_t i = 0; i < MTD_ID_LEN; i++)
        r->id[i] = "0123456789abcdef"[seed_below(s, 16)];
    r->name = strdup(seed_below(s, 2) ? "n" : "web_1.a-B");
    fill(s, &RECORDS_OF, r);
}

/* ---- comparing --------------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_list(const struct strv *a, const struct strv *b)
{
    bool same = a->len == b->len;
    for (size_t i = 0; same && i < a->len; i++)
        same = strcmp(a->items[i], b->items[i]) == 0;
    return same;
}

static bool same(const struct members *of, const void *a, const void *b);

static bool same_many(const struct member *m, const void *a, const void *b)
{
    size_t n = *(const size_t *)((const char *)a + m->count_at);
    const char *x = *(char *const *)((const char *)a + m->at),
               *y = *(char *const *)((const char *)b + m->at);
    bool is = n == *(const size_t *)((const char *)b + m->count_at);
    for (size_t i = 0; is && i < n; i++)
        is = same(m->of, x + i * m->of->size, y + i * m->of->size);
    return is;
}

static bool same_member(const struct member *m, const void *a, const void *b)
{
    const void *x = (const char *)a + m->at, *y = (const char *)b + m->at;
    switch (m->kind) {
    case TEXT:
    case SIGNAL: return same_text(*(char *const *)x, *(char *const *)y);
    case CHARS: return strcmp(x, y) == 0;
    case BOOL: return *(const bool *)x == *(const bool *)y;
    case I32:
    case U32:
    case ENUM: return memcmp(x, y, 4) == 0;
    case I64:
    case U64:
    case TIME: return memcmp(x, y, 8) == 0;
    case LIST:
    case MAP: return same_list(x, y);
    case MANY: return same_many(m, a, b);
    }
    return false;
}

static bool same(const struct members *of, const void *a, const void *b)
{
    for (size_t i = 0; i < of->n; i++)
        if (!same_member(&of->items[i], a, b)) {
            fprintf(stderr, "%s differs\n", of->items[i].name);
            return false;
        }
    return true;
}

Test(spec_random, records_come_back)
{
    struct seed s = seed_of("records_come_back");
    for (int i = 0; i < RECORDS; i++) {
        struct mtd_error err = {0};
        auto_done(mtd_record_done) struct mtd_record r, back;
        auto_done(buf_done) struct buf text = {0}, again = {0};
        make(&s, &r);
        mtd_record_init(&back);
        cr_assert_eq(spec_encode(&r, &text, &err), 0, "%s", err.text);
        cr_assert_eq(spec_decode(text.data, text.len, &back, &err), 0, "%s\n%s", err.text,
                     text.data);
        cr_assert(same(&RECORDS_OF, &r, &back), "%s", text.data);
        cr_assert(strcmp(r.id, back.id) == 0 && strcmp(r.name, back.name) == 0);
        cr_assert_null(back.foreign, "%s", back.foreign);
        cr_assert_eq(spec_encode(&back, &again, &err), 0, "%s", err.text);
        cr_assert_str_eq(text.data, again.data);
    }
}

/* ---- damage ------------------------------------------------------------------------ */

static bool is_empty(const struct mtd_record *r)
{
    static const struct mtd_record NONE;
    return memcmp(r, &NONE, sizeof(NONE)) == 0;
}

/* Part of the file, as a crash might have left it, is no record. */
static void expect_no_part(struct seed *s, const struct buf *text)
{
    struct mtd_record r;
    struct mtd_error err = {0};
    size_t len = seed_below(s, text->len - 1); /* the last byte is a newline */
    mtd_record_init(&r);
    cr_expect_eq(spec_decode(text->data, len, &r, &err), -EINVAL, "%zu of %zu bytes", len,
                 text->len);
    cr_expect(is_empty(&r), "half a record of %zu bytes", len);
    cr_expect(err.text[0], "no reason");
}

static void damage(struct seed *s, struct buf *text)
{
    static const char BYTES[] = "\"\\{}[],:0-9e \n\xff\x80z";
    for (size_t n = seed_below(s, 3) + 1; n > 0; n--) {
        size_t at = seed_below(s, text->len), rest = text->len - at;
        size_t cut = seed_below(s, rest < 40 ? rest + 1 : 40);
        switch (seed_below(s, 3)) {
        case 0: text->data[at] = BYTES[seed_below(s, sizeof(BYTES) - 1)]; break;
        case 1: text->data[at] ^= (char)(1 << seed_below(s, 8)); break;
        default:
            memmove(text->data + at, text->data + at + cut, rest - cut);
            text->len -= cut;
        }
        if (text->len == 0)
            return;
    }
}

/* What is read of a damaged one can be written, and is then read as the same. */
static void expect_nothing_half(struct seed *s, const struct buf *text)
{
    struct mtd_error err = {0};
    auto_done(mtd_record_done) struct mtd_record r, back;
    auto_done(buf_done) struct buf copy = {0}, again = {0};
    cr_assert_eq(buf_add(&copy, text->data, text->len), 0);
    damage(s, &copy);
    mtd_record_init(&r);
    mtd_record_init(&back);
    if (spec_decode(copy.data, copy.len, &r, &err) < 0) {
        cr_expect(is_empty(&r) && err.text[0], "half a record: %s", err.text);
        return;
    }
    cr_expect_eq(strlen(r.id), MTD_ID_LEN);
    cr_assert_eq(spec_encode(&r, &again, &err), 0, "%s", err.text);
    cr_assert_eq(spec_decode(again.data, again.len, &back, &err), 0, "%s\n%s\n%s",
                 err.text, copy.data, again.data);
    cr_expect(same(&RECORDS_OF, &r, &back), "%s", again.data);
}

Test(spec_random, damaged_records_are_never_half_read)
{
    struct seed s = seed_of("damaged_records_are_never_half_read");
    for (int i = 0; i < RECORDS / 4; i++) {
        struct mtd_error err = {0};
        auto_done(mtd_record_done) struct mtd_record r;
        auto_done(buf_done) struct buf text = {0};
        make(&s, &r);
        cr_assert_eq(spec_encode(&r, &text, &err), 0, "%s", err.text);
        for (int d = 0; d < DAMAGES; d++) {
            expect_no_part(&s, &text);
            expect_nothing_half(&s, &text);
        }
    }
}
