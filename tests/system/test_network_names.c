/* Names: several addresses, servers of the host that are silent, refuse, or are changed, and what is
 * not passed on. Needs root, nft and ip. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/netbox.h"
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

TestSuite(network_names, .init = set_up, .fini = tear_down, .timeout = 60);

static int start_asker(const char *option)
{
    char path[64];
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "bridge", option, "busybox",
             "sleep", "1000"));
    auto_free char *pid = ASK(&s, "inspect", "-f", "{{.State.Pid}}", "web");
    snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
    int ns = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert_geq(ns, 0);
    return ns;
}

/* ---- servers of the host ---- */

enum behaviour { SILENT, REFUSES, ANSWERS };

/* At 127.0.0.LAST; where it answers, with 192.0.2.LAST. It ends with the test. */
static pid_t start_server(unsigned last, enum behaviour how)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(53),
                             .sin_addr = {htonl(0x7f000000u | last)}};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    pid_t parent = getpid(), pid = fork();
    cr_assert_geq(pid, 0);
    if (pid)
        return close(fd), pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (getppid() == parent) {
        unsigned char m[600];
        const unsigned char tail[] = {0xc0, 12, 0, 1, 0,   1, 0, 0,
                                      0,    9,  0, 4, 192, 0, 2, (unsigned char)last};
        struct sockaddr_in from;
        socklen_t size = sizeof(from);
        ssize_t n = recvfrom(fd, m, 512, 0, (struct sockaddr *)&from, &size);
        if (n < 17 || how == SILENT)
            continue;
        memcpy(m + n, tail, sizeof(tail));
        m[2] |= 0x80;
        m[3] = how == REFUSES ? 5 : 0;
        m[7] = how == ANSWERS;
        sendto(fd, m, (size_t)n + (how == ANSWERS ? sizeof(tail) : 0), 0,
               (struct sockaddr *)&from, size);
    }
    _exit(0);
}

static void name_servers(const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/resolv.conf", s.dir.path);
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* The same file for the whole life of the container: what is in it changes. */
static void take_over_resolv_conf(const char *text)
{
    char command[256];
    name_servers(text);
    snprintf(command, sizeof(command), "mount --bind %s/resolv.conf /etc/resolv.conf",
             s.dir.path);
    if (system(command) != 0)
        cr_skip("resolv.conf cannot be mounted over");
}

#define AT(last) (0xc0000200u | (last))
#define SERVER(last) "nameserver 127.0.0." #last "\n"

Test(network_names, a_server_that_does_not_know_leaves_it_to_the_next)
{
    static const enum behaviour HOW[] = {REFUSES, SILENT, ANSWERS};
    pid_t pids[ARRAY_SIZE(HOW)];
    take_over_resolv_conf(SERVER(61) SERVER(62) SERVER(63));
    for (unsigned i = 0; i < ARRAY_SIZE(HOW); i++)
        pids[i] = start_server(61 + i, HOW[i]);
    auto_fd int ns = start_asker("--init=false");
    cr_expect_eq(net_look_up(ns, "example.org"), AT(63), "refused, then silence");
    name_servers(SERVER(60) SERVER(63)); /* nobody listens there */
    cr_expect_eq(net_look_up(ns, "example.org"), AT(63), "unreachable");
    name_servers(SERVER(62) SERVER(62) SERVER(63));
    cr_expect_eq(net_look_up(ns, "example.org"), AT(63), "silence");
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
        kill(pids[i], SIGKILL);
        state_reap(pids[i]);
    }
    free(ASK(&s, "rm", "-f", "web"));
    cr_assert_eq(system("umount /etc/resolv.conf"), 0);
}

