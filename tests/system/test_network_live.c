/* What changes of a container's networks and ports while it runs: in the kernel, in the record and for its
 * monitor alike, also when the command is killed. In a host of the test's own; needs root, nft, ip. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/netbox.h"
#include "../support/stopped.h"
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

TestSuite(network_live, .init = set_up, .fini = tear_down, .timeout = 60);

#define HELLO "busybox", "nc", "-ll", "-p", "80", "-e", "echo", "hello"
#define SLEEP "busybox", "sleep", "1000"

static bool answers(void *arg)
{
    return net_get(-1, "127.0.0.1", *(int *)arg) != NULL;
}

static void expect_published(int port)
{
    cr_expect(state_until(answers, &port), "port %d is not reached", port);
}

static void expect_unpublished(int port)
{
    cr_expect_null(net_get(-1, "127.0.0.1", port), "port %d is reached", port);
    close(net_listen(port)); /* and nobody holds it */
}

static void expect_ports(const char *wanted)
{
    auto_free char *said = ASK(&s, "port", "web");
    cr_expect_str_eq(said, wanted);
}

static bool is_held(int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    auto_fd int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0;
}

static bool is_free(void *port)
{
    return !is_held(*(int *)port);
}

static bool is_gone(void *arg)
{
    return kill(*(pid_t *)arg, 0) < 0;
}

/* ---- ports ---- */

Test(network_live, ports_are_published_and_taken_back)
{
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", HELLO));
    free(ASK(&s, "update", "--publish-add", "8080:80", "--publish-add",
             "127.0.0.1:8081:80", "--publish-add", "8082:53/udp", "web"));
    expect_published(8080);
    expect_published(8081);
    cr_expect(is_held(8080) && is_held(8081));
    expect_ports("53/udp -> 0.0.0.0:8082\n80/tcp -> 0.0.0.0:8080\n"
                 "80/tcp -> 127.0.0.1:8081");
    NET_REFUSED(&s, "port 8080/tcp is already published by container web", "update",
                "--publish-add", "8080:81", "web");
    NET_REFUSED(&s, "does not publish port 9999/tcp", "update", "--publish-rm", "9999:80",
                "web");
    auto_fd int busy = net_listen(8090);
    NET_REFUSED(&s, "port 8090/tcp of the host is already in use by", "update",
                "--publish-rm", "8080:80", "--publish-add", "8090:80", "web");
    expect_published(8080); /* all of it or nothing */
    free(ASK(&s, "update", "--publish-rm", "8080:80", "--publish-rm", "53/udp", "web"));
    expect_unpublished(8080);
    expect_published(8081);
    expect_ports("80/tcp -> 127.0.0.1:8081");
    free(ASK(&s, "restart", "-t", "0", "web"));
    expect_published(8081);
    expect_ports("80/tcp -> 127.0.0.1:8081");
    free(ASK(&s, "update", "--publish-rm", "8081:80", "--publish-add", "8081:80", "web"));
    expect_published(8081); /* the same number for something else */
    expect_ports("80/tcp -> 0.0.0.0:8081");
    net_expect_end(&s, "web");
    cr_expect(!is_held(8081));
}

Test(network_live, ports_of_a_stopped_one_are_for_its_next_start)
{
    free(ASK(&s, "create", "--name", "web", "--network", "bridge", "-p", "8079:80",
             HELLO));
    free(ASK(&s, "update", "--publish-add", "8080:80", "--publish-rm", "8079:80", "web"));
    NET_REFUSED(&s, "does not publish port 8079/tcp", "update", "--publish-rm", "8079:80",
                "web");
    NET_REFUSED(&s, "port 8080/tcp is already published by container web", "update",
                "--publish-add", "8080:81", "web");
    free(ASK(&s, "start", "web"));
    expect_published(8080);
    expect_unpublished(8079);
    net_expect_end(&s, "web");
    free(ASK(&s, "create", "--name", "web", "--network", "none", HELLO));
    NET_REFUSED(&s, "publishes no ports in its network mode none", "update",
                "--publish-add", "80", "web");
    NET_REFUSED(&s, "--publish-add: \"x\" is not a port", "update", "--publish-add", "x",
                "web");
}

