/* The values are those of a daemon that systemd starts as docker's unit files ask it to. */

#include "base/inherit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/ioprio.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#define MIB ((rlim_t)1 << 20)
#define TIMER_SLACK_NS 50000UL /* the kernel's default for its first process */
#define CPUS_MAX 8192          /* more than any kernel is built for */
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

/* The most that is allowed, up to the wanted. Above /proc/sys/fs/nr_open even root may not
 * go: a smaller power of two then, which is the same for every caller. */
static void set_limit(int resource, rlim_t soft, rlim_t hard)
{
    struct rlimit now, wanted = {soft, hard};
    if (setrlimit((unsigned)resource, &wanted) == 0 || errno != EPERM ||
        getrlimit((unsigned)resource, &now) < 0)
        return;
    do {
        if (wanted.rlim_max == now.rlim_max)
            return;
        bool next =
            wanted.rlim_max != RLIM_INFINITY && wanted.rlim_max / 2 > now.rlim_max;
        wanted.rlim_max = next ? wanted.rlim_max / 2 : now.rlim_max;
        if (wanted.rlim_cur > wanted.rlim_max)
            wanted.rlim_cur = wanted.rlim_max;
    } while (setrlimit((unsigned)resource, &wanted) < 0 && errno == EPERM);
}

/* Half the number of threads that fit into the machine's memory; pid 1 has it. */
static void reset_sigpending(void)
{
    struct rlimit machine;
    if (prlimit(1, RLIMIT_SIGPENDING, NULL, &machine) == 0)
        set_limit(RLIMIT_SIGPENDING, machine.rlim_cur, machine.rlim_max);
}

static void reset_scheduling(void)
{
    static const struct sched_param none = {0};
    unsigned long cpus[CPUS_MAX / (CHAR_BIT * sizeof(unsigned long))];
    for (size_t i = 0; i < ARRAY_SIZE(cpus); i++)
        cpus[i] = ~0UL;
    sched_setscheduler(0, SCHED_OTHER, &none);
    setpriority(PRIO_PROCESS, 0, 0);
    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
            IOPRIO_PRIO_VALUE(IOPRIO_CLASS_NONE, 0));
    syscall(SYS_sched_setaffinity, 0, sizeof(cpus), cpus);
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
    for (size_t i = 0; i < ARRAY_SIZE(LIMITS); i++)
        set_limit(LIMITS[i].resource, LIMITS[i].soft, LIMITS[i].hard);
    reset_sigpending();
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
    set_limit(RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY);
}
