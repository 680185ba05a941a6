/* The record as `inspect` prints it, foldable. A child process prints the text: what is
 * shown is what a script gets. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/words.h"
#include "ui/draw/format.h"
#include "ui/model/scroll.h"
#include "ui/model/tree.h"
#include "ui/view/tabs.h"

#define PORTS_SHOWN 20

struct inspect_view {
    struct view view;
    char id[MTD_ID_SIZE], loaded[MTD_ID_SIZE];
    enum mtd_state state;
    bool visible, asked, again;
    char problem[256];
    struct buf summary; /* lines before the tree */
    size_t summary_lines;
    struct tree tree;
    struct scroll scroll;
    char needle[128];
};

static void load(struct inspect_view *v);

/* ---- the summary ------------------------------------------------------------------- */

/* The index into what tree_at() counts; SIZE_MAX = a line of the summary. */
static size_t in_tree(const struct inspect_view *v, size_t n)
{
    return n < v->summary_lines ? SIZE_MAX : n - v->summary_lines;
}

static size_t all_lines(const struct inspect_view *v)
{
    return v->tree.len ? v->summary_lines + tree_visible(&v->tree) : 0;
}

static void add_words(struct buf *out, const char *title, const struct strv *words)
{
    for (size_t i = 0; i < words->len; i++)
        buf_printf(out, "%-9s %s\n", i ? "" : title, words->items[i]);
}

static void add_limits(struct buf *out, const struct mtd_resources *r)
{
    char size[FORMAT_MAX];
    buf_printf(out, "%-9s memory %s, cpus ", "limits",
               r->memory > 0 ? format_size((uint64_t)r->memory, size) : "none");
    if (r->nano_cpus > 0)
        buf_printf(out, "%g, pids ", (double)r->nano_cpus / 1e9);
    else
        buf_puts(out, "none, pids ");
    if (r->pids > 0)
        buf_printf(out, "%lld\n", (long long)r->pids);
    else
        buf_puts(out, "none\n");
}

static void add_restart(struct buf *out, const struct mtd_record *r)
{
    static const char *const WORDS[] = {"no", "on-failure", "always", "unless-stopped"};
    buf_printf(out, "%-9s %s", "restart", WORDS[r->spec.restart]);
    if (r->spec.restart_max)
        buf_printf(out, ":%u", r->spec.restart_max);
    buf_printf(out, ", restarted %u times\n", r->status.restart_count);
}

static void add_mounts(struct buf *out, const struct mtd_spec *s)
{
    for (size_t i = 0; i < s->n_mounts; i++) {
        const struct mtd_mount *m = &s->mounts[i];
        buf_printf(out, "%-9s %s -> %s%s\n", i ? "" : "mounts",
                   m->source ? m->source : "tmpfs", m->target,
                   m->read_only ? " (read-only)" : "");
    }
}

static void add_networks(struct buf *out, const struct mtd_record *r)
{
    static const char *const WORDS[] = {
        [MTD_NET_NONE] = "none", [MTD_NET_HOST] = "host", [MTD_NET_BRIDGE] = "bridge"};
    const struct mtd_status *st = &r->status;
    if (!st->n_endpoints)
        buf_printf(out, "%-9s %s\n", "network", WORDS[r->spec.network]);
    for (size_t i = 0; i < st->n_endpoints; i++)
        buf_printf(out, "%-9s %s %s %s\n", i ? "" : "network", st->endpoints[i].network,
                   st->endpoints[i].address,
                   st->endpoints[i].address6 ? st->endpoints[i].address6 : "");
}

/* Whether somebody listens is asked here alone: it is a look into the container. */
static void add_ports(struct buf *out, const struct mtd_record *r)
{
    const struct mtd_status *st = &r->status;
    auto_free bool *heard = calloc(st->n_ports + 1, sizeof(bool));
    bool known = heard && mtd_ports_heard(r, heard) == 0;
    for (size_t i = 0; i < st->n_ports && i < PORTS_SHOWN; i++) {
        const struct mtd_port *p = &st->ports[i];
        bool six = p->address && strchr(p->address, ':');
        buf_printf(out, "%-9s %s%s%s:%u -> %u/%s%s\n", i ? "" : "ports", six ? "[" : "",
                   p->address ? p->address : "*", six ? "]" : "", p->host, p->target,
                   p->udp ? "udp" : "tcp",
                   known && !heard[i] ? ", where nothing listens" : "");
    }
    if (st->n_ports > PORTS_SHOWN)
        buf_printf(out, "%-9s and %zu more\n", "", st->n_ports - PORTS_SHOWN);
}

