/* Containers on networks, in a host of the test's own: who reaches whom, what is refused, and that
 * nothing is left, also of what was killed. Needs root, nft and ip. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
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

TestSuite(network, .init = set_up, .fini = tear_down, .timeout = 60);

#define ON "--network", "bridge"

static void start_server(const char *name, const char *publish)
{
    free(ASK(&s, "run", "-d", "--name", name, ON, "-p", publish, NET_SERVER("80")));
}

static char *address_of(const char *name)
{
    return ASK(&s, "inspect", "-f", "{{.NetworkSettings.Networks.bridge.IPAddress}}",
               name);
}

struct target {
    int ns;
    const char *address;
    int port;
};

static bool answers(void *arg)
{
    const struct target *t = arg;
    return net_get(t->ns, t->address, t->port) != NULL;
}

/* The server may need a moment to listen. */
static void expect_reached(int ns, const char *address, int port)
{
    struct target t = {ns, address, port};
    cr_expect(state_until(answers, &t), "%s:%d is not reached", address, port);
}

/* The peer, as the server's kernel names it. */
static void expect_source(int ns, const char *address, int port, const char *source)
{
    char hex[16];
    struct in_addr a;
    expect_reached(ns, address, port);
    const char *text = net_get(ns, address, port);
    inet_pton(AF_INET, source, &a);
    snprintf(hex, sizeof(hex), "%08X:", a.s_addr);
    cr_expect(text && strstr(text, hex), "%s:%d: peer is not %s: %s", address, port,
              source, text ? text : "");
}

static void expect_from_container(const char *name, const char *address, const char *port,
                                  bool reached)
{
    struct outcome o = RUN(&s, "exec", name, "nc", "-w", "2", address, port, "-e", "sh",
                           "-c", "cat >&2");
    bool got = strstr(o.err, " 01 ") != NULL;
    cr_expect_eq(got, reached, "%s to %s:%s: %s", name, address, port, o.err);
    outcome_done(&o);
}

Test(network, a_published_port_is_reached_from_everywhere)
{
    int outside = net_outside();
    start_server("web", "8080:80");
    free(ASK(&s, "run", "-d", "--name", "other", ON, "busybox", "sleep", "1000"));
    auto_free char *own = address_of("web");
    expect_source(-1, "127.0.0.1", 8080, "172.17.0.1");
    expect_reached(-1, "203.0.113.1", 8080);
    expect_reached(-1, own, 80);
    expect_source(outside, "203.0.113.1", 8080, "203.0.113.2"); /* it is kept */
    expect_from_container("other", "172.17.0.1", "8080", true);
    expect_from_container("other", own, "80", true);
    expect_from_container("web", "172.17.0.1", "8080", true); /* itself, by the host */
    expect_from_container("web", "203.0.113.1", "8080", true);
    free(ASK(&s, "rm", "-f", "web", "other"));
    cr_expect_null(net_get(-1, "127.0.0.1", 8080));
    cr_expect_str_empty(net_left(&s));
    cr_expect_str_empty(state_leftovers(&s, false));
}

Test(network, outside_reaches_nothing_but_what_is_published_for_it)
{
    int outside = net_outside();
    start_server("web", "127.0.0.1:8081:80");
    auto_free char *own = address_of("web");
    expect_reached(-1, "127.0.0.1", 8081);
    cr_expect_null(net_get(outside, "203.0.113.1", 8081));
    char command[256];
    snprintf(command, sizeof(command),
             "nsenter --net=/proc/%d/fd/%d ip route add 172.17.0.0/16 via 203.0.113.1 && "
             "nsenter --net=/proc/%d/fd/%d ip route add 127.0.0.1/32 via 203.0.113.1 "
             "2>/dev/null || true",
             (int)getpid(), outside, (int)getpid(), outside);
    cr_assert_eq(system(command), 0);
    cr_expect_null(net_get(outside, own, 80), "routed to the container's own address");
    free(ASK(&s, "rm", "-f", "web"));
}

Test(network, the_way_out_is_translated)
{
    int outside = net_outside();
    (void)outside;
    auto_free char *out = ASK(&s, "run", "--rm", ON, "busybox", "ping", "-c", "1", "-W",
                              "2", "203.0.113.2");
    cr_expect(strstr(out, "1 packets received"), "%s", out);
}

