/* exec/internal.h - what the files of exec share.
 * Shape   request.c and stdio.c prepare, session.c starts the command and decides the
 *         status, relay.c is the loop, stream.c moves the bytes of one direction,
 *         keeper.c is the process next to a session with a terminal, detach.c is -d and
 *         report.c how it reports that the command runs, list.c has the list of
 *         sessions, note.c writes their events.
 * Errors  0 or -errno, as in exec.h.
 */
#ifndef ENGINE_EXEC_INTERNAL_H
#define ENGINE_EXEC_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "engine/exec/exec.h"
#include "engine/host/tty.h"

/* Bytes being relayed in one direction. When one end is done, so is the other: it is
 * closed if it is ours, and no longer used if it is the caller's. */
struct exec_stream {
    int from, to;          /* -1 = done */
    bool own_from, own_to; /* ours: non-blocking, closed by us */
    bool input;            /* to the command: its end is not waited for */
    bool spliced;          /* output from pipe to pipe: moved without a copy */
    bool full;             /* spliced: the caller's pipe had no room */
    bool large;            /* our pipe was made larger */
    size_t piece;          /* the most one write is given */
    size_t owed;           /* of what the command left when it ended: not yet passed on */
    size_t at, len;        /* of data: read and not yet written */
    char data[65536];
};

/* How long the command may take to begin, in seconds: what joins the container is seen by
 * its processes for a moment, and they may stop it. */
#define EXEC_BEGIN_S 10

/* A session of exec, front end side. */
struct exec_session {
    int reply_fd; /* -1 once the command runs or has failed */
    int signal_fd;
    pid_t joiner; /* 0 = reaped */
    pid_t start;  /* the joiner's number, also later */
    pid_t pid;    /* the command; 0 = not known */
    bool told;    /* by the joiner */
    bool ended;   /* the command was reaped: wait_status is valid */
    int wait_status;
    int interrupted;  /* a signal that is not passed on: it ends the session */
    int64_t asked[2]; /* see proc_is_insisted() */
    bool keep_signals;
    int64_t deadline;    /* monotonic ns; 0 = none */
    int64_t begin_by;    /* the same: when the command must run */
    int64_t drain_until; /* the same, once it has ended: when nobody is waited for */
    bool late;           /* the deadline has passed */
    bool stuck;          /* begin_by has passed */
    bool detached;
    int unwritten; /* errno: the caller's stdout or stderr takes no more; 0 = it does */
    struct mtd_error failure; /* of the joiner or the child */

    int report_fd; /* -d: where to report that the command runs; -1 */
    struct exec_notes notes;
    const struct mtd_record *record;
    const struct strv *args;
    char id[MTD_ID_SIZE]; /* in the list; "" = not listed */

    bool tty;
    bool labelled; /* execve changes its label */
    int master;    /* terminal; -1 */
    int terminal;  /* whose size is followed; -1 = none */
    int in, out;   /* with a tty: the caller's ends; in -1 = no input */
    struct console console;
    struct tty_keys keys;
    struct exec_stream *streams[3];
    size_t n_streams;
    int keeper_fd; /* closing it ends the session, its id keeps it running; -1 */
    pid_t keeper;
};

/* Runs one session from start to end. s: report_fd and notes are set, the rest is zero. */
int exec_session_run(struct exec_session *s, const struct mtd_record *r,
                     const struct mtd_exec *x, int *ret_status, struct mtd_error *err);

/* Returns when the command has ended and its output is written, when the session was
 * detached or interrupted, when its time is up, or when the command could not be run. */
int exec_relay(struct exec_session *s, struct mtd_error *err);

/* ---- exec/stream.c ---- */

/* own: our end, `from` of output and `to` of input, is a pipe of this stream's alone, and
 * not the terminal's master. NULL = out of memory. */
struct exec_stream *exec_stream_add(struct exec_session *s, bool input, bool own,
                                    int from, int to);
/* The descriptor whose readiness it waits for, with poll's events; -1 = none. */
int exec_stream_waits_for(const struct exec_stream *st, short *ret_events);
/* That is ready: moves what there is. */
void exec_stream_turn(struct exec_session *s, struct exec_stream *st);
/* The command has ended: notes how much of its output has not been passed on. */
void exec_stream_owe(struct exec_stream *st);
void exec_streams_done(struct exec_session *s);

/* inside[i] becomes descriptor i of the command; ours[i] is to be closed once
 * the command has it. */
struct exec_stdio {
    int inside[3];
    int ours[3];
};
struct nsenter_request;
int exec_stdio_place(struct exec_session *s, const struct mtd_exec *x,
                     struct exec_stdio *io, struct nsenter_request *q,
                     struct mtd_error *err);
void exec_stdio_close(struct exec_stdio *io);

/* cwd, user, cgroups, namespaces and args are borrowed from the record and x. */
int exec_request_fill(struct nsenter_request *q, const struct mtd_record *r,
                      const struct mtd_exec *x, struct mtd_error *err);
void exec_request_done(struct nsenter_request *q);

/* Forks the process that ends the command when the front end dies, or keeps its terminal
 * open and drained when the front end detaches. */
int exec_keeper_start(struct exec_session *s);
void exec_keeper_done(struct exec_session *s, bool let_live);

/* For a forked process that stays: a new session, /dev/null as 0-2, and of all other
 * descriptors only fds[], renumbered. */
int exec_settle(int *fds, int n, const char *name);

/* exec -d. */
int exec_detached(const struct mtd_record *r, const struct exec_notes *notes,
                  const struct mtd_exec *x, int *ret_status, struct mtd_error *err);

/* ---- exec/report.c ---- */

struct exec_report {
    int result, status;
    struct mtd_error error;
};
/* Sends the one report and closes fd. */
void exec_report_send(int fd, int result, int status, const struct mtd_error *err);
/* The command runs: lets the front end of exec -d exit. Does nothing in
 * other sessions. */
void exec_report_running(struct exec_session *s);

/* ---- exec/note.c: a listed session in the events ---- */

void exec_note_start(const struct exec_session *s);
void exec_note_end(const struct exec_session *s, int status); /* -1 = not known */
int exec_status(int wait_status);                             /* a shell's */

int exec_list_add(int run_dir, pid_t pid, const struct strv *args,
                  char ret_id[MTD_ID_SIZE]);
void exec_list_remove(int run_dir, const char *id);

#endif
