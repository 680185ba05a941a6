/* What the lists of networks and of who is on one have in common: traffic, and how a container
 * comes on a network and leaves it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/catalog/internal.h"
#include "ui/draw/format.h"

void networks_set_rate(struct catalog_row *r, size_t column, double in, double out)
{
    char text[FORMAT_MAX * 2 + 2], a[FORMAT_MAX], b[FORMAT_MAX];
    bool known = in >= 0 && out >= 0;
    snprintf(text, sizeof(text), "%s/%s", format_size((uint64_t)(known ? in : 0), a),
             format_size((uint64_t)(known ? out : 0), b));
    if (known && in + out < 1)
        snprintf(text, sizeof(text), "0");
    catalog_table_set(r, column, known ? text : "-", known ? (uint64_t)(in + out) : 0);
}

void networks_view_sample(struct view *v)
{
    struct catalog *c = (struct catalog *)v;
    struct networks *n = c->extra;
    traffic_read(&n->traffic, &v->around->model->list, c->kind == n->lists ? NULL : n->at,
                 mtd_network_traffic);
    c->kind->figures(c);
    v->around->changed(v->around->app);
}

/* Who comes back sees the networks. */
void networks_view_show(struct view *v, bool visible)
{
    struct catalog *c = (struct catalog *)v;
    const struct networks *n = c->extra;
    if (!visible && n && c->kind != n->lists)
        catalog_become(c, n->lists, n->at);
    catalog_view_show(v, visible);
}

void networks_free_extra(void *extra)
{
    struct networks *n = extra;
    if (!n)
        return;
    mtd_net_list_done(&n->list);
    traffic_done(&n->traffic);
    strv_done(&n->offered);
    free(n);
}

/* ---- coming and leaving --------------------------------------------------------------- */

static void offer(struct catalog *c, const char *network, bool on, struct strv *labels)
{
    struct networks *n = c->extra;
    const struct mtd_list *l = &c->view.around->model->list;
    strv_done(&n->offered);
    for (size_t i = 0; i < l->len; i++) {
        const struct mtd_summary *s = &l->items[i];
        auto_done(buf_done) struct buf label = {0};
        if (s->network != MTD_NET_BRIDGE || s->state == MTD_STATE_BROKEN ||
            strv_contains(&s->networks, network) != on)
            continue;
        buf_printf(&label, "%s\t%s", s->name ? s->name : s->id, mtd_state_name(s->state));
        if (label.data && strv_add(labels, label.data) == 0)
            strv_add(&n->offered, s->id);
    }
}

/* The network is the one that was selected when it was asked: n->at holds it meanwhile. */
static void remember(struct catalog *c, const char *network)
{
    struct networks *n = c->extra;
    if (network != n->at)
        snprintf(n->at, sizeof(n->at), "%s", network);
}

static void connect_chosen(void *arg, size_t index)
{
    struct catalog *c = arg;
    const struct networks *n = c->extra;
    if (index < n->offered.len)
        catalog_run(c,
                    (const char *const[]){"network", "connect", n->at,
                                          n->offered.items[index], NULL},
                    false);
}

void networks_connect(struct catalog *c, const char *network)
{
    const struct surroundings *around = c->view.around;
    auto_done(strv_done) struct strv labels = {0};
    char title[128];
    remember(c, network);
    offer(c, network, false, &labels);
    snprintf(title, sizeof(title), "connect to %.80s", network);
    if (labels.len)
        around->choose(around->app, title, &labels, connect_chosen, c);
    else
        surroundings_say(around, SAY_INFO,
                         "there is no other container that could be on %.80s", network);
}

static const char *name_of(const struct catalog *c, const char *id)
{
    const struct row *r = model_find(c->view.around->model, id);
    return r && r->s->name ? r->s->name : id;
}

void networks_confirm_disconnect(struct catalog *c, const char *network, const char *id)
{
    char title[200];
    snprintf(title, sizeof(title), "disconnect %.80s from %.80s?", name_of(c, id),
             network);
    catalog_confirm(
        c, &(struct catalog_question){
               .title = title,
               .text = "Its connections by this network break, and the ports "
                       "that it publishes there.\n",
               .yes_label = "disconnect",
               .yes = (const char *const[]){"network", "disconnect", network, id, NULL}});
}

static void disconnect_chosen(void *arg, size_t index)
{
    struct catalog *c = arg;
    const struct networks *n = c->extra;
    if (index < n->offered.len)
        networks_confirm_disconnect(c, n->at, n->offered.items[index]);
}

void networks_disconnect(struct catalog *c, const char *network)
{
    const struct surroundings *around = c->view.around;
    auto_done(strv_done) struct strv labels = {0};
    char title[128];
    remember(c, network);
    offer(c, network, true, &labels);
    snprintf(title, sizeof(title), "disconnect from %.80s", network);
    if (labels.len > 1)
        around->choose(around->app, title, &labels, disconnect_chosen, c);
    else if (labels.len == 1)
        disconnect_chosen(c, 0);
    else
        surroundings_say(around, SAY_INFO, "no container is on %.80s", network);
}
