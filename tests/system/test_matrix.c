/* Who reaches whom: each caller, to each address, by IPv4 and IPv6, TCP and UDP, with bridged frames
 * seen by the firewall and not, beside firewalls of others. What is expected is one table. Needs
 * root, nft and ip. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/netbox.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"

#define BRIDGED "/proc/sys/net/bridge/bridge-nf-call-ip"

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

TestSuite(matrix, .init = set_up, .fini = tear_down, .timeout = 120);

/* ---- the table ---- */

enum caller { HOST, OUTSIDE, WEB, PEER, STRANGER, SHUT, APART, CALLERS };

/* web: on "front", publishes 8080 everywhere and 8081 on loopback. peer: beside it. stranger: on
 * "back", a network of its own. shut, shut2: on "in", which is internal; shut2 publishes 8083.
 * apart, apart2: on "apart", without icc; apart2 publishes 8082. */
static const struct {
    const char *name, *network, *address4, *address6, *publish[10];
} CONTAINERS[CALLERS + 2] = {
    [WEB] = {"web",
             "front",
             "10.77.0.9",
             "fd00:77::9",
             {"8080:80", "8080:80/udp", "127.0.0.1:8081:80", "127.0.0.1:8081:80/udp",
              "[::1]:8084:80", "[::]:8085:80", "[::]:8085:80/udp", "0.0.0.0:8086:80",
              "0.0.0.0:8086:80/udp"}},
    [PEER] = {"peer", "front", "10.77.0.8", "fd00:77::8", {0}},
    [STRANGER] = {"stranger", "back", "10.78.0.9", "fd00:78::9", {0}},
    [SHUT] = {"shut", "in", "10.79.0.9", "fd00:79::9", {0}},
    [APART] = {"apart", "apart", "10.80.0.9", "fd00:80::9", {0}},
    [CALLERS] = {"shut2", "in", "10.79.0.8", "fd00:79::8", {"8083:80", "8083:80/udp"}},
    [CALLERS +
        1] = {"apart2", "apart", "10.80.0.8", "fd00:80::8", {"8082:80", "8082:80/udp"}},
};

/* What stands beside the engine's table. */
enum beside { NOTHING, ROUTER_OFF, DROPS, DOCKER, DOCKER_MENDED, BESIDES };

#define YES '+'
#define NO '.'
#define REFUSED 'x'   /* TCP says so at once */
#define UNBRIDGED 'b' /* only while br_netfilter is off */
#define STREAMS 't'   /* by TCP alone */

