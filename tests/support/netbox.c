#include "netbox.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define PATIENCE_MS 2000
#define ANSWER_S 7

/* Names of the machine's own namespaces; of a stale one ip complains, whatever it is asked. */
static bool hide_names(void)
{
    static const char DIR[] = "/run/netns";
    return access(DIR, F_OK) < 0 || mount("tmpfs", DIR, "tmpfs", 0, NULL) == 0;
}

/* false = it cannot be made; the reason is printed. */
static bool make_host(void)
{
    if (access("/usr/sbin/nft", X_OK) < 0 || access("/usr/sbin/ip", X_OK) < 0) {
        fprintf(stderr, "[SKIP] nftables and iproute2 are not installed\n");
        return false;
    }
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || !hide_names() ||
        system("ip link set lo up && echo 0 > /proc/sys/net/ipv4/ip_forward") != 0) {
        fprintf(stderr, "[SKIP] no network namespace can be made here\n");
        return false;
    }
    return true;
}

void net_state_make(struct state *s)
{
    if (!is_root())
        cr_skip("needs root");
    if (!make_host())
        cr_skip("needs a network namespace, nft and ip");
    state_make(s);
}

int net_outside(void)
{
    int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    cr_assert_geq(own, 0);
    cr_assert_eq(unshare(CLONE_NEWNET), 0);
    int there = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(system("ip link set lo up; ip link add up0 type veth peer name out0"),
                 0);
    cr_assert_eq(system("ip addr add 203.0.113.2/24 dev out0; ip link set out0 up"), 0);
    char command[128];
    snprintf(command, sizeof(command), "ip link set up0 netns /proc/%d/fd/%d",
             (int)getpid(), own);
    cr_assert_eq(system(command), 0);
    cr_assert_eq(setns(own, CLONE_NEWNET), 0);
    close(own);
    cr_assert_eq(system("ip addr add 203.0.113.1/24 dev up0 && ip link set up0 up"), 0);
    return there;
}

/* ---- what is left ---- */

static void add_lines(char *text, size_t size, const char *command)
{
    auto_free char *line = NULL;
    size_t cap = 0;
    FILE *p = popen(command, "re");
    cr_assert(p);
    while (getline(&line, &cap, p) >= 0) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s", line);
    }
    pclose(p);
}

const char *net_left(const struct state *s)
{
    static char text[8192];
    char command[512];
    text[0] = '\0';
    snprintf(command, sizeof(command),
             "find %s/run/net -mindepth 2 -type f ! -name next 2>/dev/null", s->dir.path);
    add_lines(text, sizeof(text), command);
    add_lines(text, sizeof(text),
              "for m in ports4 ports4_at ports6 ports6_at; do "
              "nft list map inet mytop-docker $m 2>/dev/null | grep comment; done");
    return text;
}

struct lies {
    char command[512], text[8192];
};

static bool none_told(void *arg)
{
    struct lies *l = arg;
    l->text[0] = '\0';
    add_lines(l->text, sizeof(l->text), l->command);
    return !l->text[0];
}

const char *net_lies(const struct state *s)
{
    static struct lies l;
    snprintf(l.command, sizeof(l.command),
             MTD_TESTS_DIR "/support/nettruth " MTD_PROGRAM " %s/root %s/run 2>&1",
             s->dir.path, s->dir.path);
    state_until(none_told, &l);
    return l.text;
}

/* ---- connections ---- */

static int reach(const char *address, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 to6 = {.sin6_family = AF_INET6,
                               .sin6_port = htons((uint16_t)port)};
    bool six = strchr(address, ':');
    inet_pton(six ? AF_INET6 : AF_INET, address,
              six ? (void *)&to6.sin6_addr : (void *)&to.sin_addr);
    int fd =
        socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int rc =
        connect(fd, six ? (void *)&to6 : (void *)&to, six ? sizeof(to6) : sizeof(to));
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    int error = 0;
    socklen_t len = sizeof(error);
    if ((rc < 0 && errno != EINPROGRESS) || poll(&p, 1, PATIENCE_MS) != 1 ||
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error) {
        close(fd);
        return -1;
    }
    return fd;
}

const char *net_get(int ns, const char *address, int port)
{
    static char text[4096];
    auto_fd int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    cr_assert(ns < 0 || setns(ns, CLONE_NEWNET) == 0);
    auto_fd int fd = reach(address, port);
    cr_assert(ns < 0 || setns(own, CLONE_NEWNET) == 0);
    size_t used = 0;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    while (fd >= 0 && used < sizeof(text) - 1 && poll(&p, 1, PATIENCE_MS) == 1) {
        ssize_t n = read(fd, text + used, sizeof(text) - 1 - used);
        if (n <= 0)
            break;
        used += (size_t)n;
    }
    text[used] = '\0';
    return used ? text : NULL;
}

struct server {
    int ns, port;
    const char *address, *text;
};

static bool has_answered(void *arg)
{
    struct server *w = arg;
    w->text = net_get(w->ns, w->address, w->port);
    return w->text != NULL;
}

const char *net_await(int ns, const char *address, int port)
{
    struct server w = {.ns = ns, .address = address, .port = port};
    state_until(has_answered, &w);
    return w.text;
}

int net_listen(int port)
{
    static const int YES = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &YES, sizeof(YES));
    cr_assert_eq(bind(fd, (void *)&at, sizeof(at)), 0);
    cr_assert_eq(listen(fd, 5), 0);
    return fd;
}

/* ---- names ---- */

int net_name_server(int ns, int type)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr = {htonl(0x7f00000b)}};
    auto_fd int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(setns(ns, CLONE_NEWNET), 0);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    cr_assert_eq(setns(own, CLONE_NEWNET), 0);
    struct timeval limit = {.tv_sec = ANSWER_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    close(fd);
    return -1;
}

size_t net_question(unsigned char *m, const char *name, unsigned id)
{
    const unsigned char head[12] = {
        (unsigned char)(id >> 8), (unsigned char)id, 1, 0, 0, 1};
    size_t len = sizeof(head);
    memcpy(m, head, sizeof(head));
    while (*name) {
        size_t label = strcspn(name, ".");
        m[len++] = (unsigned char)label;
        memcpy(m + len, name, label);
        len += label;
        name += label + (name[label] == '.');
    }
    memcpy(m + len, (unsigned char[]){0, 0, 1, 0, 1}, 5);
    return len + 5;
}

unsigned net_look_up(int ns, const char *name)
{
    unsigned char m[512];
    auto_fd int fd = net_name_server(ns, SOCK_DGRAM);
    cr_assert_eq(write(fd, m, net_question(m, name, 7)) > 0, true);
    ssize_t n = read(fd, m, sizeof(m));
    unsigned address = 0;
    if (n > 16 && m[7] > 0)
        memcpy(&address, m + n - 4, 4);
    return ntohl(address);
}

/* ---- what commands say, and leave ---- */

void net_expect_refused(const struct state *s, const char *why, const char *const args[])
{
    auto_done(outcome_done) struct outcome o = state_run_input(s, NULL, 0, args);
    cr_expect_neq(o.status, 0);
    cr_expect(strstr(o.err, why), "\"%s\", not \"%s\"", o.err, why);
    cr_expect_eq(strchr(o.err, '\n'), o.err + o.err_len - 1, "%s", o.err);
}

void net_expect_end(const struct state *s, const char *name)
{
    auto_done(outcome_done) struct outcome o = RUN(s, "rm", "-f", name);
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_expect_str_empty(net_left(s), "%s", net_left(s));
    cr_expect_str_empty(state_leftovers(s, false));
}
