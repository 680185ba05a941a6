/* Networks against a hostile container, a hostile server and hostile words: what a container sends to
 * the name server of its monitor, what it does to its own interface, what a host's process or an
 * interface is named. Each was seen to fail with its defence off. Needs root, nft and ip. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/netbox.h"
#include "../support/stopped.h"
#include "base/cleanup.h"
#include "base/fs.h"

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

TestSuite(networks, .init = set_up, .fini = tear_down, .timeout = 60);

#define ON "--network", "front"

static void make_front(void)
{
    free(ASK(&s, "network", "create", "--subnet", "10.77.0.0/24", "-o", "name=br-front",
             "front"));
}

/* ---- inside ---- */

static int open_inside(const char *name)
{
    char path[64];
    auto_free char *pid = ASK(&s, "inspect", "-f", "{{.State.Pid}}", name);
    snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert_geq(fd, 0);
    return fd;
}

#define DB 0x0a4d0009u

static int start_pair(const char *dns)
{
    make_front();
    free(ASK(&s, "run", "-d", "--name", "db", ON, "--ip", "10.77.0.9", "busybox", "sleep",
             "1000"));
    free(ASK(&s, "run", "-d", "--name", "bad", ON, "--dns", dns, "busybox", "sleep",
             "1000"));
    int ns = open_inside("bad");
    cr_expect_eq(net_look_up(ns, "db"), DB);
    return ns;
}

static void end_pair(int ns)
{
    cr_expect_eq(net_look_up(ns, "db"), DB);
    close(ns);
    free(ASK(&s, "rm", "-f", "db", "bad"));
    cr_expect_str_empty(net_left(&s));
    cr_expect_str_empty(state_leftovers(&s, false));
}

/* ---- starts ---- */

#ifdef MTD_FAULTS
static bool has_no_network(void *arg)
{
    char path[64], pid[16] = "", ns[64];
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", *(pid_t *)arg,
             *(pid_t *)arg);
    if (fs_read_small_at(AT_FDCWD, path, pid, sizeof(pid)) <= 0)
        return false;
    snprintf(path, sizeof(path), "/proc/%d/ns/net", atoi(pid));
    return readlink(path, ns, sizeof(ns)) < 0;
}
#endif

/* An image that init refuses, and a monitor that is slower: it finds no network to join. */
Test(networks, what_is_wrong_with_an_image_is_said_by_init)
{
#ifdef MTD_FAULTS
    free(ASK(&s, "run", "--name", "maker", "--cap-add", "SYS_ADMIN", "--security-opt",
             "seccomp=unconfined", "--network", "none", "busybox", "sh", "-c",
             "umount -l /etc/*; rm -r /etc; ln -s /proc/1 /etc"));
    free(ASK(&s, "commit", "maker", "trap"));
    free(ASK(&s, "rm", "maker"));
    make_front();
    s.fault = "start.links:stop";
    struct running r = BEGIN(&s, "run", "--rm", ON, "trap", "true");
    s.fault = NULL;
    pid_t monitor = stopped_await(r.pid);
    cr_assert_gt(monitor, 0);
    cr_expect(state_until(has_no_network, &monitor), "its init lives");
    kill(monitor, SIGCONT);
    auto_done(outcome_done) struct outcome o = state_end(&r);
    cr_expect_eq(o.status, 125);
    cr_expect(strstr(o.err, "/etc/hosts"), "%s", o.err);
#else
    cr_skip("this build has no fault points; the debug build runs these");
#endif
}

/* ---- the name server ---- */

