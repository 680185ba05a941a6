/* Networks: what is on each, and how much goes through. The records are read when something
 * changed, the traffic with the timer of figures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ui/catalog/internal.h"
#include "ui/draw/format.h"

enum {
    NETWORK_NAME,
    NETWORK_DRIVER,
    NETWORK_SUBNET,
    NETWORK_GATEWAY,
    NETWORK_CONTAINERS,
    NETWORK_RATE,
    NETWORK_MORE,
    NETWORK_AGE
};

static const struct catalog_column COLUMNS[] = {
    [NETWORK_NAME] = {"NAME", 0},
    [NETWORK_DRIVER] = {"DRIVER", 7, .need = 90},
    [NETWORK_SUBNET] = {"SUBNET", 18, .need = 44},
    [NETWORK_GATEWAY] = {"GATEWAY", 15, .need = 100},
    [NETWORK_CONTAINERS] = {"CONTAINERS", 10, true, true, 56},
    [NETWORK_RATE] = {"IN/OUT A SECOND", 15, true, true, 30},
    [NETWORK_MORE] = {"", 22, .need = 120},
    [NETWORK_AGE] = {"AGE", 5, true, true, 72},
};

/* How many, and what they receive and send together; a network without any is silent. */
static size_t sum_up(const struct catalog *c, const char *network, double *in,
                     double *out)
{
    const struct networks *n = c->extra;
    const struct mtd_list *l = &c->view.around->model->list;
    size_t count = 0;
    bool unknown = false;
    *in = *out = 0;
    for (size_t i = 0; i < l->len; i++) {
        const struct mtd_summary *s = &l->items[i];
        if (!strv_contains(&s->networks, network))
            continue;
        const struct flow *f = traffic_find(&n->traffic, s->id, network);
        count++;
        unknown |= mtd_state_is_live(s->state) && !f;
        unknown |= f && (f->in < 0 || f->out < 0);
        *in += f ? f->in : 0;
        *out += f ? f->out : 0;
    }
    if (unknown)
        *in = *out = -1;
    return count;
}

static void add_row(struct catalog *c, const struct mtd_net *n)
{
    const struct surroundings *around = c->view.around;
    struct catalog_row *r = catalog_table_add(&c->table, n->name);
    char text[FORMAT_MAX];
    double in, out;
    if (!r)
        return;
    size_t count = sum_up(c, n->name, &in, &out);
    int64_t age = around->now(around->app) - n->created_at;
    catalog_table_set(r, NETWORK_NAME, n->name, 0);
    catalog_table_set(r, NETWORK_DRIVER, mtd_net_driver_word(n->driver), 0);
    catalog_table_set(r, NETWORK_SUBNET, n->subnet ? n->subnet : "", 0);
    catalog_table_set(r, NETWORK_GATEWAY, n->gateway ? n->gateway : "", 0);
    snprintf(text, sizeof(text), "%zu", count);
    catalog_table_set(r, NETWORK_CONTAINERS, count ? text : "", count);
    networks_set_rate(r, NETWORK_RATE, in, out);
    snprintf(text, sizeof(text), "%s%s%s%s", n->internal ? "internal " : "",
             n->isolated ? "isolated " : "", n->subnet6 ? "ipv6 " : "",
             n->parent && !n->owns_parent ? n->parent : "");
    catalog_table_set(r, NETWORK_MORE, text, 0);
    catalog_table_set(r, NETWORK_AGE, n->created_at ? format_age(age, text) : "",
                      age > 0 ? (uint64_t)age : 0);
    r->used = count > 0;
}

static void make_rows(struct catalog *c)
{
    const struct networks *n = c->extra;
    catalog_table_begin(&c->table);
    for (size_t i = 0; i < n->list.len; i++)
        add_row(c, &n->list.items[i]);
    catalog_table_end(&c->table);
}

static int networks_load(struct catalog *c, struct mtd_error *err)
{
    struct networks *n = c->extra;
    struct mtd_net_list list = {0};
    int rc = mtd_network_list(c->view.around->engine, &list, err);
    if (rc < 0)
        return rc;
    mtd_net_list_done(&n->list);
    n->list = list;
    make_rows(c);
    return 0;
}

static void networks_describe(const struct catalog *c, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < c->table.len; i++)
        used += c->table.rows[i].used;
    snprintf(out, size, "%zu network%s, %zu unused", c->table.n_shown,
             c->table.n_shown == 1 ? "" : "s", c->table.len - used);
}

/* ---- what is asked ------------------------------------------------------------------ */

static void list_users(const struct catalog *c, const char *network, struct buf *out)
{
    const struct mtd_list *l = &c->view.around->model->list;
    for (size_t i = 0; i < l->len; i++)
        if (strv_contains(&l->items[i].networks, network))
            buf_printf(out, "%s%s", out->len ? " " : "",
                       l->items[i].name ? l->items[i].name : l->items[i].id);
}

