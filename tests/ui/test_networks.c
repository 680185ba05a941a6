/* The screens of networks and of who is on one: what they show, the commands that their keys run,
 * and what the forms refuse. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ui/catalog/internal.h"
#include "ui/screen/jobs.h"
#include "uibox.h"

static void needs_root(void)
{
    if (geteuid() != 0)
        cr_skip("needs root");
}

TestSuite(networks, .init = needs_root);

static struct catalog *catalog_of(struct uibox *b)
{
    return (struct catalog *)b->ui.pages[PAGE_NETWORKS];
}

static struct mtd_summary *row_named(struct uibox *b, const char *name)
{
    for (size_t i = 0; i < b->ui.model.list.len; i++)
        if (strcmp(b->ui.model.list.items[i].name, name) == 0)
            return &b->ui.model.list.items[i];
    cr_assert(false, "%s", name);
    return NULL;
}

static void join(struct uibox *b, const char *name, const char *network,
                 const char *address)
{
    struct mtd_summary *s = row_named(b, name);
    char text[128];
    snprintf(text, sizeof(text), "%s %s", network, address);
    s->network = MTD_NET_BRIDGE;
    if (!strv_contains(&s->networks, network))
        strv_add(&s->networks, network);
    if (*address)
        strv_add(&s->addresses, text);
}

/* api talks most, db little, the others do not run. */
static int figures(const struct mtd_summary *s, const char *network,
                   struct mtd_traffic *ret)
{
    static int64_t now;
    now += NS_PER_SEC / 4;
    *ret = (struct mtd_traffic){.taken_at = now};
    if (strcmp(s->name, "api") == 0)
        ret->rx = (uint64_t)(now / 1000), ret->tx = (uint64_t)(now / 100000);
    else
        ret->rx = 512;
    return strcmp(network, "front") == 0 || strcmp(network, "back") == 0 ? 0 : -1;
}

/* front: api, db, job (ended); back: db; spare: nobody. bridge is always there; made, it is the same
 * on every machine. */
static void make(struct uibox *b, int rows, int cols)
{
    struct mtd_error err = {0};
    static const char *const NAMES[] = {"front", "back", "spare", MTD_NET_DEFAULT};
    static const char *const SUBNETS[] = {"10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/24",
                                          "10.9.0.0/16"};
    uibox_make(b, rows, cols, false);
    uibox_fill(b);
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++) {
        struct mtd_net n = {.name = strdup(NAMES[i]),
                            .subnet = strdup(SUBNETS[i]),
                            .subnet6 = i ? NULL : strdup("fd01::/64"),
                            .internal = i == 1};
        int rc = mtd_network_create(b->ui.around.engine, &n, &err);
        mtd_net_done(&n);
        if (rc == -EADDRINUSE)
            cr_skip("the host has a route there: %s", err.text);
        cr_assert_eq(rc, 0, "%s", err.text);
    }
    join(b, "api", "front", "10.1.0.2/16");
    join(b, "api", "front", "fd01::2/64");
    join(b, "db", "front", "10.1.0.3/16");
    join(b, "db", "back", "10.2.0.2/16");
    join(b, "job", "front", "");
    row_named(b, "done")->network = MTD_NET_BRIDGE;
    strv_add(&row_named(b, "api")->ports, "0.0.0.0:8080->80/tcp");
    uibox_keys(b, "v v v");
    struct networks *n = catalog_of(b)->extra;
    for (int i = 0; i < 2; i++)
        traffic_read(&n->traffic, &b->ui.model.list, NULL, figures);
    for (size_t i = 0; i < n->traffic.len; i++) {
        struct flow *f = &n->traffic.flows[i];
        cr_assert(f->in >= 0, "the second reading gives rates");
        if (strcmp(f->network, "front") == 0 && f->in > 0)
            f->in = 1258291, f->out = 90112;
    }
    uibox_keys(b, "v v v v"); /* away and back: the rows are made anew */
    b->started[0] = '\0';
}

static void expect_started(struct uibox *b, const char *line)
{
    char want[512];
    snprintf(want, sizeof(want), "mytop-docker --batch %s\n", line);
    cr_expect_str_eq(b->started, want);
    b->started[0] = '\0';
}

Test(networks, at_every_size)
{
    static const int SIZES[][2] = {{24, 80}, {40, 120}, {60, 200}, {12, 40}, {1, 1}};
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        struct uibox b;
        char name[64];
        make(&b, SIZES[i][0], SIZES[i][1]);
        snprintf(name, sizeof(name), "networks-%dx%d", SIZES[i][1], SIZES[i][0]);
        uibox_golden(&b, name);
        uibox_keys(&b, "j j Enter");
        snprintf(name, sizeof(name), "members-%dx%d", SIZES[i][1], SIZES[i][0]);
        uibox_golden(&b, name);
        uibox_done(&b);
    }
}

