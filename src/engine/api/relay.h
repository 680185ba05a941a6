/* relay - the client side of a container's stdio: the loop behind mtd_relay().
 * Shape   poll over stdin, the attach socket and a signalfd. Input goes over the
 *         socket, output comes from the log (packet.h says why). Terminal
 *         handling is host/tty.h's.
 * Process front end. Blocks SIGINT SIGTERM SIGHUP SIGWINCH ... and reads them from a
 *         signalfd while it runs; the mask is restored.
 */
#ifndef ENGINE_API_RELAY_H
#define ENGINE_API_RELAY_H

#include <signal.h>

#include "engine/engine.h"

struct relay_target {
    int socket;                /* the connection to the monitor; borrowed, as all here */
    struct log_reader *reader; /* at the first byte to show */
    bool tty, redraw;
    int (*open_process)(
        void *arg); /* a pidfd of pid 1, for a signal to pass on; or -errno */
    void *arg;
};
/* What it reads, with or without passing signals on. */
void container_relay_signals(sigset_t *set, bool proxy);

int container_relay(const struct relay_target *t, const struct mtd_relay *r,
                    int *ret_status, struct mtd_error *err);

#endif
