/* What is seen of networks from the command line: ports and filters of ps, inspect, events, and the
 * traffic that the dashboard reads. In a host of the test's own. Needs root, nft and ip. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/netbox.h"
#include "base/cleanup.h"
#include "engine/engine.h"

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

TestSuite(network_seen, .init = set_up, .fini = tear_down, .timeout = 60);

#define EXPECT(want, ...)                           \
    do {                                            \
        auto_free char *got = ASK(&s, __VA_ARGS__); \
        cr_expect_str_eq(got, want);                \
    } while (0)

Test(network_seen, ports_are_dockers_and_filtered_by)
{
    free(ASK(&s, "network", "create", "front"));
    auto_free char *id = ASK(&s, "network", "inspect", "-f", "{{.Id}}", "front");
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "front", "-p", "8080:80",
             "-p", "127.0.0.1:53-54:53-54/udp", "--expose", "443", "busybox", "sleep",
             "1000"));
    free(ASK(&s, "run", "-d", "--name", "other", "--network", "none", "busybox", "sleep",
             "1000"));
    EXPECT("127.0.0.1:53-54->53-54/udp, 443/tcp, 0.0.0.0:8080->80/tcp", "ps", "--filter",
           "name=web", "--format", "{{.Ports}}");
    EXPECT("0.0.0.0:8080->80/tcp", "ps", "--filter", "name=web", "--format",
           "{{.PublicPorts}}");
    EXPECT("web", "ps", "--filter", "publish=8080", "--format", "{{.Names}}");
    EXPECT("web", "ps", "--filter", "publish=54/udp", "--format", "{{.Names}}");
    EXPECT("", "ps", "--filter", "publish=80", "--format", "{{.Names}}");
    EXPECT("web", "ps", "--filter", "expose=440-450/tcp", "--format", "{{.Names}}");
    EXPECT("web", "ps", "--filter", "network=front", "--format", "{{.Names}}");
    auto_free char *by_id = NULL;
    cr_assert(asprintf(&by_id, "network=%s", id) > 0);
    EXPECT("web", "ps", "--filter", by_id, "--format", "{{.Names}}");
    free(ASK(&s, "stop", "-t", "0", "web"));
    EXPECT("", "ps", "-a", "--filter", "name=web", "--format", "{{.Ports}}");
}

Test(network_seen, the_namespace_can_be_entered_and_events_have_the_type)
{
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", "busybox", "sleep",
             "1000"));
    auto_free char *key =
        ASK(&s, "inspect", "-f", "{{.NetworkSettings.SandboxKey}}", "web");
    auto_free char *pid = ASK(&s, "inspect", "-f", "{{.State.Pid}}", "web");
    char want[64], a[128] = "", b[128] = "";
    snprintf(want, sizeof(want), "/proc/%s/ns/net", pid);
    cr_expect_str_eq(key, want);
    cr_expect(readlink(key, a, sizeof(a) - 1) > 0 &&
              readlink("/proc/self/ns/net", b, sizeof(b) - 1) > 0 && strcmp(a, b) != 0);
    free(ASK(&s, "network", "create", "back"));
    free(ASK(&s, "network", "connect", "back", "web"));
    EXPECT("create bridge\nconnect bridge", "events", "--since", "1h", "--until", "0s",
           "--filter", "type=network", "--filter", "network=back", "--format",
           "{{.Action}} {{.Actor.Attributes.type}}");
}

static bool is_id(const char *text)
{
    return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

/* Whatever network ls shows can be inspected, also before there has been a container. */
static void expect_all_inspected(char **ret)
{
    *ret = ASK(&s, "network", "ls", "--no-trunc", "--format",
               "{{.Name}} {{.Driver}} {{.ID}}");
    cr_expect(strncmp(*ret, "bridge bridge ", 14) == 0 && strstr(*ret, "host host 0") &&
                  strstr(*ret, "none null 1"),
              "%s", *ret);
    EXPECT(*ret, "network", "inspect", "-f", "{{.Name}} {{.Driver}} {{.Id}}", "bridge",
           "host", "none");
}

