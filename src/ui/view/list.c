/* A row is a table of columns: each has a function that makes its text and picks its
 * colour. */
#include "ui/view/list.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/draw/format.h"
#include "ui/draw/text.h"

/* The text of one column of one row. */
struct field {
    int cols; /* the room there is */
    char text[256];
    enum color color;
};

static bool has_figures(const struct row *r)
{
    return row_is_alive(r) && r->t->last.taken_at != 0;
}

static void field_name(const struct row *r, int64_t now, struct field *f)
{
    snprintf(f->text, sizeof(f->text), "%s", r->s->name ? r->s->name : r->s->id);
}

static void field_id(const struct row *r, int64_t now, struct field *f)
{
    snprintf(f->text, sizeof(f->text), "%.*s", MTD_SHORT_ID_LEN, r->s->id);
}

static void field_image(const struct row *r, int64_t now, struct field *f)
{
    snprintf(f->text, sizeof(f->text), "%s", r->s->image ? r->s->image : "");
}

static void field_status(const struct row *r, int64_t now, struct field *f)
{
    char text[FORMAT_MAX];
    f->color = group_color(group_of(r->s));
    if (r->t->busy[0]) {
        f->color = COLOR_BUSY;
        snprintf(f->text, sizeof(f->text), "%s", r->t->busy);
    } else
        snprintf(f->text, sizeof(f->text), "%s", format_status(r->s, now, f->cols, text));
}

static void field_cpu(const struct row *r, int64_t now, struct field *f)
{
    char text[FORMAT_MAX];
    float cpu = has_figures(r) ? r->t->now.value[SERIES_CPU] : -1;
    if (!row_is_alive(r))
        return;
    f->color = cpu >= 80 ? COLOR_GRAPH_HIGH : COLOR_TEXT;
    snprintf(f->text, sizeof(f->text), "%s",
             cpu < 0 ? "-" : format_percent((double)cpu, text));
}

static void field_memory(const struct row *r, int64_t now, struct field *f)
{
    char used[FORMAT_MAX], limit[FORMAT_MAX];
    if (!row_is_alive(r))
        return;
    uint64_t max = r->s->memory_limit > 0 ? (uint64_t)r->s->memory_limit : MTD_STAT_NONE;
    uint64_t now_used = has_figures(r) ? r->t->last.memory : MTD_STAT_NONE;
    bool high =
        max != MTD_STAT_NONE && now_used != MTD_STAT_NONE && now_used > max / 10 * 9;
    f->color = high ? COLOR_GRAPH_HIGH : COLOR_TEXT;
    format_size(now_used, used);
    if (max == MTD_STAT_NONE)
        snprintf(f->text, sizeof(f->text), "%s", used);
    else
        snprintf(f->text, sizeof(f->text), "%s / %s", used, format_size(max, limit));
}

static void field_pids(const struct row *r, int64_t now, struct field *f)
{
    if (!row_is_alive(r))
        return;
    bool known = has_figures(r) && r->t->last.pids != MTD_STAT_NONE;
    if (known)
        snprintf(f->text, sizeof(f->text), "%llu", (unsigned long long)r->t->last.pids);
    else
        snprintf(f->text, sizeof(f->text), "-");
}

static void pair(const struct row *r, uint64_t a, uint64_t b, struct field *f)
{
    char x[FORMAT_MAX], y[FORMAT_MAX];
    if (!row_is_alive(r))
        return;
    if (!has_figures(r) || a == MTD_STAT_NONE)
        snprintf(f->text, sizeof(f->text), "-");
    else
        snprintf(f->text, sizeof(f->text), "%s/%s", format_size(a, x), format_size(b, y));
}

static bool is_reachable(const struct mtd_summary *s)
{
    struct mtd_port_line line;
    for (size_t i = 0; i < s->ports.len; i++)
        if (mtd_port_line_read(s->ports.items[i], &line) == 0 &&
            mtd_port_line_is_public(&line))
            return true;
    return false;
}

