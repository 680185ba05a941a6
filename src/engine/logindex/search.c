/* Search goes over the raw bytes of one block at a time.
 *
 * A record without P in front of it is a line, and a match that is found in the bytes is
 * a match in a line, unless it lies in a head or in the rest of a line that began before
 * (which that line has already been asked about): the table of the block is read only
 * then. A line that begins with a P record is put together at its turn
 * (logindex/partial.c); in a block with very many of them every line is. Records with
 * escape sequences are asked one by one, without their colours: a log in which every line
 * is coloured is searched some times slower than one without.
 */
#include "engine/logindex/logindex.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/logindex/internal.h"

#define BACKWARD_PIECE (16u << 10)
#define FIRST_READ (LOG_BLOCK + LOG_BLOCK / 64)

void logindex_search_init(struct logindex_search *s, struct logindex *x,
                          const struct logindex_query *q, uint64_t at, bool backward)
{
    *s = (struct logindex_search){.index = x, .query = q, .at = at, .backward = backward};
}

/* ---- reading a region -------------------------------------------------------------- */

/* Bytes of the file up to its size at the last refresh: the tables know no more
 * either. */
static ssize_t read_window(struct logindex *x, const struct log_segment *s,
                           uint64_t offset, size_t size)
{
    uint64_t left = s->size > offset ? s->size - offset : 0;
    return logindex_pread(s, x->window, left < size ? (size_t)left : size, offset);
}

/* Where the records that begin in data[0..stop) end. The last of them reaches behind
 * stop, is torn (not there yet), or is longer than a record may be and is cut as its
 * table has it. 0 = more must be read to tell. */
static size_t records_end(const char *data, size_t len, size_t stop, bool all)
{
    size_t before = len < stop - 1 ? len : stop - 1;
    const char *nl = memrchr(data, '\n', before);
    size_t start = nl ? (size_t)(nl - data) + 1 : 0;
    nl = memchr(data + start, '\n', len - start);
    if (nl && (size_t)(nl - data) < start + LOG_RECORD_MAX)
        return (size_t)(nl - data) + 1;
    if (len - start >= LOG_RECORD_MAX)
        return start + LOG_RECORD_MAX;
    return all ? start : 0;
}

static int read_region(struct logindex *x, const struct log_segment *s, uint64_t block)
{
    if (!x->window && !(x->window = malloc(LOG_WINDOW)))
        return -ENOMEM;
    x->region.block = UINT64_MAX;
    /* The byte before the block tells whether a record begins with it. */
    uint64_t offset = block - s->base, before = offset > 0;
    size_t stop = LOG_BLOCK + (size_t)before, end = 0, skip = 0;
    ssize_t n = read_window(x, s, offset - before, FIRST_READ);
    if (n == (ssize_t)FIRST_READ &&
        !(end = records_end(x->window, (size_t)n, stop, false)))
        n = read_window(x, s, offset - before, LOG_WINDOW);
    if (n < 0)
        return (int)n;
    if (end == 0)
        end = records_end(x->window, (size_t)n, stop, true);
    if (before) {
        const char *nl = memchr(x->window, '\n', (size_t)n < stop ? (size_t)n : stop);
        skip = nl ? (size_t)(nl - x->window) + 1 : end;
    }
    if (skip >= stop || skip > end)
        skip = end; /* none begins here */
    x->region = (struct logindex_region){.text = x->window + skip,
                                         .len = end - skip,
                                         .address = block - before + skip,
                                         .block = block,
                                         .seen = s->size};
    logindex_region_partials(&x->region);
    x->region.has_escape = memchr(x->region.text, '\033', x->region.len) != NULL;
    return 0;
}

/* A search that finds something in every line comes back to the same block again and
 * again. */
static int get_region(struct logindex *x, uint64_t block,
                      const struct logindex_region **ret)
{
    const struct log_segment *s = &x->segments[logindex_segment(x, block)];
    *ret = &x->region;
    if (x->window && x->region.block == block && x->region.seen == s->size)
        return 0;
    return read_region(x, s, block);
}

