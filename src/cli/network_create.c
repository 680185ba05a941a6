/* What network create takes, and what of it can be refused before anything is opened. */

#include "cli/network_create.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cli/values.h"

#define FIELD(f) offsetof(struct network_create_values, f)
const struct option_row NETWORK_CREATE_ROWS[] = {
    {"driver", 'd', OPTION_TEXT, FIELD(driver), NULL, "DRIVER",
     "bridge (default) or macvlan"},
    {"gateway", 0, OPTION_LIST, FIELD(gateways), NULL, "IP",
     "The host's address in the subnet (default: its first one)"},
    {"internal", 0, OPTION_FLAG, FIELD(internal), NULL, NULL,
     "No way out of it, and none in"},
    {"ip-range", 0, OPTION_LIST, FIELD(ranges), NULL, "SUBNET",
     "A part of the subnet that addresses are from"},
    {"ipv4", 0, OPTION_FLAG, FIELD(ipv4)},
    {"ipv6", 0, OPTION_FLAG, FIELD(ipv6), NULL, NULL, "Give it IPv6 addresses as well"},
    {"label", 0, OPTION_LIST, FIELD(labels), NULL, "KEY[=VALUE]", "Attach a label"},
    {"opt", 'o', OPTION_LIST, FIELD(options), NULL, "NAME=VALUE",
     "mtu=N; bridge: icc=false (its containers do not reach each other), name=INTERFACE; "
     "macvlan: parent=INTERFACE, macvlan_mode=bridge|private|vepa|passthru"},
    {"subnet", 0, OPTION_LIST, FIELD(subnets), NULL, "SUBNET",
     "Its addresses (default: some that the host has no use for)"},
    {"attachable", 0, OPTION_IGNORE},
    {"ingress", 0, OPTION_REFUSE, 0, NULL, NULL, "for swarms only"},
    {"scope", 0, OPTION_REFUSE, 0, NULL, "SCOPE", "for swarms only"},
    {"aux-address", 0, OPTION_REFUSE, 0, NULL, "NAME=IP",
     "not supported; use --ip-range"},
    {"config-only", 0, OPTION_REFUSE, 0, NULL, NULL, "not supported"},
    {"config-from", 0, OPTION_REFUSE, 0, NULL, "NETWORK", "not supported"},
    {"ipam-driver", 0, OPTION_REFUSE, 0, NULL, "DRIVER", "there are no plugins"},
    {"ipam-opt", 0, OPTION_REFUSE, 0, NULL, "NAME=VALUE", "there are no plugins"},
    OPTION_END,
};

static int set_mtu(struct mtd_net *n, const char *value, struct mtd_error *err)
{
    uint64_t mtu;
    if (parse_u64(value, 65535, &mtu) < 0 || mtu < 68)
        return mtd_fail(err, EINVAL, "mtu \"%.40s\" is out of range: 68 to 65535", value);
    n->mtu = (unsigned)mtu;
    return 0;
}

static int set_icc(struct mtd_net *n, const char *value, struct mtd_error *err)
{
    bool on;
    if (parse_bool(value, &on) < 0)
        return mtd_fail(err, EINVAL, "icc \"%.40s\" is not true or false", value);
    n->isolated = !on;
    return 0;
}

