/* netbox - a host of the test's own: network and mount namespaces in which the program finds no
 * interface but lo, no rule, and no forwarding. Beside a struct state.
 * Left    net_left: elements of maps, addresses and names that are still there; "" = nothing. */
#ifndef TEST_NETBOX_H
#define TEST_NETBOX_H

#include "state.h"

/* The host and a state in it, or the test is skipped with the reason. */
void net_state_make(struct state *s);
/* A second host behind a link: 203.0.113.2, while this one is 203.0.113.1. A descriptor of its
 * network namespace. */
int net_outside(void);
const char *net_left(const struct state *s);
/* What the program says of its networks and does not show, or the other way round; "" = it agrees,
 * after a moment if need be: the kernel removes interfaces when it gets to it. */
const char *net_lies(const struct state *s);
/* Connects by TCP from the namespace (-1 = this one) and reads to the end; NULL = not reached
 * within two seconds. Static text. */
const char *net_get(int ns, const char *address, int port);
/* The same of one that is to be reached: a server listens some time after its command began. */
const char *net_await(int ns, const char *address, int port);
/* A socket connected to the name server that answers in that namespace; -1 = not connected. */
int net_name_server(int ns, int type);
/* A question about the A of a name, with that number. Its length. */
size_t net_question(unsigned char *m, const char *name, unsigned id);
/* The last address in the answer, as a number; 0 = none, or no answer within seven seconds. */
unsigned net_look_up(int ns, const char *name);
/* A listener of this process on all addresses. */
int net_listen(int port);

/* The command fails in one line that has these words. */
void net_expect_refused(const struct state *s, const char *why, const char *const args[]);
#define NET_REFUSED(s, why, ...) \
    net_expect_refused(s, why, (const char *const[]){__VA_ARGS__, NULL})
/* Of the container and of its networks nothing is left once it is removed. */
void net_expect_end(const struct state *s, const char *name);

/* The command of a container that answers each connection on that port with the kernel's line about
 * it, in which the peer's address is the third word, in hexadecimal. */
#define NET_SERVER(port) \
    "busybox", "nc", "-ll", "-p", port, "-e", "grep", " 01 ", "/proc/net/tcp6"

#endif
