/* Several state roots in one network namespace, and one state root used from several of them: each keeps
 * to what is its own. In a host of the test's own; needs root, nft, ip. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/netbox.h"
#include "base/cleanup.h"

static struct state s, other;

static void set_up(void)
{
    net_state_make(&s);
    state_make(&other);
}

static void tear_down(void)
{
    if (other.dir.path[0])
        state_done(&other);
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(network_hosts, .init = set_up, .fini = tear_down, .timeout = 90);

#define HELLO "busybox", "nc", "-ll", "-p", "80", "-e", "echo", "hello"

static void start(const struct state *at, const char *name, const char *port)
{
    free(ASK(at, "run", "-d", "--name", name, "--network", "bridge", "-p", port, HELLO));
}

static bool answers(void *arg)
{
    return net_get(-1, "127.0.0.1", *(int *)arg) != NULL;
}

static void expect_published(int port)
{
    cr_expect(state_until(answers, &port), "port %d is not reached", port);
}

static void expect_refused(const struct state *at, const char *why,
                           const char *const args[])
{
    struct outcome o = state_run_input(at, NULL, 0, args);
    cr_expect_neq(o.status, 0);
    cr_expect(strstr(o.err, why) || strstr(o.out, why), "\"%s\", not \"%s%s\"", why,
              o.err, o.out);
    outcome_done(&o);
}
#define REFUSED(at, why, ...) \
    expect_refused(at, why, (const char *const[]){__VA_ARGS__, NULL})

static bool is_gone(void *arg)
{
    return kill(*(pid_t *)arg, 0) < 0;
}

static void kill_monitor(const struct state *at, const char *name)
{
    pid_t monitor = monitor_of(at, name);
    cr_assert_eq(kill(monitor, SIGKILL), 0);
    cr_expect(state_until(is_gone, &monitor));
}

static char *output_of(const char *command)
{
    char *text = NULL;
    size_t cap = 0;
    FILE *p = popen(command, "re");
    cr_assert(p);
    if (getdelim(&text, &cap, '\0', p) < 0 && text)
        text[0] = '\0';
    pclose(p);
    return text ? text : strdup("");
}

/* ---- two roots ---- */

Test(network_hosts, another_roots_ports_are_taken_and_left_alone)
{
    start(&s, "web", "8080:80");
    start(&other, "web", "8081:80");
    EXPECT_OUTPUT(&s, 0, "", "system", "check");
    EXPECT_OUTPUT(&other, 0, "", "system", "check");
    REFUSED(&other, "of another state root", "run", "--network", "bridge", "-p",
            "8080:80", "busybox", "true");
    kill_monitor(&s,
                 "web"); /* now nobody is bound to it, and the element alone says so */
    REFUSED(&other, "of another state root", "run", "--network", "bridge", "-p",
            "8080:80", "busybox", "true");
    free(ASK(&other, "network", "prune", "-f"));
    EXPECT_OUTPUT(&other, 0, "", "system", "check", "--repair");
    free(ASK(&other, "rm", "-f", "web"));
    cr_expect_not_null(net_await(-1, "127.0.0.1", 8080));
    free(ASK(&s, "rm", "-f", "web"));
    cr_expect_str_empty(net_left(&s), "%s", net_left(&s));
}

Test(network_hosts, each_root_fills_a_new_table_with_its_own)
{
    start(&s, "web", "8080:80");
    start(&other, "web", "8081:80");
    free(ASK(&other, "network", "reload"));
    expect_published(8081);
    expect_published(8080); /* by its monitor, which the kernel tells */
    cr_assert_eq(system("nft flush ruleset"), 0);
    expect_published(8080);
    expect_published(8081);
    kill_monitor(&s, "web");
    kill_monitor(&other, "web");
    cr_assert_eq(system("nft flush ruleset"), 0);
    free(ASK(&other, "ps"));
    cr_expect_not_null(net_await(-1, "127.0.0.1", 8081));
    cr_expect_null(net_get(-1, "127.0.0.1", 8080));
    free(ASK(&s, "ps"));
    cr_expect_not_null(net_await(-1, "127.0.0.1", 8080));
    EXPECT_OUTPUT(&s, 0, "", "system", "check");
    EXPECT_OUTPUT(&other, 0, "", "system", "check");
}

