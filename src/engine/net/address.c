/* Addresses of both families are bytes in the network's order; a number within a subnet is
 * counted in the last four of them. */

#include "engine/net/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

int net_address_parse(const char *text, struct net_address *ret)
{
    struct net_address a = {0};
    if (inet_pton(AF_INET, text, a.bytes) == 1)
        a.len = 4;
    else if (inet_pton(AF_INET6, text, a.bytes) == 1)
        a.len = 16;
    else
        return -EINVAL;
    *ret = a;
    return 0;
}

void net_address_text(const struct net_address *a, char ret[NET_TEXT])
{
    if (!inet_ntop(a->len == 4 ? AF_INET : AF_INET6, a->bytes, ret, NET_TEXT))
        ret[0] = '\0';
}

static unsigned char mask_of(unsigned prefix, size_t byte)
{
    unsigned bits = prefix <= 8 * byte ? 0 : prefix - 8 * (unsigned)byte;
    return bits >= 8 ? 0xff : (unsigned char)(0xff00u >> bits);
}

bool net_subnet_has(const struct net_subnet *s, const struct net_address *a)
{
    bool same = s->base.len == a->len;
    for (size_t i = 0; same && i < a->len; i++)
        same = ((s->base.bytes[i] ^ a->bytes[i]) & mask_of(s->prefix, i)) == 0;
    return same;
}

bool net_subnets_overlap(const struct net_subnet *a, const struct net_subnet *b)
{
    return net_subnet_has(a, &b->base) || net_subnet_has(b, &a->base);
}

int net_subnet_parse(const char *text, struct net_subnet *ret)
{
    char address[NET_TEXT];
    uint64_t prefix;
    struct net_subnet s = {0};
    const char *slash = strchr(text, '/');
    if (!slash || (size_t)(slash - text) >= sizeof(address))
        return -EINVAL;
    snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
    if (net_address_parse(address, &s.base) < 0 ||
        parse_u64(slash + 1, 8u * s.base.len, &prefix) < 0)
        return -EINVAL;
    s.prefix = (unsigned)prefix;
    for (size_t i = 0; i < s.base.len; i++)
        if (s.base.bytes[i] & (unsigned char)~mask_of(s.prefix, i))
            return -EDOM;
    *ret = s;
    return 0;
}

void net_subnet_text(const struct net_subnet *s, char ret[NET_TEXT])
{
    net_address_text(&s->base, ret);
    size_t used = strlen(ret);
    snprintf(ret + used, NET_TEXT - used, "/%u", s->prefix);
}

uint64_t net_subnet_size(const struct net_subnet *s)
{
    unsigned bits = 8u * s->base.len - s->prefix;
    return UINT64_C(1) << (bits > 32 ? 32 : bits);
}

static uint32_t low_word(const struct net_address *a)
{
    uint32_t word;
    memcpy(&word, a->bytes + a->len - 4, sizeof(word));
    return ntohl(word);
}

struct net_address net_subnet_at(const struct net_subnet *s, uint64_t n)
{
    struct net_address a = s->base;
    uint32_t word = htonl(low_word(&s->base) + (uint32_t)n);
    memcpy(a.bytes + a.len - 4, &word, sizeof(word));
    return a;
}

uint64_t net_subnet_index(const struct net_subnet *s, const struct net_address *a)
{
    return low_word(a) - low_word(&s->base);
}

struct net_address net_subnet_end(const struct net_subnet *s)
{
    struct net_address a = s->base;
    unsigned carry = 1;
    for (size_t i = 0; i < a.len; i++)
        a.bytes[i] |= (unsigned char)~mask_of(s->prefix, i);
    for (size_t i = a.len; i-- > 0 && carry;) {
        carry += a.bytes[i];
        a.bytes[i] = (unsigned char)carry;
        carry >>= 8;
    }
    return a;
}
