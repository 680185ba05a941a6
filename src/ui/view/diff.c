/* What the container wrote: its upper directory, biggest first. The tree is walked in
 * pieces between keys, so that a million files do not block the screen. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ui/draw/format.h"
#include "ui/model/scroll.h"
#include "ui/view/tabs.h"

enum { MAX_ENTRIES = 20000, PIECE_NS = 5000000 };

struct entry {
    char *path; /* "/etc/passwd" */
    uint64_t size;
    char kind; /* A, C, D */
};

struct diff_view {
    struct view view;
    char id[MTD_ID_SIZE];
    bool visible, walking, done;
    char *root;       /* the upper directory */
    struct strv todo; /* directories not read yet, relative */
    struct entry *entries;
    size_t len, files;
    uint64_t bytes;
    struct scroll scroll;
};

static void clear(struct diff_view *v)
{
    for (size_t i = 0; i < v->len; i++)
        free(v->entries[i].path);
    free(v->entries);
    v->entries = NULL;
    v->len = v->files = 0;
    v->bytes = 0;
    strv_done(&v->todo);
    v->todo = (struct strv){0};
    free(v->root);
    v->root = NULL;
    v->walking = v->done = false;
}

static void start(struct diff_view *v)
{
    const struct surroundings *around = v->view.around;
    clear(v);
    if (!v->visible || !v->id[0] || !around->engine)
        return;
    v->root = mtd_path(around->engine, v->id, "upper");
    v->walking = v->root && strv_add(&v->todo, "") == 0;
    around->changed(around->app);
}

/* overlayfs marks what it copied up with where it came from. */
static char kind_of(const char *full, const struct stat *st)
{
    if (S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0))
        return 'D';
    return lgetxattr(full, "trusted.overlay.origin", NULL, 0) > 0 ? 'C' : 'A';
}

static int add(struct diff_view *v, char *path, const char *full, const struct stat *st)
{
    if (v->len >= MAX_ENTRIES) {
        free(path);
        return 0;
    }
    if ((v->len & (v->len + 1)) == 0) { /* 0, 1, 3, 7 ...: full */
        struct entry *more = reallocarray(v->entries, v->len * 2 + 2, sizeof(*more));
        if (!more) {
            free(path);
            return -ENOMEM;
        }
        v->entries = more;
    }
    uint64_t size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
    v->entries[v->len++] = (struct entry){path, size, kind_of(full, st)};
    return 0;
}

static void visit(struct diff_view *v, const char *dir, const char *name)
{
    struct stat st;
    char *path = NULL;
    auto_free char *full = NULL;
    if (asprintf(&path, "%s/%s", dir, name) < 0)
        return;
    if (asprintf(&full, "%s%s", v->root, path) < 0 || lstat(full, &st) < 0) {
        free(path);
        return;
    }
    if (S_ISDIR(st.st_mode)) {
        strv_add(&v->todo, path);
        /* A directory that was only passed through to something else is no change. */
        if (kind_of(full, &st) == 'C') {
            free(path);
            return;
        }
    } else {
        v->files++;
        v->bytes += S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    }
    add(v, path, full, &st);
}

