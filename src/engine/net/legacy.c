/* The rules of iptables' first kind, which nf_tables does not show: the table filter, as the kernel hands it
 * out. One that nobody has used is not asked for, because asking makes it. */

#include "engine/net/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define TABLE "filter"
#define TABLE_MAX (64u << 20)
#define TRIES 5

static const struct {
    int family, level;
    const char *names;
} KINDS[] = {{AF_INET, IPPROTO_IP, "/proc/self/net/ip_tables_names"},
             {AF_INET6, IPPROTO_IPV6, "/proc/self/net/ip6_tables_names"}};

/* What both families' rules have, wherever it is in theirs. */
struct rule {
    const char *in, *out;
    const unsigned char *in_mask, *out_mask;
    bool any; /* without conditions */
    const struct xt_entry_target *target;
    size_t len, target_len;
};

struct found {
    const char *bridge;
    bool in, out;    /* is accepted, in any chain */
    bool drops_last; /* the last rule before the policy drops what comes as far */
    bool drops, docker;
};

_Static_assert((int)IPT_SO_GET_INFO == (int)IP6T_SO_GET_INFO &&
                   (int)IPT_SO_GET_ENTRIES == (int)IP6T_SO_GET_ENTRIES &&
                   sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo) &&
                   sizeof(struct ipt_get_entries) == sizeof(struct ip6t_get_entries),
               "one way to ask for both");

/* ---- the table ---- */

static bool is_used(int six)
{
    char names[256];
    ssize_t n = fs_read_small_at(AT_FDCWD, KINDS[six].names, names, sizeof(names));
    return n > 0 && strstr(names, TABLE) != NULL;
}

/* Freed by the caller. It may become another one between the two questions. */
static struct ipt_get_entries *get_table(int six, struct ipt_getinfo *info)
{
    auto_fd int fd = socket(KINDS[six].family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    for (int i = 0; fd >= 0 && i < TRIES; i++) {
        socklen_t len = sizeof(*info);
        *info = (struct ipt_getinfo){.name = TABLE};
        if (getsockopt(fd, KINDS[six].level, IPT_SO_GET_INFO, info, &len) < 0 ||
            info->size > TABLE_MAX)
            return NULL;
        auto_free struct ipt_get_entries *all = calloc(1, sizeof(*all) + info->size);
        if (!all)
            return NULL;
        len = (socklen_t)sizeof(*all) + info->size;
        memcpy(all->name, TABLE, sizeof(TABLE));
        all->size = info->size;
        if (getsockopt(fd, KINDS[six].level, IPT_SO_GET_ENTRIES, all, &len) == 0)
            return take_ptr(&all);
    }
    return NULL;
}

/* ---- its rules ---- */

static bool is_zero(const void *data, size_t len)
{
    const unsigned char *at = data;
    while (len && !*at)
        at++, len--;
    return len == 0;
}

static void read_four(const struct ipt_entry *e, struct rule *ret)
{
    *ret = (struct rule){.in = e->ip.invflags & IPT_INV_VIA_IN ? "" : e->ip.iniface,
                         .out = e->ip.invflags & IPT_INV_VIA_OUT ? "" : e->ip.outiface,
                         .in_mask = e->ip.iniface_mask,
                         .out_mask = e->ip.outiface_mask,
                         .any = e->target_offset == sizeof(*e) &&
                                is_zero(&e->ip, sizeof(e->ip)),
                         .len = e->next_offset,
                         .target_len = e->target_offset};
}

static void read_six(const struct ip6t_entry *e, struct rule *ret)
{
    *ret = (struct rule){
        .in = e->ipv6.invflags & IP6T_INV_VIA_IN ? "" : e->ipv6.iniface,
        .out = e->ipv6.invflags & IP6T_INV_VIA_OUT ? "" : e->ipv6.outiface,
        .in_mask = e->ipv6.iniface_mask,
        .out_mask = e->ipv6.outiface_mask,
        .any = e->target_offset == sizeof(*e) && is_zero(&e->ipv6, sizeof(e->ipv6)),
        .len = e->next_offset,
        .target_len = e->target_offset};
}

/* false = there is none, or it is not whole. */
static bool read_rule(int six, const unsigned char *at, size_t left, struct rule *ret)
{
    size_t head = six ? sizeof(struct ip6t_entry) : sizeof(struct ipt_entry);
    if (left < head)
        return false;
    if (six)
        read_six((const void *)at, ret);
    else
        read_four((const void *)at, ret);
    if (ret->target_len < head || ret->len > left ||
        ret->len < ret->target_len + sizeof(struct xt_standard_target))
        return false;
    ret->target = (const void *)(at + ret->target_len);
    return true;
}

/* "mtd+" is what begins so: its mask covers no more. */
static bool is_interface(const char *name, const unsigned char *mask, const char *bridge)
{
    char whole[IFNAMSIZ] = "";
    bool same = *name != '\0';
    memcpy(whole, bridge, strnlen(bridge, sizeof(whole) - 1));
    for (size_t i = 0; i < sizeof(whole) && same; i++)
        same = ((unsigned char)(name[i] ^ whole[i]) & mask[i]) == 0;
    return same;
}

/* NF_ACCEPT or NF_DROP; -1 = goes on elsewhere. */
static int verdict_of(const struct xt_entry_target *t)
{
    if (strcmp(t->u.user.name, "REJECT") == 0)
        return NF_DROP;
    int verdict = ((const struct xt_standard_target *)t)->verdict;
    bool ends = !*t->u.user.name && verdict < 0 && -verdict - 1 <= NF_ACCEPT;
    return ends ? -verdict - 1 : -1;
}

static bool begins_chain(const struct rule *r, const char *name)
{
    const struct xt_error_target *t = (const void *)r->target;
    return strcmp(r->target->u.user.name, XT_ERROR_TARGET) == 0 &&
           r->len >= r->target_len + sizeof(*t) &&
           strncmp(t->errorname, name, sizeof(t->errorname)) == 0;
}

static void read_table(int six, const struct ipt_getinfo *info,
                       const unsigned char *table, struct found *w)
{
    struct rule r;
    size_t first = info->hook_entry[NF_INET_FORWARD];
    size_t policy = info->underflow[NF_INET_FORWARD];
    for (size_t at = 0; read_rule(six, table + at, info->size - at, &r); at += r.len) {
        int verdict = verdict_of(r.target);
        bool forward = at >= first && at < policy, all = forward && r.any;
        w->docker |= begins_chain(&r, "DOCKER-USER");
        w->drops |= at == policy && verdict == NF_DROP;
        if (forward)
            w->drops_last = r.any && verdict == NF_DROP;
        if (verdict != NF_ACCEPT)
            continue;
        w->in |= all || is_interface(r.in, r.in_mask, w->bridge);
        w->out |= all || is_interface(r.out, r.out_mask, w->bridge);
    }
}

bool net_legacy_drops(bool six, const char *bridge, const char **ret_chain)
{
    struct ipt_getinfo info;
    struct found w = {.bridge = bridge};
    auto_free struct ipt_get_entries *all = is_used(six) ? get_table(six, &info) : NULL;
    if (!all || !(info.valid_hooks & 1u << NF_INET_FORWARD))
        return false;
    read_table(six, &info, (const unsigned char *)all->entrytable, &w);
    *ret_chain = w.docker ? "DOCKER-USER" : "FORWARD";
    return !(w.in && w.out) && (w.drops || w.drops_last);
}
