/* A container may open /proc/PID/exe of any process it can see, and the file behind that
 * link is the host's program. ETXTBSY protects it only while it runs, so the plain file
 * is never executed: either the file is, through a detached read-only mount, which no
 * path leads to and so nothing can remount, or a sealed copy in memory. A process started
 * so can pass either on. */

#include "engine/host/self.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/inherit.h"
#include "base/sys.h"

#define SELF_EXE "/proc/self/exe"
#define SELF_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define SELF_MAX_FDS 72

static bool may_be_protected(const struct statfs *fs)
{
    return fs->f_flags & ST_RDONLY || fs->f_type == TMPFS_MAGIC; /* of a memfd */
}

/* What a link to an executable leads to, if nobody can write it there. It is judged by
 * the descriptor: another process may have that pid by now. */
static int open_protected(const char *exe)
{
    struct statfs fs;
    if (statfs(exe, &fs) < 0)
        return -errno;
    if (!may_be_protected(&fs))
        return -EPERM;
    auto_fd int fd = open(exe, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstatfs(fd, &fs) < 0)
        return -errno;
    int seals = fs.f_flags & ST_RDONLY ? 0 : fcntl(fd, F_GET_SEALS);
    bool sealed = seals >= 0 && (seals & F_SEAL_WRITE);
    return sealed || fs.f_flags & ST_RDONLY ? take_fd(&fd) : -EPERM;
}

/* In a process that was itself started through self_open(), /proc/self/exe already is the
 * protected file. (A detached mount cannot be cloned again before Linux 6.15.) */
static int open_own(void)
{
    return open_protected(SELF_EXE);
}

static int open_read_only_mount(void)
{
    auto_fd int fd = open_tree(AT_FDCWD, SELF_EXE, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
                                          MOUNT_ATTR_NODEV};
    if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
        return -errno;
    return take_fd(&fd);
}

