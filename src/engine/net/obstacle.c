/* Other programs' rules that drop what is forwarded. A drop in any base chain wins over every accept of
 * ours, so there is nothing to be done about it but to say so, with the command that lets our bridges
 * through. What has a rule that accepts them, in and out, has been told already. */

#include "engine/net/internal.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/net/expression.h"

#define CHAINS_MAX 16
#define NAME_SIZE 64

struct chain {
    unsigned char family;
    char table[NAME_SIZE], name[NAME_SIZE];
    bool drops; /* by its policy */
};

/* Who makes such tables, by a chain or a table that it has, and how it is told. */
enum maker { NFT, DOCKER, UFW, FIREWALLD };

struct chains {
    struct chain items[CHAINS_MAX];
    size_t n;
    struct chain docker, ufw; /* of the tables that these programs made */
};

/* ---- chains ---- */

static void note_maker(struct chains *all, const struct chain *c)
{
    if (strcmp(c->name, "DOCKER-USER") == 0)
        all->docker = *c;
    if (strncmp(c->name, "ufw", 3) == 0 && c->family == NFPROTO_IPV4)
        all->ufw = *c;
}

static int take_chain(const struct netlink_answer *a, void *arg)
{
    struct chains *all = arg;
    struct netlink_span s = a->body, hook, value;
    struct nfgenmsg h;
    struct chain c = {0};
    netlink_take_header(&s, &h, sizeof(h));
    c.family = h.nfgen_family;
    if (!netlink_find(s, NFTA_CHAIN_TABLE, &value) ||
        !netlink_text(value, c.table, sizeof(c.table)) ||
        !netlink_find(s, NFTA_CHAIN_NAME, &value) ||
        !netlink_text(value, c.name, sizeof(c.name)))
        return 0;
    note_maker(all, &c);
    bool family =
        c.family == NFPROTO_IPV4 || c.family == NFPROTO_IPV6 || c.family == NFPROTO_INET;
    if (!family || strcmp(c.table, NET_TABLE) == 0 || all->n == CHAINS_MAX ||
        !netlink_find(s, NFTA_CHAIN_HOOK, &hook) ||
        !netlink_find(hook, NFTA_HOOK_HOOKNUM, &value) ||
        netlink_be32(value) != NF_INET_FORWARD)
        return 0;
    c.drops =
        netlink_find(s, NFTA_CHAIN_POLICY, &value) && netlink_be32(value) == NF_DROP;
    all->items[all->n++] = c;
    return 0;
}

static int ask(struct netlink *nf, int type, unsigned char family, const char *table,
               netlink_fn *fn, void *arg)
{
    struct netlink_request r;
    struct nfgenmsg h = {.nfgen_family = family, .version = NFNETLINK_V0};
    netlink_request_init(&r);
    netlink_message(&r, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), NLM_F_DUMP, &h,
                    sizeof(h));
    if (table)
        netlink_put_text(&r, NFTA_RULE_TABLE, table);
    return netlink_ask(nf, &r, fn, arg);
}

/* ---- rules ---- */

struct search {
    const struct chain *chain;
    const char *bridge;
    bool in, out;    /* is accepted, in any chain of the table */
    bool drops_last; /* the chain's last rule drops what comes as far */
};

struct reading {
    const char *bridge;
    int meta;
    bool in, out, conditions, accepts, drops;
};

/* "mtd0" with its zeros is the name, without them what names begin with. */
static bool is_name(struct netlink_span value, const char *bridge)
{
    char name[IFNAMSIZ] = "";
    snprintf(name, sizeof(name), "%s", bridge);
    return value.left > 0 && value.left <= IFNAMSIZ && *value.at &&
           memcmp(name, value.at, value.left) == 0;
}

