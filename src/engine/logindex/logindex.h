/* logindex - random access to a container's log, and search in it, with memory that does
 * not depend on the log's size: for the dashboard's log view, its filter and `:grep`.
 * Shape   all files of the log (oldest rotated one ... container.log) are one run of
 *         bytes. An address is a position in it; it stays valid when files rotate, and
 *         names a line for as long as the line's file exists. A line is the text of one F
 *         record with the P records of its stream before it; its address is that of its
 *         first record. Order is the order of line starts.
 * Bounds  work goes by blocks of LOG_BLOCK bytes. A table of records is kept for a
 *         few blocks; the line numbers have at most LOG_CHECKPOINTS entries, whose
 *         stride doubles. Text is read with pread into the caller's buffer, never
 *         mapped. So memory depends neither on the log's size nor on a line's length.
 *         A line that covers a whole block is cut there: 100 MB without a newline are
 *         some hundred lines.
 * Damage  what is no record is a line of stream 0 with the bytes as they are; a
 *         run of such bytes is one line per block. A torn tail is ignored until
 *         its '\n' is written.
 * Units   bytes, wall ns.
 * Errors  0, 1 = found, -EAGAIN = the budget is used up: call again, or another -errno.
 * Owner   each *_new and _open has its _free and _close; paths and patterns are copied.
 * Process any; one thread. Never blocks but for the disk.
 */
#ifndef ENGINE_LOGINDEX_LOGINDEX_H
#define ENGINE_LOGINDEX_LOGINDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "engine/log/log.h"

#ifndef LOG_BLOCK /* the fuzz target makes it small */
#define LOG_BLOCK (256u << 10)
#endif
#define LOG_LINE_MAX (4u * LOG_BLOCK) /* no line's text is longer */
#define LOG_CHECKPOINTS 4096u
#define LOG_FILES_MAX 64u /* the newest files; older ones are not seen */

struct logindex;

struct log_line {
    uint64_t start;  /* address */
    uint64_t end;    /* of its last record seen: its last byte + 1 */
    uint64_t next;   /* of its first record: no line begins between start and next */
    uint64_t len;    /* bytes of text */
    int64_t time;    /* of its first record, wall ns; 0 = unreadable */
    unsigned stream; /* enum log_stream; 0 = damaged */
    bool joined;     /* made of several records */
    bool partial;    /* its F record has not been written yet */
};

/* path: of container.log. A log that does not exist yet is empty. The files stay open, so
 * what was readable stays so when the container is removed meanwhile. */
int logindex_open(struct logindex **ret, const char *path, struct mtd_error *err);
void logindex_close(struct logindex *x); /* NULL = nothing */

/* Checks the files again. Returns a bit set of: */
enum log_refresh {
    LOG_GREW = 1,
    LOG_ROTATED = 2, /* there is a new file */
    LOG_LOST = 4     /* the oldest lines were dropped: logindex_first() has grown */
};
int logindex_refresh(struct logindex *x);
uint64_t logindex_first(const struct logindex *x); /* oldest address */
uint64_t logindex_end(const struct logindex *x);   /* one past the newest byte */

/* The first line that begins at address or after it. 1, 0 = none. */
int logindex_at(struct logindex *x, uint64_t address, struct log_line *ret);
/* The last line that begins before address. 1, 0 = none. */
int logindex_before(struct logindex *x, uint64_t address, struct log_line *ret);
/* Copies text bytes [from, from + size) of the line; returns their number. */
ssize_t logindex_text(struct logindex *x, const struct log_line *line, uint64_t from,
                      char *out, size_t size);
/* Address of the first line of wall_ns or later (binary search; if the clock was set
 * back, one of the possible answers); logindex_end() = there is none. */
int logindex_seek_time(struct logindex *x, int64_t wall_ns, uint64_t *ret);
/* Address of the n-th line from the end; of the oldest if there are fewer. n = 0 = after
 * the last whole record, where the next one will begin. */
int logindex_tail(struct logindex *x, uint64_t n, uint64_t *ret);

/* Counts the lines that begin in [at, end of the log): advances `at` and
 * adds to `lines`. */
struct log_counter {
    uint64_t at, lines;
};
int logindex_count(struct logindex *x, struct log_counter *c,
                   size_t budget); /* 0, -EAGAIN */

/* Line numbers: built in pieces of budget bytes from the oldest line on. */
int logindex_number_lines(struct logindex *x,
                          size_t budget);          /* 0 = up to date, -EAGAIN */
uint64_t logindex_lines(const struct logindex *x); /* numbered so far */
/* The line with that number, counted from 0. 1, 0 = not numbered (yet). */
int logindex_numbered(struct logindex *x, uint64_t number, struct log_line *ret);
/* The number of the line at address. 1, 0 = not numbered (yet). */
int logindex_number_of(struct logindex *x, uint64_t address, uint64_t *ret);

/* ---- search ------------------------------------------------------------------------ */

/* A POSIX extended regular expression; a leading "\c" ignores case. One without special
 * characters is searched for as bytes; of others the longest literal part is, first. */
struct logindex_query;
int logindex_query_new(struct logindex_query **ret, const char *pattern,
                       struct mtd_error *err);
void logindex_query_free(struct logindex_query *q); /* NULL = nothing */
const char *logindex_query_pattern(const struct logindex_query *q);
/* The first match in text[from..len). Sequences that change the colour are ignored: a
 * match may extend across them. */
bool logindex_query_match(const struct logindex_query *q, const char *text, size_t len,
                          size_t from, size_t *ret_start, size_t *ret_end);
/* Whether a whole line matches. 1, 0, -errno. */
int logindex_query_line(const struct logindex_query *q, struct logindex *x,
                        const struct log_line *line);

/* Iterates over matching lines, in either direction. When the log has grown, it continues
 * after a 0 and a refresh. query and index are borrowed and must outlive it. */
struct logindex_search {
    struct logindex *index;
    const struct logindex_query *query;
    uint64_t at; /* forward: lines from here on; backward: lines before this */
    bool backward;
    bool missing;     /* find the lines that do not match */
    uint64_t scanned; /* bytes, for a progress figure */
};
void logindex_search_init(struct logindex_search *s, struct logindex *x,
                          const struct logindex_query *q, uint64_t at, bool backward);
/* 1 = *ret, 0 = the end of the log in this direction, -EAGAIN after budget bytes. */
int logindex_search_next(struct logindex_search *s, size_t budget, struct log_line *ret);

/* grep over the logs of many containers, one after the other. Opens one log at a time. */
struct logindex_grep;
struct log_hit {
    size_t source; /* number of the path it is in */
    struct log_line line;
};
/* paths are copied; logs that cannot be read are skipped. since: wall ns, 0 = all. */
int logindex_grep_new(struct logindex_grep **ret, const char *const *paths, size_t n,
                      const char *pattern, int64_t since, struct mtd_error *err);
void logindex_grep_free(struct logindex_grep *g);
/* 1 = *ret is set, and text (may be NULL) has up to size - 1 bytes of the line with the
 * match, and a NUL; 0 = all logs are searched. */
int logindex_grep_next(struct logindex_grep *g, size_t budget, struct log_hit *ret,
                       char *text, size_t size, size_t *ret_len);
void logindex_grep_skip(
    struct logindex_grep *g); /* the rest of the log the last hit was in */
uint64_t logindex_grep_scanned(const struct logindex_grep *g); /* bytes */
const struct logindex_query *logindex_grep_query(const struct logindex_grep *g);

#endif
