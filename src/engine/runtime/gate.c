/* The gate: a socket in the container's directory, at which its init listens until it is started.
 * Who listens there has not become the command yet: that is what tells created from running. */

#include "engine/runtime/internal.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

static struct sockaddr_un gate_of(int dir_fd)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/" RUNTIME_GATE, dir_fd);
    return a;
}

int runtime_listen(int dir_fd, struct mtd_error *err)
{
    struct sockaddr_un at = gate_of(dir_fd);
    auto_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 16) < 0)
        return mtd_fail_errno(err, errno, "cannot make the socket of the start");
    return take_fd(&fd);
}

int runtime_connect(int dir_fd, int flags)
{
    struct sockaddr_un at = gate_of(dir_fd);
    auto_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
        return -errno;
    return take_fd(&fd);
}

/* EAGAIN: so many have asked that it is certainly there. */
int runtime_knock(int dir_fd)
{
    auto_fd int fd = runtime_connect(dir_fd, SOCK_NONBLOCK);
    return fd >= 0 || fd == -EAGAIN ? 0 : fd;
}
