/* inspect_network - NetworkSettings and what of HostConfig is about networks and ports. */

#include "cli/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/inspect_zero.h"
#include "cli/network_list.h"

json_t *inspect_network_mode(const struct mtd_spec *s)
{
    auto_free char *text = NULL;
    if (s->network == MTD_NET_CONTAINER &&
        asprintf(&text, "container:%s", s->network_from) >= 0)
        return json_string(text);
    if (s->network == MTD_NET_BRIDGE && s->n_joins)
        return json_string(s->joins[0].network);
    return json_string(mtd_network_word(s->network));
}

static char *port_key(const struct mtd_port *p, char out[16])
{
    snprintf(out, 16, "%u/%s", p->target, p->udp ? "udp" : "tcp");
    return out;
}

static void add_binding(json_t *map, const struct mtd_port *p, const char *address)
{
    char key[16], host[16] = "";
    json_t *list = json_object_get(map, port_key(p, key));
    if (!json_is_array(list)) {
        list = json_array();
        json_object_set_new(map, key, list);
    }
    if (p->host_last)
        snprintf(host, sizeof(host), "%u-%u", p->host, p->host_last);
    else if (p->host)
        snprintf(host, sizeof(host), "%u", p->host);
    json_array_append_new(list,
                          json_pack("{s:s, s:s}", "HostIp", address, "HostPort", host));
}

json_t *inspect_port_bindings(const struct mtd_spec *s)
{
    json_t *map = json_object();
    for (size_t i = 0; i < s->n_ports; i++)
        add_binding(map, &s->ports[i], s->ports[i].address ? s->ports[i].address : "");
    return map;
}

static json_t *make_ports(const struct mtd_record *r)
{
    const struct mtd_status *st = &r->status;
    const struct mtd_endpoint *e = mtd_port_endpoint(st);
    bool six = e && e->address6;
    json_t *map = json_object();
    for (size_t i = 0; i < r->spec.exposed.len && st->n_endpoints; i++)
        json_object_set_new(map, r->spec.exposed.items[i], json_null());
    for (size_t i = 0; i < st->n_ports; i++) {
        const struct mtd_port *p = &st->ports[i];
        add_binding(map, p, p->address ? p->address : "0.0.0.0");
        if (!p->address && six)
            add_binding(map, p, "::");
    }
    return map;
}

static const struct mtd_endpoint *find(const struct mtd_status *st, const char *network)
{
    for (size_t i = 0; i < st->n_endpoints; i++)
        if (strcmp(st->endpoints[i].network, network) == 0)
            return &st->endpoints[i];
    return NULL;
}

/* "" = it is not on the network now, as docker says it. */
static json_t *make_endpoint_id(const struct mtd_endpoint *at, const char *container,
                                const char *network_id)
{
    char id[MTD_ID_SIZE] = "";
    if (at && network_id)
        mtd_endpoint_id(container, network_id, id);
    return json_string(id);
}

static json_t *make_asked(const struct mtd_join *j)
{
    if (!j->address && !j->address6 && !j->link_locals.len)
        return json_null();
    json_t *o = json_object();
    if (j->address)
        json_object_set_new(o, "IPv4Address", json_string(j->address));
    if (j->address6)
        json_object_set_new(o, "IPv6Address", json_string(j->address6));
    if (j->link_locals.len)
        json_object_set_new(o, "LinkLocalIPs", inspect_strings(&j->link_locals));
    return o;
}

