/* netlink - messages to the kernel's network configuration, for rtnetlink and nfnetlink alike.
 * Shape   a request is one or more messages in a struct netlink_request of the caller's; they
 *         go out with one send, and each is acknowledged. Building never fails: what does not
 *         fit is remembered, and sending refuses it (-EMSGSIZE).
 * Answers are looked at through a span, which no length in them can leave.
 * Waits   for nothing but the kernel's own work, which is done when send returns.
 * Errors  0 or -errno, without a sentence: only the caller knows what was wanted.
 * Owner   struct netlink owns its descriptor; everything else is the caller's memory.
 * Process any. The network namespace is the one the socket was opened in.
 * Source  netlink(7), rtnetlink(7), linux/netfilter/nfnetlink.h; libnl and libnftables were
 *         not taken: the one has no nf_tables, the other no static library.
 */
#ifndef ENGINE_NETLINK_NETLINK_H
#define ENGINE_NETLINK_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netlink {
    int fd;
    uint32_t seq; /* of the last message */
};
#define NETLINK_NONE \
    {                \
        .fd = -1     \
    }
int netlink_open(struct netlink *ret,
                 int protocol); /* NETLINK_ROUTE, NETLINK_NETFILTER */
void netlink_close(struct netlink *n);

/* ---- requests ---- */

#define NETLINK_REQUEST_MAX 16384
struct netlink_request {
    size_t len, message;  /* message: where the one that is being made begins */
    unsigned count, acks; /* messages, and those that are acknowledged */
    bool full;
    _Alignas(4) unsigned char data[NETLINK_REQUEST_MAX];
};
void netlink_request_init(struct netlink_request *r);
/* Begins a message with its fixed header (struct ifinfomsg, nfgenmsg ...). NLM_F_REQUEST is
 * added to the flags, NLM_F_ACK unless it is a dump or NETLINK_QUIET is among them: what frames
 * a batch is answered only when it fails. */
#define NETLINK_QUIET 0x8000
void netlink_message(struct netlink_request *r, uint16_t type, uint16_t flags,
                     const void *header, size_t len);
void netlink_put(struct netlink_request *r, uint16_t type, const void *data, size_t len);
void netlink_put_u8(struct netlink_request *r, uint16_t type, uint8_t value);
void netlink_put_u32(struct netlink_request *r, uint16_t type, uint32_t value);
/* In the network's byte order, as nf_tables wants its numbers. */
void netlink_put_be32(struct netlink_request *r, uint16_t type, uint32_t value);
void netlink_put_text(struct netlink_request *r, uint16_t type, const char *text);
/* Attributes up to the end are inside of this one. */
size_t netlink_nest(struct netlink_request *r, uint16_t type);
void netlink_nest_end(struct netlink_request *r, size_t nest);

/* ---- answers ---- */

struct netlink_span {
    const unsigned char *at;
    size_t left;
};
struct netlink_answer {
    uint16_t type, flags;
    uint32_t seq;
    struct netlink_span body; /* behind the header of netlink itself */
};
struct netlink_attribute {
    uint16_t type; /* without the flags for nesting and byte order */
    struct netlink_span value;
};
/* Takes the next from the span; false = there is none that is whole. */
bool netlink_next_answer(struct netlink_span *s, struct netlink_answer *ret);
bool netlink_next_attribute(struct netlink_span *s, struct netlink_attribute *ret);
/* The message's fixed header, zeroed where it is too short; the span moves behind it. */
void netlink_take_header(struct netlink_span *s, void *ret, size_t len);
/* The first attribute of that type below the span; false = there is none. */
bool netlink_find(struct netlink_span s, uint16_t type, struct netlink_span *ret);
uint32_t netlink_u32(struct netlink_span s);  /* 0 = too short */
uint32_t netlink_be32(struct netlink_span s); /* from the network's byte order */
/* A terminated text; false = it does not fit, or has no end. */
bool netlink_text(struct netlink_span s, char *ret, size_t size);

/* What is called for each answer that is no acknowledgement. A negative return ends it. */
typedef int netlink_fn(const struct netlink_answer *a, void *arg);

/* Sends all messages and takes the acknowledgements. The first error, and which message it
 * was about (0 = the first; ret_failed may be NULL). */
int netlink_send(struct netlink *n, struct netlink_request *r, unsigned *ret_failed);
/* The same of one message that is a question, or a dump. -EINTR = what was dumped changed
 * meanwhile: ask again. */
int netlink_ask(struct netlink *n, struct netlink_request *r, netlink_fn *fn, void *arg);

#endif