static int copy_file(int from, int to, off_t size)
{
    while (size > 0) {
        ssize_t n = sendfile(to, from, NULL, (size_t)size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        size -= n;
    }
    return 0;
}

static int open_sealed_copy(void)
{
    auto_fd int from = open(SELF_EXE, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (from < 0 || fstat(from, &st) < 0)
        return -errno;
    auto_fd int fd = memfd_create("mytop-docker", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    int rc = copy_file(from, fd, st.st_size);
    if (rc < 0)
        return rc;
    return fcntl(fd, F_ADD_SEALS, SELF_SEALS) < 0 ? -errno : take_fd(&fd);
}

int self_open(struct mtd_error *err)
{
    static int (*const WAYS[])(void) = {open_own, open_read_only_mount, open_sealed_copy};
    int fd = -ENOSYS;
    for (size_t i = 0; i < ARRAY_SIZE(WAYS) && fd < 0; i++)
        fd = WAYS[i]();
    return fd >= 0 ? fd
                   : mtd_fail_errno(err, -fd, "cannot open this program's executable");
}

int self_protect(char *const argv[], struct mtd_error *err)
{
    auto_fd int own = open_own();
    if (own >= 0)
        return 0;
    auto_fd int fd = self_open(err);
    if (fd < 0)
        return fd;
    sys_execveat(fd, "", argv, environ, AT_EMPTY_PATH);
    return mtd_fail_errno(err, errno, "cannot execute this program again");
}

static bool is_same_program(int fd)
{
    struct stat theirs, ours;
    return fstat(fd, &theirs) == 0 && stat(SELF_EXE, &ours) == 0 &&
           theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
}

/* A mount of our own would have to be dissolved, for which close() waits for a grace
 * period of RCU: a millisecond or two in which exec could not serve its command. */
int self_open_like(pid_t pid, struct mtd_error *err)
{
    char exe[32];
    snprintf(exe, sizeof(exe), "/proc/%d/exe", (int)pid);
    auto_fd int fd = pid > 0 ? open_protected(exe) : -ESRCH;
    return fd >= 0 && is_same_program(fd) ? take_fd(&fd) : self_open(err);
}

/* Written by the child, which fails before its exec. */
struct report {
    int error;
    bool placed; /* it was no longer where we are */
};

struct spawn {
    const struct group_place *at;
    int self_fd;
    char *const *argv;
    int fds[SELF_MAX_FDS];
    int n;
    char *fault; /* the one variable a test build passes on; NULL in a release */
    volatile struct report *report; /* in memory that both have */
};

/* Moves *fd out of the range of numbers that are about to be assigned. */
static int step_aside(int *fd, int n)
{
    if (*fd < 0 || *fd >= n)
        return 0;
    int moved = fcntl(*fd, F_DUPFD_CLOEXEC, n);
    if (moved < 0)
        return -errno;
    *fd = moved;
    return 0;
}

static int place_fds(struct spawn *s)
{
    for (int i = 0; i < s->n; i++)
        if (s->fds[i] != i && step_aside(&s->fds[i], s->n) < 0)
            return -errno;
    if (step_aside(&s->self_fd, s->n) < 0)
        return -errno;
    int null = -1;
    for (int i = 0; i < s->n; i++) {
        int from = s->fds[i] >= 0 ? s->fds[i] : null;
        if (from < 0)
            from = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (from < 0)
            return -errno;
        if (s->fds[i] < 0)
            null = i;
        if (from == i ? fcntl(i, F_SETFD, 0) < 0 : dup2(from, i) < 0)
            return -errno;
    }
    return 0;
}

/* Between vfork and exec: nothing but system calls. Descriptors that our own parent left
 * open without close-on-exec are closed here. */
static __attribute__((noinline, noreturn)) void run_child(struct spawn *s)
{
    char *const no_environment[] = {s->fault, NULL};
    int rc = place_join(s->at);
    s->report->placed = rc == 0;
    if (rc == 0)
        rc = place_fds(s);
    if (rc == 0) {
        inherit_reset();
        sys_close_range((unsigned)s->n, ~0u, SYS_CLOSE_CLOEXEC);
        sys_execveat(s->self_fd, "", s->argv, no_environment, AT_EMPTY_PATH);
        rc = -errno;
    }
    s->report->error = -rc;
    _exit(127);
}

/* Signals are blocked while two processes share one stack. One that is born in a group
 * does not: glibc has no vfork() into one. */
static __attribute__((noinline)) pid_t spawn_child(struct spawn *s)
{
    sigset_t all, saved;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &saved);
    pid_t pid = s->at->into >= 0 ? place_fork(s->at, CLONE_VFORK) : vfork();
    if (pid == 0) {
        sigprocmask(SIG_SETMASK, &saved, NULL);
        run_child(s);
    }
    int error = errno;
    sigprocmask(SIG_SETMASK, &saved, NULL);
    return pid < 0 ? -error : pid;
}

static pid_t spawn(struct spawn *s, struct mtd_error *err)
{
    pid_t pid = spawn_child(s);
    if (pid < 0)
        return mtd_fail_errno(err, -pid, "cannot start %s", s->argv[0]);
    int error = s->report->error;
    if (error == 0)
        return pid;
    waitpid(pid, NULL, 0);
    return mtd_fail_errno(err, error,
                          s->report->placed
                              ? "cannot execute %s"
                              : "cannot move %s to a control group of its own",
                          s->argv[0]);
}

/* Memory is shared until the exec, but not with a child that is born in a group. */
static pid_t spawn_into(struct spawn *s, struct mtd_error *err)
{
    void *page = mmap(NULL, sizeof(struct report), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return mtd_fail_errno(err, errno, "cannot start %s", s->argv[0]);
    s->report = page;
    pid_t pid = spawn(s, err);
    munmap(page, sizeof(struct report));
    return pid;
}

pid_t self_spawn_fds(int self_fd, char *const argv[], const int *fds, int n,
                     const struct group_place *at, struct mtd_error *err)
{
    static const struct group_place here = PLACE_HERE;
    struct report report = {0};
    struct spawn s = {.at = at ? at : &here,
                      .self_fd = self_fd,
                      .argv = argv,
                      .n = n,
                      .fault = fault_variable(),
                      .report = &report};
    if (n > SELF_MAX_FDS)
        return mtd_fail(err, EINVAL, "too many file descriptors to pass on: %d", n);
    for (int i = 0; i < n; i++)
        s.fds[i] = fds[i];
    return s.at->into >= 0 ? spawn_into(&s, err) : spawn(&s, err);
}

pid_t self_spawn(int self_fd, char *const argv[], int pass, const int stdio[3],
                 const struct group_place *at, struct mtd_error *err)
{
    const int fds[4] = {stdio ? stdio[0] : -1, stdio ? stdio[1] : -1,
                        stdio ? stdio[2] : -1, pass};
    return self_spawn_fds(self_fd, argv, fds, pass >= 0 ? 4 : 3, at, err);
}
