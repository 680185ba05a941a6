/* journal - what the screen's keys did: command line, result, duration. Newest last.
 * Owner   journal_done frees; entries are valid until the next journal_add().
 */
#ifndef UI_MODEL_JOURNAL_H
#define UI_MODEL_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define JOURNAL_MAX 200
struct journal_entry {
    char *line;         /* "mytop-docker --batch stop api" */
    char *result;       /* what it printed, whole; NULL = nothing */
    int64_t started_at; /* wall ns */
    int64_t took_ns;
    int status;
};
struct journal {
    struct journal_entry at[JOURNAL_MAX];
    size_t len;
};
void journal_add(struct journal *j, const struct journal_entry *e); /* copies its texts */
void journal_done(struct journal *j);
int journal_print(const struct journal *j, struct buf *ret); /* newest first */

#endif