Test(network, a_taken_port_names_its_owner)
{
    start_server("web", "8080:80");
    struct outcome o = RUN(&s, "run", "--rm", ON, "-p", "8080:81", "busybox", "true");
    cr_expect_eq(o.status, 125);
    cr_expect(strstr(o.err, "port 8080/tcp is already published by container web"), "%s",
              o.err);
    outcome_done(&o);
    o = RUN(&s, "run", "--rm", ON, "-p", "127.0.0.1:8080:81", "busybox", "true");
    cr_expect(strstr(o.err, "is already published by container web"), "%s", o.err);
    outcome_done(&o);
    auto_fd int busy = net_listen(8085);
    (void)busy;
    char pid[32];
    snprintf(pid, sizeof(pid), "(pid %d)", (int)getpid());
    o = RUN(&s, "run", "--rm", ON, "-p", "8085:81", "busybox", "true");
    cr_expect(strstr(o.err, "port 8085/tcp of the host is already in use by ") &&
                  strstr(o.err, pid),
              "%s", o.err);
    outcome_done(&o);
    free(ASK(&s, "rm", "-f", "web"));
    cr_expect_str_empty(net_left(&s));
}

Test(network, addresses_are_chosen_and_refused)
{
    static const char *const CASES[][3] = {
        {"--ip", "10.0.0.1", "address 10.0.0.1 is not in 172.17.0.0/16"},
        {"--ip", "172.17.0.1", "is the gateway of network bridge"},
        {"--ip", "172.17.0.0", "is no host's"},
        {"--ip", "172.17.255.255", "is no host's"},
        {"--ip", "172.17.0.9", "address 172.17.0.9 is in use by container nine"},
        {"--ip6", "fd00::1", "network bridge has no IPv6"},
        {"--network", "container:bridge", "bridge"},
    };
    free(ASK(&s, "run", "-d", "--name", "nine", ON, "--ip", "172.17.0.9", "busybox",
             "sleep", "1000"));
    auto_free char *own = address_of("nine");
    cr_expect_str_eq(own, "172.17.0.9");
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        struct outcome o =
            RUN(&s, "run", "--rm", ON, CASES[i][0], CASES[i][1], "busybox", "true");
        cr_expect_eq(o.status, 125, "%s", CASES[i][1]);
        cr_expect(i + 1 == ARRAY_SIZE(CASES) || strstr(o.err, CASES[i][2]), "%s: %s",
                  CASES[i][1], o.err);
        cr_expect_eq(strchr(o.err, '\n'), o.err + o.err_len - 1, "%s", o.err);
        outcome_done(&o);
    }
    free(ASK(&s, "rm", "-f", "nine"));
    cr_expect_str_empty(net_left(&s));
    cr_expect_str_empty(state_leftovers(&s, false));
}

Test(network, two_starts_race_for_a_port_and_an_address)
{
    for (int i = 0; i < 5; i++) {
        struct running a = BEGIN(&s, "run", "-d", "--name", "a", ON, "-p", "8080:80",
                                 "--ip", "172.17.0.7", "busybox", "sleep", "1000");
        struct running b = BEGIN(&s, "run", "-d", "--name", "b", ON, "-p", "8080:80",
                                 "--ip", "172.17.0.7", "busybox", "sleep", "1000");
        struct outcome oa = state_end(&a), ob = state_end(&b);
        cr_expect_eq((oa.status == 0) + (ob.status == 0), 1, "%s%s", oa.err, ob.err);
        outcome_done(&oa);
        outcome_done(&ob);
        struct outcome o = RUN(&s, "rm", "-f", "a", "b");
        outcome_done(&o);
        cr_assert_str_empty(net_left(&s));
    }
}

/* The kernel brings an interface into use by work that it puts off, and a busy one puts off longer:
 * what a command sends first, or the answer to it, was lost in every twentieth start. */
