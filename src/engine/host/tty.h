/* tty - the user's terminal, the container's pseudo-terminal, and the detach keys.
 * Rule    one function, tty_restore(), gives back a terminal in raw mode; calling it
 *         twice is safe.
 * Errors  0 or -errno, without a sentence. -ENXIO = the container's ptmx is not a devpts
 *         one.
 * Owner   returned fds are the caller's, close-on-exec. struct console borrows its fd.
 * Source  ioctl_tty(2), pty(7), termios(3); docker's --detach-keys.
 */
#ifndef ENGINE_HOST_TTY_H
#define ENGINE_HOST_TTY_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct console {
    int fd; /* -1 = not in raw mode */
    struct termios saved;
};
int tty_raw(struct console *c, int fd); /* -ENOTTY = fd is no terminal; c is set anyway */
void tty_restore(struct console *c);
int tty_size(int fd, unsigned short *rows, unsigned short *cols);
int tty_resize(int fd, unsigned short rows, unsigned short cols);
/* A new pseudo-terminal of the devpts whose ptmx is at this path; call it in the
 * container's mount namespace ("/dev/pts/ptmx"). Returns the master, non-blocking.
 * *ret_slave is opened by TIOCGPTPEER, not by a path. */
int tty_open_pty(const char *ptmx, int *ret_slave);
/* Makes slave the controlling terminal and fds 0, 1 and 2 of the calling process, which
 * must lead a session that has no terminal. Closes slave. */
int tty_login(int slave);
int tty_place(int slave); /* without becoming its session's */

/* The detach keys ("ctrl-p,ctrl-q"). Input passes through a matcher that holds back bytes
 * as long as they may be the beginning of the sequence. */
#define TTY_KEYS_MAX 16
struct tty_keys {
    unsigned char seq[TTY_KEYS_MAX];
    size_t len, matched;
};
/* NULL = "ctrl-p,ctrl-q", "" = none. -EINVAL = no such key, or more than TTY_KEYS_MAX. */
int tty_keys_parse(struct tty_keys *k, const char *text);
/* Feeds n bytes; writes those that may pass to out, which has room for n + TTY_KEYS_MAX,
 * and sets *ret_n. true = the sequence is complete: detach; what followed it is
 * dropped. */
bool tty_keys_feed(struct tty_keys *k, const char *in, size_t n, char *out,
                   size_t *ret_n);

#endif
