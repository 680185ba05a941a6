#include "engine/net/expression.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "engine/net/internal.h"

static void put_batch(struct netlink_request *r, int type)
{
    struct nfgenmsg h = {.nfgen_family = AF_UNSPEC,
                         .res_id = htons(NFNL_SUBSYS_NFTABLES)};
    netlink_message(r, (uint16_t)type, NETLINK_QUIET, &h, sizeof(h));
}

void expression_batch_begin(struct netlink_request *r)
{
    put_batch(r, NFNL_MSG_BATCH_BEGIN);
}

void expression_batch_end(struct netlink_request *r)
{
    put_batch(r, NFNL_MSG_BATCH_END);
}

void expression_message(struct netlink_request *r, int type, int flags)
{
    struct nfgenmsg h = {.nfgen_family = NFPROTO_INET};
    netlink_message(r, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), (uint16_t)flags, &h,
                    sizeof(h));
}

void rule_begin(struct rule *u, struct netlink_request *r, const char *chain)
{
    u->r = r;
    expression_message(r, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
    netlink_put_text(r, NFTA_RULE_TABLE, NET_TABLE);
    netlink_put_text(r, NFTA_RULE_CHAIN, chain);
    u->list = netlink_nest(r, NFTA_RULE_EXPRESSIONS);
}

void rule_end(struct rule *u)
{
    netlink_nest_end(u->r, u->list);
}

struct part {
    size_t element, data;
};

static struct part begin(struct rule *u, const char *name)
{
    struct part p = {.element = netlink_nest(u->r, NFTA_LIST_ELEM)};
    netlink_put_text(u->r, NFTA_EXPR_NAME, name);
    p.data = netlink_nest(u->r, NFTA_EXPR_DATA);
    return p;
}

static void end(struct rule *u, struct part p)
{
    netlink_nest_end(u->r, p.data);
    netlink_nest_end(u->r, p.element);
}

static void put_value(struct netlink_request *r, int type, const void *value, size_t len)
{
    size_t nest = netlink_nest(r, (uint16_t)type);
    netlink_put(r, NFTA_DATA_VALUE, value, len);
    netlink_nest_end(r, nest);
}

void rule_meta(struct rule *u, int key, unsigned reg)
{
    struct part p = begin(u, "meta");
    netlink_put_be32(u->r, NFTA_META_DREG, reg);
    netlink_put_be32(u->r, NFTA_META_KEY, (uint32_t)key);
    end(u, p);
}

void rule_payload(struct rule *u, int base, unsigned offset, unsigned len, unsigned reg)
{
    struct part p = begin(u, "payload");
    netlink_put_be32(u->r, NFTA_PAYLOAD_DREG, reg);
    netlink_put_be32(u->r, NFTA_PAYLOAD_BASE, (uint32_t)base);
    netlink_put_be32(u->r, NFTA_PAYLOAD_OFFSET, offset);
    netlink_put_be32(u->r, NFTA_PAYLOAD_LEN, len);
    end(u, p);
}

void rule_compare(struct rule *u, int op, unsigned reg, const void *value, size_t len)
{
    struct part p = begin(u, "cmp");
    netlink_put_be32(u->r, NFTA_CMP_SREG, reg);
    netlink_put_be32(u->r, NFTA_CMP_OP, (uint32_t)op);
    put_value(u->r, NFTA_CMP_DATA, value, len);
    end(u, p);
}

void rule_mask(struct rule *u, unsigned reg, const void *mask, size_t len)
{
    static const unsigned char ZERO[16];
    struct part p = begin(u, "bitwise");
    netlink_put_be32(u->r, NFTA_BITWISE_SREG, reg);
    netlink_put_be32(u->r, NFTA_BITWISE_DREG, reg);
    netlink_put_be32(u->r, NFTA_BITWISE_LEN, (uint32_t)len);
    put_value(u->r, NFTA_BITWISE_MASK, mask, len);
    put_value(u->r, NFTA_BITWISE_XOR, ZERO, len);
    end(u, p);
}

void rule_ct(struct rule *u, int key, unsigned reg)
{
    struct part p = begin(u, "ct");
    netlink_put_be32(u->r, NFTA_CT_DREG, reg);
    netlink_put_be32(u->r, NFTA_CT_KEY, (uint32_t)key);
    end(u, p);
}

void rule_is_local(struct rule *u)
{
    static const uint32_t LOCAL = RTN_LOCAL;
    struct part p = begin(u, "fib");
    netlink_put_be32(u->r, NFTA_FIB_DREG, EXPRESSION_REG(0));
    netlink_put_be32(u->r, NFTA_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
    netlink_put_be32(u->r, NFTA_FIB_FLAGS, NFTA_FIB_F_DADDR);
    end(u, p);
    rule_compare(u, NFT_CMP_EQ, EXPRESSION_REG(0), &LOCAL, sizeof(LOCAL));
}

void rule_lookup(struct rule *u, const char *set, unsigned reg, bool invert)
{
    struct part p = begin(u, "lookup");
    netlink_put_text(u->r, NFTA_LOOKUP_SET, set);
    netlink_put_be32(u->r, NFTA_LOOKUP_SREG, reg);
    if (invert)
        netlink_put_be32(u->r, NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
    end(u, p);
}

void rule_map(struct rule *u, const char *map, unsigned reg)
{
    struct part p = begin(u, "lookup");
    netlink_put_text(u->r, NFTA_LOOKUP_SET, map);
    netlink_put_be32(u->r, NFTA_LOOKUP_SREG, reg);
    netlink_put_be32(u->r, NFTA_LOOKUP_DREG, reg);
    end(u, p);
}

void rule_nat(struct rule *u, int family, unsigned address, unsigned port)
{
    struct part p = begin(u, "nat");
    netlink_put_be32(u->r, NFTA_NAT_TYPE, NFT_NAT_DNAT);
    netlink_put_be32(u->r, NFTA_NAT_FAMILY, (uint32_t)family);
    netlink_put_be32(u->r, NFTA_NAT_REG_ADDR_MIN, address);
    netlink_put_be32(u->r, NFTA_NAT_REG_PROTO_MIN, port);
    end(u, p);
}

void rule_masquerade(struct rule *u)
{
    end(u, begin(u, "masq"));
}

void rule_verdict(struct rule *u, int code, const char *chain)
{
    struct part p = begin(u, "immediate");
    netlink_put_be32(u->r, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    size_t data = netlink_nest(u->r, NFTA_IMMEDIATE_DATA);
    size_t verdict = netlink_nest(u->r, NFTA_DATA_VERDICT);
    netlink_put_be32(u->r, NFTA_VERDICT_CODE, (uint32_t)code);
    if (chain)
        netlink_put_text(u->r, NFTA_VERDICT_CHAIN, chain);
    netlink_nest_end(u->r, verdict);
    netlink_nest_end(u->r, data);
    end(u, p);
}

void rule_family(struct rule *u, unsigned char family)
{
    rule_meta(u, NFT_META_NFPROTO, EXPRESSION_REG(0));
    rule_compare(u, NFT_CMP_EQ, EXPRESSION_REG(0), &family, sizeof(family));
}

void rule_in(struct rule *u, const char *set, bool not_in)
{
    rule_meta(u, NFT_META_IIFNAME, EXPRESSION_REG(0));
    rule_lookup(u, set, EXPRESSION_REG(0), not_in);
}

void rule_out(struct rule *u, const char *set, bool not_in)
{
    rule_meta(u, NFT_META_OIFNAME, EXPRESSION_REG(0));
    rule_lookup(u, set, EXPRESSION_REG(0), not_in);
}

void rule_is_dnat(struct rule *u)
{
    static const uint32_t DNAT = IPS_DST_NAT, NONE = 0;
    rule_ct(u, NFT_CT_STATUS, EXPRESSION_REG(0));
    rule_mask(u, EXPRESSION_REG(0), &DNAT, sizeof(DNAT));
    rule_compare(u, NFT_CMP_NEQ, EXPRESSION_REG(0), &NONE, sizeof(NONE));
}
