/* session - a front end's terminal and streams around a container: what run, start -a,
 * attach and exec share.
 * Errors  exit statuses, the error already printed.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/verb.h"

/* docker: a terminal for the container needs one on our stdin. 0 or STATUS_FAILED. */
int session_check_tty(const struct cli *c, bool tty, bool with_stdin);

int session_check_keys(const char *keys,
                       struct mtd_error *err); /* --detach-keys; NULL = 0 */

/* Our terminal's size; 0, 0 without one. */
void session_size(unsigned short *rows, unsigned short *cols);

/* Relays until the end and frees the attachment. The container's status, 0 after the detach
 * keys, or STATUS_ENGINE. */
int session_relay(struct cli *c, struct mtd_attachment *a, const struct mtd_relay *r);

/* Starts the container with its streams on ours and relays. fallback = status of a
 * failure that is not about the command. */
struct session {
    bool with_stdin, with_output, sig_proxy;
    bool no_out, no_err; /* -a named the other one only */
    bool started;        /* set when the command runs */
    const char *detach_keys;
};
int session_start(struct cli *c, const char *ref, struct session *s, int fallback);

/* 127 when the command was not found, 126 when it cannot be run, else fallback. */
int session_start_status(const struct mtd_error *err, int fallback);

#endif
