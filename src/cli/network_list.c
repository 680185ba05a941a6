/* Networks as a table. The modes none and host are no networks here, but docker lists them. */

#include "cli/network_list.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/labels.h"
#include "cli/report.h"

struct network_row {
    const struct mtd_net *net;
    bool no_trunc;
};

static const struct mtd_net *net_of(const void *row)
{
    return ((const struct network_row *)row)->net;
}

static int get_id(const void *row, struct buf *out)
{
    bool whole = ((const struct network_row *)row)->no_trunc;
    return buf_printf(out, "%.*s", whole ? MTD_ID_LEN : MTD_SHORT_ID_LEN,
                      net_of(row)->id);
}

static int get_name(const void *row, struct buf *out)
{
    return buf_puts(out, net_of(row)->name);
}

static bool is_mode(const struct mtd_net *n)
{
    return !n->subnet;
}

static const struct {
    const char *name, *driver;
    char digit; /* of its id */
} MODES[] = {{"host", "host", '0'}, {"none", "null", '1'}};

const char *network_driver(const struct mtd_net *n)
{
    for (size_t i = 0; i < ARRAY_SIZE(MODES); i++)
        if (is_mode(n) && strcmp(n->name, MODES[i].name) == 0)
            return MODES[i].driver;
    return mtd_net_driver_word(n->driver);
}

bool network_is_mode(const char *name, char ret_id[MTD_ID_SIZE])
{
    for (size_t i = 0; i < ARRAY_SIZE(MODES); i++)
        if (strcmp(name, MODES[i].name) == 0) {
            memset(ret_id, MODES[i].digit, MTD_ID_LEN);
            ret_id[MTD_ID_LEN] = '\0';
            return true;
        }
    return false;
}

static int get_driver(const void *row, struct buf *out)
{
    return buf_puts(out, network_driver(net_of(row)));
}

static int get_scope(const void *row, struct buf *out)
{
    (void)row;
    return buf_puts(out, "local");
}

static int get_ipv6(const void *row, struct buf *out)
{
    return buf_puts(out, net_of(row)->subnet6 ? "true" : "false");
}

static int get_internal(const void *row, struct buf *out)
{
    return buf_puts(out, net_of(row)->internal ? "true" : "false");
}

static int get_subnet(const void *row, struct buf *out)
{
    return buf_puts(out, net_of(row)->subnet ? net_of(row)->subnet : "");
}

static int get_created(const void *row, struct buf *out)
{
    char text[TIME_TEXT];
    time_format_created(net_of(row)->created_at, text);
    return buf_puts(out, text);
}

static int get_labels(const void *row, struct buf *out)
{
    const struct strv *l = &net_of(row)->labels;
    int rc = 0;
    for (size_t i = 0; i < l->len && rc == 0; i++)
        rc = buf_printf(out, "%s%s", i ? "," : "", l->items[i]);
    return rc;
}

static const struct format_field NETWORK_FIELDS[] = {
    {"ID", "NETWORK ID", get_id},
    {"Name", "NAME", get_name},
    {"Driver", "DRIVER", get_driver},
    {"Scope", "SCOPE", get_scope},
    {"IPv6", "IPV6", get_ipv6},
    {"Internal", "INTERNAL", get_internal},
    {"Labels", "LABELS", get_labels},
    {"CreatedAt", "CREATED AT", get_created},
    {"Subnet", "SUBNET", get_subnet}, /* not docker's */
    FORMAT_FIELDS_END,
};
#define NETWORK_TABLE "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}"

#define FIELD(f) offsetof(struct network_ls_values, f)
const struct option_row NETWORK_LS_ROWS[] = {
    {"filter", 'f', OPTION_FILTER, FIELD(filters), NULL, "KEY=VALUE",
     "Filter by name, id, driver, label, type"},
    {"format", 0, OPTION_TEXT, FIELD(format), NULL, "FORMAT",
     "table, json, or a template such as '{{.Name}} {{.Subnet}}'"},
    {"no-trunc", 0, OPTION_FLAG, FIELD(no_trunc), NULL, NULL, "Do not shorten anything"},
    {"quiet", 'q', OPTION_FLAG, FIELD(quiet), NULL, NULL, "Print only IDs"},
    OPTION_END,
};

