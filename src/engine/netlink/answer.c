/* Reading: a length that reaches beyond what was received ends the reading. */

#include "engine/netlink/netlink.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <string.h>

#define ALIGNED(n) (((n) + 3u) & ~(size_t)3)

static void skip(struct netlink_span *s, size_t len)
{
    size_t n = ALIGNED(len) < s->left ? ALIGNED(len) : s->left;
    s->at += n;
    s->left -= n;
}

bool netlink_next_answer(struct netlink_span *s, struct netlink_answer *ret)
{
    struct nlmsghdr h;
    if (s->left < sizeof(h))
        return false;
    memcpy(&h, s->at, sizeof(h));
    if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > s->left)
        return false;
    *ret = (struct netlink_answer){
        .type = h.nlmsg_type,
        .flags = h.nlmsg_flags,
        .seq = h.nlmsg_seq,
        .body = {s->at + sizeof(h), h.nlmsg_len - sizeof(h)},
    };
    skip(s, h.nlmsg_len);
    return true;
}

bool netlink_next_attribute(struct netlink_span *s, struct netlink_attribute *ret)
{
    struct nlattr a;
    if (s->left < sizeof(a))
        return false;
    memcpy(&a, s->at, sizeof(a));
    if (a.nla_len < sizeof(a) || a.nla_len > s->left)
        return false;
    ret->type = a.nla_type & NLA_TYPE_MASK;
    ret->value = (struct netlink_span){s->at + sizeof(a), a.nla_len - sizeof(a)};
    skip(s, a.nla_len);
    return true;
}

void netlink_take_header(struct netlink_span *s, void *ret, size_t len)
{
    size_t n = len < s->left ? len : s->left;
    memset(ret, 0, len);
    if (n)
        memcpy(ret, s->at, n);
    skip(s, len);
}

bool netlink_find(struct netlink_span s, uint16_t type, struct netlink_span *ret)
{
    struct netlink_attribute a;
    while (netlink_next_attribute(&s, &a))
        if (a.type == type) {
            *ret = a.value;
            return true;
        }
    return false;
}

uint32_t netlink_u32(struct netlink_span s)
{
    uint32_t value = 0;
    if (s.left >= sizeof(value))
        memcpy(&value, s.at, sizeof(value));
    return value;
}

uint32_t netlink_be32(struct netlink_span s)
{
    return ntohl(netlink_u32(s));
}

bool netlink_text(struct netlink_span s, char *ret, size_t size)
{
    const void *end = s.left ? memchr(s.at, '\0', s.left) : NULL;
    size_t len = end ? (size_t)((const unsigned char *)end - s.at) : 0;
    if (!end || len >= size)
        return false;
    memcpy(ret, s.at, len + 1);
    return true;
}
