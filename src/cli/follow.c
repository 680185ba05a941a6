/* follow - inotify rather than polling: `logs -f` of a quiet container uses no
 * processor. But the kernel gives each user only so many watches, and a container whose root is the
 * host's can have all of root's: then it is looked again and again. */

#include "cli/follow.h"

#include <errno.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#define LOOK_MS 200

int follow_open(struct follow *f, const char *path)
{
    int rc = 0;
    f->pidfd = -1;
    f->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (f->inotify >= 0 &&
        inotify_add_watch(f->inotify, path,
                          IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE |
                              IN_DELETE_SELF | IN_MOVE_SELF) < 0) {
        rc = errno == ENOSPC || errno == ENOMEM ? 0 : -errno;
        follow_close(f);
    }
    return rc;
}

/* Without a watch anything may have happened when it is time to look. */
static int look(struct follow *f, struct pollfd fds[3], int timeout_ms)
{
    bool blind = f->inotify < 0 && (timeout_ms < 0 || timeout_ms > LOOK_MS);
    int n = poll(fds, 3, blind ? LOOK_MS : timeout_ms);
    return n == 0 && blind ? 1 : n;
}

int follow_wait(struct follow *f, int timeout_ms)
{
    char events[4096];
    struct pollfd fds[] = {{.fd = f->inotify, .events = POLLIN},
                           {.fd = f->pidfd, .events = POLLIN},
                           {.fd = STDOUT_FILENO, .events = 0}};
    int n = look(f, fds, timeout_ms);
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