static json_t *make_endpoint(struct mtd_engine *e, const struct mtd_record *r,
                             const struct mtd_join *j)
{
    const struct mtd_endpoint *at = find(&r->status, j->network);
    auto_done(mtd_net_done) struct mtd_net n = {0};
    json_t *o = json_object();
    bool known = mtd_network_inspect(e, j->network, &n, NULL) == 0;
    json_object_set_new(o, "IPAMConfig", make_asked(j));
    json_object_set_new(o, "Aliases",
                        j->aliases.len ? inspect_strings(&j->aliases) : json_null());
    json_object_set_new(o, "GwPriority", json_integer(j->gw_priority));
    if (j->ifname)
        json_object_set_new(
            o, "DriverOpts",
            json_pack("{s:s}", "com.docker.network.endpoint.ifname", j->ifname));
    json_object_set_new(o, "NetworkID", inspect_text(known ? n.id : NULL));
    json_object_set_new(o, "EndpointID",
                        make_endpoint_id(at, r->id, known ? n.id : NULL));
    json_object_set_new(o, "MacAddress", inspect_text(at ? at->mac : NULL));
    json_object_set_new(o, "Gateway", inspect_text(at ? at->gateway : NULL));
    json_object_set_new(o, "IPAddress", inspect_text(at ? at->address : NULL));
    json_object_set_new(o, "IPPrefixLen", json_integer(at ? at->prefix : 0));
    json_object_set_new(o, "IPv6Gateway", inspect_text(at ? at->gateway6 : NULL));
    json_object_set_new(o, "GlobalIPv6Address", inspect_text(at ? at->address6 : NULL));
    json_object_set_new(o, "GlobalIPv6PrefixLen", json_integer(at ? at->prefix6 : 0));
    json_object_set_new(o, "DNSNames",
                        at && at->names.len ? inspect_strings(&at->names) : json_null());
    return inspect_over_zero(ZERO_ENDPOINT, o);
}

/* docker repeats the default network's values one level up. */
static void add_default(json_t *o, const struct mtd_endpoint *at, json_t *endpoint)
{
    json_object_set(o, "EndpointID", json_object_get(endpoint, "EndpointID"));
    json_object_set_new(o, "IPAddress", json_string(at->address));
    json_object_set_new(o, "IPPrefixLen", json_integer(at->prefix));
    json_object_set_new(o, "Gateway", inspect_text(at->gateway));
    json_object_set_new(o, "MacAddress", inspect_text(at->mac));
    json_object_set_new(o, "IPv6Gateway", inspect_text(at->gateway6));
    json_object_set_new(o, "GlobalIPv6Address", inspect_text(at->address6));
    json_object_set_new(o, "GlobalIPv6PrefixLen", json_integer(at->prefix6));
}

/* Where its network namespace can be entered: nsenter --net=. */
static void add_sandbox(json_t *o, const struct mtd_status *st)
{
    char path[48];
    snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)st->pid);
    if (mtd_state_is_live(st->state))
        json_object_set_new(o, "SandboxKey", json_string(path));
}

json_t *inspect_networks(struct mtd_engine *e, const struct mtd_record *r)
{
    const struct mtd_spec *s = &r->spec;
    json_t *networks = json_object(), *o = json_object();
    for (size_t i = 0; s->network == MTD_NET_BRIDGE && i < s->n_joins; i++)
        json_object_set_new(networks, s->joins[i].network,
                            make_endpoint(e, r, &s->joins[i]));
    if (s->network == MTD_NET_NONE || s->network == MTD_NET_HOST)
        json_object_set_new(networks, mtd_network_word(s->network),
                            inspect_over_zero(ZERO_ENDPOINT, json_object()));
    json_object_set_new(o, "Networks", networks);
    json_object_set_new(o, "Ports", make_ports(r));
    const struct mtd_endpoint *at = find(&r->status, MTD_NET_DEFAULT);
    if (at)
        add_default(o, at, json_object_get(networks, MTD_NET_DEFAULT));
    add_sandbox(o, &r->status);
    return inspect_over_zero(ZERO_NETWORK_SETTINGS, o);
}

/* ---- network inspect ---- */

static void add_config(json_t *list, const char *subnet, const char *gateway,
                       const char *range)
{
    if (!subnet)
        return;
    json_t *o = json_pack("{s:s, s:s}", "Subnet", subnet, "Gateway", gateway);
    if (range)
        json_object_set_new(o, "IPRange", json_string(range));
    json_array_append_new(list, o);
}