/* --dns, whatever the host has. */
Test(network_names, servers_of_its_own_are_asked_instead_of_the_hosts)
{
    take_over_resolv_conf(SERVER(61));
    pid_t hosts = start_server(61, ANSWERS), own = start_server(63, ANSWERS);
    auto_fd int ns = start_asker("--dns=127.0.0.63");
    cr_expect_eq(net_look_up(ns, "example.org"), AT(63));
    kill(hosts, SIGKILL);
    kill(own, SIGKILL);
    state_reap(hosts);
    state_reap(own);
    free(ASK(&s, "rm", "-f", "web"));
    cr_assert_eq(system("umount /etc/resolv.conf"), 0);
}

Test(network_names, what_has_one_label_stays_here_whatever_is_asked)
{
    static const unsigned char TYPES[] = {1, 15, 16, 28, 33, 64, 65, 255};
    take_over_resolv_conf(SERVER(63));
    pid_t server = start_server(63, ANSWERS);
    auto_fd int ns = start_asker("--init=false");
    for (size_t i = 0; i < sizeof(TYPES); i++) {
        unsigned char m[512];
        size_t len = net_question(m, "nobody", 7);
        m[len - 3] = TYPES[i];
        auto_fd int fd = net_name_server(ns, SOCK_DGRAM);
        cr_assert_eq(write(fd, m, len), (ssize_t)len);
        cr_assert_geq(read(fd, m, sizeof(m)), 12, "type %d", TYPES[i]);
        cr_expect_eq(m[3] & 15, 3, "type %d: %d", TYPES[i], m[3] & 15);
    }
    kill(server, SIGKILL);
    state_reap(server);
    free(ASK(&s, "rm", "-f", "web"));
    cr_assert_eq(system("umount /etc/resolv.conf"), 0);
}

/* ---- several ---- */

Test(network_names, each_of_several_comes_first_now_and_then)
{
    enum { MEMBERS = 3, ASKED = 60 };
    unsigned last[MEMBERS] = {0};
    free(ASK(&s, "network", "create", "--subnet", "10.77.0.0/24", "back"));
    for (int i = 0; i < MEMBERS; i++)
        free(ASK(&s, "run", "-d", "--network", "back", "--network-alias", "farm",
                 "busybox", "sleep", "1000"));
    auto_fd int ns = start_asker("--init=false");
    free(ASK(&s, "network", "connect", "back", "web"));
    for (int i = 0; i < ASKED; i++) {
        unsigned at = net_look_up(ns, "farm") - 0x0a4d0002u;
        cr_assert_lt(at, MEMBERS);
        last[at]++;
    }
    for (int i = 0; i < MEMBERS; i++)
        cr_expect_gt(last[i], 0, "%d", i);
    auto_free char *all = ASK(&s, "ps", "-aq");
    for (char *rest = all, *id; (id = strsep(&rest, "\n"));)
        free(ASK(&s, "rm", "-f", id));
    cr_expect_str_empty(net_left(&s));
}

/* Of so many the files are read again; what does not fit is cut off behind some. */
Test(network_names, each_of_very_many_is_told_as_well)
{
    enum { FIRST = 100, MANY = 60, ASKED = 40 };
    char command[256];
    bool differs = false;
    free(ASK(&s, "network", "create", "--subnet", "10.77.0.0/24", "back"));
    auto_fd int ns = start_asker("--init=false");
    free(ASK(&s, "network", "connect", "--alias", "farm", "back", "web"));
    snprintf(command, sizeof(command),
             "cd %s/run/net/back/names/farm && rm * && for i in $(seq %d %d); do "
             "touch 10.77.0.$i; done",
             s.dir.path, FIRST, FIRST + MANY - 1);
    cr_assert_eq(system(command), 0);
    unsigned before = net_look_up(ns, "farm");
    for (int i = 0; i < ASKED; i++) {
        unsigned at = net_look_up(ns, "farm");
        cr_assert_lt(at - (0x0a4d0000u + FIRST), MANY);
        differs |= at != before;
    }
    cr_expect(differs, "always %x", before);
    snprintf(command, sizeof(command), "rm -r %s/run/net/back/names/farm", s.dir.path);
    cr_assert_eq(system(command), 0);
    free(ASK(&s, "rm", "-f", "web"));
    cr_expect_str_empty(net_left(&s));
}

