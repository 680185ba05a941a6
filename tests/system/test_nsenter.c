/* nsenter and self: joining by both ways the kernel offers, never a recycled pid, and an
 * executable that cannot be written through what we hand out. Needs root. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"
#include "engine/host/self.h"
#include "nsenter/nsenter.h"

#define ALL                                                                    \
    (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | \
     CLONE_NEWCGROUP)

static pid_t target;
static struct nsenter_request request;

/* A process that is pid 1 of namespaces of its own and waits. */
static void make_target(void)
{
    if (geteuid() != 0)
        cr_skip_test("needs root");
    int ready[2];
    cr_assert_eq(pipe(ready), 0);
    target = (pid_t)syscall(SYS_clone, ALL | SIGCHLD, 0, NULL, NULL, 0);
    if (target == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        sethostname("inside", 6);
        (void)!write(ready[1], "r", 1);
        for (;;)
            pause();
    }
    cr_assert_gt(target, 0, "no namespaces: %s", strerror(errno));
    char byte;
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    request.pid = target;
    cr_assert_eq(proc_start_time(target, true, &request.pid_start), 0);
}

static void end_target(void)
{
    if (target > 0)
        kill(target, SIGKILL);
    waitpid(target, NULL, 0);
}

TestSuite(nsenter, .init = make_target, .fini = end_target, .timeout = 30);

static bool in_targets(const char *name)
{
    char path[64];
    struct stat a, b;
    snprintf(path, sizeof(path), "/proc/self/ns/%s", name);
    bool ok = stat(path, &a) == 0;
    snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)target, name);
    return ok && stat(path, &b) == 0 && a.st_ino == b.st_ino;
}

/* Inside. /proc is the host's here (nothing mounted another), so the target can be named. */
static int look_around(void)
{
    static const char *const NS[] = {"mnt", "pid", "uts", "ipc", "net", "cgroup"};
    char host[16] = "";
    for (size_t i = 0; i < sizeof(NS) / sizeof(NS[0]); i++)
        if (!in_targets(NS[i]))
            return 10 + (int)i;
    gethostname(host, sizeof(host));
    return strcmp(host, "inside") == 0 && getpid() > 1 && getppid() == 0 ? 0 : 20;
}

/* The joiner's child is ours (CLONE_PARENT): its pid comes with its reply, its status to us. */
static int join(int one_by_one)
{
    int front, inside, status = -1;
    struct nsenter_reply reply = {0};
    cr_assert_eq(nsenter_socket(&front, &inside), 0);
    pid_t joiner = fork();
    if (joiner == 0) {
        struct mtd_error err = {0};
        int r = nsenter_join(&request, one_by_one, &err);
        if (r != 0)
            _exit(r < 0 ? -r : 0);
        nsenter_reply(inside, NSENTER_INSIDE, -1, NULL);
        _exit(look_around());
    }
    close(inside);
    cr_assert_eq(nsenter_receive(front, &reply), 0);
    close(front);
    cr_assert_eq(waitpid(joiner, &status, 0), joiner);
    if (reply.kind != NSENTER_INSIDE)
        return -WEXITSTATUS(status);
    cr_assert_neq(reply.pid, joiner);
    cr_assert_eq(waitpid(reply.pid, &status, 0), reply.pid, "not our child");
    return WEXITSTATUS(status);
}

Test(nsenter, all_namespaces_at_once)
{
    cr_assert_eq(join(false), 0);
}

Test(nsenter, one_by_one)
{
    cr_assert_eq(join(true), 0);
}

Test(nsenter, never_a_recycled_pid)
{
    request.pid_start--;
    cr_assert_eq(join(false), -ESRCH);
    cr_assert_eq(join(true), -ESRCH);
}

Test(nsenter, not_a_dead_container)
{
    kill(target, SIGKILL);
    cr_assert_eq(waitid(P_PID, (id_t)target, NULL, WEXITED | WNOWAIT), 0);
    cr_assert_eq(join(false), -ESRCH);
}

Test(nsenter, groups_that_are_none)
{
    strv_add(&request.cgroups,
             "memory:/nonexistent/group"); /* made lazily: passed over */
    cr_assert_eq(join(false), 0);
    strv_add(&request.cgroups, "memory:relative");
    cr_assert_eq(join(false), -EBADMSG);
}

/* ---- self ------------------------------------------------------------------------------- */

/* ETXTBSY lasts as long as it runs, and no longer. */
static bool is_protected(int fd)
{
    struct statvfs fs;
    int seals = fcntl(fd, F_GET_SEALS);
    cr_assert_eq(fstatvfs(fd, &fs), 0);
    return fs.f_flag & ST_RDONLY || (seals >= 0 && seals & F_SEAL_WRITE);
}