Test(network_live, another_monitor_holds_what_was_added)
{
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", HELLO));
    free(ASK(&s, "update", "--publish-add", "8080:80", "web"));
    pid_t monitor = monitor_of(&s, "web");
    cr_assert_eq(kill(monitor, SIGKILL), 0);
    cr_expect(state_until(is_gone, &monitor));
    free(ASK(&s, "ps"));
    expect_published(8080);
    cr_expect(is_held(8080));
    free(ASK(&s, "update", "--publish-rm", "8080:80", "web"));
    expect_unpublished(8080);
    net_expect_end(&s, "web");
}

/* Either as before or as wanted, and everything agrees. */
static void expect_one_of_both(const char *point)
{
    free(ASK(&s, "ps")); /* mends it */
    auto_free char *said = ASK(&s, "port", "web");
    bool after = strcmp(said, "80/tcp -> 0.0.0.0:8081") == 0;
    cr_expect(after || strcmp(said, "80/tcp -> 0.0.0.0:8080") == 0, "%s: %s", point,
              said);
    expect_published(after ? 8081 : 8080);
    cr_expect(is_held(after ? 8081 : 8080), "%s", point);
    expect_unpublished(after ? 8080 : 8081);
}

Test(network_live, a_killed_change_of_ports_is_done_or_undone)
{
    static const char *const POINTS[] = {"update.unpublished", "publish.held",
                                         "update.published", "update.record",
                                         "update.recorded"};
    for (size_t i = 0; i < ARRAY_SIZE(POINTS); i++) {
        char fault[64];
        snprintf(fault, sizeof(fault), "%s:kill", POINTS[i]);
        free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", "-p", "8080:80",
                 HELLO));
        s.fault = fault;
        struct outcome o = RUN(&s, "update", "--publish-rm", "8080:80", "--publish-add",
                               "8081:80", "web");
        s.fault = NULL;
        if (o.status == 0)
            cr_skip("this build has no fault points");
        outcome_done(&o);
        expect_one_of_both(POINTS[i]);
        net_expect_end(&s, "web");
    }
}

/* ---- networks ---- */

static char *routes(void)
{
    return ASK(&s, "exec", "web", "ip", "route");
}

static void make_two_networks(void)
{
    free(ASK(&s, "network", "create", "--subnet", "10.77.0.0/24", "one"));
    free(ASK(&s, "network", "create", "--subnet", "10.78.0.0/24", "two"));
}

Test(network_live, without_its_first_network_it_goes_on_by_the_second)
{
    make_two_networks();
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "one", "--network", "two",
             "-p", "8080:80", HELLO));
    expect_published(8080);
    free(ASK(&s, "network", "disconnect", "one", "web"));
    auto_free char *after = routes();
    cr_expect(strstr(after, "default via 10.78.0.1 "), "%s", after);
    expect_published(8080);
    expect_ports("80/tcp -> 0.0.0.0:8080");
    cr_expect(is_held(8080));
    free(ASK(&s, "network", "disconnect", "two", "web"));
    expect_unpublished(8080);
    expect_ports("");
    free(ASK(&s, "network", "connect", "one", "web"));
    auto_free char *again = routes();
    cr_expect(strstr(again, "default via 10.77.0.1 "), "%s", again);
    expect_published(8080); /* as was asked for */
    cr_expect(is_held(8080));
    net_expect_end(&s, "web");
}