/* In, out, and which of them talks most. */
Test(networks, who_is_on_one)
{
    struct uibox b;
    make(&b, 24, 120);
    uibox_keys(&b, "j j Enter");
    cr_expect(uibox_shows(&b, "front: 3 containers, 2 up"), "%s", uibox_text(&b));
    cr_expect(uibox_shows(&b, "10.1.0.2"));
    cr_expect_not(uibox_shows(&b, "10.2.0.2"), "that is of another network");
    cr_expect(uibox_shows(&b, "*:8080->80"));
    uibox_keys(&b, "P g");
    cr_expect_str_eq(catalog_table_selected(&catalog_of(&b)->table)->text[0], "api");
    uibox_keys(&b, "d");
    cr_expect(uibox_shows(&b, "disconnect api from front?"), "%s", uibox_text(&b));
    uibox_keys(&b, "y");
    expect_started(&b, "network disconnect front @api");
    uibox_keys(&b, "i");
    cr_expect(uibox_shows(&b, "inspect api"), "%s", uibox_text(&b));
    uibox_keys(&b, "Esc Esc");
    cr_expect_str_eq(catalog_table_selected(&catalog_of(&b)->table)->key, "front");
    cr_expect(uibox_shows(&b, "4 networks, 2 unused"), "%s", uibox_text(&b));
    uibox_keys(&b, "Enter q Enter");
    cr_expect_not(b.quit);
    uibox_keys(&b, "Enter");
    cr_expect(b.ui.page == PAGE_CONTAINERS && model_selected(&b.ui.model));
    cr_expect_str_eq(model_selected(&b.ui.model)->s->name, "api");
    uibox_done(&b);
}

Test(networks, containers_come_and_go)
{
    struct uibox b;
    make(&b, 24, 80);
    uibox_keys(&b, "C"); /* back has db: api, job and done are left */
    cr_expect(uibox_shows(&b, "connect to back"), "%s", uibox_text(&b));
    uibox_keys(&b, "Enter");
    expect_started(&b, "network connect back @api");
    uibox_keys(&b, "D");
    cr_expect(uibox_shows(&b, "disconnect db from back?"), "%s", uibox_text(&b));
    uibox_keys(&b, "y");
    expect_started(&b, "network disconnect back @db");
    uibox_keys(&b, "j j D");
    cr_expect(uibox_shows(&b, "disconnect from front"), "%s", uibox_text(&b));
    uibox_keys(&b, "j Enter y");
    expect_started(&b, "network disconnect front @db");
    uibox_keys(&b, "j D");
    cr_expect(uibox_shows(&b, "no container is on spare"), "%s", uibox_text(&b));
    uibox_done(&b);
}

Test(networks, are_removed_and_pruned)
{
    struct uibox b;
    make(&b, 24, 80);
    uibox_keys(&b, "d");
    cr_expect(uibox_shows(&b, "network back is in use by db"), "%s", uibox_text(&b));
    cr_expect_null(b.ui.modal);
    uibox_keys(&b, "G d y");
    expect_started(&b, "network rm spare");
    uibox_keys(&b, "X");
    cr_expect(uibox_shows(&b, "spare  frees 10.3.0.0/24"), "%s", uibox_text(&b));
    cr_expect_not(uibox_shows(&b, "front  frees"));
    uibox_keys(&b, "y");
    expect_started(&b, "network prune -f");
    uibox_keys(&b, "i");
    cr_expect(uibox_shows(&b, "inspect spare"), "%s", uibox_text(&b));
    uibox_keys(&b, "Esc n");
    cr_expect(uibox_shows(&b, "--network   spare"), "%s", uibox_text(&b));
    uibox_done(&b);
}

/* The engine's own rules, while it is typed. */
Test(networks, the_form_refuses_what_create_would)
{
    struct uibox b;
    make(&b, 24, 80);
    uibox_keys(&b, "c");
    cr_expect(uibox_shows(&b, "the network needs a name"), "%s", uibox_text(&b));
    uibox_type(&b, "front");
    cr_expect(uibox_shows(&b, "front already exists"), "%s", uibox_text(&b));
    uibox_type(&b, "2");
    uibox_keys(&b, "Down");
    uibox_type(&b, "10.1.2.0/24");
    cr_expect(uibox_shows(&b, "overlaps with network front"), "%s", uibox_text(&b));
    uibox_keys(&b, "ctrl-u");
    uibox_type(&b, "10.1.2.1/16");
    cr_expect(uibox_shows(&b, "bits of hosts are set"), "%s", uibox_text(&b));
    uibox_keys(&b, "ctrl-u");
    uibox_type(&b, "10.4.0.0/24");
    uibox_keys(&b, "Down");
    uibox_type(&b, "10.5.0.1");
    cr_expect(uibox_shows(&b, "is not an address of the subnet"), "%s", uibox_text(&b));
    uibox_keys(&b, "ctrl-u");
    uibox_type(&b, "10.4.0.9");
    uibox_keys(&b, "Down Down Down Space Down Space Down Space");
    uibox_golden(&b, "network-form");
    uibox_keys(&b, "Enter");
    expect_started(&b, "network create --subnet 10.4.0.0/24 --gateway 10.4.0.9 --ipv6 "
                       "--internal --opt icc=false front2");
    uibox_done(&b);
}

