/* "listed", the last member of a record at rest: what lists need of it, so that the first
 * list of ten thousand records parses none of them.
 * Shape   a line ` "listed": "HEX"`: layout, checksum, the summary's bytes.
 * Trust   the checksum is that of the id, of all other text of the record and of the
 *         bytes. So no matter who writes the record, when, and whether he is killed: the
 *         summary is either that of this very text or not used. A version that does not
 *         know the member leaves it out, an editor does not change it along.
 * Not     in the record of a container that runs: lists ask the kernel about it anyway,
 *         and a start shall not wait for this. */

#include "engine/store/internal.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/spec/spec.h"

#define BEGIN ",\n \"listed\": \""
#define END "\"\n}\n"
#define REST "\n}\n" /* the end of every record's text */

struct head {
    uint64_t layout, checksum;
};

static uint64_t sum_of(const char *id, const char *text, size_t len, const char *bytes,
                       size_t n)
{
    return store_checksum(store_checksum(store_checksum(len, id, MTD_ID_LEN), text, len),
                          bytes, n);
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
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < len; i++) {
        const char pair[2] = {DIGITS[p[i] >> 4], DIGITS[p[i] & 15]};
        rc = buf_add(b, pair, sizeof(pair));
    }
    return rc;
}

static int make_bytes(const struct mtd_record *r, struct buf *ret)
{
    auto_done(mtd_summary_done) struct mtd_summary s = {0};
    int rc = store_summary_make(r, &s);
    return rc < 0 ? rc : store_summary_put(ret, &s);
}

/* text without its end, then the member and the end. */
static int add_member(struct buf *ret, const struct buf *text, const struct mtd_record *r)
{
    auto_done(buf_done) struct buf bytes = {0};
    size_t len = text->len - strlen(REST);
    int rc = make_bytes(r, &bytes);
    if (rc < 0)
        return rc;
    struct head head = {store_summary_layout(),
                        sum_of(r->id, text->data, len, bytes.data, bytes.len)};
    rc = buf_add(ret, text->data, len);
    if (rc == 0)
        rc = buf_puts(ret, BEGIN);
    if (rc == 0)
        rc = put_hex(ret, &head, sizeof(head));
    if (rc == 0)
        rc = put_hex(ret, bytes.data, bytes.len);
    return rc < 0 ? rc : buf_puts(ret, END);
}

void store_listed_add(struct buf *text, const struct mtd_record *r)
{
    auto_done(buf_done) struct buf with = {0};
    if (mtd_state_is_live(r->status.state) || !ends_with(text->data, text->len, REST) ||
        add_member(&with, text, r) < 0 || with.len > SPEC_MAX_BYTES)
        return;
    struct buf without = *text;
    *text = with;
    with = without;
}

/* ---- reading ------------------------------------------------------------------------- */

/* Where the member begins, and its digits; NULL = the text does not end with it. */
static const char *find_member(const struct buf *text, const char **ret_hex,
                               size_t *ret_len)
{
    if (!ends_with(text->data, text->len, END))
        return NULL;
    const char *end = text->data + text->len - strlen(END),
               *line = memrchr(text->data, '\n', (size_t)(end - text->data));
    const char *member = line && line > text->data ? line - 1 : NULL;
    size_t head = strlen(BEGIN);
    if (!member || (size_t)(end - member) < head || memcmp(member, BEGIN, head) != 0)
        return NULL;
    *ret_hex = member + head;
    *ret_len = (size_t)(end - *ret_hex);
    return member;
}

static int value_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int take_hex(const char *hex, size_t len, struct buf *ret)
{
    for (size_t i = 0; i + 1 < len; i += 2) {
        int high = value_of(hex[i]), low = value_of(hex[i + 1]);
        if (high < 0 || low < 0)
            return -EBADMSG;
        if (buf_putc(ret, (char)(high << 4 | low)) < 0)
            return -ENOMEM;
    }
    return len % 2 ? -EBADMSG : 0;
}

int store_listed_find(const struct buf *text, const char *id, struct mtd_summary *ret)
{
    auto_done(buf_done) struct buf bytes = {0};
    struct head head;
    const char *hex;
    size_t len;
    const char *member = find_member(text, &hex, &len);
    if (!member || take_hex(hex, len, &bytes) < 0 || bytes.len < sizeof(head))
        return -ENOENT;
    memcpy(&head, bytes.data, sizeof(head));
    const char *summary = bytes.data + sizeof(head);
    size_t n = bytes.len - sizeof(head);
    if (head.layout != store_summary_layout() ||
        head.checksum !=
            sum_of(id, text->data, (size_t)(member - text->data), summary, n))
        return -ENOENT;
    return store_summary_take(summary, n, id, ret) < 0 ? -ENOENT : 0;
}
