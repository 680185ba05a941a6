#include "notified.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/passed.h"
#include "ocibox.h"

#define MOST 8

static char path[200];
static pid_t child;
static int held[2]; /* by the test, of a busy one */

const char *notified_path(void)
{
    return path;
}

static void name_of(int i, char *ret, size_t size)
{
    snprintf(ret, size, "%s/word.%d", box.state.dir.path, i);
}

/* The word and the descriptor; then the connection has to end. -1 = it is none of that. */
static int take(int peer, int n)
{
    char text[4096], name[256], control[CMSG_SPACE(sizeof(int))];
    struct iovec iov = {text, sizeof(text)};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof(control)};
    ssize_t len = recvmsg(peer, &msg, MSG_CMSG_CLOEXEC);
    int fd = len > 0 ? passed_fd(&msg) : -1;
    if (fd < 0 || read(peer, control, 1) != 0)
        return -1;
    name_of(n, name, sizeof(name));
    (void)fs_replace_at(AT_FDCWD, name, text, (size_t)len, 0600, false);
    return fd;
}

static bool is_mkdir(int number)
{
#ifdef SYS_mkdir
    if (number == SYS_mkdir)
        return true;
#endif
    return number == SYS_mkdirat;
}

static void answer(int fd, int error)
{
    struct seccomp_notif call = {0};
    if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
        return;
    struct seccomp_notif_resp r = {.id = call.id,
                                   .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    if (is_mkdir(call.data.nr))
        r = (struct seccomp_notif_resp){.id = call.id, .error = -error};
    (void)ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

static void serve(int socket, enum notified_manner how, int error)
{
    struct pollfd p[1 + MOST] = {{.fd = socket, .events = POLLIN}};
    nfds_t n = 1;
    for (;;) {
        if (poll(p, n, -1) < 0)
            continue;
        for (nfds_t i = 1; i < n; i++) {
            if (p[i].revents & POLLIN)
                answer(p[i].fd, error);
            else if (p[i].revents)
                p[i].fd = -1;
        }
        if (!(p[0].revents & POLLIN) || n == 1 + MOST)
            continue;
        int peer = accept(socket, NULL, NULL);
        p[n] = (struct pollfd){.fd = take(peer, (int)n - 1),
                               .events = how == NOTIFIED_ANSWERS ? POLLIN : 0};
        n++;
        close(peer);
        if (how == NOTIFIED_LEAVES)
            _exit(0);
    }
}

static int listen_at(struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(ret->sun_path, sizeof(ret->sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)ret, sizeof(*ret)), 0);
    return fd;
}

/* With room for none, one that waits is enough. */
static void fill(int fd, const struct sockaddr_un *at)
{
    held[0] = fd;
    held[1] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(held[1], (const struct sockaddr *)at, sizeof(*at)), 0);
}

void notified_begin(enum notified_manner how, int error)
{
    struct sockaddr_un at;
    snprintf(path, sizeof(path), "%s/listener", box.state.dir.path);
    int fd = listen_at(&at);
    cr_assert(how == NOTIFIED_GONE || listen(fd, how == NOTIFIED_BUSY ? 0 : 8) == 0);
    if (how == NOTIFIED_BUSY) {
        fill(fd, &at);
        return;
    }
    child = how == NOTIFIED_GONE ? 0 : fork();
    if (how != NOTIFIED_GONE && child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        serve(fd, how, error);
    }
    close(fd);
}

void notified_end(void)
{
    for (int i = 0; i < 2; i++)
        if (held[i] > 0)
            close(held[i]);
    if (child > 0) {
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    unlink(path);
    held[0] = held[1] = 0;
    child = 0;
}

static bool is_there(void *name)
{
    return access(name, F_OK) == 0;
}

json_t *notified_word(int i)
{
    char name[256];
    name_of(i, name, sizeof(name));
    cr_assert(state_until(is_there, name), "the listener heard of no %d", i);
    json_t *o = json_load_file(name, 0, NULL);
    cr_assert_not_null(o);
    return o;
}
