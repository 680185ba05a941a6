/* state - everything the dashboard knows, in one struct. Only the screen's own files, the
 * loop and tests look into it; views and dialogs get struct surroundings.
 * Owner   ui_init / ui_done (screen.h).
 */
#ifndef UI_SCREEN_STATE_H
#define UI_SCREEN_STATE_H

#include "ui/dialog/forms.h"
#include "ui/dialog/modal.h"
#include "ui/model/config.h"
#include "ui/model/history.h"
#include "ui/model/journal.h"
#include "ui/model/layout.h"
#include "ui/model/model.h"
#include "ui/screen/platform.h"
#include "ui/view/view.h"

enum tab { TAB_LOGS, TAB_STATS, TAB_TOP, TAB_INSPECT, TAB_DIFF, TAB_EVENTS, TAB_COUNT };

/* What fills the screen; containers have the list and the tabs. */
enum page { PAGE_CONTAINERS, PAGE_IMAGES, PAGE_VOLUMES, PAGE_NETWORKS, PAGE_COUNT };

struct errand_job;

/* What was answered to one question; found by its label. */
struct answered {
    char label[32];
    struct line_history history;
};
#define QUESTIONS_MAX 8 /* further ones have no history */

struct ui {
    const struct mtd_options *options;
    dev_t root_dev[2]; /* which directories it has open: the root, its containers */
    ino_t root_ino[2]; /* 0 = there was none (only looking does not make it) */
    bool reopened;     /* it was replaced by another: watches are stale */
    const struct platform *platform;
    void *app;
    struct surroundings around; /* what views and dialogs are given */

    struct model model;
    struct keys keys;
    struct config config;
    struct journal journal;
    struct mtd_info info;
    char hostname[65];
    double host_cpu; /* percent of all cores; < 0 = not known yet */
    uint64_t host_idle, host_total;
    uint64_t host_memory_used;

    struct layout layout;
    int rows, cols;
    bool ascii, read_only, mouse, scripted;
    bool frozen;
    bool pasting; /* between the brackets of a paste */
    bool focus_detail;
    bool zoom;
    enum tab tab;
    struct view *tabs[TAB_COUNT];
    enum page page;
    struct view *pages[PAGE_COUNT]; /* PAGE_CONTAINERS: NULL */
    struct errand_job *errands;     /* under way; those that can be cancelled */
    size_t top;                     /* first visible row of the list */
    uint64_t rows_seen;             /* which rows were visible: ui_rows_came() */
    struct modal *modal;            /* topmost; NULL = none */
    struct message message;
    struct message last_message; /* kept when the line is cleared */
    struct answered answers[QUESTIONS_MAX];
    char shown_id[MTD_ID_SIZE]; /* whose detail the tabs show */
    unsigned jobs;              /* under way */
    struct run_draft run_draft;
};

void ui_say(struct ui *ui, enum say level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void ui_push(struct ui *ui, struct modal *m);
/* Takes it out, wherever in the stack it is, and frees it. */
void ui_close(struct ui *ui, struct modal *m);
void ui_request(struct ui *ui, enum request r);
struct line_history *ui_history(struct ui *ui, const char *label); /* NULL = none kept */
int64_t ui_now(const struct ui *ui);                               /* wall ns */
/* The one that is shown: a page, or the tab. */
struct view *ui_view(const struct ui *ui);
unsigned ui_contexts(const struct ui *ui); /* bits for keys_find() */

#endif
