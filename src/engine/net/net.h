/* net - networks: their records, their addresses and names, and what the kernel keeps of them.
 * Shape   a network is an interface of the host's and a record, <root>/networks/NAME.json; "bridge"
 *         is there without being made. A container's end is eth0 in its namespace.
 *         Addresses and names are files below <run-root>/net/NAME, made exclusively: the
 *         directory is the address book. Ports are elements of maps in the one nf_tables
 *         table, whose comment is the container's id; there are no rules per container.
 * Lost    what belongs to a container that does not live is taken over by whoever needs it,
 *         and removed by net_forget. Interfaces go with the container's namespace; they are
 *         never deleted by us, which would take tens of milliseconds, but by net_leave.
 * Errors  0 or -errno; err says why.
 * Owner   returned memory and descriptors are the caller's.
 * Process any, root, in the host's network namespace.
 * Source  rtnetlink(7), nft(8); docker's bridge networks.
 */
#ifndef ENGINE_NET_NET_H
#define ENGINE_NET_NET_H

#include "engine/port/port.h"
#include "engine/store/store.h"
#include "engine/types.h"

/* ---- networks ---- */

/* name: a name, an id or the beginning of one. "bridge" is made when it is first asked for; with a
 * read-only store it is as it would be made now. -ENOENT. */
int net_load(struct store *s, const char *name, struct mtd_net *ret,
             struct mtd_error *err);
/* Sorted by name; "bridge" is in it whether it is made or not. */
int net_list(struct store *s, struct mtd_net_list *ret, struct mtd_error *err);
/* One that a network may have. */
int net_check_name(const char *name, struct mtd_error *err);
/* Fills in what is missing (id, bridge, subnet, gateway) and writes it. -EEXIST = there is one
 * of that name; -EINVAL, -EADDRINUSE = the subnet overlaps with another one or a route. */
int net_create(struct store *s, struct mtd_net *n, struct mtd_error *err);
/* What net_create() would refuse, and how it would fill n in; nothing is made. */
int net_check(struct store *s, struct mtd_net *n, struct mtd_error *err);
/* The record and the bridge; -EBUSY = a container is on it. */
int net_remove(struct store *s, const struct mtd_net *n, struct mtd_error *err);

/* The host forwards IPv4 between its interfaces. */
bool net_forwards(void);

/* ---- where a container's networks are ---- */

/* In the network namespace of this process, which alone may make or repair what they need. */
bool net_is_here(const struct mtd_status *st);
int net_check_here(const struct mtd_record *r, struct mtd_error *err); /* -EXDEV */

/* ---- what a container asks for; also before it is created ---- */

int net_check_join(struct store *s, const struct mtd_join *j, struct mtd_error *err);
/* What is sent from ::1 may not leave the host, so connections there are led on by the monitor. There
 * are none of datagrams. */
int net_check_ports(const struct mtd_port *ports, size_t n, struct mtd_error *err);

/* ---- a container's run ---- */

/* Descriptors that keep ports of the host taken. All zero = none. */
struct net_held {
    int *fds;
    size_t n;
};
void net_held_done(struct net_held *h);
int net_held_add(struct net_held *h,
                 int fd); /* which is the list's, or closed: -ENOMEM */

/* Before it is cloned: bridges, addresses, names and ports. Fills status.endpoints and
 * status.ports; what it has already stays its own, and what is held is not taken again. A
 * failure leaves nothing. */
int net_claim(struct store *s, struct mtd_record *r, struct net_held *held,
              struct mtd_error *err);
/* Holds the ports of a live container, and no others: those that are held already it keeps. What
 * another process has got meanwhile is not held. */
void net_hold(const struct mtd_record *r, struct net_held *held);
/* Of the ports that it holds, those that listen, because no rule of the kernel can lead them on: the
 * descriptor, which stays held's, and where it leads. */
typedef void net_relayed_fn(int fd, const char *address, unsigned port, void *arg);
void net_each_relayed(const struct mtd_record *r, const struct net_held *held,
                      net_relayed_fn *fn, void *arg);
/* Makes the interfaces of the endpoints from that one on, in the namespace ns_fd has open. */
int net_connect(struct store *s, const struct mtd_record *r, int ns_fd, size_t from,
                struct mtd_error *err);
/* Gives back what the record says. held: its ports, or none, when others may have got them. */
void net_release(struct store *s, struct mtd_record *r, const struct net_held *held);
/* The same by id alone, of a container without a record or whose start was cut off. */
void net_forget(struct store *s, const char *id);

/* What the kernel remembers of flows of datagrams to ports of the host: a client that goes on sending is led
 * where the port led before. To look for them takes milliseconds, so it is for when nobody waits; changes of a
 * live container do it themselves. All zero = none. */
struct net_flows {
    struct mtd_port *ports;
    size_t n;
    char *address, *address6; /* where they lead */
};
void net_flows_done(struct net_flows *f);
void net_flows_note(struct net_flows *f, const struct mtd_status *st);
/* Once it has run: those that lead to it; at its start, strays: those that do not. */
void net_flows_forget(struct net_flows *f, bool strays);

/* ---- changes of a live container ----
 *
 * From net_change_begin() until net_change_end() the record may say something else than the
 * kernel; the record counts. Whoever finds a change that its process did not end, or failed
 * to make, calls net_settle(). The container's lock is held. */

