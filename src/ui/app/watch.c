/* File events: the state directory for the list, the visible tab's files for the tab. */
#include "ui/app/internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum {
    FILE_DELAY_MS = 40,
    FLOOD_DELAY_MS = 1000,
    FLOOD_BYTES_PER_MS = 16,
    LIST_DELAY_MS = 20,
    SETTLE_MS = 300
};

/* An event may be written before the record it is about: the list is read soon, to be
 * quick, and once more when things have settled, to be right. */
static void on_list_delay(uv_timer_t *t)
{
    struct app *a = t->data;
    ui_refresh(&a->ui);
    a->dirty = true;
    if (a->settling)
        uv_timer_start(t, on_list_delay, SETTLE_MS, 0);
    a->settling = false;
}

void app_read_list_soon(struct app *a)
{
    if (!uv_is_active((uv_handle_t *)&a->list_delay))
        uv_timer_start(&a->list_delay, on_list_delay, LIST_DELAY_MS, 0);
}

static void on_list_event(uv_fs_event_t *e, const char *name, int events, int status)
{
    struct app *a = e->data;
    bool waits = a->settling || !uv_is_active((uv_handle_t *)&a->list_delay);
    a->settling = true;
    if (waits)
        app_read_list_soon(a);
    else /* it was the settling one that is due: begin again */
        uv_timer_start(&a->list_delay, on_list_delay, LIST_DELAY_MS, 0);
}

/* A log that floods changes the whole screen each time. The buffers on the way to a
 * remote terminal must not fill up with that: what a key paints would arrive seconds
 * later. So after a frame of that size there is a pause, but not after a single one. */
static uint64_t file_delay(const struct app *a)
{
    int64_t since = (clock_mono_ns() - a->painted_at) / NS_PER_MS;
    int64_t rest = (int64_t)a->painted_bytes / FLOOD_BYTES_PER_MS - since;
    if (rest > FLOOD_DELAY_MS)
        rest = FLOOD_DELAY_MS;
    return rest > FILE_DELAY_MS ? (uint64_t)rest : FILE_DELAY_MS;
}

/* A file that is written all the time gives one event per write: the watch is suspended
 * until the delay is over, when the view reads it anyway. */
static void on_file_delay(uv_timer_t *t);

static void on_file_event(uv_fs_event_t *e, const char *name, int events, int status)
{
    struct app *a = e->data;
    for (int i = 0; i < WATCHES; i++)
        if (a->files[i].active) {
            uv_fs_event_stop(&a->files[i].event);
            a->files[i].active = false;
        }
    uint64_t delay = file_delay(a);
    uv_timer_start(&a->file_delay, on_file_delay, delay, delay);
}

static void set_watch(struct watch *w, const char *path, uv_fs_event_cb fn)
{
    bool same = path && w->path && strcmp(path, w->path) == 0;
    if (same && w->active)
        return;
    if (w->active)
        uv_fs_event_stop(&w->event);
    w->active = false;
    if (!same) {
        free(w->path);
        w->path = path ? strdup(path) : NULL;
    }
    if (w->path)
        w->active = uv_fs_event_start(&w->event, fn, w->path, 0) == 0;
}

void app_watch_files(struct app *a)
{
    if (uv_is_active((uv_handle_t *)&a->file_delay))
        return;
    for (size_t i = 0, end = 0; i < WATCHES; i++) {
        const char *path = end ? NULL : ui_watch(&a->ui, i);
        end |= !path;
        set_watch(&a->files[i], path, on_file_event);
    }
}

static void on_file_delay(uv_timer_t *t)
{
    struct app *a = t->data;
    uv_timer_stop(t);
    app_watch_files(a);
    ui_changed(&a->ui);
    a->dirty = true;
}

void app_watch_root(struct app *a)
{
    auto_free char *containers = NULL;
    if (!a->ui.around.engine ||
        asprintf(&containers, "%s/containers", mtd_root(a->ui.around.engine)) < 0)
        return;
    if (a->ui.reopened) /* another directory of the same name */
        set_watch(&a->root, NULL, NULL), set_watch(&a->containers, NULL, NULL);
    a->ui.reopened = false;
    set_watch(&a->root, mtd_root(a->ui.around.engine), on_list_event);
    set_watch(&a->containers, containers, on_list_event);
}

void app_watch_init(struct app *a)
{
    uv_timer_start(&a->file_delay, on_file_delay, FILE_DELAY_MS, FILE_DELAY_MS);
    uv_timer_stop(&a->file_delay);
    struct watch *watches[] = {&a->root, &a->containers};
    for (size_t i = 0; i < ARRAY_SIZE(watches) + WATCHES; i++) {
        struct watch *w = i < 2 ? watches[i] : &a->files[i - 2];
        uv_fs_event_init(a->loop, &w->event);
        w->event.data = a;
    }
}

void app_watch_done(struct app *a)
{
    free(a->root.path);
    free(a->containers.path);
    for (int i = 0; i < WATCHES; i++)
        free(a->files[i].path);
}
