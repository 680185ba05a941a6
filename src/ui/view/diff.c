/* What the container wrote: its upper directory, biggest first. The tree is walked in
 * pieces between keys, so that a million files do not block the screen, and by descriptor: the
 * container may put a link in a directory's place at any moment. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "ui/draw/format.h"
#include "ui/model/scroll.h"
#include "ui/view/tabs.h"

enum { MAX_ENTRIES = 20000, PIECE_NS = 5000000, PIECE_STEPS = 1000 };

struct entry {
    char *path; /* "/etc/passwd" */
    uint64_t size;
    char kind; /* A, C, D */
};

struct diff_view {
    struct view view;
    char id[MTD_ID_SIZE];
    bool visible, walking, done;
    int root_fd;         /* the upper directory */
    struct strv todo;    /* directories not read yet, "/a/b" */
    char *dir;           /* the one that is read; NULL = none */
    struct fs_dir names; /* of it */
    struct entry *entries;
    size_t len, files;
    uint64_t bytes;
    struct scroll scroll;
};

static void close_directory(struct diff_view *v)
{
    fs_dir_done(&v->names);
    free(v->dir);
    v->dir = NULL;
}

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
    close_directory(v);
    cleanup_fd(&v->root_fd);
    v->root_fd = -1;
    v->walking = v->done = false;
}

static void start(struct diff_view *v)
{
    const struct surroundings *around = v->view.around;
    clear(v);
    if (!v->visible || !v->id[0] || !around->engine)
        return;
    auto_free char *upper = mtd_path(around->engine, v->id, "upper");
    v->root_fd = upper ? fs_open_dir_at(AT_FDCWD, upper) : -1;
    v->walking = v->root_fd >= 0 && strv_add(&v->todo, "") == 0;
    around->changed(around->app);
}

/* overlayfs marks what it copied up with where it came from. */
static char kind_of(int dir_fd, const char *name, const struct stat *st)
{
    char path[64 + NAME_MAX];
    if (S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0))
        return 'D';
    snprintf(path, sizeof(path), "/proc/self/fd/%d/%.255s", dir_fd, name);
    return lgetxattr(path, "trusted.overlay.origin", NULL, 0) > 0 ? 'C' : 'A';
}

/* Takes path. */
static void add(struct diff_view *v, char *path, char kind, uint64_t size)
{
    bool full = (v->len & (v->len + 1)) == 0; /* 0, 1, 3, 7 ... */
    struct entry *more = full && v->len < MAX_ENTRIES
                             ? reallocarray(v->entries, v->len * 2 + 2, sizeof(*more))
                             : v->entries;
    if (v->len >= MAX_ENTRIES || !more) {
        free(path);
        return;
    }
    v->entries = more;
    v->entries[v->len++] = (struct entry){path, size, kind};
}

static void visit(struct diff_view *v, const char *name)
{
    struct stat st;
    char *path = NULL;
    if (fstatat(v->names.fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        asprintf(&path, "%s/%s", v->dir, name) < 0)
        return;
    char kind = kind_of(v->names.fd, name, &st);
    uint64_t size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    bool directory = S_ISDIR(st.st_mode);
    v->files += !directory;
    v->bytes += size;
    if (directory)
        strv_add(&v->todo, path);
    /* A directory that was only passed through to something else is no change. */
    if (directory && kind == 'C')
        free(path);
    else
        add(v, path, kind, size);
}

/* false = there is none left. */
static bool open_next(struct diff_view *v)
{
    if (v->todo.len == 0)
        return false;
    v->dir = v->todo.items[--v->todo.len];
    v->todo.items[v->todo.len] = NULL;
    fs_dir_init(&v->names, fs_open_in_root(v->root_fd, *v->dir ? v->dir : "/",
                                           O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0));
    return true;
}

static void step(struct diff_view *v)
{
    const struct dirent64 *e = v->dir ? fs_dir_next(&v->names) : NULL;
    if (e) {
        visit(v, e->d_name);
        return;
    }
    close_directory(v);
    v->walking = open_next(v);
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
    bool walked = v->walking;
    for (int i = 0; i < PIECE_STEPS && v->walking && clock_mono_ns() < end; i++)
        step(v);
    if (walked && !v->walking) {
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
    v->root_fd = -1;
    fs_dir_init(&v->names, -1);
    return &v->view;
}
