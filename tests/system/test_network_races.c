/* Two commands at one network, port or address, one of them held at the worst place by a fault point:
 * whoever is second waits, or says who is first; afterwards kernel, books and records agree.
 * Needs root, nft and ip. */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../support/fields.h"
#include "../support/netbox.h"
#include "../support/stopped.h"
#include "base/cleanup.h"

static struct state s;

static void set_up(void)
{
#ifndef MTD_FAULTS
    cr_skip("this build has no fault points; the debug build runs these");
#endif
    net_state_make(&s);
    free(ASK(&s, "network", "create", "--subnet", "10.77.0.0/24", "front"));
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(network_races, .init = set_up, .fini = tear_down, .timeout = 60);

#define SLEEP "busybox", "sleep", "1000"
#define ON "--network", "front"

/* Begins a command that stops at the point. */
#define HOLD(point, ret_stopped, ...)                  \
    ({                                                 \
        s.fault = point ":stop";                       \
        struct running held_ = BEGIN(&s, __VA_ARGS__); \
        s.fault = NULL;                                \
        *(ret_stopped) = stopped_await(held_.pid);     \
        cr_assert_gt(*(ret_stopped), 0);               \
        held_;                                         \
    })

static void expect_said(struct outcome o, const char *said)
{
    if (said)
        cr_expect(o.status != 0 && strstr(o.err, said), "%d: %s", o.status, o.err);
    else
        cr_expect_eq(o.status, 0, "%s", o.err);
    outcome_done(&o);
}

static void let_go(pid_t stopped, struct running *r, const char *said)
{
    kill(stopped, SIGCONT);
    expect_said(state_end(r), said);
}

static void expect_all_gone(void)
{
    struct outcome o = RUN(&s, "rm", "-f", "a", "b");
    outcome_done(&o);
    cr_expect_str_empty(net_left(&s));
    cr_expect_str_empty(state_leftovers(&s, false));
}

Test(network_races, an_address_that_is_being_taken_is_taken)
{
    pid_t stopped;
    struct running a = HOLD("network.address", &stopped, "run", "-d", "--name", "a", ON,
                            "--ip", "10.77.0.7", SLEEP);
    expect_said(RUN(&s, "run", "-d", "--name", "b", ON, "--ip", "10.77.0.7", SLEEP),
                "address 10.77.0.7 is in use by container a");
    let_go(stopped, &a, NULL);
    cr_expect_str_empty(net_lies(&s));
    expect_all_gone();
}

Test(network_races, a_port_that_is_being_taken_is_taken)
{
    pid_t stopped;
    struct running a = HOLD("network.ports", &stopped, "run", "-d", "--name", "a", ON,
                            "-p", "8080:80", NET_SERVER("80"));
    expect_said(RUN(&s, "run", "-d", "--name", "b", ON, "-p", "8080:80", SLEEP),
                "port 8080/tcp");
    let_go(stopped, &a, NULL);
    cr_expect(net_await(-1, "127.0.0.1", 8080));
    cr_expect_str_empty(net_lies(&s));
    expect_all_gone();
}

/* It has ended, or waits for who is first. */
static bool is_settled(void *arg)
{
    const struct running *r = arg;
    siginfo_t info = {0};
    return stopped_in(r->pid, SYS_flock) ||
           (waitid(P_PID, (id_t)r->pid, &info, WEXITED | WNOWAIT | WNOHANG) == 0 &&
            info.si_pid == r->pid);
}

static void await_second(struct running *r)
{
    cr_expect(state_until(is_settled, r));
}

Test(network_races, a_network_is_not_removed_while_a_container_joins_it)
{
    static const char *const POINTS[] = {"network.bridge:stop", "network.address:stop",
                                         "network.link:stop"};
    for (size_t i = 0; i < ARRAY_SIZE(POINTS); i++) {
        s.fault = POINTS[i];
        struct running a =
            BEGIN(&s, "run", "-d", "--name", "a", ON, "-p", "8080:80", NET_SERVER("80"));
        s.fault = NULL;
        pid_t stopped = stopped_await(a.pid);
        cr_assert_gt(stopped, 0, "%s", POINTS[i]);
        struct running rm = BEGIN(&s, "network", "rm", "front");
        await_second(&rm);
        let_go(stopped, &a, NULL);
        expect_said(state_end(&rm), "is in use by container a");
        cr_expect(net_await(-1, "127.0.0.1", 8080), "%s", POINTS[i]);
        cr_expect_str_empty(net_lies(&s), "%s", POINTS[i]);
        expect_all_gone();
    }
}

Test(network_races, nobody_joins_a_network_that_is_being_removed)
{
    static const char *const POINTS[] = {"network.rm:stop", "network.removed:stop"};
    for (size_t i = 0; i < ARRAY_SIZE(POINTS); i++) {
        s.fault = POINTS[i];
        struct running rm = BEGIN(&s, "network", "rm", "front");
        s.fault = NULL;
        pid_t stopped = stopped_await(rm.pid);
        cr_assert_gt(stopped, 0, "%s", POINTS[i]);
        struct running a = BEGIN(&s, "run", "-d", "--name", "a", ON, SLEEP);
        await_second(&a);
        let_go(stopped, &rm, NULL);
        expect_said(state_end(&a), "network front not found");
        cr_expect_str_empty(net_lies(&s), "%s", POINTS[i]);
        expect_all_gone();
        free(ASK(&s, "network", "create", "--subnet", "10.77.0.0/24", "front"));
    }
}

Test(network_races, a_container_is_not_stopped_while_it_is_being_connected)
{
    pid_t stopped;
    free(ASK(&s, "run", "-d", "--name", "a", "--network", "bridge", SLEEP));
    struct running connect =
        HOLD("network.joined", &stopped, "network", "connect", "front", "a");
    struct running stop = BEGIN(&s, "stop", "-t", "0", "a");
    expect_said(state_end(&stop),
                "is locked by process"); /* of which it says that it is stopped */
    let_go(stopped, &connect, NULL);
    cr_expect_str_empty(net_lies(&s));
    free(ASK(&s, "stop", "-t", "0", "a"));
    cr_expect_str_empty(net_left(&s));
    expect_all_gone();
}

/* ---- an address that another container takes over ---- */

#define THERE "--ip", "10.77.0.7"

/* It holds its address, and nothing of it lives. */
static void die(const char *name)
{
    auto_free char *pid = field(&s, name, "{{.State.Pid}}");
    kill_and_wait(monitor_of(&s, name));
    kill_and_wait((pid_t)atoi(pid));
}

Test(network_races, what_is_restored_meets_who_took_the_address_over)
{
    pid_t stopped;
    free(ASK(&s, "run", "-d", "--name", "a", ON, THERE, SLEEP));
    s.fault = "update.published:kill";
    expect_said(RUN(&s, "update", "--publish-add", "8080:80", "a"), "");
    struct running ps = HOLD("network.restore", &stopped, "ps");
    die("a");
    free(ASK(&s, "run", "-d", "--name", "b", ON, THERE, SLEEP));
    let_go(stopped, &ps, NULL);
    cr_expect_str_empty(net_lies(&s));
    expect_all_gone();
}

Test(network_races, what_is_forgotten_meets_who_takes_the_address_over)
{
    pid_t stopped;
    s.fault = "network.address:kill";
    expect_said(RUN(&s, "run", "-d", "--name", "a", ON, THERE, SLEEP), "");
    s.fault = NULL;
    struct running rm = HOLD("network.forget", &stopped, "rm", "-f", "a");
    struct running b = BEGIN(&s, "run", "-d", "--name", "b", ON, THERE, SLEEP);
    await_second(&b);
    let_go(stopped, &rm, NULL);
    expect_said(state_end(&b), NULL);
    cr_expect_str_empty(net_lies(&s));
    expect_all_gone();
}

Test(network_races, an_address_of_the_dead_is_taken_over_once)
{
    pid_t stopped;
    free(ASK(&s, "run", "-d", "--name", "c", ON, THERE, SLEEP));
    s.fault = "update.published:kill"; /* or the next command ends it */
    expect_said(RUN(&s, "update", "--publish-add", "8080:80", "c"), "");
    struct running ps = HOLD("network.restore", &stopped, "ps");
    die("c");
    pid_t first, last = stopped;
    struct running a =
        HOLD("network.takeover", &first, "run", "-d", "--name", "a", ON, THERE, SLEEP);
    struct running b = BEGIN(&s, "run", "-d", "--name", "b", ON, THERE, SLEEP);
    await_second(&b);
    let_go(first, &a, NULL);
    expect_said(state_end(&b), "address 10.77.0.7 is in use by container a");
    let_go(last, &ps, NULL);
    cr_expect_str_empty(net_lies(&s));
    free(ASK(&s, "rm", "-f", "c"));
    expect_all_gone();
}
