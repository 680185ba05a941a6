#include "logtty.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

struct logtty logtty;

static void say(void *app, enum say level, const char *text)
{
    snprintf(logtty.said, sizeof(logtty.said), "%s", text);
}

static void ask(void *app, const struct question *q)
{
    snprintf(logtty.asked, sizeof(logtty.asked), "%s %s", q->label,
             q->initial ? q->initial : "");
    logtty.ask_changed = q->changed;
    logtty.ask_answer = q->answer;
    logtty.ask_arg = q->arg;
}

static void copy(void *app, const char *text)
{
    snprintf(logtty.copied, sizeof(logtty.copied), "%s", text);
}

static void changed(void *app)
{
}

static int64_t now(void *app)
{
    return LOGTTY_NOW;
}

static void jump(void *app, const char *id, int64_t time_ns)
{
    snprintf(logtty.jumped, sizeof(logtty.jumped), "%s", id);
    logtty.jumped_to = time_ns;
}

static struct keys keys;
static struct surroundings around = {.keys = &keys,
                                     .say = say,
                                     .ask = ask,
                                     .copy = copy,
                                     .changed = changed,
                                     .now = now,
                                     .jump = jump};

void logtty_size(int rows, int cols)
{
    canvas_done(&logtty.canvas);
    cr_assert_eq(canvas_init(&logtty.canvas, rows, cols), 0);
}

void logtty_setup(void)
{
    static const char *const NAMES[] = {"api", "db", "job"};
    setenv("TZ", "UTC", 1);
    cr_assert_eq(keys_init(&keys), 0);
    tempdir_make(&logtty.dir);
    char root[100], run[100];
    snprintf(root, sizeof(root), "%s/root", logtty.dir.path);
    snprintf(run, sizeof(run), "%s/run", logtty.dir.path);
    struct mtd_options o = {.root = root, .run_root = run};
    cr_assert_eq(mtd_open(&logtty.engine, &o, NULL), 0);
    around.engine = logtty.engine;
    for (int i = 0; i < 3; i++) {
        memset(logtty.sums[i].id, 'a' + i, MTD_ID_LEN);
        logtty.sums[i].name = strdup(NAMES[i]);
        char path[2000];
        snprintf(path, sizeof(path), "root/containers/%s/container.log",
                 logtty.sums[i].id);
        tempdir_put(&logtty.dir, path, "");
    }
    logtty_size(5, 40);
    logtty.view = logview_new(&around);
    cr_assert_not_null(logtty.view);
    logtty.view->ops->show(logtty.view, true);
}

void logtty_teardown(void)
{
    keys_done(&keys);
    view_free(logtty.view);
    mtd_close(logtty.engine);
    canvas_done(&logtty.canvas);
    for (int i = 0; i < 3; i++)
        free(logtty.sums[i].name);
    tempdir_done(&logtty.dir);
}

char *logtty_path(int i)
{
    return mtd_path(logtty.engine, logtty.sums[i].id, "log");
}

void logtty_bytes(int i, const char *data, size_t len)
{
    auto_free char *path = logtty_path(i);
    auto_fd int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_eq(fs_write_all(fd, data, len), 0);
}

void logtty_record(struct buf *b, int i, const char *stream, char tag, const char *text,
                   size_t len)
{
    unsigned s = logtty.seconds[i];
    logtty.seconds[i] += 3;
    buf_printf(b, "2026-01-02T%02u:%02u:%02u.123456789Z %s %c ", s / 3600 % 24,
               s / 60 % 60, s % 60, stream, tag);
    buf_add(b, text, len);
    buf_putc(b, '\n');
}

void logtty_add(int i, const char *stream, char tag, const char *text, size_t len)
{
    auto_done(buf_done) struct buf b = {0};
    logtty_record(&b, i, stream, tag, text, len);
    logtty_bytes(i, b.data, b.len);
}

void logtty_line(int i, const char *text)
{
    logtty_add(i, "stdout", 'F', text, strlen(text));
}

void logtty_numbered(int i, unsigned from, unsigned to)
{
    auto_done(buf_done) struct buf b = {0};
    char text[60];
    for (unsigned n = from; n < to; n++) {
        snprintf(text, sizeof(text), "line %u%s", n, n % 100 == 42 ? " needle" : "");
        logtty_record(&b, i, "stdout", 'F', text, strlen(text));
    }
    logtty_bytes(i, b.data, b.len);
}

static void settle(void)
{
    for (int i = 0; i < 100000 && logtty.view->ops->work(logtty.view); i++)
        ;
}

const char *logtty_screen(void)
{
    static struct buf text;
    text.len = 0;
    canvas_clear(&logtty.canvas);
    logtty.view->ops->draw(logtty.view, &logtty.canvas, canvas_rect(&logtty.canvas),
                           true);
    settle();
    canvas_clear(&logtty.canvas);
    logtty.view->ops->draw(logtty.view, &logtty.canvas, canvas_rect(&logtty.canvas),
                           true);
    cr_assert_eq(canvas_dump(&logtty.canvas, &text), 0);
    for (size_t i = 0; i < text.len; i++)
        cr_assert((unsigned char)text.data[i] >= 0x20 || text.data[i] == '\n');
    return text.data;
}

const char *logtty_status(void)
{
    static char text[200];
    logtty_screen();
    logtty.view->ops->status(logtty.view, text, sizeof(text));
    return text;
}

void logtty_press(enum command cmd)
{
    struct key k = {.command = cmd};
    cr_assert(logtty.view->ops->key(logtty.view, &k), "command %d was not used", cmd);
    logtty_screen();
}

void logtty_answer(const char *text)
{
    if (logtty.ask_changed)
        logtty.ask_changed(logtty.ask_arg, text);
    logtty.ask_answer(logtty.ask_arg, text);
    logtty_screen();
}

void logtty_select(int i)
{
    logtty.view->ops->select(logtty.view, &logtty.sums[i]);
    logtty_screen();
}
