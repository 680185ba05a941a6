/* Published ports of ::1, and of IPv6 for containers without: the monitor leads connections on. In a host of
 * the test's own; needs root, nft, ip. */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/netbox.h"
#include "base/cleanup.h"

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

TestSuite(network_relay, .init = set_up, .fini = tear_down, .timeout = 60);

#define HELLO "busybox", "nc", "-ll", "-p", "80", "-e", "echo", "hello"

static bool answers(void *arg)
{
    return net_get(-1, "127.0.0.1", *(int *)arg) != NULL;
}

static void expect_published(int port)
{
    cr_expect(state_until(answers, &port), "port %d is not reached", port);
}

static void expect_ports(const char *wanted)
{
    auto_free char *said = ASK(&s, "port", "web");
    cr_expect_str_eq(said, wanted);
}

static bool is_gone(void *arg)
{
    return kill(*(pid_t *)arg, 0) < 0;
}

#define UPPER "busybox", "nc", "-ll", "-p", "80", "-e", "tr", "a-z", "A-Z"

static bool answers_at_one(void *arg)
{
    return net_get(-1, "::1", *(int *)arg) != NULL;
}

static void expect_at_one(int port)
{
    cr_expect(state_until(answers_at_one, &port), "[::1]:%d is not reached", port);
}

/* The end of what is asked is passed on, the answer comes after it. */
static bool is_turned(void *arg)
{
    (void)arg;
    return system("test \"$(echo hello | busybox nc ::1 8080)\" = HELLO") == 0;
}

static void need_ipv6(void)
{
    if (access("/proc/net/if_inet6", F_OK) < 0)
        cr_skip("this kernel has no IPv6");
}

Test(network_relay, a_port_of_ipv6_loopback_is_led_on)
{
    need_ipv6();
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", "-p",
             "[::1]:8080:80", HELLO));
    expect_at_one(8080);
    expect_ports("80/tcp -> [::1]:8080");
    cr_expect_null(net_get(-1, "127.0.0.1", 8080));
    NET_REFUSED(&s, "port [::1]:8080/tcp is already published by container web", "run",
                "--rm", "--network", "bridge", "-p", "[::1]:8080:80", "busybox", "true");
    free(ASK(&s, "update", "--publish-add", "[::1]:8081:80", "web"));
    expect_at_one(8081);
    expect_at_one(8080);
    free(ASK(&s, "update", "--publish-rm", "[::1]:8080:80", "web"));
    cr_expect_null(net_get(-1, "::1", 8080));
    free(ASK(&s, "update", "--publish-add", "[::1]:8080:80", "web"));
    expect_at_one(8080); /* beside connections that have just ended */
    free(ASK(&s, "update", "--publish-rm", "[::1]:8080:80", "web"));
    free(ASK(&s, "restart", "-t", "0", "web"));
    expect_at_one(8081);
    free(ASK(&s, "network", "create", "other"));
    free(ASK(&s, "network", "connect", "other", "web"));
    free(ASK(&s, "network", "disconnect", "bridge", "web"));
    expect_at_one(8081);
    auto_free char *check = ASK(&s, "system", "check");
    cr_expect_null(strstr(check, "8081"), "%s", check);
    net_expect_end(&s, "web");
    cr_expect_null(net_get(-1, "::1", 8081));
}

Test(network_relay, a_port_of_ipv6_loopback_outlives_its_monitor)
{
    need_ipv6();
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", "-p",
             "[::1]:8080:80", UPPER));
    cr_expect(state_until(is_turned, NULL), "not reached");
    pid_t monitor = monitor_of(&s, "web");
    cr_assert_eq(kill(monitor, SIGKILL), 0);
    cr_assert(state_until(is_gone, &monitor));
    free(ASK(&s, "ps"));
    cr_expect(state_until(is_turned, NULL), "not reached by the next monitor");
    net_expect_end(&s, "web");
}

/* 0.0.0.0 and [::] are a family each. By IPv6 a container without it is reached all the same. */
Test(network_relay, ipv6_is_led_on_to_a_container_without)
{
    need_ipv6();
    cr_assert_eq(system("ip -6 addr add 2001:db8::1/128 dev lo nodad"), 0);
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", "-p",
             "[::]:8080:80", "-p", "0.0.0.0:8080:80", "-p", "[2001:db8::1]:8081:80",
             HELLO));
    expect_at_one(8080);
    expect_published(8080);
    cr_expect_not_null(net_await(-1, "2001:db8::1", 8080));
    cr_expect_not_null(net_await(-1, "2001:db8::1", 8081));
    cr_expect_null(net_get(-1, "::1", 8081));
    expect_ports("80/tcp -> 0.0.0.0:8080\n80/tcp -> [2001:db8::1]:8081\n"
                 "80/tcp -> [::]:8080");
    NET_REFUSED(&s, "port [::]:8082/udp cannot be published: network bridge has no IPv6",
                "update", "--publish-add", "[::]:8082:80/udp", "web");
    NET_REFUSED(&s, "port [::]:8082/udp cannot be published: network bridge has no IPv6",
                "run", "--rm", "--network", "bridge", "-p", "[::]:8082:80/udp", "busybox",
                "true");
    free(ASK(&s, "network", "create", "--ipv6", "six"));
    free(ASK(&s, "network", "connect", "six", "web"));
    free(ASK(&s, "network", "disconnect", "bridge", "web"));
    expect_published(8080);
    free(ASK(&s, "network", "connect", "bridge", "web"));
    free(ASK(&s, "network", "disconnect", "six", "web"));
    cr_expect_not_null(net_await(-1, "2001:db8::1", 8081));
    free(ASK(&s, "update", "--publish-rm", "0.0.0.0:8080:80", "web"));
    expect_at_one(8080);
    cr_expect_null(net_get(-1, "127.0.0.1", 8080));
    net_expect_end(&s, "web");
}
