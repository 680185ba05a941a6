#include "uibox.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/words.h"
#include "ui/draw/svg.h"
#include "ui/model/notes.h"
#include "ui/screen/dispatch.h"
#include "ui/screen/jobs.h"

static int64_t wall_ns(void *app)
{
    return UIBOX_NOW;
}

static int64_t mono_ns(void *app)
{
    return 1000 * NS_PER_SEC;
}

/* As it is run. An id in full is written as "@name": what names a container otherwise would
 * be seen to. */
static char *line_of(struct uibox *b, const struct job *j)
{
    struct buf text = {0};
    for (size_t i = 0; i < j->argv.len; i++) {
        const char *w = j->argv.items[i];
        const struct row *r = model_find(&b->ui.model, w);
        auto_done(strv_done) struct strv word = {0};
        buf_puts(&text, i ? " " : j->external ? "" : "mytop-docker --batch ");
        if (r && r->s->name)
            buf_printf(&text, "@%s", r->s->name);
        else if (strv_add(&word, w) == 0)
            words_join(&word, &text);
    }
    return buf_take(&text);
}

/* What is asked quietly (not by job_start) gets an answer; actions are only noted. */
static int start(void *app, struct job *j)
{
    struct uibox *b = app;
    auto_free char *line = line_of(b, j);
    size_t n = strlen(b->started);
    if (j->started_mono == 0) {
        if (strcmp(j->argv.items[0], "inspect") == 0)
            buf_printf(
                &j->output,
                "[{\"Id\": \"%s\", \"State\": {\"Status\": \"running\", \"Pid\": 42},"
                " \"Args\": [\"-p\", \"80\"], \"Mounts\": []}]",
                j->argv.items[1]);
        else
            buf_puts(&j->output, "12.3MB (virtual 14.6MB)\n");
        j->done(j, 0);
        return 0;
    }
    if (b->keep == j)
        return 0;
    snprintf(b->started + n, sizeof(b->started) - n, "%s\n", line);
    snprintf(b->way_back, sizeof(b->way_back), "%s", j->way_back ? j->way_back : "");
    j->ui->jobs--;
    job_free(j);
    return 0;
}

static void cancel(void *app, struct job *j)
{
    struct uibox *b = app;
    b->cancelled = j;
}

static bool copy(void *app, const char *text, size_t n)
{
    struct uibox *b = app;
    snprintf(b->copied, sizeof(b->copied), "%.*s", (int)n, text);
    return true;
}

static void request(void *app, enum request r)
{
    struct uibox *b = app;
    b->quit |= r == REQUEST_QUIT;
}

static const struct platform PLATFORM = {wall_ns, mono_ns, start, cancel, copy, request};

void uibox_make(struct uibox *b, int rows, int cols, bool ascii)
{
    setenv("TZ", "UTC", 1);
    memset(b, 0, sizeof(*b));
    tempdir_make(&b->dir);
    snprintf(b->root, sizeof(b->root), "%s/root", b->dir.path);
    snprintf(b->run, sizeof(b->run), "%s/run", b->dir.path);
    b->options = (struct mtd_options){.root = b->root, .run_root = b->run};
    struct ui_setup setup = {.options = &b->options,
                             .platform = &PLATFORM,
                             .app = b,
                             .ascii = ascii,
                             .scripted = true};
    cr_assert_eq(ui_init(&b->ui, &setup), 0);
    cr_assert_eq(canvas_init(&b->canvas, rows, cols), 0);
    cr_assert_eq(mtd_open(&b->ui.around.engine, &b->options, NULL), 0, "needs root");
    snprintf(b->ui.hostname, sizeof(b->ui.hostname), "web-01");
    b->ui.info =
        (struct mtd_info){.cpus = 4, .memory = 24ULL << 30, .cgroup_version = "2"};
    b->ui.host_cpu = 12;
    b->ui.host_memory_used = 1288490188;
    ui_resize(&b->ui, rows, cols);
}

void uibox_done(struct uibox *b)
{
    ui_done(&b->ui);
    canvas_done(&b->canvas);
    tempdir_done(&b->dir);
}

struct mtd_summary uibox_summary(char digit, const char *name, const char *image,
                                 enum mtd_state state)
{
    struct mtd_summary s = {.state = state, .exit_code = 0};
    memset(s.id, digit, MTD_ID_LEN);
    s.name = strdup(name);
    s.image = strdup(image);
    s.created_at = UIBOX_NOW - 4 * 3600 * NS_PER_SEC;
    s.started_at = UIBOX_NOW - 3 * 3600 * NS_PER_SEC;
    bool alive = state == MTD_STATE_RUNNING || state == MTD_STATE_PAUSED;
    s.pid = alive ? 4000 + digit : 0;
    s.finished_at = alive ? 0 : UIBOX_NOW - 130 * NS_PER_SEC;
    return s;
}

