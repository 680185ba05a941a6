/* passed: descriptors that come along with a message. */

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "base/passed.h"

static int pair[2];

static void setup(void)
{
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

TestSuite(passed, .init = setup);

/* Room for more than one, as a receiver's buffer for one has. */
union control {
    struct cmsghdr head;
    char room[CMSG_SPACE(2 * sizeof(int))];
};

static void send_fds(size_t n)
{
    int fds[2] = {STDIN_FILENO, STDOUT_FILENO};
    union control control = {0};
    struct iovec iov = {"x", 1};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (n) {
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_SPACE(n * sizeof(int));
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(n * sizeof(int));
        memcpy(CMSG_DATA(c), fds, n * sizeof(int));
    }
    cr_assert_eq(sendmsg(pair[0], &msg, 0), 1);
}

static int receive(void)
{
    char byte;
    union control control = {0};
    struct iovec iov = {&byte, 1};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof(control)};
    cr_assert_eq(recvmsg(pair[1], &msg, MSG_CMSG_CLOEXEC), 1);
    return passed_fd(&msg);
}

static int lowest_free(void)
{
    int fd = dup(pair[0]);
    close(fd);
    return fd;
}

Test(passed, one_is_the_receivers)
{
    int before = lowest_free();
    send_fds(1);
    cr_expect_eq(receive(), before);
    cr_expect_neq(lowest_free(), before);
}

Test(passed, none_is_none)
{
    send_fds(0);
    cr_expect_eq(receive(), -1);
}

Test(passed, of_two_nothing_is_left)
{
    int before = lowest_free();
    send_fds(2);
    cr_expect_eq(receive(), -1);
    cr_expect_eq(lowest_free(), before);
}