Test(network, the_first_packet_is_answered, .timeout = 120)
{
    enum { ROUNDS = 8, AT_ONCE = 8 };
    free(ASK(&s, "run", "--rm", ON, "busybox", "true"));
    for (int i = 0; i < ROUNDS; i++) {
        struct running pings[AT_ONCE];
        for (int k = 0; k < AT_ONCE; k++)
            pings[k] = BEGIN(&s, "run", "--rm", ON, "busybox", "ping", "-c", "1", "-W",
                             "10", "172.17.0.1");
        for (int k = 0; k < AT_ONCE; k++) {
            struct outcome o = state_end(&pings[k]);
            cr_expect_eq(o.status, 0, "%s%s", o.out, o.err);
            outcome_done(&o);
        }
    }
}

Test(network, a_flushed_table_is_mended_by_the_next_command)
{
    start_server("web", "8080:80");
    expect_reached(-1, "127.0.0.1", 8080);
    pid_t monitor = monitor_of(&s, "web");
    cr_assert_eq(kill(monitor, SIGSTOP), 0); /* or it would mend it at once */
    cr_assert_eq(system("nft flush ruleset"), 0);
    cr_expect_null(net_get(-1, "127.0.0.1", 8080));
    free(ASK(&s, "ps"));
    expect_reached(-1, "127.0.0.1", 8080);
    cr_assert_eq(kill(monitor, SIGCONT), 0);
    free(ASK(&s, "rm", "-f", "web"));
    cr_expect_str_empty(net_left(&s));
}

/* What firewalls do to the tables of others: all of them flushed, ours deleted, its rules gone. */
Test(network, monitors_mend_a_flushed_table_at_once)
{
    static const char *const COMMANDS[] = {
        "nft flush ruleset",
        "nft delete table inet mytop-docker",
        "nft flush table inet mytop-docker",
        "nft 'flush ruleset; table inet other { chain c { }; }'",
    };
    start_server("web", "8080:80");
    free(ASK(&s, "run", "-d", "--name", "other", ON, "busybox", "sleep", "1000"));
    expect_reached(-1, "127.0.0.1", 8080);
    for (size_t i = 0; i < ARRAY_SIZE(COMMANDS); i++) {
        cr_assert_eq(system(COMMANDS[i]), 0, "%s", COMMANDS[i]);
        expect_reached(-1, "127.0.0.1", 8080);
    }
    free(ASK(&s, "rm", "-f", "web", "other"));
    cr_expect_str_empty(net_left(&s));
}

Test(network, ports_go_on_without_the_monitor_and_with_a_new_one)
{
    start_server("web", "8080:80");
    expect_reached(-1, "127.0.0.1", 8080);
    cr_assert_eq(kill(monitor_of(&s, "web"), SIGKILL), 0);
    expect_reached(-1, "127.0.0.1", 8080);
    free(ASK(&s, "ps")); /* adopts it */
    struct outcome o = RUN(&s, "run", "--rm", ON, "-p", "8080:81", "busybox", "true");
    cr_expect(strstr(o.err, "published by container web"), "%s", o.err);
    outcome_done(&o);
    expect_reached(-1, "127.0.0.1", 8080);
    free(ASK(&s, "rm", "-f", "web"));
    cr_expect_str_empty(net_left(&s));
}

Test(network, a_restart_keeps_address_and_ports)
{
    start_server("web", "8080:80");
    auto_free char *before = address_of("web");
    free(ASK(&s, "restart", "-t", "0", "web"));
    expect_reached(-1, "127.0.0.1", 8080);
    free(ASK(&s, "rm", "-f", "web"));
    cr_expect_str_empty(net_left(&s));
}

/* ---- what is there without being asked for ---- */

Test(network, who_names_no_network_gets_the_bridge)
{
    unsetenv("MYTOP_DOCKER_CONFIG");
    if (access("/etc/mytop-docker/config", F_OK) == 0)
        cr_skip("this machine has a configuration");
    auto_free char *mine =
        ASK(&s, "run", "--rm", "busybox", "sh", "-c", "ip -o -4 addr show eth0");
    cr_expect(strstr(mine, "172.17.0.2/16"), "%s", mine);
    tempdir_configure(s.dir.path, "");
    EXPECT_OUTPUT(&s, 0, "lo\n", "run", "--rm", "busybox", "ls", "/sys/class/net");
}