static void give_figures(struct uibox *b, const char *name, double cpu, uint64_t mem)
{
    for (size_t i = 0; i < b->ui.model.list.len; i++) {
        struct row *r = &b->ui.model.rows[i];
        if (strcmp(r->s->name, name) != 0)
            continue;
        struct mtd_stats s = {.taken_at = NS_PER_SEC,
                              .cpu_ns = 1000,
                              .memory = mem,
                              .pids = 14,
                              .memory_limit = r->s->memory_limit
                                                  ? (uint64_t)r->s->memory_limit
                                                  : MTD_STAT_NONE,
                              .pids_limit = MTD_STAT_NONE,
                              .oom_kills = 0,
                              .periods = 10,
                              .net_rx = 1258291,
                              .net_tx = 90112,
                              .psi_cpu_us = MTD_STAT_NONE,
                              .psi_memory_us = MTD_STAT_NONE,
                              .psi_io_us = MTD_STAT_NONE};
        for (int step = 0; step < 20; step++) {
            track_feed(r->t, &s);
            s.taken_at += NS_PER_SEC;
            s.cpu_ns += (uint64_t)(cpu * 1e7 * (0.5 + (step % 5) * 0.125));
            s.memory += 1u << 20;
            s.blk_read += 40960;
            s.net_rx += 1000;
            s.periods += 10;
            s.throttled_periods += step % 5 == 4 ? 4 : 0;
        }
    }
}

static struct mtd_summary *add(struct mtd_list *l, char digit, const char *name,
                               const char *image, enum mtd_state state,
                               const char *command)
{
    l->items = realloc(l->items, (l->len + 1) * sizeof(*l->items));
    struct mtd_summary *s = &l->items[l->len++];
    *s = uibox_summary(digit, name, image, state);
    s->command = strdup(command);
    s->created_at -= (int64_t)l->len * NS_PER_SEC;
    return s;
}

static void write_log(struct uibox *b, char digit, const char *first, const char *second)
{
    char id[MTD_ID_SIZE] = "", path[256], text[512];
    memset(id, digit, MTD_ID_LEN);
    snprintf(path, sizeof(path), "root/containers/%s/container.log", id);
    snprintf(text, sizeof(text),
             "2026-01-02T03:00:01.000000000Z %s2026-01-02T03:00:02.000000000Z %s", first,
             second);
    tempdir_put(&b->dir, path, text);
}

static void write_events(struct uibox *b, char digit)
{
    static const char *const EVENTS[] = {"01:10.5Z\",\"action\":\"start\"",
                                         "01:25.5Z\",\"action\":\"die\",\"exitCode\":143",
                                         "01:26Z\",\"action\":\"stop\"",
                                         "01:30Z\",\"action\":\"start\"",
                                         "01:55Z\",\"action\":\"oom\"",
                                         "01:55Z\",\"action\":\"die\",\"exitCode\":137"};
    auto_done(buf_done) struct buf text = {0};
    char id[MTD_ID_SIZE] = "";
    memset(id, digit, MTD_ID_LEN);
    for (size_t i = 0; i < ARRAY_SIZE(EVENTS); i++)
        buf_printf(&text, "{\"time\":\"2026-01-02T03:%s,\"id\":\"%s\"}\n", EVENTS[i], id);
    tempdir_put(&b->dir, "root/events.log", text.data);
}

