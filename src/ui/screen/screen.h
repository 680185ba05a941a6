/* screen - the dashboard without its terminal: keys in, canvas out.
 * Shape   ui_init, then ui_refresh / ui_sample / ui_key / ui_resize in any order, ui_draw
 *         to look. The platform (platform.h) does what needs an event loop.
 */
#ifndef UI_SCREEN_SCREEN_H
#define UI_SCREEN_SCREEN_H

#include "ui/screen/state.h"
#include "ui/term/input.h"

struct ui_setup {
    const struct mtd_options *options;
    const struct platform *platform;
    void *app;
    bool read_only, ascii, scripted;
    const char *config; /* path; NULL = none */
};
int ui_init(struct ui *ui, const struct ui_setup *setup);
void ui_done(struct ui *ui);

void ui_resize(struct ui *ui, int rows, int cols);
void ui_refresh(struct ui *ui);       /* the list again */
void ui_update_modals(struct ui *ui); /* after that: dialogs about what is gone close */
/* Figures of what is on the screen. */
void ui_sample(struct ui *ui);
bool ui_wants_samples(const struct ui *ui); /* something runs and is to be seen */
/* Since it was asked before, rows without recent figures have come into sight. */
bool ui_rows_came(struct ui *ui);
void ui_key(struct ui *ui, const struct input_event *ev);
bool ui_work(struct ui *ui);    /* a piece of long work; false = none is left */
void ui_changed(struct ui *ui); /* a watched file of the visible tab changed */
/* The i-th path to watch; NULL = no more. */
const char *ui_watch(struct ui *ui, size_t i);
void ui_draw(struct ui *ui, struct canvas *c);

#endif
