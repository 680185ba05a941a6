/* Each line has levels, from the fullest to the shortest; the first that fits is
 * drawn. */
#include "ui/screen/bar.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/draw/format.h"
#include "ui/draw/text.h"
#include "ui/log/view.h"
#include "ui/model/columns.h"

/* ---- header ------------------------------------------------------------------------ */

/* Counts of the groups that occur, what wants a look first. `all`: the others too. */
static void draw_counts(const struct ui *ui, struct pen *p, bool all)
{
    for (int g = 0; g < GROUP_COUNT; g++) {
        unsigned n = ui->model.groups[g];
        if (g == GROUP_UP) /* it runs, whatever its check says */
            n += ui->model.groups[GROUP_UNHEALTHY];
        bool look = group_needs_look((enum group)g);
        if ((!n && g != GROUP_UP) || (!look && !all && g != GROUP_UP))
            continue;
        p->col += 2;
        pen_printf(p, look ? STYLE(COLOR_ALERT) : STYLE(COLOR_BAR), "%u %s", n,
                   group_word((enum group)g));
    }
}

static void figures(const struct ui *ui, char *out, size_t size)
{
    char used[FORMAT_MAX], total[FORMAT_MAX], cpu[FORMAT_MAX] = "-";
    if (ui->host_cpu >= 0)
        snprintf(cpu, sizeof(cpu), "%.0f%%", ui->host_cpu);
    snprintf(out, size, "host cpu %s  mem %s/%s ", cpu,
             format_size(ui->host_memory_used, used),
             format_size(ui->info.memory, total));
}

/* A flag that does not fit is left out rather than cut, except the one that says keys are
 * locked. */
static void flag(struct pen *p, enum color color, const char *text)
{
    bool fits = p->col + text_width(text, strlen(text)) + 2 <= p->r.cols;
    if (p->c->cells && !fits && strcmp(text, "read-only") != 0)
        return;
    pen_printf(p, STYLE_ATTR(color, ATTR_BOLD), "[%s]", text);
    p->col++;
}

static void flags(const struct ui *ui, struct pen *p)
{
    const struct model *m = &ui->model;
    char text[320], key[16];
    if (ui->read_only)
        flag(p, COLOR_BAR, "read-only");
    if (ui->frozen) {
        snprintf(text, sizeof(text), "frozen: %s", keys_for(&ui->keys, CMD_FREEZE, key));
        flag(p, COLOR_WARNING, text);
    }
    if (m->running_only)
        flag(p, COLOR_BAR, "running only");
    if (model_common_image(m) && ui->config.columns & 1u << COLUMN_IMAGE) {
        snprintf(text, sizeof(text), "all %.60s", model_common_image(m));
        flag(p, COLOR_BAR, text);
    }
    if (m->filter.text[0]) {
        snprintf(text, sizeof(text), "/%s: %zu of %zu", m->filter.text, m->n_shown,
                 m->list.len);
        flag(p, COLOR_MATCH, text);
    }
    size_t marked = model_marked(m), hidden = marked - model_marked_shown(m);
    if (marked) {
        snprintf(text, sizeof(text), "%zu marked", marked);
        if (hidden)
            snprintf(text, sizeof(text), "%zu marked, %zu hidden", marked, hidden);
        flag(p, COLOR_MARKED, text);
    }
    if (m->sort != SORT_TIME || m->reverse) {
        snprintf(text, sizeof(text), "by %s%s", sort_name(m->sort),
                 m->reverse ? ", reversed" : "");
        flag(p, COLOR_BAR, text);
    }
}

/* From the fullest to the shortest: with the machine's name or not, all counts or those that
 * matter, with figures or not. */
static const struct {
    bool host, all, figures;
} HEADERS[] = {{true, true, true},
               {false, true, true},
               {false, false, true},
               {false, true, false},
               {false, false, false}};

