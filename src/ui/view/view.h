/* view - what the screen shows in one rectangle: a tab of the detail, or a screen of its own.
 * Shape   a struct with `struct view` as first member and a table of operations. Any operation
 *         but draw and free may be NULL. A view draws into the canvas, gets commands (not
 *         keys: keys.h), and asks its surroundings through struct host.
 * Rule    nothing here blocks for more than a few milliseconds; long work is cut into pieces
 *         by work(). draw() has no side effects on the state but scroll limits.
 * Owner   the creator frees with view_free(); strings given to a view are copied by it.
 */
#ifndef UI_VIEW_VIEW_H
#define UI_VIEW_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/engine.h"
#include "ui/draw/canvas.h"
#include "ui/term/keys.h"

enum say { SAY_INFO, SAY_WARNING, SAY_ERROR };

struct view;

/* What a view may ask of the screen. One table, made by the app; tests make their own. */
struct host {
    void *app;
    struct mtd_engine *engine;
    /* The message line. */
    void (*say)(void *app, enum say level, const char *text);
    /* A line of input in the footer ("search: "). answer gets the text, NULL = cancelled.
     * changed (may be NULL) gets every intermediate text. */
    void (*ask)(void *app, const char *label, const char *initial,
                void (*changed)(void *arg, const char *text),
                void (*answer)(void *arg, const char *text), void *arg);
    void (*copy)(void *app, const char *text); /* OSC 52 */
    void (*changed)(void *app); /* something to draw came up; or work to do */
    int64_t (*now)(void *app);  /* wall ns; fixed in scripted runs */
    /* Selects a container and opens its log at the record that begins at time_ns. */
    void (*jump)(void *app, const char *id, int64_t time_ns);
    /* Runs "mytop-docker --batch ARGV..." as a child; the result goes to the journal. */
    void (*run)(void *app, const struct strv *argv);
    /* The same quietly: done gets what it printed. A view must outlive its calls. */
    void (*capture)(void *app, const struct strv *argv,
                    void (*done)(void *arg, int status, const char *output), void *arg);
    /* A list to choose from; items as in "label\tdetail"; chosen gets the index. */
    void (*choose)(void *app, const char *title, const struct strv *items,
                   void (*chosen)(void *arg, size_t index), void *arg);
};

struct view_ops {
    const char *title;    /* of the tab: "Logs" */
    enum context context; /* whose keys it wants */
    /* The container to show; NULL = none is selected. Called on every change of selection and
     * whenever that container's summary changed; must be cheap when the id is the same. */
    void (*select)(struct view *v, const struct mtd_summary *s);
    /* Whether it is on the screen. A hidden view keeps its state and does no work. */
    void (*show)(struct view *v, bool visible);
    /* A watched file changed, or stats came in. true = must be drawn again. */
    bool (*update)(struct view *v);
    /* The i-th file or directory whose changes shall call update(); NULL = no more. The app
     * calls at most every 40 ms however often it changes, and after a big frame later, so that
     * a flood leaves room on a slow line. Asked after select() and update(). */
    const char *(*watch)(struct view *v, size_t i);
    /* One piece of long work of at most about 5 ms; false = nothing left. Called between
     * keys, again after changed(). */
    bool (*work)(struct view *v);
    void (*draw)(struct view *v, struct canvas *c, struct rect r, bool focused);
    /* true = used. An unused command goes on to the screen around. */
    bool (*key)(struct view *v, const struct key *k);
    /* Right end of the tab line ("following", "paused, 1,204 new"); "" = nothing. */
    void (*status)(struct view *v, char *out, size_t size);
    void (*free)(struct view *v);
};

struct view {
    const struct view_ops *ops;
    const struct host *host;
};

static inline void view_free(struct view *v)
{
    if (v)
        v->ops->free(v);
}

#endif
