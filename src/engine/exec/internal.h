/* exec/internal.h - what the files of exec share.
 * Shape   request.c and stdio.c prepare, session.c starts and judges, relay.c is the loop,
 *         keeper.c guards a terminal's session, detach.c is -d and report.c how it tells that the
 *         command runs, list.c keeps the list of sessions, note.c writes their events.
 */
#ifndef ENGINE_EXEC_INTERNAL_H
#define ENGINE_EXEC_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "engine/exec/exec.h"
#include "engine/host/tty.h"

/* Bytes on their way in one direction. Ends are closed (ours) or forgotten (the caller's) when
 * the other one is done. */
struct exec_stream {
    int from, to;          /* -1 = done */
    bool own_from, own_to; /* ours: non-blocking, closed by us */
    bool input;            /* towards the command: not waited for */
    size_t at, len;
    char data[16384];
};

/* A session of exec, front end side. */
struct exec_session {
    int reply_fd; /* -1 once the command runs or has failed */
    int signal_fd;
    pid_t joiner; /* 0 = reaped */
    pid_t pid;    /* the command; 0 = not known */
    bool ended;   /* it was reaped: wait_status holds */
    int wait_status;
    int interrupted; /* signal that came before the command did, or is not passed on */
    bool keep_signals;
    int64_t deadline; /* monotonic ns; 0 = none */
    bool late;        /* it has passed */
    bool detached;
    int unwritten; /* errno: the caller's stdout or stderr takes no more; 0 = it does */
    struct mtd_error failure; /* of the joiner or the child */

    int report_fd; /* -d: where "it runs" is said; -1 */
    struct exec_notes notes;
    const struct mtd_record *record;
    const struct strv *args;
    char id[MTD_ID_SIZE]; /* in the list; "" = not listed */

    bool tty;
    int master;   /* terminal; -1 */
    int terminal; /* whose size is followed; -1 = none */
    int in, out;  /* with a tty: the caller's ends; in -1 = no input */
    struct console console;
    struct tty_keys keys;
    struct exec_stream *streams[3];
    size_t n_streams;
    int keeper_fd; /* closing it ends the session, a byte lets it live on; -1 */
    pid_t keeper;
};

/* One session from start to end. s: report_fd and notes set, the rest zero. */
int exec_session_run(struct exec_session *s, const struct mtd_record *r,
                     const struct mtd_exec *x, int *ret_status, struct mtd_error *err);

/* Runs until the command has ended (its output written), was let go, or never came to be. */
int exec_relay(struct exec_session *s, struct mtd_error *err);

struct exec_stream *exec_stream_add(struct exec_session *s, int from,
                                    int to); /* NULL: ENOMEM */
void exec_stream_close_from(struct exec_stream *st);
void exec_stream_close_to(struct exec_stream *st);
void exec_streams_done(struct exec_session *s);

/* inside[i]: what becomes descriptor i of the command; ours: to be closed once it has it. */
struct exec_stdio {
    int inside[3];
    int ours[3];
};
struct nsenter_request;
int exec_stdio_place(struct exec_session *s, const struct mtd_exec *x,
                     struct exec_stdio *io, struct nsenter_request *q,
                     struct mtd_error *err);
void exec_stdio_close(struct exec_stdio *io);

/* cwd, user, cgroups and args are borrowed from the record and x. */
int exec_request_fill(struct nsenter_request *q, const struct mtd_record *r,
                      const struct mtd_exec *x, struct mtd_error *err);
void exec_request_done(struct nsenter_request *q);

/* Forks the process that ends the command when the front end dies, or keeps its terminal open
 * (and empty) when the front end leaves. */
int exec_keeper_start(struct exec_session *s);
void exec_keeper_done(struct exec_session *s, bool let_live);

/* A forked process that stays behind: new session, /dev/null as 0-2, of all other descriptors
 * only fds[], renumbered. */
int exec_settle(int *fds, int n, const char *name);

/* exec -d. */
int exec_detached(const struct mtd_record *r, const struct exec_notes *notes,
                  const struct mtd_exec *x, int *ret_status, struct mtd_error *err);

/* ---- exec/report.c ---- */

struct exec_report {
    int result, status;
    struct mtd_error error;
};
/* Closes fd. */
void exec_report_send(int fd, int result, int status, const struct mtd_error *err);
/* The command runs: the front end of exec -d may go. Nothing for other sessions. */
void exec_report_running(struct exec_session *s);

/* ---- exec/note.c: a listed session in the events ---- */

void exec_note_start(const struct exec_session *s);
void exec_note_end(const struct exec_session *s, int status);

int exec_list_add(int run_dir, pid_t pid, const struct strv *args,
                  char ret_id[MTD_ID_SIZE]);
void exec_list_remove(int run_dir, const char *id);

#endif