static void read_compare(struct reading *r, struct netlink_span data)
{
    struct netlink_span op, outer, value;
    bool same = netlink_find(data, NFTA_CMP_OP, &op) && netlink_be32(op) == NFT_CMP_EQ &&
                netlink_find(data, NFTA_CMP_DATA, &outer) &&
                netlink_find(outer, NFTA_DATA_VALUE, &value) && is_name(value, r->bridge);
    r->in |= same && r->meta == NFT_META_IIFNAME;
    r->out |= same && r->meta == NFT_META_OIFNAME;
}

static void read_verdict(struct reading *r, struct netlink_span data)
{
    struct netlink_span outer, verdict, code;
    if (!netlink_find(data, NFTA_IMMEDIATE_DATA, &outer) ||
        !netlink_find(outer, NFTA_DATA_VERDICT, &verdict) ||
        !netlink_find(verdict, NFTA_VERDICT_CODE, &code))
        return;
    r->accepts |= netlink_be32(code) == NF_ACCEPT;
    r->drops |= netlink_be32(code) == NF_DROP;
}

static void read_target(struct reading *r, struct netlink_span data)
{
    struct netlink_span value;
    char name[NAME_SIZE];
    if (netlink_find(data, NFTA_TARGET_NAME, &value) &&
        netlink_text(value, name, sizeof(name)))
        r->drops |= strcmp(name, "REJECT") == 0 || strcmp(name, "DROP") == 0;
}

static void read_expression(struct reading *r, struct netlink_span expression)
{
    struct netlink_span value, data = {0};
    char name[NAME_SIZE];
    if (!netlink_find(expression, NFTA_EXPR_NAME, &value) ||
        !netlink_text(value, name, sizeof(name)))
        return;
    (void)netlink_find(expression, NFTA_EXPR_DATA, &data);
    if (strcmp(name, "meta") == 0)
        r->meta =
            netlink_find(data, NFTA_META_KEY, &value) ? (int)netlink_be32(value) : -1;
    else if (strcmp(name, "cmp") == 0)
        read_compare(r, data);
    else if (strcmp(name, "immediate") == 0)
        read_verdict(r, data);
    else if (strcmp(name, "target") == 0)
        read_target(r, data);
    else if (strcmp(name, "reject") == 0)
        r->drops = true;
    r->conditions |= strcmp(name, "counter") != 0 && strcmp(name, "log") != 0 &&
                     strcmp(name, "immediate") != 0 && strcmp(name, "target") != 0 &&
                     strcmp(name, "reject") != 0;
}

static int take_rule(const struct netlink_answer *a, void *arg)
{
    struct search *w = arg;
    struct netlink_span s = a->body, list = {0}, value;
    struct netlink_attribute x;
    struct nfgenmsg h;
    struct reading r = {.bridge = w->bridge, .meta = -1};
    char table[NAME_SIZE] = "", chain[NAME_SIZE] = "";
    netlink_take_header(&s, &h, sizeof(h));
    if (h.nfgen_family != w->chain->family || !netlink_find(s, NFTA_RULE_TABLE, &value) ||
        !netlink_text(value, table, sizeof(table)) || strcmp(table, w->chain->table) != 0)
        return 0;
    if (netlink_find(s, NFTA_RULE_CHAIN, &value))
        (void)netlink_text(value, chain, sizeof(chain));
    if (netlink_find(s, NFTA_RULE_EXPRESSIONS, &list))
        while (netlink_next_attribute(&list, &x))
            read_expression(&r, x.value);
    bool base = strcmp(chain, w->chain->name) == 0;
    bool all = base && r.accepts && !r.conditions;
    w->in |= all || (r.in && r.accepts);
    w->out |= all || (r.out && r.accepts);
    if (base)
        w->drops_last = r.drops && !r.conditions;
    return 0;
}

/* ---- what is said ---- */

static bool is_of(const struct chain *maker, const struct chain *c)
{
    return *maker->table && maker->family == c->family &&
           strcmp(maker->table, c->table) == 0;
}

