/* What a packet meets on its way: the network's MTU by a published port, and flows of datagrams to a port that
 * is not published any more. In a host of the test's own; needs root, nft, ip. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../support/netbox.h"
#include "base/cleanup.h"

#define MTU 1280
#define HEADERS 28 /* of IPv4 and UDP */

static struct state s;

static void set_up(void)
{
    net_state_make(&s);
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(network_paths, .init = set_up, .fini = tear_down, .timeout = 60);

#define SERVER "-v", MTD_TALK ":/talk:ro", "busybox", "/talk", "serve", "80"

/* Of that namespace, to the host's port 8080. */
static int connect_datagrams(int ns, const char *address, int discover)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(8080)};
    auto_fd int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(inet_pton(AF_INET, address, &at.sin_addr), 1);
    cr_assert(ns < 0 || setns(ns, CLONE_NEWNET) == 0);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert(ns < 0 || setns(own, CLONE_NEWNET) == 0);
    cr_assert_eq(setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof(int)), 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

struct question {
    int fd, error;
    size_t len;
};

static bool is_answered(void *arg)
{
    static const char DATA[8192];
    struct question *q = arg;
    char text[64];
    struct pollfd p = {.fd = q->fd, .events = POLLIN};
    return send(q->fd, DATA, q->len, 0) == (ssize_t)q->len && poll(&p, 1, 50) == 1 &&
           recv(q->fd, text, sizeof(text), 0) > 0;
}

/* The network's MTU comes back from the host: "too large", and how large it may be. */
static bool is_too_large(void *arg)
{
    struct question *q = arg;
    int mtu = 0;
    socklen_t len = sizeof(mtu);
    if (is_answered(q))
        return false;
    return getsockopt(q->fd, IPPROTO_IP, IP_MTU, &mtu, &len) == 0 && mtu == MTU;
}

Test(network_paths, the_mtu_of_a_network_is_kept_and_told)
{
    int outside = net_outside();
    free(ASK(&s, "network", "create", "--opt", "com.docker.network.driver.mtu=1280",
             "narrow"));
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "narrow", "-p", "8080:80/udp",
             SERVER));
    auto_free char *mtu = ASK(&s, "exec", "web", "cat", "/sys/class/net/eth0/mtu");
    cr_expect_str_eq(mtu, "1280");
    auto_fd int whole = connect_datagrams(outside, "203.0.113.1", IP_PMTUDISC_DO);
    struct question q = {.fd = whole, .len = MTU - HEADERS};
    cr_expect(state_until(is_answered, &q), "what fits is not answered");
    q.len++;
    cr_expect(state_until(is_too_large, &q), "nobody said what does not fit");
    auto_fd int parts = connect_datagrams(outside, "203.0.113.1", IP_PMTUDISC_DONT);
    struct question large = {.fd = parts, .len = 5000};
    cr_expect(state_until(is_answered, &large), "what comes in parts is not answered");
    free(ASK(&s, "rm", "-f", "web"));
    close(outside);
}

/* Whoever goes on sending has nobody to talk to, and finds who publishes the port next. */
Test(network_paths, a_flow_ends_with_its_port)
{
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", "-p", "8080:80/udp",
             SERVER));
    auto_fd int fd = connect_datagrams(-1, "127.0.0.1", IP_PMTUDISC_DONT);
    struct question q = {.fd = fd, .len = 1};
    cr_expect(state_until(is_answered, &q));
    free(ASK(&s, "update", "--publish-rm", "8080:80/udp", "web"));
    cr_expect_not(is_answered(&q), "the flow outlives its port");
    free(ASK(&s, "update", "--publish-add", "8080:80/udp", "web"));
    cr_expect(state_until(is_answered, &q), "the flow has not found the port again");
    free(ASK(&s, "restart", "-t", "0", "web"));
    cr_expect(state_until(is_answered, &q), "the flow has not found the container again");
    free(ASK(&s, "rm", "-f", "web"));
}
