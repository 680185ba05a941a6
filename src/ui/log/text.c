/* The bytes of a line are decoded as they are drawn; nothing is kept but one piece, so
 * that a line of a gigabyte costs no more than a short one. */
#include "ui/log/text.h"

#include <string.h>

/* ---- reading ----------------------------------------------------------------------- */

static void load(struct logtext *t, uint64_t offset)
{
    uint64_t left = t->end > offset ? t->end - offset : 0;
    size_t want = left < LOGTEXT_PIECE ? (size_t)left : LOGTEXT_PIECE;
    ssize_t n = logindex_text(t->index, t->line, offset, t->buf, want);
    t->offset = offset;
    t->at = 0;
    t->len = n > 0 ? (size_t)n : 0;
    if (t->len < want) /* its file is gone, or an error: what was there is shown */
        t->end = offset + t->len;
}

/* A terminal shows what was written after the last "\r"; one at the very end ("\r\n")
 * moves nothing. Looked for from the end, piece by piece. */
static void find_visible(struct logtext *t)
{
    uint64_t high = t->end;
    bool trailing = true;
    while (high > 0) {
        uint64_t low = high > LOGTEXT_PIECE ? high - LOGTEXT_PIECE : 0;
        ssize_t n = logindex_text(t->index, t->line, low, t->buf, (size_t)(high - low));
        if (n < (ssize_t)(high - low))
            break;
        while (trailing && n > 0 && t->buf[n - 1] == '\r')
            n--;
        if (trailing)
            t->end = low + (uint64_t)n;
        trailing = trailing && n == 0;
        const char *cr = memrchr(t->buf, '\r', (size_t)n);
        if (cr || low == 0) {
            t->at = cr ? (size_t)(cr + 1 - t->buf) : 0;
            t->len = (size_t)n;
            t->offset = low;
            return;
        }
        high = low;
    }
    load(t, 0);
}

void logtext_open(struct logtext *t, struct logindex *x, const struct log_line *line,
                  char *buf, struct style base)
{
    *t = (struct logtext){.index = x, .line = line, .buf = buf, .end = line->len};
    ansi_init(&t->ansi, base);
    find_visible(t);
}

/* Enough bytes for a whole sequence, unless the text ends first. */
static void fill(struct logtext *t)
{
    if (t->len - t->at < ANSI_MAX && t->offset + t->len < t->end)
        load(t, t->offset + t->at);
}

/* false = the end. *ret_offset (may be NULL): where the glyph's bytes begin in the
 * text. */
static bool next_glyph(struct logtext *t, struct glyph *ret, struct style *st,
                       uint64_t *ret_offset)
{
    do {
        fill(t);
        if (t->at >= t->len && !ansi_pending(&t->ansi))
            return false;
        if (ret_offset)
            *ret_offset = t->offset + t->at;
        t->at += ansi_next(&t->ansi, t->buf + t->at, t->len - t->at, ret, st);
    } while (ret->len == 0);
    return true;
}

/* Passes over plain text, at most max columns. */
static int skip(struct logtext *t, int max)
{
    fill(t);
    size_t n =
        ansi_skip(&t->ansi, t->buf + t->at, t->len - t->at, max > 0 ? (size_t)max : 0);
    t->at += n;
    return (int)n;
}

/* ---- rows -------------------------------------------------------------------------- */

struct position {
    unsigned row;
    int col;
};

/* Where a glyph goes after p; a wide one does not cross the edge. */
static struct position place(struct position p, const struct glyph *g, int cols)
{
    if (g->width > 0 && p.col > 0 && p.col + g->width > cols)
        p = (struct position){p.row + 1, 0};
    return p;
}

/* A glyph of the line, with its style and where its bytes begin. */
struct piece {
    struct glyph g;
    struct style st;
    uint64_t offset;
    bool more; /* false = the line has ended: there is no glyph */
};

static void next_piece(struct logtext *t, struct piece *ret)
{
    ret->more = next_glyph(t, &ret->g, &ret->st, &ret->offset);
}

/* The position after skipping rows: of the first glyph in row `rows`, or of the end. */
static struct position pass_rows(struct logtext *t, int cols, unsigned rows,
                                 struct piece *ret_first)
{
    struct position p = {0, 0};
    for (;;) {
        if (p.row < rows) {
            int most = cols - p.col;
            p.col += skip(t, most);
        }
        next_piece(t, ret_first);
        if (!ret_first->more)
            return p;
        p = place(p, &ret_first->g, cols);
        if (p.row >= rows)
            return p;
        p.col += ret_first->g.width;
    }
}

unsigned logtext_rows(struct logtext *t, int cols, unsigned limit)
{
    struct piece first;
    if (cols < 1 || limit <= 1)
        return 1;
    struct position p = pass_rows(t, cols, limit, &first);
    return p.row + 1 < limit ? p.row + 1 : limit;
}