static struct job *begun;

static int keep_job(void *app, struct job *j)
{
    (void)app;
    begun = j;
    return 0;
}

static void expect_at(struct uibox *b, const char *network)
{
    const struct catalog_row *r = catalog_table_selected(&catalog_of(b)->table);
    cr_expect(r && strcmp(r->key, network) == 0, "%s", uibox_text(b));
}

Test(networks, the_cursor_goes_to_the_one_that_was_created)
{
    struct uibox b;
    make(&b, 24, 80);
    struct platform p = *b.ui.platform;
    p.start = keep_job;
    b.ui.platform = &p;
    expect_at(&b, "back");
    uibox_keys(&b, "c");
    uibox_type(&b, "other");
    uibox_keys(&b, "Enter");
    cr_assert_not_null(begun);
    struct mtd_net n = {.name = strdup("other"), .subnet = strdup("10.7.0.0/24")};
    int rc = mtd_network_create(b.ui.around.engine, &n, NULL);
    mtd_net_done(&n);
    if (rc < 0)
        cr_skip("the host has a route there");
    begun->done(begun, 0);
    expect_at(&b, "other");
    uibox_done(&b);
}

Test(networks, a_filter_is_kept_while_members_are_looked_at)
{
    struct uibox b;
    make(&b, 24, 120);
    uibox_keys(&b, "/");
    uibox_type(&b, "front|spare");
    uibox_keys(&b, "Enter Enter");
    cr_expect(uibox_shows(&b, "front: 3 containers"), "%s", uibox_text(&b));
    uibox_keys(&b, "Esc");
    cr_expect(uibox_shows(&b, "filter front|spare"), "%s", uibox_text(&b));
    cr_expect_not(uibox_shows(&b, "10.2.0.0"), "%s", uibox_text(&b));
    expect_at(&b, "front");
    uibox_done(&b);
}

static int listen_somewhere(unsigned *ret_port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
    cr_assert(listen(fd, 1) == 0 && getsockname(fd, (struct sockaddr *)&a, &len) == 0);
    *ret_port = ntohs(a.sin_port);
    return fd;
}

Test(networks, the_run_form_checks_networks_and_ports)
{
    struct uibox b;
    unsigned port;
    char text[64];
    make(&b, 24, 80);
    uibox_keys(&b, "Esc n");
    uibox_type(&b, "busybox");
    uibox_keys(&b, "Down Down Down Down Down Down Down");
    uibox_type(&b, "fro");
    cr_expect(uibox_shows(&b, "there is no network fro"), "%s", uibox_text(&b));
    uibox_keys(&b, "Tab");
    cr_expect(uibox_shows(&b, "--network front"), "%s", uibox_text(&b));
    uibox_type(&b, " container:nobody");
    cr_expect(uibox_shows(&b, "there is no container nobody"), "%s", uibox_text(&b));
    uibox_keys(&b, "ctrl-u");
    uibox_type(&b, "front back");
    uibox_keys(&b, "Down");
    uibox_type(&b, "70000:80");
    cr_expect(uibox_shows(&b, "is not a port"), "%s", uibox_text(&b));
    uibox_keys(&b, "ctrl-u");
    int fd = listen_somewhere(&port);
    snprintf(text, sizeof(text), "127.0.0.1:%u:80", port);
    uibox_type(&b, text);
    cr_expect(uibox_shows(&b, "already in use by"), "%s", uibox_text(&b));
    close(fd);
    uibox_keys(&b, "ctrl-u");
    uibox_type(&b, ":80");
    cr_expect(uibox_shows(&b, "--network front --network back -p :80 busybox"), "%s",
              uibox_text(&b));
    uibox_keys(&b, "Up ctrl-u");
    uibox_type(&b, "host");
    cr_expect(uibox_shows(&b, "-p has no effect with --network host"), "%s",
              uibox_text(&b));
    uibox_done(&b);
}