/* One that waits to be started again has no interface, but its addresses, names and ports. */
Test(network_live, without_a_network_while_it_waits_for_a_restart)
{
    char volume[128], go[128];
    snprintf(volume, sizeof(volume), "%s:/host", s.dir.path);
    snprintf(go, sizeof(go), "%s/go", s.dir.path);
    make_two_networks();
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "one", "--network", "two",
             "-p", "8080:80", "-v", volume, "--restart", "always", "busybox", "sh", "-c",
             "test -e /host/go && exec nc -ll -p 80 -e echo hello"));
    await_field(&s, "web", "{{.State.Status}} {{gt .RestartCount 4}}", "restarting true");
    free(ASK(&s, "network", "disconnect", "one", "web"));
    cr_expect_str_empty(net_lies(&s));
    free(ASK(&s, "network", "rm", "one"));
    cr_assert_eq(close(open(go, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
    free(ASK(&s, "restart", "web"));
    expect_published(8080);
    free(ASK(&s, "rm", "-f", "web"));

    cr_assert_eq(unlink(go), 0);
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "two", "-p", "8080:80",
             "--restart", "always", "busybox", "false"));
    await_field(&s, "web", "{{.State.Status}} {{gt .RestartCount 4}}", "restarting true");
    free(ASK(&s, "network", "disconnect", "two", "web"));
    cr_expect_str_empty(net_lies(&s));
    expect_ports("");
    net_expect_end(&s, "web");
}

#ifdef MTD_FAULTS
/* It ends while its ports are being changed, and the change is cut off. */
Test(network_live, a_killed_change_of_one_that_ends_and_waits_leaves_no_port)
{
    char volume[128], go[128];
    snprintf(volume, sizeof(volume), "%s:/host", s.dir.path);
    snprintf(go, sizeof(go), "%s/go", s.dir.path);
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", "-p", "8080:80",
             "-v", volume, "--restart", "always", "busybox", "sh", "-c",
             "test -e /host/go && exec sleep 1000"));
    await_field(&s, "web", "{{gt .RestartCount 4}}", "true");
    cr_assert_eq(close(open(go, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
    await_field(&s, "web", "{{.State.Status}}", "running");
    auto_free char *pid = field(&s, "web", "{{.State.Pid}}");
    cr_assert_eq(unlink(go), 0);
    s.fault = "update.published:stop";
    struct running r = BEGIN(&s, "update", "--publish-add", "8082:80", "web");
    s.fault = NULL;
    cr_assert_eq(stopped_await(r.pid), r.pid);
    cr_assert_eq(kill((pid_t)atoi(pid), SIGKILL), 0);
    kill(r.pid, SIGKILL);
    auto_done(outcome_done) struct outcome o = state_end(&r);
    cr_expect_eq(o.status, 128 + SIGKILL);
    await_field(&s, "web", "{{.State.Status}}", "restarting");
    free(ASK(&s, "ps"));
    cr_expect_str_empty(net_lies(&s));
    net_expect_end(&s, "web");
}

/* One that has looked for changes without an end before there was one. */
static void expect_second(const char *const first[], const char *const second[],
                          const char *ports)
{
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "one", "-p", "8080:80",
             HELLO));
    s.fault = "store.lock:stop";
    struct running r = state_begin(&s, second);
    s.fault = NULL;
    cr_assert_eq(stopped_await(r.pid), r.pid);
    s.fault = first[0];
    auto_done(outcome_done) struct outcome killed =
        state_run_input(&s, NULL, 0, first + 1);
    s.fault = NULL;
    cr_expect_eq(killed.status, 128 + SIGKILL, "%s: %s", first[0], killed.err);
    cr_assert_eq(kill(r.pid, SIGCONT), 0);
    auto_done(outcome_done) struct outcome o = state_end(&r);
    cr_expect_eq(o.status, 0, "%s: %s", first[0], o.err);
    expect_ports(ports);
    cr_expect_str_empty(net_lies(&s), "%s, %s", first[0], second[0]);
    net_expect_end(&s, "web");
}
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

