/* Line numbers need all lines before to be counted, so they are built in pieces, and a
 * sparse table of bounded size maps them to addresses. */
#include "engine/logindex/logindex.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/logindex/internal.h"

#define FIRST_STRIDE (1ull * LOG_BLOCK)

static uint64_t count_starts(const struct log_block *b, uint64_t from, uint64_t to)
{
    uint64_t n = 0;
    for (size_t i = logindex_entry_at(b, from); i < b->n; i++) {
        if (b->address + b->entries[i].offset >= to)
            break;
        n += b->entries[i].flags & ENTRY_START;
    }
    return n;
}

/* Counts the rest of the block c->at is in. 1 = there is more behind it, 0 = the end. */
static int count_block(struct logindex *x, struct log_counter *c)
{
    const struct log_block *b;
    int rc = logindex_block(x, c->at, &b);
    if (rc < 0 || !b)
        return rc;
    c->lines += count_starts(b, c->at, UINT64_MAX);
    if (c->at < b->end)
        c->at = b->end;
    uint64_t next;
    if (!logindex_next_block(x, b->address, &next))
        return 0;
    if (c->at < next)
        c->at = next;
    return 1;
}

int logindex_count(struct logindex *x, struct log_counter *c, size_t budget)
{
    for (size_t spent = 0; spent == 0 || spent < budget; spent += LOG_BLOCK) {
        int rc = count_block(x, c);
        if (rc <= 0)
            return rc;
    }
    return -EAGAIN;
}

/* ---- numbers ----------------------------------------------------------------------- */

static void halve(struct logindex *x)
{
    for (size_t i = 0; i < x->n_checkpoints; i += 2)
        x->checkpoints[i / 2] = x->checkpoints[i];
    x->n_checkpoints = (x->n_checkpoints + 1) / 2;
    x->stride *= 2;
}

static int add_checkpoint(struct logindex *x)
{
    if (!x->checkpoints) {
        x->checkpoints = malloc(LOG_CHECKPOINTS * sizeof(x->checkpoints[0]));
        if (!x->checkpoints)
            return -ENOMEM;
        x->stride = FIRST_STRIDE;
        x->numbered = (struct log_counter){.at = logindex_first(x)};
    } else if (x->numbered.at <
               x->checkpoints[x->n_checkpoints - 1].address + x->stride) {
        return 0;
    }
    if (x->n_checkpoints == LOG_CHECKPOINTS)
        halve(x);
    x->checkpoints[x->n_checkpoints++] =
        (struct log_checkpoint){.address = x->numbered.at, .number = x->numbered.lines};
    return 0;
}

int logindex_number_lines(struct logindex *x, size_t budget)
{
    for (size_t spent = 0; spent == 0 || spent < budget; spent += LOG_BLOCK) {
        int rc = add_checkpoint(x);
        if (rc == 0)
            rc = count_block(x, &x->numbered);
        if (rc <= 0)
            return rc;
    }
    return -EAGAIN;
}

uint64_t logindex_lines(const struct logindex *x)
{
    return x->numbered.lines;
}

/* The last checkpoint that is not behind number (by_number) or address. NULL = none that
 * can still be read. */
static const struct log_checkpoint *find_checkpoint(const struct logindex *x,
                                                    bool by_number, uint64_t value)
{
    size_t low = 0, high = x->n_checkpoints;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct log_checkpoint *c = &x->checkpoints[middle];
        if ((by_number ? c->number : c->address) <= value)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || x->checkpoints[low - 1].address < logindex_first(x))
        return NULL;
    return &x->checkpoints[low - 1];
}

static int nth_start(struct logindex *x, const struct log_block *b, uint64_t from,
                     uint64_t n, struct log_line *ret)
{
    for (size_t i = logindex_entry_at(b, from); i < b->n; i++)
        if ((b->entries[i].flags & ENTRY_START) && n-- == 0)
            return logindex_line_of(x, b, i, ret);
    return 0;
}

int logindex_numbered(struct logindex *x, uint64_t number, struct log_line *ret)
{
    const struct log_checkpoint *c = find_checkpoint(x, true, number);
    if (!c || number >= x->numbered.lines)
        return 0;
    uint64_t at = c->address, n = c->number;
    for (;;) {
        const struct log_block *b;
        int rc = logindex_block(x, at, &b);
        if (rc < 0 || !b)
            return rc;
        uint64_t here = count_starts(b, at, UINT64_MAX);
        if (number - n < here)
            return nth_start(x, b, at, number - n, ret);
        n += here;
        if (!logindex_next_block(x, b->address, &at))
            return 0;
    }
}

int logindex_number_of(struct logindex *x, uint64_t address, uint64_t *ret)
{
    const struct log_checkpoint *c = find_checkpoint(x, false, address);
    if (!c || address >= x->numbered.at)
        return 0;
    uint64_t at = c->address, n = c->number;
    for (;;) {
        const struct log_block *b;
        int rc = logindex_block(x, at, &b);
        if (rc < 0 || !b)
            return rc;
        n += count_starts(b, at, address);
        if (!logindex_next_block(x, b->address, &at) || at > address)
            break;
    }
    *ret = n;
    return 1;
}