static void expect_offer(const char *reason, const char *offer, const char *other)
{
    struct outcome o = RUN(&s, "run", "--rm", ON, "busybox", "true");
    cr_expect_eq(o.status, 125);
    cr_expect(strstr(o.err, reason), "%s", o.err);
    cr_expect(strstr(o.err, offer), "%s", o.err);
    cr_expect_eq(strchr(o.err, '\n'), o.err + o.err_len - 1, "%s", o.err);
    outcome_done(&o);
    EXPECT_OUTPUT(&s, 0, "", "run", "--rm", "--network", other, "busybox", "true");
    cr_expect_str_empty(net_left(&s));
    cr_expect_str_empty(state_leftovers(&s, false));
}

Test(network, what_is_missing_for_a_network_is_said)
{
    s.without = "socket.netfilter";
    expect_offer("this kernel has no nf_tables, or not all of it (modprobe nf_tables ",
                 "use --network none or host, or network = none in the config", "none");
    s.without = NULL;
    cr_assert_eq(prctl(PR_CAPBSET_DROP, CAP_NET_ADMIN, 0, 0, 0), 0);
    expect_offer("CAP_NET_ADMIN is missing", "only the network host needs none", "host");
}

/* ---- networks ---- */

Test(network, a_network_is_made_joined_left_and_removed)
{
    free(ASK(&s, "network", "create", "--subnet", "10.77.0.0/24", "--label", "a=b",
             "back"));
    free(ASK(&s, "run", "-d", "--name", "web", ON, NET_SERVER("80")));
    free(ASK(&s, "network", "connect", "--ip", "10.77.0.9", "back", "web"));
    free(ASK(&s, "run", "-d", "--name", "peer", "--network", "back", "busybox", "sleep",
             "1000"));
    expect_reached(-1, "10.77.0.9", 80);
    expect_from_container("peer", "10.77.0.9", "80", true);
    auto_free char *own = address_of("web");
    expect_from_container("peer", own, "80", false); /* another network */
    struct outcome o = RUN(&s, "network", "rm", "back");
    cr_expect_eq(o.status, 1);
    cr_expect(strstr(o.err, "is in use by container "), "%s", o.err);
    outcome_done(&o);
    free(ASK(&s, "network", "disconnect", "back", "web"));
    cr_expect_null(net_get(-1, "10.77.0.9", 80));
    free(ASK(&s, "rm", "-f", "web", "peer"));
    free(ASK(&s, "network", "rm", "back"));
    cr_expect_str_empty(net_left(&s));
    cr_expect_neq(
        system("ip link | grep -q 'mtd-.*10.77' || nft list set inet mytop-docker "
               "subnets4 | grep -q 10.77"),
        0);
}

Test(network, subnets_do_not_collide)
{
    static const char *const CASES[][2] = {
        {"203.0.113.0/25", "overlaps with a route of the host"},
        {"172.17.3.0/24", "overlaps with network bridge"},
        {"10.77.0.1/24", "bits of hosts are set"},
        {"10.77.0.0", "is not a subnet"},
        {"10.77.0.0/32", "is not a subnet"},
    };
    (void)net_outside();
    free(ASK(&s, "run", "--rm", ON, "busybox", "true"));
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        struct outcome o = RUN(&s, "network", "create", "--subnet", CASES[i][0], "x");
        cr_expect_eq(o.status, 1, "%s", CASES[i][0]);
        cr_expect(strstr(o.err, CASES[i][1]), "%s: %s", CASES[i][0], o.err);
        outcome_done(&o);
    }
    cr_assert_eq(system("ip addr add 172.18.5.1/24 dev up0"), 0);
    free(ASK(&s, "network", "create", "x"));
    auto_free char *subnet =
        ASK(&s, "network", "inspect", "-f", "{{(index .IPAM.Config 0).Subnet}}", "x");
    cr_expect_str_eq(subnet, "172.19.0.0/16");
}

