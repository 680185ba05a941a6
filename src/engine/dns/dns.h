/* dns - the answers to a container's questions about names.
 * Shape   dns_message_*: pure code over bytes. A server: sockets at 127.0.0.11:53 of the container's
 *         namespace, behind one descriptor to be polled; what it is asked it looks up in the state
 *         directory, or asks the host's name servers from the host's namespace.
 * Memory  none until it is asked; what questions need goes when all are answered.
 * Trust   questions are a container's, answers a network's: both are data with limits. An answer
 *         counts if it comes from who was asked, to the port and with the number of the question,
 *         both random, and repeats the question.
 * Errors  0 or -errno, without a sentence.
 * Process the container's monitor.
 * Source  RFC 1034, 1035, 2181, 6891; docker's server at the same address.
 */
#ifndef ENGINE_DNS_DNS_H
#define ENGINE_DNS_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- messages ---- */

#define DNS_NAME_MAX 254     /* as text, with its end */
#define DNS_MESSAGE_MAX 4096 /* that is taken or given by UDP */
#define DNS_STREAM_MAX 65535 /* that is given by TCP */
#define DNS_UDP_PLAIN 512    /* for who does not say that it takes more */
enum {
    DNS_A = 1,
    DNS_NS = 2,
    DNS_SOA = 6,
    DNS_PTR = 12,
    DNS_AAAA = 28,
    DNS_DS = 43,
    DNS_DNSKEY = 48,
    DNS_ANY = 255
};
enum {
    DNS_OK = 0,
    DNS_FORMAT = 1,
    DNS_FAILED = 2,
    DNS_NO_NAME = 3,
    DNS_UNKNOWN = 4,
    DNS_REFUSED = 5
};

struct dns_question {
    uint16_t id, type, class;
    bool recursion, edns;
    unsigned room;           /* bytes that the asker takes by UDP */
    size_t end;              /* of the question within the message */
    char name[DNS_NAME_MAX]; /* lower case, without the last dot; "" = the root */
    bool plain;              /* the name has none but letters, digits, - _ . */
};
/* -EBADMSG = not a question. */
int dns_message_question(const void *data, size_t len, struct dns_question *ret);
/* The address in "9.0.18.172.in-addr.arpa" or ip6.arpa as text; false = not such a name. */
bool dns_message_reverse(const char *name, char ret[46]);

/* An answer to the question at the head of data, which it repeats. */
struct dns_answer {
    size_t len, room;
    unsigned count;
    bool full; /* there was more than fits */
    unsigned char data[DNS_STREAM_MAX];
};
/* room: bytes the asker takes. */
void dns_answer_begin(struct dns_answer *a, const void *question,
                      const struct dns_question *q, size_t room);
void dns_answer_address(struct dns_answer *a, const void *bytes, size_t len); /* 4, 16 */
void dns_answer_name(struct dns_answer *a, const char *name); /* of a PTR */
/* If not all fitted it is marked as cut. */
void dns_answer_end(struct dns_answer *a, const struct dns_question *q, int code);
/* The answer in data is to this question, by number and by repeating it. */
bool dns_message_answers(const void *data, size_t len, uint16_t id,
                         const struct dns_question *q);

/* ---- the server ---- */

#define DNS_PORT 53
#define DNS_SERVERS 3 /* of the host that are asked */

/* What the server looks up with. */
struct dns_source {
    /* Addresses, as text, of a name in lower case; its count, or -ENOENT = no name here. */
    int (*addresses)(void *arg, const char *name,
                     void (*fn)(const char *address, void *to), void *to);
    /* The name of an address. -ENOENT. */
    int (*name)(void *arg, const char *address, char ret[DNS_NAME_MAX]);
    /* Servers to be asked for other names; 0 = none are. */
    size_t (*servers)(void *arg, char ret[DNS_SERVERS][46]);
    void *arg;
};
struct dns_server {
    int poll_fd; /* readable = call dns_server_turn; -1 = closed */
    int udp, tcp, timer;
    struct dns_work *work; /* NULL = nothing is under way */
};
#define DNS_SERVER_NONE                                  \
    {                                                    \
        .poll_fd = -1, .udp = -1, .tcp = -1, .timer = -1 \
    }
/* Call it in the container's network namespace. -EADDRINUSE. */
int dns_server_open(struct dns_server *d);
void dns_server_close(struct dns_server *d);
/* Never waits. true = something was done. */
bool dns_server_turn(struct dns_server *d, const struct dns_source *s);

#endif
