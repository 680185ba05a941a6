/* talk - both sides of the tests of networks, one static program.
 *
 *   talk serve PORT...    answers each TCP connection and each datagram, of both families, with
 *                         the peer's address as text
 *   talk ask SPEC...      SPEC is +tcp,ADDRESS,PORT or +udp,ADDRESS,PORT; with - instead of +
 *                         no answer is expected, with ! a refusal. All are asked at once. Prints
 *                         "SPEC ANSWER" for each, "refused", or "-" for no answer. Those with +
 *                         and ! are waited for, those with - only a moment.
 *   talk names NAME N     asks the server at 127.0.0.11 N times, one after the other
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ASKED_MAX 64
#define PATIENCE_MS 30000
#define SILENCE_MS 100
#define AGAIN_MS 50 /* a datagram is sent again */

union address {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

static long long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* ---- serve ---- */

static void text_of(const union address *a, char ret[INET6_ADDRSTRLEN])
{
    if (IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
        inet_ntop(AF_INET, a->in6.sin6_addr.s6_addr + 12, ret, INET6_ADDRSTRLEN);
    else
        inet_ntop(AF_INET6, &a->in6.sin6_addr, ret, INET6_ADDRSTRLEN);
}

static int listen_on(int type, int port)
{
    static const int NO = 0, YES = 1;
    union address a = {.in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)}};
    int fd = socket(AF_INET6, type, 0);
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &NO, sizeof(NO));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &YES, sizeof(YES));
    if (bind(fd, &a.any, sizeof(a.in6)) < 0 ||
        (type == SOCK_STREAM && listen(fd, 512) < 0)) {
        perror("talk: bind");
        exit(1);
    }
    return fd;
}

static void answer(int fd, bool udp)
{
    char text[INET6_ADDRSTRLEN], data[64];
    union address from;
    socklen_t len = sizeof(from);
    if (udp) {
        if (recvfrom(fd, data, sizeof(data), 0, &from.any, &len) < 0)
            return;
        text_of(&from, text);
        sendto(fd, text, strlen(text), 0, &from.any, len);
        return;
    }
    int one = accept(fd, &from.any, &len);
    if (one < 0)
        return;
    text_of(&from, text);
    send(one, text, strlen(text), MSG_NOSIGNAL);
    close(one);
}

static _Noreturn void serve(int n, char **ports)
{
    struct pollfd p[2 * ASKED_MAX];
    for (int i = 0; i < n; i++)
        for (int udp = 0; udp < 2; udp++)
            p[2 * i + udp] = (struct pollfd){
                .fd = listen_on(udp ? SOCK_DGRAM : SOCK_STREAM, atoi(ports[i])),
                .events = POLLIN};
    for (;;) {
        if (poll(p, 2 * n, -1) <= 0)
            continue;
        for (int i = 0; i < 2 * n; i++)
            if (p[i].revents)
                answer(p[i].fd, i % 2);
    }
}

/* ---- ask ---- */

struct asked {
    const char *spec;
    bool wanted, udp, connected, done;
    bool refusal; /* one is waited for */
    int fd;
    union address to;
    char answer[64];
};

