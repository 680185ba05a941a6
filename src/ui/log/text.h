/* logtext - one line of a log as it is shown: its last state when it is a progress bar
 * ("\r"), its colours, its rows when it is wrapped. Reads the line in pieces, so a line
 * of any length costs LOGTEXT_PIECE bytes.
 * Owner   index and buffer are borrowed.
 */
#ifndef UI_LOG_TEXT_H
#define UI_LOG_TEXT_H

#include "engine/engine.h"
#include "ui/draw/ansi.h"

#define LOGTEXT_PIECE (16u << 10)

struct logtext {
    struct logindex *index;
    const struct log_line *line;
    char *buf;       /* LOGTEXT_PIECE bytes */
    uint64_t offset; /* of buf in the line's text */
    size_t len, at;  /* bytes in buf; the next one */
    uint64_t end;    /* of the visible text */
    struct ansi ansi;
};
void logtext_open(struct logtext *t, struct logindex *x, const struct log_line *line,
                  char *buf, struct style base);

/* Rows the line takes when wrapped at cols columns; stops counting at limit. */
unsigned logtext_rows(struct logtext *t, int cols, unsigned limit);

struct logtext_layout {
    bool wrap;
    unsigned skip;                      /* wrap: rows of the line above the rectangle */
    int shift;                          /* else: columns left of it */
    const struct logindex_query *match; /* shown with COLOR_MATCH; NULL = none */
};
/* Draws into r, from its first row on; returns the rows used, 1 for an empty line. */
int logtext_draw(struct logtext *t, struct canvas *c, struct rect r,
                 const struct logtext_layout *l);

/* The visible text without colours and control characters, cut at max bytes. */
int logtext_plain(struct logtext *t, size_t max, struct buf *ret);

#endif