static void add_container(json_t *map, const struct mtd_record *r,
                          const struct mtd_net *n)
{
    const struct mtd_endpoint *at = find(&r->status, n->name);
    char four[64] = "", six[64] = "";
    if (!at)
        return;
    snprintf(four, sizeof(four), "%s/%u", at->address, at->prefix);
    if (at->address6)
        snprintf(six, sizeof(six), "%s/%u", at->address6, at->prefix6);
    json_object_set_new(map, r->id,
                        json_pack("{s:s, s:o, s:s, s:s, s:s}", "Name", r->name,
                                  "EndpointID", make_endpoint_id(at, r->id, n->id),
                                  "MacAddress", at->mac, "IPv4Address", four,
                                  "IPv6Address", six));
}

static json_t *make_containers(struct mtd_engine *e, const struct mtd_net *n)
{
    auto_done(mtd_list_done) struct mtd_list l = {0};
    json_t *map = json_object();
    if (mtd_list(e, &l, NULL) < 0)
        return map;
    for (size_t i = 0; i < l.len; i++) {
        auto_done(mtd_record_done) struct mtd_record r;
        mtd_record_init(&r);
        if (strv_contains(&l.items[i].networks, n->name) &&
            mtd_inspect(e, l.items[i].id, &r, NULL) == 0)
            add_container(map, &r, n);
    }
    return map;
}

static int find_network(struct mtd_engine *e, const char *name, struct mtd_net *ret,
                        struct mtd_error *err)
{
    if (!network_is_mode(name, ret->id))
        return mtd_network_inspect(e, name, ret, err);
    ret->name = strdup(name);
    return ret->name ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

/* Also what was chosen. */
static void add_macvlan(json_t *options, const struct mtd_net *n)
{
    json_object_set_new(options, "parent", json_string(n->parent));
    json_object_set_new(options, "macvlan_mode", json_string(n->mode));
}

/* docker's options of its default network, which nobody gave. */
static void add_bridge(json_t *options, const struct mtd_net *n)
{
    static const struct {
        const char *name, *value;
    } OPTIONS[] = {{"com.docker.network.bridge.default_bridge", "true"},
                   {"com.docker.network.bridge.enable_icc", "true"},
                   {"com.docker.network.bridge.enable_ip_masquerade", "true"},
                   {"com.docker.network.driver.mtu", "1500"}};
    for (size_t i = 0; i < ARRAY_SIZE(OPTIONS) && strcmp(n->name, MTD_NET_DEFAULT) == 0;
         i++)
        json_object_set_new(options, OPTIONS[i].name, json_string(OPTIONS[i].value));
    if (!json_object_get(options, "com.docker.network.bridge.name"))
        json_object_set_new(options, "com.docker.network.bridge.name",
                            json_string(n->bridge));
}

int inspect_network(struct mtd_engine *e, const char *name, json_t **ret,
                    struct mtd_error *err)
{
    auto_done(mtd_net_done) struct mtd_net n = {0};
    int rc = find_network(e, name, &n, err);
    if (rc < 0)
        return rc;
    json_t *config = json_array(), *options = inspect_labels(&n.options);
    add_config(config, n.subnet, n.gateway, n.range);
    add_config(config, n.subnet6, n.gateway6, NULL);
    if (n.driver == MTD_NET_DRIVER_MACVLAN)
        add_macvlan(options, &n);
    if (n.bridge)
        add_bridge(options, &n);
    *ret = json_pack(
        "{s:s, s:s, s:o, s:s, s:s, s:b, s:b, s:{s:s, s:{}, s:o}, s:b, s:b, s:b, s:{s:s}, "
        "s:b, s:o, s:o, s:o}",
        "Name", n.name, "Id", n.id, "Created", inspect_time(n.created_at), "Scope",
        "local", "Driver", network_driver(&n), "EnableIPv4", true, "EnableIPv6",
        n.subnet6 != NULL, "IPAM", "Driver", "default", "Options", "Config", config,
        "Internal", n.internal, "Attachable", false, "Ingress", false, "ConfigFrom",
        "Network", "", "ConfigOnly", false, "Containers", make_containers(e, &n),
        "Options", options, "Labels", inspect_labels(&n.labels));
    return *ret ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}
