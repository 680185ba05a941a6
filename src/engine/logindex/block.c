/* The records of one block, found by reading it once in small pieces.
 *
 * A block begins anywhere in a record; its first record begins behind the first '\n'. The
 * last one may reach into the next block. A stream's first record in a block goes on a
 * line of the block before when the stream's last record there is P, unless that block
 * holds no F record of it and the line is getting long: then it is cut at the edge. So
 * two blocks tell all there is to know about the starts in the second one.
 */
#include "engine/logindex/logindex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/logindex/internal.h"

#define CUT_BLOCKS 4

struct scan { /* a window moved over a file */
    const struct log_segment *s;
    char *buf;
    uint64_t offset; /* of buf in the file */
    size_t len;
};

/* The bytes at offset: at least `want`, or as many as the file has. Their
 * number, -errno. */
static ssize_t scan_fetch(struct scan *c, uint64_t offset, size_t want, const char **ret)
{
    bool inside = offset >= c->offset && offset < c->offset + c->len;
    size_t have = inside ? (size_t)(c->offset + c->len - offset) : 0;
    if (have < want && offset + have < c->s->size) {
        uint64_t left = c->s->size - offset;
        size_t size = left < LOG_SCRATCH ? (size_t)left : LOG_SCRATCH;
        ssize_t n = logindex_pread(c->s, c->buf, size, offset);
        if (n < 0)
            return n;
        c->offset = offset;
        c->len = have = (size_t)n;
    }
    *ret = c->buf + (offset - c->offset);
    return (ssize_t)have;
}

/* The first '\n' in [offset, limit): 1 and its offset, 0 = none, -errno. */
static int scan_newline(struct scan *c, uint64_t offset, uint64_t limit, uint64_t *ret)
{
    while (offset < limit) {
        const char *p;
        ssize_t n = scan_fetch(c, offset, 1, &p);
        if (n < 0)
            return (int)n;
        if (n == 0)
            return 0;
        if ((uint64_t)n > limit - offset)
            n = (ssize_t)(limit - offset);
        const char *nl = memchr(p, '\n', (size_t)n);
        if (nl) {
            *ret = offset + (uint64_t)(nl - p);
            return 1;
        }
        offset += (uint64_t)n;
    }
    return 0;
}

static int add_entry(struct log_block *b, uint64_t offset, const struct log_entry *e)
{
    if (e->stream == 0 && b->n > 0 && b->entries[b->n - 1].stream == 0)
        return 0; /* the run of damage goes on */
    if (b->n == b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 1024;
        struct log_entry *p = realloc(b->entries, cap * sizeof(*p));
        if (!p)
            return -ENOMEM;
        b->entries = p;
        b->cap = cap;
    }
    b->entries[b->n] = *e;
    b->entries[b->n++].offset = (uint32_t)offset;
    return 0;
}

/* What the record at offset is, from its head. */
static int read_head(struct scan *c, uint64_t offset, struct log_entry *ret)
{
    const char *p;
    struct log_record r;
    ssize_t n = scan_fetch(c, offset, LOG_HEAD + 1, &p);
    if (n < 0)
        return (int)n;
    *ret = (struct log_entry){.flags = ENTRY_FULL};
    if (n > (ssize_t)LOG_HEAD && log_parse(p, LOG_HEAD, &r) == 0) {
        ret->stream = (uint8_t)r.stream;
        ret->flags = r.full ? ENTRY_FULL : 0;
    }
    return 0;
}

static int scan_record(struct scan *c, struct log_block *b, uint64_t offset,
                       uint64_t *ret_next)
{
    struct log_entry e;
    int rc = read_head(c, offset, &e);
    if (rc < 0)
        return rc;
    uint64_t most = offset + LOG_RECORD_MAX, nl;
    uint64_t limit = most < c->s->size ? most : c->s->size;
    if ((rc = scan_newline(c, offset, limit, &nl)) < 0)
        return rc;
    if (rc == 0 && limit < most)
        return 0; /* torn: not written to its end yet */
    *ret_next = rc ? nl + 1 : most;
    if ((rc = add_entry(b, offset - (b->address - c->s->base), &e)) < 0)
        return rc;
    if (e.stream != 0) {
        b->open[e.stream] = !(e.flags & ENTRY_FULL);
        b->ended[e.stream] |= e.flags & ENTRY_FULL;
        b->run[e.stream] += (uint32_t)(*ret_next - offset);
    }
    return 1;
}

static int scan_block(struct logindex *x, const struct log_segment *s,
                      struct log_block *b)
{
    struct scan c = {.s = s, .buf = x->scratch};
    uint64_t begin = b->address - s->base, stop = begin + LOG_BLOCK, pos = begin;
    uint64_t limit = stop < s->size ? stop : s->size;
    int rc = 1;
    b->n = 0;
    b->end = 0;
    b->linked = b->complete = false;
    memset(b->open, 0, sizeof(b->open));
    memset(b->ended, 0, sizeof(b->ended));
    memset(b->run, 0, sizeof(b->run));
    if (begin > 0 && (rc = scan_newline(&c, begin - 1, limit, &pos)) > 0)
        pos++;
    if (rc == 0)
        pos = limit; /* no record begins here */
    while (rc > 0 && pos < limit)
        rc = scan_record(&c, b, pos, &pos);
    if (rc < 0)
        return rc;
    b->seen = s->size;
    b->complete = pos >= stop;
    if (b->n > 0)
        b->end = s->base + pos;
    return 0;
}

