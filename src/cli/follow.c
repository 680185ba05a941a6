/* follow - inotify rather than polling: `logs -f` of a quiet container uses no
 * processor. */

#include "cli/follow.h"

#include <errno.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

int follow_open(struct follow *f, const char *path)
{
    f->pidfd = -1;
    f->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (f->inotify < 0)
        return -errno;
    if (inotify_add_watch(f->inotify, path,
                          IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE |
                              IN_DELETE_SELF | IN_MOVE_SELF) < 0) {
        int rc = -errno;
        follow_close(f);
        return rc;
    }
    return 0;
}

int follow_wait(struct follow *f, int timeout_ms)
{
    char events[4096];
    struct pollfd fds[] = {{.fd = f->inotify, .events = POLLIN},
                           {.fd = f->pidfd, .events = POLLIN},
                           {.fd = STDOUT_FILENO, .events = 0}};
    int n = poll(fds, 3, timeout_ms);
    if (n < 0)
        return -errno;
    if (fds[2].revents & (POLLERR | POLLNVAL))
        return -EPIPE;
    /* The events themselves do not matter: the caller reads everything again. */
    while (fds[0].revents && read(f->inotify, events, sizeof(events)) > 0)
        ;
    return n > 0;
}

void follow_close(struct follow *f)
{
    if (f->inotify >= 0)
        close(f->inotify);
    if (f->pidfd >= 0)
        close(f->pidfd);
    f->inotify = f->pidfd = -1;
}
