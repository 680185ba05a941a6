/* A line may have many records, with those of the other stream between them, so it is put
 * together when it is read: from any address, in either direction. */
#include "engine/logindex/logindex.h"

#include <errno.h>
#include <string.h>

#include "engine/logindex/internal.h"

#define MOST_HOPS 80 /* blocks of one line: small rotated files are blocks too */

struct parts { /* the records of one line, in order */
    const struct log_block *b;
    size_t i; /* next entry to look at */
    unsigned stream;
    int hops;  /* blocks crossed */
    bool here; /* a part stands in b */
    bool begun, done;
    bool partial;  /* the log ended first */
    uint64_t text; /* address of the part's text */
    uint64_t len;
    uint64_t end; /* of the record */
};

static void take_part(struct parts *p, const struct log_entry *e)
{
    uint64_t start = p->b->address + e->offset;
    p->end = logindex_entry_end(p->b, p->i);
    p->text = start + (e->stream ? LOG_HEAD : 0);
    p->len = p->end > p->text ? p->end - p->text - 1 : 0;
    p->done = e->flags & ENTRY_FULL;
    p->begun = p->here = true;
    p->i++;
}

/* To the next block. 1, 0 = the line does not go on there. */
static int cross(struct logindex *x, struct parts *p)
{
    uint64_t next;
    p->partial = !logindex_next_block(x, p->b->address, &next);
    if (p->partial || !p->here || p->hops++ == MOST_HOPS)
        return 0;
    int rc = logindex_block(x, next, &p->b);
    if (rc < 0 || !p->b)
        return rc;
    p->i = 0;
    p->here = false;
    return 1;
}

/* 1 = text, len, end are set, 0 = that was all. */
static int next_part(struct logindex *x, struct parts *p)
{
    int rc = p->done ? 0 : 1;
    while (rc > 0) {
        for (; p->i < p->b->n; p->i++) {
            const struct log_entry *e = &p->b->entries[p->i];
            if (e->stream != p->stream)
                continue;
            if (p->begun && (e->flags & ENTRY_START))
                return 0; /* cut here */
            take_part(p, e);
            return 1;
        }
        rc = cross(x, p);
    }
    return rc;
}

static struct parts first_part(const struct log_block *b, size_t i)
{
    return (struct parts){.b = b, .i = i, .stream = b->entries[i].stream};
}

static int read_time(struct logindex *x, uint64_t address, int64_t *ret)
{
    char head[LOG_HEAD];
    struct log_record r;
    const struct log_segment *s = &x->segments[logindex_segment(x, address)];
    ssize_t n = logindex_pread(s, head, sizeof(head), address - s->base);
    if (n < 0)
        return (int)n;
    bool good = n == (ssize_t)sizeof(head) && log_parse(head, sizeof(head), &r) == 0;
    *ret = good ? log_time(&r) : 0;
    return 0;
}

int logindex_line_of(struct logindex *x, const struct log_block *b, size_t i,
                     struct log_line *ret)
{
    struct log_line line = {.start = b->address + b->entries[i].offset,
                            .next = logindex_entry_end(b, i),
                            .stream = b->entries[i].stream};
    struct parts p = first_part(b, i);
    int rc, n = 0;
    for (; (rc = next_part(x, &p)) > 0 && line.len + p.len <= LOG_LINE_MAX; n++) {
        line.len += p.len;
        line.end = p.end;
    }
    if (rc < 0)
        return rc;
    line.joined = n > 1;
    line.partial = p.partial;
    if (line.stream != 0 && (rc = read_time(x, line.start, &line.time)) < 0)
        return rc;
    *ret = line;
    return 1;
}

int logindex_at(struct logindex *x, uint64_t address, struct log_line *ret)
{
    for (;;) {
        const struct log_block *b;
        int rc = logindex_block(x, address, &b);
        if (rc < 0 || !b)
            return rc;
        for (size_t i = logindex_entry_at(b, address); i < b->n; i++)
            if (b->entries[i].flags & ENTRY_START)
                return logindex_line_of(x, b, i, ret);
        if (!logindex_next_block(x, b->address, &address))
            return 0;
    }
}

int logindex_before(struct logindex *x, uint64_t address, struct log_line *ret)
{
    uint64_t end = logindex_end(x), at = address < end ? address : end;
    while (at > logindex_first(x)) {
        const struct log_block *b;
        int rc = logindex_block(x, at - 1, &b);
        if (rc < 0 || !b)
            return rc;
        for (size_t i = logindex_entry_at(b, address); i-- > 0;)
            if (b->entries[i].flags & ENTRY_START)
                return logindex_line_of(x, b, i, ret);
        uint64_t previous;
        if (!logindex_previous_block(x, b->address, &previous))
            return 0;
        at = previous + 1;
    }
    return 0;
}

