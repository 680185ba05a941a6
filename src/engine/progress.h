/* progress - how an engine call that takes long tells how far it is.
 * Shape   a call takes a `const struct mtd_progress *`, NULL = nobody wants to know, and
 *         reports steps. A step is one bar: the same id and word again move it on. The
 *         front end throttles, so a call reports after each block if it likes.
 * Units   bytes, or pieces where no bytes are known; total 0 = unknown.
 * Errors  none.
 * Process any thread of the call may report, one at a time.
 * Owner   all strings are borrowed for the call alone.
 */
#ifndef ENGINE_PROGRESS_H
#define ENGINE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct mtd_progress_step {
    const char *id;   /* 12 digits of a layer, a file, an image; may hold any bytes */
    const char *what; /* "Downloading", "Unpacking", "Writing" */
    uint64_t done, total;
    bool finished;
};

struct mtd_progress {
    void (*report)(void *arg, const struct mtd_progress_step *step);
    void *arg;
};

void mtd_progress_report(const struct mtd_progress *p, const struct mtd_progress_step *s);

/* One step for code that knows bytes, but neither their name nor who wants to hear of
 * them. */
struct mtd_progress_item {
    const struct mtd_progress *to;
    struct mtd_progress_step step;
};
/* NULL = nothing. */
void mtd_progress_set(struct mtd_progress_item *i, uint64_t done);
void mtd_progress_add(struct mtd_progress_item *i, uint64_t more);
void mtd_progress_finish(struct mtd_progress_item *i);

#endif
