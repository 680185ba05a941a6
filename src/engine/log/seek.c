/* A log may be many gigabytes, so a position is found without reading it all: backwards
 * for the last lines, by bisection for a time. Both rely on the fixed head of a record
 * (30 bytes of time that sort as text, the tag at 38) and on a text without '\n': the
 * byte after one begins a record. */

#include "engine/log/internal.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define BLOCK ((size_t)32 << 10)

struct tail {
    uint64_t left; /* lines still to be found */
    bool any; /* a record was seen; the last of all counts as a line even if it is P */
    bool done;
    uint64_t position; /* where the lines found so far begin, in the current file */
};

/* A record at [begin, end). The wanted lines begin after the F record that is one too
 * many; P records in front of a wanted F belong to its line. */
static void count_record(struct tail *t, const char *head, size_t have, uint64_t begin,
                         uint64_t end)
{
    struct log_record r;
    if (have < LOG_HEAD || log_parse(head, LOG_HEAD, &r) < 0)
        return;
    bool line = r.full || !t->any;
    t->any = true;
    if (line && t->left == 0) {
        t->done = true;
        t->position = end;
        return;
    }
    t->left -= line;
    t->position = begin;
}

/* Counts the records that begin in buf[0..span), last first; buf continues for the length
 * of a head. *end = where the record found before begins; 0 = none yet: what follows the
 * last '\n' is no record. */
static void tail_block(struct tail *t, const char *buf, size_t span, size_t have,
                       uint64_t low, uint64_t *end)
{
    for (size_t i = span; i-- > 0 && !t->done;) {
        if (buf[i] != '\n')
            continue;
        if (*end > 0)
            count_record(t, buf + i + 1, have - i - 1, low + i + 1, *end);
        *end = low + i + 1;
    }
    if (low == 0 && *end > 0 && !t->done)
        count_record(t, buf, have, 0, *end);
}

/* Goes backwards through the first size bytes of the file. */
static int tail_file(const struct log_reader *r, uint64_t size, struct tail *t)
{
    char buf[BLOCK + LOG_HEAD];
    uint64_t end = 0;
    t->position = size;
    for (uint64_t top = size; top > 0 && !t->done;) {
        uint64_t low = top > BLOCK ? top - BLOCK : 0;
        size_t want = (size_t)(size - low < sizeof(buf) ? size - low : sizeof(buf));
        ssize_t n = log_reader_pread(r, buf, want, low);
        if (n != (ssize_t)want)
            return n < 0 ? (int)n : -EIO;
        tail_block(t, buf, (size_t)(top - low), want, low, &end);
        top = low;
    }
    return 0;
}

/* Opens files from the current one back in time until enough lines are found. */
static int find_tail(struct log_reader *r, uint64_t n)
{
    struct tail t = {.left = n};
    unsigned oldest = log_oldest(r->dir_fd);
    for (unsigned i = 0; i <= oldest && !t.done; i++) {
        int rc = log_reader_switch(r, i, 0);
        if (rc == -ENOENT)
            continue;
        int64_t size = rc < 0 ? rc : log_reader_size(r);
        if (size < 0)
            return (int)size;
        if (n == 0) {
            r->offset = (uint64_t)size;
            return 0;
        }
        rc = tail_file(r, (uint64_t)size, &t);
        if (rc < 0)
            return rc;
        r->offset = t.position;
    }
    return 0;
}

int log_reader_tail(struct log_reader *r, uint64_t n)
{
    int rc = find_tail(r, n);
    if (rc == 0 && r->fd >= 0)
        log_reader_locate(r);
    return rc;
}

/* Finds the first whole record that begins after from's line, or at 0: its offset and
 * head. 1 = found, 0 = none, or -errno. */
static int find_record(const struct log_reader *in, uint64_t from, uint64_t size,
                       uint64_t *ret_at, char head[LOG_HEAD])
{
    char buf[BLOCK + LOG_HEAD];
    struct log_record r;
    bool begins = from == 0;
    while (from < size) {
        ssize_t n = log_reader_pread(in, buf, sizeof(buf), from);
        if (n <= 0)
            return (int)n;
        size_t span = (size_t)n < BLOCK ? (size_t)n : BLOCK;
        for (size_t i = 0; i < span; i++) {
            if (begins && (size_t)n - i >= LOG_HEAD &&
                log_parse(buf + i, LOG_HEAD, &r) == 0) {
                memcpy(head, buf + i, LOG_HEAD);
                *ret_at = from + i;
                return 1;
            }
            const char *nl = memchr(buf + i, '\n', span - i);
            begins = nl != NULL;
            i = nl ? (size_t)(nl - buf) : span;
        }
        from += span;
    }
    return 0;
}

/* Invariant: a record before `low` is too early, the first at or after `high` is not. */
static int bisect(const struct log_reader *in, const char *since, uint64_t *ret)
{
    int64_t bytes = log_reader_size(in);
    if (bytes < 0)
        return (int)bytes;
    uint64_t low = 0, size = (uint64_t)bytes, high = size, at = 0;
    char head[LOG_HEAD];
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        int found = find_record(in, middle ? middle - 1 : 0, size, &at, head);
        if (found < 0)
            return found;
        if (found && memcmp(head, since, LOG_TIME_LEN) < 0)
            low = at + LOG_HEAD;
        else
            high = middle;
    }
    int found = find_record(in, low ? low - 1 : 0, size, &at, head);
    *ret = found == 1 ? at : size;
    return found < 0 ? found : 0;
}

/* A file without a record, which was just begun, decides nothing: an older one has to. */
static bool begins_before(const struct log_reader *in, const char *since)
{
    char head[LOG_HEAD];
    uint64_t at;
    int64_t size = log_reader_size(in);
    return size > 0 && find_record(in, 0, (uint64_t)size, &at, head) == 1 &&
           memcmp(head, since, LOG_TIME_LEN) < 0;
}

/* The position is in the newest file that begins before the time, or at its end. */
static int find_since(struct log_reader *r, int64_t wall_ns)
{
    char since[TIME_TEXT];
    time_format_rfc3339(wall_ns > 0 ? wall_ns : 1, since);
    unsigned oldest = log_oldest(r->dir_fd);
    for (unsigned i = 0; i <= oldest; i++) {
        int rc = log_reader_switch(r, i, 0);
        if (rc == -ENOENT)
            continue;
        if (rc < 0)
            return rc;
        if (begins_before(r, since))
            return bisect(r, since, &r->offset);
    }
    return 0;
}

int log_reader_since(struct log_reader *r, int64_t wall_ns)
{
    int rc = find_since(r, wall_ns);
    if (rc == 0 && r->fd >= 0)
        log_reader_locate(r);
    return rc;
}
