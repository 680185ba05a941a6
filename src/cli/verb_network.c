/* verb_network - network create, ls, rm, inspect, connect, disconnect. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "cli/each.h"
#include "cli/inspect.h"
#include "cli/network_create.h"
#include "cli/network_list.h"
#include "cli/print.h"
#include "cli/report.h"
#include "cli/spec_network.h"
#include "cli/table.h"
#include "cli/values.h"
#include "cli/verb.h"

static int fail(struct cli *c, int rc, struct mtd_error *err, const char *what)
{
    if (rc >= 0)
        return 0;
    mtd_fail_errno(err, -rc, "cannot %s", what);
    return report_error(c, STATUS_FAILED, err);
}

/* ---- create ---- */

static int run_create(struct cli *c, void *values, const struct operands *o)
{
    struct network_create_values *v = values;
    struct mtd_error err = {0};
    (void)o;
    int rc = mtd_network_create(c->engine, &v->net, &err);
    if (rc == 0)
        rc = print_line(v->net.id, &err);
    return fail(c, rc, &err, "create the network");
}

/* ---- rm ---- */

struct rm_values {
    bool force;
};

static const struct option_row RM_ROWS[] = {
    {"force", 'f', OPTION_FLAG, offsetof(struct rm_values, force), NULL, NULL,
     "Do not fail when a network is not there"},
    OPTION_END,
};

static int remove_one(struct cli *c, const char *name, const void *values,
                      struct mtd_error *err)
{
    const struct rm_values *v = values;
    int rc = mtd_network_remove(c->engine, name, err);
    if (rc == -ENOENT && v->force) /* said, but no failure, as docker */
        return report_error(c, 0, err);
    return rc < 0 ? rc : print_line(name, err);
}

static int run_rm(struct cli *c, void *values, const struct operands *o)
{
    return each_in_turn(c, o, values, remove_one, false);
}

/* ---- connect, disconnect ---- */

struct connect_values {
    const char *ip, *ip6, *mac, *gw_priority;
    struct option_list aliases, link_locals, driver_opts;
    struct mtd_join *join;
    size_t n_join;
};
#undef FIELD
#define FIELD(f) offsetof(struct connect_values, f)
static const struct option_row CONNECT_ROWS[] = {
    {"alias", 0, OPTION_LIST, FIELD(aliases), NULL, "NAME",
     "Another name by which the network finds it"},
    {"ip", 0, OPTION_TEXT, FIELD(ip), NULL, "IP", "Its IPv4 address in the network"},
    {"ip6", 0, OPTION_TEXT, FIELD(ip6), NULL, "IP", "Its IPv6 address in the network"},
    {"mac-address", 0, OPTION_TEXT, FIELD(mac), NULL, "MAC",
     "The hardware address of its interface"},
    {"link", 0, OPTION_REFUSE, 0, NULL, "NAME", "not supported; use --alias there"},
    {"link-local-ip", 0, OPTION_LIST, FIELD(link_locals), NULL, "IP",
     "A further address, of the link only: 169.254.0.0/16 or fe80::/10"},
    {"driver-opt", 0, OPTION_LIST, FIELD(driver_opts), NULL, "NAME=VALUE",
     "com.docker.network.endpoint.ifname=NAME, its interface's name inside"},
    {"gw-priority", 0, OPTION_TEXT, FIELD(gw_priority), NULL, "N",
     "The network with the greatest is the way out (default: 0)"},
    OPTION_END,
};

