/* net/internal.h - what the files of net share.
 * Shape   address.c is arithmetic; live.c who lives; host.c where; missing.c what a host lacks; kernel.c sockets; record.c the networks' records, subnet.c their subnets, route.c what is taken on
 *         the host; book.c the addresses and names; link.c what interfaces have in common,
 *         driver.c the drivers, bridge.c bridges, veth.c pairs, macvlan.c the other kind, inside.c a namespace's own side; forward.c the host's forwarding; expression.c
 *         builds rules, table.c is the table, members.c networks in it, port.c ports, owner.c who has a port of
 *         the host's, publish.c a container's ports, hold.c those of the host that they take, relayed.c
 *         those that no rule leads on, flow.c what leads to them; endpoint.c a container's end in a network, claim.c puts
 *         it together, change.c changes it while the container lives, mend.c makes a lost
 *         table again; traffic.c counts, heard.c says who listens, verify.c compares, obstacle.c finds others' rules,
 *         legacy.c those of iptables-legacy.
 */
#ifndef ENGINE_NET_INTERNAL_H
#define ENGINE_NET_INTERNAL_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/net/net.h"
#include "engine/netlink/netlink.h"

/* ---- address.c ---- */

struct net_address {
    unsigned char len; /* 4 or 16; 0 = none */
    unsigned char bytes[16];
};
struct net_subnet {
    struct net_address base; /* its first address */
    unsigned prefix;
};
#define NET_TEXT (INET6_ADDRSTRLEN + 4)
int net_address_parse(const char *text, struct net_address *ret); /* -EINVAL */
void net_address_text(const struct net_address *a, char ret[NET_TEXT]);
/* "172.18.0.0/16"; -EINVAL = not one, or not the first address of it (-EDOM). */
int net_subnet_parse(const char *text, struct net_subnet *ret);
void net_subnet_text(const struct net_subnet *s, char ret[NET_TEXT]);
bool net_subnet_has(const struct net_subnet *s, const struct net_address *a);
bool net_subnets_overlap(const struct net_subnet *a, const struct net_subnet *b);
/* How many addresses, at most 2^32. */
uint64_t net_subnet_size(const struct net_subnet *s);
struct net_address net_subnet_at(const struct net_subnet *s, uint64_t n);
uint64_t net_subnet_index(const struct net_subnet *s, const struct net_address *a);
/* The one behind the last. */
struct net_address net_subnet_end(const struct net_subnet *s);

/* ---- kernel.c ---- */

struct net_kernel {
    struct netlink route, nf;
};
#define NET_KERNEL_NONE                           \
    {                                             \
        .route = NETLINK_NONE, .nf = NETLINK_NONE \
    }
int net_kernel_open(struct net_kernel *k, struct mtd_error *err);
void net_kernel_done(struct net_kernel *k);
/* To close a socket of the firewall's waits until the kernel has freed what was removed, a grace period of
 * 10 ms and more: this one goes with the process, for which nobody waits. NULL = there is none. */
struct netlink *net_kept_nf(void);

/* ---- claim.c ---- */

/* The network, its bridge, and the container's endpoint in it. */
int net_claim_network(struct store *s, struct net_kernel *k, struct mtd_record *r,
                      const struct mtd_join *j, struct mtd_error *err);
int net_write_note(struct store *s, const struct mtd_record *r);
int net_connect_one(struct store *s, struct net_kernel *k, struct netlink *inside,
                    const struct mtd_endpoint *e, int ns_fd, bool way_out,
                    struct mtd_error *err);
bool net_is_way_out(const struct mtd_status *st, size_t i);

/* ---- endpoint.c ---- */

int net_copy_text(char **ret, const char *text);
/* Adds it, or fills one that is there: what that has it keeps. */
int net_endpoint_fill(struct store *s, struct mtd_record *r, const struct mtd_join *j,
                      const struct mtd_net *n, struct mtd_error *err);
/* Its address and names again, which it must have had. */
void net_endpoint_restore(struct store *s, const struct mtd_record *r,
                          const struct mtd_endpoint *e);
