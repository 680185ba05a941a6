#include "base/passed.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int nth_fd(const struct cmsghdr *c, size_t i)
{
    int fd;
    memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
    return fd;
}

/* The kernel cuts the list where the buffer ends, and the padding of a buffer for one has room
 * for a second. */
int passed_fd(struct msghdr *msg)
{
    int found = -1, n = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
            if (n++ > 0)
                close(found);
            found = nth_fd(c, i);
        }
    }
    if (n > 1)
        close(found);
    return n == 1 ? found : -1;
}

int passed_send(int socket, const void *data, size_t len, int fd)
{
    struct iovec iov = {.iov_base = (void *)data, .iov_len = len};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof(control));
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof(control.room)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof(int));
    ssize_t n;
    do
        n = sendmsg(socket, &msg, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : (int)n;
}
