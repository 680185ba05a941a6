/* A hostile neighbour on the same bridge, with NET_RAW: what it sends to be taken for the gateway, for a
 * router or for another container. Each test was seen to fail with its defence off. The test sends
 * from the container's network namespace, which is as much as the container itself could do.
 * Needs root, nft and ip. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../support/netbox.h"
#include "base/cleanup.h"

static struct state s;

static void set_up(void)
{
    net_state_make(&s);
    free(ASK(&s, "network", "create", "--subnet", "10.77.0.0/24", "--subnet", "fd77::/64",
             "front"));
    free(ASK(&s, "run", "-d", "--name", "victim", "--network", "front", "--ip",
             "10.77.0.9", "--ip6", "fd77::9", NET_SERVER("80")));
    free(ASK(&s, "run", "-d", "--name", "evil", "--network", "front", "--ip",
             "10.77.0.66", "--ip6", "fd77::66", "busybox", "sleep", "1000"));
}

static void tear_down(void)
{
    if (!s.dir.path[0])
        return;
    free(ASK(&s, "rm", "-f", "victim", "evil"));
    cr_expect_str_empty(net_left(&s));
    state_done(&s);
}

TestSuite(neighbours, .init = set_up, .fini = tear_down, .timeout = 60);

/* ---- what it sends ---- */

struct wire {
    int fd;
    unsigned char mac[ETH_ALEN]; /* of its own interface */
    struct sockaddr_ll to;       /* that interface */
};

static int open_evil(void)
{
    char path[64];
    auto_free char *pid = ASK(&s, "inspect", "-f", "{{.State.Pid}}", "evil");
    snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
    int ns = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert_geq(ns, 0);
    return ns;
}

static void open_wire(struct wire *w, int domain, int type, int protocol)
{
    struct ifreq eth = {.ifr_name = "eth0"};
    auto_fd int ns = open_evil(), own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(setns(ns, CLONE_NEWNET), 0);
    w->fd = socket(domain, type | SOCK_CLOEXEC, protocol);
    cr_assert_geq(w->fd, 0);
    cr_assert_eq(ioctl(w->fd, SIOCGIFHWADDR, &eth), 0);
    memcpy(w->mac, eth.ifr_hwaddr.sa_data, ETH_ALEN);
    cr_assert_eq(ioctl(w->fd, SIOCGIFINDEX, &eth), 0);
    w->to = (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_ifindex = eth.ifr_ifindex};
    cr_assert_eq(setns(own, CLONE_NEWNET), 0);
}

static void send_frame(const struct wire *w, const unsigned char *from, unsigned protocol,
                       const void *data, size_t len)
{
    unsigned char frame[128] = {0};
    struct ether_header h = {.ether_type = htons((uint16_t)protocol)};
    memset(h.ether_dhost, 0xff, ETH_ALEN);
    memcpy(h.ether_shost, from, ETH_ALEN);
    memcpy(frame, &h, sizeof(h));
    memcpy(frame + sizeof(h), data, len);
    cr_assert_gt(sendto(w->fd, frame, 64, 0, (const void *)&w->to, sizeof(w->to)), 0);
}

/* What was sent before has arrived: the bridge keeps the order, and the victim answers. */
static void wait_for_victim(const char *ping, const char *address)
{
    free(ASK(&s, "exec", "evil", ping, "-c", "1", "-W", "5", address));
}

static char *read_inside(const char *path)
{
    return ASK(&s, "exec", "victim", "cat", path);
}

/* ---- tests ---- */

/* "10.77.0.1 is at my address", to all: the kernel takes such a claim at once. */
Test(neighbours, nobody_else_is_the_gateway)
{
    struct wire w;
    struct ether_arp claim = {.ea_hdr = {htons(ARPHRD_ETHER), htons(ETH_P_IP), ETH_ALEN,
                                         4, htons(ARPOP_REPLY)}};
    struct in_addr gateway = {htonl(0x0a4d0001)};
    free(ASK(&s, "exec", "victim", "ping", "-c", "1", "-W", "5", "10.77.0.1"));
    open_wire(&w, AF_PACKET, SOCK_RAW, 0);
    memcpy(claim.arp_sha, w.mac, ETH_ALEN);
    memcpy(claim.arp_tha, w.mac, ETH_ALEN);
    memcpy(claim.arp_spa, &gateway, 4);
    memcpy(claim.arp_tpa, &gateway, 4);
    send_frame(&w, w.mac, ETH_P_ARP, &claim, sizeof(claim));
    close(w.fd);
    wait_for_victim("ping", "10.77.0.9");
    auto_free char *table = read_inside("/proc/net/arp");
    char *line = strstr(table, "10.77.0.1 ");
    cr_assert(line, "%s", table);
    line[strcspn(line, "\n")] = '\0';
    cr_expect_null(strstr(line, "02:42:0a:4d:00:42"), "%s", line);
}

/* Frames for the victim that have come to the neighbour. */
static unsigned count_stolen(const struct wire *w, const unsigned char *victim)
{
    unsigned char frame[2048];
    unsigned n = 0;
    while (recv(w->fd, frame, sizeof(frame), MSG_DONTWAIT) > 0)
        n += memcmp(frame, victim, ETH_ALEN) == 0;
    return n;
}

/* A frame from the victim's address of hardware: a bridge that learned from it would send what is
 * the victim's to the neighbour, until the victim says something. */