static void refuses_writing(int fd)
{
    cr_expect(is_protected(fd));
    static const int FLAGS[] = {O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC,
                                O_WRONLY | O_APPEND};
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    for (size_t i = 0; i < sizeof(FLAGS) / sizeof(FLAGS[0]); i++) {
        int again = open(path, FLAGS[i] | O_CLOEXEC);
        int error = errno;
        cr_expect_lt(again, 0, "opened for writing with flags %x", (unsigned)FLAGS[i]);
        cr_expect(error == EROFS || error == EPERM || error == ETXTBSY, "%s",
                  strerror(error));
    }
}

Test(self, nobody_can_write_it)
{
    struct mtd_error err = {0};
    if (geteuid() != 0)
        cr_skip_test("needs root");
    int fd = self_open(&err);
    cr_assert_geq(fd, 0, "%s", err.text);
    cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    refuses_writing(fd);
}

static bool same_file(int a, const char *path)
{
    struct stat x, y;
    return fstat(a, &x) == 0 && stat(path, &y) == 0 && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

Test(self, of_another_process_only_what_is_ours_and_protected)
{
    struct mtd_error err = {0};
    const pid_t others[] = {0, getpid(), 1, INT_MAX};
    if (geteuid() != 0)
        cr_skip_test("needs root");
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        int fd = self_open_like(others[i], &err);
        cr_assert_geq(fd, 0, "%s", err.text);
        refuses_writing(fd);
        cr_expect(same_file(fd, "/proc/self/exe"), "of %d", (int)others[i]);
        close(fd);
    }
}

static uint64_t mount_of(int fd, const char *path)
{
    struct statx x = {0};
    cr_assert_eq(statx(fd, path, fd >= 0 ? AT_EMPTY_PATH : 0, STATX_MNT_ID, &x), 0);
    return x.stx_mnt_id;
}

/* A process that has just executed itself from the protected file and stopped. */
static pid_t start_protected(void)
{
    static char name[] = "x";
    static char *const ARGV[] = {name, NULL}, *const NO_ENVIRONMENT[] = {NULL};
    struct mtd_error err = {0};
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        int fd = self_open(&err);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        syscall(SYS_execveat, fd, "", ARGV, NO_ENVIRONMENT, AT_EMPTY_PATH);
        _exit(1);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    if (!WIFSTOPPED(status))
        cr_skip_test("may not trace");
    return pid;
}

Test(self, another_processs_protected_file_is_shared)
{
    struct mtd_error err = {0};
    char exe[32];
    if (geteuid() != 0)
        cr_skip_test("needs root");
    pid_t pid = start_protected();
    snprintf(exe, sizeof(exe), "/proc/%d/exe", (int)pid);
    int fd = self_open_like(pid, &err);
    cr_assert_geq(fd, 0, "%s", err.text);
    refuses_writing(fd);
    cr_expect_eq(mount_of(fd, ""), mount_of(AT_FDCWD, exe));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

Test(self, spawn_gives_exactly_what_is_passed)
{
    struct mtd_error err = {0};
    static char sh[] = "sh", c[] = "-c",
                text[] = "test -z \"$SECRET\" && test \"$(cat <&3)\" = hi && test ! -e "
                         "/proc/self/fd/77 && exit 42";
    static char *const ARGV[] = {sh, c, text, NULL};
    int pass[2];
    setenv("SECRET", "1", 1);
    cr_assert_eq(pipe(pass), 0);
    cr_assert_eq(write(pass[1], "hi", 2), 2);
    close(pass[1]);
    dup2(0, 77);
    int shell = open("/bin/sh", O_RDONLY | O_CLOEXEC);
    pid_t pid = self_spawn(shell, ARGV, pass[0], NULL, NULL, &err);
    cr_assert_gt(pid, 0, "%s", err.text);
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert_eq(WEXITSTATUS(status), 42);
}

Test(self, spawn_reports_what_cannot_be_run)
{
    static char name[] = "x";
    static char *const ARGV[] = {name, NULL};
    struct mtd_error err = {0};
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(self_spawn(fd, ARGV, -1, NULL, NULL, &err), -EACCES);
    cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "and leaves no child");
}

Test(self, spawn_reports_a_place_that_cannot_be_taken)
{
    static char name[] = "x";
    static char *const ARGV[] = {name, NULL};
    struct mtd_error err = {0};
    struct group_place full = {
        .into = -1, .join = {open("/dev/full", O_WRONLY | O_CLOEXEC)}, .n = 1};
    int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(self_spawn(fd, ARGV, -1, NULL, &full, &err), -ENOSPC);
    cr_expect_str_eq(
        err.text, "cannot move x to a control group of its own: No space left on device");
    cr_assert_eq(waitpid(-1, NULL, WNOHANG), -1, "and leaves no child");
}
