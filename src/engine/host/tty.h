/* tty - the terminal of the person in front, and ptys.
 * Rule    a terminal put into raw mode is given back in exactly one function; safe to call
 *         twice.
 */
#ifndef ENGINE_HOST_TTY_H
#define ENGINE_HOST_TTY_H

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

struct console {
    int fd; /* -1 = not raw */
    struct termios saved;
};
int tty_raw(struct console *c, int fd); /* -ENOTTY */
void tty_restore(struct console *c);
int tty_size(int fd, unsigned short *rows, unsigned short *cols);
int tty_resize(int fd, unsigned short rows, unsigned short cols);
/* In the container's mount namespace: opens ptmx under the given path ("/dev/pts/ptmx"),
 * returns the master; *ret_slave by TIOCGPTPEER (no path is opened). */
int tty_open_pty(const char *ptmx, int *ret_slave);
/* In the leader of a session without one: slave becomes the controlling terminal and fds 0, 1,
 * 2; closes slave. */
int tty_login(int slave);

/* Detach keys ("ctrl-p,ctrl-q"): bytes go through a matcher that holds back a prefix. */
#define TTY_KEYS_MAX 16
struct tty_keys {
    unsigned char seq[TTY_KEYS_MAX];
    size_t len, matched;
};
int tty_keys_parse(struct tty_keys *k, const char *text); /* NULL = default; -EINVAL */
/* Feeds n bytes; writes what may pass to out (room for n + TTY_KEYS_MAX), sets *ret_n.
 * true = the sequence is complete: detach. */
bool tty_keys_feed(struct tty_keys *k, const char *in, size_t n, char *out,
                   size_t *ret_n);

#endif
