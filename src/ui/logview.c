/* The last lines of the log, as many as fit. */
#include "ui/logview.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

struct log_view {
    struct view view;
    char id[MTD_ID_SIZE];
    char *path, *dir;
};

static void select_row(struct view *view, const struct mtd_summary *s)
{
    struct log_view *v = (struct log_view *)view;
    const char *id = s ? s->id : "";
    if (strcmp(id, v->id) == 0)
        return;
    snprintf(v->id, sizeof(v->id), "%s", id);
    free(v->path);
    free(v->dir);
    v->path = s ? mtd_path(view->host->engine, id, "log") : NULL;
    v->dir = s ? mtd_path(view->host->engine, id, "dir") : NULL;
}

static bool update(struct view *view)
{
    return true;
}

static const char *watch(struct view *view, size_t i)
{
    return i == 0 ? ((struct log_view *)view)->path : NULL;
}

static void draw(struct view *view, struct canvas *c, struct rect r, bool focused)
{
    struct log_view *v = (struct log_view *)view;
    struct log_reader reader;
    struct log_record rec;
    auto_fd int dir = v->dir ? open(v->dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
    if (dir < 0 || logfile_reader_open(&reader, dir, false, 0, NULL) < 0)
        return;
    logfile_reader_tail(&reader, (uint64_t)r.rows);
    int row = 0, col = 1;
    while (row < r.rows && logfile_reader_next(&reader, &rec) == 1) {
        struct style st = STYLE(rec.stream == LOG_STDERR ? COLOR_STDERR : COLOR_TEXT);
        col = canvas_text(c, r, row, col, st, rec.text, rec.len);
        if (rec.full)
            row++, col = 1;
    }
    logfile_reader_close(&reader);
}

static void free_view(struct view *view)
{
    struct log_view *v = (struct log_view *)view;
    free(v->path);
    free(v->dir);
    free(v);
}

static const struct view_ops OPS = {
    .title = "Logs", .context = CONTEXT_LOG, .select = select_row, .update = update,
    .watch = watch, .draw = draw, .free = free_view,
};

struct view *logview_new(const struct host *host)
{
    struct log_view *v = calloc(1, sizeof(*v));
    if (!v)
        return NULL;
    v->view = (struct view){&OPS, host};
    return &v->view;
}

void logview_goto(struct view *v, int64_t time_ns)
{
}
