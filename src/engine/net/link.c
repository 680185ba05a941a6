/* What all interfaces have in common: how one is found, brought up, given an address and deleted. */

#include "engine/net/link.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

bool link_is_kind(struct netlink_span s, const char *wanted)
{
    struct netlink_span info, kind;
    char text[IFNAMSIZ];
    return netlink_find(s, IFLA_LINKINFO, &info) &&
           netlink_find(info, IFLA_INFO_KIND, &kind) &&
           netlink_text(kind, text, sizeof(text)) && strcmp(text, wanted) == 0;
}

static int note_link(const struct netlink_answer *a, void *arg)
{
    struct link *l = arg;
    struct netlink_span s = a->body, mac, state;
    struct ifinfomsg info;
    netlink_take_header(&s, &info, sizeof(info));
    if (l->mac && (!netlink_find(s, IFLA_ADDRESS, &mac) || mac.left != LINK_MAC_LEN ||
                   memcmp(mac.at, l->mac, LINK_MAC_LEN) != 0))
        return 0;
    l->index = (unsigned)info.ifi_index;
    l->up = info.ifi_flags & IFF_UP;
    l->bridge = link_is_kind(s, "bridge");
    l->works = !netlink_find(s, IFLA_OPERSTATE, &state) || state.left != 1 ||
               *state.at == IF_OPER_UP || *state.at == IF_OPER_UNKNOWN;
    return 0;
}

int link_find(struct netlink *route, const char *name, struct link *ret)
{
    struct netlink_request r;
    struct ifinfomsg any = {0};
    netlink_request_init(&r);
    netlink_message(&r, RTM_GETLINK, 0, &any, sizeof(any));
    netlink_put_text(&r, IFLA_IFNAME, name);
    return netlink_ask(route, &r, note_link, ret);
}
int link_find_mac(struct netlink *inside, const char *text, unsigned *ret)
{
    struct netlink_request r;
    struct ifinfomsg any = {0};
    unsigned char mac[LINK_MAC_LEN];
    struct link l = {.mac = mac};
    int rc = link_parse_mac(text, mac);
    for (int i = 0; rc == 0 && i < 10; i++) {
        netlink_request_init(&r);
        netlink_message(&r, RTM_GETLINK, NLM_F_DUMP, &any, sizeof(any));
        rc = netlink_ask(inside, &r, note_link, &l);
        if (rc != -EINTR)
            break;
        rc = 0;
    }
    *ret = l.index;
    return rc == 0 && l.index == 0 ? -ENODEV : rc;
}

int link_parse_mac(const char *text, unsigned char ret[LINK_MAC_LEN])
{
    unsigned b[LINK_MAC_LEN];
    int end = 0;
    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", b, b + 1, b + 2, b + 3, b + 4, b + 5,
               &end) != LINK_MAC_LEN ||
        text[end])
        return -EINVAL;
    for (size_t i = 0; i < LINK_MAC_LEN; i++)
        ret[i] = (unsigned char)b[i];
    return 0;
}

void link_put_kind(struct netlink_request *r, const char *kind)
{
    size_t info = netlink_nest(r, IFLA_LINKINFO);
    netlink_put_text(r, IFLA_INFO_KIND, kind);
    netlink_nest_end(r, info);
}

void link_put_address(struct netlink_request *r, unsigned index,
                      const struct net_address *a, unsigned prefix)
{
    struct ifaddrmsg m = {.ifa_family = a->len == 4 ? AF_INET : AF_INET6,
                          .ifa_prefixlen = (unsigned char)prefix,
                          .ifa_index = index,
                          .ifa_flags = a->len == 4 ? 0 : IFA_F_NODAD};
    netlink_message(r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &m, sizeof(m));
    netlink_put(r, IFA_LOCAL, a->bytes, a->len);
    if (a->len == 16 || prefix == 32) {
        netlink_put(r, IFA_ADDRESS, a->bytes, a->len);
        return;
    }
    struct in_addr broadcast;
    memcpy(&broadcast, a->bytes, sizeof(broadcast));
    broadcast.s_addr |= htonl(prefix ? 0xffffffffu >> prefix : 0xffffffffu);
    netlink_put(r, IFA_ADDRESS, a->bytes, a->len);
    netlink_put(r, IFA_BROADCAST, &broadcast, sizeof(broadcast));
}

void link_put_neighbour(struct netlink_request *r, unsigned index,
                        const struct net_address *a,
                        const unsigned char mac[LINK_MAC_LEN])
{
    struct ndmsg m = {.ndm_family = AF_BRIDGE,
                      .ndm_ifindex = (int)index,
                      .ndm_state = NUD_NOARP,
                      .ndm_flags = NTF_MASTER};
    if (a) {
        m.ndm_family = a->len == 4 ? AF_INET : AF_INET6;
        m.ndm_state = NUD_PERMANENT;
        m.ndm_flags = 0;
    }
    netlink_message(r, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, &m, sizeof(m));
    if (a)
        netlink_put(r, NDA_DST, a->bytes, a->len);
    netlink_put(r, NDA_LLADDR, mac, LINK_MAC_LEN);
}

#define WORKS_WAIT (100 * NS_PER_MS)
#define WORKS_PAUSE NS_PER_MS

void link_wait(struct netlink *route, unsigned index)
{
    int64_t deadline = clock_mono_ns() + WORKS_WAIT;
    const struct ifinfomsg it = {.ifi_index = (int)index};
    for (;;) {
        struct netlink_request r;
        struct link l = {.works = true};
        netlink_request_init(&r);
        netlink_message(&r, RTM_GETLINK, 0, &it, sizeof(it));
        if (netlink_ask(route, &r, note_link, &l) < 0 || l.works ||
            clock_mono_ns() >= deadline)
            return;
        nanosleep(&(struct timespec){.tv_nsec = WORKS_PAUSE}, NULL);
    }
}

#define DYING_WAIT (3 * NS_PER_SEC)
#define DYING_PAUSE (10 * NS_PER_MS)

int link_send_past_the_dying(struct netlink *n, struct netlink_request *r, int busy)
{
    int64_t deadline = clock_mono_ns() + DYING_WAIT;
    int rc;
    while ((rc = netlink_send(n, r, NULL)) == busy && clock_mono_ns() < deadline)
        nanosleep(&(struct timespec){.tv_nsec = DYING_PAUSE}, NULL);
    return rc;
}

int link_bring_up(struct netlink *route, unsigned index)
{
    struct netlink_request r;
    struct ifinfomsg up = {
        .ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    netlink_request_init(&r);
    netlink_message(&r, RTM_NEWLINK, 0, &up, sizeof(up));
    return netlink_send(route, &r, NULL);
}

int link_delete(struct netlink *route, unsigned index)
{
    struct netlink_request r;
    struct ifinfomsg it = {.ifi_index = (int)index};
    netlink_request_init(&r);
    netlink_message(&r, RTM_DELLINK, 0, &it, sizeof(it));
    return netlink_send(route, &r, NULL);
}

void link_put_header(struct netlink_request *r, const struct ifinfomsg *header)
{
    if (r->full || r->len + sizeof(*header) > sizeof(r->data))
        return;
    memcpy(r->data + r->len, header, sizeof(*header));
    r->len += sizeof(*header);
}
