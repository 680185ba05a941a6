/* Messages of processes that meet on sockets: init to monitor, exec's processes to the front end,
 * clients to a monitor. The input is a list of messages: which socket, whether a descriptor comes
 * along, a length in two bytes, the bytes. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/monitor/internal.h"
#include "engine/wire/sync.h"
#include "fuzz.h"
#include "nsenter/nsenter.h"

enum { SYNC, REPLY, ATTACH, KINDS };
static int ours[KINDS], theirs[KINDS];
static struct monitor m;
static int input[2];

/* What follows a message about ports needs a container. */
int net_held_add(struct net_held *h, int fd)
{
    close(fd);
    return 0;
}

void monitor_networks_changed(struct monitor *changed)
{
}

static void open_all(void)
{
    CHECK(sync_pair(&ours[SYNC], &theirs[SYNC]) == 0);
    CHECK(nsenter_socket(&ours[REPLY], &theirs[REPLY]) == 0);
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, input) == 0);
    ours[ATTACH] = input[0];
    theirs[ATTACH] = input[1];
    CHECK(pipe2(input, O_NONBLOCK | O_CLOEXEC) == 0);
    for (size_t i = 0; i < MONITOR_CLIENTS; i++)
        m.clients[i].fd = -1;
    m.out = -1;
}

/* The lowest descriptor that is free tells whether one was lost. */
static int lowest_fd(void)
{
    int fd = dup(STDIN_FILENO);
    close(fd);
    return fd;
}

static void say(int fd, const uint8_t *data, size_t len, int pass)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control = {0};
    int fds[2] = {STDIN_FILENO, STDIN_FILENO};
    struct iovec iov = {(void *)data, len};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (pass) {
        msg.msg_control = &control;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)pass);
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)pass);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * (size_t)pass);
    }
    CHECK(sendmsg(fd, &msg, MSG_NOSIGNAL) == (ssize_t)len);
}

static void hear_sync(void)
{
    struct mtd_error err = {0};
    int fd = -1, rc = sync_recv(ours[SYNC], &err, &fd);
    CHECK((rc >= SYNC_EOF && rc <= SYNC_LISTENER) || rc < 0);
    CHECK((rc == SYNC_TTY) == (fd >= 0));
    CHECK(memchr(err.text, '\0', sizeof(err.text)));
    if (fd >= 0)
        close(fd);
}

static void hear_reply(void)
{
    struct nsenter_reply r = {.fd = -1};
    if (nsenter_receive(ours[REPLY], &r) < 0)
        return;
    CHECK(r.kind <= NSENTER_ERROR);
    CHECK(memchr(r.error.text, '\0', sizeof(r.error.text)));
    CHECK((r.kind == NSENTER_MASTER) == (r.fd >= 0));
    CHECK(r.kind == NSENTER_CHILD || r.kind == NSENTER_EOF || r.pid == getpid());
    if (r.fd >= 0)
        close(r.fd);
}

/* The monitor's side is a client's own socket each time, because a bad one is closed. */
static void hear_client(void)
{
    static char taken[PACKET_MAX];
    m.in = fcntl(input[1], F_DUPFD_CLOEXEC, 3);
    m.input_eof = false;
    m.clients[0] = (struct monitor_client){.fd = fcntl(ours[ATTACH], F_DUPFD_CLOEXEC, 3)};
    CHECK(m.in >= 0 && m.clients[0].fd >= 0);
    monitor_client_read(&m, &m.clients[0]);
    CHECK(m.input_start <= m.input_end && m.input_end <= sizeof(m.input));
    CHECK(m.in >= 0 || m.input_eof);
    while (read(input[0], taken, sizeof(taken)) > 0)
        ;
    while (recv(theirs[ATTACH], taken, sizeof(taken), MSG_DONTWAIT) > 0)
        ;
    if (m.in >= 0)
        monitor_client_flush_input(&m);
    if (m.in >= 0)
        close(m.in);
    if (m.clients[0].fd >= 0)
        close(m.clients[0].fd);
    m.clients[0].fd = -1;
    /* What it left unread is nobody's. */
    while (recv(ours[ATTACH], taken, sizeof(taken), MSG_DONTWAIT) > 0)
        ;
    while (read(input[0], taken, sizeof(taken)) > 0)
        ;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const HEAR[KINDS])(void) = {hear_sync, hear_reply, hear_client};
    if (ours[SYNC] == 0)
        open_all();
    int lowest = lowest_fd();
    for (size_t at = 0; at + 4 < size;) {
        unsigned kind = data[at] % KINDS;
        size_t len = (size_t)data[at + 2] | (size_t)data[at + 3] << 8;
        int pass = data[at + 1] % 3;
        at += 4;
        len = len > size - at ? size - at : len;
        if (len == 0 || len > PACKET_MAX)
            continue;
        say(theirs[kind], data + at, len, pass);
        HEAR[kind]();
        at += len;
    }
    CHECK(lowest_fd() == lowest);
    return 0;
}