Test(networks, what_is_no_question_changes_nothing)
{
    static const struct {
        const char *data;
        size_t len;
    } BAD[] = {
        {"", 0},
        {"x", 1},
        {"\0\7\1\0\0\1\0\0\0\0\0", 11},                   /* no whole header */
        {"\0\7\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1", 18}, /* a name that is itself */
        {"\0\7\1\0\0\1\0\0\0\0\0\0\xc0\xff\0\1\0\1", 18}, /* or lies behind the end */
        {"\0\7\1\0\0\1\0\0\0\0\0\0\x3f"
         "a",
         14},                                               /* a label too long */
        {"\0\7\1\0\0\1\0\0\0\0\0\0\2db", 15},               /* no end */
        {"\0\7\x81\0\0\1\0\0\0\0\0\0\2db\0\0\1\0\1", 20},   /* an answer */
        {"\0\7\1\0\xff\xff\0\0\0\0\0\0\2db\0\0\1\0\1", 20}, /* many questions */
    };
    int ns = start_pair("203.0.113.2");
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++) {
        auto_fd int fd = net_name_server(ns, SOCK_DGRAM);
        cr_expect_eq(send(fd, BAD[i].data, BAD[i].len, 0), (ssize_t)BAD[i].len);
        cr_expect_eq(net_look_up(ns, "db"), DB, "after %zu", i);
        char got;
        cr_expect_eq(recv(fd, &got, 1, MSG_DONTWAIT), -1, "%zu is answered", i);
    }
    end_pair(ns);
}

Test(networks, a_length_beyond_the_limit_ends_the_connection)
{
    static const unsigned char HUGE[] = {0xff, 0xff, 0, 7, 1, 0, 0, 1};
    char got;
    int ns = start_pair("203.0.113.2");
    auto_fd int fd = net_name_server(ns, SOCK_STREAM);
    cr_expect_eq(write(fd, HUGE, sizeof(HUGE)), (ssize_t)sizeof(HUGE));
    ssize_t n = read(fd, &got, 1);
    cr_expect(n == 0 || errno != EAGAIN, "it is kept open");
    end_pair(ns);
}

static unsigned descriptors_of(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    auto_dir DIR *d = opendir(path);
    unsigned n = 0;
    while (d && readdir(d))
        n++;
    return n;
}