Test(network_seen, what_is_listed_is_inspected_before_it_is_made_and_after)
{
    auto_free char *before = NULL, *after = NULL, *subnet = NULL;
    expect_all_inspected(&before);
    auto_free char *id = ASK(&s, "network", "inspect", "-f", "{{.Id}}", "bridge");
    cr_assert_eq(strlen(id), 64, "%s", id);
    id[12] = '\0'; /* as network ls prints it */
    EXPECT("bridge", "network", "inspect", "-f", "{{.Name}}", id);
    subnet =
        ASK(&s, "network", "ls", "--format", "{{.Subnet}}", "--filter", "name=bridge");
    free(ASK(&s, "run", "--rm", "--network", "bridge", "busybox", "true"));
    expect_all_inspected(&after);
    cr_expect_str_eq(before, after);
    EXPECT("bridge", "network", "inspect", "-f", "{{.Name}}", id);
    EXPECT(subnet, "network", "ls", "--format", "{{.Subnet}}", "--filter", "name=bridge");
    auto_done(outcome_done) struct outcome o = RUN(&s, "network", "inspect", "nosuch");
    cr_expect(o.status == 1 && strstr(o.err, "network nosuch not found"), "%s", o.err);
}

/* The words that scripts look for. */
Test(network_seen, info_and_the_default_network_have_dockers_members)
{
    const char *format = "{{.FirewallBackend.Driver}} {{join .Plugins.Network \",\"}} "
                         "{{.IPv4Forwarding}}";
    EXPECT("nftables bridge,host,macvlan,null false", "info", "-f", format);
    free(ASK(&s, "run", "--rm", "--network", "bridge", "busybox", "true"));
    EXPECT("nftables bridge,host,macvlan,null true", "info", "-f", format);
    EXPECT("true 1500", "network", "inspect", "-f",
           "{{index .Options \"com.docker.network.bridge.default_bridge\"}} "
           "{{index .Options \"com.docker.network.driver.mtu\"}}",
           "bridge");
    free(ASK(&s, "network", "create", "own"));
    EXPECT("", "network", "inspect", "-f",
           "{{index .Options \"com.docker.network.bridge.default_bridge\"}}", "own");
}

/* Both inspects name one endpoint by the same id, at each start; of what does not run, none. */
Test(network_seen, an_endpoint_has_one_id_for_each_network)
{
    const char *of_front = "{{.NetworkSettings.Networks.front.EndpointID}}";
    const char *of_back = "{{.NetworkSettings.Networks.back.EndpointID}}";
    const char *members = "{{range .Containers}}{{.Name}} {{.EndpointID}}{{end}}";
    free(ASK(&s, "network", "create", "front"));
    free(ASK(&s, "network", "create", "back"));
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "front", "--network", "back",
             "busybox", "sleep", "1000"));
    auto_free char *front = ASK(&s, "inspect", "-f", of_front, "web");
    auto_free char *back = ASK(&s, "inspect", "-f", of_back, "web");
    cr_expect(is_id(front) && is_id(back), "%s %s", front, back);
    cr_expect_str_neq(front, back);
    auto_free char *want = NULL;
    cr_assert(asprintf(&want, "web %s", front) > 0);
    EXPECT(want, "network", "inspect", "-f", members, "front");
    free(ASK(&s, "stop", "-t", "0", "web"));
    EXPECT("", "inspect", "-f", of_front, "web");
    free(ASK(&s, "start", "web"));
    EXPECT(front, "inspect", "-f", of_front, "web");
    free(ASK(&s, "rm", "-f", "web"));
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", "busybox", "sleep",
             "1000"));
    auto_free char *above =
        ASK(&s, "inspect", "-f", "{{.NetworkSettings.EndpointID}}", "web");
    cr_expect(is_id(above), "%s", above);
    EXPECT(above, "inspect", "-f", "{{.NetworkSettings.Networks.bridge.EndpointID}}",
           "web");
}

/* ---- who listens ---- */

static bool is_told(void *arg)
{
    struct outcome o = RUN(&s, "port", "web");
    bool same = strcmp(o.err, arg) == 0;
    outcome_done(&o);
    return same;
}

#define SILENT(port) \
    "mytop-docker: port: warning: nothing in container web listens at port " port "\n"

static void expect_silent(const char *ports)
{
    char wanted[512];
    snprintf(wanted, sizeof(wanted), "%s", ports);
    cr_expect(state_until(is_told, wanted), "it is not said: %s", ports);
}

