/* What of a container's networks can be refused before anything is opened. */

#include "cli/spec_network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cli/spec_options.h"
#include "engine/engine.h"

#define TEXT_MAX 512

static int out_of_memory(struct mtd_error *err)
{
    return mtd_fail(err, ENOMEM, "out of memory");
}

/* ---- networks ---- */

int network_check_alias(const char *name, struct mtd_error *err)
{
    if (name_is_valid(name) && strlen(name) <= 253)
        return 0;
    return mtd_fail(err, EINVAL, "\"%.80s\" is not a name: letters, digits, _ . -", name);
}

static int set_text(char **field, const char *value, struct mtd_error *err)
{
    free(*field);
    *field = strdup(value);
    return *field ? 0 : out_of_memory(err);
}

static int check_address(int family, const char *value, struct mtd_error *err)
{
    unsigned char out[16];
    if (inet_pton(family, value, out) == 1)
        return 0;
    return mtd_fail(err, EINVAL, "\"%.60s\" is not an %s address", value,
                    family == AF_INET ? "IPv4" : "IPv6");
}

static int set_ip(struct mtd_join *j, const char *value, struct mtd_error *err)
{
    bool six = strchr(value, ':');
    int rc = check_address(six ? AF_INET6 : AF_INET, value, err);
    return rc < 0 ? rc : set_text(six ? &j->address6 : &j->address, value, err);
}

static int set_ip6(struct mtd_join *j, const char *value, struct mtd_error *err)
{
    int rc = check_address(AF_INET6, value, err);
    return rc < 0 ? rc : set_text(&j->address6, value, err);
}

/* Six pairs of digits; a group address is no interface's. */
static int set_mac(struct mtd_join *j, const char *value, struct mtd_error *err)
{
    unsigned b[6];
    int end = 0;
    bool ok = strlen(value) == 17 &&
              sscanf(value, "%2x:%2x:%2x:%2x:%2x:%2x%n", b, b + 1, b + 2, b + 3, b + 4,
                     b + 5, &end) == 6 &&
              end == 17;
    if (!ok || (b[0] & 1))
        return mtd_fail(err, EINVAL,
                        "\"%.60s\" is not a hardware address such as 02:42:ac:11:00:02",
                        value);
    return set_text(&j->mac, value, err);
}

static int add_alias(struct mtd_join *j, const char *value, struct mtd_error *err)
{
    int rc = network_check_alias(value, err);
    if (rc == 0 && strv_add(&j->aliases, value) < 0)
        rc = out_of_memory(err);
    return rc;
}

/* docker's prefixes: 169.254.0.0/16, fe80::/10. */
static int add_link_local(struct mtd_join *j, const char *value, struct mtd_error *err)
{
    unsigned char b[16];
    bool four = inet_pton(AF_INET, value, b) == 1 && b[0] == 169 && b[1] == 254;
    bool six = !four && inet_pton(AF_INET6, value, b) == 1 && b[0] == 0xfe &&
               (b[1] & 0xc0) == 0x80;
    if (!four && !six)
        return mtd_fail(err, EINVAL, "invalid link local IP address: %.60s", value);
    return strv_add(&j->link_locals, value) < 0 ? out_of_memory(err) : 0;
}

static int set_priority(struct mtd_join *j, const char *value, struct mtd_error *err)
{
    uint64_t n;
    bool minus = *value == '-';
    if (parse_u64(value + minus, INT32_MAX, &n) < 0)
        return mtd_fail(err, EINVAL, "gw-priority \"%.40s\" is not a whole number",
                        value);
    j->gw_priority = minus ? -(int64_t)n : (int64_t)n;
    return 0;
}

static int set_ifname(struct mtd_join *j, const char *value, struct mtd_error *err)
{
    if (strlen(value) > 15 || !name_is_valid(value) || strcmp(value, "lo") == 0)
        return mtd_fail(err, EINVAL, "\"%.60s\" is not a name of an interface", value);
    return set_text(&j->ifname, value, err);
}

