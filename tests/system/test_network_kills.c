/* Killed at each step of what changes networks: after one ordinary command, what the program says is
 * what the kernel shows, the command can be given again, and at the end nothing is left. Needs
 * root, nft, ip and a program built with fault points. */

#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/netbox.h"
#include "base/cleanup.h"

#ifdef MTD_FAULTS

#define WORDS_MAX 16

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

TestSuite(network_kills, .init = set_up, .fini = tear_down, .timeout = 120);

#define CONNECT                                                 \
    {                                                           \
        "network", "connect", "--alias", "alias", "back", "web" \
    }
#define LEAVE_SECOND                             \
    {                                            \
        "network", "disconnect", "second", "web" \
    }
#define LEAVE_FIRST                             \
    {                                           \
        "network", "disconnect", "front", "web" \
    }
#define RENAME                   \
    {                            \
        "rename", "web", "other" \
    }
#define REMOVE                  \
    {                           \
        "network", "rm", "idle" \
    }
#define PRUNE                    \
    {                            \
        "network", "prune", "-f" \
    }
#define CREATE                                                \
    {                                                         \
        "network", "create", "--subnet", "10.9.0.0/24", "new" \
    }
#define START                                                                           \
    {                                                                                   \
        "run", "-d", "--name", "more", "--network", "front", "--network", "back", "-p", \
            "8083:80", "busybox", "sleep", "1000"                                       \
    }
#define RESTART                     \
    {                               \
        "restart", "-t", "0", "web" \
    }
#define STOP                     \
    {                            \
        "stop", "-t", "0", "web" \
    }
#define RM                \
    {                     \
        "rm", "-f", "web" \
    }

/* Each command at each of its steps. */
static struct kill_case {
    const char *point;
    const char *command[WORDS_MAX];
} CASES[] = {
    {"network.create", CREATE},
    {"network.rm", REMOVE},
    {"network.removed", REMOVE},
    {"network.rm", PRUNE},
    {"network.removed", PRUNE},
    {"network.bridge", CONNECT},
    {"network.address", CONNECT},
    {"network.joined", CONNECT},
    {"network.link", CONNECT},
    {"connect.record", CONNECT},
    {"store.save", CONNECT},
    {"network.leave", LEAVE_SECOND},
    {"disconnect.record", LEAVE_SECOND},
    {"store.save", LEAVE_SECOND},
    {"network.leave", LEAVE_FIRST},
    {"disconnect.record", LEAVE_FIRST},
    {"store.save", LEAVE_FIRST},
    {"store.rename.claim", RENAME},
    {"store.rename.save", RENAME},
    {"store.rename.drop", RENAME},
    {"network.rename", RENAME},
    {"start.network", START},
    {"network.bridge", START},
    {"network.address", START},
    {"network.ports", START},
    {"start.links", START},
    {"network.link", START},
    {"start.publish", START},
    {"start.exec", START},
    {"network.address", RESTART},
    {"network.link", RESTART},
    {"finish.release", STOP},
    {"finish.record", STOP},
    {"network.release", STOP},
    {"finish.run", STOP},
    {"finish.release", RM},
    {"finish.record", RM},
    {"network.release", RM},
    {"finish.run", RM},
    {"store.remove.rename", RM},
    {"store.remove.name", RM},
    {"store.remove.run", RM},
};

static void make_world(void)
{
    free(ASK(&s, "network", "create", "--subnet", "10.77.0.0/24", "--subnet",
             "fd00:77::/64", "front"));
    free(ASK(&s, "network", "create", "--subnet", "10.78.0.0/24", "back"));
    free(ASK(&s, "network", "create", "--subnet", "10.79.0.0/24", "second"));
    free(ASK(&s, "network", "create", "--subnet", "10.80.0.0/24", "idle"));
    free(ASK(&s, "run", "--rm", "--network", "idle", "busybox", "true"));
    free(ASK(&s, "run", "-d", "--name", "db", "--network", "back", "-p", "53:53/udp",
             "busybox", "sleep", "1000"));
}

/* Those that are killed in the monitor of web have its fault from the start. */
static bool in_monitor(const struct kill_case *c)
{
    return strncmp(c->point, "finish.", 7) == 0 ||
           strcmp(c->point, "network.release") == 0;
}

static void start_web(const struct kill_case *c)
{
    char fault[64];
    snprintf(fault, sizeof(fault), "%s:kill", c->point);
    s.fault = in_monitor(c) ? fault : NULL;
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "front", "--network",
             "name=second,alias=sql", "-p", "8080:80", "busybox", "sleep", "1000"));
    s.fault = NULL;
}

static void ask_killed(const struct kill_case *c)
{
    char fault[64];
    snprintf(fault, sizeof(fault), "%s:kill", c->point);
    s.fault = in_monitor(c) ? NULL : fault;
    struct outcome o = state_run_input(&s, NULL, 0, c->command);
    s.fault = NULL;
    if (!in_monitor(c))
        cr_expect_neq(o.status, 0, "%s %s: %s is not reached", c->command[0],
                      c->command[1], c->point);
    outcome_done(&o);
}

static void clean(void)
{
    struct outcome o = RUN(&s, "rm", "-f", "web", "other", "more", "db");
    outcome_done(&o);
    o = RUN(&s, "network", "prune", "-f");
    outcome_done(&o);
}

static void check(const struct kill_case *c)
{
    start_web(c);
    ask_killed(c);
    free(ASK(&s, "ps")); /* the ordinary command */
    const char *lies = net_lies(&s);
    cr_expect_str_empty(lies, "%s %s killed at %s: %s", c->command[0], c->command[1],
                        c->point, lies);
    struct outcome o = state_run_input(&s, NULL, 0, c->command); /* done, or doable */
    cr_expect(o.status == 0 || !strstr(o.err, "cannot"), "%s", o.err);
    outcome_done(&o);
    lies = net_lies(&s);
    cr_expect_str_empty(lies, "%s %s at %s, again: %s", c->command[0], c->command[1],
                        c->point, lies);
}

/* Numbers: each test is another process, in which the texts lie elsewhere. */
ParameterizedTestParameters(network_kills, at_each_step)
{
    static size_t numbers[ARRAY_SIZE(CASES)];
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++)
        numbers[i] = i;
    return cr_make_param_array(size_t, numbers, ARRAY_SIZE(CASES));
}

ParameterizedTest(size_t *number, network_kills, at_each_step)
{
    make_world();
    check(&CASES[*number]);
    clean();
    cr_expect_str_empty(net_left(&s));
    cr_expect_str_empty(state_leftovers(&s, false));
    cr_expect_eq(system("! ip -o link show type bridge | grep ."), 0, "a bridge is left");
}

#else

Test(network_kills, at_each_step)
{
    cr_skip("this build has no fault points; the debug build runs these");
}

#endif