/* ---- blocks of whole lines --------------------------------------------------------- */

struct record_text {
    const char *start, *text, *end; /* end: its '\n' */
};

static struct record_text record_around(const struct logindex_region *g, const char *p)
{
    struct record_text t;
    struct log_record r;
    const char *stop = g->text + g->len;
    const char *nl = memrchr(g->text, '\n', (size_t)(p - g->text));
    t.start = nl ? nl + 1 : g->text;
    nl = memchr(p, '\n', (size_t)(stop - p));
    t.end = nl ? nl : stop - 1; /* cut: as long as the line is */
    bool good =
        t.end - t.start >= (ptrdiff_t)LOG_HEAD && log_parse(t.start, LOG_HEAD, &r) == 0;
    t.text = t.start + (good ? LOG_HEAD : 0);
    return t;
}

static bool query_matches(const struct logindex_query *q, const char *text, size_t len)
{
    size_t a, b;
    return logindex_query_match(q, text, len, 0, &a, &b);
}

/* The first record with a match in [from, to) of the region, by its bytes. */
static bool find_bytes(const struct logindex_query *q, const struct logindex_region *g,
                       const char *from, const char *to, struct record_text *ret)
{
    bool exact;
    const struct logindex_needle *needle = logindex_query_needle(q, &exact);
    while (from < to) {
        const char *hit =
            needle ? logindex_needle_find(needle, from, (size_t)(to - from)) : from;
        if (!hit)
            return false;
        struct record_text t = record_around(g, hit);
        if (needle && hit < t.text) {
            from = from < t.text ? t.text : hit + 1;
            continue;
        }
        if ((needle && exact && hit + needle->len <= t.end) ||
            query_matches(q, t.text, (size_t)(t.end - t.text))) {
            *ret = t;
            return true;
        }
        from = t.end + 1;
    }
    return false;
}

/* The same of any region: a record with escape sequences is asked as a whole. */
static bool find_record(const struct logindex_query *q, const struct logindex_region *g,
                        const char *from, const char *to, struct record_text *ret)
{
    while (from < to) {
        const char *esc =
            g->has_escape ? memchr(from, '\033', (size_t)(to - from)) : NULL;
        if (!esc)
            return find_bytes(q, g, from, to, ret);
        struct record_text t = record_around(g, esc);
        if (t.start > from && find_bytes(q, g, from, t.start, ret))
            return true;
        if (query_matches(q, t.text, (size_t)(t.end - t.text))) {
            *ret = t;
            return true;
        }
        from = t.end + 1;
    }
    return false;
}

/* The last one, looked for in pieces from the end. */
static bool find_last_record(const struct logindex_query *q,
                             const struct logindex_region *g, const char *from,
                             const char *to, struct record_text *ret)
{
    while (to > from) {
        const char *piece =
            to - from > (ptrdiff_t)BACKWARD_PIECE ? to - BACKWARD_PIECE : from;
        if (piece > from) {
            const char *nl = memrchr(from, '\n', (size_t)(piece - from));
            piece = nl ? nl + 1 : from;
        }
        struct record_text t;
        bool found = false;
        for (const char *p = piece; p < to && find_record(q, g, p, to, &t);
             p = t.end + 1) {
            *ret = t;
            found = true;
        }
        if (found)
            return true;
        to = piece;
    }
    return false;
}

/* The line of the record at address, when the record begins it. 1, 0, -errno. */
static int line_at_record(struct logindex *x, uint64_t address, struct log_line *ret)
{
    struct log_line line;
    int rc = logindex_before(x, address + 1, &line);
    if (rc <= 0 || (line.start != address && (line.stream != 0 || line.end <= address)))
        return rc < 0 ? rc : 0;
    *ret = line;
    return 1;
}

/* The end of the records that begin before address. */
static const char *records_before(const struct logindex_region *g, uint64_t address)
{
    if (address <= g->address)
        return g->text;
    if (address >= g->address + g->len)
        return g->text + g->len;
    const char *at = g->text + (address - g->address) - 1;
    const char *nl = memchr(at, '\n', (size_t)(g->text + g->len - at));
    return nl ? nl + 1 : g->text + g->len;
}