static int set_bridge(struct mtd_net *n, const char *value, struct mtd_error *err)
{
    n->bridge = strdup(value);
    return n->bridge ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

static int set_parent(struct mtd_net *n, const char *value, struct mtd_error *err)
{
    n->parent = strdup(value);
    return n->parent ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

static int set_mode(struct mtd_net *n, const char *value, struct mtd_error *err)
{
    free(n->mode);
    n->mode = strdup(value);
    return n->mode ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

#define OF(driver) (1u << (driver))
#define OF_BRIDGE OF(MTD_NET_DRIVER_BRIDGE)
#define OF_MACVLAN OF(MTD_NET_DRIVER_MACVLAN)
static const struct {
    const char *name, *docker;
    unsigned drivers;
    int (*set)(struct mtd_net *n, const char *value, struct mtd_error *err);
} DRIVER_OPTIONS[] = {
    {"mtu", "com.docker.network.driver.mtu", OF_BRIDGE | OF_MACVLAN, set_mtu},
    {"icc", "com.docker.network.bridge.enable_icc", OF_BRIDGE, set_icc},
    {"name", "com.docker.network.bridge.name", OF_BRIDGE, set_bridge},
    {"parent", NULL, OF_MACVLAN, set_parent},
    {"macvlan_mode", "mode", OF_MACVLAN, set_mode}, /* podman's is mode */
};

static int fail_option(const struct mtd_net *n, const char *text, struct mtd_error *err)
{
    return mtd_fail(err, EINVAL, "\"%.80s\" is not known of %s; %s are", text,
                    mtd_net_driver_word(n->driver),
                    n->driver == MTD_NET_DRIVER_BRIDGE
                        ? "mtu=, icc= and name="
                        : "mtu=, parent= and macvlan_mode=");
}

static int set_option(struct mtd_net *n, const char *text, struct mtd_error *err)
{
    size_t len = strcspn(text, "=");
    for (size_t i = 0; i < ARRAY_SIZE(DRIVER_OPTIONS) && text[len]; i++) {
        const char *names[] = {DRIVER_OPTIONS[i].name, DRIVER_OPTIONS[i].docker};
        bool fits = DRIVER_OPTIONS[i].drivers & OF(n->driver);
        for (size_t k = 0; k < ARRAY_SIZE(names) && fits; k++)
            if (names[k] && strlen(names[k]) == len &&
                strncmp(names[k], text, len) == 0) {
                int rc = strv_add(&n->options, text);
                return rc < 0 ? mtd_fail(err, ENOMEM, "out of memory")
                              : DRIVER_OPTIONS[i].set(n, text + len + 1, err);
            }
    }
    return fail_option(n, text, err);
}

static bool is_six(const char *text)
{
    return strchr(text, ':') != NULL;
}

/* One of each family. */
static int take_texts(const struct option_list *from, char **four, char **six,
                      const char *option, struct mtd_error *err)
{
    for (size_t i = 0; i < from->len; i++) {
        char **to = is_six(from->items[i]) ? six : four;
        if (!to || *to)
            return mtd_fail(err, EINVAL, "--%s: \"%.60s\": one %s is enough", option,
                            from->items[i], is_six(from->items[i]) ? "IPv6" : "IPv4");
        *to = strdup(from->items[i]);
        if (!*to)
            return mtd_fail(err, ENOMEM, "out of memory");
    }
    return 0;
}

/* docker's words for what is there once. */
static int set_driver(struct mtd_net *n, const char *word, struct mtd_error *err)
{
    static const enum mtd_net_driver DRIVERS[] = {MTD_NET_DRIVER_BRIDGE,
                                                  MTD_NET_DRIVER_MACVLAN};
    for (size_t i = 0; i < ARRAY_SIZE(DRIVERS); i++)
        if (!word || strcmp(word, mtd_net_driver_word(DRIVERS[i])) == 0) {
            n->driver = DRIVERS[i];
            return 0;
        }
    if (strcmp(word, "host") == 0 || strcmp(word, "null") == 0)
        return mtd_fail(err, EPERM, "only one instance of \"%s\" network is allowed",
                        word);
    return mtd_fail(err, EOPNOTSUPP,
                    "--driver: \"%.40s\" is not supported; bridge and macvlan are", word);
}

void network_create_init(void *values)
{
    ((struct network_create_values *)values)->ipv4 = true;
}

int network_create_check(void *values, const struct operands *o, struct mtd_error *err)
{
    struct network_create_values *v = values;
    struct mtd_net *n = &v->net;
    if (strcmp(o->items[0], MTD_NET_DEFAULT) == 0) /* it is made when it is needed */
        return mtd_fail(err, EPERM, "operation is not permitted on predefined %s network",
                        MTD_NET_DEFAULT);
    if (set_driver(n, v->driver, err) < 0)
        return -err->code;
    if (!v->ipv4)
        return mtd_fail(err, EOPNOTSUPP,
                        "--ipv4=false is not supported; IPv6 is beside IPv4");
    n->name = strdup(o->items[0]);
    n->internal = v->internal;
    int rc = n->name ? 0 : mtd_fail(err, ENOMEM, "out of memory");
    if (rc == 0)
        rc = take_texts(&v->subnets, &n->subnet, &n->subnet6, "subnet", err);
    if (rc == 0)
        rc = take_texts(&v->gateways, &n->gateway, &n->gateway6, "gateway", err);
    if (rc == 0)
        rc = take_texts(&v->ranges, &n->range, NULL, "ip-range", err);
    if (rc == 0 && v->ipv6 && !n->subnet6)
        n->subnet6 = strdup(""); /* one is chosen */
    for (size_t i = 0; i < v->options.len && rc == 0; i++) {
        rc = set_option(n, v->options.items[i], err);
        mtd_context(rc < 0 ? err : NULL, "--opt");
    }
    for (size_t i = 0; i < v->labels.len && rc == 0; i++)
        rc = strv_add(&n->labels, v->labels.items[i]);
    return rc;
}

void network_create_done(void *values)
{
    mtd_net_done(&((struct network_create_values *)values)->net);
}
