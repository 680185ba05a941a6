/* follow - waits for a file or a directory to change.
 * Shape   one poll(2) for an inotify watch, for the exit of a process, and for the reader
 *         of stdout closing its end. Where no watch is left it says "something happened" five
 *         times a second.
 * Errors  -errno.
 * Owner   follow_close closes both descriptors; pidfd is the caller's to set, -1 after
 *         open.
 */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include <stdbool.h>
#include <sys/types.h>

struct follow {
    int inotify; /* -1 = none */
    int pidfd;   /* -1 = none; readable once the process has ended */
};
int follow_open(struct follow *f, const char *path);
/* Waits for a change, at most timeout_ms (-1 = forever). 1 = something happened, 0 = the
 * timeout is over, -EPIPE = stdout has no reader any more, -EINTR = a signal. */
int follow_wait(struct follow *f, int timeout_ms);
void follow_close(struct follow *f);

#endif
