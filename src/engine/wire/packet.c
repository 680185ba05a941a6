/* The kernel does the framing: a SEQPACKET message arrives whole or not at all, so there
 * is no reassembly, no partial write to remember, and one buffer serves all clients. */

#include "engine/wire/packet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_NAME "attach"
#define SOCKET_BACKLOG 64

/* Exact payload lengths; VARIABLE = anything up to PACKET_DATA_MAX. */
#define VARIABLE ((size_t)-1)
static const size_t PAYLOAD[PACKET_LIMIT] = {
    [PACKET_READY] = sizeof(struct packet_ready),
    [PACKET_ERROR] = sizeof(struct mtd_error),
    [PACKET_LOG] = sizeof(uint64_t),
    [PACKET_EXIT] = sizeof(struct packet_exit),
    [PACKET_STDIN] = VARIABLE,
    [PACKET_RESIZE] = sizeof(struct packet_size),
    [PACKET_STOPPING] = 0,
    [PACKET_SHUTDOWN] = 0,
    [PACKET_BEGIN] = sizeof(struct packet_begin),
    [PACKET_NETWORK] = sizeof(uint32_t),
};

union fd_room {
    struct cmsghdr head;
    char room[CMSG_SPACE(PACKET_FDS * sizeof(int))];
};

static int send_with(int fd, enum packet_type type, const void *data, size_t len,
                     int flags, void *control, size_t control_len)
{
    struct packet_head head = {.type = type, .len = (uint32_t)len};
    struct iovec iov[2] = {{&head, sizeof(head)}, {(void *)data, len}};
    struct msghdr msg = {.msg_iov = iov,
                         .msg_iovlen = len ? 2 : 1,
                         .msg_control = control,
                         .msg_controllen = control_len};
    ssize_t n;
    if (len > PACKET_DATA_MAX)
        return -EMSGSIZE;
    do
        n = sendmsg(fd, &msg, flags | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

int packet_send(int fd, enum packet_type type, const void *data, size_t len, int flags)
{
    return send_with(fd, type, data, len, flags, NULL, 0);
}

int packet_send_fds(int fd, enum packet_type type, const void *data, size_t len,
                    const int *fds, size_t n)
{
    union fd_room r = {0};
    if (n > PACKET_FDS)
        return -EMSGSIZE;
    r.head.cmsg_level = SOL_SOCKET;
    r.head.cmsg_type = SCM_RIGHTS;
    r.head.cmsg_len = CMSG_LEN(n * sizeof(int));
    if (n)
        memcpy(CMSG_DATA(&r.head), fds, n * sizeof(int));
    return send_with(fd, type, data, len, 0, n ? &r : NULL,
                     n ? CMSG_SPACE(n * sizeof(int)) : 0);
}

static int check(const struct packet_head *head, size_t payload)
{
    if (head->type == 0 || head->type >= PACKET_LIMIT || head->len != payload)
        return -EBADMSG;
    size_t want = PAYLOAD[head->type];
    return want == VARIABLE || want == payload ? 0 : -EBADMSG;
}

static void take_fds(struct msghdr *msg, struct packet_fds *ret)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && ret->n == 0) {
            ret->n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(ret->fds, CMSG_DATA(c), ret->n * sizeof(int));
        }
}

void packet_fds_close(struct packet_fds *f)
{
    for (size_t i = 0; i < f->n; i++)
        close(f->fds[i]);
    f->n = 0;
}

static ssize_t receive(int fd, void *buf, int flags, struct packet_fds *ret)
{
    union fd_room r;
    struct iovec iov = {buf, PACKET_MAX};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (ret) {
        msg.msg_control = &r;
        msg.msg_controllen = sizeof(r);
    }
    ssize_t n = recvmsg(fd, &msg, flags | MSG_TRUNC | MSG_CMSG_CLOEXEC);
    if (n > 0 && ret)
        take_fds(&msg, ret);
    return n;
}

int packet_recv(int fd, void *buf, int flags, const void **ret_data, size_t *ret_len)
{
    return packet_recv_fds(fd, buf, flags, ret_data, ret_len, NULL);
}

int packet_recv_fds(int fd, void *buf, int flags, const void **ret_data, size_t *ret_len,
                    struct packet_fds *ret)
{
    ssize_t n;
    if (ret)
        ret->n = 0;
    /* A peer that closed with a message of ours unread leaves one ECONNRESET in front of
     * what it had sent before; those messages still count. */
    do
        n = receive(fd, buf, flags, ret);
    while (n < 0 && (errno == EINTR || errno == ECONNRESET));
    if (n <= 0)
        return n == 0 ? 0 : -errno;
    struct packet_head head;
    if ((size_t)n < sizeof(head) || n > PACKET_MAX)
        return -EBADMSG;
    memcpy(&head, buf, sizeof(head));
    int rc = check(&head, (size_t)n - sizeof(head));
    if (rc < 0)
        return rc;
    *ret_data = (char *)buf + sizeof(head);
    *ret_len = head.len;
    return (int)head.type;
}

/* sun_path holds 108 bytes and a run root may be longer; /proc/self/fd/N is short. */
static void address(int run_fd, struct sockaddr_un *a)
{
    memset(a, 0, sizeof(*a));
    a->sun_family = AF_UNIX;
    snprintf(a->sun_path, sizeof(a->sun_path), "/proc/self/fd/%d/" SOCKET_NAME, run_fd);
}

int packet_listen(int run_fd, struct mtd_error *err)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return mtd_fail_errno(err, errno, "cannot create the attach socket");
    struct sockaddr_un a;
    address(run_fd, &a);
    int rc = bind(fd, (struct sockaddr *)&a, sizeof(a));
    if (rc < 0 && errno == EADDRINUSE && unlinkat(run_fd, SOCKET_NAME, 0) == 0)
        rc = bind(fd, (struct sockaddr *)&a, sizeof(a)); /* a dead monitor's was there */
    int saved = errno;
    if (rc == 0 && listen(fd, SOCKET_BACKLOG) == 0)
        return fd;
    saved = rc < 0 ? saved : errno;
    close(fd);
    return mtd_fail_errno(err, saved, "cannot listen on the attach socket");
}

int packet_connect(int run_fd, struct mtd_error *err)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return mtd_fail_errno(err, errno, "cannot create a socket");
    struct sockaddr_un a;
    address(run_fd, &a);
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
        return fd;
    int saved = errno;
    close(fd);
    return mtd_fail_errno(err, saved, "cannot reach the container's monitor");
}