Test(network_seen, a_port_at_which_nobody_listens_is_told)
{
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", "-p", "8080:80",
             "-p", "8081:80", "-p", "8082:81", "-p", "5353:54/udp", "-v",
             MTD_TALK ":/talk:ro", "busybox", "sleep", "1000"));
    expect_silent(SILENT("80/tcp") SILENT("81/tcp") SILENT("54/udp"));
    struct outcome o = RUN(&s, "port", "web", "54/udp");
    cr_expect_str_eq(o.err, SILENT("54/udp"));
    cr_expect_str_eq(o.out, "0.0.0.0:5353\n");
    outcome_done(&o);
    free(ASK(&s, "exec", "-d", "web", "/talk", "serve", "80"));
    expect_silent(SILENT("81/tcp") SILENT("54/udp"));
    free(ASK(&s, "exec", "web", "httpd", "-p", "127.0.0.1:81", "-h", "/"));
    free(ASK(&s, "exec", "web", "sh", "-c",
             "until grep -q ':0051 .* 0A' /proc/net/tcp; do sleep 0.1; done"));
    expect_silent(SILENT("81/tcp") SILENT("54/udp"));
    free(ASK(&s, "exec", "web", "killall", "httpd"));
    free(ASK(&s, "exec", "-d", "web", "/talk", "serve", "81", "54"));
    expect_silent("");
    free(ASK(&s, "stop", "-t", "0", "web"));
    expect_silent("");
    free(ASK(&s, "rm", "web"));
}

/* Docker's order: as numbers, not as they were given. */
Test(network_seen, port_has_dockers_shapes)
{
    free(ASK(&s, "network", "create", "--ipv6", "six"));
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", "-p", "10080:443",
             "-p", "9080:80", "-p", "127.0.0.1:8080:80", "-p", "5353:53/udp", "busybox",
             "sleep", "1000"));
    free(ASK(&s, "run", "-d", "--name", "both", "--network", "six", "-p", "7080:80",
             "busybox", "sleep", "1000"));
    EXPECT("53/udp -> 0.0.0.0:5353\n80/tcp -> 0.0.0.0:9080\n80/tcp -> 127.0.0.1:8080\n"
           "443/tcp -> 0.0.0.0:10080",
           "port", "web");
    EXPECT("0.0.0.0:9080\n127.0.0.1:8080", "port", "web", "80");
    EXPECT("0.0.0.0:9080\n127.0.0.1:8080", "port", "web", "80/tcp");
    EXPECT("0.0.0.0:5353", "port", "web", "53/udp");
    EXPECT("80/tcp -> 0.0.0.0:7080\n80/tcp -> [::]:7080", "port", "both");
    EXPECT("0.0.0.0:7080\n[::]:7080", "port", "both", "80");
}

/* 53/tcp is not 53/udp: neither is published in place of the other, nor listed for it. */
Test(network_seen, a_port_is_of_its_protocol)
{
    free(ASK(&s, "run", "-d", "--name", "dns", "--network", "bridge", "-P", "-p",
             "5300:53", "--expose", "53/udp", "busybox", "sleep", "1000"));
    EXPECT("0.0.0.0:5300", "port", "dns", "53");
    auto_free char *udp = ASK(&s, "port", "dns", "53/udp");
    cr_expect(strncmp(udp, "0.0.0.0:", 8) == 0 && strchr(udp, '\n') == NULL, "%s", udp);
    free(ASK(&s, "run", "-d", "--name", "udp", "--network", "bridge", "-p", "5353:54/udp",
             "busybox", "sleep", "1000"));
    auto_done(outcome_done) struct outcome o = RUN(&s, "port", "udp", "54");
    cr_expect_eq(o.status, 1);
    cr_expect(strstr(o.err, "no public port '54'"), "%s%s", o.out, o.err);
}

