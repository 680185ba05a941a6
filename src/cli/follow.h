/* follow - waiting for a file or a directory to change, without a busy loop.
 * Shape   one inotify watch and optionally the end of our reader (stdout closed) and a
 *         process's end, in one poll.
 * Errors  -errno.
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
/* Waits for a change, at most timeout_ms (-1 = for ever). 1 = something happened, 0 = the
 * time is up, -EPIPE = nobody reads our stdout any more, -EINTR = a signal. */
int follow_wait(struct follow *f, int timeout_ms);
void follow_close(struct follow *f);

#endif
