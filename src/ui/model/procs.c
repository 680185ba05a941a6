/* The engine gives the pids of the container's groups; everything else comes from /proc.
 * CPU figures are differences to the reading before, found by pid and start time. */
#include "ui/model/procs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"

void procs_done(struct procs *p)
{
    free(p->items);
    *p = (struct procs){0};
}

static ssize_t read_proc(pid_t pid, const char *file, char *out, size_t size)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
    out[n > 0 ? n : 0] = '\0';
    return n;
}

/* "NSpid:\t4242\t17": the last number is the innermost namespace's. */
static void parse_status(const char *text, struct proc_info *p)
{
    const char *s = strstr(text, "\nUid:");
    unsigned uid = 0;
    if (s)
        sscanf(s, "\nUid: %u", &uid);
    p->uid = uid;
    s = strstr(text, "\nNSpid:");
    for (s = s ? s + strlen("\nNSpid:") : ""; *s && *s != '\n';) {
        char *end;
        p->inner = (pid_t)strtol(s, &end, 10);
        if (end == s)
            break;
        s = end;
    }
}

static int parse_stat(char *text, struct proc_info *p)
{
    char *open = strchr(text, '('), *close = strrchr(text, ')');
    unsigned long long utime, stime, start;
    long rss;
    if (!open || !close)
        return -EINVAL;
    *close = '\0';
    snprintf(p->command, sizeof(p->command), "[%s]", open + 1);
    int n =
        sscanf(close + 2,
               "%c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d "
               "%*d %llu %*u %ld",
               &p->state, &utime, &stime, &start, &rss);
    if (n != 5)
        return -EINVAL;
    p->cpu_ticks = utime + stime;
    p->start = start;
    p->rss = rss > 0 ? (uint64_t)rss * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
    return 0;
}

/* The host's names, as ps prints them; without a name the number. One look into the file
 * per reading. */
static void add_users(struct procs *p)
{
    auto_file FILE *f = fopen("/etc/passwd", "re");
    char line[512];
    for (size_t i = 0; i < p->len; i++)
        snprintf(p->items[i].user, sizeof(p->items[i].user), "%u",
                 (unsigned)p->items[i].uid);
    while (f && fgets(line, sizeof(line), f)) {
        char *save = NULL, *name = strtok_r(line, ":", &save);
        char *rest = strchr(save ? save : "", ':');
        uint64_t uid;
        if (!name || !rest)
            continue;
        rest[1 + strcspn(rest + 1, ":\n")] = '\0';
        if (parse_u64(rest + 1, UINT32_MAX, &uid) < 0)
            continue;
        for (size_t i = 0; i < p->len; i++)
            if (p->items[i].uid == uid && p->items[i].user[0] >= '0' &&
                p->items[i].user[0] <= '9')
                snprintf(p->items[i].user, sizeof(p->items[i].user), "%s", name);
    }
}

static int read_one(pid_t pid, struct proc_info *p)
{
    char text[4096];
    *p = (struct proc_info){.pid = pid, .cpu = -1};
    if (read_proc(pid, "stat", text, sizeof(text)) <= 0 || parse_stat(text, p) < 0)
        return -ESRCH;
    if (read_proc(pid, "status", text, sizeof(text)) > 0)
        parse_status(text, p);
    ssize_t n = read_proc(pid, "cmdline", text, sizeof(p->command));
    for (ssize_t i = 0; i + 1 < n; i++)
        if (text[i] == '\0')
            text[i] = ' ';
    if (n > 0)
        snprintf(p->command, sizeof(p->command), "%s", text);
    return 0;
}

static void add_rates(struct procs *now, const struct procs *before)
{
    double dt = (double)(now->taken_at - before->taken_at) / 1e9;
    double ticks = (double)sysconf(_SC_CLK_TCK);
    for (size_t i = 0, j = 0; i < now->len && before->len && dt > 0.05; i++) {
        struct proc_info *p = &now->items[i];
        while (j < before->len && before->items[j].pid < p->pid)
            j++;
        const struct proc_info *b = j < before->len ? &before->items[j] : NULL;
        if (b && b->pid == p->pid && b->start == p->start && p->cpu_ticks >= b->cpu_ticks)
            p->cpu = (float)((double)(p->cpu_ticks - b->cpu_ticks) * 100.0 / ticks / dt);
    }
}

int procs_read(struct procs *p, struct mtd_engine *e, const struct mtd_summary *s)
{
    auto_free pid_t *pids = NULL;
    struct mtd_error err = {0};
    int n = mtd_pids(e, s, &pids, &err);
    if (n < 0)
        return n;
    struct procs now = {.taken_at = clock_mono_ns()};
    now.items = calloc((size_t)n + 1, sizeof(*now.items));
    if (!now.items)
        return -ENOMEM;
    for (int i = 0; i < n; i++)
        if (read_one(pids[i], &now.items[now.len]) == 0)
            now.len++;
    add_users(&now);
    add_rates(&now, p);
    procs_done(p);
    *p = now;
    return 0;
}
