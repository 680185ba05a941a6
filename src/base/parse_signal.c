/* parse_signal - real-time signals are numbered as C libraries number them (34..64), as
 * docker does: the kernel's first two are used by the libraries. */

#include "base/parse.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FIRST_RT 34
#define LAST_RT 64

static const char *const NAMES[] = {
    [SIGHUP] = "SIGHUP",       [SIGINT] = "SIGINT",       [SIGQUIT] = "SIGQUIT",
    [SIGILL] = "SIGILL",       [SIGTRAP] = "SIGTRAP",     [SIGABRT] = "SIGABRT",
    [SIGBUS] = "SIGBUS",       [SIGFPE] = "SIGFPE",       [SIGKILL] = "SIGKILL",
    [SIGUSR1] = "SIGUSR1",     [SIGSEGV] = "SIGSEGV",     [SIGUSR2] = "SIGUSR2",
    [SIGPIPE] = "SIGPIPE",     [SIGALRM] = "SIGALRM",     [SIGTERM] = "SIGTERM",
    [SIGSTKFLT] = "SIGSTKFLT", [SIGCHLD] = "SIGCHLD",     [SIGCONT] = "SIGCONT",
    [SIGSTOP] = "SIGSTOP",     [SIGTSTP] = "SIGTSTP",     [SIGTTIN] = "SIGTTIN",
    [SIGTTOU] = "SIGTTOU",     [SIGURG] = "SIGURG",       [SIGXCPU] = "SIGXCPU",
    [SIGXFSZ] = "SIGXFSZ",     [SIGVTALRM] = "SIGVTALRM", [SIGPROF] = "SIGPROF",
    [SIGWINCH] = "SIGWINCH",   [SIGIO] = "SIGIO",         [SIGPWR] = "SIGPWR",
    [SIGSYS] = "SIGSYS",
};
#define NAMED (sizeof(NAMES) / sizeof(NAMES[0]))

static const struct {
    const char *name;
    int sig;
} ALIASES[] = {{"CLD", SIGCHLD}, {"IOT", SIGABRT}, {"POLL", SIGIO}, {"UNUSED", SIGSYS}};

/* "RTMIN", "RTMIN+n", "RTMAX", "RTMAX-n" */
static int parse_realtime(const char *s, int *ret)
{
    bool from_min = strncasecmp(s, "RTMIN", 5) == 0;
    if (!from_min && strncasecmp(s, "RTMAX", 5) != 0)
        return -EINVAL;
    uint64_t n = 0;
    if (s[5] != '\0') {
        if (s[5] != (from_min ? '+' : '-'))
            return -EINVAL;
        int rc = parse_u64(s + 6, LAST_RT - FIRST_RT, &n);
        if (rc < 0)
            return rc;
    }
    *ret = from_min ? FIRST_RT + (int)n : LAST_RT - (int)n;
    return 0;
}

int parse_signal(const char *s, int *ret)
{
    uint64_t number;
    int rc = parse_u64(s, LAST_RT, &number);
    if (rc == 0 && number == 0)
        return -ERANGE;
    if (rc == 0)
        *ret = (int)number;
    if (rc != -EINVAL)
        return rc;
    if (strncasecmp(s, "SIG", 3) == 0)
        s += 3;
    for (size_t i = 1; i < NAMED; i++)
        if (NAMES[i] && strcasecmp(s, NAMES[i] + 3) == 0) {
            *ret = (int)i;
            return 0;
        }
    for (size_t i = 0; i < sizeof(ALIASES) / sizeof(ALIASES[0]); i++)
        if (strcasecmp(s, ALIASES[i].name) == 0) {
            *ret = ALIASES[i].sig;
            return 0;
        }
    return parse_realtime(s, ret);
}

const char *signal_name(int sig)
{
    static char realtime[LAST_RT - FIRST_RT + 1][16];
    if (sig > 0 && (size_t)sig < NAMED && NAMES[sig])
        return NAMES[sig];
    if (sig < FIRST_RT || sig > LAST_RT)
        return "SIG?";
    char *name = realtime[sig - FIRST_RT];
    if (sig == FIRST_RT || sig == LAST_RT)
        snprintf(name, 16, "SIGRT%s", sig == FIRST_RT ? "MIN" : "MAX");
    else
        snprintf(name, 16, "SIGRTMIN+%d", sig - FIRST_RT);
    return name;
}