/* ---- text -------------------------------------------------------------------------- */

static ssize_t read_at(struct logindex *x, uint64_t address, char *out, size_t size)
{
    size_t i = logindex_segment(x, address);
    if (i == x->n || address < x->segments[i].base)
        return 0;
    return logindex_pread(&x->segments[i], out, size, address - x->segments[i].base);
}

static ssize_t read_parts(struct logindex *x, struct parts *p, uint64_t from, char *out,
                          size_t size)
{
    size_t done = 0;
    int rc = 0;
    while (done < size && (rc = next_part(x, p)) > 0) {
        if (from >= p->len) {
            from -= p->len;
            continue;
        }
        uint64_t left = p->len - from;
        size_t want = left < size - done ? (size_t)left : size - done;
        ssize_t n = read_at(x, p->text + from, out + done, want);
        if (n < 0)
            return n;
        done += (size_t)n;
        from = 0;
    }
    return rc < 0 ? rc : (ssize_t)done;
}

ssize_t logindex_text(struct logindex *x, const struct log_line *line, uint64_t from,
                      char *out, size_t size)
{
    if (from >= line->len)
        return 0;
    if (size > line->len - from)
        size = (size_t)(line->len - from);
    if (!line->joined)
        return read_at(x, line->start + (line->stream ? LOG_HEAD : 0) + from, out, size);
    const struct log_block *b;
    int rc = logindex_block(x, line->start, &b);
    if (rc < 0 || !b)
        return rc;
    size_t i = logindex_entry_at(b, line->start);
    if (i == b->n || b->address + b->entries[i].offset != line->start)
        return 0; /* its file is gone */
    struct parts p = first_part(b, i);
    return read_parts(x, &p, from, out, size);
}

/* ---- time and the end -------------------------------------------------------------- */

/* The time of the first record that begins at address or later. 1, 0 = there is none. */
static int time_from(struct logindex *x, uint64_t address, int64_t *ret)
{
    for (;;) {
        const struct log_block *b;
        int rc = logindex_block(x, address, &b);
        if (rc < 0 || !b)
            return rc;
        for (size_t i = logindex_entry_at(b, address); i < b->n; i++) {
            if (b->entries[i].stream == 0)
                continue;
            rc = read_time(x, b->address + b->entries[i].offset, ret);
            return rc < 0 ? rc : 1;
        }
        if (!logindex_next_block(x, b->address, &address))
            return 0;
    }
}

int logindex_seek_time(struct logindex *x, int64_t wall_ns, uint64_t *ret)
{
    uint64_t low = logindex_first(x), high = logindex_end(x);
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        int64_t t = INT64_MAX;
        int rc = time_from(x, middle, &t);
        if (rc < 0)
            return rc;
        if (t < wall_ns)
            low = middle + 1;
        else
            high = middle;
    }
    struct log_line line;
    int rc = logindex_at(x, low, &line);
    if (rc < 0)
        return rc;
    *ret = rc ? line.start : logindex_end(x);
    return 0;
}

/* Behind the last whole record in the log. */
static int records_end(struct logindex *x, uint64_t *ret)
{
    uint64_t at = logindex_end(x);
    *ret = logindex_first(x);
    while (at > logindex_first(x)) {
        const struct log_block *b;
        int rc = logindex_block(x, at - 1, &b);
        if (rc < 0 || !b)
            return rc;
        if (b->n > 0) {
            *ret = b->end;
            return 0;
        }
        uint64_t previous;
        if (!logindex_previous_block(x, b->address, &previous))
            return 0;
        at = previous + 1;
    }
    return 0;
}

int logindex_tail(struct logindex *x, uint64_t n, uint64_t *ret)
{
    uint64_t at = logindex_end(x), result;
    int rc = records_end(x, &result);
    if (rc < 0)
        return rc;
    while (n > 0 && at > logindex_first(x)) {
        const struct log_block *b;
        int r = logindex_block(x, at - 1, &b);
        if (r < 0)
            return r;
        if (!b)
            break;
        for (size_t i = b->n; i-- > 0 && n > 0;)
            if (b->entries[i].flags & ENTRY_START) {
                result = b->address + b->entries[i].offset;
                n--;
            }
        uint64_t previous;
        if (!logindex_previous_block(x, b->address, &previous))
            break;
        at = previous + 1;
    }
    *ret = result;
    return 0;
}