/* What is reached from outside stands out from what only the host reaches. */
static void field_ports(const struct row *r, int64_t now, struct field *f)
{
    auto_done(buf_done) struct buf text = {0};
    if (!row_is_alive(r) || mtd_ports_short(&r->s->ports, &text) < 0 || !text.data)
        return;
    f->color = is_reachable(r->s) ? COLOR_TEXT : COLOR_DIM;
    snprintf(f->text, sizeof(f->text), "%s", text.data);
}

/* Most containers have no network of their own: nothing is better than noughts. */
static void field_net(const struct row *r, int64_t now, struct field *f)
{
    if (r->t->last.net_rx || r->t->last.net_tx)
        pair(r, r->t->last.net_rx, r->t->last.net_tx, f);
}

static void field_block(const struct row *r, int64_t now, struct field *f)
{
    pair(r, r->t->last.blk_read, r->t->last.blk_write, f);
}

static void field_restarts(const struct row *r, int64_t now, struct field *f)
{
    if (r->s->restart_count)
        snprintf(f->text, sizeof(f->text), "%u", r->s->restart_count);
}

static void field_command(const struct row *r, int64_t now, struct field *f)
{
    const char *text = r->s->command;
    f->color = COLOR_DIM;
    snprintf(f->text, sizeof(f->text), "%s", text ? text : "");
}

static void (*const FIELDS[COLUMN_COUNT])(const struct row *, int64_t, struct field *) = {
    [COLUMN_NAME] = field_name,         [COLUMN_ID] = field_id,
    [COLUMN_IMAGE] = field_image,       [COLUMN_STATUS] = field_status,
    [COLUMN_CPU] = field_cpu,           [COLUMN_MEMORY] = field_memory,
    [COLUMN_PIDS] = field_pids,         [COLUMN_PORTS] = field_ports,
    [COLUMN_NET] = field_net,           [COLUMN_BLOCK] = field_block,
    [COLUMN_RESTARTS] = field_restarts, [COLUMN_COMMAND] = field_command,
};

static void draw_history(const struct row *r, struct pen p, int cols, struct style st)
{
    bool plain = st.color == COLOR_TEXT;
    for (int i = 0; i < cols && row_is_alive(r); i++) {
        const struct sample *s = track_sample(r->t, (unsigned)(cols - 1 - i));
        float v = s ? s->value[SERIES_CPU] : -1;
        if (v < 0.05f) /* idle: nothing to see */
            continue;
        int level = v >= 100 ? 8 : 1 + (int)(v * 7.99f / 100);
        struct style own = !plain    ? st
                           : v >= 80 ? STYLE(COLOR_GRAPH_HIGH)
                           : v < 1   ? STYLE(COLOR_DIM)
                                     : STYLE(COLOR_GRAPH);
        pen_shape(PEN(p.c, p.r, p.row, p.col + i), own, SHAPE_BLOCK + (unsigned)level);
    }
}

static void draw_state(const struct row *r, struct pen p, int cols, bool selected,
                       struct style st)
{
    struct style own = st.color == COLOR_TEXT ? STYLE(group_color(group_of(r->s))) : st;
    struct style mark = r->t->marked && st.color == COLOR_TEXT ? STYLE(COLOR_MARKED) : st;
    if (cols >= 2)
        pen_puts(&p, mark,
                 r->t->marked ? canvas_shape(p.c, SHAPE_MARK)
                 : selected   ? canvas_shape(p.c, SHAPE_CURSOR)
                              : " ");
    pen_shape(&p, own, group_shape(group_of(r->s)));
}

/* The cells without figures: of a stopped row all but the command, of an unhealthy one those
 * that say least. */
static bool is_for_note(const struct row *r, int column)
{
    if (!r->t->note || !r->t->note[0])
        return false;
    if (row_is_alive(r))
        return column == COLUMN_COMMAND || column == COLUMN_NET ||
               column == COLUMN_BLOCK || column == COLUMN_RESTARTS;
    return column >= COLUMN_CPU && column <= COLUMN_BLOCK;
}

