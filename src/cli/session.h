/* session - connects the caller's terminal and streams to a container: what run, start
 * -a, attach and exec share.
 * Errors  exit statuses; the error has been reported (report.h).
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/verb.h"

/* As docker: -t with -i needs a terminal as stdin. 0 or STATUS_FAILED. */
int session_check_tty(const struct cli *c, bool tty, bool with_stdin);

/* The value of --detach-keys; NULL = not given. 0 or -EINVAL. */
int session_check_keys(const char *keys, struct mtd_error *err);

/* The size of the terminal on stdout, else of the one on stdin; 0, 0 without one. */
void session_size(unsigned short *rows, unsigned short *cols);

/* Relays until the container exits, then frees the attachment. The container's status, 0
 * after the detach keys, or STATUS_ENGINE. When nobody reads the output any more, 141 as for a
 * command that SIGPIPE ended, and the container with the ID `stops` (NULL = none) is stopped: it
 * would run on, unseen. */
int session_relay(struct cli *c, struct mtd_attachment *a, const struct mtd_relay *r,
                  const char *stops);

/* Starts the container attached to the caller's streams and relays. fallback = the status
 * of a failure that is not about the command. */
struct session {
    bool with_stdin, with_output, sig_proxy;
    bool keep_running;   /* when nobody reads its output any more */
    bool no_out, no_err; /* discard stdout, stderr: -a names only the other one */
    bool started;        /* set when the command runs */
    /* What a run has just made, so that it need not be read again; NULL = not known. */
    const struct mtd_process *made;
    const char *detach_keys;
};
int session_start(struct cli *c, const char *ref, struct session *s, int fallback);

/* 127 when the command was not found, 126 when it cannot be run, else fallback. */
int session_start_status(const struct mtd_error *err, int fallback);

#endif
