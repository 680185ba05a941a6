/* The limits of what this program starts do not depend on who starts it. */

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/inherit.h"

static struct rlimit limit_of(int resource)
{
    struct rlimit l = {0};
    cr_assert_eq(getrlimit((unsigned)resource, &l), 0);
    return l;
}

static void lower(int resource, rlim_t soft)
{
    struct rlimit l = limit_of(resource);
    l.rlim_cur = soft < l.rlim_max ? soft : l.rlim_max / 2;
    cr_assert_eq(setrlimit((unsigned)resource, &l), 0);
}

/* In a process of its own. Each is raised again, those that are right stay. */
Test(inherit, soft_limits_of_the_caller_are_none_of_ours)
{
    static const int RESOURCES[] = {RLIMIT_CPU,  RLIMIT_FSIZE, RLIMIT_DATA,
                                    RLIMIT_CORE, RLIMIT_NPROC, RLIMIT_NOFILE,
                                    RLIMIT_AS,   RLIMIT_RTTIME};
    for (size_t i = 0; i < sizeof(RESOURCES) / sizeof(RESOURCES[0]); i++)
        lower(RESOURCES[i], 1000000007);
    lower(RLIMIT_NOFILE, 444);
    lower(RLIMIT_STACK, 1 << 20);
    inherit_reset();
    for (size_t i = 0; i < sizeof(RESOURCES) / sizeof(RESOURCES[0]); i++) {
        struct rlimit l = limit_of(RESOURCES[i]);
        cr_expect_eq(l.rlim_cur, l.rlim_max, "%d: %llu of %llu", RESOURCES[i],
                     (unsigned long long)l.rlim_cur, (unsigned long long)l.rlim_max);
    }
    cr_expect_eq(limit_of(RLIMIT_STACK).rlim_cur, 8 << 20);
}
