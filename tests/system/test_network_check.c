/* Rules and interfaces that other programs change: what is told, what `system check` and `network reload`
 * mend. In a host of the test's own; needs root, nft, ip. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/fields.h"
#include "../support/netbox.h"
#include "base/cleanup.h"

static struct state s;

/* Its bridge has a name that does not depend on where the state is. */
static void make_network(void)
{
    free(ASK(&s, "network", "create", "-o", "name=mtd0", "--subnet", "172.17.0.0/16",
             "net"));
}

static void set_up(void)
{
    net_state_make(&s);
    make_network();
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(network_check, .init = set_up, .fini = tear_down, .timeout = 90);

static void sh(const char *command)
{
    cr_assert_eq(system(command), 0, "%s", command);
}

static void start_server(void)
{
    free(ASK(&s, "run", "-d", "--name", "web", "--network", "net", "-p", "8080:80",
             "busybox", "nc", "-ll", "-p", "80", "-e", "echo", "hello"));
}

static bool answers(void *arg)
{
    (void)arg;
    return net_get(-1, "127.0.0.1", 8080) != NULL;
}

static char *warnings_of_a_run(void)
{
    struct outcome o = RUN(&s, "run", "--rm", "--network", "net", "busybox", "true");
    cr_expect_eq(o.status, 0, "%s", o.err);
    char *said = o.err;
    o.err = NULL;
    outcome_done(&o);
    return said;
}

static const struct {
    const char *rules, *told;
} FIREWALLS[] = {
    {"nft 'table ip filter { chain FORWARD { type filter hook forward priority 0; policy "
     "drop; }; chain DOCKER-USER { }; }; add rule ip filter FORWARD jump DOCKER-USER'",
     "insert rule ip filter DOCKER-USER iifname mtd0 accept"},
    {"nft 'table inet mine { chain mid { type filter hook forward priority 0; policy drop; "
     "}; }'",
     "insert rule inet mine mid oifname mtd0 accept"},
    {"nft 'table inet last { chain mid { type filter hook forward priority 0; policy "
     "accept; }; }; add rule inet last mid tcp dport 22 accept; "
     "add rule inet last mid counter reject with icmpx admin-prohibited'",
     "insert rule inet last mid iifname mtd0 accept"},
};

static bool reaches_outside(const char *seconds)
{
    struct outcome o = RUN(&s, "run", "--rm", "--network", "net", "busybox", "ping", "-c",
                           "1", "-W", seconds, "203.0.113.2");
    bool reached = o.status == 0;
    outcome_done(&o);
    return reached;
}

/* What is made, what is said, and that what is said ends it. */
static void expect_told(const char *rules, const char *told)
{
    sh(rules);
    auto_free char *said = warnings_of_a_run();
    cr_expect(strstr(said, "warning: network net: the rules of "), "%s", said);
    cr_expect(strstr(said, told), "%s", said);
    cr_expect(!reaches_outside("1"), "it is not in the way: %s", rules);
    char *command = strstr(said, "to let it through: ");
    cr_assert_not_null(command, "%s", said);
    command[strcspn(command, "\n")] = '\0';
    sh(command + strlen("to let it through: "));
    auto_free char *quiet = warnings_of_a_run();
    cr_expect_str_empty(quiet, "%s", quiet);
    cr_expect(reaches_outside("20"), "what was said does not help: %s", command);
}

Test(network_check, a_firewall_in_the_way_is_told_with_what_ends_it)
{
    (void)net_outside();
    for (size_t i = 0; i < ARRAY_SIZE(FIREWALLS); i++) {
        expect_told(FIREWALLS[i].rules, FIREWALLS[i].told);
        sh("nft delete table ip filter 2>/dev/null || nft delete table inet mine 2>/dev/null "
           "|| nft delete table inet last");
    }
}

static const struct {
    const char *rules, *told;
} LEGACY[] = {
    {"iptables-legacy -P FORWARD DROP", "iptables-legacy -I FORWARD -i mtd0 -j ACCEPT"},
    {"iptables-legacy -A FORWARD -p tcp --dport 22 -j ACCEPT;"
     "iptables-legacy -A FORWARD -i mtd1 -j ACCEPT;"
     "iptables-legacy -A FORWARD -o mtd1 -j ACCEPT;"
     "iptables-legacy -A FORWARD ! -o mtd0 -p icmp -m comment --comment x -j RETURN;"
     "iptables-legacy -A FORWARD -j REJECT",
     "iptables-legacy -I FORWARD -o mtd0 -j ACCEPT"},
    {"iptables-legacy -N DOCKER-USER; iptables-legacy -A FORWARD -j DOCKER-USER;"
     "iptables-legacy -P FORWARD DROP",
     "iptables-legacy -I DOCKER-USER -i mtd0 -j ACCEPT"},
};
/* None of these is in the way. */
static const char *const OPEN[] = {
    "iptables-legacy -P INPUT DROP; iptables-legacy -A INPUT -i lo -j ACCEPT",
    "iptables-legacy -P FORWARD DROP; iptables-legacy -A FORWARD -j ACCEPT",
    "iptables-legacy -P FORWARD DROP; iptables-legacy -A FORWARD -i mtd+ -j ACCEPT;"
    "iptables-legacy -A FORWARD -o mtd+ -j ACCEPT",
};
#define LEGACY_RESET                                                           \
    "iptables-legacy -P FORWARD ACCEPT && iptables-legacy -P INPUT ACCEPT && " \
    "iptables-legacy -F && iptables-legacy -X"

/* nft shows nothing of these. */
Test(network_check, the_old_iptables_is_told_as_well)
{
    if (system("iptables-legacy -S FORWARD >/dev/null 2>&1") != 0)
        cr_skip("needs iptables-legacy, and a kernel that has its tables");
    (void)net_outside();
    for (size_t i = 0; i < ARRAY_SIZE(LEGACY); i++) {
        expect_told(LEGACY[i].rules, LEGACY[i].told);
        sh(LEGACY_RESET);
    }
    for (size_t i = 0; i < ARRAY_SIZE(OPEN); i++) {
        sh(OPEN[i]);
        auto_free char *quiet = warnings_of_a_run();
        cr_expect_str_empty(quiet, "%s: %s", OPEN[i], quiet);
        cr_expect(reaches_outside("20"), "%s", OPEN[i]);
        sh(LEGACY_RESET);
    }
}

/* As run does; of one that runs already there is nothing to be said. */
Test(network_check, a_start_says_what_a_run_says)
{
    sh(FIREWALLS[1].rules);
    free(ASK(&s, "create", "--name", "short", "--network", "net", "busybox", "true"));
    free(ASK(&s, "create", "--name", "long", "--network", "net", "busybox", "sleep",
             "1000"));
    static const struct {
        const char *words[4];
        bool told;
    } STARTS[] = {{{"start", "-a", "short"}, true},
                  {{"start", "short"}, true},
                  {{"start", "long"}, true},
                  {{"start", "long"}, false}};
    for (size_t i = 0; i < ARRAY_SIZE(STARTS); i++) {
        auto_done(outcome_done) struct outcome o =
            state_run_input(&s, NULL, 0, STARTS[i].words);
        cr_expect_eq(o.status, 0, "%s", o.err);
        bool told = strstr(o.err, "warning: network net: the rules of table inet mine");
        cr_expect_eq(told, STARTS[i].told, "%zu: %s", i, o.err);
        EXPECT_OUTPUT(&s, 0, "0\n", "wait", "short");
    }
}

Test(network_check, other_makers_are_told_in_their_way)
{
    sh("nft 'table inet firewalld { chain filter_FORWARD { type filter hook forward priority "
       "10; policy drop; }; }'");
    auto_free char *said = warnings_of_a_run();
    cr_expect(strstr(said,
                     "firewall-cmd --permanent --zone=trusted --add-interface=mtd0; "
                     "firewall-cmd --reload"),
              "%s", said);
    sh("nft 'delete table inet firewalld; table ip filter { chain FORWARD { type filter hook "
       "forward priority 0; policy drop; }; chain ufw-user-forward { }; }'");
    auto_free char *ufw = warnings_of_a_run();
    cr_expect(strstr(ufw, "ufw route allow in on mtd0; ufw route allow out on mtd0"),
              "%s", ufw);
    start_server();
    struct outcome o = RUN(&s, "system", "check");
    cr_expect_neq(o.status, 0);
    cr_expect(strstr(o.out, "ufw route allow in on mtd0"), "%s%s", o.out, o.err);
    outcome_done(&o);
    free(ASK(&s, "network", "create", "--internal", "in"));
    o = RUN(&s, "run", "--rm", "--network", "in", "busybox", "true");
    cr_expect_str_empty(o.err, "nothing of it is forwarded: %s", o.err);
    outcome_done(&o);
    sh("nft 'delete table ip filter; table ip filter { chain FORWARD { type filter hook "
       "forward priority 0; policy accept; }; }'");
    auto_free char *none = warnings_of_a_run();
    cr_expect_str_empty(none, "%s", none);
}

/* ---- what check finds, and mends ---- */

static const struct {
    const char *what, *command, *found;
} DAMAGES[] = {
    {"bridge gone", "ip link del mtd0", "bridge mtd0 of network net is gone"},
    {"bridge down", "ip link set mtd0 down",
     "bridge mtd0 of network net is gone, or down"},
    {"port", "nft flush map inet mytop-docker ports4",
     "its port 8080/tcp is not published"},
    {"set", "nft flush set inet mytop-docker bridges", "network net is not in the table"},
    {"address", "rm RUN/net/net/172.17.0.2", "its address 172.17.0.2 is not claimed"},
    {"interface", "nsenter --net=/proc/PID/ns/net ip link del eth0",
     "its interface on network net is gone"},
    {"detached",
     "for i in $(ip -o link | grep -o \"mtdv[0-9a-f]*\"); do ip link set $i nomaster; done",
     "its interface on network net is not connected to bridge mtd0"},
};

static void damage(const char *command)
{
    auto_free char *pid = ASK(&s, "inspect", "-f", "{{.State.Pid}}", "web");
    char whole[1024];
    snprintf(whole, sizeof(whole),
             "c=$(echo '%s' | sed \"s,RUN,%s/run,; s,PID,%s,\"); eval \"$c\"", command,
             s.dir.path, pid);
    sh(strchr(command, '\'') ? command : whole);
}

Test(network_check, what_was_damaged_is_found_and_mended)
{
    start_server();
    cr_expect(state_until(answers, NULL));
    EXPECT_OUTPUT(&s, 0, "", "system", "check");
    for (size_t i = 0; i < ARRAY_SIZE(DAMAGES); i++) {
        damage(DAMAGES[i].command);
        struct outcome o = RUN(&s, "system", "check");
        cr_expect(strstr(o.out, DAMAGES[i].found), "%s: %s%s", DAMAGES[i].what, o.out,
                  o.err);
        outcome_done(&o);
        o = RUN(&s, "system", "check", "--repair");
        cr_expect_eq(o.status, 0, "%s: %s%s", DAMAGES[i].what, o.out, o.err);
        outcome_done(&o);
        cr_expect(state_until(answers, NULL), "%s: not mended", DAMAGES[i].what);
        EXPECT_OUTPUT(&s, 0, "", "system", "check");
    }
    free(ASK(&s, "rm", "-f", "web"));
    cr_expect_str_empty(net_left(&s));
    cr_expect_str_empty(state_leftovers(&s, false));
}

Test(network_check, reload_makes_everything_anew)
{
    start_server();
    cr_expect(state_until(answers, NULL));
    sh("ip link del mtd0");
    sh("nft flush map inet mytop-docker ports4");
    cr_expect_null(net_get(-1, "127.0.0.1", 8080));
    free(ASK(&s, "network", "reload"));
    cr_expect(state_until(answers, NULL));
    free(ASK(&s, "rm", "-f", "web"));
    cr_expect_str_empty(net_left(&s));
}
