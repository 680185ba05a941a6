/* One monitor that lives long: clients come and go, the container is restarted by its policy
 * again and again. Its memory stays flat, and when it ends the leak sanitizer has nothing to
 * say (state_done looks). MTD_SOAK makes it more than 100 clients and 10 restarts. Needs root. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/fields.h"
#include "base/cleanup.h"
#include "engine/wire/packet.h"

#define GROWTH_KB 12 /* 1000 clients who leave 16 bytes each are found */

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(soak, .init = set_up, .fini = tear_down, .timeout = 600);

static int clients(void)
{
    const char *text = getenv("MTD_SOAK");
    int n = text ? atoi(text) : 0;
    return n > 0 ? n : 100;
}

static long memory(pid_t pid, const char *key)
{
    char path[64], line[256];
    long kb = -1;
    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
    auto_file FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f))
        if (strncmp(line, key, strlen(key)) == 0)
            kb = strtol(line + strlen(key), NULL, 10);
    cr_assert_geq(kb, 0, "%s of %d", key, (int)pid);
    return kb;
}

static void come_and_go(const char *id, int n)
{
    static char room[PACKET_MAX];
    char path[200];
    snprintf(path, sizeof(path), "%s/run/%s", s.dir.path, id);
    auto_fd int run = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < n; i++) {
        const void *data;
        size_t len;
        struct mtd_error err = {0};
        auto_fd int fd = packet_connect(run, &err);
        cr_assert_geq(fd, 0, "client %d: %s", i, err.text);
        cr_assert_eq(packet_recv(fd, room, 0, &data, &len), PACKET_READY, "client %d", i);
    }
}

struct flat {
    pid_t pid;
    long before, now;
};

static bool is_flat(void *arg)
{
    struct flat *f = arg;
    f->now = memory(f->pid, "Pss_Anon:");
    return f->now <= f->before + GROWTH_KB;
}

/* The address sanitizer keeps what was freed. */
static void expect_flat(struct flat *f, const char *after, int n)
{
#ifdef __SANITIZE_ADDRESS__
    is_flat(f);
#else
    cr_expect(state_until(is_flat, f), "%d %s: from %ld to %ld kB", n, after, f->before,
              f->now);
#endif
    fprintf(stderr,
            "soak: %d %s: anonymous memory %ld kB before, %ld kB after, RSS %ld\n", n,
            after, f->before, f->now, memory(f->pid, "Rss:"));
}

Test(soak, clients_come_and_go)
{
    auto_free char *id = ASK(&s, "run", "-d", "--name", "x", "busybox", "sleep", "1000");
    come_and_go(id, clients() / 10);
    struct flat f = {.pid = monitor_of(&s, "x")};
    f.before = memory(f.pid, "Pss_Anon:");
    come_and_go(id, clients());
    expect_flat(&f, "clients", clients());
    cr_expect_eq(monitor_of(&s, "x"), f.pid, "it is another one");
}

#ifdef MTD_FAULTS

static bool has_run(void *arg)
{
    auto_free char *count = field(&s, "x", "{{.RestartCount}}");
    return atol(count) >= *(long *)arg;
}

static void await_restarts(long n)
{
    for (long at = 10; at < n + 10; at += 10) {
        long want = at < n ? at : n;
        cr_assert(state_until(has_run, &want), "restart %ld never came", want);
    }
}

Test(soak, restarts)
{
    s.fault =
        "restart.delay:fail:*"; /* at once: a hundred would take an hour and a half */
    free(ASK(&s, "run", "-d", "--name", "x", "--restart", "always", "busybox", "true"));
    s.fault = NULL;
    await_restarts(3);
    struct flat f = {.pid = monitor_of(&s, "x")};
    f.before = memory(f.pid, "Pss_Anon:");
    await_restarts(3 + clients() / 10);
    expect_flat(&f, "restarts", clients() / 10);
    cr_expect_eq(monitor_of(&s, "x"), f.pid, "it is another one");
}

#endif