/* From the column at i to the last one that goes with it; returns the one after that. */
static int draw_note(const struct row *r, struct pen *p, const int *width, int i,
                     struct style st)
{
    int cols = 0, last = i;
    for (int k = i; k < COLUMN_COUNT && is_for_note(r, k); k++) {
        cols += width[k] ? width[k] + 1 : 0;
        last = k;
    }
    bool rest = true; /* nothing is shown to the right of it */
    for (int k = last + 1; k < COLUMN_COUNT; k++)
        rest &= width[k] == 0;
    cols = rest ? p->r.cols - p->col : cols - 1;
    enum group g = group_of(r->s);
    struct style own =
        st.color != COLOR_TEXT
            ? st
            : STYLE_ATTR(group_needs_look(g) || g == GROUP_FAILED ? COLOR_TEXT
                                                                  : COLOR_DIM,
                         st.attrs);
    pen_field(p, cols, false, own, r->t->note);
    p->col++;
    return last + 1;
}

static void draw_field(const struct row *r, struct pen *p, int column, int width,
                       const struct list_setup *setup, struct style st)
{
    struct field f = {.cols = width, .color = COLOR_TEXT};
    FIELDS[column](r, setup->now_ns, &f);
    struct style own = st.color == COLOR_TEXT ? STYLE_ATTR(f.color, st.attrs) : st;
    if (column == COLUMN_NAME)
        pen_name(p, width, own, f.text);
    else
        pen_field(p, width, COLUMNS[column].right, own, f.text);
}

static void draw_cells(const struct row *r, struct pen p, const int *width,
                       const struct list_setup *setup, bool selected, struct style st)
{
    for (int i = 0; i < COLUMN_COUNT;) {
        int next = p.col + width[i] + 1;
        if (!width[i]) {
            i++;
            continue;
        }
        if (is_for_note(r, i)) {
            i = draw_note(r, &p, width, i, st);
            continue;
        }
        if (i == COLUMN_STATE)
            draw_state(r, p, width[i], selected, st);
        else if (i == COLUMN_HIST)
            draw_history(r, p, width[i], st);
        else
            draw_field(r, &p, i, width[i], setup, st);
        p.col = next;
        i++;
    }
}

static void draw_row(const struct row *r, struct pen p, const int *width,
                     const struct list_setup *setup, bool selected)
{
    struct style st = STYLE(selected && setup->focused ? COLOR_SELECTED
                            : r->t->marked             ? COLOR_MARKED
                                                       : COLOR_TEXT);
    if (selected && !setup->focused)
        st = STYLE_ATTR(COLOR_TEXT, ATTR_BOLD);
    canvas_fill(p.c, p.r, st);
    draw_cells(r, p, width, setup, selected, st);
}

static void fit(const struct model *m, const struct list_setup *setup, int cols,
                int width[COLUMN_COUNT])
{
    static const enum column GROWING[] = {COLUMN_NAME,   COLUMN_IMAGE, COLUMN_STATUS,
                                          COLUMN_MEMORY, COLUMN_PORTS, COLUMN_NET,
                                          COLUMN_COMMAND};
    struct columns want = {.enabled = setup->columns};
    if (model_common_image(m)) /* the header names it */
        want.enabled &= ~(1u << COLUMN_IMAGE);
    for (size_t i = 0; i < m->list.len; i++)
        for (size_t g = 0; g < ARRAY_SIZE(GROWING); g++) {
            struct field f = {.cols = FORMAT_WIDE};
            FIELDS[GROWING[g]](&m->rows[i], setup->now_ns, &f);
            int w = text_width(f.text, strlen(f.text));
            if (w > want.longest[GROWING[g]])
                want.longest[GROWING[g]] = w;
        }
    if (!want.longest[COLUMN_PORTS])
        want.enabled &= ~(1u << COLUMN_PORTS);
    columns_fit(&want, cols, width);
}

