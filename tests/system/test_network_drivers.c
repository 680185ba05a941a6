/* Networks of the driver macvlan, whose containers are beside the host on its link, and what else is asked of an
 * interface: its name, further addresses, who is the way out. In a host of the test's own. */

#include <criterion/criterion.h>
#include <fcntl.h>
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

TestSuite(network_drivers, .init = set_up, .fini = tear_down, .timeout = 90);

#define HELLO "busybox", "nc", "-ll", "-p", "80", "-e", "echo", "hello"
#define SLEEP "busybox", "sleep", "1000"

static bool has_macvlan(void)
{
    return system("ip link add mtdt0 type veth peer name mtdt1 2>/dev/null && "
                  "ip link add mtdt2 link mtdt0 type macvlan 2>/dev/null; rc=$?; "
                  "ip link del mtdt0 2>/dev/null; exit $rc") == 0;
}

/* A router on the link of the host's interface up0: 203.0.113.2. */
static int make_link(void)
{
    if (!has_macvlan())
        cr_skip("this kernel has no macvlan");
    return net_outside();
}

static void make_network(const char *mode)
{
    char option[40];
    snprintf(option, sizeof(option), "macvlan_mode=%s", mode);
    free(ASK(&s, "network", "create", "-d", "macvlan", "-o", "parent=up0", "-o", option,
             "--subnet", "203.0.113.0/24", "--gateway", "203.0.113.2", "--ip-range",
             "203.0.113.128/25", "lan"));
}

struct peer {
    int ns;
    const char *address;
};

static bool answers(void *arg)
{
    const struct peer *p = arg;
    return net_get(p->ns, p->address, 80) != NULL;
}

static void expect_reached(int ns, const char *address)
{
    struct peer p = {ns, address};
    cr_expect(state_until(answers, &p), "%s is not reached", address);
}

static char *address_of(const char *name, const char *network)
{
    char format[128];
    snprintf(format, sizeof(format), "{{.NetworkSettings.Networks.%s.IPAddress}}",
             network);
    return ASK(&s, "inspect", "-f", format, name);
}

static void expect_no_rules(void)
{
    cr_expect_neq(system("nft list table inet mytop-docker >/dev/null 2>&1"), 0,
                  "there are rules of ours");
}

Test(network_drivers, a_macvlan_is_on_the_hosts_link)
{
    auto_fd int outside = make_link();
    make_network("bridge");
    struct outcome o =
        RUN(&s, "run", "-d", "--name", "web", "--network", "lan", "-p", "8080:80", HELLO);
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect(strstr(o.err, "published ports are discarded: network lan"), "%s", o.err);
    outcome_done(&o);
    auto_free char *address = address_of("web", "lan");
    cr_expect_str_eq(address, "203.0.113.129");
    expect_reached(outside, address);
    cr_expect_null(net_get(-1, address, 80)); /* the kernel: not from the parent itself */
    cr_expect_null(net_get(-1, "127.0.0.1", 8080));
    auto_free char *ports = ASK(&s, "port", "web");
    cr_expect_str_empty(ports);
    auto_free char *route = ASK(&s, "exec", "web", "busybox", "ip", "route");
    cr_expect(strstr(route, "default via 203.0.113.2 dev eth0"), "%s", route);
    free(ASK(&s, "run", "-d", "--name", "two", "--network", "lan", SLEEP));
    auto_free char *said = ASK(&s, "exec", "two", "busybox", "nc", "web", "80");
    cr_expect_str_eq(said, "hello"); /* by its name */
    expect_no_rules();
    EXPECT_OUTPUT(&s, 0, "", "system", "check");
    free(ASK(&s, "rm", "-f", "web", "two"));
    free(ASK(&s, "network", "rm", "lan"));
    cr_expect_eq(system("ip link show up0 >/dev/null"), 0,
                 "the host's interface is gone");
    cr_expect_str_empty(net_left(&s));
    cr_expect_str_empty(state_leftovers(&s, false));
}