static void summarize(struct inspect_view *v)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(buf_done) struct buf words = {0};
    struct buf *out = &v->summary;
    mtd_record_init(&r);
    buf_done(out);
    *out = (struct buf){0};
    v->summary_lines = 0;
    if (!v->view.around->engine ||
        mtd_inspect(v->view.around->engine, v->id, &r, NULL) < 0)
        return;
    words_join(&r.spec.process.args, &words);
    buf_printf(out, "%-9s %s\n", "command", words.data ? words.data : "");
    buf_printf(out, "%-9s %s\n", "image", r.spec.image ? r.spec.image : "?");
    add_limits(out, &r.spec.resources);
    add_restart(out, &r);
    add_networks(out, &r);
    add_ports(out, &r);
    if (r.spec.healthcheck.test.len)
        buf_printf(out, "%-9s %s\n", "health",
                   r.status.health ? r.status.health : "checked while it runs");
    add_words(out, "env", &r.spec.process.env);
    add_mounts(out, &r.spec);
    buf_puts(out, "\n");
    for (const char *s = out->data; s && *s; s++)
        v->summary_lines += *s == '\n';
}

static const char *summary_line(const struct inspect_view *v, size_t n)
{
    const char *s = v->summary.data;
    for (; n; n--)
        s = strchr(s, '\n') + 1;
    return s;
}

static void draw_summary(const struct inspect_view *v, size_t n, struct pen p, bool on)
{
    enum { TITLE = 10 };
    const char *s = summary_line(v, n);
    size_t len = strcspn(s, "\n");
    struct style st = STYLE(on ? COLOR_SELECTED : COLOR_TEXT);
    canvas_fill(p.c, p.r, st);
    p.col = 1 - v->scroll.shift;
    pen_text(&p, on ? st : STYLE(COLOR_HEADING), s, len < TITLE ? len : TITLE);
    if (len > TITLE)
        pen_text(&p, st, s + TITLE, len - TITLE);
}

/* ---- the record -------------------------------------------------------------------- */

static void loaded(void *arg, int status, const char *output)
{
    struct inspect_view *v = arg;
    const struct surroundings *around = v->view.around;
    v->asked = false;
    v->problem[0] = '\0';
    if (strcmp(v->id, v->loaded) != 0 || v->again)
        load(v);
    else if (status != 0)
        snprintf(v->problem, sizeof(v->problem), "%s", output);
    else if (tree_parse(&v->tree, output) < 0)
        snprintf(v->problem, sizeof(v->problem),
                 "inspect printed something that is not JSON");
    else
        summarize(v);
    around->changed(around->app);
}

static void load(struct inspect_view *v)
{
    const struct surroundings *around = v->view.around;
    auto_done(strv_done) struct strv argv = {0};
    v->again = v->asked;
    if (!v->visible || !v->id[0] || v->asked)
        return;
    if (strcmp(v->id, v->loaded) != 0)
        tree_done(&v->tree);
    memcpy(v->loaded, v->id, sizeof(v->id));
    v->asked = true;
    strv_add(&argv, "inspect");
    strv_add(&argv, v->id);
    around->capture(around->app, &argv, loaded, v);
}

static void inspect_view_select(struct view *view, const struct mtd_summary *s)
{
    struct inspect_view *v = (struct inspect_view *)view;
    const char *id = s ? s->id : "";
    if (strcmp(id, v->id) == 0 && (!s || s->state == v->state))
        return;
    snprintf(v->id, sizeof(v->id), "%s", id);
    v->state = s ? s->state : MTD_STATE_COUNT;
    if (!s)
        tree_done(&v->tree);
    load(v);
}

static void inspect_view_show(struct view *view, bool visible)
{
    struct inspect_view *v = (struct inspect_view *)view;
    bool was = v->visible;
    v->visible = visible;
    if (visible && !was)
        load(v);
}

static enum color color_of(const char *text)
{
    return *text == '}' || *text == ']' || *text == '{' ? COLOR_DIM : COLOR_TEXT;
}

static void draw_line(const struct inspect_view *v, size_t at, struct pen p, bool on)
{
    const struct tree_line *l = &v->tree.lines[at];
    struct style st = STYLE(on ? COLOR_SELECTED : color_of(l->text));
    int col = 1 + l->depth * 2 - v->scroll.shift;
    canvas_fill(p.c, p.r, st);
    p.col = col;
    if (l->end)
        pen_shape(&p, st, l->folded ? SHAPE_FOLDED : SHAPE_OPEN);
    p.col = col + 2;
    pen_puts(&p, st, l->text);
    if (l->folded && l->end)
        pen_printf(&p, STYLE(on ? COLOR_SELECTED : COLOR_DIM), " %s %s",
                   canvas_shape(p.c, SHAPE_ELLIPSIS), v->tree.lines[l->end - 1].text);
    const char *hit = v->needle[0] ? strcasestr(l->text, v->needle) : NULL;
    p.col = hit ? col + 2 + (int)(hit - l->text) : 0;
    if (hit && !on)
        pen_restyle(&p, (int)strlen(v->needle), STYLE(COLOR_MATCH));
}

