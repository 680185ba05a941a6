/* sync - the handshake between the monitor and init, on fd 3 of init.
 * Shape   a SOCK_SEQPACKET pair. monitor -> init: one byte 'G' = go on to the command.
 *         init -> monitor: a struct mtd_error (init failed), 'T' with an fd (the
 *         terminal's master), 'E' (exec comes next; of a bundle's init: "start" does),
 *         'M' (its mounts are made), 'L' with a number (of init's descriptor for a seccomp
 *         listener: to be taken by pidfd_getfd, and answered by another 'G'). EOF after 'E' = the exec succeeded
 *         (fd 3 is close-on-exec); EOF before it = init died. To init, EOF means abort,
 *         never go.
 * Errors  0 or -errno, without a sentence; -EBADMSG = an unknown message.
 * Owner   fds are close-on-exec and the caller's, also the one received.
 * Source  unix(7), cmsg(3).
 */
#ifndef ENGINE_WIRE_SYNC_H
#define ENGINE_WIRE_SYNC_H

#include "engine/types.h"

enum sync_event {
    SYNC_EOF,
    SYNC_ERROR,
    SYNC_TTY,
    SYNC_EXEC,
    SYNC_MOUNTED,
    SYNC_LISTENER
};

/* The senders do not block for long: the buffer holds all that one side ever sends. */
int sync_pair(int *ret_monitor, int *ret_init);
int sync_go(int fd);
int sync_wait_go(int fd); /* 0 = go, -ECANCELED = the monitor is gone */
int sync_send_error(int fd, const struct mtd_error *err);
int sync_send_tty(int fd, int master);
int sync_send_exec(int fd);
int sync_send_mounted(int fd);
/* By write and read alone, as its filter is loaded already; waits for the answer. -ECANCELED */
int sync_hand_listener(int fd, int number);
/* Blocks. Returns an enum sync_event or -errno. *ret_err is set for SYNC_ERROR, *ret_fd,
 * the master, for SYNC_TTY; of SYNC_LISTENER the number is in ret_err->code. */
int sync_recv(int fd, struct mtd_error *ret_err, int *ret_fd);

#endif