static void draw_head(const struct ui *ui, size_t level, struct pen *p)
{
    bool hybrid = ui->info.cgroup_version[0] == 'h';
    if (HEADERS[level].host)
        pen_printf(p, STYLE(COLOR_BAR), "  %s  cgroup %s%s ", ui->hostname,
                   hybrid ? "" : "v", ui->info.cgroup_version);
    p->col++;
    draw_counts(ui, p, HEADERS[level].all);
    p->col += 2;
    flags(ui, p);
}

static int head_width(const struct ui *ui, size_t level, struct rect r, const char *right)
{
    struct canvas none = {0}; /* a pen on it only measures */
    struct pen measure = {.c = &none, .r = r};
    draw_head(ui, level, &measure);
    return measure.col + (HEADERS[level].figures ? text_width(right, strlen(right)) : 0);
}

void bar_header(const struct ui *ui, struct canvas *c, struct rect r)
{
    static const char TITLE[] = "mytop-docker";
    char right[200];
    struct pen p = {.c = c, .r = r, .col = 1};
    canvas_fill(c, r, STYLE(COLOR_BAR));
    pen_puts(&p, STYLE_ATTR(COLOR_BAR, ATTR_BOLD), TITLE);
    if (ui->model.problem[0]) {
        p.col += 2;
        pen_printf(&p, STYLE(COLOR_ERROR), " %s ", ui->model.problem);
        return;
    }
    size_t level = 0;
    figures(ui, right, sizeof(right));
    while (head_width(ui, level, r, right) > r.cols - p.col &&
           level + 1 < ARRAY_SIZE(HEADERS))
        level++;
    draw_head(ui, level, &p);
    int at = r.cols - text_width(right, strlen(right));
    if (HEADERS[level].figures && at >= p.col)
        pen_puts(PEN(c, r, 0, at), STYLE(COLOR_BAR), right);
}

/* ---- tabs -------------------------------------------------------------------------- */

enum tabs { TABS_FRAMED, TABS_NAMED, TABS_NUMBERS, TABS_ONE };

/* From the fullest to the shortest: the state of the view ("paused, 1,204 new") goes
 * last. */
static const struct {
    enum tabs tabs;
    bool name;
} TAB_BARS[] = {{TABS_FRAMED, true},   {TABS_NAMED, true}, {TABS_NUMBERS, true},
                {TABS_NUMBERS, false}, {TABS_ONE, true},   {TABS_ONE, false}};

/* Brackets mark the active one only. Framed, each keeps its place whichever is active. */
static int tab_text(const struct ui *ui, enum tabs tabs, int tab, char *out, size_t size)
{
    const char *title = ui->tabs[tab]->ops->title;
    out[0] = '\0';
    if (tab == (int)ui->tab)
        return snprintf(out, size, "[%d %s]", tab + 1, title);
    if (tabs == TABS_FRAMED)
        return snprintf(out, size, " %d %s ", tab + 1, title);
    if (tabs == TABS_NAMED)
        return snprintf(out, size, "%d %s", tab + 1, title);
    return tabs == TABS_NUMBERS ? snprintf(out, size, "%d", tab + 1) : 0;
}

static int tabs_width(const struct ui *ui, enum tabs tabs)
{
    char text[32];
    int cols = 2;
    for (int i = 0; i < TAB_COUNT; i++) {
        int n = tab_text(ui, tabs, i, text, sizeof(text));
        cols += n ? n + 1 : 0;
    }
    return cols;
}

/* A long name must not push the names of the tabs away. */
static void shorten(const char *name, bool ascii, char *out, size_t size)
{
    enum { MOST = 24, HEAD = 11 };
    size_t n = strlen(name);
    if (text_width(name, n) <= MOST)
        snprintf(out, size, "%s", name);
    else
        snprintf(out, size, "%.*s%s%s", (int)text_fit(name, n, HEAD), name,
                 ascii ? "~" : "\xe2\x80\xa6",
                 name + text_fit_end(name, n, MOST - HEAD - 1));
}

