/* /proc/PID. The command's name may contain anything, so the fields after it are found from
 * the last parenthesis on. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "cli/top.h"

static int read_stat(int dir, struct top_process *p)
{
    auto_done(buf_done) struct buf b = {0};
    unsigned long long user, system;
    int rc = fs_read_at(dir, "stat", 8192, &b);
    if (rc < 0)
        return rc;
    const char *open = strchr(b.data, '('), *close = strrchr(b.data, ')');
    if (!open || !close || close < open)
        return -EBADMSG;
    snprintf(p->name, sizeof(p->name), "%.*s", (int)(close - open - 1), open + 1);
    int n =
        sscanf(close + 1,
               " %c %d %d %d %d %d %llu %*u %*u %*u %*u %llu %llu %*d %*d %d %d %d %*d "
               "%llu %llu %lld %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*u %*d "
               "%d",
               &p->state, &p->ppid, &p->pgid, &p->sid, &p->tty, &p->tpgid, &p->flags,
               &user, &system, &p->priority, &p->nice, &p->threads, &p->start_ticks,
               &p->vsize, (long long *)&p->rss, &p->cpu);
    p->cpu_ticks = user + system;
    return n == 16 ? 0 : -EBADMSG;
}

#define STATUS_MAX (1u << 20) /* with as many groups as a process can have */

static int read_status(int dir, struct top_process *p)
{
    auto_done(buf_done) struct buf b = {0};
    unsigned long long locked = 0;
    int rc = fs_read_at(dir, "status", STATUS_MAX, &b);
    const char *uid = rc < 0 ? NULL : strstr(b.data, "\nUid:");
    const char *gid = uid ? strstr(uid, "\nGid:") : NULL;
    const char *lock = gid ? strstr(gid, "\nVmLck:") : NULL;
    if (!gid || sscanf(uid, "\nUid: %*u %u", &p->uid) != 1 ||
        sscanf(gid, "\nGid: %*u %u", &p->gid) != 1)
        return -EBADMSG;
    p->locked = lock && sscanf(lock, "\nVmLck: %llu", &locked) == 1 && locked > 0;
    return 0;
}

/* The arguments joined by spaces; without any (a zombie) the name. */
static int read_command(int dir, struct top_process *p)
{
    auto_done(buf_done) struct buf b = {0};
    int rc = fs_read_at(dir, "cmdline", 1 << 20, &b);
    for (size_t i = 0; rc >= 0 && i + 1 < b.len; i++)
        if (b.data[i] == '\0')
            b.data[i] = ' ';
    if (rc >= 0 && b.len > 0)
        p->command = strdup(b.data);
    else if (asprintf(&p->command, "[%s]", p->name) < 0)
        p->command = NULL;
    return p->command ? 0 : -ENOMEM;
}

int top_process_read(pid_t pid, struct top_process *ret)
{
    char path[32];
    struct top_process p = {.pid = (int)pid};
    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    auto_fd int dir = fs_open_dir_at(AT_FDCWD, path);
    int rc = dir < 0 ? dir : read_stat(dir, &p);
    if (rc == 0)
        rc = read_status(dir, &p);
    if (rc == 0)
        rc = read_command(dir, &p);
    if (rc < 0)
        return rc;
    unsigned long long hz = (unsigned long long)sysconf(_SC_CLK_TCK);
    int64_t since_boot = (int64_t)(p.start_ticks * (NS_PER_SEC / hz));
    p.age = (clock_boot_ns() - since_boot) / NS_PER_SEC;
    p.started_at = clock_wall_ns() - clock_boot_ns() + since_boot;
    *ret = p;
    return 0;
}

void top_process_done(struct top_process *p)
{
    free(p->command);
    *p = (struct top_process){0};
}
