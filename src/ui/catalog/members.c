/* Who is on one network: addresses, ports and what goes through. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/catalog/internal.h"
#include "ui/draw/format.h"

enum {
    MEMBER_NAME,
    MEMBER_ADDRESS,
    MEMBER_ADDRESS6,
    MEMBER_PORTS,
    MEMBER_RATE,
    MEMBER_TOTAL,
    MEMBER_STATUS,
    MEMBER_COUNT
};

static const struct catalog_column COLUMNS[MEMBER_COUNT] = {
    [MEMBER_NAME] = {"NAME", 0},
    [MEMBER_ADDRESS] = {"ADDRESS", 15, .need = 36},
    [MEMBER_ADDRESS6] = {"IPV6", 26, .need = 140},
    [MEMBER_PORTS] = {"PORTS", 18, .need = 70},
    [MEMBER_RATE] = {"IN/OUT A SECOND", 15, true, true, 50},
    [MEMBER_TOTAL] = {"IN/OUT", 11, true, true, 100},
    [MEMBER_STATUS] = {"STATUS", 16, .need = 110},
};

static const char *network_of(const struct catalog *c)
{
    return ((const struct networks *)c->extra)->at;
}

/* "web 10.1.0.2/16" of this network and family, without the length of the prefix. */
static void find_address(const struct mtd_summary *s, const char *network, bool six,
                         char out[64])
{
    size_t len = strlen(network);
    out[0] = '\0';
    for (size_t i = 0; i < s->addresses.len; i++) {
        const char *text = s->addresses.items[i];
        if (strncmp(text, network, len) == 0 && text[len] == ' ' &&
            (strchr(text + len, ':') != NULL) == six)
            snprintf(out, 64, "%.*s", (int)strcspn(text + len + 1, "/"), text + len + 1);
    }
}

static void set_figures(const struct catalog *c, struct catalog_row *r,
                        const struct mtd_summary *s)
{
    const struct networks *n = c->extra;
    const struct flow *f = traffic_find(&n->traffic, s->id, n->at);
    char text[FORMAT_MAX * 2 + 2], a[FORMAT_MAX], b[FORMAT_MAX];
    if (!mtd_state_is_live(s->state))
        return;
    networks_set_rate(r, MEMBER_RATE, f ? f->in : -1, f ? f->out : -1);
    if (!f)
        return;
    snprintf(text, sizeof(text), "%s/%s", format_size(f->last.rx, a),
             format_size(f->last.tx, b));
    catalog_table_set(r, MEMBER_TOTAL, text, f->last.rx + f->last.tx);
}

static void add_row(struct catalog *c, const struct mtd_summary *s)
{
    const struct surroundings *around = c->view.around;
    struct catalog_row *r = catalog_table_add(&c->table, s->id);
    auto_done(buf_done) struct buf ports = {0};
    char text[64], status[FORMAT_MAX];
    if (!r)
        return;
    catalog_table_set(r, MEMBER_NAME, s->name ? s->name : s->id, 0);
    find_address(s, network_of(c), false, text);
    catalog_table_set(r, MEMBER_ADDRESS, text, 0);
    find_address(s, network_of(c), true, text);
    catalog_table_set(r, MEMBER_ADDRESS6, text, 0);
    if (mtd_state_is_live(s->state))
        mtd_ports_short(&s->ports, &ports);
    catalog_table_set(r, MEMBER_PORTS, ports.data ? ports.data : "", 0);
    catalog_table_set(
        r, MEMBER_STATUS,
        format_status(s, around->now(around->app), COLUMNS[MEMBER_STATUS].width, status),
        0);
    set_figures(c, r, s);
    r->used = mtd_state_is_live(s->state);
}

static int members_load(struct catalog *c, struct mtd_error *err)
{
    const struct mtd_list *l = &c->view.around->model->list;
    (void)err;
    catalog_table_begin(&c->table);
    for (size_t i = 0; i < l->len; i++)
        if (strv_contains(&l->items[i].networks, network_of(c)))
            add_row(c, &l->items[i]);
    catalog_table_end(&c->table);
    return 0;
}

static void members_describe(const struct catalog *c, char *out, size_t size)
{
    size_t live = 0;
    for (size_t i = 0; i < c->table.len; i++)
        live += c->table.rows[i].used;
    snprintf(out, size, "%.60s: %zu container%s, %zu up", network_of(c), c->table.n_shown,
             c->table.n_shown == 1 ? "" : "s", live);
}

static void leave(struct catalog *c)
{
    const struct networks *n = c->extra;
    catalog_become(c, n->lists, n->at);
    (void)catalog_table_filter(&c->table, n->filter, NULL);
}

static bool members_command(struct catalog *c, enum command cmd)
{
    const struct catalog_row *r = catalog_table_selected(&c->table);
    const struct surroundings *around = c->view.around;
    switch (cmd) {
    case CMD_BACK:
    case CMD_QUIT: leave(c); return true;
    case CMD_RUN: form_run_on(around, c->draft, network_of(c)); return true;
    case CMD_OPEN:
        if (r)
            around->reveal(around->app, r->key);
        return true;
    case CMD_INSPECT:
        catalog_show(c, "inspect", (const char *const[]){"inspect", NULL});
        return true;
    case CMD_CONNECT: networks_connect(c, network_of(c)); return true;
    case CMD_DISCONNECT:
        if (r)
            networks_confirm_disconnect(c, network_of(c), r->key);
        return true;
    default: return false;
    }
}

const struct catalog_kind MEMBERS = {
    .ops = {.title = "Networks",
            .context = CONTEXT_MEMBERS,
            .show = networks_view_show,
            .update = catalog_view_update,
            .sample = networks_view_sample,
            .watch = catalog_view_watch,
            .draw = catalog_view_draw,
            .key = catalog_view_key,
            .free = catalog_view_free},
    .columns = COLUMNS,
    .n_columns = ARRAY_SIZE(COLUMNS),
    .sort_size = MEMBER_RATE,
    .sort_age = MEMBER_STATUS,
    .empty = "no container is on it",
    .one = "container",
    .many = "containers",
    .load = members_load,
    .command = members_command,
    .describe = members_describe,
    .figures = catalog_reload,
    .free_extra = networks_free_extra,
    .watched = "networks",
};