/* The server has room for 16; what it has no room for it lets go of. */
Test(networks, many_connections_are_let_go_of)
{
    enum { MANY = 1000 };
    static int fds[MANY];
    int ns = start_pair("203.0.113.2");
    pid_t monitor = monitor_of(&s, "bad");
    unsigned before = descriptors_of(monitor);
    for (size_t i = 0; i < MANY; i++)
        fds[i] = net_name_server(ns, SOCK_STREAM);
    cr_expect_eq(net_look_up(ns, "db"), DB);
    cr_expect_leq(descriptors_of(monitor), before + 20);
    for (size_t i = 0; i < MANY; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    end_pair(ns);
}

/* A server that does not answer: 64 questions wait, the next ones fail at once, and names of
 * neighbours are known as before. */
Test(networks, questions_that_are_passed_on_are_limited)
{
    enum { ASKED = 200, LIMIT = 64 };
    unsigned char m[512];
    unsigned refused = 0;
    (void)net_outside();
    cr_assert_eq(system("ip neigh add 203.0.113.7 lladdr 02:00:00:00:00:07 dev up0"), 0);
    int ns = start_pair("203.0.113.7");
    auto_fd int fd = net_name_server(ns, SOCK_DGRAM);
    for (unsigned i = 0; i < ASKED; i++) {
        cr_assert_gt(write(fd, m, net_question(m, "example.org", i)), 0);
        cr_expect_eq(net_look_up(ns, "db"), DB);
    }
    while (recv(fd, m, sizeof(m), MSG_DONTWAIT) > 0)
        refused += (m[3] & 15) == 2;
    cr_expect_geq(refused, ASKED - LIMIT);
    cr_expect_leq(descriptors_of(monitor_of(&s, "bad")), 20 + LIMIT + 20);
    end_pair(ns);
}

/* ---- its own interface ---- */

/* With CAP_NET_ADMIN it may be made another one than the engine made. */
Test(networks, who_is_disconnected_is_off_whatever_it_did)
{
    static const char *const TRICKS[] = {
        "ip link set eth0 address 02:11:22:33:44:55",
        "ip link set eth0 down; ip link set eth0 name lo1; ip link set lo1 up",
    };
    make_front();
    free(ASK(&s, "run", "-d", "--name", "db", ON, "--ip", "10.77.0.9", NET_SERVER("80")));
    for (size_t i = 0; i < ARRAY_SIZE(TRICKS); i++) {
        free(ASK(&s, "run", "-d", "--name", "bad", ON, "--cap-add", "NET_ADMIN",
                 "busybox", "sleep", "1000"));
        auto_fd int ns = open_inside("bad");
        free(ASK(&s, "exec", "bad", "sh", "-ec", TRICKS[i]));
        free(ASK(&s, "network", "disconnect", "front", "bad"));
        cr_expect_null(net_get(ns, "10.77.0.9", 80), "%s", TRICKS[i]);
        cr_expect_str_empty(net_lies(&s), "%s", TRICKS[i]);
        free(ASK(&s, "rm", "-f", "bad"));
    }
    free(ASK(&s, "rm", "-f", "db"));
    cr_expect_str_empty(net_left(&s));
}

/* ---- what is not the engine's ---- */

/* A network whose bridge has the name of an interface of the host's. */
Test(networks, an_interface_of_the_hosts_is_not_taken)
{
    static const char *const KINDS[] = {"veth peer name other", "bridge"};
    for (size_t i = 0; i < ARRAY_SIZE(KINDS); i++) {
        char command[128];
        free(ASK(&s, "network", "create", "-o", "name=foreign", "x"));
        snprintf(command, sizeof(command),
                 "ip link add foreign type %s; ip link set foreign up", KINDS[i]);
        cr_assert_eq(system(command), 0);
        struct outcome o = RUN(&s, "run", "--rm", "--network", "x", "busybox", "true");
        cr_expect_eq(o.status, 125);
        cr_expect(strstr(o.err, "interface foreign"), "%s", o.err);
        outcome_done(&o);
        cr_expect_neq(system("nft list set inet mytop-docker bridges | grep -q foreign"),
                      0, "what it forwards is dropped");
        o = RUN(&s, "network", "create", "-o", "name=foreign", "y");
        cr_expect(strstr(o.err, "interface foreign is network x's already"), "%s", o.err);
        outcome_done(&o);
        free(ASK(&s, "network", "rm", "x"));
        cr_expect_eq(system("ip link del foreign"), 0, "%s: it was removed", KINDS[i]);
    }
}

/* ---- words ---- */

Test(networks, a_process_that_has_a_port_cannot_write_to_the_terminal)
{
    make_front();
    auto_fd int busy = net_listen(8085);
    (void)busy;
    cr_assert_eq(prctl(PR_SET_NAME, "\33[31m\n\7x"), 0);
    struct outcome o = RUN(&s, "run", "--rm", ON, "-p", "8085:80", "busybox", "true");
    prctl(PR_SET_NAME, "test");
    cr_expect(strstr(o.err, "is already in use by"), "%s", o.err);
    for (const char *c = o.err; *c; c++)
        cr_expect((unsigned char)*c >= ' ' || c == o.err + o.err_len - 1);
    outcome_done(&o);
}

Test(networks, words_stay_in_their_line)
{
    static const char *const CASES[][2] = {
        {"--network-alias", "x\n10.77.0.1 bank"},
        {"--network-alias", "../../x"},
        {"--hostname", "x\n1.1.1.1 bank"},
        {"--domainname", "x\n1.1.1.1 bank"},
        {"--add-host", "x\n1.1.1.1 bank:1.1.1.1"},
        {"--dns", "1.1.1.1\nnetwork bridge"},
        {"--dns-search", "x\nnameserver 1.1.1.1"},
        {"--dns-option", "x\nnameserver 1.1.1.1"},
        {"--mac-address", "02:42:0a:4d:00:02\n"},
        {"--ip", "10.77.0.7\n"},
        {"-p", "8080:80\n"},
    };
    make_front();
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        struct outcome o =
            RUN(&s, "run", "--rm", ON, CASES[i][0], CASES[i][1], "busybox", "true");
        cr_expect_neq(o.status, 0, "%s is taken", CASES[i][0]);
        cr_expect_eq(strchr(o.err, '\n'), o.err + o.err_len - 1, "%s", o.err);
        outcome_done(&o);
    }
    cr_expect_str_empty(net_left(&s));
}