Test(network_live, who_waited_for_a_killed_change_puts_it_right_first)
{
    static const char PORTS[] = "80/tcp -> 0.0.0.0:8080";
    make_two_networks();
    const char *const *first = WORDS("update.published:kill", "update", "--publish-rm",
                                     "8080:80", "--publish-add", "8081:80", "web");
    expect_second(first, WORDS("update", "--publish-add", "8082:80", "web"),
                  "80/tcp -> 0.0.0.0:8080\n80/tcp -> 0.0.0.0:8082");
    expect_second(first, WORDS("network", "connect", "two", "web"), PORTS);
    first = WORDS("connect.record:kill", "network", "connect", "two", "web");
    expect_second(first, WORDS("network", "connect", "two", "web"), PORTS);
    expect_second(first, WORDS("network", "disconnect", "one", "web"), "");
    first = WORDS("disconnect.record:kill", "network", "disconnect", "one", "web");
    expect_second(first, WORDS("network", "connect", "two", "web"), PORTS);
}

/* No further command is needed. */
Test(network_live, the_end_takes_along_what_a_killed_change_added)
{
    struct running ends;
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", HELLO));
    s.fault = "store.lock:stop";
    ends = BEGIN(&s, "stop", "-t", "0", "web");
    cr_assert_eq(stopped_await(ends.pid), ends.pid);
    s.fault = "update.record:kill";
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "update", "--publish-add", "8080:80", "web");
    s.fault = NULL;
    cr_expect_eq(o.status, 128 + SIGKILL, "%s", o.err);
    cr_assert_eq(kill(ends.pid, SIGCONT), 0);
    auto_done(outcome_done) struct outcome done = state_end(&ends);
    cr_expect_eq(done.status, 0, "%s", done.err);
    cr_expect_str_empty(net_left(&s), "%s", net_left(&s));
    net_expect_end(&s, "web");
}
#else
Test(network_live, the_end_takes_along_what_a_killed_change_added)
{
    cr_skip("this build has no fault points; the debug build runs these");
}
Test(network_live, who_waited_for_a_killed_change_puts_it_right_first)
{
    cr_skip("this build has no fault points; the debug build runs these");
}
Test(network_live, a_killed_change_of_one_that_ends_and_waits_leaves_no_port)
{
    cr_skip("this build has no fault points; the debug build runs these");
}
#endif

/* Its next monitor keeps nothing of the run before when somebody else has the port. */
Test(network_live, a_start_that_gets_no_port_gives_up_those_of_the_run_before)
{
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", "-p", "8080:80",
             "--restart", "always", "busybox", "false"));
    await_field(&s, "web", "{{gt .RestartCount 4}}", "true");
    await_field(&s, "web", "{{.State.Status}}", "restarting");
    int port = 8080;
    cr_assert_eq(kill(monitor_of(&s, "web"), SIGKILL), 0);
    cr_assert(state_until(is_free, &port));
    int other = net_listen(port);
    await_field(&s, "web", "{{.State.Status}}", "exited");
    cr_expect_str_empty(net_lies(&s));
    close(other);
    net_expect_end(&s, "web");
}

static const char *const CONNECT_POINTS[] = {"network.address", "network.joined",
                                             "network.link", "connect.record",
                                             "connect.recorded"};
static const char *const DISCONNECT_POINTS[] = {
    "network.leave", "network.left", "disconnect.record", "disconnect.recorded"};

/* eth0 and, if it is on both, another one; each has its address. */
static void expect_consistent(const char *point)
{
    free(ASK(&s, "ps"));
    auto_free char *said = ASK(
        &s, "inspect", "-f",
        "{{range $k, $v := .NetworkSettings.Networks}}{{$v.IPAddress}} {{end}}", "web");
    auto_free char *has = ASK(&s, "exec", "web", "sh", "-c",
                              "ip -o -4 addr | grep -v ' lo ' | awk '{print $4}' | "
                              "sort | sed 's,/24,,' | tr '\\n' ' '");
    cr_expect_str_eq(said, has, "%s: inspect \"%s\", inside \"%s\"", point, said, has);
    auto_free char *way = routes();
    cr_expect(strstr(way, "default via 10.7"), "%s: %s", point, way);
    expect_published(8080);
    char command[256];
    snprintf(command, sizeof(command),
             "test $(find %s/run/net -mindepth 2 -maxdepth 2 -name '10.*' | wc -l) = %d",
             s.dir.path, strchr(said, ' ')[1] ? 2 : 1);
    cr_expect_eq(system(command), 0, "%s: %s", point, net_left(&s));
}