/* What a cleaner of /run and /var leaves of a dead container is its address, and names that lead there. */
Test(network_names, an_address_that_is_taken_over_has_no_old_names)
{
    char command[512];
    free(ASK(&s, "network", "create", "--subnet", "10.77.0.0/24", "front"));
    auto_free char *id = ASK(&s, "run", "-d", "--name", "old", "--network", "front",
                             "--ip", "10.77.0.9", "busybox", "sleep", "1000");
    pid_t pid = pid_of(&s, "old"), monitor = monitor_of(&s, "old");
    kill_and_wait(monitor);
    kill_and_wait(pid);
    snprintf(command, sizeof(command),
             "cd %s && rm -r root/containers/%s root/names/old run/%s", s.dir.path, id,
             id);
    cr_assert_eq(system(command), 0);
    free(ASK(&s, "run", "-d", "--name", "new", "--network", "front", "--ip", "10.77.0.9",
             "busybox", "sleep", "1000"));
    auto_free char *text = ASK(&s, "inspect", "-f", "{{.State.Pid}}", "new");
    snprintf(command, sizeof(command), "/proc/%s/ns/net", text);
    auto_fd int ns = open(command, O_RDONLY | O_CLOEXEC);
    cr_expect_eq(net_look_up(ns, "new"), 0x0a4d0009u);
    cr_expect_eq(net_look_up(ns, "old"), 0, "it answers to the dead one's name");
    free(ASK(&s, "rm", "-f", "new"));
    auto_done(outcome_done) struct outcome o = RUN(&s, "system", "check", "--repair");
}

/* The number of the next answer of a connection, and the last byte of its only address; 0 = none. */
static unsigned next_answer(int fd, unsigned *ret_last)
{
    unsigned char head[2], m[512];
    if (recv(fd, head, 2, MSG_WAITALL) != 2)
        return 0;
    size_t len = (size_t)head[0] << 8 | head[1];
    if (len < 16 || len > sizeof(m) || recv(fd, m, len, MSG_WAITALL) != (ssize_t)len)
        return 0;
    const unsigned char *address = memmem(m, len, "\0\4\x0a\x4d\0", 5);
    *ret_last = address ? address[5] : 0;
    return (unsigned)m[0] << 8 | m[1];
}

static size_t add_question(unsigned char *to, const char *name, unsigned id)
{
    size_t len = net_question(to + 2, name, id);
    to[0] = (unsigned char)(len >> 8);
    to[1] = (unsigned char)len;
    return len + 2;
}

/* As a resolver sends A and AAAA by TCP: both are there before the first is answered. */
Test(network_names, questions_that_come_in_one_piece_are_all_answered)
{
    free(ASK(&s, "network", "create", "--subnet", "10.77.0.0/24", "front"));
    static const char *const NAMES[] = {"one", "three"};
    static const char *const AT[] = {"10.77.0.11", "10.77.0.13"};
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
        free(ASK(&s, "run", "-d", "--name", NAMES[i], "--network", "front", "--ip", AT[i],
                 "busybox", "sleep", "1000"));
    auto_free char *pid = ASK(&s, "inspect", "-f", "{{.State.Pid}}", "one");
    char path[64];
    snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
    auto_fd int ns = open(path, O_RDONLY | O_CLOEXEC);
    auto_fd int fd = net_name_server(ns, SOCK_STREAM);
    cr_assert_geq(fd, 0);
    unsigned char both[1024];
    size_t len = add_question(both, "three", 7);
    len += add_question(both + len, "one", 8);
    cr_assert_eq(write(fd, both, len), (ssize_t)len);
    unsigned last = 0;
    cr_expect_eq(next_answer(fd, &last), 7);
    cr_expect_eq(last, 13);
    cr_expect_eq(next_answer(fd, &last), 8);
    cr_expect_eq(last, 11);
}