static const struct row {
    enum caller from;
    const char *to4, *to6; /* NULL = not by that family */
    int port;
    const char *expected;          /* a letter for each of enum beside */
    const char *source4, *source6; /* whom the server sees; NULL = either */
    const char *about;
} ROWS[] = {
#define HOST4 "203.0.113.1"
#define HOST6 "2001:db8::1"
    {HOST, "127.0.0.1", NULL, 8080, "+++++", "10.77.0.1", NULL, "localhost"},
    {HOST, "127.0.0.1", NULL, 8081, "+++++", "10.77.0.1", NULL, "a port of localhost"},
    {HOST, NULL, "::1", 8080, "xxxxx", NULL, NULL, "localhost, then by IPv4"},
    {HOST, NULL, "::1", 8084, "ttttt", NULL, "10.77.0.1", "led on by the monitor"},
    {HOST, "127.0.0.1", HOST6, 8084, "xxxxx", NULL, NULL, "published on ::1"},
    {OUTSIDE, HOST4, HOST6, 8084, "xxxxx", NULL, NULL, "published on ::1"},
    {PEER, HOST4, HOST6, 8084, "xxxxx", NULL, NULL, "published on ::1"},
    {HOST, HOST4, HOST6, 8080, "+++++", NULL, NULL, "its own address"},
    {HOST, HOST4, NULL, 8081, "xxxxx", NULL, NULL, "which is not localhost"},
    {HOST, "10.77.0.9", "fd00:77::9", 80, "+++++", NULL, NULL, "the container"},
    {HOST, "10.79.0.9", "fd00:79::9", 80, "+++++", NULL, NULL, "of an internal network"},
    {OUTSIDE, HOST4, HOST6, 8080, "++..+", "203.0.113.2", "2001:db8::2", "published"},
    {OUTSIDE, NULL, HOST6, 8085, "++..+", NULL, "2001:db8::2", "published on [::]"},
    {OUTSIDE, HOST4, NULL, 8085, "xxxxx", NULL, NULL, "published on [::]"},
    {HOST, NULL, HOST6, 8085, "+++++", NULL, NULL, "published on [::]"},
    {OUTSIDE, HOST4, NULL, 8086, "++..+", "203.0.113.2", NULL, "published on 0.0.0.0"},
    {OUTSIDE, NULL, HOST6, 8086, "xxxxx", NULL, NULL, "published on 0.0.0.0"},
    {HOST, "127.0.0.1", NULL, 8086, "+++++", NULL, NULL, "published on 0.0.0.0"},
    {OUTSIDE, HOST4, NULL, 8081, "xxxxx", NULL, NULL, "published on localhost"},
    {OUTSIDE, "127.0.0.1", NULL, 8081, ".....", NULL, NULL, "localhost from outside"},
    {OUTSIDE, "127.0.0.1", NULL, 8080, ".....", NULL, NULL, "localhost from outside"},
    {OUTSIDE, "10.77.0.9", "fd00:77::9", 80, ".....", NULL, NULL, "routed to it"},
    {OUTSIDE, "10.79.0.9", "fd00:79::9", 80, ".....", NULL, NULL, "routed to it"},
    {HOST, "127.0.0.1", NULL, 8083, "+++++", "10.79.0.1", NULL, "internal, published"},
    {OUTSIDE, HOST4, HOST6, 8083, ".....", NULL, NULL, "internal, published"},
    {STRANGER, HOST4, HOST6, 8083, ".....", NULL, NULL, "internal, published"},
    {OUTSIDE, "10.77.0.1", "fd00:77::1", 8080, "++..+", NULL, NULL, "the gateway"},
    {WEB, HOST4, HOST6, 8080, "++..+", NULL, NULL, "itself, by the host"},
    {WEB, "10.77.0.1", "fd00:77::1", 8080, "++..+", NULL, NULL, "itself, by the gateway"},
    {PEER, "10.77.0.9", "fd00:77::9", 80, "++bb+", "10.77.0.8", "fd00:77::8", "direct"},
    {PEER, HOST4, HOST6, 8080, "++..+", NULL, NULL, "by the host"},
    {PEER, HOST4, NULL, 8081, "xxxxx", NULL, NULL, "not published for it"},
    {STRANGER, HOST4, HOST6, 8080, "++..+", NULL, NULL, "another network, published"},
    {STRANGER, "10.77.0.9", "fd00:77::9", 80, ".....", NULL, NULL, "another network"},
    {STRANGER, "203.0.113.2", "2001:db8::2", 80, "++..+", HOST4, HOST6, "the way out"},
    {SHUT, "10.79.0.8", "fd00:79::8", 80, "++bb+", "10.79.0.9", "fd00:79::9", "inside"},
    {SHUT, "203.0.113.2", "2001:db8::2", 80, ".....", NULL, NULL, "no way out"},
    {SHUT, "10.77.0.9", "fd00:77::9", 80, ".....", NULL, NULL, "another network"},
    {SHUT, "10.79.0.1", "fd00:79::1", 8080, ".....", NULL, NULL, "published elsewhere"},
    {APART, "10.80.0.8", "fd00:80::8", 80, ".....", NULL, NULL, "no icc"},
    {APART, HOST4, HOST6, 8082, "bb..b", NULL, NULL,
     "no icc, published: the frame may not leave the bridge"},
    {APART, HOST4, HOST6, 8080, "++..+", NULL, NULL, "another network, published"},
};

/* ---- the host ---- */

static void shell(const char *command)
{
    cr_assert_eq(system(command), 0, "%s", command);
}

/* There 127.0.0.0/8 is no address of its own, but leads to this host. */
static void prepare_outside(int outside)
{
    char command[1024];
    shell("ip -6 addr add 2001:db8::1/64 dev up0 nodad");
    snprintf(command, sizeof(command),
             "nsenter --net=/proc/%d/fd/%d sh -ec '"
             "ip -6 addr add 2001:db8::2/64 dev out0 nodad;"
             "ip addr flush dev lo;"
             "echo 1 > /proc/sys/net/ipv4/conf/out0/route_localnet;"
             "ip route del local 127.0.0.0/8 table local 2>/dev/null || :;"
             "ip route add 127.0.0.0/8 via 203.0.113.1 src 203.0.113.2;"
             "ip route add 10.0.0.0/8 via 203.0.113.1;"
             "ip -6 route add fd00::/8 via 2001:db8::1'",
             (int)getpid(), outside);
    shell(command);
}