Test(networks, a_networks_name_leads_nowhere_else)
{
    static const char *const NAMES[] = {"..", ".", "../x", "a/b", ".changing", "x\n", ""};
    free(ASK(&s, "create", "busybox"));
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++) {
        static const char *const VERBS[] = {"create", "rm", "inspect"};
        for (size_t k = 0; k < ARRAY_SIZE(VERBS); k++) {
            struct outcome o = RUN(&s, "network", VERBS[k], "--", NAMES[i]);
            cr_expect_neq(o.status, 0, "%s %s", VERBS[k], NAMES[i]);
            outcome_done(&o);
        }
    }
    auto_free char *all = ASK(&s, "ps", "-aq");
    cr_expect_str_neq(all, "");
}

/* ---- ports and networks that change while the container plays with its namespace ---- */

#define PLAY                                                                           \
    "while :; do ip link set eth0 down; ip link set eth0 name x; ip addr flush dev x;" \
    "ip link add eth0 type dummy; ip link del eth0; ip link set x name eth0;"          \
    "ip addr add 10.77.0.99/24 dev eth0; ip link set eth0 up; touch /playing; done"

static bool plays(void *unused)
{
    (void)unused;
    auto_done(outcome_done) struct outcome o =
        RUN(&s, "exec", "web", "test", "-e", "/playing");
    return o.status == 0;
}

static bool has_left(void *unused)
{
    (void)unused;
    auto_done(outcome_done) struct outcome o = RUN(&s, "exec", "web", "true");
    return strstr(o.err, "has left the net namespace");
}

static void expect_nothing_left(void)
{
    free(ASK(&s, "rm", "-f", "web"));
    cr_expect_str_empty(net_left(&s), "%s", net_left(&s));
    cr_expect_str_empty(net_lies(&s), "%s", net_lies(&s));
}

Test(networks, ports_change_under_a_container_that_changes_its_interface)
{
    make_front();
    free(ASK(&s, "run", "-d", "--name", "web", "--cap-add", "NET_ADMIN", ON, "busybox",
             "sh", "-c", PLAY));
    cr_assert(state_until(plays, NULL), "ip does not work");
    for (int i = 0; i < 5; i++) {
        free(ASK(&s, "update", "--publish-add", "8080:80", "web"));
        free(ASK(&s, "update", "--publish-rm", "8080:80", "web"));
    }
    free(ASK(&s, "update", "--publish-add", "8080:80", "web"));
    expect_nothing_left();
}

/* Its interface is deleted, or stays behind in the namespace that its first process has left. */
Test(networks, ports_change_under_a_container_that_has_no_interface)
{
    static const struct {
        const char *command;
        bool (*is_there)(void *);
    } COMMANDS[] = {{"ip link del eth0; touch /playing; sleep 1000", plays},
                    {"exec unshare -n sleep 1000", has_left}};
    make_front();
    for (size_t i = 0; i < ARRAY_SIZE(COMMANDS); i++) {
        free(ASK(&s, "run", "-d", "--name", "web", "--cap-add", "NET_ADMIN", "--cap-add",
                 "SYS_ADMIN", ON, "busybox", "sh", "-c", COMMANDS[i].command));
        cr_assert(state_until(COMMANDS[i].is_there, NULL), "%s", COMMANDS[i].command);
        auto_done(outcome_done) struct outcome added =
            RUN(&s, "update", "--publish-add", "8080:80", "web");
        auto_done(outcome_done) struct outcome taken =
            RUN(&s, "update", "--publish-rm", "8080:80", "web");
        cr_expect_eq(added.status, taken.status, "%s%s", added.err, taken.err);
        auto_done(outcome_done) struct outcome gone =
            RUN(&s, "network", "disconnect", "front", "web");
        cr_expect_eq(gone.status, 0, "%s: %s", COMMANDS[i].command, gone.err);
        cr_expect_str_empty(net_lies(&s), "%s: %s", COMMANDS[i].command, net_lies(&s));
        expect_nothing_left();
    }
}