static void tab_state(const struct ui *ui, bool name, char *out, size_t size)
{
    const struct view *v = ui->tabs[ui->tab];
    bool grep = ui->tab == TAB_LOGS && logview_shows_grep(v);
    const struct row *row = name && !grep ? model_find(&ui->model, ui->shown_id) : NULL;
    char status[128] = "", whose[160] = "";
    size_t marked = model_marked_shown(&ui->model);
    const char *dash = ui->ascii ? "--" : "\xe2\x94\x80\xe2\x94\x80";
    if (v->ops->status)
        v->ops->status((struct view *)v, status, sizeof(status));
    out[0] = '\0';
    if (row && ui->tab == TAB_LOGS && marked > 1) /* merged, see log/view.h */
        snprintf(whose, sizeof(whose), "%zu logs", marked);
    else if (row)
        shorten(row->s->name ? row->s->name : "", ui->ascii, whose, sizeof(whose));
    if (row)
        snprintf(out, size, " %s %s%s%s%s", whose, dash, status[0] ? " " : "", status,
                 status[0] ? " " : "");
    else if (status[0])
        snprintf(out, size, " %s ", status);
}

/* What fits: which tabs are named, and the text at the right end. */
static enum tabs fit_tabs(const struct ui *ui, int cols, char *right, size_t size)
{
    for (size_t i = 0; i < ARRAY_SIZE(TAB_BARS); i++) {
        tab_state(ui, TAB_BARS[i].name, right, size);
        if (tabs_width(ui, TAB_BARS[i].tabs) + text_width(right, strlen(right)) <= cols)
            return TAB_BARS[i].tabs;
    }
    return TABS_ONE;
}

int bar_tab_at(const struct ui *ui, int col)
{
    char text[32], right[300];
    enum tabs tabs = fit_tabs(ui, ui->layout.tabs.cols, right, sizeof(right));
    int at = 2;
    for (int i = 0; i < TAB_COUNT; i++) {
        int n = tab_text(ui, tabs, i, text, sizeof(text));
        if (col >= at && col < at + n)
            return i;
        at += n ? n + 1 : 0;
    }
    return -1;
}

void bar_tabs(const struct ui *ui, struct canvas *c, struct rect r)
{
    char text[32], right[300];
    enum tabs tabs = fit_tabs(ui, r.cols, right, sizeof(right));
    struct pen p = {.c = c, .r = r, .col = 2};
    pen_hline(PEN(c, r, 0, 0), r.cols, STYLE(COLOR_BORDER));
    if (ui->focus_detail)
        pen_shape(PEN(c, r, 0, 1), STYLE_ATTR(COLOR_HEADING, ATTR_BOLD), SHAPE_FOCUS);
    for (int i = 0; i < TAB_COUNT; i++) {
        unsigned char focus = ui->focus_detail ? ATTR_REVERSE : 0;
        struct style st = i == (int)ui->tab ? STYLE_ATTR(COLOR_HEADING, ATTR_BOLD | focus)
                                            : STYLE(COLOR_DIM);
        if (!tab_text(ui, tabs, i, text, sizeof(text)))
            continue;
        pen_puts(&p, st, text);
        p.col++;
    }
    int at = r.cols - text_width(right, strlen(right));
    if (at >= 0)
        pen_puts(PEN(c, r, 0, at), STYLE(COLOR_HEADING), right);
}

/* ---- footer ------------------------------------------------------------------------ */

static bool is_wanted(const struct ui *ui, const struct binding *b)
{
    const struct row *r = model_selected(&ui->model);
    bool locked = ui->read_only || ui_contexts(ui) & 1u << CONTEXT_LOG_FULL;
    if (!b->label || !b->keys[0] || (b->acts && locked))
        return false;
    if (b->command == CMD_WHY)
        return r && !row_is_alive(r);
    if (b->command == CMD_EXEC) /* it would only refuse, and "why" needs the room */
        return !r || r->s->state == MTD_STATE_RUNNING;
    return true;
}

static const char *label_of(const struct ui *ui, const struct binding *b)
{
    bool back = b->command == CMD_QUIT && (ui->page || ui->layout.pane == PANE_DETAIL);
    return back ? "back" : b->label;
}

