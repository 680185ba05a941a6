#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/proc.h"
#include "base/sys.h"

static pid_t start_child(const char *name)
{
    pid_t pid = fork();
    if (pid == 0) {
        proc_set_name(name);
        pause();
        _exit(0);
    }
    return pid;
}

static void end_child(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

Test(proc, is_a_pid_and_its_start_time)
{
    uint64_t start = 0;
    cr_assert_eq(proc_start_time(getpid(), true, &start), 0);
    cr_expect(start > 0);
    cr_expect(proc_is(getpid(), start));
    cr_expect_not(proc_is(getpid(), start + 1));
    cr_expect_not(proc_is(0, start));
    cr_expect_not(proc_is(-1, start));
}

/* The name stands in the middle of the line that is parsed. */
Test(proc, survives_hostile_names)
{
    pid_t pid = start_child(") R 1 2 (3 4");
    uint64_t start = 0, self = 0;
    cr_expect_eq(proc_start_time(pid, true, &start), 0);
    proc_start_time(getpid(), true, &self);
    cr_expect(start >= self);
    end_child(pid);
    cr_expect_eq(proc_start_time(pid, false, &start), -ESRCH);
}

Test(proc, a_zombie_is_not_alive)
{
    pid_t pid = start_child("x");
    uint64_t start = 0, again = 0;
    proc_start_time(pid, true, &start);
    kill(pid, SIGKILL);
    siginfo_t info;
    waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
    cr_expect_eq(proc_start_time(pid, true, &again), -ESRCH);
    cr_expect_eq(proc_start_time(pid, false, &again), 0);
    cr_expect_eq(again, start);
    cr_expect_not(proc_is(pid, start));
    waitpid(pid, NULL, 0);
}

Test(proc, opens_exactly_that_process)
{
    pid_t pid = start_child("x");
    uint64_t start = 0;
    proc_start_time(pid, true, &start);
    cr_expect_eq(proc_open(pid, start + 1), -ESRCH);
    auto_fd int fd = proc_open(pid, start);
    cr_assert(fd >= 0);
    cr_expect_eq(sys_pidfd_send_signal(fd, SIGKILL, NULL, 0), 0);
    siginfo_t info = {0};
    cr_expect_eq(sys_waitid_pidfd(fd, &info, WEXITED), 0);
    cr_expect_eq(info.si_pid, pid);
    cr_expect_eq(proc_open(pid, start), -ESRCH);
}

Test(proc, the_boot_has_an_id)
{
    char id[BOOT_ID_LEN + 1];
    cr_assert_eq(proc_boot_id(id), 0);
    cr_expect_eq(strlen(id), BOOT_ID_LEN);
    cr_expect_eq(strspn(id, "0123456789abcdef-"), BOOT_ID_LEN);
}

/* Times before and after now, so that no machine is too slow for it. */
Test(proc, the_third_within_two_seconds_insists)
{
    const int64_t soon = clock_mono_ns() + 600 * NS_PER_SEC;
    int64_t asked[2] = {0};
    cr_expect_not(proc_is_insisted(asked, SIGINT), "the first");
    cr_expect_not(proc_is_insisted(asked, SIGTERM), "the second");
    cr_expect(asked[0] > 0 && asked[1] >= asked[0]);
    asked[0] = soon;
    cr_expect_not(proc_is_insisted(asked, SIGQUIT), "of another kind");
    cr_expect_eq(asked[0], soon, "does not count");
    cr_expect(proc_is_insisted(asked, SIGTERM), "the third");
    asked[0] = clock_mono_ns() - 2 * NS_PER_SEC;
    cr_expect_not(proc_is_insisted(asked, SIGINT), "too late");
}