/* By the long form of --network, so that there is one set of rules. */
static int check_connect(void *values, const struct operands *o, struct mtd_error *err)
{
    struct connect_values *v = values;
    auto_done(buf_done) struct buf b = {0};
    const struct {
        const char *name, *value;
    } WORDS[] = {
        {"ip", v->ip}, {"ip6", v->ip6}, {"mac", v->mac}, {"gw-priority", v->gw_priority}};
    const struct {
        const char *name;
        const struct option_list *values;
    } LISTS[] = {{"alias", &v->aliases},
                 {"link-local-ip", &v->link_locals},
                 {"driver-opt", &v->driver_opts}};
    int rc = buf_printf(&b, "name=%s", o->items[0]);
    for (size_t i = 0; i < ARRAY_SIZE(WORDS) && rc == 0; i++)
        if (WORDS[i].value && *WORDS[i].value)
            rc = buf_printf(&b, ",%s=%s", WORDS[i].name, WORDS[i].value);
    for (size_t k = 0; k < ARRAY_SIZE(LISTS); k++)
        for (size_t i = 0; i < LISTS[k].values->len && rc == 0; i++)
            rc = buf_printf(&b, ",%s=%s", LISTS[k].name, LISTS[k].values->items[i]);
    if (rc < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    return network_parse_join(b.data, &v->join, &v->n_join, err);
}

static void done_connect(void *values)
{
    struct connect_values *v = values;
    mtd_joins_done(&v->join, &v->n_join);
}

static int run_connect(struct cli *c, void *values, const struct operands *o)
{
    struct connect_values *v = values;
    struct mtd_error err = {0};
    return fail(c, mtd_network_connect(c->engine, o->items[1], v->join, &err), &err,
                "connect");
}

static int run_disconnect(struct cli *c, void *values, const struct operands *o)
{
    struct mtd_error err = {0};
    (void)values;
    return fail(c, mtd_network_disconnect(c->engine, o->items[0], o->items[1], &err),
                &err, "disconnect");
}

/* ---- inspect ---- */

struct inspect_values {
    const char *format;
    bool verbose;
    struct format compiled;
};
#undef FIELD
#define FIELD(f) offsetof(struct inspect_values, f)
static const struct option_row INSPECT_ROWS[] = {
    {"format", 'f', OPTION_TEXT, FIELD(format), NULL, "FORMAT",
     "json, or a template such as '{{.Name}}'"},
    {"verbose", 'v', OPTION_IGNORE},
    OPTION_END,
};

static int check_inspect(void *values, const struct operands *o, struct mtd_error *err)
{
    struct inspect_values *v = values;
    (void)o;
    return format_compile(&v->compiled, v->format, NULL, NULL, err);
}

static void done_inspect(void *values)
{
    format_done(&((struct inspect_values *)values)->compiled);
}

static int run_inspect(struct cli *c, void *values, const struct operands *o)
{
    struct inspect_values *v = values;
    struct mtd_error err = {0};
    int rc = 0, status = 0;
    auto_done(buf_done) struct buf out = {0};
    json_t *list = json_array();
    for (size_t i = 0; i < o->len; i++) {
        json_t *one = NULL;
        struct mtd_error why = {0};
        if (inspect_network(c->engine, o->items[i], &one, &why) == 0)
            json_array_append_new(list, one);
        else
            status = report_error(c, STATUS_FAILED, &why);
    }
    if (v->compiled.kind == FORMAT_TEMPLATE) {
        for (size_t i = 0; i < json_array_size(list) && rc == 0; i++) {
            rc = format_json_row(&v->compiled, json_array_get(list, i), &out, &err);
            rc = rc == 0 ? buf_putc(&out, '\n') : rc;
        }
    } else {
        bool one_line = v->compiled.kind == FORMAT_JSON;
        auto_free char *text = json_dumps(list, one_line ? JSON_COMPACT : JSON_INDENT(4));
        rc = text ? buf_printf(&out, "%s\n", text) : -ENOMEM;
    }
    json_decref(list);
    if (rc == 0)
        rc = print_out(&out, &err);
    return rc < 0 ? fail(c, rc, &err, "print") : status;
}

/* ---- reload ---- */

static int run_reload(struct cli *c, void *values, const struct operands *o)
{
    struct mtd_error err = {0};
    (void)values, (void)o;
    return fail(c, mtd_network_reload(c->engine, &err), &err, "reload");
}

const struct verb VERBS_NETWORK[] = {
    {.name = "network create",
     .operands = "NETWORK",
     .summary = "Make a network",
     .group = GROUP_NETWORK,
     .flags = VERB_EXISTING,
     .options = {{NETWORK_CREATE_ROWS}},
     .values_size = sizeof(struct network_create_values),
     .min = 1,
     .max = 1,
     .init = network_create_init,
     .check = network_create_check,
     .run = run_create,
     .done = network_create_done},
    {.name = "network ls",
     .operands = "",
     .summary = "List networks",
     .group = GROUP_NETWORK,
     .flags = VERB_READ_ONLY,
     .options = {{NETWORK_LS_ROWS}},
     .values_size = sizeof(struct network_ls_values),
     .check = network_ls_check,
     .run = network_ls_run,
     .done = network_ls_done},
    {.name = "network reload",
     .operands = "",
     .summary = "Make rules, bridges and published ports anew",
     .group = GROUP_NETWORK,
     .flags = VERB_EXISTING,
     .run = run_reload},
    {.name = "network rm",
     .operands = "NETWORK [NETWORK...]",
     .summary = "Remove networks",
     .group = GROUP_NETWORK,
     .flags = VERB_EXISTING,
     .options = {{RM_ROWS}},
     .values_size = sizeof(struct rm_values),
     .min = 1,
     .max = VERB_MANY,
     .run = run_rm},
    {.name = "network inspect",
     .operands = "NETWORK [NETWORK...]",
     .summary = "Show everything about networks as JSON",
     .group = GROUP_NETWORK,
     .flags = VERB_READ_ONLY,
     .options = {{INSPECT_ROWS}},
     .values_size = sizeof(struct inspect_values),
     .min = 1,
     .max = VERB_MANY,
     .check = check_inspect,
     .run = run_inspect,
     .done = done_inspect},
    {.name = "network connect",
     .operands = "NETWORK CONTAINER",
     .summary = "Put a container on a further network, also while it runs",
     .group = GROUP_NETWORK,
     .flags = VERB_EXISTING,
     .options = {{CONNECT_ROWS}},
     .values_size = sizeof(struct connect_values),
     .min = 2,
     .max = 2,
     .check = check_connect,
     .run = run_connect,
     .done = done_connect},
    {.name = "network disconnect",
     .operands = "NETWORK CONTAINER",
     .summary = "Take a container off a network, also while it runs",
     .group = GROUP_NETWORK,
     .flags = VERB_EXISTING,
     .options = {{RM_ROWS}},
     .min = 2,
     .max = 2,
     .run = run_disconnect},
    VERB_END,
};
