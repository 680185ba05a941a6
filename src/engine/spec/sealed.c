/* The member is the last one, so that what it is about is all before it, and is found from
 * the end without parsing anything. */

#include "engine/spec/sealed.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define END "\"\n}\n"
#define REST "\n}\n" /* the end of every text */
#define BEGIN_ROOM 40

struct head {
    uint64_t layout, checksum;
};

/* FNV-1a over words instead of bytes. */
uint64_t spec_checksum(uint64_t sum, const void *data, size_t len)
{
    const char *p = data;
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t word;
        memcpy(&word, p, 8);
        sum = (sum ^ word) * 0x100000001b3ULL;
    }
    for (; len > 0; p++, len--)
        sum = (sum ^ (unsigned char)*p) * 0x100000001b3ULL;
    return sum ^ sum >> 32;
}

static uint64_t sum_of(const struct spec_seal *s, const char *text, size_t len,
                       const char *bytes, size_t n)
{
    return spec_checksum(spec_checksum(s->seed, text, len), bytes, n);
}

static size_t put_begin(const struct spec_seal *s, char out[BEGIN_ROOM])
{
    return (size_t)snprintf(out, BEGIN_ROOM, ",\n \"%.24s\": \"", s->name);
}

static bool ends_with(const char *text, size_t len, const char *end)
{
    size_t n = strlen(end);
    return len >= n && memcmp(text + len - n, end, n) == 0;
}

static int put_hex(struct buf *b, const void *data, size_t len)
{
    static const char DIGITS[] = "0123456789abcdef";
    const unsigned char *p = data;
    int rc = buf_reserve(b, 2 * len);
    for (size_t i = 0; rc == 0 && i < len; i++) {
        const char pair[2] = {DIGITS[p[i] >> 4], DIGITS[p[i] & 15]};
        rc = buf_add(b, pair, sizeof(pair));
    }
    return rc;
}

int spec_seal(const struct spec_seal *s, const struct buf *bytes, struct buf *text)
{
    auto_done(buf_done) struct buf with = {0};
    char begin[BEGIN_ROOM];
    if (!ends_with(text->data, text->len, REST))
        return -EINVAL;
    size_t len = text->len - strlen(REST), n = put_begin(s, begin);
    struct head head = {s->layout, sum_of(s, text->data, len, bytes->data, bytes->len)};
    int rc = buf_add(&with, text->data, len);
    if (rc == 0)
        rc = buf_add(&with, begin, n);
    if (rc == 0)
        rc = put_hex(&with, &head, sizeof(head));
    if (rc == 0)
        rc = put_hex(&with, bytes->data, bytes->len);
    if (rc == 0)
        rc = buf_puts(&with, END);
    if (rc < 0)
        return rc;
    struct buf without = *text;
    *text = with;
    with = without;
    return 0;
}

/* ---- reading ------------------------------------------------------------------------- */

/* Where the member begins, and its digits; NULL = the text does not end with it. */
static const char *find_member(const struct spec_seal *s, const char *text, size_t len,
                               const char **ret_hex, size_t *ret_len)
{
    char begin[BEGIN_ROOM];
    size_t head = put_begin(s, begin);
    if (!ends_with(text, len, END))
        return NULL;
    const char *end = text + len - strlen(END),
               *line = memrchr(text, '\n', (size_t)(end - text));
    const char *member = line && line > text ? line - 1 : NULL;
    if (!member || (size_t)(end - member) < head || memcmp(member, begin, head) != 0)
        return NULL;
    *ret_hex = member + head;
    *ret_len = (size_t)(end - *ret_hex);
    return member;
}

/* Above 15: not a digit. */
static unsigned value_of(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10u : 16;
}

static int take_hex(const char *hex, size_t len, struct buf *ret)
{
    int rc = len % 2 ? -EBADMSG : buf_reserve(ret, len / 2);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < len; i += 2) {
        unsigned high = value_of((unsigned char)hex[i]),
                 low = value_of((unsigned char)hex[i + 1]);
        if ((high | low) > 15)
            return -EBADMSG;
        ret->data[ret->len++] = (char)(high << 4 | low);
    }
    return 0;
}

int spec_unseal(const struct spec_seal *s, const char *text, size_t len, struct buf *ret)
{
    auto_done(buf_done) struct buf all = {0};
    struct head head;
    const char *hex;
    size_t n;
    const char *member = find_member(s, text, len, &hex, &n);
    if (!member || take_hex(hex, n, &all) < 0 || all.len < sizeof(head))
        return -ENOENT;
    memcpy(&head, all.data, sizeof(head));
    const char *bytes = all.data + sizeof(head);
    n = all.len - sizeof(head);
    if (head.layout != s->layout ||
        head.checksum != sum_of(s, text, (size_t)(member - text), bytes, n))
        return -ENOENT;
    memmove(all.data, bytes, n);
    all.len = n;
    buf_done(ret);
    *ret = all;
    all = (struct buf){0};
    return 0;
}