Test(network_drivers, each_mode_is_the_kernels)
{
    static const char *const MODES[] = {"bridge", "private", "vepa", "passthru"};
    auto_fd int outside = make_link();
    for (size_t i = 0; i < ARRAY_SIZE(MODES); i++) {
        char wanted[40];
        make_network(MODES[i]);
        free(ASK(&s, "run", "-d", "--name", "web", "--network", "lan", SLEEP));
        auto_free char *pid = ASK(&s, "inspect", "-f", "{{.State.Pid}}", "web");
        snprintf(wanted, sizeof(wanted), "macvlan mode %s", MODES[i]);
        char command[128];
        snprintf(command, sizeof(command),
                 "nsenter --net=/proc/%s/ns/net ip -d link show eth0 | grep -q '%s'", pid,
                 wanted);
        cr_expect_eq(system(command), 0, "%s", wanted);
        free(ASK(&s, "rm", "-f", "web"));
        free(ASK(&s, "network", "rm", "lan"));
    }
}

/* The interface of one that has ended may live a little longer: it is waited for. */
Test(network_drivers, one_at_a_time_passes_through)
{
    auto_fd int outside = make_link();
    make_network("passthru");
    for (int i = 0; i < 5; i++) {
        free(ASK(&s, "run", "-d", "--name", "web", "--network", "lan", SLEEP));
        free(ASK(&s, "rm", "-f", "web"));
    }
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "lan", SLEEP));
    NET_REFUSED(&s, "must be the only one", "run", "--rm", "--network", "lan", SLEEP);
}

Test(network_drivers, a_running_container_joins_and_leaves_a_macvlan)
{
    auto_fd int outside = make_link();
    make_network("bridge");
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", "-p", "8080:80",
             "--cap-add", "NET_ADMIN", HELLO));
    free(ASK(&s, "network", "connect", "lan", "web"));
    auto_free char *address = address_of("web", "lan");
    expect_reached(outside, address);
    cr_expect_not_null(net_await(-1, "127.0.0.1", 8080));
    EXPECT_OUTPUT(&s, 0, "", "system", "check");
    /* Whatever the container made of its interface. */
    free(ASK(&s, "exec", "web", "busybox", "ip", "link", "set", "eth1", "down"));
    free(ASK(&s, "exec", "web", "busybox", "ip", "link", "set", "eth1", "address",
             "02:00:00:00:00:77"));
    free(ASK(&s, "exec", "web", "busybox", "ip", "link", "set", "eth1", "name", "mine"));
    EXPECT_OUTPUT(&s, 0, "", "system", "check");
    free(ASK(&s, "network", "disconnect", "lan", "web"));
    auto_free char *links = ASK(&s, "exec", "web", "busybox", "ip", "-o", "link");
    cr_expect_null(strstr(links, "mine"), "%s", links);
    cr_expect_not_null(net_await(-1, "127.0.0.1", 8080));
    /* And the other way round: the ports lead to the bridge, whichever came first. */
    free(ASK(&s, "run", "-d", "--name", "two", "--network", "lan", "-p", "8081:80",
             HELLO));
    auto_free char *none = ASK(&s, "port", "two");
    cr_expect_str_empty(none);
    free(ASK(&s, "network", "connect", "bridge", "two"));
    auto_free char *ports = ASK(&s, "port", "two");
    cr_expect_str_eq(ports, "80/tcp -> 0.0.0.0:8081");
    free(ASK(&s, "rm", "-f", "web", "two"));
    cr_expect_str_empty(net_left(&s));
}

Test(network_drivers, a_macvlan_that_is_left_takes_no_other_one_along)
{
    if (!has_macvlan())
        cr_skip("this kernel has no macvlan");
    free(ASK(&s, "network", "create", "-d", "macvlan", "one"));
    free(ASK(&s, "network", "create", "-d", "macvlan", "two"));
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "one", SLEEP));
    free(ASK(&s, "network", "connect", "two", "web"));
    free(ASK(&s, "network", "disconnect", "one", "web"));
    auto_free char *left = ASK(&s, "exec", "web", "ls", "/sys/class/net");
    cr_expect_str_eq(left, "eth1\nlo");
    EXPECT_OUTPUT(&s, 0, "", "system", "check");
    free(ASK(&s, "rm", "-f", "web"));
    cr_expect_str_empty(net_left(&s));
}