static pid_t serve_outside(int outside)
{
    pid_t pid = fork();
    char ns[64];
    cr_assert_geq(pid, 0);
    if (pid)
        return pid;
    snprintf(ns, sizeof(ns), "--net=/proc/%d/fd/%d", (int)getppid(), outside);
    execl("/usr/bin/nsenter", "nsenter", ns, MTD_TALK, "serve", "80", NULL);
    _exit(99);
}

static void make_networks(void)
{
    free(ASK(&s, "network", "create", "-o", "name=br-front", "--subnet", "10.77.0.0/24",
             "--subnet", "fd00:77::/64", "front"));
    free(ASK(&s, "network", "create", "-o", "name=br-back", "--subnet", "10.78.0.0/24",
             "--subnet", "fd00:78::/64", "back"));
    free(ASK(&s, "network", "create", "--internal", "-o", "name=br-in", "--subnet",
             "10.79.0.0/24", "--subnet", "fd00:79::/64", "in"));
    free(ASK(&s, "network", "create", "-o", "icc=false", "-o", "name=br-apart",
             "--subnet", "10.80.0.0/24", "--subnet", "fd00:80::/64", "apart"));
}

static void start_containers(void)
{
    for (size_t i = WEB; i < ARRAY_SIZE(CONTAINERS); i++) {
        const char *args[48] = {"run",       "-d",
                                "--name",    CONTAINERS[i].name,
                                "--network", CONTAINERS[i].network,
                                "--ip",      CONTAINERS[i].address4,
                                "--ip6",     CONTAINERS[i].address6,
                                "-v",        MTD_TALK ":/talk:ro"};
        size_t n = 12;
        for (size_t k = 0;
             k < ARRAY_SIZE(CONTAINERS[i].publish) && CONTAINERS[i].publish[k]; k++) {
            args[n++] = "-p";
            args[n++] = CONTAINERS[i].publish[k];
        }
        args[n++] = "busybox";
        args[n++] = "/talk";
        args[n++] = "serve";
        args[n++] = "80";
        free(state_ask(&s, args));
    }
}

static bool has_bridged(void)
{
    if (access(BRIDGED "tables", F_OK) == 0)
        return true;
    fprintf(stderr, "[SKIP] no br_netfilter in this kernel: half of the table\n");
    return false;
}

static void set_bridged(bool on)
{
    shell(on ? "echo 1 > " BRIDGED "tables; echo 1 > " BRIDGED "6tables"
             : "echo 0 > " BRIDGED "tables; echo 0 > " BRIDGED "6tables");
}

/* ---- asking ---- */

static char expected_of(const struct row *r, enum beside beside, bool bridged, bool udp)
{
    char e = r->expected[beside];
    if (e == STREAMS)
        return udp ? NO : YES;
    return e == UNBRIDGED ? (bridged ? NO : YES) : e;
}

/* talk waits for what is to come, and only a moment for what is not. */
static char sign_of(char expected, bool udp)
{
    return expected == YES ? '+' : expected == REFUSED && !udp ? '!' : '-';
}

static FILE *begin_asking(const char *ns, enum caller from, enum beside beside,
                          bool bridged)
{
    auto_done(buf_done) struct buf b = {0};
    buf_printf(&b, "nsenter --net=%s %s ask", ns, MTD_TALK);
    for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++) {
        const char *to[] = {ROWS[i].to4, ROWS[i].to6};
        for (int k = 0; k < 4 && ROWS[i].from == from; k++) {
            char e = expected_of(&ROWS[i], beside, bridged, k % 2);
            if (to[k / 2])
                buf_printf(&b, " %c%s,%s,%d", sign_of(e, k % 2), k % 2 ? "udp" : "tcp",
                           to[k / 2], ROWS[i].port);
        }
    }
    FILE *p = popen(b.data, "re");
    cr_assert(p);
    return p;
}

