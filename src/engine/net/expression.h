/* net/expression.h - the parts of nf_tables' rules, put one after the other into a request.
 * Registers are those of four bytes; a key of several values stands in neighbouring ones.
 * Source  linux/netfilter/nf_tables.h; nft --debug=netlink shows the same for a typed rule. */
#ifndef ENGINE_NET_EXPRESSION_H
#define ENGINE_NET_EXPRESSION_H

#include "engine/netlink/netlink.h"

#define EXPRESSION_REG(n) (NFT_REG32_00 + (n))

void expression_batch_begin(struct netlink_request *r);
void expression_batch_end(struct netlink_request *r);
/* A message about the table, of the family inet. */
void expression_message(struct netlink_request *r, int type, int flags);

struct rule {
    struct netlink_request *r;
    size_t list;
};
void rule_begin(struct rule *u, struct netlink_request *r, const char *chain);
void rule_end(struct rule *u);

void rule_meta(struct rule *u, int key, unsigned reg);
void rule_payload(struct rule *u, int base, unsigned offset, unsigned len, unsigned reg);
void rule_compare(struct rule *u, int op, unsigned reg, const void *value, size_t len);
void rule_mask(struct rule *u, unsigned reg, const void *mask, size_t len);
void rule_ct(struct rule *u, int key, unsigned reg);
void rule_is_local(struct rule *u); /* the destination is the host's own address */
void rule_lookup(struct rule *u, const char *set, unsigned reg, bool invert);
void rule_map(struct rule *u, const char *map, unsigned reg);
void rule_nat(struct rule *u, int family, unsigned address, unsigned port);
void rule_masquerade(struct rule *u);
void rule_verdict(struct rule *u, int code, const char *chain);

/* Shorter ways of saying what stands in most rules. */
void rule_family(struct rule *u, unsigned char family);      /* meta nfproto */
void rule_in(struct rule *u, const char *set, bool not_in);  /* iifname @set */
void rule_out(struct rule *u, const char *set, bool not_in); /* oifname @set */
void rule_is_dnat(struct rule *u);                           /* ct status dnat */

#endif
