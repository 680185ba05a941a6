/* modal - a dialog over the screen. The topmost gets all keys; those below are drawn,
 * too.
 * Shape   a struct with `struct modal` as first member and a table of operations, as
 *         views have it. push() of the surroundings takes one over and sets `around`.
 * Owner   free() of the table frees it, when it closes or the screen ends.
 */
#ifndef UI_DIALOG_MODAL_H
#define UI_DIALOG_MODAL_H

#include <stdbool.h>

#include "ui/draw/canvas.h"
#include "ui/term/keys.h"
#include "ui/view/surroundings.h"

struct modal_key {
    const char *key, *does;
};

enum modal_result {
    MODAL_STAY,
    MODAL_CLOSE,
    MODAL_PASS, /* key() only: it closes, and the key goes to what is below */
};

struct modal_ops {
    void (*draw)(struct modal *m, struct canvas *c, struct rect screen);
    enum modal_result (*key)(struct modal *m, const struct key *k);
    /* The list was read again: a dialog about something that is gone says so and closes.
     * May be NULL. */
    enum modal_result (*update)(struct modal *m);
    void (*free)(struct modal *m);
    bool takes_text; /* what is pasted is for it */
    bool in_footer;  /* draws into the last line only: the screen above stays visible */
    /* For the footer, ends with an empty one; may be NULL. */
    const struct modal_key *keys;
};

struct modal {
    const struct modal_ops *ops;
    const struct surroundings *around;
    struct modal *below;
    char about[MTD_ID_SIZE]; /* closes when this container vanishes; "" = about none */
    char about_name[80];
};

/* Makes it one about that container; m and r may be NULL. */
void modal_set_about(struct modal *m, const struct row *r);

#endif
