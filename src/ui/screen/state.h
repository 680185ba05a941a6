/* state - everything the dashboard knows, in one struct, and what it asks of the program
 * around it. No code here knows a terminal or an event loop: app.c implements the platform,
 * tests implement their own.
 * Owner   ui_init / ui_done (screen.h).
 */
#ifndef UI_SCREEN_STATE_H
#define UI_SCREEN_STATE_H

#include "ui/model/config.h"
#include "ui/model/history.h"
#include "ui/model/journal.h"
#include "ui/model/layout.h"
#include "ui/model/model.h"
#include "ui/view/view.h"

enum tab { TAB_LOGS, TAB_STATS, TAB_TOP, TAB_INSPECT, TAB_DIFF, TAB_EVENTS, TAB_COUNT };

struct ui;

/* One child process: an action under way. Made by job_new(), freed after done(). */
struct job {
    struct ui *ui;
    struct strv argv;   /* what follows "mytop-docker --batch" */
    struct strv ids;    /* containers it is about, for the busy text */
    struct buf output;  /* stdout and stderr */
    int64_t started_at; /* wall ns */
    int64_t started_mono;
    bool terminal; /* gets the terminal instead of pipes */
    bool show;     /* its output is what the user asked for: show it */
    bool external; /* argv is a whole command line of another program */
    bool pause;    /* with terminal: wait for a key before the screen comes back */
    const char
        *way_back; /* with terminal: said there before it starts; static, NULL = none */
    /* Called by the platform once the process ended; status as a shell has it. */
    void (*done)(struct job *j, int status);
};

enum request {
    REQUEST_QUIT,
    REQUEST_REDRAW, /* forget what the terminal shows */
    REQUEST_SUSPEND,
    REQUEST_MOUSE,   /* ui->mouse changed */
    REQUEST_REFRESH, /* read the list again */
    REQUEST_SAMPLE,  /* take figures soon */
    REQUEST_WORK,    /* a view has work to do, or must be drawn */
};

struct platform {
    int64_t (*wall_ns)(void *app);
    int64_t (*mono_ns)(void *app);
    int (*start)(void *app, struct job *j); /* 0: done() will be called; else -errno */
    bool (*copy)(void *app, const char *text, size_t n); /* false = it cannot */
    void (*request)(void *app, enum request r);
};

/* A dialog over the screen: the topmost gets all keys. */
struct modal;
struct modal_key {
    const char *key, *does;
};
enum modal_result {
    MODAL_STAY,
    MODAL_CLOSE,
    MODAL_PASS, /* key() only: it closes, and the key is for who is below */
};
struct modal_ops {
    void (*draw)(struct modal *m, struct canvas *c, struct rect screen);
    enum modal_result (*key)(struct modal *m, const struct key *k);
    /* The list was read again: a dialog about something that is gone closes with a word. */
    enum modal_result (*update)(struct modal *m);
    void (*free)(struct modal *m);
    bool takes_text; /* what is pasted is for it */
    bool in_footer;  /* draws into the last line only: the screen above stays seen */
    const struct modal_key
        *keys; /* for the footer, ends with an empty one; may be NULL */
};
struct modal {
    const struct modal_ops *ops;
    struct ui *ui;
    struct modal *below;
    char about[MTD_ID_SIZE]; /* closes with a word when this one vanishes; "" = nobody */
    char about_name[80];
};

struct message {
    enum say level;
    char text[512]; /* "" = none */
};

/* What was answered to one question; found by its label. */
struct question {
    char label[32];
    struct line_history history;
};
#define QUESTIONS_MAX 8 /* kinds of; a further one has no history */

struct ui {
    const struct mtd_options *options;
    struct mtd_engine *engine; /* NULL while the roots cannot be opened */
    dev_t root_dev[2]; /* which directories it has open: the root, its containers */
    ino_t root_ino[2]; /* 0 = there was none (only looking does not make it) */
    bool reopened;     /* it is another one than before: watches are stale */
    const struct platform *platform;
    void *app;
    struct host host; /* what views are given */

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
    bool pasting;     /* between the brackets of a paste */
    bool want_detail; /* which pane is shown when only one fits */
    bool focus_detail;
    bool zoom;
    enum tab tab;
    struct view *tabs[TAB_COUNT];
    size_t top;          /* first visible row of the list */
    uint64_t rows_seen;  /* which rows were visible: ui_rows_came() */
    struct modal *modal; /* topmost; NULL = none */
    struct message message;
    struct question questions[QUESTIONS_MAX];
    char shown_id[MTD_ID_SIZE]; /* whose detail the tabs show */
    unsigned jobs;              /* under way */
    struct strv run_draft;      /* the fields of the run that did not succeed (yet) */
};

void ui_say(struct ui *ui, enum say level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void ui_push(struct ui *ui, struct modal *m);
void ui_close(struct ui *ui,
              struct modal *m); /* takes it out, wherever it is, and frees it */
void ui_about(struct modal *m, const struct row *r); /* m, r may be NULL */
void ui_request(struct ui *ui, enum request r);
struct line_history *ui_history(struct ui *ui, const char *label); /* NULL = none kept */
int64_t ui_now(const struct ui *ui);                               /* wall ns */
unsigned ui_contexts(const struct ui *ui); /* bits for keys_find() */

#endif