int net_change_begin(struct store *s, const char *id);
bool net_change_is_noted(struct store *s, const char *id);
void net_change_end(struct store *s, const char *id);
/* At the container's end: what a killed process added is in no record. */
void net_change_drop(struct store *s, const char *id);
/* Makes the kernel and the books as the record is. ns_fd -1 = it waits to be started again, and has
 * no interface. */
void net_settle(struct store *s, const struct mtd_record *r, int ns_fd);
/* The ids of changes that were begun; at most 64 at a time. Count. */
int net_changes(struct store *s, char ret[64][MTD_ID_SIZE]);

/* A further network, and its end: then another network of its own is the way out, and where its
 * ports lead. held: ports that are published by it, of a container that was on no network.
 * net_leave: ns_fd as above. */
int net_join(struct store *s, struct mtd_record *r, const struct mtd_join *j, int ns_fd,
             struct net_held *held, struct mtd_error *err);
int net_leave(struct store *s, struct mtd_record *r, size_t endpoint, int ns_fd,
              struct mtd_error *err);
/* Another name of a container in all of its networks. First in the record, before that is written
 * with the name; it is a change, which is to be ended. */
int net_plan_rename(struct mtd_record *r, const char *name);
int net_rename(struct store *s, const struct mtd_record *r, const char *old,
               struct mtd_error *err);
/* Publishes, or no longer publishes, ports of a live container: status.ports. Who is to hold
 * them is its monitor: it is to be given held and to be told. had: what it holds already. */
int net_publish(struct store *s, struct mtd_record *r, const struct mtd_port *ports,
                size_t n, const struct mtd_port *had, size_t n_had, struct net_held *held,
                struct mtd_error *err);
/* Does port a have all that is said in b? */
bool net_port_matches(const struct mtd_port *a, const struct mtd_port *b);
int net_unpublish(struct mtd_record *r, const struct mtd_port *ports, size_t n,
                  struct mtd_error *err);
/* "8080/tcp", "127.0.0.1:8080/udp", for messages. */
#define NET_PORT_TEXT 80
char *net_port_text(const struct mtd_port *p, char ret[NET_PORT_TEXT]);

/* Whether it could be published now, beside what is; -EADDRINUSE: err names who has it. */
int net_check_port(struct store *s, const struct mtd_port *p, struct mtd_error *err);
/* Bytes by the interface of a process's namespace that has the address, "10.1.0.2/16"; NULL =
 * all but lo. -ENOENT = there is none. */
int net_traffic(pid_t pid, const char *address, uint64_t *ret_rx, uint64_t *ret_tx);

/* For each published port of a running container whether a process inside listens at it, other than on its
 * loopback. -ESRCH. */
int net_heard(const struct mtd_status *st, bool *heard);

/* Some other program has flushed the table, or an older version made it: it is made again,
 * with the ports of all live containers. QUICK asks for the table, one message; DEEP for its rules
 * as well; ANEW asks nothing. err may be NULL. */
enum net_depth { NET_QUICK, NET_DEEP, NET_ANEW };
int net_mend(struct store *s, enum net_depth how, struct mtd_error *err);
/* A socket that is readable when something was deleted from the host's tables; but for elements of
 * sets, which come and go with containers. -errno */
int net_watch(void);

/* ---- what is wrong ---- */

/* Tables of other programs that drop what a network's containers send and get by the host: a
 * sentence for each, with the command that ends it. */
#define NET_OBSTACLE_SIZE 640
typedef void net_obstacle_fn(const char *network, const char *text, void *arg);
void net_each_obstacle(struct store *s, const char *network, net_obstacle_fn *fn,
                       void *arg);

/* Compares the kernel with what is recorded. The table, and the bridges of networks that are in
 * use, are NET_FAULT_HOST: net_restore() mends them. What is a container's: net_settle(), or
 * net_forget() if it does not live. id "" = none. object: what is wrong, the same each time. */
enum net_fault {
    NET_FAULT_HOST,
    NET_FAULT_CONTAINER,
    NET_FAULT_STRAY,
    NET_FAULT_ELSEWHERE /* nothing is known: it is in another network namespace */
};
typedef void net_fault_fn(enum net_fault fault, const char *id, const char *object,
                          const char *text, void *arg);
void net_verify(struct store *s, net_fault_fn *fn, void *arg);
/* Of a live container. */
void net_verify_one(struct store *s, const struct mtd_record *r, net_fault_fn *fn,
                    void *arg);
/* The table, and the bridges that have containers, made anew. */
int net_restore(struct store *s, struct mtd_error *err);

/* ---- names, for the one that answers questions about them ---- */

#define NET_NAME_MAX 253
/* <run-root>/<id>/network: what whoever answers the container's questions has to know. Lines
 * "network NAME", "dns ADDRESS", and "inside" when nothing is to be asked of others. */
#define NET_NOTE "network"

/* The addresses of a name in a network, as text; name in lower case. Count. */
typedef void net_address_fn(const char *address, void *arg);
int net_find_name(int run_fd, const char *network, const char *name, net_address_fn *fn,
                  void *arg);
/* The first name of who has the address; -ENOENT. */
int net_find_address(int run_fd, const char *network, const char *address,
                     char ret[NET_NAME_MAX + 1]);

#endif
