/* logindex/internal.h - what the files of logindex share.
 * Shape   logindex.c has the files, segment.c addresses, block.c the tables of records,
 *         line.c lines, number.c their numbers; query.c, find.c, plain.c, partial.c and
 *         search.c search, grep.c in many logs.
 * Errors  as in logindex.h.
 */
#ifndef ENGINE_LOGINDEX_INTERNAL_H
#define ENGINE_LOGINDEX_INTERNAL_H

#include "engine/logindex/logindex.h"

#define LOG_RECORD_MAX LOG_BLOCK /* the rest of a longer one is not shown */
#define LOG_SLOTS 4u             /* tables of blocks in memory */
#define LOG_SCRATCH (64u << 10)

struct log_segment { /* one file */
    int fd;
    struct log_gz *gz; /* it is a compressed one; NULL */
    uint64_t device, inode;
    uint64_t origin;     /* the inode it had before it was compressed; 0 = it is not */
    uint64_t base, size; /* address of its first byte; bytes */
};

enum { ENTRY_START = 1, ENTRY_FULL = 2 };

struct log_entry {   /* one record, or a run of damage */
    uint32_t offset; /* in the block */
    uint8_t stream;  /* 0 = damage */
    uint8_t flags;
};

/* The records that begin in one block of a file. Its address is a multiple of
 * LOG_BLOCK away from the file's base. Whether a stream's first record continues a
 * line of the block before depends on that block alone, so reading can begin anywhere
 * without what precedes. */
struct log_block {
    uint64_t address; /* UINT64_MAX = an empty slot */
    uint64_t seen;    /* size of the file when it was scanned */
    uint64_t end;     /* address after the last record; 0 = no record begins here */
    bool complete;    /* it cannot change when the file grows */
    bool linked;      /* ENTRY_START is set correctly */
    bool open[3];     /* by stream: the last record is P */
    bool ended[3];    /* by stream: there is an F record */
    uint32_t run[3];  /* by stream: bytes of its records */
    struct log_entry *entries;
    size_t n, cap;
    uint64_t used; /* time of the last use */
};

struct log_checkpoint {
    uint64_t address, number; /* of lines that begin before it */
};

#define LOG_PARTIALS 256u

/* The whole records that begin in one block, as bytes. */
struct logindex_region {
    const char *text;
    size_t len;
    uint64_t address; /* of text[0] */
    uint64_t block;   /* UINT64_MAX = nothing is in the window */
    uint64_t seen;    /* size of the file when it was read */
    bool has_escape;  /* it has escape sequences, which may be colours */
    /* Where its P records begin, ascending; more than LOG_PARTIALS: not all of them. */
    uint32_t partials[LOG_PARTIALS];
    size_t n_partials;
};

struct logindex {
    int dir_fd;
    char name[64];
    struct log_segment segments[LOG_FILES_MAX]; /* oldest first */
    size_t n;
    struct log_block slots[LOG_SLOTS];
    uint64_t clock;
    char *scratch;                 /* LOG_SCRATCH bytes */
    char *window;                  /* search: one block and a record; NULL until needed */
    struct logindex_region region; /* what is in it */
    char *joined; /* search: one line of several records; NULL until needed */
    struct log_checkpoint *checkpoints; /* NULL until lines are numbered */
    size_t n_checkpoints;
    uint64_t stride; /* bytes between checkpoints */
    struct log_counter numbered;
};

#define LOG_WINDOW (LOG_BLOCK + LOG_RECORD_MAX + 1u)

/* The segment that contains address, or the first after it; x->n = there is none. */
size_t logindex_segment(const struct logindex *x, uint64_t address);
ssize_t logindex_pread(const struct log_segment *s, void *out, size_t size,
                       uint64_t offset);

/* The block that contains address, with its records and the starts of lines. Valid until
 * the next call but one. *ret = NULL = address is at or after the end. */
int logindex_block(struct logindex *x, uint64_t address, const struct log_block **ret);
/* Address of the block after / before the one at `block`: 1, 0 = there is none. */
int logindex_next_block(const struct logindex *x, uint64_t block, uint64_t *ret);
int logindex_previous_block(const struct logindex *x, uint64_t block, uint64_t *ret);
uint64_t logindex_entry_end(const struct log_block *b, size_t i);
/* The index of the first entry at or after address. */
size_t logindex_entry_at(const struct log_block *b, uint64_t address);
void logindex_forget_blocks(struct logindex *x, uint64_t below); /* and free them */
/* The line whose first record is entry i of b. */
int logindex_line_of(struct logindex *x, const struct log_block *b, size_t i,
                     struct log_line *ret);

/* Copies text without its colour sequences to out (len bytes); returns the length.
 * plain_of: the offset there of a byte of text; plain_at: the reverse. */
size_t logindex_plain(const char *text, size_t len, char *out);
size_t logindex_plain_of(const char *text, size_t len, size_t offset);
size_t logindex_plain_at(const char *text, size_t len, size_t plain);

/* Bytes to search for, prepared. fold = ignore case. */
struct logindex_needle {
    unsigned char bytes[256];
    size_t len;
    size_t rare[2]; /* offsets of the two rarest bytes */
    bool fold;
};
void logindex_needle_init(struct logindex_needle *n, const char *bytes, size_t len,
                          bool fold);
/* The first occurrence in hay[0..len), or NULL. */
const char *logindex_needle_find(const struct logindex_needle *n, const char *hay,
                                 size_t len);

/* Sets partials and n_partials. */
void logindex_region_partials(struct logindex_region *g);
/* The text of the line that begins with the P record at partials[i], if that and the
 * record it ends with are as chunks of output are written: next to each other, between
 * records of the same stream. Returns the bytes copied to out (size: the most that a line
 * may have), 0 = no line begins there, -EAGAIN = the tables are needed. */
ssize_t logindex_region_joined(const struct logindex_region *g, size_t i, char *out,
                               size_t size);

/* What every match of the query contains; NULL = not known. *ret_exact = an
 * occurrence of it is a match. */
const struct logindex_needle *logindex_query_needle(const struct logindex_query *q,
                                                    bool *ret_exact);

#endif