Test(network_drivers, a_macvlan_without_a_parent_leads_nowhere)
{
    auto_fd int outside = make_link();
    free(ASK(&s, "network", "create", "-d", "macvlan", "lan"));
    auto_free char *internal =
        ASK(&s, "network", "inspect", "-f", "{{.Internal}}", "lan");
    cr_expect_str_eq(internal, "true");
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "lan", HELLO));
    free(ASK(&s, "run", "-d", "--name", "two", "--network", "lan", SLEEP));
    auto_free char *said = ASK(&s, "exec", "two", "busybox", "nc", "web", "80");
    cr_expect_str_eq(said, "hello");
    auto_free char *routes = ASK(&s, "exec", "two", "busybox", "ip", "route");
    cr_expect_null(strstr(routes, "default"), "%s", routes);
    expect_no_rules();
    EXPECT_OUTPUT(&s, 0, "", "system", "check");
    NET_REFUSED(&s, "in use by container", "network", "rm", "lan");
    free(ASK(&s, "rm", "-f", "web", "two"));
    free(ASK(&s, "network", "rm", "lan"));
    cr_expect_neq(system("ip -o link | grep -q mtd"), 0, "an interface is left");
}

Test(network_drivers, what_is_no_macvlan_is_refused)
{
    auto_fd int outside = make_link();
#define CREATE "network", "create", "-d", "macvlan"
    NET_REFUSED(&s, "the host has no interface nic9", CREATE, "-o", "parent=nic9", "x");
    NET_REFUSED(&s, "ip link add link DEVICE name up0.10 type vlan", CREATE, "-o",
                "parent=up0.10", "x");
    NET_REFUSED(&s, "loopback interface is not a valid macvlan parent link", CREATE, "-o",
                "parent=lo", "x");
    NET_REFUSED(&s, "is not a name of an interface", CREATE, "-o", "parent=../x", "x");
    NET_REFUSED(&s, "requested macvlan mode 'odd' is not valid", CREATE, "-o",
                "macvlan_mode=odd", "x");
    NET_REFUSED(&s, "\"icc=false\" is not known of macvlan", CREATE, "-o", "icc=false",
                "x");
    NET_REFUSED(&s, "\"parent=up0\" is not known of bridge", "network", "create", "-o",
                "parent=up0", "x");
    NET_REFUSED(&s, "only one instance of \"host\" network is allowed", "network",
                "create", "-d", "host", "x");
    NET_REFUSED(&s, "\"overlay\" is not supported", "network", "create", "-d", "overlay",
                "x");
    make_network("bridge");
    NET_REFUSED(&s, "network lan is already using parent interface up0", CREATE, "-o",
                "parent=up0", "--subnet", "10.1.0.0/16", "x");
    NET_REFUSED(&s, "overlaps with network lan", CREATE, "--subnet", "203.0.113.0/24",
                "x");
    auto_free char *listed = ASK(&s, "network", "ls", "--format", "{{.Name}} {{.Driver}}",
                                 "--filter", "driver=macvlan");
    cr_expect_str_eq(listed, "lan macvlan");
    /* A parent that has gone is said, and a damaged interface is made again. */
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "lan", SLEEP));
    auto_free char *pid = ASK(&s, "inspect", "-f", "{{.State.Pid}}", "web");
    char command[128];
    snprintf(command, sizeof(command), "nsenter --net=/proc/%s/ns/net ip link del eth0",
             pid);
    cr_assert_eq(system(command), 0);
    struct outcome o = RUN(&s, "system", "check");
    cr_expect(strstr(o.out, "its interface on network lan is gone"), "%s", o.out);
    outcome_done(&o);
    o = RUN(&s, "system", "check", "--repair");
    cr_expect_eq(o.status, 0, "%s%s", o.out, o.err);
    outcome_done(&o);
    EXPECT_OUTPUT(&s, 0, "", "system", "check");
    cr_assert_eq(system("ip link del up0"), 0);
    o = RUN(&s, "system", "check");
    cr_expect(strstr(o.out, "parent up0 of network lan is gone"), "%s", o.out);
    outcome_done(&o);
    free(ASK(&s, "rm", "-f", "web"));
    NET_REFUSED(&s, "the host has no interface up0", "run", "--rm", "--network", "lan",
                "busybox", "true");
}

/* ---- kills: as before or as wanted after one ordinary command ---- */