/* ---- drawing ----------------------------------------------------------------------- */

struct matches { /* of the query in the bytes that are loaded */
    const struct logindex_query *query;
    uint64_t start, end; /* of the next one; start = UINT64_MAX: none in this piece */
    uint64_t piece; /* offset of the piece it was looked for in; UINT64_MAX = none yet */
};

static bool is_match(struct matches *m, const struct logtext *t, uint64_t offset)
{
    if (!m->query || offset < t->offset)
        return false;
    bool fresh = m->piece != t->offset;
    if (!fresh && (offset < m->end || m->start == UINT64_MAX))
        return offset >= m->start && m->start != UINT64_MAX;
    size_t a, b, from = (size_t)(offset - t->offset);
    m->piece = t->offset;
    m->start = UINT64_MAX;
    if (from <= t->len && logindex_query_match(m->query, t->buf, t->len, from, &a, &b) &&
        b > a) {
        m->start = t->offset + a;
        m->end = t->offset + b;
    }
    return offset >= m->start && m->start != UINT64_MAX;
}

struct run { /* glyphs of one style in one row, drawn together so that marks combine */
    struct pen pen; /* where they begin */
    int width;
    struct style st;
    char bytes[256];
    size_t len;
};

static void flush(struct run *u)
{
    if (u->len > 0)
        pen_text(&u->pen, u->st, u->bytes, u->len);
    u->len = 0;
    u->width = 0;
}

static void put(struct run *u, int row, int col, const struct glyph *g, struct style st)
{
    bool same = u->st.color == st.color && u->st.attrs == st.attrs && u->pen.row == row &&
                u->pen.col + u->width == col && u->len + g->len <= sizeof(u->bytes);
    if (!same && g->width > 0) {
        flush(u);
        u->pen.row = row;
        u->pen.col = col;
        u->st = st;
    }
    if (u->len + g->len <= sizeof(u->bytes)) {
        memcpy(u->bytes + u->len, g->bytes, g->len);
        u->len += g->len;
        u->width += g->width;
    }
}

static void put_piece(struct run *u, struct position p, const struct piece *at,
                      bool match)
{
    put(u, (int)p.row, p.col, &at->g, match ? STYLE(COLOR_MATCH) : at->st);
}

static int draw_wrapped(struct logtext *t, struct run *u, const struct logtext_layout *l)
{
    struct matches m = {.query = l->match, .piece = UINT64_MAX};
    struct piece at = {.offset = 0};
    int height = u->pen.r.rows;
    struct position p = pass_rows(t, u->pen.r.cols, l->skip, &at);
    while (at.more) {
        p = place(p, &at.g, u->pen.r.cols);
        struct position shown = {p.row - l->skip, p.col};
        if ((int)shown.row >= height)
            break;
        put_piece(u, shown, &at, is_match(&m, t, at.offset));
        p.col += at.g.width;
        next_piece(t, &at);
    }
    flush(u);
    int rows = (int)p.row - (int)l->skip + 1;
    return rows > height ? height : rows < 1 ? 1 : rows;
}

static void draw_shifted(struct logtext *t, struct run *u, const struct logtext_layout *l)
{
    struct matches m = {.query = l->match, .piece = UINT64_MAX};
    struct piece at = {.offset = 0};
    struct position p = {.col = -l->shift};
    do {
        p.col += skip(t, -p.col);
        next_piece(t, &at);
        if (at.more) {
            put_piece(u, p, &at, is_match(&m, t, at.offset));
            p.col += at.g.width;
        }
    } while (at.more && p.col < u->pen.r.cols);
    flush(u);
    if (!at.more)
        next_piece(t, &at);
    if (at.more) /* there is more to the right */
        pen_shape(PEN(u->pen.c, u->pen.r, 0, u->pen.r.cols - 1), STYLE(COLOR_DIM),
                  SHAPE_ELLIPSIS);
}

int logtext_draw(struct logtext *t, struct canvas *c, struct rect r,
                 const struct logtext_layout *l)
{
    struct run u = {.pen = {.c = c, .r = r}};
    if (r.cols < 1 || r.rows < 1)
        return 1;
    if (l->wrap)
        return draw_wrapped(t, &u, l);
    draw_shifted(t, &u, l);
    return 1;
}

int logtext_plain(struct logtext *t, size_t max, struct buf *ret)
{
    struct glyph g;
    struct style st;
    while (ret->len + sizeof(g.bytes) <= max && next_glyph(t, &g, &st, NULL)) {
        int r = buf_add(ret, g.bytes, g.len);
        if (r < 0)
            return r;
    }
    return 0;
}