/* The first one found that the host was no router, and closed it to others; the second one did not. */
Test(network_hosts, one_closed_root_and_one_open_one_agree_on_the_rules)
{
    static const char RULES[] =
        "nft list chain inet mytop-docker forw; nft -a list tables";
    start(&s, "web", "8080:80");
    auto_free char *before = output_of(RULES);
    cr_expect(strstr(before, "iifname != @bridges drop"), "%s", before);
    start(&other, "web", "8081:80");
    EXPECT_OUTPUT(&other, 0, "", "system", "check", "--repair");
    EXPECT_OUTPUT(&s, 0, "", "system", "check", "--repair");
    auto_free char *after = output_of(RULES);
    cr_expect_str_eq(before, after);
    kill_monitor(&s, "web");
    free(ASK(&other, "network", "reload"));
    auto_free char *anew = output_of("nft list chain inet mytop-docker forw");
    cr_expect(strstr(anew, "iifname != @bridges drop"), "%s", anew);
}

/* ---- two hosts ---- */

static int leave_for_another_host(void)
{
    int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    cr_assert_geq(own, 0);
    cr_assert_eq(unshare(CLONE_NEWNET), 0);
    return own;
}

static void expect_nothing_here(void)
{
    auto_free char *links = output_of("ip -o link | grep -v ' lo:'");
    auto_free char *tables = output_of("nft list tables");
    cr_expect_str_empty(links, "%s", links);
    cr_expect_str_empty(tables, "%s", tables);
}

Test(network_hosts, commands_of_another_host_make_nothing_there)
{
    start(&s, "web", "8080:80");
    free(ASK(&s, "network", "create", "more"));
    auto_fd int own = leave_for_another_host();
    free(ASK(&s, "ps"));
    free(ASK(&s, "network", "reload"));
    REFUSED(&s, "its networks are in another network namespace", "system", "check");
    REFUSED(&s, "its networks are in another network namespace", "system", "check",
            "--repair");
    REFUSED(&s, "are in another network namespace", "network", "connect", "more", "web");
    REFUSED(&s, "are in another network namespace", "network", "disconnect", "bridge",
            "web");
    REFUSED(&s, "are in another network namespace", "update", "--publish-add", "8081:80",
            "web");
    REFUSED(&s, "are in another network namespace", "update", "--publish-rm", "8080:80",
            "web");
    kill_monitor(&s, "web");
    free(ASK(&s, "stop", "-t", "0", "web")); /* adopts it first */
    expect_nothing_here();
    cr_assert_eq(setns(own, CLONE_NEWNET), 0);
    free(ASK(&s, "start", "web"));
    expect_published(8080);
    EXPECT_OUTPUT(&s, 0, "", "system", "check");
}

Test(network_hosts, a_monitor_of_another_host_takes_no_ports_there)
{
    start(&s, "web", "8080:80");
    auto_fd int own = leave_for_another_host();
    kill_monitor(&s, "web");
    free(ASK(&s, "pause", "web"));
    free(ASK(&s, "unpause", "web"));
    expect_nothing_here();
    close(net_listen(8080));
    cr_assert_eq(setns(own, CLONE_NEWNET), 0);
    expect_published(8080); /* its elements are there yet */
    free(ASK(&s, "rm", "-f", "web"));
    cr_expect_str_empty(state_leftovers(&s, false));
}

/* The change is kept for whoever can make it. */
Test(network_hosts, a_change_that_was_cut_off_waits_for_its_host)
{
    start(&s, "web", "8080:80");
    free(ASK(&s, "network", "create", "more"));
    s.fault = "connect.record:kill";
    struct outcome o = RUN(&s, "network", "connect", "more", "web");
    s.fault = NULL;
    bool cut = o.status == 128 + SIGKILL;
    outcome_done(&o);
    if (!cut)
        cr_skip("needs a build with fault points");
    auto_fd int own = leave_for_another_host();
    free(ASK(&s, "ps"));
    expect_nothing_here();
    cr_assert_eq(setns(own, CLONE_NEWNET), 0);
    free(ASK(&s, "ps"));
    EXPECT_OUTPUT(&s, 0, "", "system", "check");
    auto_free char *links = output_of("ip -o link show type veth | grep -c mtdv");
    cr_expect_str_eq(links, "1\n");
}
