/* view - what the screen shows in one rectangle: a tab of the detail, or a screen of its
 * own.
 * Shape   a struct with `struct view` as first member and a table of operations. Any
 *         operation but draw and free may be NULL. A view draws into the canvas, gets
 *         commands (not keys: keys.h), and asks for the rest through its struct
 *         surroundings.
 * Rule    nothing here blocks for more than a few milliseconds; long work is cut into
 *         pieces by work(). draw() has no side effects on the state but scroll limits.
 * Owner   the creator frees with view_free(); strings given to a view are copied by it.
 */
#ifndef UI_VIEW_VIEW_H
#define UI_VIEW_VIEW_H

#include <stdbool.h>

#include "ui/draw/canvas.h"
#include "ui/term/keys.h"
#include "ui/view/surroundings.h"

struct view;

struct view_ops {
    const char *title;    /* of the tab: "Logs" */
    enum context context; /* whose keys it wants */
    /* The container to show; NULL = none is selected. Called on every change of selection
     * and whenever that container's summary changed; must be cheap when the id is the
     * same. */
    void (*select)(struct view *v, const struct mtd_summary *s);
    /* Whether it is on the screen. A hidden view keeps its state and does no work. */
    void (*show)(struct view *v, bool visible);
    /* A watched file changed, or new figures were read. true = must be drawn again. */
    bool (*update)(struct view *v);
    /* The timer of figures, while it is on the screen: of a screen of its own. */
    void (*sample)(struct view *v);
    /* The i-th file or directory whose changes shall call update(); NULL = no more. The
     * app calls at most every 40 ms however often it changes, and after a big frame
     * later, so that a flood leaves room on a slow line. Asked after select() and
     * update(). */
    const char *(*watch)(struct view *v, size_t i);
    /* One piece of long work of at most about 5 ms; false = nothing left. Called between
     * keys, again after changed(). */
    bool (*work)(struct view *v);
    void (*draw)(struct view *v, struct canvas *c, struct rect r, bool focused);
    /* true = used. An unused command is passed on to the screen. */
    bool (*key)(struct view *v, const struct key *k);
    /* Right end of the tab line ("following", "paused, 1,204 new"); "" = nothing. */
    void (*status)(struct view *v, char *out, size_t size);
    void (*free)(struct view *v);
};

struct view {
    const struct view_ops *ops;
    const struct surroundings *around;
};

static inline void view_free(struct view *v)
{
    if (v)
        v->ops->free(v);
}

#endif
