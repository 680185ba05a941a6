/* logbox - a log with every kind of line, and what should be found in it.
 * Shape   lines are added in memory, then written; the index is opened on the file. One
 *         log a test: Criterion runs each in a process of its own.
 */
#ifndef LOGBOX_H
#define LOGBOX_H

#include "base/buf.h"
#include "engine/logindex/logindex.h"

struct expected { /* one line as it ought to be found */
    uint64_t start;
    unsigned stream; /* 0 = damage */
    int64_t time;
    struct buf text;
};

extern struct logbox {
    char dir[64], path[128];
    struct logindex *index;
    struct buf raw; /* of container.log */
    struct expected *lines;
    size_t n_lines;
    size_t open[3];   /* unfinished line + 1 by stream; 0 = none */
    uint64_t rotated; /* bytes in rotated files */
    unsigned seconds; /* of the next record's time */
} logbox;

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED true /* its shadow and quarantine count as memory, too */
#else
#define SANITIZED false
#endif

void logbox_setup(void);
void logbox_teardown(void);
void logbox_add(unsigned stream, bool full, const char *text, size_t len);
void logbox_line(const char *text);
void logbox_damage(const char *text);
void logbox_mixture(unsigned seed, size_t bytes); /* lines of all kinds */
void logbox_write(void);
void logbox_open(void);         /* writes, and opens the index */
void logbox_append(size_t len); /* what was added since raw.len was that */
void logbox_rotate(void);
void logbox_check(const struct log_line *line, const struct expected *e);
void logbox_check_forward(void); /* all of them, and no more */
void logbox_check_backward(void);

#endif