static void kill_each(const char *const points[], size_t n, const char *verb,
                      const char *network)
{
    for (size_t i = 0; i < n; i++) {
        char fault[64];
        snprintf(fault, sizeof(fault), "%s:kill", points[i]);
        free(ASK(&s, "run", "-d", "--name", "web", "--network", "one", "-p", "8080:80",
                 HELLO));
        if (strcmp(verb, "disconnect") == 0)
            free(ASK(&s, "network", "connect", "two", "web"));
        s.fault = fault;
        struct outcome o = RUN(&s, "network", verb, network, "web");
        s.fault = NULL;
        if (o.status == 0)
            cr_skip("this build has no fault points");
        outcome_done(&o);
        expect_consistent(points[i]);
        net_expect_end(&s, "web");
    }
}

Test(network_live, a_killed_connection_is_made_or_not_made)
{
    make_two_networks();
    kill_each(CONNECT_POINTS, ARRAY_SIZE(CONNECT_POINTS), "connect", "two");
}

Test(network_live, a_killed_disconnection_is_made_or_not_made)
{
    make_two_networks();
    kill_each(DISCONNECT_POINTS, ARRAY_SIZE(DISCONNECT_POINTS), "disconnect", "one");
}

Test(network_live, a_range_is_used_to_its_ends)
{
    free(ASK(&s, "network", "create", "--subnet", "10.77.0.0/24", "--ip-range",
             "10.77.0.64/31", "one"));
    free(ASK(&s, "run", "-d", "--name", "a", "--network", "one", SLEEP));
    free(ASK(&s, "run", "-d", "--name", "b", "--network", "one", SLEEP));
    NET_REFUSED(&s, "network one has no free address in 10.77.0.64/31", "run", "--rm",
                "--network", "one", "busybox", "true");
    auto_free char *both =
        ASK(&s, "inspect", "-f", "{{.NetworkSettings.Networks.one.IPAddress}}", "a", "b");
    cr_expect(strstr(both, "10.77.0.64") && strstr(both, "10.77.0.65"), "%s", both);
    free(ASK(&s, "rm", "-f", "a", "b"));
    cr_expect_str_empty(net_left(&s));
}

/* ---- flows ---- */

static bool is_answered(void *arg)
{
    int fd = *(int *)arg;
    char text[64];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return send(fd, "?", 1, 0) == 1 && poll(&p, 1, 50) == 1 &&
           recv(fd, text, sizeof(text), 0) > 0;
}

/* One client that goes on sending from the same port, as resolvers and games do. */
Test(network_live, a_flow_of_datagrams_finds_the_next_container)
{
    static const char *const ADDRESSES[] = {"172.17.0.8", "172.17.0.9"};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(8080)};
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    free(ASK(&s, "run", "--rm", "--network", "bridge", "busybox", "true"));
    for (size_t i = 0; i < ARRAY_SIZE(ADDRESSES); i++) {
        cr_expect_not(is_answered(&fd)); /* the kernel remembers a flow to nobody */
        free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", "--ip",
                 ADDRESSES[i], "-p", "8080:80/udp", "-v", MTD_TALK ":/talk:ro", "busybox",
                 "/talk", "serve", "80"));
        cr_expect(state_until(is_answered, &fd), "%s does not answer", ADDRESSES[i]);
        free(ASK(&s, "rm", "-f", "web"));
    }
    cr_expect_str_empty(net_left(&s));
}

/* What no longer is published is refused, also to who was answered before. */
static bool is_refused(void *arg)
{
    int fd = *(int *)arg;
    char text[64];
    struct pollfd p = {.fd = fd, .events = POLLIN};
    (void)!send(fd, "?", 1, 0);
    return poll(&p, 1, 50) == 1 && recv(fd, text, sizeof(text), 0) < 0 &&
           errno == ECONNREFUSED;
}