static bool is_sorted_by(const struct model *m, int column)
{
    static const enum column OF[SORT_COUNT] = {
        [SORT_TIME] = COLUMN_COUNT,  [SORT_NAME] = COLUMN_NAME,
        [SORT_CPU] = COLUMN_CPU,     [SORT_MEMORY] = COLUMN_MEMORY,
        [SORT_PIDS] = COLUMN_PIDS,   [SORT_STATE] = COLUMN_STATE,
        [SORT_IMAGE] = COLUMN_IMAGE,
    };
    return (int)OF[m->sort] == column;
}

static void draw_headings(const struct model *m, struct pen p, const int *width)
{
    canvas_fill(p.c, p.r, STYLE(COLOR_HEADING));
    for (int i = 0, col = 0; i < COLUMN_COUNT; i++) {
        if (!width[i])
            continue;
        bool sorted = is_sorted_by(m, i);
        p.col = i == COLUMN_STATE && width[i] > 1 ? col + 1 : col;
        pen_field(&p, width[i] - (p.col - col), COLUMNS[i].right,
                  STYLE_ATTR(COLOR_HEADING, sorted ? ATTR_UNDERLINE : 0),
                  COLUMNS[i].heading);
        col += width[i] + 1;
    }
}

static void scroll(const struct model *m, int rows, size_t *top)
{
    size_t n = rows > 0 ? (size_t)rows : 1;
    if (m->cursor < *top)
        *top = m->cursor;
    if (m->cursor >= *top + n)
        *top = m->cursor - n + 1;
    if (*top + n > m->n_shown)
        *top = m->n_shown > n ? m->n_shown - n : 0;
}

/* The advice names the keys as they are now, and what they do to what hides the rows. */
static void draw_empty(const struct model *m, const struct keys *keys, struct canvas *c,
                       struct rect rows)
{
    char key[16], other[16], text[160] = "";
    bool filtered = m->filter.text[0];
    if (m->list.len == 0 && !m->problem[0])
        snprintf(text, sizeof(text), "no containers yet: press %s to run one",
                 keys_for(keys, CMD_RUN, key));
    else if (m->list.len && !filtered)
        snprintf(text, sizeof(text), "nothing is running: %s shows all",
                 keys_for(keys, CMD_SHOW_ALL, key));
    else if (m->list.len && m->running_only)
        snprintf(text, sizeof(text),
                 "nothing that runs matches: %s looks at all, %s clears the filter",
                 keys_for(keys, CMD_SHOW_ALL, key), keys_for(keys, CMD_BACK, other));
    else if (m->list.len)
        snprintf(text, sizeof(text), "nothing matches: %s clears the filter",
                 keys_for(keys, CMD_BACK, key));
    pen_puts(PEN(c, rows, rows.rows > 2 ? 1 : 0, 2), STYLE(COLOR_DIM), text);
}

void list_draw(const struct model *m, const struct list_setup *setup, struct canvas *c,
               size_t *top)
{
    int width[COLUMN_COUNT];
    struct rect rows = setup->rows;
    fit(m, setup, rows.cols, width);
    if (setup->headings.rows)
        draw_headings(m, pen_at(c, setup->headings, 0, 0), width);
    scroll(m, rows.rows, top);
    if (m->n_shown == 0)
        draw_empty(m, setup->keys, c, rows);
    for (int i = 0; i < rows.rows && *top + (size_t)i < m->n_shown; i++) {
        struct rect line = {rows.row + i, rows.col, 1, rows.cols};
        size_t at = *top + (size_t)i;
        draw_row(m->shown[at], pen_at(c, line, 0, 0), width, setup, at == m->cursor);
    }
}

int list_column_at(const struct model *m, const struct list_setup *setup, int col)
{
    int width[COLUMN_COUNT];
    fit(m, setup, setup->headings.cols, width);
    for (int i = 0, at = 0; i < COLUMN_COUNT; i++) {
        if (width[i] && col >= at && col <= at + width[i])
            return i;
        at += width[i] ? width[i] + 1 : 0;
    }
    return -1;
}