static void inspect_view_draw(struct view *view, struct canvas *c, struct rect r,
                              bool focused)
{
    struct inspect_view *v = (struct inspect_view *)view;
    if (v->problem[0] || v->tree.len == 0) {
        pen_puts(PEN(c, r, 0, 1), STYLE(v->problem[0] ? COLOR_FAILED : COLOR_DIM),
                 v->problem[0] ? v->problem
                 : v->id[0]    ? "reading..."
                               : "no container is selected");
        return;
    }
    scroll_fit(&v->scroll, all_lines(v), r.rows);
    for (int i = 0; i < r.rows && v->scroll.top + (size_t)i < v->scroll.n; i++) {
        size_t n = v->scroll.top + (size_t)i;
        struct rect line = {r.row + i, r.col, 1, r.cols};
        bool on = focused && n == v->scroll.at;
        if (in_tree(v, n) == SIZE_MAX)
            draw_summary(v, n, pen_at(c, line, 0, 0), on);
        else
            draw_line(v, tree_at(&v->tree, in_tree(v, n)), pen_at(c, line, 0, 0), on);
    }
}

static void fold(struct inspect_view *v, int how) /* 1 fold, 0 unfold, -1 the other */
{
    size_t at = in_tree(v, v->scroll.at);
    if (v->tree.len == 0 || at == SIZE_MAX)
        return;
    struct tree_line *l = &v->tree.lines[tree_at(&v->tree, at)];
    l->folded = how < 0 ? !l->folded : how;
    scroll_fit(&v->scroll, all_lines(v), v->scroll.rows);
}

/* Also lines inside folds: those are opened. */
static void find(struct inspect_view *v, int step)
{
    const struct surroundings *around = v->view.around;
    size_t n = v->tree.len, line = in_tree(v, v->scroll.at);
    size_t from = n && line != SIZE_MAX ? tree_at(&v->tree, line) : 0;
    for (size_t i = 1; v->needle[0] && i <= n; i++) {
        size_t at = (from + n + (step > 0 ? i : n - i)) % n;
        if (!strcasestr(v->tree.lines[at].text, v->needle))
            continue;
        size_t visible = 0;
        for (size_t j = 0; j < at; j++)
            if (v->tree.lines[j].end > at)
                v->tree.lines[j].folded = false;
        while (tree_at(&v->tree, visible) < at)
            visible++;
        v->scroll.at = v->summary_lines + visible;
        return;
    }
    around->say(around->app, SAY_WARNING, "not found");
}

static void searched(void *arg, const char *text)
{
    struct inspect_view *v = arg;
    if (!text)
        return;
    snprintf(v->needle, sizeof(v->needle), "%s", text);
    if (*text)
        find(v, 1);
}

static void copy_line(const struct inspect_view *v)
{
    const struct surroundings *around = v->view.around;
    size_t at = in_tree(v, v->scroll.at);
    auto_free char *text = NULL;
    if (v->tree.len == 0)
        return;
    if (at == SIZE_MAX) {
        const char *s = summary_line(v, v->scroll.at);
        size_t n = strcspn(s, "\n");
        text = n > 10 ? strndup(s + 10, n - 10) : strdup("");
    } else
        text = strdup(v->tree.lines[tree_at(&v->tree, at)].text);
    if (text)
        around->copy(around->app, text);
}

static bool inspect_view_key(struct view *view, const struct key *k)
{
    struct inspect_view *v = (struct inspect_view *)view;
    const struct surroundings *around = view->around;
    switch (k->command) {
    case CMD_OPEN: fold(v, -1); return true;
    case CMD_LEFT: fold(v, 1); return true;
    case CMD_RIGHT: fold(v, 0); return true;
    case CMD_FOLD_ALL: tree_fold_all(&v->tree, true, 1); return true;
    case CMD_UNFOLD_ALL: tree_fold_all(&v->tree, false, 0); return true;
    case CMD_SEARCH:
        around->ask(
            around->app,
            &(struct question){
                .label = "search:", .initial = v->needle, .answer = searched, .arg = v});
        return true;
    case CMD_SEARCH_NEXT: find(v, 1); return true;
    case CMD_SEARCH_PREVIOUS: find(v, -1); return true;
    case CMD_COPY: copy_line(v); return true;
    default: return scroll_key(&v->scroll, k);
    }
}

static void inspect_view_free(struct view *view)
{
    struct inspect_view *v = (struct inspect_view *)view;
    tree_done(&v->tree);
    buf_done(&v->summary);
    free(v);
}

static const struct view_ops OPS = {
    .title = "Inspect",
    .context = CONTEXT_INSPECT,
    .select = inspect_view_select,
    .show = inspect_view_show,
    .draw = inspect_view_draw,
    .key = inspect_view_key,
    .free = inspect_view_free,
};

struct view *inspect_view_new(const struct surroundings *around)
{
    struct inspect_view *v = calloc(1, sizeof(*v));
    if (!v)
        return NULL;
    v->view = (struct view){&OPS, around};
    return &v->view;
}
