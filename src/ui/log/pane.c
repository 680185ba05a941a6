/* Two ways of filling the screen. Following: what came since the last look is read
 * backwards from the end, until the screen is full or the known lines are reached, so a
 * flood costs a screenful and a filter sees every byte once. Paused: forwards from the
 * first line.
 */
#include "ui/log/pane.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ui/log/text.h"

int logpane_init(struct logpane *p)
{
    *p = (struct logpane){.follow = true};
    p->shown.items = malloc(LOGPANE_ROWS * sizeof(struct logrow));
    p->tail.items = malloc(LOGPANE_ROWS * sizeof(struct logrow));
    p->buf = malloc(LOGTEXT_PIECE);
    if (p->shown.items && p->tail.items && p->buf)
        return 0;
    logpane_done(p);
    return -ENOMEM;
}

void logpane_done(struct logpane *p)
{
    free(p->shown.items);
    free(p->tail.items);
    free(p->buf);
    *p = (struct logpane){.follow = true};
}

/* ---- rows -------------------------------------------------------------------------- */

static unsigned height_of(struct logpane *p, const struct logref *ref)
{
    struct logtext t;
    if (!p->wrap)
        return 1;
    logtext_open(&t, p->logs->index[ref->source], &ref->line, p->buf, STYLE(COLOR_TEXT));
    return logtext_rows(&t, p->cols - logpane_prefix(p, p->cols), 1u << 24);
}

static void clear_rows(struct logrows *r)
{
    r->n = 0;
    r->height = 0;
}

static void push_row(struct logpane *p, struct logrows *r, const struct logref *ref)
{
    if (r->n == LOGPANE_ROWS)
        return;
    r->items[r->n] = (struct logrow){.ref = *ref, .height = height_of(p, ref)};
    r->height += r->items[r->n++].height;
}

static void drop_first_row(struct logrows *r)
{
    r->height -= r->items[0].height;
    memmove(r->items, r->items + 1, --r->n * sizeof(*r->items));
}

static void drop_last_row(struct logrows *r)
{
    r->height -= r->items[--r->n].height;
}

static unsigned screen(const struct logpane *p)
{
    return p->rows > LOGPANE_ROWS - 2 ? LOGPANE_ROWS - 2 : (unsigned)p->rows;
}

/* The place after the rows. */
static struct logplace place_below(const struct logpane *p)
{
    struct logplace place = p->top;
    for (size_t i = 0; i < p->shown.n; i++)
        place.at[p->shown.items[i].ref.source] = p->shown.items[i].ref.line.next;
    return place;
}

/* ---- following --------------------------------------------------------------------- */

static void begin_tail(struct logpane *p)
{
    logplace_end(p->logs, &p->tail_end);
    if (memcmp(p->tail_end.at, p->end.at, p->logs->n * sizeof(p->end.at[0])) == 0)
        return;
    clear_rows(&p->tail);
    logmerge_backward(&p->fill, p->logs, p->hide, &p->tail_end, &p->end);
    p->tail_busy = true;
}

static void end_tail(struct logpane *p)
{
    if (p->tail.height >= screen(p))
        clear_rows(&p->shown);
    while (p->tail.n > 0) {
        if (p->shown.n == LOGPANE_ROWS)
            drop_first_row(&p->shown);
        struct logrow *last = &p->tail.items[p->tail.n - 1];
        p->shown.items[p->shown.n++] = *last;
        p->shown.height += last->height;
        drop_last_row(&p->tail);
    }
    while (p->shown.n > 0 && p->shown.height - p->shown.items[0].height >= screen(p))
        drop_first_row(&p->shown);
    p->end = p->tail_end;
    p->tail_busy = false;
}

static int follow_step(struct logpane *p, size_t budget)
{
    struct logref ref;
    if (!p->tail_busy)
        begin_tail(p);
    int r = 1;
    while (p->tail_busy && r > 0) {
        r = logmerge_next(&p->fill, budget, &ref);
        if (r > 0)
            push_row(p, &p->tail, &ref);
        if (r == 0 || p->tail.height >= screen(p))
            end_tail(p);
    }
    return r < 0 ? r : 0;
}

/* ---- paused ------------------------------------------------------------------------ */

