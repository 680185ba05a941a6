/* fault - what a test asks for in MTD_FAULT happens here; only in builds with
 * MTD_FAULTS. */

#include "base/fault.h"

#ifdef MTD_FAULTS

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Cuts the next ":word" off the specification. NULL = there is none. */
static const char *next_word(const char *s, size_t *ret_len)
{
    if (*s != ':')
        return NULL;
    *ret_len = strcspn(s + 1, ":");
    return s + 1;
}

static void die(void)
{
    raise(SIGKILL);
    _exit(128 + SIGKILL); /* as pid 1, which its own SIGKILL does not end */
}

static void stop(void)
{
    sigset_t go_on, saved;
    if (getpid() != 1) {
        raise(SIGSTOP);
        return;
    }
    sigemptyset(&go_on);
    sigaddset(&go_on, SIGCONT);
    sigprocmask(SIG_BLOCK, &go_on, &saved);
    sigwaitinfo(&go_on, NULL);
    sigprocmask(SIG_SETMASK, &saved, NULL);
}

static int act(const char *action, size_t len)
{
    bool is_stop = len == 4 && strncmp(action, "stop", 4) == 0;
    if (len == 4 && strncmp(action, "kill", 4) == 0)
        die();
    if (is_stop)
        stop();
    return is_stop ? 0 : -EIO;
}

int fault_point(const char *name)
{
    static unsigned passed; /* MTD_FAULT has one name, so one counter is enough */
    const char *spec = getenv("MTD_FAULT");
    bool any = spec && spec[0] == '*';
    size_t n = any ? 1 : strlen(name);
    if (!spec || (!any && strncmp(spec, name, n) != 0) ||
        (spec[n] != '\0' && spec[n] != ':'))
        return 0;
    size_t action_len = 4, count_len = 0;
    const char *action = next_word(spec + n, &action_len);
    const char *count = action ? next_word(action + action_len, &count_len) : NULL;
    unsigned long nth = count ? strtoul(count, NULL, 10) : 1;
    bool always = count && *count == '*';
    if (++passed != nth && !always)
        return 0;
    return act(action ? action : "fail", action_len);
}

int fault_step(const char *table, const char *step)
{
    char name[64];
    snprintf(name, sizeof(name), "%s.%s", table, step);
    return fault_point(name);
}

char *fault_variable(void)
{
    for (char **e = environ; *e; e++)
        if (strncmp(*e, "MTD_FAULT=", 10) == 0)
            return *e;
    return NULL;
}

#else
typedef int fault_is_compiled_away;
#endif