/* Its first address is nobody's, its last one everybody's. */
Test(network, the_smallest_subnet_has_one_address)
{
    free(ASK(&s, "network", "create", "--subnet", "10.79.0.0/30", "small"));
    free(ASK(&s, "run", "-d", "--name", "one", "--network", "small", "busybox", "sleep",
             "1000"));
    auto_free char *own =
        ASK(&s, "inspect", "-f", "{{.NetworkSettings.Networks.small.IPAddress}}", "one");
    cr_expect_str_eq(own, "10.79.0.2");
    struct outcome o =
        RUN(&s, "run", "--rm", "--network", "small", "busybox", "ip", "addr");
    cr_expect_eq(o.status, 125, "%s", o.out);
    cr_expect(strstr(o.err, "network small has no free address in 10.79.0.0/30"), "%s",
              o.err);
    outcome_done(&o);
    free(ASK(&s, "rm", "-f", "one"));
    cr_expect_str_empty(net_left(&s));
}

Test(network, an_internal_network_has_no_way_out)
{
    (void)net_outside();
    free(ASK(&s, "network", "create", "--internal", "in"));
    struct outcome o = RUN(&s, "run", "--rm", "--network", "in", "busybox", "ping", "-c",
                           "1", "-W", "1", "203.0.113.2");
    cr_expect_neq(o.status, 0);
    outcome_done(&o);
}

Test(network, without_icc_neighbours_are_not_reached)
{
    free(ASK(&s, "network", "create", "-o", "icc=false", "--subnet", "10.78.0.0/24",
             "apart"));
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "apart", "--ip", "10.78.0.9",
             "-p", "8080:80", NET_SERVER("80")));
    free(ASK(&s, "run", "-d", "--name", "peer", "--network", "apart", "busybox", "sleep",
             "1000"));
    expect_reached(-1, "10.78.0.9", 80);
    expect_from_container("peer", "10.78.0.9", "80", false);
    free(ASK(&s, "rm", "-f", "web", "peer"));
}

Test(network, both_families)
{
    if (access("/proc/net/if_inet6", F_OK) < 0)
        cr_skip("this kernel has no IPv6");
    free(ASK(&s, "network", "create", "--subnet", "fd00:77::/64", "six"));
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "six", "-p", "8080:80",
             "busybox", "nc", "-ll", "-p", "80", "-e", "echo", "hello"));
    auto_free char *own =
        ASK(&s, "inspect", "-f", "{{.NetworkSettings.Networks.six.GlobalIPv6Address}}",
            "web");
    cr_expect_str_eq(own, "fd00:77::2");
    expect_reached(-1, own, 80);
    expect_reached(-1, "fd00:77::1", 8080); /* published */
    auto_free char *ports = ASK(&s, "port", "web");
    cr_expect_str_eq(ports, "80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080");
    free(ASK(&s, "rm", "-f", "web"));
    cr_expect_str_empty(net_left(&s));
}

Test(network, addresses_of_ipv6_are_chosen_and_refused)
{
    static const char *const CASES[][2] = {
        {"fd00:76::9", "address fd00:76::9 is not in fd00:77::/64"},
        {"fd00:77::1", "is the gateway of network six"},
        {"FD00:77:0:0::0001",
         "is the gateway of network six"}, /* however it is written */
        {"fd00:77::", "is no host's"},
    };
    if (access("/proc/net/if_inet6", F_OK) < 0)
        cr_skip("this kernel has no IPv6");
    (void)net_outside();
    cr_assert_eq(system("ip -6 addr add fd00:78::1/48 dev up0 nodad"), 0);
    struct outcome o =
        RUN(&s, "network", "create", "--subnet", "fd00:78:0:1::/64", "six");
    cr_expect_eq(o.status, 1, "%s", o.out);
    cr_expect(strstr(o.err, "fd00:78:0:1::/64 overlaps with a route of the host"), "%s",
              o.err);
    outcome_done(&o);
    free(ASK(&s, "network", "create", "--subnet", "fd00:77::/64", "six"));
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        o = RUN(&s, "run", "--rm", "--network", "six", "--ip6", CASES[i][0], "busybox",
                "true");
        cr_expect_eq(o.status, 125, "%s", CASES[i][0]);
        cr_expect(strstr(o.err, CASES[i][1]), "%s: %s", CASES[i][0], o.err);
        outcome_done(&o);
    }
    /* One of more than 2^32. */
    auto_free char *shown = ASK(&s, "run", "--rm", "--network", "six", "--ip6",
                                "fd00:77::1:0:0", "busybox", "ip", "addr");
    cr_expect(strstr(shown, "inet6 fd00:77::1:0:0/64"), "%s", shown);
    cr_expect_str_empty(net_left(&s));
}