static int set_driver_opt(struct mtd_join *j, const char *value, struct mtd_error *err)
{
    static const char IFNAME[] = "com.docker.network.endpoint.ifname=";
    const char *name = value + strlen(IFNAME);
    if (strncmp(value, IFNAME, strlen(IFNAME)) != 0)
        return mtd_fail(err, EOPNOTSUPP, "driver-opt \"%.80s\" is not known; %s is",
                        value, IFNAME);
    return set_ifname(j, name, err);
}

static int set_name(struct mtd_join *j, const char *value, struct mtd_error *err)
{
    if (!name_is_valid(value))
        return mtd_fail(err, EINVAL, "\"%.80s\" is not a name of a network", value);
    return set_text(&j->network, value, err);
}

static const struct {
    const char *name;
    int (*set)(struct mtd_join *j, const char *value, struct mtd_error *err);
} WORDS[] = {
    {"name", set_name},
    {"ip", set_ip},
    {"ip6", set_ip6},
    {"mac", set_mac},
    {"mac-address", set_mac},
    {"alias", add_alias},
    {"link-local-ip", add_link_local},
    {"gw-priority", set_priority},
    {"driver-opt", set_driver_opt},
    {"interface_name", set_ifname},
};

static int set_word(struct mtd_join *j, char *word, struct mtd_error *err)
{
    char *equals = strchr(word, '=');
    if (!equals)
        return mtd_fail(err, EINVAL, "\"%.60s\" is not NAME=VALUE", word);
    *equals = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++)
        if (strcmp(WORDS[i].name, word) == 0)
            return WORDS[i].set(j, equals + 1, err);
    return mtd_fail(
        err, EINVAL,
        "\"%.60s\" is not known of a network; name, ip, ip6, mac-address, alias, "
        "link-local-ip, driver-opt and gw-priority are",
        word);
}

static int fill_join(struct mtd_join *j, char *text, struct mtd_error *err)
{
    char *colon = strchr(text, ':'), *equals = strchr(text, '=');
    int rc = 0;
    if (!equals)
        return set_name(j, text, err);
    if (colon && colon < equals) { /* podman's */
        *colon = '\0';
        rc = set_name(j, text, err);
        text = colon + 1;
    }
    for (char *word; rc == 0 && (word = strsep(&text, ","));)
        rc = set_word(j, word, err);
    if (rc == 0 && !j->network)
        rc = mtd_fail(err, EINVAL, "no network is named; write name=NAME");
    return rc;
}

int network_parse_join(const char *text, struct mtd_join **joins, size_t *n,
                       struct mtd_error *err)
{
    auto_free char *copy = strdup(text);
    struct mtd_join *more = realloc(*joins, (*n + 1) * sizeof(*more));
    if (!more || !copy)
        return out_of_memory(err);
    *joins = more;
    more[*n] = (struct mtd_join){0};
    return fill_join(&more[(*n)++], copy, err);
}

/* ---- the options of run ---- */

static bool is_default(const char *text)
{
    return !*text || strcmp(text, "default") == 0;
}

/* none, host and container:NAME stand alone. 1 = it was one of them. */
static int take_mode(struct mtd_spec *s, const char *text, struct mtd_error *err)
{
    static const char CONTAINER[] = "container:";
    if (strcmp(text, "none") == 0)
        return s->network = MTD_NET_NONE, 1;
    if (strcmp(text, "host") == 0)
        return s->network = MTD_NET_HOST, 1;
    if (strncmp(text, CONTAINER, strlen(CONTAINER)) != 0)
        return 0;
    if (!text[strlen(CONTAINER)])
        return mtd_fail(err, EINVAL, "--network: container: names no container");
    s->network = MTD_NET_CONTAINER;
    free(s->network_from);
    s->network_from = strdup(text + strlen(CONTAINER));
    return s->network_from ? 1 : out_of_memory(err);
}

