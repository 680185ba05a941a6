/* The values are those of a daemon that systemd starts as docker's unit files ask it to. */

#include "base/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/schedule.h"

#define MIB ((rlim_t)1 << 20)
#define TIMER_SLACK_NS 50000UL /* the kernel's default for its first process */
#define NO_POLICY 0            /* MPOL_DEFAULT of <numaif.h> */

static const struct {
    int resource;
    rlim_t soft, hard;
} LIMITS[] = {
    {RLIMIT_CPU, RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_DATA, RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_STACK, 8 * MIB, RLIM_INFINITY},
    {RLIMIT_CORE, RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_RSS, RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_NPROC, RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_NOFILE, MIB, MIB},
    {RLIMIT_MEMLOCK, 8 * MIB, 8 * MIB},
    {RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_LOCKS, RLIM_INFINITY, RLIM_INFINITY},
    {RLIMIT_MSGQUEUE, 819200, 819200}, /* the kernel's MQ_BYTES_MAX */
    {RLIMIT_NICE, 0, 0},
    {RLIMIT_RTPRIO, 0, 0},
    {RLIMIT_RTTIME, RLIM_INFINITY, RLIM_INFINITY},
};

struct limits {
    bool known[RLIM_NLIMITS];
    struct rlimit now[RLIM_NLIMITS];
    bool lacks_right; /* to raise a hard limit */
};

/* proc(5): a line for each limit, in the order of their numbers, in columns of fixed widths. */
#define SOFT_AT 26
#define HARD_AT 47
#define LIMITS_TEXT 4096

static bool parse_limit(const char *text, rlim_t *ret)
{
    rlim_t n = 0;
    if (strncmp(text, "unlimited ", 10) == 0) {
        *ret = RLIM_INFINITY;
        return true;
    }
    if (*text < '0' || *text > '9')
        return false;
    for (; *text >= '0' && *text <= '9'; text++)
        n = 10 * n + (rlim_t)(*text - '0');
    *ret = n;
    return *text == ' ';
}

/* One file instead of a call for each: as a rule all of them are right. */
static void read_limits(struct limits *l)
{
    char text[LIMITS_TEXT];
    int fd = open("/proc/self/limits", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *line = strchr(text, '\n');
    for (size_t i = 0; line && i < RLIM_NLIMITS; i++) {
        const char *end = strchr(++line, '\n');
        l->known[i] = end && end - line > HARD_AT + 2 &&
                      parse_limit(line + SOFT_AT, &l->now[i].rlim_cur) &&
                      parse_limit(line + HARD_AT, &l->now[i].rlim_max);
        line = end;
    }
}

static bool is_known(struct limits *l, int resource)
{
    l->known[resource] =
        l->known[resource] || getrlimit((unsigned)resource, &l->now[resource]) == 0;
    return l->known[resource];
}

/* false = it may not. */
static bool try_limit(struct limits *l, int resource, const struct rlimit *wanted)
{
    const struct rlimit *now = &l->now[resource];
    if (l->known[resource] && now->rlim_cur == wanted->rlim_cur &&
        now->rlim_max == wanted->rlim_max)
        return true;
    if (l->known[resource] && l->lacks_right && wanted->rlim_max > now->rlim_max)
        return false;
    return setrlimit((unsigned)resource, wanted) == 0 || errno != EPERM;
}

/* The most that is allowed, up to the wanted. Above /proc/sys/fs/nr_open even root may not
 * go: a smaller power of two then, which is the same for every caller. */
static void set_limit(struct limits *l, int resource, rlim_t soft, rlim_t hard)
{
    struct rlimit wanted = {soft, hard};
    while (!try_limit(l, resource, &wanted) && is_known(l, resource)) {
        rlim_t most = l->now[resource].rlim_max;
        l->lacks_right |= resource != RLIMIT_NOFILE;
        if (wanted.rlim_max == most)
            return;
        bool next = !l->lacks_right && wanted.rlim_max / 2 > most;
        wanted.rlim_max = next ? wanted.rlim_max / 2 : most;
        if (wanted.rlim_cur > wanted.rlim_max)
            wanted.rlim_cur = wanted.rlim_max;
    }
}

/* Half the number of threads that fit into the machine's memory; pid 1 has it. */
static void reset_sigpending(struct limits *l)
{
    struct rlimit machine;
    if (prlimit(1, RLIMIT_SIGPENDING, NULL, &machine) == 0)
        set_limit(l, RLIMIT_SIGPENDING, machine.rlim_cur, machine.rlim_max);
}

static void reset_scheduling(void)
{
    static const struct sched_param none = {0};
    sched_setscheduler(0, SCHED_OTHER, &none);
    setpriority(PRIO_PROCESS, 0, 0);
    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
            IOPRIO_PRIO_VALUE(IOPRIO_CLASS_NONE, 0));
    (void)schedule_run_on(SCHEDULE_ALL_CPUS);
    syscall(SYS_set_mempolicy, NO_POLICY, NULL, 0UL);
    prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
}

static void write_oom_score(const char *text, size_t len)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)!write(fd, text, len);
    close(fd);
}

void inherit_raise_limit(int resource, uint64_t hard)
{
    struct rlimit now;
    rlim_t most = hard == UINT64_MAX ? RLIM_INFINITY : hard;
    if (getrlimit((unsigned)resource, &now) < 0 || most <= now.rlim_max)
        return;
    now.rlim_max = most;
    (void)!setrlimit((unsigned)resource, &now);
}

void inherit_set_oom_score(int score)
{
    char text[16];
    write_oom_score(text, (size_t)snprintf(text, sizeof(text), "%d", score));
}

void inherit_reset(void)
{
    struct limits l = {.lacks_right = false};
    read_limits(&l);
    for (size_t i = 0; i < ARRAY_SIZE(LIMITS); i++)
        set_limit(&l, LIMITS[i].resource, LIMITS[i].soft, LIMITS[i].hard);
    reset_sigpending(&l);
    reset_scheduling();
    write_oom_score("0", 1);
    personality(PER_LINUX);
    signal(SIGCHLD, SIG_DFL); /* ignored, the kernel keeps no exit status */
}

/* One call tells whether any is closed. */
static void open_streams(void)
{
    struct pollfd p[3] = {{.fd = 0}, {.fd = 1}, {.fd = 2}};
    poll(p, ARRAY_SIZE(p), 0);
    for (size_t i = 0; i < ARRAY_SIZE(p); i++)
        if (p[i].revents & POLLNVAL)
            (void)!open("/dev/null", O_RDWR); /* the lowest that is free */
}

void inherit_accept(void)
{
    open_streams();
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
}

void inherit_raise_file_size(void)
{
    struct limits l = {.lacks_right = false};
    set_limit(&l, RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY);
}