static socklen_t length_of(const union address *a)
{
    return a->any.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

static void parse(struct asked *a, const char *spec)
{
    char host[64];
    int port;
    *a = (struct asked){.spec = spec,
                        .wanted = spec[0] == '+',
                        .refusal = spec[0] == '!',
                        .udp = spec[1] == 'u'};
    if (sscanf(spec + 1, "%*3[a-z],%63[^,],%d", host, &port) != 2) {
        fprintf(stderr, "talk: not a target: %s\n", spec);
        exit(2);
    }
    if (strchr(host, ':')) {
        a->to.in6 =
            (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
        inet_pton(AF_INET6, host, &a->to.in6.sin6_addr);
    } else {
        a->to.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
        inet_pton(AF_INET, host, &a->to.in.sin_addr);
    }
}

/* A server that does not listen yet refuses: asked again. */
static void begin(struct asked *a)
{
    if (a->fd > 0)
        close(a->fd);
    a->fd = socket(a->to.any.sa_family,
                   (a->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK, 0);
    if (connect(a->fd, &a->to.any, length_of(&a->to)) < 0 && errno != EINPROGRESS) {
        close(a->fd);
        a->fd = -1;
    } else if (a->udp) {
        send(a->fd, "?", 1, 0);
    }
}

static void take(struct asked *a)
{
    ssize_t n = recv(a->fd, a->answer, sizeof(a->answer) - 1, 0);
    if (n > 0)
        a->done = true;
    else if (n == 0 || errno != EAGAIN) {
        if (n < 0 && errno == ECONNREFUSED)
            strcpy(a->answer, "refused");
        close(a->fd);
        a->fd = -1;
    }
}

static bool all_wanted(const struct asked *a, int n)
{
    for (int i = 0; i < n; i++)
        if ((a[i].wanted && !a[i].done) || (a[i].refusal && !*a[i].answer))
            return false;
    return true;
}

static void turn(struct asked *a, int n)
{
    struct pollfd p[ASKED_MAX];
    for (int i = 0; i < n; i++)
        p[i] = (struct pollfd){.fd = a[i].done ? -1 : a[i].fd, .events = POLLIN};
    poll(p, n, 10);
    for (int i = 0; i < n; i++)
        if (p[i].revents)
            take(&a[i]);
}

static int ask(int n, char **specs)
{
    static struct asked a[ASKED_MAX];
    long long start = now_ms(), again = start + AGAIN_MS;
    for (int i = 0; i < n; i++) {
        parse(&a[i], specs[i]);
        begin(&a[i]);
    }
    while (now_ms() < start + PATIENCE_MS &&
           (!all_wanted(a, n) || now_ms() < start + SILENCE_MS)) {
        turn(a, n);
        if (now_ms() < again)
            continue;
        again += AGAIN_MS;
        for (int i = 0; i < n; i++)
            if (a[i].wanted && !a[i].done && (a[i].udp || a[i].fd < 0))
                begin(&a[i]);
    }
    for (int i = 0; i < n; i++)
        printf("%s %s\n", a[i].spec, *a[i].answer ? a[i].answer : "-");
    return 0;
}

/* ---- names ---- */

static size_t question(unsigned char *m, const char *name, unsigned id)
{
    const unsigned char head[12] = {id >> 8, id, 1, 0, 0, 1};
    size_t len = sizeof(head);
    memcpy(m, head, sizeof(head));
    for (size_t label; *name; name += label + (name[label] == '.')) {
        label = strcspn(name, ".");
        m[len++] = (unsigned char)label;
        memcpy(m + len, name, label);
        len += label;
    }
    memcpy(m + len, (unsigned char[]){0, 0, 1, 0, 1}, 5);
    return len + 5;
}

static int by_value(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static int names(const char *name, int n)
{
    union address to = {.in = {.sin_family = AF_INET,
                               .sin_port = htons(53),
                               .sin_addr = {htonl(0x7f00000b)}}};
    int fd = socket(AF_INET, SOCK_DGRAM, 0), right = 0, *us = calloc(n, sizeof(*us));
    struct timeval limit = {.tv_sec = 2};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    if (!us || connect(fd, &to.any, sizeof(to.in)) < 0)
        return 1;
    for (int i = 0; i < n; i++) {
        unsigned char m[512];
        struct timespec from, till;
        clock_gettime(CLOCK_MONOTONIC, &from);
        if (send(fd, m, question(m, name, i), 0) < 0)
            continue;
        ssize_t got = recv(fd, m, sizeof(m), 0);
        clock_gettime(CLOCK_MONOTONIC, &till);
        right += got > 12 && m[7] == 1 && m[0] == (i >> 8 & 255) && m[1] == (i & 255);
        us[i] =
            (till.tv_sec - from.tv_sec) * 1000000 + (till.tv_nsec - from.tv_nsec) / 1000;
    }
    qsort(us, n, sizeof(*us), by_value);
    printf("%d of %d names answered; us: fastest %d, median %d, 99%% %d\n", right, n,
           us[0], us[n / 2], us[n - 1 - n / 100]);
    return right != n;
}

int main(int argc, char **argv)
{
    int n = argc - 2;
    if (n > 0 && n <= ASKED_MAX && strcmp(argv[1], "serve") == 0)
        serve(n, argv + 2);
    if (n > 0 && n <= ASKED_MAX && strcmp(argv[1], "ask") == 0)
        return ask(n, argv + 2);
    if (n == 2 && strcmp(argv[1], "names") == 0 && atoi(argv[3]) > 0)
        return names(argv[2], atoi(argv[3]));
    fprintf(stderr,
            "talk serve PORT... | ask [+-](tcp|udp),ADDRESS,PORT... | names NAME N\n");
    return 2;
}
