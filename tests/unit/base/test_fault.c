#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fault.h"

#ifdef MTD_FAULTS

static int pass(const char *spec, const char *name, int times)
{
    int rc = 0;
    setenv("MTD_FAULT", spec, 1);
    while (times-- > 0 && rc == 0)
        rc = fault_point(name);
    return rc;
}

Test(fault, is_silent_when_not_armed)
{
    unsetenv("MTD_FAULT");
    cr_expect_eq(fault_point("a.b"), 0);
    cr_expect_eq(pass("a.bc", "a.b", 1), 0);
    cr_expect_eq(pass("a", "a.b", 1), 0);
}

Test(fault, fails_the_named_step)
{
    cr_expect_eq(pass("a.b", "a.b", 1), -EIO);
}

Test(fault, counts_passings)
{
    cr_expect_eq(pass("a.b:fail:3", "a.b", 2), 0);
    cr_expect_eq(fault_point("a.b"), -EIO);
    cr_expect_eq(fault_point("a.b"), 0);
}

Test(fault, fails_every_time)
{
    cr_expect_eq(pass("a.b:fail:*", "a.b", 1), -EIO);
    cr_expect_eq(fault_point("a.b"), -EIO);
}

Test(fault, kills)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        pass("a.b:kill", "a.b", 1);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

#else

Test(fault, is_compiled_away)
{
    setenv("MTD_FAULT", "a.b", 1);
    cr_expect_eq(fault_point("a.b"), 0);
}

#endif
