/* A lock is waited for as long as its holder works on something, which may take minutes (a
 * commit). A holder that is stopped does not: whoever waited for it would hang as long as it
 * does, so a command gives up and says which process it is. The kernel tells a flock's holder
 * in /proc/locks only; that is read when a second has passed. */

#include "engine/store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"

#define FIRST_WAIT (NS_PER_MS / 5)
#define LAST_WAIT (10 * NS_PER_MS)
#define LOOK_AFTER NS_PER_SEC

/* "3: FLOCK  ADVISORY  WRITE 32612 fe:00:10952729 0 EOF" */
static pid_t holder_in(const char *line, const struct stat *st)
{
    int pid;
    unsigned major, minor;
    unsigned long inode;
    if (sscanf(line, "%*d: FLOCK %*s WRITE %d %x:%x:%lu", &pid, &major, &minor, &inode) !=
            4 ||
        makedev(major, minor) != st->st_dev || inode != st->st_ino)
        return 0;
    return pid;
}

/* 0 = not known: some file systems have another number there than stat says. */
static pid_t find_holder(int fd)
{
    char line[256];
    struct stat st;
    pid_t pid = 0;
    auto_file FILE *f = fopen("/proc/locks", "re");
    if (!f || fstat(fd, &st) < 0)
        return 0;
    while (pid == 0 && fgets(line, sizeof(line), f))
        pid = holder_in(line, &st);
    return pid;
}

static bool is_stopped(pid_t pid)
{
    char path[48], text[512];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    if (fs_read_small_at(AT_FDCWD, path, text, sizeof(text)) < 0)
        return false;
    const char *state = strrchr(text, ')');
    return state && (strncmp(state, ") T", 3) == 0 || strncmp(state, ") t", 3) == 0);
}

static int try(int fd, int flags)
{
    int rc;
    do
        rc = flock(fd, LOCK_EX | flags);
    while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

int store_wait_lock(int fd, enum store_wait wait, pid_t *ret_stopped)
{
    if (wait == STORE_WAIT_EVER)
        return try(fd, 0);
    int rc = try(fd, LOCK_NB);
    int64_t look = clock_mono_ns() + LOOK_AFTER;
    for (int64_t pause = FIRST_WAIT; rc == -EAGAIN && wait == STORE_WAIT;
         rc = try(fd, LOCK_NB)) {
        nanosleep(&(struct timespec){.tv_nsec = pause}, NULL);
        pause = pause < LAST_WAIT ? pause * 2 : pause;
        if (clock_mono_ns() < look)
            continue;
        pid_t holder = find_holder(fd);
        if (holder && is_stopped(holder)) {
            *ret_stopped = holder;
            return -ETIMEDOUT;
        }
        look = clock_mono_ns() + LOOK_AFTER;
    }
    return rc;
}