/* Of a container on two networks each counts its own. */
Test(network_seen, traffic_is_counted_by_network)
{
    auto_done(mtd_list_done) struct mtd_list l = {0};
    char root[512], run[512];
    struct mtd_options o = {.root = root, .run_root = run, .read_only = true};
    struct mtd_engine *e = NULL;
    struct mtd_traffic front = {0}, back = {0};
    snprintf(root, sizeof(root), "%s/root", s.dir.path);
    snprintf(run, sizeof(run), "%s/run", s.dir.path);
    free(ASK(&s, "network", "create", "--subnet", "10.61.0.0/24", "front"));
    free(ASK(&s, "network", "create", "--subnet", "10.62.0.0/24", "back"));
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "front", "--network", "back",
             "busybox", "sleep", "1000"));
    free(ASK(&s, "exec", "web", "ping", "-c", "3", "-i", "0.2", "-s", "8000",
             "10.62.0.1"));
    cr_assert_eq(mtd_open(&e, &o, NULL), 0);
    cr_assert_eq(mtd_list(e, &l, NULL), 0);
    cr_assert_eq(l.len, 1);
    cr_expect_eq(mtd_network_traffic(&l.items[0], "front", &front), 0);
    cr_expect_eq(mtd_network_traffic(&l.items[0], "back", &back), 0);
    cr_expect(back.tx > 3 * 8000 && back.rx > 3 * 8000, "%llu",
              (unsigned long long)back.tx);
    cr_expect(front.tx < 8000, "%llu", (unsigned long long)front.tx);
    cr_expect(mtd_network_traffic(&l.items[0], "none", &back) < 0);
    mtd_close(e);
}

static bool has_health(void *arg)
{
    auto_free char *now = ASK(&s, "inspect", "-f", "{{.State.Health.Status}}", "probe");
    return strcmp(now, arg) == 0;
}

/* "1.2kB / 3MB" in bytes, of both together. */
static double bytes_of(const char *text)
{
    static const struct {
        const char *unit;
        double bytes;
    } UNITS[] = {{"B", 1}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}};
    double in, out, sum = 0;
    char unit[2][4];
    cr_assert_eq(
        sscanf(text, "%lf%3[a-zA-Z] / %lf%3[a-zA-Z]", &in, unit[0], &out, unit[1]), 4,
        "%s", text);
    for (size_t i = 0; i < ARRAY_SIZE(UNITS); i++) {
        sum += strcmp(unit[0], UNITS[i].unit) == 0 ? in * UNITS[i].bytes : 0;
        sum += strcmp(unit[1], UNITS[i].unit) == 0 ? out * UNITS[i].bytes : 0;
    }
    return sum;
}

static double traffic_of(const char *name)
{
    auto_free char *text =
        ASK(&s, "stats", "--no-stream", "--format", "{{.NetIO}}", name);
    return bytes_of(text);
}

Test(network_seen, stats_add_up_what_goes_through_all_networks)
{
    static const char *const GATEWAYS[] = {"10.61.0.1", "10.62.0.1"};
    free(ASK(&s, "network", "create", "--subnet", "10.61.0.0/24", "front"));
    free(ASK(&s, "network", "create", "--subnet", "10.62.0.0/24", "back"));
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "front", "--network", "back",
             "busybox", "sleep", "1000"));
    for (size_t i = 0; i < ARRAY_SIZE(GATEWAYS); i++) {
        double before = traffic_of("web");
        free(ASK(&s, "exec", "web", "ping", "-c", "3", "-i", "0.2", "-s", "8000",
                 GATEWAYS[i]));
        double more = traffic_of("web") - before;
        cr_expect(more > 6 * 8000 && more < 8 * 8000, "%s: %.0f", GATEWAYS[i], more);
    }
}

/* The check runs in the container's network: it finds its neighbour by name, and sees it go. */
Test(network_seen, a_health_check_asks_a_neighbour)
{
    free(ASK(&s, "network", "create", "front"));
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "front", "busybox", "httpd",
             "-f", "-p", "80", "-h", "/etc"));
    free(ASK(&s, "run", "-d", "--name", "probe", "--network", "front", "--health-cmd",
             "nc -w 5 web 80 </dev/null", "--health-interval", "200ms",
             "--health-retries", "2", "busybox", "sleep", "1000"));
    cr_expect(state_until(has_health, "healthy"));
    free(ASK(&s, "stop", "-t", "0", "web"));
    cr_expect(state_until(has_health, "unhealthy"));
    free(ASK(&s, "start", "web"));
    cr_expect(state_until(has_health, "healthy"));
}
