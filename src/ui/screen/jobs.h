/* jobs - running a batch command as a child process, and what becomes of its result: busy
 * text in the list, message line, journal.
 * Message the outcome first, since the end of a line is cut: "done 0.3 s  stop api",
 *         "FAILED 125  run: image ..."
 */
#ifndef UI_SCREEN_JOBS_H
#define UI_SCREEN_JOBS_H

#include "ui/screen/state.h"

/* One child process: an action under way. Made by job_new(), freed after done(). */
struct job {
    struct ui *ui;
    struct strv argv;   /* what follows "mytop-docker --batch" */
    struct strv ids;    /* containers it is about, for the busy text */
    size_t hidden;      /* the place in argv of an option of the screen's own; 0 = none */
    char *title;        /* argv for people, with names; set by job_start() */
    struct buf output;  /* stdout and stderr */
    struct buf partial; /* with line(): the beginning of one */
    /* Gets each whole line as it comes; true = it does not belong to the output. */
    bool (*line)(struct job *j, const char *line, size_t len);
    int64_t started_at; /* wall ns */
    int64_t started_mono;
    bool terminal;  /* gets the terminal instead of pipes */
    bool show;      /* its output is what the user asked for: show it */
    bool external;  /* argv is a whole command line of another program */
    bool cancelled; /* the user did; its failure is no error */
    bool pause;     /* with terminal: wait for a key before the screen comes back */
    /* With terminal: how to come back, written there before it starts; static; or NULL. */
    const char *way_back;
    /* Called by the platform once the process ended; status as a shell has it. */
    void (*done)(struct job *j, int status);
};

struct job *job_new(struct ui *ui); /* done = job_finish; NULL = out of memory */
void job_free(struct job *j);
int job_arg(struct job *j, const char *arg);
int job_about(struct job *j, const struct row *r); /* adds its id to ids */
/* Takes j. busy ("stopping") is shown at its containers until it ended. */
void job_start(struct job *j, const char *busy);
/* What the process printed; the platform calls it. */
void job_output(struct job *j, const char *data, size_t len);
/* The default done(): journal, message, output; frees j. A done() of your own ends with
 * it. */
void job_finish(struct job *j, int status);
/* "mytop-docker --batch stop 4242deadbeef", to be typed again; caller frees. */
char *job_line(const struct job *j);

#endif
