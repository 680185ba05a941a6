/* progress_bars - the bars of progress.c as text for a terminal.
 * Shape   `drawn` lines stand above the cursor, which is at the start of a line. Drawing
 *         goes up over them and writes them again.
 * Errors  -ENOMEM.
 */
#ifndef CLI_PROGRESS_BARS_H
#define CLI_PROGRESS_BARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct progress_bar {
    char *id, *what;
    uint64_t done, total, rate;
    int64_t began_ns, shown_ns; /* shown: when it was written last */
    bool finished;
};

struct progress_bars {
    struct progress_bar *items;
    size_t len, cap;
    size_t drawn; /* lines */
};

/* The bar with that id and word, made if there is none; NULL = out of memory. */
struct progress_bar *progress_bars_find(struct progress_bars *b, const char *id,
                                        const char *what);
/* Appends what brings the screen up to date. Finished bars go above the others for good
 * and are dropped; of the others as many are shown as fit. */
int progress_bars_draw(struct progress_bars *b, unsigned rows, unsigned cols,
                       struct buf *out);
/* One bar as a line without a newline, at most `cols` wide. */
int progress_bar_line(const struct progress_bar *bar, unsigned cols, struct buf *out);
void progress_bars_done(struct progress_bars *b);

#endif