/* ---- names ---- */

static char *resolve(const char *from, const char *name)
{
    struct outcome o = RUN(&s, "exec", from, "nslookup", name);
    char *out = o.out;
    o.out = NULL;
    outcome_done(&o);
    return out;
}

static void expect_name(const char *from, const char *name, const char *address)
{
    auto_free char *out = resolve(from, name);
    cr_expect(strstr(out, address), "%s asks for %s: %s", from, name, out);
}

Test(network, containers_find_each_other_by_name)
{
    free(ASK(&s, "network", "create", "--subnet", "10.77.0.0/24", "back"));
    free(ASK(&s, "run", "-d", "--name", "db", "--network", "back", "--network-alias",
             "sql", "--ip", "10.77.0.9", "busybox", "sleep", "1000"));
    free(ASK(&s, "run", "-d", "--name", "db2", "--network", "back", "--network-alias",
             "sql", "--ip", "10.77.0.10", "busybox", "sleep", "1000"));
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "back", "busybox", "sleep",
             "1000"));
    free(ASK(&s, "run", "-d", "--name", "lone", ON, "busybox", "sleep", "1000"));
    expect_name("web", "db", "Address: 10.77.0.9");
    expect_name("web", "DB", "Address: 10.77.0.9");
    expect_name("web", "sql", "Address: 10.77.0.9\n");
    expect_name("web", "sql", "Address: 10.77.0.10\n");
    expect_name("web", "10.77.0.9", "name = db");
    expect_name("web", "lone", "NXDOMAIN"); /* another network */
    expect_name("lone", "db", "NXDOMAIN");
    free(ASK(&s, "network", "connect", "--alias", "single", "back", "lone"));
    expect_name("lone", "db", "Address: 10.77.0.9");
    expect_name("web", "single", "Address: 10.77.0.3");
    free(ASK(&s, "rename", "db", "data"));
    expect_name("web", "data", "Address: 10.77.0.9");
    expect_name("web", "db", "NXDOMAIN");
    expect_name("web", "10.77.0.9", "name = data");
    free(ASK(&s, "stop", "-t", "0", "data"));
    expect_name("web", "data", "NXDOMAIN"); /* at once, not after a time-out */
    free(ASK(&s, "rm", "-f", "data", "db2", "web", "lone"));
    cr_expect_str_empty(net_left(&s));
}

static bool web_finds_db(void *unused)
{
    (void)unused;
    auto_free char *out = resolve("web", "db");
    return strstr(out, "Address: 172.17.0.2");
}

Test(network, names_come_back_with_the_next_monitor)
{
    free(ASK(&s, "run", "-d", "--name", "db", ON, "busybox", "sleep", "1000"));
    free(ASK(&s, "run", "-d", "--name", "web", ON, "busybox", "sleep", "1000"));
    cr_assert_eq(kill(monitor_of(&s, "web"), SIGKILL), 0);
    free(ASK(&s, "ps"));
    cr_expect(state_until(web_finds_db, NULL));
    free(ASK(&s, "rm", "-f", "db", "web"));
    cr_expect_str_empty(state_leftovers(&s, false));
}

/* A server of the host, which answers each question with 192.0.2.7; before that comes a forged
 * answer with another number, and one that is about another name. */
static pid_t start_upstream(void)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr = {htonl(0x7f000035)}};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid)
        return close(fd), pid;
    for (;;) {
        static const unsigned char TAIL[] = {0xc0, 12, 0, 1, 0,   1, 0, 0,
                                             0,    9,  0, 4, 192, 0, 2, 7};
        unsigned char m[600];
        struct sockaddr_in from;
        socklen_t size = sizeof(from);
        ssize_t n = recvfrom(fd, m, 512, 0, (struct sockaddr *)&from, &size);
        if (n < 17)
            continue;
        memcpy(m + n, TAIL, sizeof(TAIL));
        m[2] |= 0x80, m[7] = 1;
        size_t len = (size_t)n + sizeof(TAIL);
        m[0] ^= 1, m[len - 1] = 66;
        sendto(fd, m, len, 0, (struct sockaddr *)&from, size);
        m[0] ^= 1, m[13] ^= 1;
        sendto(fd, m, len, 0, (struct sockaddr *)&from, size);
        m[13] ^= 1, m[len - 1] = 7;
        sendto(fd, m, len, 0, (struct sockaddr *)&from, size);
    }
}

