/* dialog - the small dialogs: a line of input in the footer, a confirmation, a menu, a
 * text to scroll. Each is a struct modal for push() of the surroundings; NULL = out of
 * memory, which push() ignores.
 * Owner   texts are copied.
 */
#ifndef UI_DIALOG_DIALOG_H
#define UI_DIALOG_DIALOG_H

#include "ui/dialog/modal.h"

/* Up and Down recall what was answered to the same label before. */
struct modal *prompt_new(const struct question *q);

/* Tab completes the last word of text: fn adds the words that are possible there; it gets
 * the question's arg. */
void prompt_completes(struct modal *m,
                      void (*fn)(void *arg, const char *text, struct strv *ret));

/* What a confirmation is about: it closes with a message when one of them changes
 * state. */
#define CONFIRM_MAX 64
struct subject {
    char id[MTD_ID_SIZE], name[80];
    enum mtd_state state;
};
struct confirm {
    const char *title;       /* "remove 2 containers?" */
    const char *text;        /* lines: names, images, what is lost */
    const char *yes, *force; /* labels: "remove", "force" (NULL = no third choice) */
    struct subject subjects[CONFIRM_MAX];
    size_t n_subjects;
    bool force_only; /* no plain "yes": they are running */
    /* Only called for yes; app is that of the surroundings. */
    void (*answer)(void *app, bool force, void *arg);
    void *arg; /* malloc'ed, owned */
};
struct modal *confirm_new(const struct confirm *c);

struct menu_item {
    const char *label, *detail;
};
struct menu {
    const char *title;
    const struct menu_item *items;
    size_t n, at; /* at: the item under the cursor */
    void (*choose)(void *app, size_t index, void *arg);
    void *arg; /* malloc'ed, owned */
};
struct modal *menu_new(const struct menu *menu);

/* Scrolls text, in two columns where they fit; lines that begin with '\1' are headings.
 * "/" leaves the lines that hold what is typed. */
struct modal *pager_new(const char *title, const char *text);

/* A card about the selected container: the keys that act on it and show it close the card
 * and do what they do in the list, as long as it is still the selected one. */
struct modal *pager_card(const char *title, const char *text, const struct row *r);

/* The help screen, out of the table of keys: those of the present contexts (bits) first. */
struct modal *help_new(const struct keys *keys, unsigned contexts);

/* A box for a dialog in the middle of the screen, at most rows x cols inside. */
struct rect dialog_box(struct rect screen, int rows, int cols);

#endif
