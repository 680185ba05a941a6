/* bus - a connection to systemd, and calls on it.
 * Errors  -EPROTO = what came is no D-Bus, -EPIPE = it was closed, -ETIMEDOUT; -EREMOTEIO = it
 *         answered with an error: its name is in the answer.
 */
#ifndef ENGINE_SYSTEMD_BUS_H
#define ENGINE_SYSTEMD_BUS_H

#include "engine/systemd/message.h"

/* The next message, whose texts are valid until the next one is asked for. deadline: of the
 * monotonic clock. */
int bus_receive(struct systemd *s, int64_t deadline, struct message *ret);
int bus_send(struct systemd *s, const struct message_call *c,
             const struct systemd_properties *body, uint32_t *ret_serial);
/* Sends, and reads until that is answered. */
int bus_call(struct systemd *s, const struct message_call *c,
             const struct systemd_properties *body, int64_t deadline,
             struct message *ret);

#endif
