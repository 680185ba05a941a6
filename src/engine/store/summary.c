/* A summary is made from a record, and comes as bytes from the cache of all (cache.c) or
 * from the record's own text (listed.c): its plain members, its strings and its lists, in
 * the order of the tables. The bytes are not trusted to be what they should be. */

#include "engine/store/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* To be increased when another summary is made of the same record. */
#define VERSION 2

#define AT(member) \
    offsetof(struct mtd_summary, member), sizeof(((struct mtd_summary *)0)->member)
static const struct {
    size_t offset, size;
} PLAIN[] = {
    {AT(created_at)},    {AT(started_at)},    {AT(finished_at)}, {AT(state)},
    {AT(exit_code)},     {AT(exit_signal)},   {AT(oom_killed)},  {AT(tty)},
    {AT(pid)},           {AT(pid_start)},     {AT(boot_id)},     {AT(monitor_pid)},
    {AT(monitor_start)}, {AT(restart_count)}, {AT(network)},     {AT(memory_limit)},
    {AT(nano_cpus)},     {AT(next_start_at)},
};
static const size_t STRINGS[] = {
    offsetof(struct mtd_summary, name),     offsetof(struct mtd_summary, image),
    offsetof(struct mtd_summary, image_id), offsetof(struct mtd_summary, command),
    offsetof(struct mtd_summary, health),   offsetof(struct mtd_summary, error),
};
static const size_t LISTS[] = {
    offsetof(struct mtd_summary, labels),  offsetof(struct mtd_summary, mounts),
    offsetof(struct mtd_summary, cgroups), offsetof(struct mtd_summary, networks),
    offsetof(struct mtd_summary, ports),
};

/* FNV-1a over words instead of bytes: detects torn and foreign files, not tampering. */
uint64_t store_checksum(uint64_t sum, const void *data, size_t len)
{
    const char *p = data;
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        sum = (sum ^ word) * 0x100000001b3ULL;
    }
    for (; len > 0; p++, len--)
        sum = (sum ^ (unsigned char)*p) * 0x100000001b3ULL;
    return sum ^ sum >> 32;
}

/* Another build may have another struct. */
uint64_t store_summary_layout(void)
{
    uint64_t sum = store_checksum(VERSION, PLAIN, sizeof(PLAIN));
    sum = store_checksum(sum, STRINGS, sizeof(STRINGS));
    return store_checksum(sum, LISTS, sizeof(LISTS));
}

/* ---- of a record ---------------------------------------------------------------------- */

static int copy_string(char **ret, const char *s)
{
    if (!s)
        return 0;
    *ret = strdup(s);
    return *ret ? 0 : -ENOMEM;
}

/* As docker: an argument with a space is put into quotes, whatever else is in it. */
static int join_command(const struct strv *args, char **ret)
{
    auto_done(buf_done) struct buf b = {0};
    for (size_t i = 0; i < args->len; i++) {
        const char *quote = i && strchr(args->items[i], ' ') ? "'" : "";
        if (buf_printf(&b, "%s%s%s%s", i ? " " : "", quote, args->items[i], quote) < 0)
            return -ENOMEM;
    }
    *ret = buf_take(&b);
    return *ret ? 0 : -ENOMEM;
}

