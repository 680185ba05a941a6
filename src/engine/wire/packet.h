/* packet - what a monitor and its clients say to each other on the attach socket.
 * Shape   SOCK_SEQPACKET: one message = one struct packet_head + payload of `len` bytes; at
 *         most PACKET_MAX in all. The same on the socketpair a starting front end holds.
 *         Output does not travel here: it is in the log first and last. The monitor says how
 *         that the log has grown (PACKET_LOG, at most one that is not read yet), to who has
 *         asked for that; the client reads the log at its own pace and holds what it has
 *         still to read (log.h), so it cannot lose a byte.
 * Errors  -errno; -EBADMSG = malformed, -EAGAIN = would block, -EPIPE / 0 = peer gone.
 */
#ifndef ENGINE_WIRE_PACKET_H
#define ENGINE_WIRE_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "engine/types.h"

enum packet_type {
    /* monitor to client */
    PACKET_READY = 1, /* struct packet_ready: the command runs */
    PACKET_ERROR,     /* struct mtd_error: the start failed, everything is undone */
    PACKET_LOG,       /* uint64_t: the log has grown. To the monitor: tell me; again: I go
                         on in the log's next file. One at most is on its way to a client,
                         so an EXIT always finds room. */
    PACKET_EXIT,      /* struct packet_exit: last message, the record is on disk */
    /* client to monitor */
    PACKET_STDIN,    /* bytes; empty = end of input */
    PACKET_RESIZE,   /* struct packet_size */
    PACKET_STOPPING, /* the user stops it: the restart policy rests */
    PACKET_SHUTDOWN, /* the host goes down: it rests until the host's next start */
    PACKET_LIMIT
};
struct packet_head {
    uint32_t type, len;
};
struct packet_ready {
    int32_t pid, tty;
    uint64_t log_offset; /* output of this run begins here */
};
struct packet_exit {
    int32_t code, signal, oom, restarting;
    uint64_t log_size;
};
struct packet_size {
    uint16_t rows, cols;
};
#define PACKET_MAX 32768
#define PACKET_DATA_MAX (PACKET_MAX - sizeof(struct packet_head))

/* One message, MSG_NOSIGNAL; flags: MSG_DONTWAIT or 0. */
int packet_send(int fd, enum packet_type type, const void *data, size_t len, int flags);
/* Into buf (PACKET_MAX bytes): returns the type (> 0), 0 = peer closed, -errno. *ret_data
 * points into buf; lengths of the fixed structs are already checked. */
int packet_recv(int fd, void *buf, int flags, const void **ret_data, size_t *ret_len);

/* <run dir>/attach: path sockets 0600, by directory fd so that no path is too long. */
int packet_listen(int run_fd, struct mtd_error *err);
int packet_connect(int run_fd,
                   struct mtd_error *err); /* -ECONNREFUSED/-ENOENT = no monitor */

#endif
