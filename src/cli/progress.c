/* Bars are drawn when something is reported and not by a timer: a verb has one thread of its
 * own and no loop. */

#include "cli/progress.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/print.h"
#include "cli/progress_bars.h"

#define INTERVAL_NS (100 * NS_PER_MS)
#define QUICK_NS (250 * NS_PER_MS) /* what takes less shows no bar */

struct progress {
    struct mtd_progress engine;
    enum progress_mode mode;
    int64_t began_ns, drawn_ns; /* drawn: 0 = never */
    struct progress_bars bars;
    pthread_mutex_t lock;
};

static const struct {
    const char *name;
    enum progress_mode mode;
} MODES[] = {
    {"auto", PROGRESS_AUTO}, {"tty", PROGRESS_TTY},   {"plain", PROGRESS_PLAIN},
    {"json", PROGRESS_JSON}, {"none", PROGRESS_NONE}, {"quiet", PROGRESS_NONE},
};

int progress_set_mode(void *field, const char *value, struct mtd_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(MODES); i++)
        if (strcmp(value, MODES[i].name) == 0) {
            *(enum progress_mode *)field = MODES[i].mode;
            return 0;
        }
    return mtd_fail(err, EINVAL, "\"%.40s\" is not one of auto, tty, plain, json, none",
                    value);
}

static enum progress_mode resolve(enum progress_mode mode)
{
    const char *term = getenv("TERM");
    if (mode != PROGRESS_AUTO)
        return mode;
    if (!isatty(STDERR_FILENO) || !term || !*term || strcmp(term, "dumb") == 0)
        return PROGRESS_NONE;
    return PROGRESS_TTY;
}

static void draw_bars(struct progress *p)
{
    struct winsize w = {.ws_row = 0};
    auto_done(buf_done) struct buf out = {0};
    (void)ioctl(STDERR_FILENO, TIOCGWINSZ, &w);
    if (progress_bars_draw(&p->bars, w.ws_row ? w.ws_row : 24, w.ws_col ? w.ws_col : 80,
                           &out) == 0)
        (void)!write(STDERR_FILENO, out.data, out.len);
    p->drawn_ns = clock_mono_ns();
}

static void show_tty(struct progress *p, struct progress_bar *bar, int64_t now)
{
    (void)bar;
    if (p->drawn_ns ? now - p->drawn_ns >= INTERVAL_NS : now - p->began_ns >= QUICK_NS)
        draw_bars(p);
}

static void show_plain(struct progress *p, struct progress_bar *bar, int64_t now)
{
    (void)p, (void)now;
    auto_done(buf_done) struct buf line = {0};
    if (bar->finished && progress_bar_line(bar, 200, &line) == 0 &&
        buf_putc(&line, '\n') == 0)
        (void)!write(STDERR_FILENO, line.data, line.len);
}

/* Text that JSON can hold: what is no UTF-8 is made visible. */
static json_t *to_json(const char *text)
{
    json_t *s = json_string(text);
    auto_done(buf_done) struct buf seen = {0};
    if (!s && print_visible(&seen, text, strlen(text), "") == 0)
        s = json_string(seen.data);
    return s;
}

static void show_json(struct progress *p, struct progress_bar *bar, int64_t now)
{
    (void)p;
    if (!bar->finished && bar->shown_ns && now - bar->shown_ns < INTERVAL_NS)
        return;
    bar->shown_ns = now;
    json_t *o = json_pack("{s:o,s:o,s:I,s:I,s:I,s:b}", "id", to_json(bar->id), "what",
                          to_json(bar->what), "done", (json_int_t)bar->done, "total",
                          (json_int_t)bar->total, "rate", (json_int_t)bar->rate,
                          "finished", bar->finished);
    auto_free char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    auto_done(buf_done) struct buf line = {0};
    if (text && buf_printf(&line, "%s\n", text) == 0)
        (void)!write(STDERR_FILENO, line.data, line.len);
    json_decref(o);
}

static void (*const SHOW[])(struct progress *, struct progress_bar *, int64_t) = {
    [PROGRESS_TTY] = show_tty,
    [PROGRESS_PLAIN] = show_plain,
    [PROGRESS_JSON] = show_json,
};

static void update(struct progress_bar *bar, const struct mtd_progress_step *s,
                   int64_t now)
{
    if (!bar->began_ns)
        bar->began_ns = now;
    bar->done = s->done;
    bar->total = s->total;
    bar->finished = s->finished;
    int64_t ms = (now - bar->began_ns) / NS_PER_MS;
    bar->rate = ms > 0 ? bar->done * 1000 / (uint64_t)ms : 0;
}

static void receive(void *arg, const struct mtd_progress_step *s)
{
    struct progress *p = arg;
    int64_t now = clock_mono_ns();
    pthread_mutex_lock(&p->lock);
    struct progress_bar *bar = progress_bars_find(&p->bars, s->id, s->what);
    if (bar) {
        update(bar, s, now);
        SHOW[p->mode](p, bar, now);
    }
    pthread_mutex_unlock(&p->lock);
}

struct progress *progress_new(enum progress_mode mode)
{
    mode = resolve(mode);
    struct progress *p = mode == PROGRESS_NONE ? NULL : calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->mode = mode;
    p->began_ns = clock_mono_ns();
    p->engine = (struct mtd_progress){receive, p};
    pthread_mutex_init(&p->lock, NULL);
    return p;
}

const struct mtd_progress *progress_of(struct progress *p)
{
    return p ? &p->engine : NULL;
}

void progress_free(struct progress *p)
{
    if (!p)
        return;
    if (p->mode == PROGRESS_TTY && p->drawn_ns && p->bars.len)
        draw_bars(p);
    progress_bars_done(&p->bars);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