/* ---- the tables in memory ---------------------------------------------------------- */

static struct log_block *find_slot(struct logindex *x, uint64_t address)
{
    struct log_block *oldest = &x->slots[0];
    for (size_t i = 0; i < LOG_SLOTS; i++) {
        if (x->slots[i].address == address)
            return &x->slots[i];
        if (x->slots[i].used < oldest->used)
            oldest = &x->slots[i];
    }
    oldest->address = UINT64_MAX;
    return oldest;
}

static int get_block(struct logindex *x, const struct log_segment *s, uint64_t address,
                     struct log_block **ret)
{
    struct log_block *b = find_slot(x, address);
    b->used = ++x->clock;
    if (b->address != address || (!b->complete && b->seen != s->size)) {
        b->address = address;
        int rc = scan_block(x, s, b);
        if (rc < 0) {
            b->address = UINT64_MAX;
            return rc;
        }
    }
    *ret = b;
    return 0;
}

/* Whether the stream's line at the end of p goes on in the block with that number. A line
 * that fills half a block is cut, and a slowly growing one every few blocks. */
static bool goes_on(const struct log_block *p, unsigned stream, uint64_t number)
{
    bool edge = number > 0 && number % CUT_BLOCKS == 0;
    return p->open[stream] &&
           (p->ended[stream] || (p->run[stream] < LOG_BLOCK / 2 && !edge));
}

static int link_block(struct logindex *x, const struct log_segment *s,
                      struct log_block *b)
{
    bool open[3] = {false};
    uint64_t address, number = (b->address - s->base) / LOG_BLOCK;
    struct log_block *p;
    if (logindex_previous_block(x, b->address, &address)) {
        int rc = get_block(x, &x->segments[logindex_segment(x, address)], address, &p);
        if (rc < 0)
            return rc;
        for (unsigned i = 1; i < 3; i++)
            open[i] = goes_on(p, i, number);
    }
    for (size_t i = 0; i < b->n; i++) {
        struct log_entry *e = &b->entries[i];
        if (!open[e->stream])
            e->flags |= ENTRY_START;
        open[e->stream] = e->stream != 0 && !(e->flags & ENTRY_FULL);
    }
    b->linked = true;
    return 0;
}

int logindex_block(struct logindex *x, uint64_t address, const struct log_block **ret)
{
    *ret = NULL;
    size_t i = logindex_segment(x, address);
    if (i == x->n)
        return 0;
    const struct log_segment *s = &x->segments[i];
    if (address < s->base)
        address = s->base;
    struct log_block *b;
    int rc = get_block(x, s, address - (address - s->base) % LOG_BLOCK, &b);
    if (rc == 0 && !b->linked)
        rc = link_block(x, s, b);
    if (rc == 0)
        *ret = b;
    return rc;
}

int logindex_next_block(const struct logindex *x, uint64_t block, uint64_t *ret)
{
    size_t i = logindex_segment(x, block);
    if (i == x->n)
        return 0;
    uint64_t next = block + LOG_BLOCK;
    if (next < x->segments[i].base + x->segments[i].size) {
        *ret = next;
        return 1;
    }
    while (++i < x->n && x->segments[i].size == 0)
        ;
    if (i >= x->n)
        return 0;
    *ret = x->segments[i].base;
    return 1;
}

int logindex_previous_block(const struct logindex *x, uint64_t block, uint64_t *ret)
{
    size_t i = logindex_segment(x, block);
    if (i < x->n && block > x->segments[i].base) {
        *ret = block - LOG_BLOCK;
        return 1;
    }
    while (i-- > 0) {
        const struct log_segment *s = &x->segments[i];
        if (s->size > 0) {
            *ret = s->base + (s->size - 1) / LOG_BLOCK * LOG_BLOCK;
            return 1;
        }
    }
    return 0;
}

void logindex_forget_blocks(struct logindex *x, uint64_t below)
{
    for (size_t i = 0; i < LOG_SLOTS; i++) {
        struct log_block *b = &x->slots[i];
        if (b->address >= below && b->address != UINT64_MAX)
            continue;
        free(b->entries);
        *b = (struct log_block){.address = UINT64_MAX};
    }
}

uint64_t logindex_entry_end(const struct log_block *b, size_t i)
{
    return i + 1 < b->n ? b->address + b->entries[i + 1].offset : b->end;
}

size_t logindex_entry_at(const struct log_block *b, uint64_t address)
{
    size_t low = 0, high = b->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (b->address + b->entries[middle].offset < address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