static int next_row(struct logpane *p, size_t budget)
{
    struct logref ref;
    if (!p->fill_ready) {
        struct logplace place = place_below(p);
        logmerge_forward(&p->fill, p->logs, p->hide, &place);
        p->fill_ready = true;
    }
    int r = p->shown.n < LOGPANE_ROWS ? logmerge_next(&p->fill, budget, &ref) : 0;
    if (r > 0)
        push_row(p, &p->shown, &ref);
    return r;
}

static int fill_step(struct logpane *p, size_t budget)
{
    int r = 1;
    while (r > 0 && p->shown.height < p->skip + screen(p))
        r = next_row(p, budget);
    return r < 0 ? r : 0;
}

static int previous_row(struct logpane *p, size_t budget)
{
    struct logref ref;
    if (!p->up_ready) {
        logmerge_backward(&p->up, p->logs, p->hide, &p->top, &p->floor);
        p->up_ready = true;
    }
    int r = logmerge_next(&p->up, budget, &ref);
    if (r <= 0)
        return r;
    if (p->shown.n == LOGPANE_ROWS) {
        drop_last_row(&p->shown);
        p->fill_ready = false;
    }
    unsigned height = height_of(p, &ref);
    memmove(p->shown.items + 1, p->shown.items, p->shown.n++ * sizeof(*p->shown.items));
    p->shown.items[0] = (struct logrow){.ref = ref, .height = height};
    p->shown.height += height;
    p->skip += height;
    logmerge_place(&p->up, &p->top);
    return 1;
}

static int up_step(struct logpane *p, size_t budget)
{
    while (p->want < 0) {
        if (p->skip == 0) {
            int r = previous_row(p, budget);
            if (r == 0)
                p->want = 0;
            if (r <= 0)
                return r;
        }
        unsigned n = (unsigned long)-p->want < p->skip ? (unsigned)-p->want : p->skip;
        p->skip -= n;
        p->want += n;
    }
    while (p->shown.n > 1 && p->shown.height - p->shown.items[p->shown.n - 1].height >=
                                 p->skip + screen(p)) {
        drop_last_row(&p->shown);
        p->fill_ready = false;
    }
    return 0;
}

static int down_step(struct logpane *p, size_t budget)
{
    while (p->want > 0) {
        if (p->shown.height <= p->skip + screen(p)) {
            int r = next_row(p, budget);
            if (r == 0)
                p->want = 0;
            if (r <= 0)
                return r;
            continue;
        }
        unsigned room = p->shown.height - p->skip - screen(p);
        unsigned n = (unsigned long)p->want < room ? (unsigned)p->want : room;
        p->skip += n;
        p->want -= n;
        while (p->shown.n > 1 && p->skip >= p->shown.items[0].height) {
            const struct logref *first = &p->shown.items[0].ref;
            p->top.at[first->source] = first->line.next;
            p->skip -= p->shown.items[0].height;
            drop_first_row(&p->shown);
            p->up_ready = false;
        }
    }
    return 0;
}

static int count_step(struct logpane *p, size_t budget)
{
    int result = 0;
    for (size_t i = 0; i < p->logs->n; i++)
        if (logindex_count(p->logs->index[i], &p->fresh[i], budget) == -EAGAIN)
            result = -EAGAIN;
    return result;
}

static int paused_step(struct logpane *p, size_t budget)
{
    int r = p->want < 0 ? up_step(p, budget) : p->want > 0 ? down_step(p, budget) : 0;
    if (r >= 0)
        r = fill_step(p, budget);
    if (r == 0 && p->refill) {
        p->refill = false;
        p->want = (long)p->shown.height - (long)(p->skip + screen(p));
        r = up_step(p, budget);
    }
    int counted = count_step(p, budget);
    return r < 0 ? r : counted;
}

bool logpane_work(struct logpane *p, size_t budget)
{
    if (!p->logs || p->logs->n == 0 || p->rows <= 0)
        return false;
    int r = p->follow ? follow_step(p, budget) : paused_step(p, budget);
    return r == -EAGAIN;
}

/* ---- what others do with it -------------------------------------------------------- */

void logpane_reset(struct logpane *p, const struct logsources *logs)
{
    p->logs = logs;
    p->have_current = false;
    p->shift = 0;
    logplace_first(logs, &p->floor);
    logpane_follow(p);
}

void logpane_follow(struct logpane *p)
{
    p->follow = true;
    p->want = 0;
    p->skip = 0;
    p->tail_busy = p->fill_ready = p->up_ready = false;
    clear_rows(&p->shown);
    p->end = p->floor;
}