static void expect_answer(FILE *p, const struct row *r, char e, bool six, bool udp,
                          const char *where)
{
    char spec[128], got[128], answer[64] = "";
    const char *to = six ? r->to6 : r->to4, *source = six ? r->source6 : r->source4;
    snprintf(spec, sizeof(spec), "%c%s,%s,%d", sign_of(e, udp), udp ? "udp" : "tcp", to,
             r->port);
    if (fscanf(p, "%127s %63s", got, answer) != 2 || strcmp(got, spec) != 0)
        cr_assert_fail("%s: no word about %s", where, spec);
    bool refused = strcmp(answer, "refused") == 0;
    bool reached = strcmp(answer, "-") != 0 && !refused;
    const char *name =
        r->from < WEB ? (r->from == HOST ? "host" : "outside") : CONTAINERS[r->from].name;
    cr_expect_eq(reached, e == YES, "%s: from %s %s (%s): %s", where, name, spec + 1,
                 r->about, answer);
    if (e == REFUSED && !udp)
        cr_expect(refused, "%s: from %s %s (%s): nothing, not a refusal", where, name,
                  spec + 1, r->about);
    if (reached && e == YES && source)
        cr_expect_str_eq(answer, source, "%s: from %s %s (%s): seen as %s", where, name,
                         spec + 1, r->about, answer);
}

static void check_all(char namespaces[][64], enum beside beside, bool bridged,
                      const char *name)
{
    char where[80];
    FILE *asking[CALLERS];
    snprintf(where, sizeof(where), "%s, br_netfilter %s", name, bridged ? "on" : "off");
    for (size_t c = 0; c < CALLERS; c++)
        asking[c] = begin_asking(namespaces[c], c, beside, bridged);
    for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++)
        for (int k = 0; k < 4; k++)
            if (k < 2 ? ROWS[i].to4 : ROWS[i].to6)
                expect_answer(asking[ROWS[i].from], &ROWS[i],
                              expected_of(&ROWS[i], beside, bridged, k % 2), k >= 2,
                              k % 2, where);
    for (size_t c = 0; c < CALLERS; c++)
        pclose(asking[c]);
}

/* ---- what stands beside ---- */

static void become_router_again(void)
{
    shell("echo 0 > /proc/sys/net/ipv4/ip_forward;"
          "echo 0 > /proc/sys/net/ipv6/conf/all/forwarding");
    free(ASK(&s, "run", "--rm", "--network", "front", "busybox", "true"));
}

static void drop_foreign(void)
{
    shell("nft 'add table inet other; add chain inet other f "
          "{ type filter hook forward priority 0; policy drop; }'");
}

static void load_docker(void)
{
    shell("nft delete table inet other; nft -f " MTD_TESTS_DIR "/support/docker.nft");
}

static void mend_docker(void)
{
    shell(
        "for f in ip ip6; do for c in iifname oifname; do for n in front back in apart; do "
        "nft insert rule $f filter DOCKER-USER $c br-$n accept; done; done; done");
}

static const struct {
    const char *name;
    void (*make)(void);
} BESIDE[BESIDES] = {
    [NOTHING] = {"alone", NULL},
    [ROUTER_OFF] = {"ip_forward was turned off", become_router_again},
    [DROPS] = {"beside a policy of drop", drop_foreign},
    [DOCKER] = {"beside docker's rules", load_docker},
    [DOCKER_MENDED] = {"beside docker's, mended in DOCKER-USER", mend_docker},
};

static void name_namespaces(char ret[][64], int outside)
{
    snprintf(ret[HOST], 64, "/proc/%d/ns/net", (int)getpid());
    snprintf(ret[OUTSIDE], 64, "/proc/%d/fd/%d", (int)getpid(), outside);
    for (size_t i = WEB; i < CALLERS; i++) {
        auto_free char *pid =
            ASK(&s, "inspect", "-f", "{{.State.Pid}}", CONTAINERS[i].name);
        snprintf(ret[i], 64, "/proc/%s/ns/net", pid);
    }
}

Test(matrix, who_reaches_whom)
{
    char namespaces[CALLERS][64];
    if (access("/proc/net/if_inet6", F_OK) < 0)
        cr_skip("this kernel has no IPv6");
    int outside = net_outside();
    prepare_outside(outside);
    make_networks();
    start_containers();
    name_namespaces(namespaces, outside);
    pid_t server = serve_outside(outside);
    bool bridged = has_bridged();
    for (enum beside b = 0; b < BESIDES; b++) {
        if (BESIDE[b].make)
            BESIDE[b].make();
        for (int on = 0; on < 1 + bridged; on++) {
            if (bridged)
                set_bridged(on);
            check_all(namespaces, b, on, BESIDE[b].name);
        }
    }
    kill(server, SIGKILL);
    state_reap(server);
    for (size_t i = WEB; i < ARRAY_SIZE(CONTAINERS); i++)
        free(ASK(&s, "rm", "-f", CONTAINERS[i].name));
    cr_expect_str_empty(net_left(&s));
    cr_expect_str_empty(state_leftovers(&s, false));
}