Test(network, other_names_are_asked_of_the_hosts_servers)
{
    char command[256];
    snprintf(command, sizeof(command),
             "echo nameserver 127.0.0.53 > %s/resolv.conf && "
             "mount --bind %s/resolv.conf /etc/resolv.conf",
             s.dir.path, s.dir.path);
    if (system(command) != 0)
        cr_skip("resolv.conf cannot be mounted over");
    pid_t upstream = start_upstream();
    free(ASK(&s, "run", "-d", "--name", "web", ON, "busybox", "sleep", "1000"));
    auto_free char *out = resolve("web", "example.org");
    cr_expect(strstr(out, "Address: 192.0.2.7"), "%s", out);
    cr_expect_null(strstr(out, "192.0.2.66"), "%s", out);
    expect_name("web", "nobody", "NXDOMAIN"); /* and is not passed on */
    kill(upstream, SIGKILL);
    state_reap(upstream);
    free(ASK(&s, "rm", "-f", "web"));
    cr_assert_eq(system("umount /etc/resolv.conf"), 0);
}

/* ---- other ways ---- */

Test(network, another_containers_network_is_shared)
{
    start_server("web", "8080:80");
    auto_free char *mine = ASK(&s, "run", "--rm", "--network", "container:web", "busybox",
                               "sh", "-c", "ip addr show eth0; cat /etc/hostname");
    auto_free char *own = address_of("web");
    auto_free char *name = ASK(&s, "inspect", "-f", "{{.Config.Hostname}}", "web");
    cr_expect(strstr(mine, own) && strstr(mine, name), "%s", mine);
    struct outcome o = RUN(&s, "run", "--rm", "--network", "container:web", "-p", "1:1",
                           "busybox", "true");
    cr_expect(strstr(o.err, "conflicting options"), "%s", o.err);
    outcome_done(&o);
    free(ASK(&s, "rm", "-f", "web"));
}

Test(network, with_ids_of_its_own_the_interface_is_there_too)
{
    struct outcome o = RUN(&s, "run", "--rm", ON, "--userns", "auto", "busybox", "sh",
                           "-c", "ping -c 1 -W 2 172.17.0.1 && ls /sys/class/net");
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect(strstr(o.out, "eth0"), "%s", o.out);
    outcome_done(&o);
    cr_expect_str_empty(net_left(&s));
}

static int count_published(const char *map)
{
    char command[160], text[16] = "";
    snprintf(
        command, sizeof(command),
        "nft list map inet mytop-docker %s | grep -o 'tcp [.] [0-9]*' | sort -u | wc -l",
        map);
    FILE *f = popen(command, "r");
    cr_assert(f && fgets(text, sizeof(text), f), "%s", command);
    pclose(f);
    return atoi(text);
}

/* More than one message to the kernel holds, in each family; and one that is taken among them. */
Test(network, many_ports_in_both_families)
{
    free(ASK(&s, "network", "create", "--ipv6", "both"));
    free(ASK(&s, "run", "-d", "--name", "many", "--network", "both", "-p",
             "20000-20199:1000-1199", "busybox", "sleep", "1000"));
    cr_expect_eq(count_published("ports4"), 200);
    cr_expect_eq(count_published("ports6"), 200);
    EXPECT_OUTPUT(&s, 0, "", "system", "check");
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "run", "--rm", "--network", "both", "-p", "19900-20099:1000-1199",
            "busybox", "true");
    cr_expect(o.status == 125 && strstr(o.err, "port 20000/tcp is already published"),
              "%d %s", o.status, o.err);
    cr_expect_eq(count_published("ports4"), 200);
    free(ASK(&s, "update", "--publish-rm", "20100:1100", "many"));
    cr_expect_eq(count_published("ports4"), 199);
    cr_expect_eq(count_published("ports6"), 199);
    free(ASK(&s, "rm", "-f", "many"));
    cr_expect_str_empty(net_left(&s));
}