void logpane_pause(struct logpane *p)
{
    if (!p->follow || !p->logs)
        return;
    p->follow = false;
    p->tail_busy = p->fill_ready = p->up_ready = false;
    p->want = 0;
    p->skip = p->shown.height > screen(p) ? p->shown.height - screen(p) : 0;
    p->top = p->end;
    for (size_t i = p->shown.n; i-- > 0;)
        p->top.at[p->shown.items[i].ref.source] = p->shown.items[i].ref.line.start;
    for (size_t i = 0; i < p->logs->n; i++)
        p->fresh[i] = (struct log_counter){.at = p->end.at[i]};
}

void logpane_goto(struct logpane *p, const struct logplace *place)
{
    if (p->follow && p->shown.n == 0 &&
        p->logs) /* not filled yet: what is there is not new */
        logplace_end(p->logs, &p->end);
    logpane_pause(p);
    clear_rows(&p->shown);
    p->top = *place;
    p->skip = 0;
    p->want = 0;
    p->fill_ready = p->up_ready = false;
}

void logpane_arrange(struct logpane *p)
{
    if (!p->logs)
        return;
    if (p->follow) {
        logpane_follow(p);
        return;
    }
    clear_rows(&p->shown);
    p->skip = 0;
    p->fill_ready = p->up_ready = false;
    p->refill = true;
}

void logpane_scroll(struct logpane *p, long rows)
{
    if (p->follow && rows > 0)
        return; /* it is at the end */
    logpane_pause(p);
    p->want += rows;
}

/* A line that was incomplete may have become longer. */
static void read_partial_lines(struct logpane *p)
{
    for (size_t i = 0; i < p->shown.n; i++) {
        struct logrow *row = &p->shown.items[i];
        struct log_line line;
        if (!row->ref.line.partial ||
            logindex_at(p->logs->index[row->ref.source], row->ref.line.start, &line) <=
                0 ||
            line.start != row->ref.line.start)
            continue;
        row->ref.line = line;
        p->shown.height -= row->height;
        row->height = height_of(p, &row->ref);
        p->shown.height += row->height;
    }
}

bool logpane_update(struct logpane *p)
{
    int result = 0;
    for (size_t i = 0; p->logs && i < p->logs->n; i++) {
        int r = logindex_refresh(p->logs->index[i]);
        if (r > 0)
            result |= r;
    }
    if (result == 0)
        return false;
    read_partial_lines(p);
    if (!p->follow && p->fill_ready)
        logmerge_more(&p->fill);
    return true;
}

bool logpane_on_screen(const struct logpane *p, const struct logref *ref)
{
    unsigned below = 0, skip = p->follow && p->shown.height > screen(p)
                                   ? p->shown.height - screen(p)
                                   : p->skip;
    for (size_t i = 0; i < p->shown.n; i++) {
        const struct logrow *row = &p->shown.items[i];
        if (row->ref.source == ref->source && row->ref.line.start == ref->line.start)
            return below >= skip && below < skip + screen(p);
        below += row->height;
    }
    return false;
}

void logpane_show(struct logpane *p, const struct logref *ref)
{
    p->current = *ref;
    p->have_current = true;
    if (logpane_on_screen(p, ref)) {
        logpane_pause(p);
        return;
    }
    struct logplace place;
    logplace_time(p->logs, ref->line.time, &place);
    if (p->logs->n == 1 || place.at[ref->source] > ref->line.start)
        place.at[ref->source] = ref->line.start;
    logpane_goto(p, &place);
    p->top.at[ref->source] = ref->line.start;
    p->want = -(p->rows / 3);
}

const struct logref *logpane_at(const struct logpane *p, int row)
{
    long at =
        -(long)(p->follow && p->shown.height > screen(p) ? p->shown.height - screen(p)
                : p->follow                              ? 0
                                                         : p->skip);
    for (size_t i = 0; i < p->shown.n; i++) {
        at += p->shown.items[i].height;
        if (row < at)
            return &p->shown.items[i].ref;
    }
    return NULL;
}

uint64_t logpane_fresh(const struct logpane *p)
{
    uint64_t n = 0;
    for (size_t i = 0; p->logs && i < p->logs->n && !p->follow; i++)
        n += p->fresh[i].lines;
    return n;
}
