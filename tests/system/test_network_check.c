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

/* What is made, what is said, and that what is said ends it. */
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

Test(network_check, a_firewall_in_the_way_is_told_with_what_ends_it)
{
    int outside = net_outside();
#define PING(seconds)                                                                 \
    (const char *const[]){"run", "--rm", "--network", "net",   "busybox",     "ping", \
                          "-c",  "1",    "-W",        seconds, "203.0.113.2", NULL}
    (void)outside;
    for (size_t i = 0; i < ARRAY_SIZE(FIREWALLS); i++) {
        sh(FIREWALLS[i].rules);
        auto_free char *said = warnings_of_a_run();
        cr_expect(strstr(said, "warning: network net: the rules of table "), "%s", said);
        cr_expect(strstr(said, FIREWALLS[i].told), "%s", said);
        struct outcome o = state_run_input(&s, NULL, 0, PING("1"));
        cr_expect_neq(o.status, 0, "it is not in the way: %s", FIREWALLS[i].rules);
        outcome_done(&o);
        char *command = strstr(said, "to let it through: ");
        cr_assert_not_null(command);
        command[strcspn(command, "\n")] = '\0';
        sh(command + strlen("to let it through: "));
        auto_free char *quiet = warnings_of_a_run();
        cr_expect_str_empty(quiet, "%s", quiet);
        o = state_run_input(&s, NULL, 0, PING("20"));
        cr_expect_eq(o.status, 0, "what was said does not help: %s", command);
        outcome_done(&o);
        sh("nft delete table ip filter 2>/dev/null || nft delete table inet mine 2>/dev/null "
           "|| nft delete table inet last");
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