static enum maker maker_of(const struct chains *all, const struct chain *c)
{
    if (strcmp(c->table, "firewalld") == 0)
        return FIREWALLD;
    if (is_of(&all->ufw, c))
        return UFW;
    return is_of(&all->docker, c) ? DOCKER : NFT;
}

#define DROP_IT                                                          \
    " drop what its containers send and get by the host (chain %s); to " \
    "let it through: %s"

static void say(const struct chains *all, const struct chain *c, const char *bridge,
                char *ret, size_t size)
{
    const char *family = c->family == NFPROTO_IPV4   ? "ip"
                         : c->family == NFPROTO_IPV6 ? "ip6"
                                                     : "inet";
    char mend[256];
    switch (maker_of(all, c)) {
    case UFW:
        snprintf(mend, sizeof(mend),
                 "ufw route allow in on %s; ufw route allow out on %s", bridge, bridge);
        break;
    case FIREWALLD:
        snprintf(mend, sizeof(mend), "firewall-cmd %s %s %s=%s; firewall-cmd %s",
                 "--permanent", "--zone=trusted", "--add-interface", bridge, "--reload");
        break;
    default: {
        const char *chain = maker_of(all, c) == DOCKER ? "DOCKER-USER" : c->name;
        snprintf(mend, sizeof(mend),
                 "nft 'insert rule %s %s %s iifname %s accept; "
                 "insert rule %s %s %s oifname %s accept'",
                 family, c->table, chain, bridge, family, c->table, chain, bridge);
    }
    }
    snprintf(ret, size, "the rules of table %s %s" DROP_IT, family, c->table, c->name,
             mend);
}

static void say_legacy(bool six, const char *chain, const char *bridge, char *ret,
                       size_t size)
{
    const char *command = six ? "ip6tables-legacy" : "iptables-legacy";
    char mend[256];
    snprintf(mend, sizeof(mend), "%s %s %s %s %s %s ACCEPT; %s %s %s %s %s %s ACCEPT",
             command, "-I", chain, "-i", bridge, "-j", command, "-I", chain, "-o", bridge,
             "-j");
    snprintf(ret, size, "the rules of %s" DROP_IT, command, "FORWARD", mend);
}

static void each_legacy(const struct mtd_net *n, net_obstacle_fn *fn, void *arg)
{
    char text[NET_OBSTACLE_SIZE];
    const char *chain;
    for (int six = 0; six < 2; six++) {
        if ((six && !n->subnet6) || !net_legacy_drops(six, n->bridge, &chain))
            continue;
        say_legacy(six, chain, n->bridge, text, sizeof(text));
        fn(n->name, text, arg);
    }
}

void net_each_obstacle(struct store *s, const char *network, net_obstacle_fn *fn,
                       void *arg)
{
    auto_done(netlink_close) struct netlink nf = NETLINK_NONE;
    auto_done(mtd_net_done) struct mtd_net n = {0};
    struct chains all = {0};
    if (net_load(s, network, &n, NULL) < 0 || n.internal || !n.bridge)
        return;
    each_legacy(&n, fn, arg);
    if (netlink_open(&nf, NETLINK_NETFILTER) < 0 ||
        ask(&nf, NFT_MSG_GETCHAIN, NFPROTO_UNSPEC, NULL, take_chain, &all) < 0)
        return;
    for (size_t i = 0; i < all.n; i++) {
        const struct chain *c = &all.items[i];
        struct search w = {.chain = c, .bridge = n.bridge};
        char text[NET_OBSTACLE_SIZE];
        if (c->family == NFPROTO_IPV6 && !n.subnet6)
            continue;
        if (ask(&nf, NFT_MSG_GETRULE, c->family, c->table, take_rule, &w) < 0 ||
            (w.in && w.out) || !(c->drops || w.drops_last))
            continue;
        say(&all, c, n.bridge, text, sizeof(text));
        fn(n.name, text, arg);
    }
}
