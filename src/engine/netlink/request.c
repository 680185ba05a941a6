/* Building: everything is a multiple of four bytes, and what does not fit is left out whole. */

#include "engine/netlink/netlink.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <string.h>

#define ALIGNED(n) (((n) + 3u) & ~(size_t)3)

void netlink_request_init(struct netlink_request *r)
{
    r->len = r->message = 0;
    r->count = r->acks = 0;
    r->full = false;
}

/* Room for len bytes, zeroed up to the next multiple; NULL = there is none. */
static void *add(struct netlink_request *r, size_t len)
{
    if (r->full || len > sizeof(r->data) || ALIGNED(len) > sizeof(r->data) - r->len) {
        r->full = true;
        return NULL;
    }
    void *at = r->data + r->len;
    memset(at, 0, ALIGNED(len));
    r->len += ALIGNED(len);
    return at;
}

static void set_length(struct netlink_request *r)
{
    struct nlmsghdr *h = (struct nlmsghdr *)(void *)(r->data + r->message);
    if (!r->full)
        h->nlmsg_len = (uint32_t)(r->len - r->message);
}

void netlink_message(struct netlink_request *r, uint16_t type, uint16_t flags,
                     const void *header, size_t len)
{
    size_t start = r->len;
    struct nlmsghdr *h = add(r, sizeof(*h) + len);
    if (!h)
        return;
    bool dump = (flags & NLM_F_DUMP) == NLM_F_DUMP, quiet = flags & NETLINK_QUIET;
    h->nlmsg_type = type;
    h->nlmsg_flags = (uint16_t)((flags & ~NETLINK_QUIET) | NLM_F_REQUEST |
                                (dump || quiet ? 0 : NLM_F_ACK));
    if (len)
        memcpy(h + 1, header, len);
    r->message = start;
    r->count++;
    r->acks += !quiet;
    set_length(r);
}

void netlink_put(struct netlink_request *r, uint16_t type, const void *data, size_t len)
{
    struct nlattr *a = len > UINT16_MAX - sizeof(*a) ? NULL : add(r, sizeof(*a) + len);
    if (!a) {
        r->full = true;
        return;
    }
    a->nla_type = type;
    a->nla_len = (uint16_t)(sizeof(*a) + len);
    if (len)
        memcpy(a + 1, data, len);
    set_length(r);
}

void netlink_put_u8(struct netlink_request *r, uint16_t type, uint8_t value)
{
    netlink_put(r, type, &value, sizeof(value));
}

void netlink_put_u32(struct netlink_request *r, uint16_t type, uint32_t value)
{
    netlink_put(r, type, &value, sizeof(value));
}

void netlink_put_be32(struct netlink_request *r, uint16_t type, uint32_t value)
{
    netlink_put_u32(r, type, htonl(value));
}

void netlink_put_text(struct netlink_request *r, uint16_t type, const char *text)
{
    netlink_put(r, type, text, strlen(text) + 1);
}

size_t netlink_nest(struct netlink_request *r, uint16_t type)
{
    size_t at = r->len;
    netlink_put(r, type | NLA_F_NESTED, NULL, 0);
    return at;
}

void netlink_nest_end(struct netlink_request *r, size_t nest)
{
    struct nlattr *a = (struct nlattr *)(void *)(r->data + nest);
    if (r->full || r->len - nest > UINT16_MAX) {
        r->full = true;
        return;
    }
    a->nla_len = (uint16_t)(r->len - nest);
    set_length(r);
}
