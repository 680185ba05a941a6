/* logpane - a window on the lines of one or several logs: what is on the screen and how
 * it moves.
 * Shape   while it follows, the last lines are at the bottom; paused, the first line
 *         stays where it is, whatever is written meanwhile. Only the lines on the screen
 *         are held.
 * Bounds  everything that may take long (a filter over gigabytes) is done in steps by
 *         logpane_work(); what has been found so far is shown.
 * Owner   indexes and queries are borrowed.
 */
#ifndef UI_LOG_PANE_H
#define UI_LOG_PANE_H

#include "ui/draw/canvas.h"
#include "ui/log/merge.h"

#define LOGPANE_ROWS 512 /* higher ones leave the rest blank */

enum logtimes { LOGTIMES_SHORT, LOGTIMES_FULL, LOGTIMES_NONE, LOGTIMES_COUNT };

struct logrow {
    struct logref ref;
    unsigned height; /* rows it takes */
};

struct logrows {
    struct logrow *items; /* LOGPANE_ROWS */
    size_t n;
    unsigned height;
};

struct logpane {
    const struct logsources *logs;
    const struct logindex_query *hide, *match; /* NULL = none */
    bool follow, wrap;
    enum logtimes times;
    int shift;             /* columns, when not wrapped */
    int rows, cols;        /* of the last drawing; 0 = not drawn yet */
    struct logplace floor; /* nothing before it is shown (since) */
    struct logrows shown;
    struct logplace top; /* paused: where shown begins */
    unsigned skip;       /* rows of the first line above the screen */
    struct logplace end; /* following: shown ends here */
    struct logrows tail; /* following: lines after end, newest first */
    struct logplace tail_end;
    struct logmerge fill, up;
    bool tail_busy, fill_ready, up_ready;
    bool refill; /* paused: a half-empty screen is to be filled from above */
    long want;   /* rows still to scroll; < 0 = up */
    struct log_counter fresh[LOG_SOURCES]; /* paused: lines since then */
    struct logref current;                 /* the line a search found or a click chose */
    bool have_current;
    char *buf;
};
int logpane_init(struct logpane *p);
void logpane_done(struct logpane *p);

/* Other logs or another filter: begins again, following. */
void logpane_reset(struct logpane *p, const struct logsources *logs);
/* The same place with another filter, width or look. */
void logpane_arrange(struct logpane *p);
bool logpane_update(struct logpane *p); /* reads the sizes; true = something came */
bool logpane_work(struct logpane *p, size_t budget); /* true = there is more to do */

void logpane_follow(struct logpane *p);
void logpane_pause(struct logpane *p);
void logpane_goto(struct logpane *p, const struct logplace *place);
void logpane_scroll(struct logpane *p, long rows); /* up pauses */
/* Marks the line, and brings it onto the screen when it is not there. */
void logpane_show(struct logpane *p, const struct logref *ref);
bool logpane_on_screen(const struct logpane *p, const struct logref *ref);
/* The line drawn in a row of the screen; NULL = none. */
const struct logref *logpane_at(const struct logpane *p, int row);
uint64_t logpane_fresh(const struct logpane *p);

void logpane_draw(struct logpane *p, struct canvas *c, struct rect r, bool focused);
int logpane_prefix(const struct logpane *p, int cols);       /* columns before the text */
int logpane_time_columns(const struct logpane *p, int cols); /* of them; 0 = no time */

#endif
