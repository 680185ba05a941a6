/* The rules, which never change: what differs between networks and containers are elements of
 * sets and maps (members.c, port.c). The table's comment is a number that goes up when the rules
 * change; a table of another number, or none, is made anew in one transaction.
 *
 *   to_ct   destination NAT: ports published on one address, then on all
 *   pre     what comes in for an address of the host's
 *   out     the same made on the host, but for ::1
 *   post    masquerade: out of the bridges; of 127.0.0.1 and of neighbours, whose answers would
 *           else not come back through the host
 *   guard   127.0.0.0/8 from outside, which route_localnet on the bridges would let through
 *   forw    to a bridge only answers, what is published, and from the same bridge
 *
 * "ct status dnat" is asked positively and by a mask: an inverted comparison sees whole values.
 * A drop in another program's table wins over every accept here. */

#include "engine/net/internal.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/net/expression.h"

#define COMMENT 0 /* nft's type of user data that is a comment */

/* nft's numbers of data types, in six bits each; only `nft list` reads them. */
enum { TYPE_IP4 = 7, TYPE_IP6 = 8, TYPE_PROTO = 12, TYPE_PORT = 13, TYPE_IFNAME = 41 };
#define TWO(a, b) ((a) << 6 | (b))
#define THREE(a, b, c) (TWO(a, b) << 6 | (c))

static const struct {
    const char *name;
    uint32_t flags, key_type, key_len, data_type, data_len;
} SETS[] = {
    {NET_ROOTS, 0, TYPE_IFNAME, IFNAMSIZ, 0, 0},
    {"bridges", 0, TYPE_IFNAME, IFNAMSIZ, 0, 0},
    {"internal", 0, TYPE_IFNAME, IFNAMSIZ, 0, 0},
    {"same", 0, TWO(TYPE_IFNAME, TYPE_IFNAME), 2 * IFNAMSIZ, 0, 0},
    {"subnets4", NFT_SET_INTERVAL, TYPE_IP4, 4, 0, 0},
    {"subnets6", NFT_SET_INTERVAL, TYPE_IP6, 16, 0, 0},
    {"ports4", NFT_SET_MAP, TWO(TYPE_PROTO, TYPE_PORT), 8, TWO(TYPE_IP4, TYPE_PORT), 8},
    {"ports4_at", NFT_SET_MAP, THREE(TYPE_IP4, TYPE_PROTO, TYPE_PORT), 12,
     TWO(TYPE_IP4, TYPE_PORT), 8},
    {"ports6", NFT_SET_MAP, TWO(TYPE_PROTO, TYPE_PORT), 8, TWO(TYPE_IP6, TYPE_PORT), 20},
    {"ports6_at", NFT_SET_MAP, THREE(TYPE_IP6, TYPE_PROTO, TYPE_PORT), 24,
     TWO(TYPE_IP6, TYPE_PORT), 20},
};

static const struct {
    const char *name, *type; /* NULL = only jumped to */
    uint32_t hook;
    int32_t priority;
} CHAINS[] = {
    {"to_ct", NULL, 0, 0},
    {"pre", "nat", NF_INET_PRE_ROUTING, NF_IP_PRI_NAT_DST},
    {"out", "nat", NF_INET_LOCAL_OUT, NF_IP_PRI_NAT_DST},
    {"post", "nat", NF_INET_POST_ROUTING, NF_IP_PRI_NAT_SRC},
    {"guard", "filter", NF_INET_PRE_ROUTING, NF_IP_PRI_RAW},
    {"forw", "filter", NF_INET_FORWARD, NF_IP_PRI_FILTER},
};

/* ---- rules ---- */

struct family {
    unsigned char number;
    unsigned saddr, daddr, len; /* in its header */
    const char *ports, *ports_at, *subnets;
};
static const struct family IP4 = {NFPROTO_IPV4, 12,          16,        4,
                                  "ports4",     "ports4_at", "subnets4"};
static const struct family IP6 = {NFPROTO_IPV6, 8,           24,        16,
                                  "ports6",     "ports6_at", "subnets6"};

static void put_translation(struct netlink_request *r, const struct family *f, bool at)
{
    struct rule u;
    unsigned reg = 0;
    rule_begin(&u, r, "to_ct");
    rule_family(&u, f->number);
    if (at) {
        rule_payload(&u, NFT_PAYLOAD_NETWORK_HEADER, f->daddr, f->len, EXPRESSION_REG(0));
        reg = f->len / 4;
    }
    rule_meta(&u, NFT_META_L4PROTO, EXPRESSION_REG(reg));
    rule_payload(&u, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, EXPRESSION_REG(reg + 1));
    rule_map(&u, at ? f->ports_at : f->ports, EXPRESSION_REG(0));
    rule_nat(&u, f->number, EXPRESSION_REG(0), EXPRESSION_REG(f->len / 4));
    rule_end(&u);
}

