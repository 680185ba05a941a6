#include "base/fault.h"

#ifdef MTD_FAULTS

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
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

static int act(const char *action, size_t len)
{
    if (len == 4 && strncmp(action, "kill", 4) == 0)
        raise(SIGKILL);
    if (len == 4 && strncmp(action, "stop", 4) == 0)
        return raise(SIGSTOP);
    return -EIO;
}

int fault_point(const char *name)
{
    static unsigned passed; /* only one name is ever armed, so one counter is enough */
    const char *spec = getenv("MTD_FAULT");
    size_t n = strlen(name);
    if (!spec || strncmp(spec, name, n) != 0 || (spec[n] != '\0' && spec[n] != ':'))
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
