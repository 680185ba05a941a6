/* dns/internal.h - what the files of dns share.
 * Shape   reply.c gets an answer to whoever asked, pass.c asks others, server.c has the sockets of the
 *         container's side and decides which of the two it is. */
#ifndef ENGINE_DNS_INTERNAL_H
#define ENGINE_DNS_INTERNAL_H

#include <netinet/in.h>

#include "engine/dns/dns.h"

#define ASKED_MAX 64   /* questions to others at a time */
#define STREAMS_MAX 16 /* connections of askers */
#define PATIENCE 5     /* seconds until the last server, or an asker, is given up */
#define IMPATIENCE 2   /* until another server is asked */

/* A connection of an asker, whose questions come one after the other. */
struct stream {
    int fd;          /* <= 0 = free */
    unsigned serial; /* which connection it is: the slot is used again */
    unsigned age;
    size_t got;
    unsigned char data[2 + DNS_MESSAGE_MAX];
};

/* To whom an answer goes: an address, or a stream. */
struct asker {
    struct sockaddr_in address;
    int stream; /* -1 = by UDP */
    unsigned serial;
};

/* A question that was passed on. */
struct asked {
    int fd; /* <= 0 = free */
    struct asker asker;
    uint16_t id;
    size_t server, len;
    unsigned age;
    bool by_tcp;
    struct dns_question question;
    unsigned char
        data[2 + DNS_MESSAGE_MAX]; /* the question, behind room for its length */
};

/* Mapped zeroed; what is not used is never touched. */
struct dns_work {
    unsigned busy, serial; /* slots that are taken */
    struct asked asked[ASKED_MAX];
    struct stream streams[STREAMS_MAX];
    unsigned char buffer[2 + 65536];
    struct dns_answer answer;
    char servers[DNS_SERVERS][46];
};

enum kind { KIND_UDP, KIND_TCP, KIND_TIMER, KIND_STREAM, KIND_ASKED };
#define TAG(kind, index) ((uint64_t)(kind) << 32 | (uint32_t)(index))

/* ---- reply.c ---- */

int dns_watch(const struct dns_server *d, int fd, enum kind kind, size_t index,
              uint32_t events);
void dns_set_timer(
    struct dns_server *d); /* a tick a second while something is under way */
void dns_drop_stream(struct dns_server *d, struct stream *t);
void dns_reply(struct dns_server *d, const struct asker *to, const void *data,
               size_t len);
/* An answer of our own is made in the work; data: the question as it came. */
struct dns_answer *dns_begin(struct dns_server *d, const struct dns_question *q,
                             const void *data, const struct asker *to);
/* Ends it, and sends it. */
void dns_finish(struct dns_server *d, const struct dns_question *q,
                const struct asker *to, int code);
/* One with nothing but that code. */
void dns_fail(struct dns_server *d, const struct dns_question *q, const void *data,
              const struct asker *to, int code);

/* ---- pass.c ---- */

void dns_pass_on(struct dns_server *d, const struct dns_source *s,
                 const struct dns_question *q, const void *data, size_t len,
                 const struct asker *from);
void dns_take_answer(struct dns_server *d, size_t index, uint32_t events);
void dns_age_asked(struct dns_server *d, unsigned seconds);

#endif
