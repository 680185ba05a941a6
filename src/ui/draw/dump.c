/* The canvas as text, for golden screens, scripts and the manual, and the table of
 * shapes. */
#include "ui/draw/canvas.h"

#include <ctype.h>
#include <string.h>

static const char *const SHAPES[SHAPE_COUNT][2] = {
    [SHAPE_RUNNING] = {"●", "R"},     [SHAPE_PAUSED] = {"‖", "P"},
    [SHAPE_EXITED] = {"○", "E"},      [SHAPE_FAILED] = {"✗", "X"},
    [SHAPE_CREATED] = {"·", "C"},     [SHAPE_RESTARTING] = {"↻", "S"},
    [SHAPE_REMOVING] = {"−", "D"},    [SHAPE_BROKEN] = {"!", "!"},
    [SHAPE_UNHEALTHY] = {"▲", "U"},   [SHAPE_FOCUS] = {"▸", ">"},
    [SHAPE_HLINE] = {"─", "-"},       [SHAPE_VLINE] = {"│", "|"},
    [SHAPE_TOP_LEFT] = {"┌", "+"},    [SHAPE_TOP_RIGHT] = {"┐", "+"},
    [SHAPE_BOTTOM_LEFT] = {"└", "+"}, [SHAPE_BOTTOM_RIGHT] = {"┘", "+"},
    [SHAPE_ELLIPSIS] = {"…", "~"},    [SHAPE_CURSOR] = {">", ">"},
    [SHAPE_MARK] = {"*", "*"},        [SHAPE_OPEN] = {"▾", "-"},
    [SHAPE_FOLDED] = {"▸", "+"},      [SHAPE_MORE_UP] = {"▲", "^"},
    [SHAPE_MORE_DOWN] = {"▼", "v"},   [SHAPE_BULLET] = {"•", "*"},
    [SHAPE_BLOCK] = {" ", " "},       [SHAPE_BLOCK + 1] = {"▁", "."},
    [SHAPE_BLOCK + 2] = {"▂", "."},   [SHAPE_BLOCK + 3] = {"▃", ":"},
    [SHAPE_BLOCK + 4] = {"▄", ":"},   [SHAPE_BLOCK + 5] = {"▅", "|"},
    [SHAPE_BLOCK + 6] = {"▆", "|"},   [SHAPE_BLOCK + 7] = {"▇", "#"},
    [SHAPE_BLOCK + 8] = {"█", "#"},
};

const char *canvas_shape(const struct canvas *c, enum shape s)
{
    return SHAPES[s][c->ascii];
}

static int end_line(struct buf *b, size_t start)
{
    while (b->len > start && b->data[b->len - 1] == ' ')
        b->data[--b->len] = '\0';
    return buf_putc(b, '\n');
}

int canvas_dump(const struct canvas *c, struct buf *ret)
{
    const struct cell *cell = c->cells;
    int rc = 0;
    for (int row = 0; row < c->rows && rc == 0; row++) {
        size_t start = ret->len;
        for (int col = 0; col < c->cols && rc == 0; col++, cell++)
            rc = buf_add(ret, cell->text, cell->len);
        if (rc == 0)
            rc = end_line(ret, start);
    }
    return rc;
}

static char style_letter(struct style st)
{
    if (st.color == COLOR_TEXT && st.attrs == 0)
        return '.';
    if (st.color >= COLOR_LANE)
        return st.color >= COLOR_ANSI ? '#' : (char)('0' + st.color - COLOR_LANE);
    char letter = (char)('a' + st.color);
    return st.attrs ? (char)toupper(letter) : letter;
}

int canvas_dump_styles(const struct canvas *c, struct buf *ret)
{
    const struct cell *cell = c->cells;
    int rc = 0;
    for (int row = 0; row < c->rows && rc == 0; row++) {
        for (int col = 0; col < c->cols && rc == 0; col++, cell++)
            rc = buf_putc(ret, style_letter(cell->style));
        if (rc == 0)
            rc = buf_putc(ret, '\n');
    }
    return rc;
}
