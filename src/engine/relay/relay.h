/* relay - connections that no rule of the kernel can lead on: what comes to a listening socket is accepted,
 * another connection is made for it, and bytes go both ways between the two.
 * Shape   listeners and connections are behind one descriptor to be polled. Bytes stay in the kernel:
 *         splice by a pipe for each way, which is filled again when it is empty. The end of one way
 *         is passed on, the other one goes on; what breaks on one side is reset on the other.
 * Memory  none until the first connection; what connections need goes with the last one.
 * Trust   both ends are hostile: neither is waited for, nothing that one of them leaves undone is
 *         asked about again and again, and there are at most RELAY_MAX connections. More wait
 *         in the kernel until one ends.
 * Errors  0 or -errno, without a sentence.
 * Owner   the listening sockets are the caller's, all else is the relay's.
 * Process the container's monitor, which ignores SIGPIPE.
 * Source  splice(2), epoll(7)
 */
#ifndef ENGINE_RELAY_RELAY_H
#define ENGINE_RELAY_RELAY_H

#include <stdbool.h>
#include <stddef.h>

#define RELAY_MAX 256

struct relay_listener;
struct relay_work;
struct relay {
    int poll_fd; /* readable = call relay_turn; -1 = nothing to relay */
    size_t n;
    struct relay_listener *listeners;
    struct relay_work *work; /* NULL = no connection */
    bool full;               /* listeners are not looked at */
};
#define RELAY_NONE    \
    {                 \
        .poll_fd = -1 \
    }
/* fd listens, and is made non-blocking; what comes to it goes to that port of an address, IPv4 or IPv6. */
int relay_listen(struct relay *r, int fd, const char *address, unsigned port);
/* No listener any more, to be called before they are closed. Connections go on. */
void relay_forget(struct relay *r);
void relay_close(struct relay *r); /* and no connection either */
/* Never waits. true = something was done. */
bool relay_turn(struct relay *r);

#endif
