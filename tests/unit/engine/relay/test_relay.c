#include "engine/relay/relay.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

#define PATIENCE_MS 20000
#define LARGE (8u << 20) /* more than sockets and pipes keep */

static struct relay r = RELAY_NONE;
static int front, back; /* both listen; what comes to front is led to back */

static union {
    struct sockaddr any;
    struct sockaddr_in in;
} at_front, at_back;

static int listen_at(struct sockaddr_in *ret)
{
    socklen_t len = sizeof(*ret);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    *ret =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    cr_assert_eq(bind(fd, (struct sockaddr *)ret, len), 0);
    cr_assert_eq(listen(fd, 512), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)ret, &len), 0);
    return fd;
}

static void set_up(void)
{
    signal(SIGPIPE, SIG_IGN);
    front = listen_at(&at_front.in);
    back = listen_at(&at_back.in);
    cr_assert_eq(relay_listen(&r, front, "127.0.0.1", ntohs(at_back.in.sin_port)), 0);
}

static void tear_down(void)
{
    relay_close(&r);
    cr_expect_eq(r.poll_fd, -1);
    cr_expect_null(r.work);
}

TestSuite(relay, .init = set_up, .fini = tear_down, .timeout = 60);

static int call(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(fd, &at_front.any, sizeof(at_front.in)), 0);
    return fd;
}

/* Works until the descriptor is ready. */
static void work_until(int fd, short events)
{
    struct pollfd p[] = {{.fd = fd, .events = events}, {.events = POLLIN}};
    for (;;) {
        p[1].fd = r.poll_fd;
        cr_assert_gt(poll(p, 2, PATIENCE_MS), 0);
        if (p[0].revents)
            return;
        relay_turn(&r);
    }
}

static int answer(void)
{
    work_until(back, POLLIN);
    int fd = accept4(back, NULL, NULL, SOCK_CLOEXEC);
    cr_assert_geq(fd, 0);
    return fd;
}

static void expect_text(int fd, const char *text)
{
    char got[64] = "";
    work_until(fd, POLLIN);
    cr_expect_eq(recv(fd, got, sizeof(got) - 1, 0), (ssize_t)strlen(text));
    cr_expect_str_eq(got, text);
}

static void expect_end(int fd, int error)
{
    char c;
    work_until(fd, POLLIN);
    ssize_t n = recv(fd, &c, 1, 0);
    cr_expect_eq(n, error ? -1 : 0);
    cr_expect(!error || errno == error, "%s", strerror(errno));
}

/* The relay has nothing to do: whoever polls it sleeps. */
static void expect_calm(void)
{
    struct pollfd p = {.fd = r.poll_fd, .events = POLLIN};
    for (int i = 0; i < 10000 && poll(&p, 1, 0) > 0; i++)
        relay_turn(&r);
    cr_expect_eq(poll(&p, 1, 0), 0, "it would be woken again and again");
}

Test(relay, bytes_go_both_ways_and_an_end_is_passed_on)
{
    cr_expect_null(r.work); /* nothing is kept for nobody */
    auto_fd int caller = call(), called = answer();
    cr_assert_eq(send(called, "hello", 5, 0), 5);
    expect_text(caller, "hello");
    cr_assert_eq(send(caller, "question", 8, 0), 8);
    cr_assert_eq(shutdown(caller, SHUT_WR), 0);
    expect_text(called, "question");
    expect_end(called, 0);
    cr_assert_eq(send(called, "answer", 6, 0), 6); /* the other way goes on */
    expect_text(caller, "answer");
    cr_assert_eq(shutdown(called, SHUT_WR), 0);
    expect_end(caller, 0);
    expect_calm();
    cr_expect_null(r.work);
}

Test(relay, what_breaks_is_reset_on_the_other_side)
{
    static const struct linger GONE = {.l_onoff = 1};
    auto_fd int caller = call();
    int called = answer();
    setsockopt(called, SOL_SOCKET, SO_LINGER, &GONE, sizeof(GONE));
    close(called);
    expect_end(caller, ECONNRESET);
    close(back); /* nobody listens there */
    back = -1;
    auto_fd int refused = call();
    expect_end(refused, ECONNRESET);
    expect_calm();
    cr_expect_null(r.work);
}

static size_t fill(int fd)
{
    static char piece[65536];
    size_t sent = 0;
    for (ssize_t n; (n = send(fd, piece, sizeof(piece), MSG_DONTWAIT)) > 0;)
        sent += (size_t)n;
    return sent;
}

/* Neither side may make the other one's relay turn in circles. */
Test(relay, who_does_not_read_wakes_nobody)
{
    auto_fd int caller = call(), called = answer();
    size_t sent = 0, before;
    do {
        before = sent;
        sent += fill(caller);
        expect_calm();
    } while (sent > before);
    cr_assert_eq(shutdown(called, SHUT_WR), 0);
    expect_calm();
    expect_end(caller, 0);
    cr_assert_eq(shutdown(caller, SHUT_WR), 0);
    expect_calm(); /* all has been said, and is not read */
    char *got = malloc(LARGE);
    for (size_t had = 0; had < sent;) {
        work_until(called, POLLIN);
        ssize_t n = recv(called, got, LARGE, 0);
        cr_assert_gt(n, 0);
        had += (size_t)n;
    }
    free(got);
    expect_end(called, 0);
    expect_calm();
    cr_expect_null(r.work);
}

Test(relay, a_caller_that_goes_frees_its_place)
{
    static const struct linger GONE = {.l_onoff = 1};
    int caller = call();
    auto_fd int called = answer();
    while (fill(called))
        expect_calm();
    setsockopt(caller, SOL_SOCKET, SO_LINGER, &GONE, sizeof(GONE));
    close(caller);
    expect_calm();
    cr_expect_null(r.work);
}

Test(relay, more_than_the_most_wait_for_one_to_end)
{
    int callers[RELAY_MAX + 1], called[RELAY_MAX];
    for (size_t i = 0; i <= RELAY_MAX; i++) {
        callers[i] = call();
        if (i < RELAY_MAX)
            called[i] = answer();
    }
    expect_calm();
    struct pollfd p = {.fd = back, .events = POLLIN};
    cr_expect_eq(poll(&p, 1, 0), 0, "there is one more");
    close(callers[0]);
    expect_end(called[0], 0);
    close(called[0]);
    called[0] = answer();
    cr_assert_eq(send(called[0], "late", 4, 0), 4);
    expect_text(callers[RELAY_MAX], "late");
    for (size_t i = 0; i < RELAY_MAX; i++) {
        close(callers[i + 1]);
        close(called[i]);
    }
    expect_calm();
    cr_expect_null(r.work);
}

Test(relay, connections_outlive_their_listener)
{
    auto_fd int caller = call(), called = answer();
    relay_forget(&r);
    close(front);
    cr_assert_eq(send(called, "still", 5, 0), 5);
    expect_text(caller, "still");
    close(take_fd(&called));
    expect_end(caller, 0);
    close(take_fd(&caller));
    while (r.poll_fd >= 0) {
        struct pollfd p = {.fd = r.poll_fd, .events = POLLIN};
        cr_assert_gt(poll(&p, 1, PATIENCE_MS), 0);
        relay_turn(&r);
    }
}

Test(relay, what_is_no_address_is_refused)
{
    cr_expect_eq(relay_listen(&r, back, "somewhere", 80), -EINVAL);
    cr_expect_eq(relay_listen(&r, back, "fd00::9", 80), 0);
}