/* An answer to ::1 would not be let in: the kernel has no route_localnet for IPv6. Nothing listens
 * there, so it is refused, and who tries localhost goes on with 127.0.0.1. */
static void put_no_loopback6(struct netlink_request *r)
{
    static const unsigned char LOOPBACK[16] = {[15] = 1};
    struct rule u;
    rule_begin(&u, r, "out");
    rule_family(&u, IP6.number);
    rule_payload(&u, NFT_PAYLOAD_NETWORK_HEADER, IP6.daddr, IP6.len, EXPRESSION_REG(0));
    rule_compare(&u, NFT_CMP_EQ, EXPRESSION_REG(0), LOOPBACK, sizeof(LOOPBACK));
    rule_verdict(&u, NFT_RETURN, NULL);
    rule_end(&u);
}

static void put_jump(struct netlink_request *r, const char *chain)
{
    struct rule u;
    rule_begin(&u, r, chain);
    rule_is_local(&u);
    rule_verdict(&u, NFT_JUMP, "to_ct");
    rule_end(&u);
}

static void rule_from_loopback(struct rule *u, unsigned offset)
{
    static const unsigned char MASK[] = {255, 0, 0, 0}, NET[] = {127, 0, 0, 0};
    rule_family(u, NFPROTO_IPV4);
    rule_payload(u, NFT_PAYLOAD_NETWORK_HEADER, offset, 4, EXPRESSION_REG(0));
    rule_mask(u, EXPRESSION_REG(0), MASK, sizeof(MASK));
    rule_compare(u, NFT_CMP_EQ, EXPRESSION_REG(0), NET, sizeof(NET));
}

static void rule_from_subnet(struct rule *u, const struct family *f)
{
    rule_family(u, f->number);
    rule_payload(u, NFT_PAYLOAD_NETWORK_HEADER, f->saddr, f->len, EXPRESSION_REG(0));
    rule_lookup(u, f->subnets, EXPRESSION_REG(0), false);
}

static void put_masquerade(struct netlink_request *r, const struct family *f)
{
    struct rule u;
    rule_begin(&u, r,
               "post"); /* a container to itself or a neighbour, by a published port */
    rule_out(&u, "bridges", false);
    rule_from_subnet(&u, f);
    rule_is_dnat(&u);
    rule_masquerade(&u);
    rule_end(&u);
    rule_begin(&u, r, "post");
    rule_out(&u, "bridges", true);
    rule_from_subnet(&u, f);
    rule_masquerade(&u);
    rule_end(&u);
}

static void put_guard(struct netlink_request *r)
{
    static const char LO[IFNAMSIZ] = "lo";
    struct rule u;
    rule_begin(&u, r, "post");
    rule_out(&u, "bridges", false);
    rule_from_loopback(&u, IP4.saddr);
    rule_masquerade(&u);
    rule_end(&u);
    rule_begin(&u, r, "guard");
    rule_meta(&u, NFT_META_IIFNAME, EXPRESSION_REG(0));
    rule_compare(&u, NFT_CMP_NEQ, EXPRESSION_REG(0), LO, sizeof(LO));
    rule_from_loopback(&u, IP4.daddr);
    rule_verdict(&u, NF_DROP, NULL);
    rule_end(&u);
}

static void put_answers(struct netlink_request *r)
{
    static const uint32_t STATES = NF_CT_STATE_BIT(IP_CT_ESTABLISHED) |
                                   NF_CT_STATE_BIT(IP_CT_RELATED),
                          NONE = 0;
    struct rule u;
    rule_begin(&u, r, "forw");
    rule_ct(&u, NFT_CT_STATE, EXPRESSION_REG(0));
    rule_mask(&u, EXPRESSION_REG(0), &STATES, sizeof(STATES));
    rule_compare(&u, NFT_CMP_NEQ, EXPRESSION_REG(0), &NONE, sizeof(NONE));
    rule_verdict(&u, NF_ACCEPT, NULL);
    rule_end(&u);
    rule_begin(&u, r, "forw"); /* within a bridge, which br_netfilter shows here */
    rule_meta(&u, NFT_META_IIFNAME, EXPRESSION_REG(0));
    rule_meta(&u, NFT_META_OIFNAME, EXPRESSION_REG(IFNAMSIZ / 4));
    rule_lookup(&u, "same", EXPRESSION_REG(0), false);
    rule_verdict(&u, NF_ACCEPT, NULL);
    rule_end(&u);
}