/* A search through the records of a region under way: [from, to) is left, hit is the next
 * record in it with a match, partial the number of the next P record. */
struct sweep {
    const struct logindex_search *s;
    const struct logindex_region *g;
    uint64_t low, high;
    const char *from, *to;
    bool found;
    struct record_text hit;
    size_t partial;
};

static void next_hit(struct sweep *w)
{
    w->found = (w->s->backward ? find_last_record : find_record)(w->s->query, w->g,
                                                                 w->from, w->to, &w->hit);
}

static void pass_hit(struct sweep *w)
{
    if (w->s->backward)
        w->to = w->hit.start;
    else
        w->from = w->hit.end + 1;
    next_hit(w);
}

/* The next P record when the hit is not in front of it, else NULL. */
static const char *due_partial(const struct sweep *w)
{
    const struct logindex_region *g = w->g;
    bool back = w->s->backward;
    if (back ? w->partial == 0 : w->partial == g->n_partials)
        return NULL;
    const char *at = g->text + g->partials[back ? w->partial - 1 : w->partial];
    if (at < w->from || at >= w->to)
        return NULL;
    return w->found && (back ? at < w->hit.start : at > w->hit.start) ? NULL : at;
}

static int take_line(const struct sweep *w, const char *at, struct log_line *ret)
{
    struct log_line line;
    int rc =
        line_at_record(w->s->index, w->g->address + (uint64_t)(at - w->g->text), &line);
    if (rc <= 0 || line.start < w->low || line.start >= w->high)
        return rc < 0 ? rc : 0;
    *ret = line;
    return 1;
}

static int take_partial(struct sweep *w, const char *at, struct log_line *ret)
{
    struct logindex *x = w->s->index;
    if (!x->joined && !(x->joined = malloc(LOG_LINE_MAX)))
        return -ENOMEM;
    size_t i = w->s->backward ? --w->partial : w->partial++;
    ssize_t n = logindex_region_joined(w->g, i, x->joined, LOG_LINE_MAX);
    if (n == 0 || (n > 0 && !query_matches(w->s->query, x->joined, (size_t)n)))
        return 0;
    int rc = take_line(w, at, ret);
    if (rc > 0 && n == -EAGAIN)
        rc = logindex_query_line(w->s->query, x, ret);
    return rc;
}

static void begin_sweep(struct sweep *w)
{
    const struct logindex_region *g = w->g;
    w->from = records_before(g, w->low);
    w->to = records_before(g, w->high);
    w->partial = w->s->backward ? g->n_partials : 0;
    if (w->s->backward)
        while (w->partial > 0 && g->text + g->partials[w->partial - 1] >= w->to)
            w->partial--;
    else
        while (w->partial < g->n_partials && g->text + g->partials[w->partial] < w->from)
            w->partial++;
    next_hit(w);
}

static int search_records(struct logindex_search *s, const struct logindex_region *g,
                          uint64_t low, uint64_t high, struct log_line *ret)
{
    struct sweep w = {.s = s, .g = g, .low = low, .high = high};
    begin_sweep(&w);
    for (;;) {
        const char *at = due_partial(&w);
        if (!at && !w.found)
            return 0;
        int rc = at ? take_partial(&w, at, ret) : take_line(&w, w.hit.start, ret);
        if (rc != 0)
            return rc;
        if (!at || (w.found && at == w.hit.start))
            pass_hit(&w);
    }
}

/* ---- blocks with joined lines, and the lines that do not match --------------------- */