static int hint_width(const struct ui *ui, const struct binding *b)
{
    char key[16];
    const char *label = label_of(ui, b);
    key_name(b->keys[0], key);
    return text_width(key, strlen(key)) + 1 + text_width(label, strlen(label));
}

static void draw_hint(struct pen *p, const char *key, const char *label)
{
    pen_puts(p, STYLE(COLOR_KEY), key);
    p->col++;
    pen_puts(p, STYLE(COLOR_TEXT), label);
    p->col += 2;
}

static void draw_binding(const struct ui *ui, struct pen *p, const struct binding *b)
{
    char key[16];
    draw_hint(p, key_name(b->keys[0], key), label_of(ui, b));
}

/* help and quit keep their place on however narrow a screen. */
static bool is_last(const struct binding *b)
{
    return b->command == CMD_HELP || b->command == CMD_QUIT;
}

static int reserved(const struct ui *ui)
{
    int cols = 0;
    for (size_t i = 0; i < ui->keys.len; i++)
        if (is_last(&ui->keys.table[i]) && is_wanted(ui, &ui->keys.table[i]))
            cols += hint_width(ui, &ui->keys.table[i]) + 2;
    return cols;
}

/* The keys of one context; last: only help and quit, else all but them. */
static void draw_context(const struct ui *ui, struct pen *p, int context, bool last)
{
    unsigned contexts = ui_contexts(ui);
    int room = p->r.cols - (last ? 0 : reserved(ui));
    for (size_t i = 0; i < ui->keys.len; i++) {
        const struct binding *b = &ui->keys.table[i];
        bool taken = keys_find(&ui->keys, contexts, b->keys[0]) != b;
        if ((int)b->context != context || is_last(b) != last || taken ||
            !is_wanted(ui, b))
            continue;
        if (p->col + hint_width(ui, b) > room)
            return;
        draw_binding(ui, p, b);
    }
}

/* In the list its own keys (run, filter) are mixed with the actions by the table. */
static void draw_list_keys(const struct ui *ui, struct pen *p, unsigned contexts)
{
    for (size_t i = 0; i < ui->keys.len; i++) {
        const struct binding *b = &ui->keys.table[i];
        bool mine = contexts & 1u << b->context && !is_last(b) && is_wanted(ui, b);
        if (mine && p->col + hint_width(ui, b) <= p->r.cols - reserved(ui))
            draw_binding(ui, p, b);
    }
}

static void draw_message(const struct ui *ui, struct pen *p)
{
    static const enum color COLORS[] = {[SAY_INFO] = COLOR_INFO,
                                        [SAY_WARNING] = COLOR_WARNING,
                                        [SAY_ERROR] = COLOR_ERROR};
    struct style st = STYLE(COLORS[ui->message.level]);
    const char *text = ui->message.text;
    char key[16], hint[32];
    snprintf(hint, sizeof(hint), "  %s: whole", keys_for(&ui->keys, CMD_MESSAGE, key));
    int room = p->r.cols - 2;
    bool cut = text_width(text, strlen(text)) > room && room > 30;
    pen_field(p, cut ? room - (int)strlen(hint) : room, false, st, text);
    if (cut)
        pen_puts(p, STYLE(COLOR_KEY), hint);
}

void bar_footer(const struct ui *ui, struct canvas *c, struct rect r)
{
    struct pen p = {.c = c, .r = r, .col = 1};
    unsigned contexts = ui_contexts(ui);
    bool in_list = contexts & 1u << CONTEXT_LIST;
    canvas_fill(c, r, STYLE(COLOR_TEXT));
    if (ui->message.text[0]) {
        draw_message(ui, &p);
        return;
    }
    if (ui->modal) {
        for (const struct modal_key *k = ui->modal->ops->keys; k && k->key; k++)
            draw_hint(&p, k->key, k->does);
        return;
    }
    if (in_list)
        draw_list_keys(ui, &p, contexts);
    for (int context = 0; !in_list && context < CONTEXT_COUNT; context++)
        if (contexts & 1u << context)
            draw_context(ui, &p, context, false);
    draw_context(ui, &p, CONTEXT_GLOBAL, true);
}
