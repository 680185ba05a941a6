/* surroundings - what a view or a dialog may read of the screen around it, and ask it
 * for. One table for both: they are below the screen and know nothing else of it. The
 * screen fills it in (screen/offer.c), tests make their own.
 * Rule    not called from draw(). Texts are copied; `arg` must be valid until the answer.
 */
#ifndef UI_VIEW_SURROUNDINGS_H
#define UI_VIEW_SURROUNDINGS_H

#include <stdint.h>

#include "base/strv.h"
#include "engine/engine.h"
#include "ui/model/history.h"
#include "ui/model/model.h"
#include "ui/term/keys.h"

enum say { SAY_INFO, SAY_WARNING, SAY_ERROR };

struct message {
    enum say level;
    char text[512]; /* "" = none */
};

/* A line of input in the footer. */
struct question {
    const char *label;   /* "search:" */
    const char *initial; /* NULL = "" */
    /* Gets every intermediate text; may be NULL. */
    void (*changed)(void *arg, const char *text);
    /* Called exactly once; NULL = cancelled. */
    void (*answer)(void *arg, const char *text);
    void *arg;
};

/* A batch command line run as a child: "mytop-docker --batch ARGV...". */
struct errand {
    const struct strv *argv;
    size_t hidden;  /* the place in argv of what the user did not ask for; 0 = nothing */
    const char *id; /* the container it is about; NULL = none */
    const char *busy; /* shown there until it has ended: "committing"; NULL = nothing */
    /* Gets each line that it prints, when it does; true = it is no output to report. May be
     * NULL. */
    bool (*line)(void *arg, const char *line, size_t len);
    /* Gets what it printed, before that is reported; may be NULL. */
    void (*done)(void *arg, int status, const char *output);
    void *arg;
};

struct modal;

struct surroundings {
    void *app;                     /* the first argument of all calls */
    struct mtd_engine *engine;     /* NULL while the roots cannot be opened */
    struct model *model;           /* the list */
    const struct keys *keys;       /* for advice: keys_for() */
    const struct message *message; /* on the screen now */

    void (*say)(void *app, enum say level, const char *text); /* "" clears the message */
    void (*ask)(void *app, const struct question *q);
    void (*copy)(void *app, const char *text); /* to the clipboard, by OSC 52 */
    void (*changed)(void *app); /* there is something to draw, or work to do */
    int64_t (*now)(void *app);  /* wall ns; fixed in scripted runs */
    /* Selects a container and opens its log at the record that begins at time_ns. */
    void (*jump)(void *app, const char *id, int64_t time_ns);
    /* Shows the list of containers with this one selected. */
    void (*reveal)(void *app, const char *id);
    /* Runs a command; its result goes to the message line and the journal. */
    void (*run)(void *app, const struct errand *e);
    /* Interrupts the errand of that arg; done() follows. false = there is none. */
    bool (*cancel)(void *app, const void *arg);
    /* The same quietly: only done() hears of it. A view must outlive its calls. */
    void (*capture)(void *app, const struct strv *argv,
                    void (*done)(void *arg, int status, const char *output), void *arg);
    /* A list to choose from; items as in "label\tdetail"; chosen gets the index. */
    void (*choose)(void *app, const char *title, const struct strv *items,
                   void (*chosen)(void *arg, size_t index), void *arg);

    /* For dialogs (dialog/modal.h). */
    void (*push)(void *app, struct modal *m); /* takes m over; NULL is ignored */
    struct modal *(*topmost)(void *app);      /* NULL = no dialog is open */
    /* What was answered to questions of that label; NULL = none is kept. */
    struct line_history *(*history)(void *app, const char *label);
};

/* say(), formatted. */
void surroundings_say(const struct surroundings *s, enum say level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