static int list_mounts(const struct mtd_spec *spec, struct strv *ret)
{
    for (size_t i = 0; i < spec->n_mounts; i++) {
        const struct mtd_mount *m = &spec->mounts[i];
        auto_done(buf_done) struct buf b = {0};
        if (!m->source)
            continue;
        if (buf_printf(&b, "%s:%s", m->source, m->target) < 0 ||
            strv_take(ret, buf_take(&b)) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int list_networks(const struct mtd_record *r, struct strv *ret)
{
    int rc = 0;
    if (r->spec.network == MTD_NET_CONTAINER)
        return 0; /* as docker: it has none of its own */
    if (r->spec.network != MTD_NET_BRIDGE)
        return strv_add(ret, mtd_network_word(r->spec.network));
    for (size_t i = 0; i < r->spec.n_joins && rc == 0; i++)
        rc = strv_add(ret, r->spec.joins[i].network);
    return rc;
}

static int add_port(const char *address, const struct mtd_port *p, struct strv *ret)
{
    auto_done(buf_done) struct buf b = {0};
    bool six = strchr(address, ':') != NULL;
    int rc = buf_printf(&b, "%s%s%s:%u->%u/%s", six ? "[" : "", address, six ? "]" : "",
                        p->host, p->target, p->udp ? "udp" : "tcp");
    return rc < 0 ? rc : strv_take(ret, buf_take(&b));
}

/* The addresses that it is reached by; exposed ones that are not published as numbers. */
static int list_ports(const struct mtd_record *r, struct strv *ret)
{
    const struct mtd_status *st = &r->status;
    bool six = st->n_endpoints && st->endpoints[0].address6;
    int rc = 0;
    for (size_t i = 0; i < st->n_ports && rc == 0; i++) {
        const struct mtd_port *p = &st->ports[i];
        rc = add_port(p->address ? p->address : "0.0.0.0", p, ret);
        if (rc == 0 && !p->address && six)
            rc = add_port("::", p, ret);
    }
    return rc;
}

static void copy_status(const struct mtd_status *from, struct mtd_summary *ret)
{
    bool live = mtd_state_is_live(from->state);
    ret->started_at = from->started_at;
    ret->finished_at = from->finished_at;
    ret->state = from->state;
    ret->exit_code = from->exit_code;
    ret->exit_signal = from->exit_signal;
    ret->oom_killed = from->oom_killed;
    ret->pid = live ? from->pid : 0;
    ret->pid_start = from->pid_start;
    memcpy(ret->boot_id, from->boot_id, sizeof(ret->boot_id));
    ret->monitor_pid = from->monitor_pid;
    ret->monitor_start = from->monitor_start;
    ret->restart_count = from->restart_count;
    ret->next_start_at = from->next_start_at;
}

int store_summary_make(const struct mtd_record *r, struct mtd_summary *ret)
{
    struct mtd_summary s = {0};
    memcpy(s.id, r->id, sizeof(s.id));
    copy_status(&r->status, &s);
    s.created_at = r->created_at;
    s.tty = r->spec.process.tty;
    s.network = r->spec.network;
    s.memory_limit = r->spec.resources.memory;
    s.nano_cpus = r->spec.resources.nano_cpus;
    if (copy_string(&s.name, r->name) < 0 || copy_string(&s.image, r->spec.image) < 0 ||
        copy_string(&s.image_id, r->spec.image_id) < 0 ||
        join_command(&r->spec.process.args, &s.command) < 0 ||
        copy_string(&s.health, r->status.health) < 0 ||
        copy_string(&s.error, r->status.error) < 0 ||
        strv_copy(&s.labels, &r->spec.labels) < 0 ||
        list_mounts(&r->spec, &s.mounts) < 0 ||
        strv_copy(&s.cgroups, &r->status.cgroups) < 0 ||
        list_networks(r, &s.networks) < 0 || list_ports(r, &s.ports) < 0) {
        mtd_summary_done(&s);
        return -ENOMEM;
    }
    *ret = s;
    return 0;
}

/* ---- of bytes ------------------------------------------------------------------------ */

struct cursor {
    const char *p;
    size_t left;
};

static bool take_bytes(struct cursor *c, void *out, size_t n)
{
    if (n > c->left)
        return false;
    memcpy(out, c->p, n);
    c->p += n;
    c->left -= n;
    return true;
}

/* Length + 1 (0 = NULL), then the bytes. */
static int take_string(struct cursor *c, char **ret)
{
    uint32_t n;
    *ret = NULL;
    if (!take_bytes(c, &n, sizeof(n)) || (n > 0 && n - 1 > c->left))
        return -EBADMSG;
    if (n == 0)
        return 0;
    char *s = malloc(n);
    if (!s)
        return -ENOMEM;
    take_bytes(c, s, n - 1);
    s[n - 1] = '\0';
    *ret = s;
    return 0;
}

static int take_list(struct cursor *c, struct strv *ret)
{
    uint32_t n;
    if (!take_bytes(c, &n, sizeof(n)))
        return -EBADMSG;
    for (uint32_t i = 0; i < n; i++) {
        char *s;
        int rc = take_string(c, &s);
        if (rc == 0)
            rc = strv_take(ret, s);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int take_members(struct cursor *c, struct mtd_summary *s)
{
    int rc = 0;
    for (size_t i = 0; i < ARRAY_SIZE(PLAIN); i++)
        if (!take_bytes(c, (char *)s + PLAIN[i].offset, PLAIN[i].size))
            return -EBADMSG;
    for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(STRINGS); i++)
        rc = take_string(c, (char **)((char *)s + STRINGS[i]));
    for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(LISTS); i++)
        rc = take_list(c, (struct strv *)((char *)s + LISTS[i]));
    s->boot_id[BOOT_ID_LEN] = '\0';
    return rc == 0 && (unsigned)s->state >= MTD_STATE_COUNT ? -EBADMSG : rc;
}

int store_summary_take(const char *data, size_t len, const char *id,
                       struct mtd_summary *ret)
{
    struct cursor c = {data, len};
    struct mtd_summary s = {0};
    memcpy(s.id, id, MTD_ID_SIZE);
    int rc = take_members(&c, &s);
    if (rc < 0) {
        mtd_summary_done(&s);
        return rc;
    }
    *ret = s;
    return 0;
}

/* ---- to bytes ------------------------------------------------------------------------ */

static int add_string(struct buf *b, const char *s)
{
    uint32_t n = s ? (uint32_t)strlen(s) + 1 : 0;
    int rc = buf_add(b, &n, sizeof(n));
    return rc == 0 && s ? buf_add(b, s, n - 1) : rc;
}

static int add_list(struct buf *b, const struct strv *v)
{
    uint32_t n = (uint32_t)v->len;
    int rc = buf_add(b, &n, sizeof(n));
    for (size_t i = 0; rc == 0 && i < v->len; i++)
        rc = add_string(b, v->items[i]);
    return rc;
}

int store_summary_put(struct buf *b, const struct mtd_summary *s)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(PLAIN); i++)
        rc = buf_add(b, (const char *)s + PLAIN[i].offset, PLAIN[i].size);
    for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(STRINGS); i++)
        rc = add_string(b, *(char *const *)((const char *)s + STRINGS[i]));
    for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(LISTS); i++)
        rc = add_list(b, (const struct strv *)((const char *)s + LISTS[i]));
    return rc;
}