static int take_network(struct run_values *v, const char *text, size_t count,
                        struct mtd_error *err)
{
    struct mtd_spec *s = &v->spec;
    int rc = take_mode(s, text, err);
    if (rc > 0 && count > 1)
        return mtd_fail(err, EINVAL,
                        "conflicting options: --network %.60s and another network", text);
    if (rc)
        return rc < 0 ? rc : 0;
    s->network = MTD_NET_BRIDGE;
    rc = network_parse_join(text, &s->joins, &s->n_joins, err);
    mtd_context(rc < 0 ? err : NULL, "--network");
    const char *last = rc == 0 && s->n_joins ? s->joins[s->n_joins - 1].network : NULL;
    for (size_t i = 0; last && i + 1 < s->n_joins; i++)
        if (strcmp(s->joins[i].network, last) == 0)
            return mtd_fail(err, EINVAL, "--network: \"%.60s\" is given twice",
                            s->joins[i].network);
    return rc;
}

static int set_first(struct run_values *v, const char *option, const char *value,
                     int (*set)(struct mtd_join *, const char *, struct mtd_error *),
                     struct mtd_error *err)
{
    struct mtd_spec *s = &v->spec;
    if (!value || !*value)
        return 0;
    if (s->network != MTD_NET_BRIDGE)
        return mtd_fail(err, EINVAL, "--%s needs a network to be on; add --network NAME",
                        option);
    if (s->n_joins > 1)
        return mtd_fail(err, EINVAL,
                        "--%s is of one network; write --network name=NAME,... for each",
                        option);
    int rc = set(&s->joins[0], value, err);
    mtd_context(rc < 0 ? err : NULL, "--%s", option);
    return rc;
}

static int set_details(struct run_values *v, struct mtd_error *err)
{
    int rc = set_first(v, "ip", v->ip, set_ip, err);
    if (rc == 0)
        rc = set_first(v, "ip6", v->ip6, set_ip6, err);
    if (rc == 0)
        rc = set_first(v, "mac-address", v->mac, set_mac, err);
    for (size_t i = 0; i < v->link_locals.len && rc == 0; i++)
        rc = set_first(v, "link-local-ip", v->link_locals.items[i], add_link_local, err);
    for (size_t i = 0; i < v->aliases.len && rc == 0; i++)
        rc = set_first(v, "network-alias", v->aliases.items[i], add_alias, err);
    return rc;
}

int spec_network(struct run_values *v, struct mtd_error *err)
{
    size_t given = 0;
    int rc = 0;
    for (size_t i = 0; i < v->networks.len; i++)
        given += !is_default(v->networks.items[i]);
    for (size_t i = 0; i < v->networks.len && rc == 0; i++)
        if (!is_default(v->networks.items[i]))
            rc = take_network(v, v->networks.items[i], given, err);
    if (rc == 0 && !given)
        rc = take_network(v, v->defaults.network, 1, err);
    return rc < 0 ? rc : set_details(v, err);
}

int spec_ports(struct run_values *v, struct mtd_error *err)
{
    struct mtd_spec *s = &v->spec;
    bool any = v->publish.len || v->publish_all;
    if (any && s->network == MTD_NET_CONTAINER)
        return mtd_fail(err, EINVAL,
                        "conflicting options: --publish and --network container:NAME; "
                        "publish at that container");
    if (any && s->network == MTD_NET_NONE && !v->networks.len)
        return mtd_fail(
            err, EOPNOTSUPP,
            "--publish: publishing ports needs a network; add --network " MTD_NET_DEFAULT
            ", or set network = " MTD_NET_DEFAULT " in the config file");
    int rc = 0;
    for (size_t i = 0; i < v->publish.len && rc == 0; i++) {
        rc = mtd_port_parse(v->publish.items[i], v->defaults.publish_address, &s->ports,
                            &s->n_ports, err);
        mtd_context(rc < 0 ? err : NULL, "--publish");
    }
    if (rc < 0)
        return rc;
    if (s->network != MTD_NET_BRIDGE)
        mtd_ports_done(&s->ports, &s->n_ports); /* with a warning, as docker */
    s->publish_all = v->publish_all && s->network == MTD_NET_BRIDGE;
    return 0;
}
