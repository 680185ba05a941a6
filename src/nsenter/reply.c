/* reply - one SOCK_SEQPACKET message each; the kernel attaches the sender's pid, because
 * a process inside the pid namespace does not know its own pid outside. */

#include "nsenter/nsenter.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/passed.h"

struct message {
    uint32_t kind;
    int32_t number; /* CHILD: its pid; LISTENER: the descriptor */
    struct mtd_error error;
};

#define TAKEN 'L'

/* Room for one descriptor and the credentials. */
union control {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

int nsenter_socket(int *ret_front, int *ret_inside)
{
    int fds[2], on = 1;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    if (setsockopt(fds[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0) {
        int error = errno;
        close(fds[0]);
        close(fds[1]);
        return -error;
    }
    *ret_front = fds[0];
    *ret_inside = fds[1];
    return 0;
}

static int send_message(int fd, struct message *m, int pass)
{
    if (pass >= 0) {
        int rc = passed_send(fd, m, sizeof(*m), pass);
        return rc < 0 ? rc : 0;
    }
    ssize_t n;
    do
        n = write(fd, m, sizeof(*m)); /* see nsenter.h */
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

int nsenter_reply(int fd, enum nsenter_reply_kind kind, int pass,
                  const struct mtd_error *error)
{
    struct message m = {.kind = kind};
    if (error)
        m.error = *error;
    return send_message(fd, &m, pass);
}

int nsenter_reply_child(int fd, pid_t pid)
{
    struct message m = {.kind = NSENTER_CHILD, .number = pid};
    return send_message(fd, &m, -1);
}

int nsenter_reply_listener(int fd, int number)
{
    struct message m = {.kind = NSENTER_LISTENER, .number = number};
    char mark = 0;
    int rc = send_message(fd, &m, -1);
    if (rc < 0)
        return rc;
    return read(fd, &mark, 1) == 1 && mark == TAKEN ? 0 : -ECANCELED;
}

int nsenter_taken(int fd)
{
    static const char mark = TAKEN;
    return send(fd, &mark, 1, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

static void read_sender(struct msghdr *msg, struct nsenter_reply *r)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        struct ucred who;
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS &&
            c->cmsg_len == CMSG_LEN(sizeof(who))) {
            memcpy(&who, CMSG_DATA(c), sizeof(who));
            r->sender = r->pid = who.pid;
        }
    }
}

int nsenter_receive(int fd, struct nsenter_reply *ret)
{
    struct message m = {0};
    struct iovec iov = {.iov_base = &m, .iov_len = sizeof(m)};
    union control control;
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof(control)};
    ssize_t n;
    do
        n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno != ECONNRESET)
        return -errno;
    struct nsenter_reply r = {.fd = -1};
    if (n > 0)
        read_sender(&msg, &r);
    if (n > 0)
        r.fd = passed_fd(&msg);
    if (n > 0 && (n != sizeof(m) || m.kind == NSENTER_EOF || m.kind > NSENTER_ERROR ||
                  (m.kind == NSENTER_MASTER) != (r.fd >= 0))) {
        if (r.fd >= 0)
            close(r.fd);
        return -EBADMSG;
    }
    r.kind = m.kind;
    r.error = m.error;
    if (m.kind == NSENTER_CHILD)
        r.pid = m.number;
    if (m.kind == NSENTER_LISTENER)
        r.number = m.number;
    r.error.text[sizeof(r.error.text) - 1] = '\0';
    *ret = r;
    return 0;
}