static bool has_label(const struct mtd_net *n, const char *wanted)
{
    return labels_have(&n->labels, wanted);
}

bool network_is_custom(const struct mtd_net *n)
{
    return !is_mode(n) && strcmp(n->name, MTD_NET_DEFAULT) != 0;
}

static bool match_type(const struct mtd_net *n, const char *value)
{
    return strcmp(value, "custom") == 0
               ? network_is_custom(n)
               : strcmp(value, "builtin") == 0 && !network_is_custom(n);
}

static bool match_name(const struct mtd_net *n, const char *value)
{
    return strstr(n->name, value) != NULL;
}

static bool match_id(const struct mtd_net *n, const char *value)
{
    return strstr(n->id, value) != NULL;
}

static bool match_driver(const struct mtd_net *n, const char *value)
{
    return strcmp(network_driver(n), value) == 0;
}

static const struct {
    const char *key;
    bool (*match)(const struct mtd_net *n, const char *value);
} KEYS[] = {{"name", match_name},
            {"id", match_id},
            {"driver", match_driver},
            {"label", has_label},
            {"type", match_type}};

static int find_key(const char *text, struct mtd_error *err)
{
    size_t len = strcspn(text, "=");
    for (size_t i = 0; i < ARRAY_SIZE(KEYS) && text[len]; i++)
        if (strlen(KEYS[i].key) == len && strncmp(KEYS[i].key, text, len) == 0)
            return (int)i;
    return mtd_fail(
        err, EINVAL,
        "--filter: \"%.60s\" is not KEY=VALUE with a key of name, id, driver, "
        "label, type",
        text);
}

/* Of one key any value will do, of several keys all must. */
bool network_is_wanted(const struct mtd_net *n, const struct option_list *filters)
{
    for (size_t k = 0; k < ARRAY_SIZE(KEYS); k++) {
        bool asked = false, found = false;
        for (size_t i = 0; i < filters->len; i++)
            if (find_key(filters->items[i], NULL) == (int)k) {
                asked = true;
                found |= KEYS[k].match(n, strchr(filters->items[i], '=') + 1);
            }
        if (asked && !found)
            return false;
    }
    return true;
}

int network_ls_check(void *values, const struct operands *o, struct mtd_error *err)
{
    struct network_ls_values *v = values;
    (void)o;
    for (size_t i = 0; i < v->filters.len; i++)
        if (find_key(v->filters.items[i], err) < 0)
            return -EINVAL;
    return table_init(&v->table,
                      v->format  ? v->format
                      : v->quiet ? "{{.ID}}"
                                 : NULL,
                      NETWORK_FIELDS, NETWORK_TABLE, err);
}

void network_ls_done(void *values)
{
    table_done(&((struct network_ls_values *)values)->table);
}

static int add_row(struct network_ls_values *v, const struct mtd_net *n,
                   struct mtd_error *err)
{
    struct network_row row = {n, v->no_trunc};
    return network_is_wanted(n, &v->filters) ? table_add(&v->table, &row, err) : 0;
}

/* docker lists the modes that are no networks here as such. */
static int add_modes(struct network_ls_values *v, struct mtd_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < ARRAY_SIZE(MODES) && rc == 0; i++) {
        struct mtd_net mode = {.name = (char *)MODES[i].name}; /* only read */
        network_is_mode(mode.name, mode.id);
        rc = add_row(v, &mode, err);
    }
    return rc;
}

int network_ls_run(struct cli *c, void *values, const struct operands *o)
{
    struct network_ls_values *v = values;
    struct mtd_error err = {0};
    auto_done(mtd_net_list_done) struct mtd_net_list l = {0};
    (void)o;
    int rc = mtd_network_list(c->engine, &l, &err);
    for (size_t i = 0; i < l.len && rc == 0; i++)
        rc = add_row(v, &l.items[i], &err);
    if (rc == 0)
        rc = add_modes(v, &err);
    if (rc == 0)
        rc = table_print(&v->table, &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot list the networks");
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}
