/* A step runs as soon as the one before it is done; only wait and gone take time: they
 * are checked whenever replay_run() is called. */
#include "ui/screen/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/output.h"
#include "base/parse.h"
#include "ui/draw/svg.h"
#include "ui/draw/text.h"

#define WAIT_NS (10 * NS_PER_SEC)
#define DEFAULT_CLOCK 1767323045000000000LL /* 2026-01-02T03:04:05Z */

int replay_load(struct replay *s, const char *path, struct mtd_error *err)
{
    struct buf text = {0};
    *s = (struct replay){.clock_ns = DEFAULT_CLOCK, .rows = 24, .cols = 80};
    int rc = fs_read_at(AT_FDCWD, path, 1 << 20, &text);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "script %s", path);
    s->text = s->next = buf_take(&text);
    return 0;
}

void replay_done(struct replay *s)
{
    free(s->text);
    s->text = NULL;
}

static void fail(struct replay *s, const char *why, const char *what)
{
    fprintf(stderr, "mytop-docker: script line %u: %s: %s\n", s->line, why, what);
    s->status = 1;
    s->ended = true;
}

static void press(struct ui *ui, int key)
{
    struct input_event ev = {.key = key};
    ui_key(ui, &ev);
}

static void step_key(struct replay *s, struct ui *ui, struct canvas *c, char *arg)
{
    char *save = NULL;
    for (char *w = strtok_r(arg, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
        int key;
        if (key_parse(w, &key) < 0) {
            fail(s, "not a key", w);
            return;
        }
        press(ui, key);
    }
}

static void step_type(struct replay *s, struct ui *ui, struct canvas *c, char *arg)
{
    uint32_t state = 0;
    for (size_t n = strlen(arg); n && !state;) {
        struct glyph g;
        size_t used = text_next(arg, n, &g, &state);
        press(ui, (int)g.code);
        arg += used;
        n -= used;
    }
}

static void step_resize(struct replay *s, struct ui *ui, struct canvas *c, char *arg)
{
    if (sscanf(arg, "%d %d", &s->rows, &s->cols) != 2 || s->rows < 1 || s->cols < 1 ||
        s->rows > 1000 || s->cols > 1000 || canvas_resize(c, s->rows, s->cols) < 0) {
        fail(s, "not a size", arg);
        return;
    }
    ui_resize(ui, s->rows, s->cols);
}

static void step_wait(struct replay *s, struct ui *ui, struct canvas *c, char *arg)
{
    s->waiting = arg;
    s->until_gone = false;
}

static void step_gone(struct replay *s, struct ui *ui, struct canvas *c, char *arg)
{
    s->waiting = arg;
    s->until_gone = true;
}

static void step_clock(struct replay *s, struct ui *ui, struct canvas *c, char *arg)
{
    if (time_parse(arg, s->clock_ns, &s->clock_ns) < 0)
        fail(s, "not a timestamp", arg);
}

static void write_file(struct replay *s, const char *path, const struct buf *text)
{
    auto_done(output_done) struct output out;
    struct mtd_error err = {0};
    int rc = output_open(&out, path, 0666, OUTPUT_REPLACE, &err);
    if (rc == 0)
        rc = fs_write_all(out.fd, text->data, text->len);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot write %.120s", path);
    if (rc == 0)
        rc = output_commit(&out, false, &err);
    if (rc < 0)
        fail(s, "screen", err.text);
}

static void write_screen(struct replay *s, const char *path, const struct buf *text)
{
    if (*path)
        write_file(s, path, text);
    else if ((text->len && fwrite(text->data, text->len, 1, stdout) != 1) ||
             fflush(stdout) != 0)
        fail(s, "cannot write", "stdout");
}

static void step_dump(struct replay *s, struct ui *ui, struct canvas *c, char *arg)
{
    auto_done(buf_done) struct buf text = {0};
    ui_draw(ui, c);
    canvas_dump(c, &text);
    write_screen(s, arg, &text);
}

static void step_styles(struct replay *s, struct ui *ui, struct canvas *c, char *arg)
{
    auto_done(buf_done) struct buf text = {0};
    ui_draw(ui, c);
    canvas_dump_styles(c, &text);
    write_screen(s, arg, &text);
}

static void step_svg(struct replay *s, struct ui *ui, struct canvas *c, char *arg)
{
    auto_done(buf_done) struct buf text = {0};
    ui_draw(ui, c);
    canvas_dump_svg(c, &ui->config.theme, &text);
    write_screen(s, arg, &text);
}

static void step_quit(struct replay *s, struct ui *ui, struct canvas *c, char *arg)
{
    s->ended = true;
}

static const struct {
    const char *name;
    void (*fn)(struct replay *s, struct ui *ui, struct canvas *c, char *arg);
} STEPS[] = {
    {"key", step_key},   {"type", step_type},     {"resize", step_resize},
    {"wait", step_wait}, {"gone", step_gone},     {"clock", step_clock},
    {"dump", step_dump}, {"styles", step_styles}, {"svg", step_svg},
    {"quit", step_quit},
};

static void step(struct replay *s, struct ui *ui, struct canvas *c, char *line)
{
    char *arg = line + strcspn(line, " ");
    if (*arg)
        *arg++ = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(STEPS); i++)
        if (strcmp(STEPS[i].name, line) == 0) {
            STEPS[i].fn(s, ui, c, arg);
            return;
        }
    fail(s, "unknown step", line);
}

static bool is_shown(struct ui *ui, struct canvas *c, const char *needle)
{
    auto_done(buf_done) struct buf text = {0};
    ui_draw(ui, c);
    canvas_dump(c, &text);
    return text.data && strstr(text.data, needle);
}

/* true = go on. */
static bool waited(struct replay *s, struct ui *ui, struct canvas *c, int64_t mono_ns)
{
    if (!s->waiting)
        return true;
    if (is_shown(ui, c, s->waiting) != s->until_gone) {
        s->waiting = NULL;
        s->deadline = 0;
        return true;
    }
    if (s->deadline == 0)
        s->deadline = mono_ns + WAIT_NS;
    else if (mono_ns > s->deadline) {
        char nowhere[1] = "";
        fail(s, s->until_gone ? "still on the screen" : "not on the screen", s->waiting);
        step_dump(s, ui, c, nowhere);
    }
    return false;
}

void replay_run(struct replay *s, struct ui *ui, struct canvas *c, int64_t mono_ns)
{
    while (!s->ended && waited(s, ui, c, mono_ns)) {
        char *line = strsep(&s->next, "\n");
        if (!line) {
            s->ended = true;
            return;
        }
        s->line++;
        if (*line && *line != '#')
            step(s, ui, c, line);
    }
}
