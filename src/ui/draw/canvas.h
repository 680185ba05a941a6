/* canvas - a grid of cells; every view draws into one and knows nothing else of a
 * terminal.
 * Shape   a cell is one glyph (a base with its combining marks), a semantic colour and
 *         attributes. A wide glyph takes two cells, the right one having width 0.
 *         Overwriting one half of it blanks the other: there are never half glyphs.
 * Rule    every drawing function clips to its rectangle and to the canvas; any coordinate
 *         is allowed. Text is made harmless by text.h: no control byte gets into a cell.
 * Owner   canvas_done frees; out of memory in canvas_resize keeps the old size.
 */
#ifndef UI_DRAW_CANVAS_H
#define UI_DRAW_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* What a cell means; theme.c decides how that looks. */
enum color {
    COLOR_TEXT,
    COLOR_DIM,
    COLOR_BAR,     /* the header line */
    COLOR_HEADING, /* column headings, section titles */
    COLOR_BORDER,
    COLOR_KEY,      /* a key in the footer or the help */
    COLOR_SELECTED, /* the row under the cursor */
    COLOR_MARKED,
    COLOR_RUNNING,
    COLOR_PAUSED,
    COLOR_EXITED, /* ended with status 0, created */
    COLOR_FAILED, /* ended otherwise, dead, broken */
    COLOR_BUSY,   /* restarting, removing, an action under way */
    COLOR_GRAPH,
    COLOR_GRAPH_HIGH,
    COLOR_LIMIT, /* a limit drawn into a graph */
    COLOR_INFO,  /* message line */
    COLOR_WARNING,
    COLOR_ERROR,
    COLOR_INPUT,  /* text being typed */
    COLOR_MATCH,  /* a search hit */
    COLOR_STDERR, /* what a container wrote to stderr */
    COLOR_ALERT,  /* in the header: what wants a look */
    COLOR_LANE,   /* + 0..7: one of several containers in a merged log */
    COLOR_LANE_LAST = COLOR_LANE + 7,
    COLOR_ANSI, /* + 0..15: the palette, for SGR colours in logs */
    COLOR_ANSI_LAST = COLOR_ANSI + 15,
    COLOR_COUNT
};

enum attr { ATTR_BOLD = 1, ATTR_DIM = 2, ATTR_UNDERLINE = 4, ATTR_REVERSE = 8 };

struct style {
    uint8_t color; /* enum color */
    uint8_t attrs; /* enum attr */
};
#define STYLE(c) ((struct style){.color = (uint8_t)(c)})
#define STYLE_ATTR(c, a) ((struct style){.color = (uint8_t)(c), .attrs = (uint8_t)(a)})

#define CELL_BYTES 12
struct cell {
    char text[CELL_BYTES]; /* UTF-8, not terminated when full; zero after the last byte */
    uint8_t len;           /* 0 in the right half of a wide glyph */
    uint8_t width;         /* 1, 2, or 0 = right half */
    struct style style;
};

struct rect {
    int row, col, rows, cols;
};

struct canvas {
    struct cell *cells; /* rows * cols */
    int rows, cols;
    bool ascii;                 /* shapes and text in ASCII only; else UTF-8 */
    int cursor_row, cursor_col; /* where the terminal's cursor goes; row -1 = hidden */
};

int canvas_init(struct canvas *c, int rows, int cols); /* -ENOMEM */
int canvas_resize(struct canvas *c, int rows, int cols);
void canvas_done(struct canvas *c);
void canvas_clear(struct canvas *c);             /* blanks, cursor hidden */
struct rect canvas_rect(const struct canvas *c); /* all of it */

void canvas_fill(struct canvas *c, struct rect r, struct style st); /* blanks */
/* A box along the inside of r, its inside blanked, title into the top line (may be
 * NULL). */
void canvas_box(struct canvas *c, struct rect r, struct style st, const char *title);
/* Puts the terminal's cursor; outside of r = hidden. */
void canvas_cursor(struct canvas *c, struct rect r, int row, int col);

/* Where the next text goes: row and col of a rectangle, either of which may be outside of
 * it, negative too. What is outside is cut off, but moves col all the same. */
struct pen {
    struct canvas *c;
    struct rect r;
    int row, col;
};
static inline struct pen pen_at(struct canvas *c, struct rect r, int row, int col)
{
    return (struct pen){.c = c, .r = r, .row = row, .col = col};
}
/* For a single call: pen_puts(PEN(c, r, 0, 1), ...). */
#define PEN(canvas, rect, row_, col_) \
    (&(struct pen){.c = (canvas), .r = (rect), .row = (row_), .col = (col_)})

void pen_text(struct pen *p, struct style st, const char *s, size_t n);
void pen_puts(struct pen *p, struct style st, const char *s);
void pen_printf(struct pen *p, struct style st, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void pen_shape(struct pen *p, struct style st, unsigned shape); /* enum shape, + 0..8 */
/* The text in exactly cols columns: padded with blanks, or cut with an ellipsis.
 * Right-aligned when right. */
void pen_field(struct pen *p, int cols, bool right, struct style st, const char *s);
/* The same, but what does not fit is taken out of the middle: names differ at their ends. */
void pen_name(struct pen *p, int cols, struct style st, const char *s);
void pen_hline(struct pen *p, int n, struct style st);
/* Changes the style of n cells and leaves their text. */
void pen_restyle(struct pen *p, int n, struct style st);
/* What is right of the pen, as a rectangle of one row. */
struct rect pen_rest(const struct pen *p);

/* The screen as text: one line per row, blanks at the ends cut, '\n' after each. */
int canvas_dump(const struct canvas *c, struct buf *ret);
/* The colours as text: one letter per cell, 'a' + enum color (upper case with an
 * attribute); COLOR_TEXT without attributes is '.'. */
int canvas_dump_styles(const struct canvas *c, struct buf *ret);

/* Shapes, each one column wide, in UTF-8 or ASCII as the canvas has it. */
enum shape {
    SHAPE_RUNNING,
    SHAPE_PAUSED,
    SHAPE_EXITED,
    SHAPE_FAILED,
    SHAPE_CREATED,
    SHAPE_RESTARTING,
    SHAPE_REMOVING,
    SHAPE_BROKEN,
    SHAPE_UNHEALTHY,
    SHAPE_HLINE,
    SHAPE_VLINE,
    SHAPE_TOP_LEFT,
    SHAPE_TOP_RIGHT,
    SHAPE_BOTTOM_LEFT,
    SHAPE_BOTTOM_RIGHT,
    SHAPE_ELLIPSIS,
    SHAPE_CURSOR, /* before the selected row */
    SHAPE_MARK,
    SHAPE_FOCUS, /* before the tabs when they have the keys */
    SHAPE_OPEN,  /* an unfolded node */
    SHAPE_FOLDED,
    SHAPE_MORE_UP,
    SHAPE_MORE_DOWN,
    SHAPE_BULLET,
    SHAPE_BLOCK, /* + 0..8: an eighth block, 0 = nothing */
    SHAPE_BLOCK_LAST = SHAPE_BLOCK + 8,
    SHAPE_COUNT
};
const char *canvas_shape(const struct canvas *c, enum shape s);

#endif
