/* exec_part - what the parts of exec share: exec.c prepares and judges, exec_relay.c runs the
 * loop, exec_keeper.c holds the terminal of a session nobody looks at.
 */
#ifndef ENGINE_EXEC_PART_H
#define ENGINE_EXEC_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "engine/console.h"

/* Bytes on their way in one direction. Ends are closed (ours) or forgotten (the caller's) when
 * the other one is done. */
struct exec_stream {
    int from, to;         /* -1 = done */
    bool own_from, own_to; /* ours: non-blocking, closed by us */
    bool input;           /* towards the command: not waited for */
    size_t at, len;
    char data[16384];
};

/* A session of exec, front end side. */
struct exec_session {
    int reply_fd;   /* -1 once the command runs or has failed */
    int signal_fd;
    pid_t joiner;   /* 0 = reaped */
    pid_t pid;      /* the command; 0 = not known */
    bool ended;     /* it was reaped: wait_status holds */
    int wait_status;
    int interrupted; /* signal that came before the command did */
    bool detached;
    struct mtd_error failure; /* of the joiner or the child */

    bool tty, detach;
    int master;      /* terminal; -1 */
    int terminal;    /* whose size is followed; -1 = none */
    int in, out;     /* with a tty: the caller's ends; in -1 = no input */
    struct console console;
    struct console_keys keys;
    struct exec_stream *streams[3];
    size_t n_streams;
    int keeper_fd;   /* closing it ends the session, a byte lets it live on; -1 */
    pid_t keeper;
};

/* Runs until the command has ended (its output written), was let go, or never came to be. */
int exec_relay(struct exec_session *s, struct mtd_error *err);
struct exec_stream *exec_stream_add(struct exec_session *s, int from, int to); /* NULL: ENOMEM */

/* Forks the process that ends the command when the front end dies, or keeps its terminal open
 * (and empty) when the front end leaves. */
int exec_keeper_start(struct exec_session *s);
void exec_keeper_done(struct exec_session *s, bool let_live);

#endif
