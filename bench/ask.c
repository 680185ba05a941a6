/* ask SERVER NAME COUNT - asks a name server for the A of NAME, COUNT times in turn, and prints the median
 * from question to answer in microseconds. An answer without an address is an error. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/* One label, or several with dots. */
static size_t question(unsigned char *m, const char *name, unsigned id)
{
    size_t at = 12;
    memset(m, 0, at);
    m[0] = (unsigned char)(id >> 8);
    m[1] = (unsigned char)id;
    m[2] = 1; /* recursion is wanted */
    m[5] = 1; /* one question */
    for (const char *p = name; *p;) {
        size_t len = strcspn(p, ".");
        m[at++] = (unsigned char)len;
        memcpy(m + at, p, len);
        at += len;
        p += len + (p[len] == '.');
    }
    memcpy(m + at, "\0\0\1\0\1", 5);
    return at + 5;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    int n = argc == 4 ? atoi(argv[3]) : 0;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(53)};
    struct timeval limit = {.tv_sec = 5};
    int64_t *took = calloc(n > 0 ? (size_t)n : 1, sizeof(*took));
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (n <= 0 || strlen(argv[2]) > 200 || !took || fd < 0 ||
        inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 ||
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        return 2;
    for (int i = 0; i < n; i++) {
        unsigned char m[512];
        size_t len = question(m, argv[2], (unsigned)i & 0xffff);
        int64_t from = now();
        if (send(fd, m, len, 0) < 0 || recv(fd, m, sizeof(m), 0) < 12 || !m[7]) {
            fprintf(stderr, "ask: no answer with an address\n");
            return 1;
        }
        took[i] = now() - from;
    }
    qsort(took, (size_t)n, sizeof(*took), by_value);
    printf("%.1f\n", (double)took[n / 2] / 1000);
    return 0;
}
