#include "guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/sys.h"

#define DIRS_MAX 16
#define PLACE "/dev/shm"
#define PREFIX "mtd-guard."
#define KILL_TRIES 200
#define NAME_SIZE 64

/* The guard's file, which the test writes as memory and the guard holds a lock on. */
struct table {
    pid_t guard; /* first: tests of the guard read it */
    struct {
        char path[NAME_SIZE];
        pid_t maker;
    } dirs[DIRS_MAX];
};
static struct table own;
static struct table *table = &own;

/* ---- processes --------------------------------------------------------------------- */

/* Whether one of its NUL-separated texts, arguments or variables, has the directory in it. */
static bool mentions(const char *pid, const char *file, const char *dir)
{
    char path[64], text[16384];
    snprintf(path, sizeof(path), "/proc/%.16s/%s", pid, file);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text));
    return n > 0 && memmem(text, (size_t)n, dir, strlen(dir));
}

static bool is_pid(const char *name)
{
    return name[0] >= '1' && name[0] <= '9';
}

/* A child of the test's that has executed nothing yet has the guard's file in its memory. */
static bool maps(const char *pid, const struct stat *file)
{
    char path[64], line[8192];
    unsigned long ino;
    unsigned high, low;
    snprintf(path, sizeof(path), "/proc/%.16s/maps", pid);
    auto_file FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "%*s %*s %*s %x:%x %lu", &high, &low, &ino) == 3 &&
            ino == file->st_ino && makedev(high, low) == file->st_dev)
            return true;
    return false;
}

/* Those of the test all have its configuration in their environment, but for what the program starts
 * itself: monitors name the directory, and containers have groups. */
static int kill_processes(const char *dir, const struct stat *file)
{
    int n = 0;
    auto_dir DIR *d = opendir("/proc");
    for (struct dirent *e; d && (e = readdir(d));)
        if (is_pid(e->d_name) && atoi(e->d_name) != getpid() &&
            (mentions(e->d_name, "cmdline", dir) || mentions(e->d_name, "environ", dir) ||
             maps(e->d_name, file)))
            n += kill(atoi(e->d_name), SIGKILL) == 0;
    return n;
}

/* ---- groups ------------------------------------------------------------------------ */

static void write_to(int dir_fd, const char *file, const char *text)
{
    auto_fd int fd = openat(dir_fd, file, O_WRONLY | O_CLOEXEC);
    if (fd >= 0)
        (void)!write(fd, text, strlen(text));
}

/* Kills what is in the group and in those below it, and removes what is empty. */
static int end_group(int parent, const char *name)
{
    int n = 0, pid;
    auto_fd int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    write_to(fd, "freezer.state", "THAWED");
    write_to(fd, "cgroup.freeze", "0");
    auto_dir DIR *d = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_type == DT_DIR && e->d_name[0] != '.')
            n += end_group(fd, e->d_name);
    int procs = openat(fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    auto_file FILE *f = procs < 0 ? NULL : fdopen(procs, "re");
    while (f && fscanf(f, "%d", &pid) == 1)
        n += pid > 0 && kill(pid, SIGKILL) == 0;
    (void)unlinkat(parent, name, AT_REMOVEDIR);
    return n;
}

/* In every hierarchy: /sys/fs/cgroup and the directories in it. */
static int end_groups(const char *id)
{
    char path[512];
    int n = 0;
    auto_dir DIR *d = opendir("/sys/fs/cgroup");
    for (struct dirent *e; d && (e = readdir(d));) {
        if (e->d_type != DT_DIR || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/mytop-docker", e->d_name);
        auto_fd int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        n += fd < 0 ? 0 : end_group(fd, id);
    }
    return n;
}

static int end_containers(const char *dir)
{
    char path[128];
    int n = 0;
    snprintf(path, sizeof(path), "%s/root/containers", dir);
    auto_dir DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d));)
        if (strlen(e->d_name) == 64)
            n += end_groups(e->d_name);
    return n;
}

/* ---- the rest ---------------------------------------------------------------------- */