/* An element that another program has removed makes the transaction with all of them fail. */
Test(network, ports_go_though_one_is_missing)
{
    free(ASK(&s, "run", "-d", "--name", "many", ON, "-p", "20000-20099:1000-1099",
             "busybox", "sleep", "1000"));
    cr_assert_eq(system("nft delete element inet mytop-docker ports4 '{ tcp . 20050 }'"),
                 0);
    cr_expect_eq(count_published("ports4"), 99);
    free(ASK(&s, "rm", "-f", "many"));
    cr_expect_eq(count_published("ports4"), 0);
    cr_expect_str_empty(net_left(&s));
    free(ASK(&s, "run", "--rm", ON, "-p", "20000-20099:1000-1099", "busybox", "true"));
}

Test(network, every_exposed_port_on_a_free_one)
{
    free(ASK(&s, "run", "-d", "--name", "web", ON, "-P", "--expose", "80", "--expose",
             "81/udp", NET_SERVER("80")));
    auto_free char *port = ASK(&s, "port", "web", "80");
    int number = atoi(strrchr(port, ':') + 1);
    cr_expect_gt(number, 1023);
    expect_reached(-1, "127.0.0.1", number);
    auto_free char *all = ASK(&s, "port", "web");
    cr_expect(strstr(all, "81/udp -> 0.0.0.0:"), "%s", all);
    free(ASK(&s, "rm", "-f", "web"));
    cr_expect_str_empty(net_left(&s));
}

Test(network, a_host_that_was_no_router_does_not_become_one)
{
    free(ASK(&s, "run", "--rm", ON, "busybox", "true"));
    cr_expect_eq(system("nft list chain inet mytop-docker forw | "
                        "grep -q 'iifname != @bridges drop'"),
                 0);
    cr_expect_eq(system("grep -q 1 /proc/sys/net/ipv4/ip_forward"), 0);
}

/* ---- killed ---- */

static const char *const POINTS[] = {
    "start.network", "network.bridge", "network.address", "network.ports",
    "start.links",   "network.link",   "start.publish",   "start.exec",
};

Test(network, a_killed_start_leaves_nothing, .timeout = 120)
{
    free(ASK(&s, "run", "--rm", ON, "busybox", "true"));
    for (size_t i = 0; i < ARRAY_SIZE(POINTS); i++) {
        char fault[64];
        snprintf(fault, sizeof(fault), "%s:kill", POINTS[i]);
        s.fault = fault;
        struct outcome o = RUN(&s, "run", "-d", "--name", "web", ON, "-p", "8080:80",
                               "busybox", "sleep", "1000");
        s.fault = NULL;
        if (o.status == 0)
            cr_skip("this build has no fault points");
        outcome_done(&o);
        o = RUN(&s, "rm", "-f", "web");
        outcome_done(&o);
        cr_expect_str_empty(net_left(&s), "%s: %s", POINTS[i], net_left(&s));
        cr_expect_str_empty(state_leftovers(&s, false), "%s", POINTS[i]);
        start_server("again", "8080:80"); /* and everything can be had again */
        expect_reached(-1, "127.0.0.1", 8080);
        free(ASK(&s, "rm", "-f", "again"));
    }
}

static const char *const END_POINTS[] = {"finish.release", "finish.record",
                                         "network.release", "finish.run"};

Test(network, a_killed_end_leaves_nothing, .timeout = 120)
{
    for (size_t i = 0; i < ARRAY_SIZE(END_POINTS); i++) {
        char fault[64];
        snprintf(fault, sizeof(fault), "%s:kill", END_POINTS[i]);
        s.fault = fault;
        struct outcome o =
            RUN(&s, "run", "--name", "web", ON, "-p", "8080:80", "busybox", "true");
        s.fault = NULL;
        if (o.status == 0)
            cr_skip("this build has no fault points");
        outcome_done(&o);
        start_server("next", "8080:80"); /* may get what the other had */
        o = RUN(&s, "rm", "-f", "web");
        outcome_done(&o);
        expect_reached(-1, "127.0.0.1", 8080);
        free(ASK(&s, "rm", "-f", "next"));
        cr_expect_str_empty(net_left(&s), "%s: %s", END_POINTS[i], net_left(&s));
        cr_expect_str_empty(state_leftovers(&s, false), "%s", END_POINTS[i]);
    }
}