void net_endpoint_give_back(struct store *s, const char *id,
                            const struct mtd_endpoint *e);

/* ---- mend.c ---- */

/* Adds what this state root has in the table. */
void net_mend_table(struct store *s, struct net_kernel *k);
/* The ports of a live container. */
void net_ports_restore(struct store *s, struct netlink *nf, const struct mtd_record *r);

/* ---- host.c ---- */

uint64_t net_host(void); /* 0 = cannot be told */
/* Containers of this state have had networks in this network namespace that the host routes for. */
void net_host_note(struct store *s);
bool net_host_is_noted(struct store *s);
/* The state root, for what several of them have in one table; padded with zeros. */
#define NET_ROOT_SIZE 16
void net_root_of(struct store *s, char ret[NET_ROOT_SIZE]);
/* Of a published port. */
struct net_owner {
    char id[MTD_ID_SIZE], root[NET_ROOT_SIZE];
};
void net_owner_init(struct store *s, const char *id, struct net_owner *ret);
bool net_owner_is_live(struct store *s, const struct net_owner *o);

/* ---- live.c ---- */

bool net_is_live(struct store *s, const char *id);      /* has a monitor, or processes */
bool net_is_live_here(struct store *s, const char *id); /* and its networks are here */

/* ---- missing.c ---- */

enum net_part { NET_PART_BRIDGE, NET_PART_VETH, NET_PART_MACVLAN, NET_PART_NF_TABLES };
/* Is that part what rc, a failure of the kernel's, comes from? rc and err, or 0 = no. */
int net_missing(int rc, enum net_part part, struct mtd_error *err);

/* ---- record.c ---- */

#define NET_DIR "networks"

/* ---- subnet.c ---- */

/* six: the second family is wanted, and its subnet may be chosen. l: the other networks. */
int net_plan_subnets(struct mtd_net *n, bool six, const struct mtd_net_list *l,
                     struct netlink *route, struct mtd_error *err);

/* ---- route.c ---- */

/* 1 = the host has a route to it, or an address in it, other than on that bridge. */
int net_is_routed(struct netlink *route, const struct net_subnet *s, unsigned but);

/* ---- book.c ---- */

/* <run-root>/net/NETWORK, made if need be. */
int net_book_open(struct store *s, const char *network, bool make);
/* An address's names, and its entry unless it is new, are changed by whoever has the lock and has seen under
 * it whose the address is: else a container that has ended and one that took its address over would undo
 * each other. It is the descriptor's, so it goes with it. Not around net_book_take(). */
int net_book_lock(int book);
void net_book_unlock(int book);
/* wanted: NULL = the next that is free in range, a part of whole, round robin. id has it afterwards; one that it
 * has already is kept. -EADDRINUSE = another container has it, whose id is in owner; -ENOSPC. */
int net_book_take(struct store *s, int book, const struct net_subnet *whole,
                  const struct net_subnet *range, const struct net_address *gateway,
                  const struct net_address *wanted, const char *id, const char *name,
                  struct net_address *ret, char owner[MTD_ID_SIZE]);
/* The entry has another name of the container. */
int net_book_name(int book, const char *address, const char *id, const char *name);
bool net_book_has(int book, const char *address, const char *id);
void net_book_give(int book, const char *address, const char *id);
/* Of all that is in the book: address and id. */
/* The lock is the caller's, if fn changes something. */
typedef void net_book_fn(int book, const char *address, const char *id, void *arg);
void net_book_each(int book, net_book_fn *fn, void *arg);
int net_name_add(int book, const char *name, const char *address);
void net_name_drop(int book, const char *name, const char *address);
void net_names_drop_address(int book, const char *address);

/* ---- record.c ---- */

/* A network that is not removed before the lock is closed. -ENOENT. */
int net_load_locked(struct store *s, const char *name, struct mtd_net *ret, int *ret_lock,
                    struct mtd_error *err);