/* The region of the line's block, when x->window holds it. */
static int line_matches(const struct logindex_query *q, struct logindex *x,
                        const struct logindex_region *g, const struct log_line *line)
{
    uint64_t text = line->start + (line->stream ? LOG_HEAD : 0);
    if (g && !line->joined && text >= g->address &&
        text + line->len <= g->address + g->len)
        return query_matches(q, g->text + (text - g->address), (size_t)line->len);
    if (!x->joined && !(x->joined = malloc(LOG_LINE_MAX)))
        return -ENOMEM;
    ssize_t n = logindex_text(x, line, 0, x->joined, LOG_LINE_MAX);
    return n < 0 ? (int)n : query_matches(q, x->joined, (size_t)n);
}

int logindex_query_line(const struct logindex_query *q, struct logindex *x,
                        const struct log_line *line)
{
    return line_matches(q, x, NULL, line);
}

static int search_lines(struct logindex_search *s, const struct logindex_region *g,
                        uint64_t low, uint64_t high, struct log_line *ret)
{
    uint64_t end = g->address + g->len,
             at = s->backward ? (high < end ? high : end) : low;
    for (;;) {
        struct log_line line;
        int rc = s->backward ? logindex_before(s->index, at, &line)
                             : logindex_at(s->index, at, &line);
        if (rc <= 0 || (s->backward ? line.start < low || line.start < g->address
                                    : line.start >= high || line.start >= end))
            return rc < 0 ? rc : 0;
        rc = line_matches(s->query, s->index, g, &line);
        if (rc < 0)
            return rc;
        if (rc != s->missing) {
            *ret = line;
            return 1;
        }
        at = s->backward ? line.start : line.next;
    }
}

/* ---- the iterator ------------------------------------------------------------------ */

static int search_block(struct logindex_search *s, uint64_t block,
                        const struct logindex_region **ret_region, struct log_line *ret)
{
    int rc = get_region(s->index, block, ret_region);
    if (rc < 0)
        return rc;
    uint64_t low = s->backward ? 0 : s->at, high = s->backward ? s->at : UINT64_MAX;
    if (s->missing || (*ret_region)->n_partials > LOG_PARTIALS)
        return search_lines(s, *ret_region, low, high, ret);
    return search_records(s, *ret_region, low, high, ret);
}

/* The block to search next: 1, 0 = past the end. */
static int current_block(const struct logindex_search *s, uint64_t *ret)
{
    const struct logindex *x = s->index;
    uint64_t at = s->at;
    if (s->backward) {
        if (at > logindex_end(x))
            at = logindex_end(x);
        if (at-- <= logindex_first(x))
            return 0;
    }
    size_t i = logindex_segment(x, at);
    if (i == x->n)
        return 0;
    uint64_t base = x->segments[i].base;
    *ret = at < base ? base : at - (at - base) % LOG_BLOCK;
    return 1;
}

/* Moves on from a block without a (further) hit. 1, 0 = that was the last. */
static int leave_block(struct logindex_search *s, uint64_t block,
                       const struct logindex_region *g)
{
    uint64_t next;
    s->scanned += g->len;
    if (s->backward) {
        if (!logindex_previous_block(s->index, block, &next)) {
            s->at = block;
            return 0;
        }
        const struct logindex *x = s->index;
        const struct log_segment *before = &x->segments[logindex_segment(x, next)];
        uint64_t end = before->base + before->size; /* a truncated file leaves a gap */
        s->at = block < end ? block : end;
        return 1;
    }
    uint64_t end = g->address + g->len;
    if (logindex_next_block(s->index, block, &next)) {
        s->at = s->at > next ? s->at : next;
        return 1;
    }
    if (g->len > 0 && end > s->at)
        s->at = end;
    return 0;
}

int logindex_search_next(struct logindex_search *s, size_t budget, struct log_line *ret)
{
    for (size_t spent = 0; spent == 0 || spent < budget; spent += LOG_BLOCK) {
        uint64_t block;
        const struct logindex_region *g;
        if (!current_block(s, &block))
            return 0;
        int rc = search_block(s, block, &g, ret);
        if (rc < 0)
            return rc;
        if (rc > 0) {
            s->at = s->backward ? ret->start : ret->next;
            return 1;
        }
        if (!leave_block(s, block, g))
            return 0;
    }
    return -EAGAIN;
}