Test(network_drivers, a_killed_change_of_a_macvlan_leaves_nothing)
{
    static const char *const POINTS[] = {"network.joined", "network.link",
                                         "connect.record", "connect.recorded"};
    auto_fd int outside = make_link();
    make_network("bridge");
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", SLEEP));
    for (size_t i = 0; i < ARRAY_SIZE(POINTS); i++) {
        char fault[64];
        snprintf(fault, sizeof(fault), "%s:kill", POINTS[i]);
        s.fault = fault;
        struct outcome o = RUN(&s, "network", "connect", "lan", "web");
        s.fault = NULL;
        if (o.status == 0)
            cr_skip("this build has no fault points");
        outcome_done(&o);
        free(ASK(&s, "ps"));
        auto_free char *joined =
            ASK(&s, "inspect", "-f", "{{len .NetworkSettings.Networks}}", "web");
        auto_free char *links =
            ASK(&s, "exec", "web", "busybox", "sh", "-c", "ip -o link | grep -c eth");
        cr_expect_str_eq(joined, links, "%s", POINTS[i]);
        EXPECT_OUTPUT(&s, 0, "", "system", "check");
        o = RUN(&s, "network", "disconnect", "lan", "web");
        outcome_done(&o);
    }
}

/* ---- what is asked of an interface ---- */

Test(network_drivers, an_interface_has_what_was_asked_for)
{
    free(ASK(&s, "network", "create", "--subnet", "10.5.0.0/16", "one"));
    free(ASK(&s, "network", "create", "--subnet", "10.6.0.0/16", "two"));
    free(ASK(&s, "run", "-d", "--name", "web", "-p", "8080:80", "--network",
             "name=one,ip=10.5.0.9,link-local-ip=169.254.7.7,link-local-ip=fe80::77,"
             "driver-opt=com.docker.network.endpoint.ifname=wan",
             "--network", "name=two,gw-priority=5,mac-address=02:42:0a:06:00:63", HELLO));
    auto_free char *in = ASK(&s, "exec", "web", "busybox", "ip", "addr", "show", "wan");
    cr_expect(strstr(in, "10.5.0.9/16") && strstr(in, "169.254.7.7/16") &&
                  strstr(in, "fe80::77/64"),
              "%s", in);
    auto_free char *route = ASK(&s, "exec", "web", "busybox", "ip", "route");
    cr_expect(strstr(route, "default via 10.6.0.1"), "%s", route);
    expect_reached(-1, "10.6.0.2");
    cr_expect_not_null(net_await(-1, "127.0.0.1", 8080));
    auto_free char *to = ASK(&s, "inspect", "-f",
                             "{{json .NetworkSettings.Networks.one.IPAMConfig}} "
                             "{{.NetworkSettings.Networks.two.GwPriority}}",
                             "web");
    cr_expect_str_eq(to,
                     "{\"IPv4Address\":\"10.5.0.9\",\"LinkLocalIPs\":[\"169.254.7.7\","
                     "\"fe80::77\"]} 5");
    auto_fd int outside = net_outside();
    cr_expect_not_null(
        net_await(outside, "203.0.113.1", 8080)); /* answers find the way */
    free(ASK(&s, "network", "disconnect", "two", "web"));
    cr_expect_not_null(net_await(outside, "203.0.113.1", 8080));
    free(ASK(&s, "network", "connect", "--gw-priority", "1", "two", "web"));
    cr_expect_not_null(net_await(outside, "203.0.113.1", 8080));
    auto_free char *again = ASK(&s, "exec", "web", "busybox", "ip", "route");
    cr_expect(strstr(again, "default via 10.6.0.1"), "%s", again);
    EXPECT_OUTPUT(&s, 0, "", "system", "check");
    free(ASK(&s, "rm", "-f", "web"));
    cr_expect_str_empty(net_left(&s));
}

Test(network_drivers, what_an_interface_cannot_have_is_refused)
{
#define CREATE_ON(...) "create", "--network", "bridge", __VA_ARGS__, "busybox"
    NET_REFUSED(&s, "invalid link local IP address: 10.0.0.1",
                CREATE_ON("--link-local-ip", "10.0.0.1"));
    NET_REFUSED(&s, "invalid link local IP address: fd00::1",
                CREATE_ON("--link-local-ip", "fd00::1"));
    NET_REFUSED(&s, "gw-priority \"x\" is not a whole number", "create", "--network",
                "name=bridge,gw-priority=x", "busybox");
    NET_REFUSED(&s, "driver-opt \"a=b\" is not known", "create", "--network",
                "name=bridge,driver-opt=a=b", "busybox");
    NET_REFUSED(&s, "\"a/b\" is not a name of an interface", "create", "--network",
                "name=bridge,driver-opt=com.docker.network.endpoint.ifname=a/b",
                "busybox");
    NET_REFUSED(&s, "is not a name of an interface", "create", "--network",
                "name=bridge,driver-opt=com.docker.network.endpoint.ifname=lo",
                "busybox");
}