/* ---- bridge.c ---- */

/* Fills in the interface's name. */
int net_bridge_name(const struct store *s, struct netlink *route, struct mtd_net *n,
                    const struct mtd_net_list *others, struct mtd_error *err);
/* The bridge, up, with its addresses. *ret_index. */
int net_bridge_make(struct netlink *route, const struct mtd_net *n, unsigned *ret_index,
                    struct mtd_error *err);
/* *ret_index 0 = there is none. -EEXIST = the host has an interface of that name for itself. */
int net_bridge_find(struct netlink *route, const struct mtd_net *n, unsigned *ret_index,
                    struct mtd_error *err);
bool net_bridge_is_up(struct netlink *route, const struct mtd_net *n);
void net_bridge_delete(struct netlink *route, const struct mtd_net *n);
/* A bridge's address of hardware; it is the network's, and does not change. */
void net_bridge_mac(const struct mtd_net *n, unsigned char ret[6]);
/* The near end's alias, which `ip link` shows, names the network and the address. */
int net_link_make(struct netlink *route, const struct mtd_net *n, unsigned bridge,
                  const struct mtd_endpoint *e, int ns_fd, unsigned *ret_near,
                  struct mtd_error *err);
/* Deletes the near end, and the far end with it. 1 = done, 0 = it is not there. */
int net_link_cut(struct netlink *route, struct netlink *inside, unsigned bridge,
                 const struct mtd_endpoint *e);
/* The near end is a port of that bridge, or of none; or is gone, and the far end with it. */
enum net_near { NET_NEAR_ATTACHED, NET_NEAR_LOOSE, NET_NEAR_GONE };
enum net_near net_link_near(struct netlink *route, struct netlink *inside,
                            unsigned bridge, const struct mtd_endpoint *e);
/* A loose one is made a port. */
int net_link_attach(struct netlink *route, const struct mtd_endpoint *e,
                    const struct mtd_net *n, unsigned bridge);
/* By a socket of the container's namespace: the interface of that address of hardware is given
 * its addresses, and the default routes if it is the way out. The gateways' address of hardware
 * is told once and for all. */
int net_link_set_up(struct netlink *inside, const struct mtd_net *n,
                    const struct mtd_endpoint *e, bool way_out, struct mtd_error *err);
/* The interface's gateways are the default routes, instead of others. */
int net_link_way_out(struct netlink *inside, const struct mtd_endpoint *e,
                     struct mtd_error *err);
/* The same found and deleted. */
int net_link_drop(struct netlink *inside, const char *mac, struct mtd_error *err);
/* A netlink socket in the namespace, where interfaces that are made from now on do not believe what a
 * neighbour says about routes. */
int net_open_inside(int ns_fd, int protocol, struct netlink *ret);

/* ---- forward.c ---- */

void net_forwarding_on(struct store *s, const struct mtd_net *n, bool *ret_closed);
bool net_is_closed(struct store *s); /* what that said */

/* ---- table.c ---- */

#define NET_TABLE "mytop-docker"
#define NET_GENERATION "4" /* of its rules */
#define NET_ROOTS "roots" NET_GENERATION
/* The table, complete or made anew. *ret_made: what the root has in it is to be added. closed: forward nothing for others.
 * how: what is asked before it is taken for complete. */
int net_table_make(struct netlink *nf, const char *root, bool closed, enum net_depth how,
                   bool *ret_made, struct mtd_error *err);
bool net_table_is_whole(struct netlink *nf, const char *root, bool closed);

/* ---- members.c ---- */

/* The bridge and its subnets are known to the table. */
int net_table_add(struct netlink *nf, const struct mtd_net *n, struct mtd_error *err);
bool net_table_has(struct netlink *nf, const struct mtd_net *n);
void net_table_remove(struct netlink *nf, const struct mtd_net *n);
/* All that this state root has in it has been added. */
bool net_table_has_root(struct netlink *nf, const char *root);
void net_table_add_root(struct netlink *nf, const char *root);

/* ---- port.c ---- */

