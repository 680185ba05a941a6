/* message - D-Bus messages to bytes and back, in the byte order of this machine.
 * Shape   values are appended at their alignment, which counts from the buffer's begin; read
 *         in place: texts of a message point into its bytes.
 * Errors  writing: -ENOMEM in rc, and nothing is added any more. Reading: bad, and all that is
 *         read then is 0 or "".
 * Source  dbus-specification, "Marshaling", "Message Format".
 */
#ifndef ENGINE_SYSTEMD_MESSAGE_H
#define ENGINE_SYSTEMD_MESSAGE_H

#include "engine/systemd/systemd.h"

enum message_type {
    MESSAGE_CALL = 1,
    MESSAGE_RETURN = 2,
    MESSAGE_ERROR = 3,
    MESSAGE_SIGNAL = 4
};
#define MESSAGE_NO_REPLY 1u
#define MESSAGE_HEADER 16 /* bytes that say how long it is */

void message_align(struct systemd_properties *p, size_t n);
void message_byte(struct systemd_properties *p, uint8_t v);
void message_u32(struct systemd_properties *p, uint32_t v);
void message_u64(struct systemd_properties *p, uint64_t v);
void message_fixed(struct systemd_properties *p, const void *v,
                   size_t n); /* aligned to n */
void message_text(struct systemd_properties *p, const char *s);
void message_signature(struct systemd_properties *p, const char *s);
/* The length of an array, whose elements have that alignment, to be set at its end. */
size_t message_open_array(struct systemd_properties *p, size_t alignment,
                          size_t *ret_from);
void message_close_array(struct systemd_properties *p, size_t length_at, size_t from);

struct message_call {
    const char *destination, *path, *interface, *member, *signature;
    bool no_reply;
};
void message_encode(struct systemd_properties *ret, const struct message_call *c,
                    uint32_t serial, const struct systemd_properties *body);

struct message_reader {
    const unsigned char *start;
    size_t at, len;
    bool bad;
};
uint32_t message_read_u32(struct message_reader *r);
const char *message_read_text(struct message_reader *r);
const char *message_read_signature(struct message_reader *r);

struct message {
    uint8_t type;
    uint32_t reply_to;
    const char *path, *interface, *member, *error, *sender, *signature; /* "" = none */
    struct message_reader body;
};
/* Of the first MESSAGE_HEADER bytes: how long all of it is. -EPROTO */
int message_size(const unsigned char *header, size_t *ret);
/* size: what message_size said. -EPROTO */
int message_decode(struct message *ret, const unsigned char *bytes, size_t size);

#endif
