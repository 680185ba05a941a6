/* What the table knows of networks: their bridges, and the subnets behind them; and which state roots
 * have added theirs. A root whose name is missing has lost them, or has none yet. */

#include "engine/net/internal.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "engine/net/expression.h"

static void put_element(struct netlink_request *r, const void *key, size_t len,
                        uint32_t flags)
{
    size_t element = netlink_nest(r, NFTA_LIST_ELEM);
    size_t nest = netlink_nest(r, NFTA_SET_ELEM_KEY);
    netlink_put(r, NFTA_DATA_VALUE, key, len);
    netlink_nest_end(r, nest);
    if (flags)
        netlink_put_be32(r, NFTA_SET_ELEM_FLAGS, flags);
    netlink_nest_end(r, element);
}

/* One key; or, with end, what lies from key to end. */
static void put_elements(struct netlink_request *r, int type, const char *set,
                         const void *key, const void *end, size_t len)
{
    expression_message(r, type, type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0);
    netlink_put_text(r, NFTA_SET_ELEM_LIST_TABLE, NET_TABLE);
    netlink_put_text(r, NFTA_SET_ELEM_LIST_SET, set);
    size_t list = netlink_nest(r, NFTA_SET_ELEM_LIST_ELEMENTS);
    put_element(r, key, len, 0);
    if (end)
        put_element(r, end, len, NFT_SET_ELEM_INTERVAL_END);
    netlink_nest_end(r, list);
}

static void put_subnet(struct netlink_request *r, int type, const char *text)
{
    struct net_subnet s;
    if (!text || net_subnet_parse(text, &s) < 0)
        return;
    struct net_address end = net_subnet_end(&s);
    put_elements(r, type, s.base.len == 4 ? "subnets4" : "subnets6", s.base.bytes,
                 end.bytes, s.base.len);
}

static int change(struct netlink *nf, const struct mtd_net *n, int type)
{
    struct netlink_request r;
    char pair[2 * IFNAMSIZ] = "";
    snprintf(pair, IFNAMSIZ, "%s", n->bridge);
    snprintf(pair + IFNAMSIZ, IFNAMSIZ, "%s", n->bridge);
    netlink_request_init(&r);
    expression_batch_begin(&r);
    put_elements(&r, type, "bridges", pair, NULL, IFNAMSIZ);
    put_elements(&r, type, "same", pair, NULL, sizeof(pair));
    if (n->internal)
        put_elements(&r, type, "internal", pair, NULL, IFNAMSIZ);
    if (!n->internal) {
        put_subnet(&r, type, n->subnet);
        put_subnet(&r, type, n->subnet6);
    }
    expression_batch_end(&r);
    return netlink_send(nf, &r, NULL);
}

int net_table_add(struct netlink *nf, const struct mtd_net *n, struct mtd_error *err)
{
    int rc = change(nf, n, NFT_MSG_NEWSETELEM);
    return rc < 0
               ? mtd_fail_errno(err, -rc,
                                "cannot add network %.80s to the table inet " NET_TABLE,
                                n->name)
               : 0;
}

static int note_key(const struct netlink_answer *a, void *arg)
{
    (void)a;
    *(bool *)arg = true;
    return 0;
}

/* Names of interfaces, and of roots, are padded with zeros to the same length. */
static bool has_key(struct netlink *nf, const char *set, const char key[IFNAMSIZ])
{
    struct netlink_request r;
    bool found = false;
    netlink_request_init(&r);
    expression_message(&r, NFT_MSG_GETSETELEM, 0);
    netlink_put_text(&r, NFTA_SET_ELEM_LIST_TABLE, NET_TABLE);
    netlink_put_text(&r, NFTA_SET_ELEM_LIST_SET, set);
    size_t list = netlink_nest(&r, NFTA_SET_ELEM_LIST_ELEMENTS);
    put_element(&r, key, IFNAMSIZ, 0);
    netlink_nest_end(&r, list);
    return netlink_ask(nf, &r, note_key, &found) == 0 && found;
}

bool net_table_has(struct netlink *nf, const struct mtd_net *n)
{
    char key[IFNAMSIZ] = "";
    snprintf(key, sizeof(key), "%s", n->bridge);
    return has_key(nf, "bridges", key);
}

void net_table_remove(struct netlink *nf, const struct mtd_net *n)
{
    (void)change(nf, n, NFT_MSG_DELSETELEM);
}

bool net_table_has_root(struct netlink *nf, const char *root)
{
    return has_key(nf, NET_ROOTS, root);
}

void net_table_add_root(struct netlink *nf, const char *root)
{
    struct netlink_request r;
    netlink_request_init(&r);
    expression_batch_begin(&r);
    put_elements(&r, NFT_MSG_NEWSETELEM, NET_ROOTS, root, NULL, NET_ROOT_SIZE);
    expression_batch_end(&r);
    (void)netlink_send(nf, &r, NULL);
}