/* All of them or none; -EEXIST, *ret_at = which. */
int net_ports_add(struct netlink *nf, const struct net_owner *o,
                  const struct mtd_endpoint *e, const struct mtd_port *ports, size_t n,
                  size_t *ret_at);
int net_ports_remove(struct netlink *nf, const struct mtd_endpoint *e,
                     const struct mtd_port *ports, size_t n);
/* In the comment of who has that port; -ENOENT. */
int net_ports_owner(struct netlink *nf, const struct mtd_port *p, struct net_owner *ret);
void net_ports_forget(struct netlink *nf, const char *id);
/* What is in the maps, to be compared with. */
struct net_published {
    struct net_published_port *items;
    size_t n;
};
void net_published_list(struct netlink *nf, struct net_published *ret);
void net_published_done(struct net_published *p);
/* All elements of that port are there; their number is added to count. */
bool net_published_has(const struct net_published *all, const char *id,
                       const struct mtd_endpoint *e, const struct mtd_port *p,
                       size_t *count);
size_t net_published_count(const struct net_published *all, const char *id);
/* Each id of that state root once. */
void net_published_owners(const struct net_published *all, const char *root,
                          void (*fn)(const char *id, void *arg), void *arg);
/* Takes the port of the host, without listening but for what is relayed to the endpoint: a descriptor.
 * host 0 = any: *ret_host. e NULL = it is only tried. */
int net_port_hold(const struct mtd_port *p, const struct mtd_endpoint *e, bool six,
                  unsigned *ret_host);
int net_port_listen(int fd); /* one that is relayed; also again */
/* Is that what the descriptor holds? */
bool net_port_is(int fd, const struct mtd_port *p, bool six);

/* ---- relayed.c ---- */

/* Connections that no rule leads on: to ::1, and by IPv6 to a container that has none. The monitor does,
 * by IPv4 if it can. */
bool net_port_is_loopback6(const struct mtd_port *p);
bool net_port_is_relayed(const struct mtd_port *p, const struct mtd_endpoint *e);
const char *net_relayed_to(const struct mtd_endpoint *e);

/* ---- hold.c ---- */

/* Binds to it and adds the descriptors; a port of a range, or any, becomes the one that was free.
 * nf NULL = ports that only the table has are not looked for. -EADDRINUSE, -EADDRNOTAVAIL. */
int net_port_take(struct store *s, struct netlink *nf, struct mtd_port *p,
                  const struct mtd_endpoint *e, struct net_held *h);
/* The same without keeping it. */
int net_port_try(struct store *s, struct netlink *nf, const struct mtd_port *p);

/* ---- flow.c ---- */

/* As net_flows_forget(), of these ports that lead, or led, to the endpoint. */
void net_flows_drop(struct netlink *nf, const struct mtd_endpoint *e,
                    const struct mtd_port *ports, size_t n, bool strays);

/* ---- publish.c ---- */

int net_claim_ports(struct store *s, struct netlink *nf, struct mtd_record *r,
                    struct net_held *held, struct mtd_error *err);
/* The ports of the record lead to endpoint to, no longer to endpoint from. */
int net_move_ports(struct store *s, struct netlink *nf, struct mtd_record *r, size_t from,
                   size_t to, struct mtd_error *err);

/* ---- heard.c ---- */

/* A line of /proc/PID/net/tcp and its like; false = not one of a socket. */
bool net_read_listener(const char *line, unsigned *ret_port, unsigned *ret_state,
                       bool *ret_loopback);

/* ---- legacy.c ---- */

/* The rules of iptables-legacy, or of ip6tables-legacy, drop what the bridge's containers send or get by
 * the host. ret_chain: where a rule that accepts it is to be, static. */
bool net_legacy_drops(bool six, const char *bridge, const char **ret_chain);

/* ---- owner.c ---- */

/* "nginx (pid 12)" of the process that has it; "" = not found. */
void net_port_process(const struct mtd_port *p, char *ret, size_t size);

#endif