void uibox_fill(struct uibox *b)
{
    struct mtd_list l = {0};
    struct mtd_summary *s =
        add(&l, '1', "api", "myapp:3", MTD_STATE_RUNNING, "./server --port 8080");
    s->memory_limit = 512 << 20;
    s->nano_cpus = 500000000;
    s->tty = true;
    s = add(&l, '2', "db", "postgres:16", MTD_STATE_PAUSED, "postgres -D /data");
    s->memory_limit = 2LL << 30;
    s = add(&l, '3', "job", "busybox", MTD_STATE_EXITED, "sh -c 'eat memory'");
    s->exit_code = 137;
    s->exit_signal = 9;
    s->oom_killed = true;
    s->memory_limit = 64 << 20;
    add(&l, '4', "done", "busybox", MTD_STATE_EXITED, "true");
    add(&l, '5', "web-\xe6\xbc\xa2\xe5\xad\x97", "nginx", MTD_STATE_RUNNING,
        "nginx e\xcc\x81t\xc3\xa9");
    s = add(&l, '6', "loop", "flaky", MTD_STATE_RESTARTING,
            "./crash \x1b[31mred\x1b[0m \xff");
    s->exit_code = 1;
    s->restart_count = 7;
    add(&l, '7', "fresh", "busybox", MTD_STATE_CREATED, "sleep 1");
    s = add(&l, '8', "8888", "", MTD_STATE_BROKEN, "");
    s->error = strdup("config.json: process.args: not a list of strings");
    cr_assert_eq(model_take(&b->ui.model, &l), 0);
    write_log(b, '1', "stdout F listening on :8080\n",
              "stderr F warning: \x1b[33mslow\x1b[0m disk\n");
    write_log(b, '3', "stdout F eating\n", "stdout P 1%\reating \x1b[31mmo\x1b[0m\n");
    write_events(b, '3');
    for (const char *digit = "245678"; *digit; digit++)
        write_log(b, *digit, "stdout F one line\n", "stdout F another\n");
    give_figures(b, "api", 45, 200 << 20);
    give_figures(b, "db", 0, 1 << 30);
    notes_read(&b->ui.model, b->ui.around.engine, 0, b->ui.model.n_shown);
    dispatch_sync(&b->ui);
}

void uibox_fill_many(struct uibox *b, size_t n)
{
    struct mtd_list l = {0};
    l.items = calloc(n, sizeof(*l.items));
    for (size_t i = 0; i < n; i++) {
        char name[32];
        snprintf(name, sizeof(name), "box-%04zu", i + 1);
        l.items[i] = uibox_summary('0', name, "busybox", MTD_STATE_RUNNING);
        snprintf(l.items[i].id, sizeof(l.items[i].id), "%064zx", i + 1);
        l.items[i].command = strdup("sleep 1000");
        l.items[i].created_at -= (int64_t)i * NS_PER_SEC;
    }
    l.len = n;
    cr_assert_eq(model_take(&b->ui.model, &l), 0);
    dispatch_sync(&b->ui);
}

void uibox_keys(struct uibox *b, const char *names)
{
    char text[256], *save = NULL;
    snprintf(text, sizeof(text), "%s", names);
    for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        struct input_event ev = {0};
        cr_assert_eq(key_parse(w, &ev.key), 0, "%s", w);
        ui_key(&b->ui, &ev);
    }
}

void uibox_type(struct uibox *b, const char *text)
{
    for (; *text; text++) {
        struct input_event ev = {.key = *text};
        ui_key(&b->ui, &ev);
    }
}

void uibox_size(struct uibox *b, int rows, int cols)
{
    cr_assert_eq(canvas_resize(&b->canvas, rows, cols), 0);
    ui_resize(&b->ui, rows, cols);
}

const char *uibox_text(struct uibox *b)
{
    static struct buf text;
    buf_done(&text);
    text = (struct buf){0};
    ui_draw(&b->ui, &b->canvas);
    cr_assert_eq(canvas_dump(&b->canvas, &text), 0);
    return text.data;
}

bool uibox_shows(struct uibox *b, const char *text)
{
    return strstr(uibox_text(b), text) != NULL;
}

static void compare_with(const char *path, const char *now)
{
    if (getenv("MTD_UPDATE_SCREENS")) {
        auto_file FILE *f = fopen(path, "w");
        cr_assert(f && fputs(now, f) >= 0);
        return;
    }
    auto_file FILE *f = fopen(path, "r");
    cr_assert(f, "%s is missing", path);
    auto_free char *want = calloc(1, 1 << 20);
    size_t n = fread(want, 1, (1 << 20) - 1, f);
    cr_expect(n == strlen(now) && memcmp(want, now, n) == 0, "%s:\n%s\nwanted:\n%s", path,
              now, want);
}

void uibox_golden(struct uibox *b, const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/ui/%s.screen", MTD_TESTS_DIR, name);
    compare_with(path, uibox_text(b));
}

void uibox_golden_svg(struct uibox *b, const char *name)
{
    char path[512];
    auto_done(buf_done) struct buf text = {0};
    snprintf(path, sizeof(path), "%s/../docs/%s.svg", MTD_TESTS_DIR, name);
    ui_draw(&b->ui, &b->canvas);
    cr_assert_eq(canvas_dump_svg(&b->canvas, &b->ui.config.theme, &text), 0);
    compare_with(path, text.data);
}
