/* One SOCK_SEQPACKET pair instead of two pipes: message boundaries are kept, a descriptor
 * can travel with a message, and each end notices at once when the other is gone. */

#include "engine/wire/sync.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/passed.h"

#define SYNC_GO 'G'
#define SYNC_TTY_MARK 'T'
#define SYNC_EXEC_MARK 'E'
#define SYNC_MOUNTED_MARK 'M'
#define SYNC_LISTENER_MARK 'L'

struct listener {
    char mark;
    int number;
};

int sync_pair(int *ret_monitor, int *ret_init)
{
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    *ret_monitor = fds[0];
    *ret_init = fds[1];
    return 0;
}

static int send_bytes(int fd, const void *data, size_t len)
{
    ssize_t n;
    do
        n = send(fd, data, len, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    return (size_t)n == len ? 0 : -EIO;
}

static int send_mark(int fd, char mark)
{
    return send_bytes(fd, &mark, 1);
}

int sync_go(int fd)
{
    return send_mark(fd, SYNC_GO);
}

int sync_wait_go(int fd)
{
    char mark = 0;
    ssize_t n;
    do
        n = recv(fd, &mark, 1, 0);
    while (n < 0 && errno == EINTR);
    return n == 1 && mark == SYNC_GO ? 0 : -ECANCELED;
}

/* Init sends these two under the container's filter of system calls, which may forbid send
 * (and kill who tries) but not write. Without a monitor SIGPIPE ends init. */
static int write_bytes(int fd, const void *data, size_t len)
{
    ssize_t n = write(fd, data, len);
    if (n < 0)
        return -errno;
    return (size_t)n == len ? 0 : -EIO;
}

int sync_send_error(int fd, const struct mtd_error *err)
{
    return write_bytes(fd, err, sizeof(*err));
}

int sync_send_exec(int fd)
{
    static const char mark = SYNC_EXEC_MARK;
    return write_bytes(fd, &mark, 1);
}

int sync_send_mounted(int fd)
{
    static const char mark = SYNC_MOUNTED_MARK;
    return write_bytes(fd, &mark, 1);
}

int sync_hand_listener(int fd, int number)
{
    struct listener said;
    char mark = 0;
    memset(&said, 0, sizeof(said));
    said.mark = SYNC_LISTENER_MARK;
    said.number = number;
    int rc = write_bytes(fd, &said, sizeof(said));
    if (rc < 0)
        return rc;
    return read(fd, &mark, 1) == 1 && mark == SYNC_GO ? 0 : -ECANCELED;
}

int sync_send_tty(int fd, int master)
{
    static const char mark = SYNC_TTY_MARK;
    int rc = passed_send(fd, &mark, 1, master);
    return rc < 0 ? rc : 0;
}

int sync_recv(int fd, struct mtd_error *ret_err, int *ret_fd)
{
    struct mtd_error err;
    struct iovec iov = {.iov_base = &err, .iov_len = sizeof(err)};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof(control.room)};
    ssize_t n;
    /* A peer that closed with messages unread leaves one ECONNRESET in front of its last
     * ones. */
    bool reset = false;
    errno = 0;
    do {
        reset = errno == ECONNRESET;
        n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    } while (n < 0 && (errno == EINTR || (errno == ECONNRESET && !reset)));
    if (n < 0)
        return errno == ECONNRESET ? SYNC_EOF : -errno;
    auto_fd int passed = passed_fd(&msg);
    if (n == 0)
        return SYNC_EOF;
    if (n == sizeof(err)) {
        err.text[sizeof(err.text) - 1] = '\0';
        *ret_err = err;
        return SYNC_ERROR;
    }
    char mark = *(char *)&err;
    if (n == sizeof(struct listener) && mark == SYNC_LISTENER_MARK) {
        *ret_err = (struct mtd_error){.code = ((struct listener *)&err)->number};
        return SYNC_LISTENER;
    }
    if (n == 1 && mark == SYNC_EXEC_MARK)
        return SYNC_EXEC;
    if (n == 1 && mark == SYNC_MOUNTED_MARK)
        return SYNC_MOUNTED;
    if (n != 1 || mark != SYNC_TTY_MARK || passed < 0)
        return -EBADMSG;
    *ret_fd = take_fd(&passed);
    return SYNC_TTY;
}
