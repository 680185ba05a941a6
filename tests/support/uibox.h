/* uibox - a dashboard without terminal, loop or containers: rows made up by the test, a
 * clock that does not advance, actions that are recorded instead of run.
 */
#ifndef UIBOX_H
#define UIBOX_H

#include "tempdir.h"
#include "ui/screen/screen.h"

struct uibox {
    struct ui ui;
    struct canvas canvas;
    struct tempdir dir;
    struct mtd_options options;
    char root[600], run[600];
    char started[4096]; /* command lines of actions, one a line; "@api": the id of api */
    char way_back[64];  /* what the last of them says about leaving it */
    char copied[1024];
    bool quit;
    const struct job *cancelled;
    struct job *keep; /* this one is neither noted nor ended: the test ends it */
};
#define UIBOX_NOW 1767323045000000000LL /* 2026-01-02T03:04:05Z */

void uibox_make(struct uibox *b, int rows, int cols, bool ascii);
void uibox_done(struct uibox *b);
/* The made containers: api (running, hot), db (paused), job (OOM killed) ... */
void uibox_fill(struct uibox *b);
/* n more, "box-0001" and on, running. */
void uibox_fill_many(struct uibox *b, size_t n);
void uibox_keys(struct uibox *b, const char *names); /* "j j Enter" */
void uibox_type(struct uibox *b, const char *text);
void uibox_size(struct uibox *b, int rows, int cols);
const char *uibox_text(struct uibox *b); /* the screen; valid until the next call */
bool uibox_shows(struct uibox *b, const char *text);
/* Compares the screen with tests/ui/NAME.screen; MTD_UPDATE_SCREENS=1 writes it
 * instead. */
void uibox_golden(struct uibox *b, const char *name);
/* The same for the picture docs/NAME.svg. */
void uibox_golden_svg(struct uibox *b, const char *name);

/* One summary of the list; the caller fills the rest. id: 64 times the digit. */
struct mtd_summary uibox_summary(char digit, const char *name, const char *image,
                                 enum mtd_state state);

#endif
