/* A summary is made from a record, and comes as bytes from the cache of all (cache.c) or
 * from the record's own text (listed.c): its plain members, its strings and its lists, in
 * the order of the tables. The bytes are not trusted to be what they should be. */

#include "engine/store/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/port/port.h"
#include "engine/spec/packed.h"
#include "engine/spec/sealed.h"

/* To be increased when another summary is made of the same record. */
#define VERSION 3

#define AT(member) \
    offsetof(struct mtd_summary, member), sizeof(((struct mtd_summary *)0)->member)
static const struct packed_member MEMBERS[] = {
    {PACKED_PLAIN, AT(created_at)},    {PACKED_PLAIN, AT(started_at)},
    {PACKED_PLAIN, AT(finished_at)},   {PACKED_PLAIN, AT(state)},
    {PACKED_PLAIN, AT(exit_code)},     {PACKED_PLAIN, AT(exit_signal)},
    {PACKED_PLAIN, AT(oom_killed)},    {PACKED_PLAIN, AT(tty)},
    {PACKED_PLAIN, AT(pid)},           {PACKED_PLAIN, AT(pid_start)},
    {PACKED_PLAIN, AT(boot_id)},       {PACKED_PLAIN, AT(monitor_pid)},
    {PACKED_PLAIN, AT(monitor_start)}, {PACKED_PLAIN, AT(restart_count)},
    {PACKED_PLAIN, AT(network)},       {PACKED_PLAIN, AT(memory_limit)},
    {PACKED_PLAIN, AT(nano_cpus)},     {PACKED_PLAIN, AT(next_start_at)},
    {PACKED_STRING, AT(name)},         {PACKED_STRING, AT(image)},
    {PACKED_STRING, AT(image_id)},     {PACKED_STRING, AT(command)},
    {PACKED_STRING, AT(health)},       {PACKED_STRING, AT(error)},
    {PACKED_LIST, AT(labels)},         {PACKED_LIST, AT(mounts)},
    {PACKED_LIST, AT(cgroups)},        {PACKED_LIST, AT(networks)},
    {PACKED_LIST, AT(ports)},          {PACKED_LIST, AT(addresses)},
};

/* Another build may have another struct. */
uint64_t store_summary_layout(void)
{
    uint64_t sum = spec_checksum(VERSION, &(size_t){ARRAY_SIZE(MEMBERS)}, sizeof(size_t));
    for (size_t i = 0; i < ARRAY_SIZE(MEMBERS); i++) {
        const size_t numbers[] = {MEMBERS[i].kind, MEMBERS[i].offset, MEMBERS[i].size};
        sum = spec_checksum(sum, numbers, sizeof(numbers));
    }
    return sum;
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

static int take_text(struct strv *ret, struct buf *b, int rc)
{
    return rc < 0 ? rc : strv_take(ret, buf_take(b));
}

static int add_port(const char *address, const struct mtd_port *p, struct strv *ret)
{
    auto_done(buf_done) struct buf b = {0};
    struct mtd_port_line line = {.host = p->host, .target = p->target};
    snprintf(line.address, sizeof(line.address), "%s", address);
    snprintf(line.protocol, sizeof(line.protocol), "%s", p->udp ? "udp" : "tcp");
    return take_text(ret, &b, mtd_port_line_put(&line, &b));
}

static bool is_published(const struct mtd_status *st, const char *exposed)
{
    char text[16];
    for (size_t i = 0; i < st->n_ports; i++) {
        const struct mtd_port *p = &st->ports[i];
        snprintf(text, sizeof(text), "%u/%s", p->target, p->udp ? "udp" : "tcp");
        if (strcmp(text, exposed) == 0)
            return true;
    }
    return false;
}

/* The addresses that it is reached by; exposed ones that are not published as numbers. As docker:
 * none without a network of its own. */
static int list_ports(const struct mtd_record *r, struct strv *ret)
{
    const struct mtd_status *st = &r->status;
    const struct mtd_endpoint *e = mtd_port_endpoint(st);
    bool six = e && e->address6;
    int rc = 0;
    for (size_t i = 0; i < st->n_ports && rc == 0; i++) {
        const struct mtd_port *p = &st->ports[i];
        rc = add_port(p->address ? p->address : "0.0.0.0", p, ret);
        if (rc == 0 && !p->address && six)
            rc = add_port("::", p, ret);
    }
    for (size_t i = 0; i < r->spec.exposed.len && st->n_endpoints && rc == 0; i++)
        if (!is_published(st, r->spec.exposed.items[i]))
            rc = strv_add(ret, r->spec.exposed.items[i]);
    return rc;
}

static int list_addresses(const struct mtd_status *st, struct strv *ret)
{
    int rc = 0;
    for (size_t i = 0; i < st->n_endpoints && rc == 0; i++) {
        const struct mtd_endpoint *p = &st->endpoints[i];
        auto_done(buf_done) struct buf four = {0}, six = {0};
        rc = take_text(ret, &four,
                       buf_printf(&four, "%s %s/%u", p->network, p->address, p->prefix));
        if (rc == 0 && p->address6)
            rc = take_text(
                ret, &six,
                buf_printf(&six, "%s %s/%u", p->network, p->address6, p->prefix6));
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
        list_networks(r, &s.networks) < 0 || list_ports(r, &s.ports) < 0 ||
        list_addresses(&r->status, &s.addresses) < 0) {
        mtd_summary_done(&s);
        return -ENOMEM;
    }
    *ret = s;
    return 0;
}

/* ---- bytes --------------------------------------------------------------------------- */

int store_summary_take(const char *data, size_t len, const char *id,
                       struct mtd_summary *ret)
{
    struct mtd_summary s = {0};
    int rc = spec_packed_take(MEMBERS, ARRAY_SIZE(MEMBERS), data, len, &s);
    memcpy(s.id, id, MTD_ID_SIZE);
    s.boot_id[BOOT_ID_LEN] = '\0';
    if (rc == 0 && (unsigned)s.state >= MTD_STATE_COUNT)
        rc = -EBADMSG;
    if (rc < 0) {
        mtd_summary_done(&s);
        return rc;
    }
    *ret = s;
    return 0;
}

int store_summary_put(struct buf *b, const struct mtd_summary *s)
{
    return spec_packed_put(MEMBERS, ARRAY_SIZE(MEMBERS), s, b);
}