static void remove_networks(struct catalog *c)
{
    struct catalog_row *rows[64];
    auto_done(buf_done) struct buf text = {0}, users = {0};
    size_t n = catalog_table_targets(&c->table, rows, ARRAY_SIZE(rows));
    char title[64];
    for (size_t i = 0; i < n; i++) {
        if (rows[i]->used) {
            list_users(c, rows[i]->key, &users);
            surroundings_say(c->view.around, SAY_WARNING,
                             "network %.80s is in use by %.200s: disconnect or remove "
                             "them first",
                             rows[i]->key, users.data ? users.data : "a container");
            return;
        }
        buf_printf(&text, "%s  %s\n", rows[i]->key, rows[i]->text[NETWORK_SUBNET]);
    }
    snprintf(title, sizeof(title), "remove %zu network%s?", n, n == 1 ? "" : "s");
    if (n > 0 && text.data)
        catalog_confirm(c, &(struct catalog_question){
                               .title = title,
                               .text = text.data,
                               .yes_label = "remove",
                               .yes = (const char *const[]){"network", "rm", NULL},
                               .with_targets = true});
}

static void prune_networks(struct catalog *c)
{
    auto_done(buf_done) struct buf text = {0};
    for (size_t i = 0; i < c->table.len; i++) {
        const struct catalog_row *r = &c->table.rows[i];
        if (!r->used && strcmp(r->key, MTD_NET_DEFAULT) != 0)
            buf_printf(&text, "%s  frees %s\n", r->key, r->text[NETWORK_SUBNET]);
    }
    if (!text.len)
        surroundings_say(c->view.around, SAY_INFO,
                         "nothing to prune: every network has containers");
    else
        catalog_confirm(
            c, &(struct catalog_question){
                   .title = "prune networks that no container is on?",
                   .text = text.data,
                   .yes_label = "prune",
                   .yes = (const char *const[]){"network", "prune", "-f", NULL}});
}

static void open_members(struct catalog *c, const struct catalog_row *r)
{
    struct networks *n = c->extra;
    if (!r)
        return;
    snprintf(n->at, sizeof(n->at), "%s", r->key);
    snprintf(n->filter, sizeof(n->filter), "%s", c->table.filter);
    catalog_become(c, &MEMBERS, "");
}

/* The cursor goes to it, but not in the list of who is on another one. */
static void created(void *arg, int status, const char *output)
{
    struct catalog *c = arg;
    const struct networks *n = c->extra;
    (void)output;
    if (status == 0 && c->kind == n->lists)
        snprintf(c->table.at, sizeof(c->table.at), "%s", n->made);
    catalog_reload(c);
}

static bool networks_command(struct catalog *c, enum command cmd)
{
    const struct catalog_row *r = catalog_table_selected(&c->table);
    switch (cmd) {
    case CMD_RUN: form_run_on(c->view.around, c->draft, r ? r->key : NULL); return true;
    case CMD_OPEN: open_members(c, r); return true;
    case CMD_INSPECT:
        catalog_show(c, "inspect", (const char *const[]){"network", "inspect", NULL});
        return true;
    case CMD_CREATE:
        network_form(c->view.around, created, c, ((struct networks *)c->extra)->made);
        return true;
    case CMD_CONNECT:
        if (r)
            networks_connect(c, r->key);
        return true;
    case CMD_DISCONNECT:
        if (r)
            networks_disconnect(c, r->key);
        return true;
    case CMD_REMOVE: remove_networks(c); return true;
    case CMD_PRUNE: prune_networks(c); return true;
    default: return false;
    }
}

static const struct catalog_kind NETWORKS = {
    .ops = {.title = "Networks",
            .context = CONTEXT_NETWORKS,
            .show = networks_view_show,
            .update = catalog_view_update,
            .sample = networks_view_sample,
            .watch = catalog_view_watch,
            .draw = catalog_view_draw,
            .key = catalog_view_key,
            .free = catalog_view_free},
    .columns = COLUMNS,
    .n_columns = ARRAY_SIZE(COLUMNS),
    .sort_size = NETWORK_RATE,
    .sort_age = NETWORK_AGE,
    .empty = "no networks yet",
    .one = "network",
    .many = "networks",
    .load = networks_load,
    .command = networks_command,
    .describe = networks_describe,
    .figures = make_rows,
    .free_extra = networks_free_extra,
    .watched = "networks",
};

struct view *networks_view_new(const struct surroundings *around, struct run_draft *draft)
{
    struct view *v = catalog_new(&NETWORKS, around, draft);
    struct catalog *c = (struct catalog *)v;
    struct networks *n = c ? calloc(1, sizeof(*n)) : NULL;
    if (c && !n) {
        view_free(v);
        return NULL;
    }
    if (n)
        n->lists = &NETWORKS;
    if (c)
        c->extra = n;
    return v;
}