static void read_directory(struct diff_view *v, const char *dir)
{
    auto_free char *full = NULL;
    if (asprintf(&full, "%s%s", v->root, dir) < 0)
        return;
    int fd = open(full, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    auto_dir DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *e;
    while (d && (e = readdir(d)))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            visit(v, dir, e->d_name);
    if (fd >= 0 && !d)
        close(fd);
}

static int by_size(const void *pa, const void *pb)
{
    const struct entry *a = pa, *b = pb;
    if (a->size != b->size)
        return a->size < b->size ? 1 : -1;
    return strcmp(a->path, b->path);
}

static bool diff_view_work(struct view *view)
{
    struct diff_view *v = (struct diff_view *)view;
    int64_t end = clock_mono_ns() + PIECE_NS;
    while (v->walking && v->todo.len && clock_mono_ns() < end) {
        auto_free char *dir = v->todo.items[--v->todo.len];
        v->todo.items[v->todo.len] = NULL;
        read_directory(v, dir);
    }
    if (v->walking && v->todo.len == 0) {
        v->walking = false;
        v->done = true;
        if (v->len)
            qsort(v->entries, v->len, sizeof(*v->entries), by_size);
    }
    return v->walking;
}

static void diff_view_select(struct view *view, const struct mtd_summary *s)
{
    struct diff_view *v = (struct diff_view *)view;
    const char *id = s ? s->id : "";
    if (strcmp(id, v->id) == 0)
        return;
    snprintf(v->id, sizeof(v->id), "%s", id);
    start(v);
}

static void diff_view_show(struct view *view, bool visible)
{
    struct diff_view *v = (struct diff_view *)view;
    bool was = v->visible;
    v->visible = visible;
    if (visible && !was)
        start(v);
}

static void diff_view_draw(struct view *view, struct canvas *c, struct rect r,
                           bool focused)
{
    struct diff_view *v = (struct diff_view *)view;
    char size[FORMAT_MAX];
    if (v->len == 0)
        pen_puts(PEN(c, r, 0, 1), STYLE(COLOR_DIM),
                 v->walking ? "reading..."
                 : v->id[0] ? "nothing was written"
                            : "no container is selected");
    scroll_fit(&v->scroll, v->len, r.rows);
    for (int i = 0; i < r.rows && v->scroll.top + (size_t)i < v->len; i++) {
        const struct entry *e = &v->entries[v->scroll.top + (size_t)i];
        bool on = focused && v->scroll.top + (size_t)i == v->scroll.at;
        struct style st = STYLE(on               ? COLOR_SELECTED
                                : e->kind == 'D' ? COLOR_FAILED
                                : e->kind == 'A' ? COLOR_RUNNING
                                                 : COLOR_TEXT);
        struct rect line = {r.row + i, r.col, 1, r.cols};
        canvas_fill(c, line, STYLE(on ? COLOR_SELECTED : COLOR_TEXT));
        struct pen p = {.c = c, .r = line, .col = 1};
        pen_printf(&p, st, "%c %6s  ", e->kind,
                   e->size ? format_size(e->size, size) : "");
        pen_puts(PEN(c, pen_rest(&p), 0, -v->scroll.shift), st, e->path);
    }
}

static bool diff_view_key(struct view *view, const struct key *k)
{
    struct diff_view *v = (struct diff_view *)view;
    if (k->command == CMD_OPEN) {
        start(v);
        return true;
    }
    if (k->command == CMD_COPY && v->scroll.at < v->len) {
        view->around->copy(view->around->app, v->entries[v->scroll.at].path);
        return true;
    }
    return scroll_key(&v->scroll, k);
}

static void diff_view_status(struct view *view, char *out, size_t size)
{
    struct diff_view *v = (struct diff_view *)view;
    char bytes[FORMAT_MAX], files[FORMAT_MAX];
    if (v->walking || v->done)
        snprintf(out, size, "%s%s files, %s%s", v->walking ? "reading: " : "",
                 format_count(v->files, files), format_size(v->bytes, bytes),
                 v->len >= MAX_ENTRIES ? ", not all shown" : "");
}

static void diff_view_free(struct view *view)
{
    clear((struct diff_view *)view);
    free(view);
}

static const struct view_ops OPS = {
    .title = "Diff",
    .context = CONTEXT_DIFF,
    .select = diff_view_select,
    .show = diff_view_show,
    .work = diff_view_work,
    .draw = diff_view_draw,
    .key = diff_view_key,
    .status = diff_view_status,
    .free = diff_view_free,
};

struct view *diff_view_new(const struct surroundings *around)
{
    struct diff_view *v = calloc(1, sizeof(*v));
    if (!v)
        return NULL;
    v->view = (struct view){&OPS, around};
    return &v->view;
}
