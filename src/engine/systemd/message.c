/* Only this machine's byte order is spoken: both ends are on it. */

#include "engine/systemd/message.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ORDER 'l'
#else
#define ORDER 'B'
#endif
#define FIELDS_MAX 4096u

enum field {
    FIELD_PATH = 1,
    FIELD_INTERFACE,
    FIELD_MEMBER,
    FIELD_ERROR,
    FIELD_REPLY,
    FIELD_DESTINATION,
    FIELD_SENDER,
    FIELD_SIGNATURE
};

/* ---- writing ---- */

static void add(struct systemd_properties *p, const void *data, size_t n)
{
    if (p->rc == 0)
        p->rc = buf_add(&p->bytes, data, n);
}

void message_align(struct systemd_properties *p, size_t n)
{
    static const char zero[8];
    add(p, zero, (n - p->bytes.len % n) % n);
}

void message_fixed(struct systemd_properties *p, const void *v, size_t n)
{
    message_align(p, n);
    add(p, v, n);
}

void message_byte(struct systemd_properties *p, uint8_t v)
{
    add(p, &v, 1);
}

void message_u32(struct systemd_properties *p, uint32_t v)
{
    message_fixed(p, &v, sizeof(v));
}

void message_u64(struct systemd_properties *p, uint64_t v)
{
    message_fixed(p, &v, sizeof(v));
}

void message_text(struct systemd_properties *p, const char *s)
{
    message_u32(p, (uint32_t)strlen(s));
    add(p, s, strlen(s) + 1);
}

void message_signature(struct systemd_properties *p, const char *s)
{
    message_byte(p, (uint8_t)strlen(s));
    add(p, s, strlen(s) + 1);
}

/* The padding before the first element is there without one, too, and no part of the length. */
size_t message_open_array(struct systemd_properties *p, size_t alignment,
                          size_t *ret_from)
{
    message_u32(p, 0);
    size_t length_at = p->bytes.len - sizeof(uint32_t);
    message_align(p, alignment);
    *ret_from = p->bytes.len;
    return length_at;
}

void message_close_array(struct systemd_properties *p, size_t length_at, size_t from)
{
    uint32_t n = (uint32_t)(p->bytes.len - from);
    if (p->rc == 0)
        memcpy(p->bytes.data + length_at, &n, sizeof(n));
}

static void add_field(struct systemd_properties *p, enum field code, const char *type,
                      const char *value)
{
    if (!value)
        return;
    message_align(p, 8);
    message_byte(p, (uint8_t)code);
    message_signature(p, type);
    if (*type == 'g')
        message_signature(p, value);
    else
        message_text(p, value);
}

void message_encode(struct systemd_properties *ret, const struct message_call *c,
                    uint32_t serial, const struct systemd_properties *body)
{
    size_t from, length_at;
    message_byte(ret, ORDER);
    message_byte(ret, MESSAGE_CALL);
    message_byte(ret, c->no_reply ? MESSAGE_NO_REPLY : 0);
    message_byte(ret, 1);
    message_u32(ret, body ? (uint32_t)body->bytes.len : 0);
    message_u32(ret, serial);
    length_at = message_open_array(ret, 8, &from);
    add_field(ret, FIELD_PATH, "o", c->path);
    add_field(ret, FIELD_INTERFACE, "s", c->interface);
    add_field(ret, FIELD_MEMBER, "s", c->member);
    add_field(ret, FIELD_DESTINATION, "s", c->destination);
    add_field(ret, FIELD_SIGNATURE, "g", c->signature);
    message_close_array(ret, length_at, from);
    message_align(ret, 8);
    if (body && body->rc < 0 && ret->rc == 0)
        ret->rc = body->rc;
    if (body)
        add(ret, body->bytes.data, body->bytes.len);
}

/* ---- reading ---- */

static const unsigned char *take(struct message_reader *r, size_t alignment, size_t n)
{
    size_t at = r->at + (alignment - r->at % alignment) % alignment;
    if (r->bad || at > r->len || n > r->len - at) {
        r->bad = true;
        return NULL;
    }
    r->at = at + n;
    return r->start + at;
}

uint32_t message_read_u32(struct message_reader *r)
{
    uint32_t v = 0;
    const unsigned char *at = take(r, sizeof(v), sizeof(v));
    if (at)
        memcpy(&v, at, sizeof(v));
    return v;
}

/* Its end is where the length says, and nowhere before. */
static const char *read_bytes(struct message_reader *r, size_t n)
{
    const char *text = (const char *)take(r, 1, n);
    const char *end = (const char *)take(r, 1, 1);
    if (text && end && *end == '\0' && !memchr(text, 0, n))
        return text;
    r->bad = true;
    return "";
}

const char *message_read_text(struct message_reader *r)
{
    return read_bytes(r, message_read_u32(r));
}

const char *message_read_signature(struct message_reader *r)
{
    const unsigned char *n = take(r, 1, 1);
    return n ? read_bytes(r, *n) : "";
}

/* A field that is not known is skipped, which its type allows when it is a simple one. */
static void read_field(struct message_reader *r, struct message *m)
{
    const char **const TEXTS[] = {
        [FIELD_PATH] = &m->path,     [FIELD_INTERFACE] = &m->interface,
        [FIELD_MEMBER] = &m->member, [FIELD_ERROR] = &m->error,
        [FIELD_SENDER] = &m->sender, [FIELD_SIGNATURE] = &m->signature};
    const unsigned char *code = take(r, 8, 1);
    const char *type = message_read_signature(r), *text = NULL;
    uint32_t number = 0;
    if (strcmp(type, "s") == 0 || strcmp(type, "o") == 0)
        text = message_read_text(r);
    else if (strcmp(type, "g") == 0)
        text = message_read_signature(r);
    else if (strcmp(type, "u") == 0)
        number = message_read_u32(r);
    else
        r->bad = true;
    if (r->bad || !code)
        return;
    if (*code == FIELD_REPLY)
        m->reply_to = number;
    else if (text && *code < ARRAY_SIZE(TEXTS) && TEXTS[*code])
        *TEXTS[*code] = text;
}

static size_t padded(size_t n)
{
    return (n + 7) / 8 * 8;
}

int message_size(const unsigned char *header, size_t *ret)
{
    uint32_t body, fields;
    memcpy(&body, header + 4, sizeof(body));
    memcpy(&fields, header + 12, sizeof(fields));
    if (header[0] != ORDER || header[3] != 1 || header[1] < MESSAGE_CALL ||
        fields > FIELDS_MAX || body > SYSTEMD_MAX_BYTES)
        return -EPROTO;
    *ret = MESSAGE_HEADER + padded(fields) + body;
    return 0;
}

int message_decode(struct message *ret, const unsigned char *bytes, size_t size)
{
    uint32_t fields;
    *ret = (struct message){bytes[1], 0, "", "", "", "", "", "", {0}};
    memcpy(&fields, bytes + 12, sizeof(fields));
    size_t body = MESSAGE_HEADER + padded(fields);
    if (body > size)
        return -EPROTO;
    struct message_reader r = {bytes, MESSAGE_HEADER, MESSAGE_HEADER + fields, false};
    while (!r.bad && r.at < r.len)
        read_field(&r, ret);
    ret->body = (struct message_reader){bytes + body, 0, size - body, false};
    return r.bad ? -EPROTO : 0;
}