/* The newest first. One that has no place any more is skipped. */
static void unmount(const char *dir)
{
    for (int i = 0; i < 1000; i++) {
        char line[4096], at[2048], last[2048] = "";
        auto_file FILE *f = fopen("/proc/self/mountinfo", "re");
        while (f && fgets(line, sizeof(line), f))
            if (sscanf(line, "%*s %*s %*s %*s %2047s", at) == 1 &&
                strncmp(at, dir, strlen(dir)) == 0)
                memcpy(last, at, sizeof(last));
        if (!last[0] || umount2(last, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
            return;
    }
}

/* Monitors first: a restart policy would start a container again. */
static void clean(const char *dir, const struct stat *file)
{
    char config[NAME_SIZE + 16];
    for (int i = 0; i < KILL_TRIES && kill_processes(dir, file) + end_containers(dir) > 0;
         i++)
        nanosleep(&(struct timespec){.tv_nsec = 50 * NS_PER_MS}, NULL);
    unmount(dir);
    (void)fs_remove_tree_at(AT_FDCWD, dir);
    snprintf(config, sizeof(config), "%s.config", dir);
    (void)unlink(config);
}

static bool is_of_a_test(const char *dir)
{
    return strncmp(dir, "/dev/shm/mtd-", 13) == 0 || strncmp(dir, "/tmp/mtd-", 9) == 0;
}

static void clean_all(const struct table *t, const struct stat *file)
{
    for (size_t i = 0; i < DIRS_MAX; i++)
        if (is_of_a_test(t->dirs[i].path) && memchr(t->dirs[i].path, '\0', NAME_SIZE))
            clean(t->dirs[i].path, file);
}

/* Files of guards that are gone: theirs is the lock that can be had. */
static void sweep(void)
{
    auto_dir DIR *d = opendir(PLACE);
    for (struct dirent *e; d && (e = readdir(d));) {
        struct table t = {0};
        struct stat st;
        if (strncmp(e->d_name, PREFIX, strlen(PREFIX)) != 0)
            continue;
        auto_fd int fd = openat(dirfd(d), e->d_name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || fstat(fd, &st) < 0 ||
            st.st_nlink == 0 || st.st_uid != geteuid() || read(fd, &t, sizeof(t)) < 0)
            continue;
        clean_all(&t, &st);
        unlinkat(dirfd(d), e->d_name, 0);
    }
}

/* ---- the guard --------------------------------------------------------------------- */

static __attribute__((noreturn)) void guard(int pidfd, int file, const char *path)
{
    struct pollfd p = {.fd = pidfd, .events = POLLIN};
    struct stat st;
    sigset_t all;
    setsid();
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    if (dup2(pidfd, 0) < 0 || dup2(file, 1) < 0 || sys_close_range(2, ~0u, 0) < 0)
        _exit(1);
    (void)!chdir("/");
    table->guard = getpid();
    for (p.fd = 0; poll(&p, 1, -1) < 1;)
        ;
    if (fstat(1, &st) == 0)
        clean_all(table, &st);
    unlink(path);
    sweep();
    _exit(0);
}

/* The file with its lock; only then it has its name, or a sweep would take it. */
static int make_file(char path[NAME_SIZE])
{
    char proc[64];
    snprintf(path, NAME_SIZE, PLACE "/" PREFIX "%d-%lld", (int)getpid(),
             (long long)clock_mono_ns());
    int fd = open(PLACE, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    if (fd < 0 || ftruncate(fd, sizeof(struct table)) < 0 || flock(fd, LOCK_EX) < 0 ||
        linkat(AT_FDCWD, proc, AT_FDCWD, path, AT_SYMLINK_FOLLOW) < 0)
        return -1;
    return fd;
}

/* Without a guard a test is what it was before there was one. */
void guard_start(void)
{
    char path[NAME_SIZE];
    static bool started;
    if (started || geteuid() != 0)
        return;
    started = true;
    auto_fd int pidfd = sys_pidfd_open(getpid(), 0);
    auto_fd int file = pidfd < 0 ? -1 : make_file(path);
    void *shared = file < 0 ? MAP_FAILED
                            : mmap(NULL, sizeof(struct table), PROT_READ | PROT_WRITE,
                                   MAP_SHARED, file, 0);
    if (shared == MAP_FAILED)
        return;
    *(struct table *)shared = own;
    table = shared;
    pid_t pid = fork();
    if (pid == 0 && fork() == 0)
        guard(pidfd, file, path);
    if (pid == 0)
        _exit(0);
    if (pid > 0)
        (void)waitpid(pid, NULL, 0);
}

static void replace(const char *old, const char *new)
{
    for (size_t i = 0; i < DIRS_MAX; i++)
        if (strcmp(table->dirs[i].path, old) == 0) {
            table->dirs[i].maker = getpid();
            snprintf(table->dirs[i].path, NAME_SIZE, "%s", new);
            return;
        }
}

void guard_add(const char *dir)
{
    guard_drop(dir);
    replace("", dir);
}

void guard_drop(const char *dir)
{
    replace(dir, "");
}

void guard_each(void (*what)(const char *dir))
{
    for (size_t i = 0; i < DIRS_MAX; i++)
        if (table->dirs[i].path[0] && table->dirs[i].maker == getpid()) {
            char dir[NAME_SIZE];
            snprintf(dir, sizeof(dir), "%s", table->dirs[i].path);
            what(dir);
        }
}