static void put_forwarding(struct netlink_request *r)
{
    struct rule u;
    rule_begin(&u, r, "forw");
    rule_in(&u, "internal", false);
    rule_verdict(&u, NF_DROP, NULL);
    rule_end(&u);
    rule_begin(&u, r, "forw"); /* a published port is for the host alone there */
    rule_out(&u, "internal", false);
    rule_verdict(&u, NF_DROP, NULL);
    rule_end(&u);
    rule_begin(&u, r, "forw");
    rule_out(&u, "bridges", false);
    rule_is_dnat(&u);
    rule_verdict(&u, NF_ACCEPT, NULL);
    rule_end(&u);
    rule_begin(&u, r, "forw");
    rule_out(&u, "bridges", false);
    rule_verdict(&u, NF_DROP, NULL);
    rule_end(&u);
}

/* The last of all: a table that was made open is closed by adding it. */
static void put_closing(struct netlink_request *r)
{
    struct rule u;
    rule_begin(&u, r, "forw");
    rule_in(&u, "bridges", true);
    rule_verdict(&u, NF_DROP, NULL);
    rule_end(&u);
}

static void put_rules(struct netlink_request *r, bool closed)
{
    const struct family *families[] = {&IP4, &IP6};
    put_guard(r);
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        put_translation(r, families[i], true);
        put_translation(r, families[i], false);
        put_masquerade(r, families[i]);
    }
    put_jump(r, "pre");
    put_no_loopback6(r);
    put_jump(r, "out");
    put_answers(r);
    put_forwarding(r);
    if (closed)
        put_closing(r);
}

/* ---- the table ---- */

static size_t comment(unsigned char ret[256], const char *text)
{
    size_t len = strlen(text) + 1;
    ret[0] = COMMENT;
    ret[1] = (unsigned char)len;
    memcpy(ret + 2, text, len);
    return len + 2;
}

static void put_table(struct netlink_request *r, int type, int flags)
{
    unsigned char number[256];
    size_t len = comment(number, NET_GENERATION);
    expression_message(r, type, flags);
    netlink_put_text(r, NFTA_TABLE_NAME, NET_TABLE);
    if (type == NFT_MSG_NEWTABLE)
        netlink_put(r, NFTA_TABLE_USERDATA, number, len);
}

/* nft's note to itself that a key is in the host's order; `nft list` shows no names without. */
static void put_set(struct netlink_request *r, size_t i)
{
    static const unsigned char HOST_ORDER[] = {0, 4, 1, 0, 0, 0};
    expression_message(r, NFT_MSG_NEWSET, NLM_F_CREATE);
    netlink_put_text(r, NFTA_SET_TABLE, NET_TABLE);
    netlink_put_text(r, NFTA_SET_NAME, SETS[i].name);
    netlink_put_be32(r, NFTA_SET_ID, (uint32_t)i + 1);
    netlink_put_be32(r, NFTA_SET_FLAGS, SETS[i].flags);
    netlink_put_be32(r, NFTA_SET_KEY_TYPE, SETS[i].key_type);
    netlink_put_be32(r, NFTA_SET_KEY_LEN, SETS[i].key_len);
    if (SETS[i].key_type == TYPE_IFNAME)
        netlink_put(r, NFTA_SET_USERDATA, HOST_ORDER, sizeof(HOST_ORDER));
    if (!SETS[i].data_len)
        return;
    netlink_put_be32(r, NFTA_SET_DATA_TYPE, SETS[i].data_type);
    netlink_put_be32(r, NFTA_SET_DATA_LEN, SETS[i].data_len);
}

