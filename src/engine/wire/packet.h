/* packet - the messages between a monitor and its clients on the attach socket.
 * Shape   SOCK_SEQPACKET: one message = one struct packet_head + payload of `len` bytes,
 *         at most PACKET_MAX in all. The socket pair of a front end that starts a
 *         container carries the same. Output does not travel here: the monitor tells the
 *         clients that asked for it that the log has grown (PACKET_LOG, at most one
 *         unread), and they read the log at their own pace. A client holds the log files
 *         that it has not read yet (log.h), so it cannot lose a byte.
 * Units   host byte order and layout: both ends are the same program on the same machine.
 * Errors  -errno; -EBADMSG = malformed, -EAGAIN = would block, -EPIPE / 0 = peer gone.
 *         err, where there is one, says what could not be done.
 * Owner   returned fds are the caller's, close-on-exec.
 * Source  unix(7).
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
    /* uint64_t: the log has grown. The client sends it first, with flags as below, to ask
     * for these messages, and again when it continues in the log's next file. At most one
     * is unread by a client, so that an EXIT always finds room. */
    PACKET_LOG,
    PACKET_EXIT, /* struct packet_exit: last message, the record is on disk */
    /* client to monitor */
    PACKET_STDIN,    /* bytes; empty = end of input */
    PACKET_RESIZE,   /* struct packet_size */
    PACKET_STOPPING, /* the user stops the container: the restart policy is suspended */
    PACKET_SHUTDOWN, /* the host goes down: the policy is suspended until the next boot */
    /* struct packet_begin, from the front end that made the monitor's process, once: the
     * record is written. The monitor touches nothing before it. */
    PACKET_BEGIN,
    /* uint32_t: more of them follow. The record's networks or ports have changed; with it come
     * sockets that hold ports of the host. The monitor takes them over, lets go what is no longer
     * published, and answers with the same. One of an older version drops the client. */
    PACKET_NETWORK,
    PACKET_LIMIT
};
/* Of a client's PACKET_LOG. A monitor of an older version knows none of them. */
enum {
    PACKET_GIVES_INPUT = 1, /* when this client goes, so does the container's input */
    PACKET_NO_OUTPUT = 2    /* it is not to be told of the log */
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
struct packet_begin {
    uint16_t rows, cols;  /* of its terminal; 0 = none */
    uint32_t gives_input; /* when it goes, so does the container's input */
    uint32_t attaches;    /* it is there for the output, too */
    char boot_id[BOOT_ID_LEN + 1];
};
#define PACKET_MAX 32768
#define PACKET_DATA_MAX (PACKET_MAX - sizeof(struct packet_head))

/* Sends one message, without SIGPIPE; flags: MSG_DONTWAIT or 0. -EMSGSIZE = len is above
 * PACKET_DATA_MAX. */
int packet_send(int fd, enum packet_type type, const void *data, size_t len, int flags);
/* Receives one message into buf (PACKET_MAX bytes); flags as above. Returns its type (>
 * 0), 0 = peer closed, or -errno. *ret_data points into buf; the lengths of the structs
 * are checked. */
int packet_recv(int fd, void *buf, int flags, const void **ret_data, size_t *ret_len);

/* With descriptors, which stay the sender's, or become the receiver's. */
#define PACKET_FDS 64
struct packet_fds {
    int fds[PACKET_FDS];
    size_t n;
};
int packet_send_fds(int fd, enum packet_type type, const void *data, size_t len,
                    const int *fds, size_t n);
int packet_recv_fds(int fd, void *buf, int flags, const void **ret_data, size_t *ret_len,
                    struct packet_fds *ret);
void packet_fds_close(struct packet_fds *f);

/* The socket "attach", mode 0600, in the container's run directory, which is given by fd
 * so that no path is too long. Listening replaces an old socket; the new one is
 * non-blocking. */
int packet_listen(int run_fd, struct mtd_error *err);
/* -ECONNREFUSED or -ENOENT = no monitor. */
int packet_connect(int run_fd, struct mtd_error *err);

#endif
