/* dialog - the small dialogs: a line of input in the footer, a confirmation, a menu, a text to
 * scroll. Each is a struct modal for ui_push(); -ENOMEM is a NULL, which ui_push() ignores.
 * Owner   texts are copied; `arg` is freed with free() when the dialog closes if owned is set.
 */
#ifndef UI_DIALOG_DIALOG_H
#define UI_DIALOG_DIALOG_H

#include "ui/screen/state.h"

/* answer(NULL) = cancelled; changed may be NULL. Up and Down recall what was answered to the
 * same label before. */
struct modal *prompt_new(const char *label, const char *initial,
                         void (*changed)(void *arg, const char *text),
                         void (*answer)(void *arg, const char *text), void *arg);

/* Tab completes the last word of text: fn adds the words that may stand there. */
void prompt_completes(struct modal *m,
                      void (*fn)(void *arg, const char *text, struct strv *ret));

/* What a confirmation is about: it closes with a word when one of them changes state. */
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
    bool force_only; /* plain "yes" makes no sense: they run */
    void (*answer)(struct ui *ui, bool force, void *arg); /* only called for yes */
    void *arg;                                            /* malloc'ed, owned */
};
struct modal *confirm_new(const struct confirm *c);

struct menu_item {
    const char *label, *detail;
};
/* choose is called with the index; arg is malloc'ed and owned. */
struct modal *menu_new(const char *title, const struct menu_item *items, size_t n,
                       size_t at, void (*choose)(struct ui *ui, size_t index, void *arg),
                       void *arg);

/* Scrolls text; styles: lines that begin with '\1' are headings. chosen (may be NULL) is
 * called for Enter with the line's number. */
struct modal *pager_new(const char *title, const char *text,
                        void (*chosen)(struct ui *ui, size_t line, void *arg), void *arg);

/* A card about the selected container: the keys that act on it and show it close the card and
 * do what they do in the list, as long as it is still the selected one. */
struct modal *pager_card(const char *title, const char *text, const struct row *r);

/* The help screen, out of the table of keys. */
struct modal *help_new(const struct keys *keys);

/* A box for a dialog in the middle of the screen, at most rows x cols inside. */
struct rect dialog_box(struct rect screen, int rows, int cols);

#endif