static void put_chain(struct netlink_request *r, size_t i)
{
    expression_message(r, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    netlink_put_text(r, NFTA_CHAIN_TABLE, NET_TABLE);
    netlink_put_text(r, NFTA_CHAIN_NAME, CHAINS[i].name);
    if (!CHAINS[i].type)
        return;
    size_t hook = netlink_nest(r, NFTA_CHAIN_HOOK);
    netlink_put_be32(r, NFTA_HOOK_HOOKNUM, CHAINS[i].hook);
    netlink_put_be32(r, NFTA_HOOK_PRIORITY, (uint32_t)CHAINS[i].priority);
    netlink_nest_end(r, hook);
    netlink_put_text(r, NFTA_CHAIN_TYPE, CHAINS[i].type);
}

/* Adding it first makes the deletion succeed in any case. */
static int make_anew(struct netlink *nf, bool closed)
{
    struct netlink_request r;
    netlink_request_init(&r);
    expression_batch_begin(&r);
    put_table(&r, NFT_MSG_NEWTABLE, NLM_F_CREATE);
    put_table(&r, NFT_MSG_DELTABLE, 0);
    put_table(&r, NFT_MSG_NEWTABLE, NLM_F_CREATE);
    for (size_t i = 0; i < ARRAY_SIZE(SETS); i++)
        put_set(&r, i);
    for (size_t i = 0; i < ARRAY_SIZE(CHAINS); i++)
        put_chain(&r, i);
    put_rules(&r, closed);
    expression_batch_end(&r);
    return netlink_send(nf, &r, NULL);
}

static int compare(const struct netlink_answer *a, void *arg)
{
    struct netlink_span s = a->body, data;
    struct nfgenmsg h;
    unsigned char number[256];
    size_t len = comment(number, NET_GENERATION);
    netlink_take_header(&s, &h, sizeof(h));
    *(bool *)arg = netlink_find(s, NFTA_TABLE_USERDATA, &data) && data.left == len &&
                   memcmp(data.at, number, len) == 0;
    return 0;
}

static bool is_there(struct netlink *nf)
{
    struct netlink_request r;
    bool same = false;
    netlink_request_init(&r);
    put_table(&r, NFT_MSG_GETTABLE, 0);
    return netlink_ask(nf, &r, compare, &same) == 0 && same;
}

static int count(const struct netlink_answer *a, void *arg)
{
    (void)a;
    ++*(unsigned *)arg;
    return 0;
}

static unsigned count_wanted(bool closed)
{
    struct netlink_request r;
    netlink_request_init(&r);
    put_rules(&r, closed);
    return r.count;
}

static int count_rules(struct netlink *nf, unsigned *ret)
{
    struct netlink_request r;
    *ret = 0;
    netlink_request_init(&r);
    expression_message(&r, NFT_MSG_GETRULE, NLM_F_DUMP);
    netlink_put_text(&r, NFTA_RULE_TABLE, NET_TABLE);
    return netlink_ask(nf, &r, count, ret);
}

/* Rules are deleted one by one by people, and all of them by "nft flush table". A table that another
 * state root has closed is whole. */
static bool has_all_rules(struct netlink *nf, bool closed)
{
    unsigned found;
    return count_rules(nf, &found) < 0 || found == count_wanted(true) ||
           (!closed && found == count_wanted(false));
}

static bool is_closed(struct netlink *nf)
{
    unsigned found;
    return count_rules(nf, &found) == 0 && found == count_wanted(true);
}

bool net_table_is_whole(struct netlink *nf, const char *root, bool closed)
{
    return is_there(nf) && has_all_rules(nf, closed) && net_table_has_root(nf, root);
}

/* Another state root made it, which found the host a router already. */
static int close_it(struct netlink *nf)
{
    struct netlink_request r;
    netlink_request_init(&r);
    expression_batch_begin(&r);
    put_closing(&r);
    expression_batch_end(&r);
    return netlink_send(nf, &r, NULL);
}

/* Is it usable as it is, or by one rule more? */
static bool is_usable(struct netlink *nf, bool closed, enum net_depth how)
{
    unsigned found;
    if (how == NET_ANEW || !is_there(nf))
        return false;
    if (closed && count_rules(nf, &found) == 0 && found == count_wanted(false))
        return close_it(nf) == 0;
    return how != NET_DEEP || has_all_rules(nf, closed);
}

/* What is another state root's goes with the table, and is added again by its monitors, which are told
 * by the kernel, and its next command. */
int net_table_make(struct netlink *nf, const char *root, bool closed, enum net_depth how,
                   bool *ret_made, struct mtd_error *err)
{
    *ret_made = false;
    if (how == NET_QUICK && net_table_has_root(nf, root))
        return 0;
    bool there = is_usable(nf, closed, how);
    *ret_made = !there || !net_table_has_root(nf, root);
    int rc = there ? 0 : make_anew(nf, closed || is_closed(nf));
    if (rc < 0 && net_missing(rc, NET_PART_NF_TABLES, err))
        return rc;
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot make the table inet " NET_TABLE) : 0;
}