Test(network_live, a_flow_of_datagrams_ends_with_the_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(8080)};
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", "-p", "8080:80/udp",
             "-v", MTD_TALK ":/talk:ro", "busybox", "/talk", "serve", "80"));
    cr_expect(state_until(is_answered, &fd));
    free(ASK(&s, "update", "--publish-rm", "8080:80/udp", "web"));
    cr_expect(state_until(is_refused, &fd));
    free(ASK(&s, "rm", "-f", "web"));
    net_expect_end(&s, "web");
}

static bool has_no_pair(void *unused)
{
    (void)unused;
    return system("! ip -o link show type veth | grep -q .") == 0;
}

/* Who goes on sending is told that nobody is there, and does not reach who gets the address next. */
Test(network_live, a_flow_of_datagrams_ends_with_the_container)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(8080)};
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", "-p", "8080:80/udp",
             "-v", MTD_TALK ":/talk:ro", "busybox", "/talk", "serve", "80"));
    cr_expect(state_until(is_answered, &fd));
    free(ASK(&s, "kill", "web"));
    cr_expect(state_until(has_no_pair, NULL)); /* until then its namespace refuses */
    cr_expect(state_until(is_refused, &fd));
    net_expect_end(&s, "web");
}

/* As docker: the first that is free, also of a container whose monitor was killed. */
Test(network_live, of_a_range_the_first_free_port_is_taken)
{
    auto_fd int busy = net_listen(8000);
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", "-p",
             "8000-8003:80", HELLO));
    expect_ports("80/tcp -> 0.0.0.0:8001");
    expect_published(8001);
    auto_free char *typed =
        ASK(&s, "inspect", "-f", "{{json .HostConfig.PortBindings}}", "web");
    cr_expect_str_eq(typed,
                     "{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"8000-8003\"}]}");
    pid_t monitor = monitor_of(&s, "web");
    cr_assert_eq(kill(monitor, SIGKILL), 0);
    cr_expect(state_until(is_gone, &monitor));
    free(ASK(&s, "run", "-d", "--name", "two", "--network", "bridge", "-p",
             "8000-8003:80", "-p", "8000-8003:81", HELLO));
    auto_free char *two = ASK(&s, "port", "two");
    cr_expect_str_eq(two, "80/tcp -> 0.0.0.0:8002\n81/tcp -> 0.0.0.0:8003");
    NET_REFUSED(&s, "all ports of 8000-8003/tcp are in use", "run", "--rm", "--network",
                "bridge", "-p", "8000-8003:80", "busybox", "true");
    free(ASK(&s, "update", "--publish-rm", "8001:80", "web"));
    expect_unpublished(8001);
    free(ASK(&s, "update", "--publish-add", "8000-8003:80", "web"));
    expect_ports("80/tcp -> 0.0.0.0:8001");
    free(ASK(&s, "update", "--publish-rm", "8000-8003:80", "web"));
    expect_ports("");
    free(ASK(&s, "restart", "-t", "0", "web"));
    expect_ports("");
    free(ASK(&s, "rm", "-f", "two"));
    net_expect_end(&s, "web");
}

Test(network_live, what_cannot_be_published_is_refused)
{
    NET_REFUSED(&s,
                "port [::1]:8080/udp cannot be published: datagrams of ::1 do not leave",
                "create", "--network", "bridge", "-p", "[::1]:8080:80/udp", "busybox");
    NET_REFUSED(&s, "sctp cannot be published; only tcp and udp can", "create",
                "--network", "bridge", "-p", "8080:80/sctp", "busybox");
    free(ASK(&s, "create", "--name", "web", "--network", "bridge", HELLO));
    NET_REFUSED(&s, "sctp cannot be published; only tcp and udp can", "update",
                "--publish-add", "8080:80/sctp", "web");
    NET_REFUSED(&s, "datagrams of ::1 do not leave the host", "update", "--publish-add",
                "[::1]:8080:80/udp", "web");
}