Test(neighbours, what_is_sent_to_another_one_stays_its_own)
{
    static const unsigned char VICTIM[ETH_ALEN] = {2, 0x42, 10, 77, 0, 9};
    struct wire w;
    cr_assert(net_await(-1, "10.77.0.9", 80));
    open_wire(&w, AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
    for (int i = 0; i < 10; i++) {
        send_frame(&w, VICTIM, 0x88b5, "x", 1); /* of no protocol: nobody answers it */
        cr_expect(net_await(-1, "10.77.0.9", 80));
    }
    cr_expect_eq(count_stolen(&w, VICTIM), 0);
    close(w.fd);
}

/* A router's advertisement: a network, and a way out by whoever sent it. */
Test(neighbours, nobody_else_is_a_router)
{
    static const int HOPS = 255;
    struct wire w;
    struct {
        struct nd_router_advert head;
        struct nd_opt_prefix_info prefix;
    } m = {.head = {.nd_ra_hdr = {.icmp6_type = ND_ROUTER_ADVERT},
                    .nd_ra_router_lifetime = htons(1800)},
           .prefix = {.nd_opt_pi_type = ND_OPT_PREFIX_INFORMATION,
                      .nd_opt_pi_len = 4,
                      .nd_opt_pi_prefix_len = 64,
                      .nd_opt_pi_flags_reserved =
                          ND_OPT_PI_FLAG_ONLINK | ND_OPT_PI_FLAG_AUTO,
                      .nd_opt_pi_valid_time = htonl(3600),
                      .nd_opt_pi_preferred_time = htonl(3600)}};
    struct sockaddr_in6 all = {.sin6_family = AF_INET6};
    inet_pton(AF_INET6, "2001:db8:bad::", &m.prefix.nd_opt_pi_prefix);
    inet_pton(AF_INET6, "ff02::1", &all.sin6_addr);
    /* By now its own address of the link is there: duplicates have been looked for. */
    free(ASK(
        &s, "exec", "evil", "sh", "-c",
        "until grep -q '^fe80.* 80 .*eth0' /proc/net/if_inet6; do usleep 10000; done"));
    open_wire(&w, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    all.sin6_scope_id = (unsigned)w.to.sll_ifindex;
    setsockopt(w.fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &HOPS, sizeof(HOPS));
    cr_assert_eq(sendto(w.fd, &m, sizeof(m), 0, (void *)&all, sizeof(all)),
                 (ssize_t)sizeof(m));
    close(w.fd);
    wait_for_victim("ping6", "fd77::9");
    auto_free char *addresses = read_inside("/proc/net/if_inet6");
    auto_free char *routes = read_inside("/proc/net/ipv6_route");
    cr_expect_null(strstr(addresses, "20010db80bad"), "%s", addresses);
    cr_expect_null(strstr(routes, "20010db80bad"), "%s", routes);
    cr_expect_null(strstr(routes, "004200000a4d0042"), "%s", routes);
}

/* "Send what is for 198.51.100.1 to me": whoever claims to be the gateway may say so. */
Test(neighbours, nobody_redirects)
{
    static const char *const FILES[] = {"ipv4/conf/all", "ipv4/conf/eth0",
                                        "ipv6/conf/eth0"};
    for (size_t i = 0; i < ARRAY_SIZE(FILES); i++) {
        char path[128];
        snprintf(path, sizeof(path), "/proc/sys/net/%s/accept_redirects", FILES[i]);
        auto_free char *value = read_inside(path);
        cr_expect_str_eq(value, "0", "%s", path);
    }
}

/* Who wants routers' advertisements says so. */
Test(neighbours, what_the_user_sets_counts)
{
    auto_free char *value = ASK(&s, "run", "--rm", "--network", "front", "--sysctl",
                                "net.ipv6.conf.eth0.accept_ra=2", "busybox", "cat",
                                "/proc/sys/net/ipv6/conf/eth0/accept_ra");
    cr_expect_str_eq(value, "2");
}

/* ---- the host's loopback ---- */

static int listen_on(uint32_t address, uint16_t *ret_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(address)}};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, len), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *ret_port = ntohs(at.sin_port);
    return fd;
}

static uint16_t sum_of(const void *data, size_t len)
{
    const unsigned char *p = data;
    uint32_t sum = 0;
    for (size_t i = 0; i < len; i += 2)
        sum += (uint32_t)p[i] << 8 | p[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void send_datagram(const struct wire *w, uint32_t to, uint16_t port)
{
    struct {
        struct iphdr ip;
        struct udphdr udp;
        char text[4];
    } packet = {
        .ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP},
        .udp = {.source = htons(7), .dest = htons(port)},
        .text = "hey",
    };
    packet.ip.tot_len = htons(sizeof(packet));
    packet.ip.saddr = htonl(0x0a4d0042);
    packet.ip.daddr = htonl(to);
    packet.ip.check = htons(sum_of(&packet.ip, sizeof(packet.ip)));
    packet.udp.len = htons(sizeof(packet.udp) + sizeof(packet.text));
    send_frame(w, w->mac, ETH_P_IP, &packet, sizeof(packet));
}

/* The bridges take 127.0.0.0/8 for what is published there, and a neighbour could address what
 * listens for the host alone. The second datagram goes the same way, and shows that the first
 * has been there. */
Test(neighbours, the_hosts_loopback_is_not_reached)
{
    uint16_t private = 0, public = 0;
    char text[8];
    struct wire w;
    auto_fd int own = listen_on(INADDR_LOOPBACK, &private);
    auto_fd int open = listen_on(0x0a4d0001, &public);
    struct pollfd came = {.fd = open, .events = POLLIN};
    open_wire(&w, AF_PACKET, SOCK_RAW, 0);
    send_datagram(&w, INADDR_LOOPBACK, private);
    send_datagram(&w, 0x0a4d0001, public);
    close(w.fd);
    cr_assert_eq(poll(&came, 1, 20000), 1, "nothing comes at all");
    cr_expect_lt(recv(own, text, sizeof(text), MSG_DONTWAIT), 0,
                 "it came to the host's loopback");
}
