/* verb_top - top: the processes of a container, with their pids on the host. The columns
 * are those of `ps -ef`, as docker's without options. While there are exec sessions, one
 * more column says which process belongs to which. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "cli/print.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/verb.h"

struct process {
    char uid[16], ppid[16], cpu[16], started[16], terminal[16], time[24];
    char pid[16];
    char *command;
};

/* The fields of /proc/PID/stat after the command's name, which may contain anything. */
struct stat_line {
    int ppid, tty;
    unsigned long long user, system, start;
};

static int read_stat(int dir, struct stat_line *ret, char *name, size_t name_size)
{
    auto_done(buf_done) struct buf b = {0};
    int rc = fs_read_at(dir, "stat", 8192, &b);
    if (rc < 0)
        return rc;
    const char *open = strchr(b.data, '('), *close = strrchr(b.data, ')');
    if (!open || !close || close < open)
        return -EBADMSG;
    snprintf(name, name_size, "%.*s", (int)(close - open - 1), open + 1);
    int n =
        sscanf(close + 1,
               " %*c %d %*d %*d %d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d "
               "%*d %llu",
               &ret->ppid, &ret->tty, &ret->user, &ret->system, &ret->start);
    return n == 5 ? 0 : -EBADMSG;
}

/* Kernel admin-guide/devices.txt: majors 136..143 are pts; 4:1..63 are the consoles. */
static void format_terminal(int tty, char *out, size_t size)
{
    unsigned major = ((unsigned)tty >> 8) & 0xfff;
    unsigned minor = ((unsigned)tty & 0xff) | (((unsigned)tty >> 12) & 0xfff00);
    if (major >= 136 && major <= 143)
        snprintf(out, size, "pts/%u", minor + (major - 136) * 256);
    else if (major == 4 && minor < 64)
        snprintf(out, size, "tty%u", minor);
    else
        snprintf(out, size, "?");
}

/* As ps: the time of day for today, else the date. */
static void format_start(int64_t wall_ns, char *out, size_t size)
{
    time_t when = (time_t)(wall_ns / NS_PER_SEC), now = time(NULL);
    struct tm tm, today;
    localtime_r(&when, &tm);
    localtime_r(&now, &today);
    bool same = tm.tm_year == today.tm_year && tm.tm_yday == today.tm_yday;
    strftime(out, size, same ? "%H:%M" : "%b%d", &tm);
}

static void format_stat(const struct stat_line *s, struct process *p)
{
    long hz = sysconf(_SC_CLK_TCK);
    unsigned long long used = (s->user + s->system) / (unsigned long long)hz;
    int64_t start_ns = (int64_t)(s->start * (NS_PER_SEC / (unsigned long long)hz));
    int64_t age = (clock_boot_ns() - start_ns) / NS_PER_SEC;
    snprintf(p->ppid, sizeof(p->ppid), "%d", s->ppid);
    snprintf(p->cpu, sizeof(p->cpu), "%llu",
             age > 0 ? used * 100 / (unsigned long long)age : 0);
    format_start(clock_wall_ns() - clock_boot_ns() + start_ns, p->started,
                 sizeof(p->started));
    format_terminal(s->tty, p->terminal, sizeof(p->terminal));
    snprintf(p->time, sizeof(p->time), "%02llu:%02llu:%02llu", used / 3600,
             used / 60 % 60, used % 60);
}

static int read_uid(int dir, char *out, size_t size)
{
    auto_done(buf_done) struct buf b = {0};
    unsigned uid;
    int rc = fs_read_at(dir, "status", 65536, &b);
    const char *line = rc < 0 ? NULL : strstr(b.data, "\nUid:");
    if (!line || sscanf(line, "\nUid: %u", &uid) != 1)
        return -EBADMSG;
    snprintf(out, size, uid ? "%u" : "root", uid);
    return 0;
}

/* The arguments joined by spaces; without any (a zombie) the name. */
static int read_command(int dir, const char *name, char **ret)
{
    auto_done(buf_done) struct buf b = {0};
    int rc = fs_read_at(dir, "cmdline", 1 << 20, &b);
    for (size_t i = 0; rc >= 0 && i + 1 < b.len; i++)
        if (b.data[i] == '\0')
            b.data[i] = ' ';
    if (rc < 0 || b.len == 0)
        return asprintf(ret, "[%s]", name) < 0 ? -ENOMEM : 0;
    *ret = strdup(b.data);
    return *ret ? 0 : -ENOMEM;
}

static int read_process(pid_t pid, struct process *p)
{
    char path[32], name[64];
    struct stat_line stat;
    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    auto_fd int dir = fs_open_dir_at(AT_FDCWD, path);
    int rc = dir < 0 ? dir : read_stat(dir, &stat, name, sizeof(name));
    if (rc == 0)
        rc = read_uid(dir, p->uid, sizeof(p->uid));
    if (rc < 0)
        return rc;
    snprintf(p->pid, sizeof(p->pid), "%d", (int)pid);
    format_stat(&stat, p);
    return read_command(dir, name, &p->command);
}

static const struct mtd_summary *find_summary(const struct mtd_list *list, const char *id)
{
    for (size_t i = 0; i < list->len; i++)
        if (strcmp(list->items[i].id, id) == 0)
            return &list->items[i];
    return NULL;
}

struct sessions {
    struct mtd_exec_info *items;
    int n;
};

/* "EXEC" and its value before the last column; nothing when there are no sessions. */
static void format_session(const struct sessions *s, pid_t pid, char *out, size_t size)
{
    pid_t leader = getsid(pid);
    snprintf(out, size, s->n > 0 ? "-\t" : "");
    for (int i = 0; i < s->n; i++)
        if (s->items[i].pid == leader)
            snprintf(out, size, "%.*s\t", MTD_SHORT_ID_LEN, s->items[i].id);
}

static int add_process(pid_t pid, const struct sessions *sessions, struct buf *out)
{
    char session[16];
    struct process p = {0};
    auto_done(buf_done) struct buf command = {0};
    if (read_process(pid, &p) < 0)
        return 0; /* it exited in the meantime */
    format_session(sessions, pid, session, sizeof(session));
    int rc = print_visible(&command, p.command, strlen(p.command), "");
    if (rc == 0)
        rc = buf_printf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s%s\n", p.uid, p.pid, p.ppid,
                        p.cpu, p.started, p.terminal, p.time, session,
                        command.data ? command.data : "");
    free(p.command);
    return rc;
}

static int list_pids(struct cli *c, const char *ref, const char *id, pid_t **ret,
                     struct mtd_error *err)
{
    auto_done(mtd_list_done) struct mtd_list list = {0};
    int n = mtd_list(c->engine, &list, err);
    const struct mtd_summary *s = n < 0 ? NULL : find_summary(&list, id);
    if (n == 0 && (!s || !mtd_state_is_live(s->state)))
        return mtd_fail(err, EBUSY, "%.80s is not running; start it first", ref);
    return n < 0 ? n : mtd_pids(c->engine, s, ret, err);
}

/* Sessions are read first: their processes are then in the list, or have exited. */
static int list_processes(struct cli *c, const char *ref, struct buf *out,
                          struct mtd_error *err)
{
    char id[MTD_ID_SIZE];
    auto_free pid_t *pids = NULL;
    auto_free struct mtd_exec_info *execs = NULL;
    int n = mtd_resolve(c->engine, ref, id, err);
    struct sessions sessions = {.n = n < 0 ? 0 : mtd_execs(c->engine, id, &execs, NULL)};
    sessions.items = execs;
    n = n < 0 ? n : list_pids(c, ref, id, &pids, err);
    int rc = n < 0 ? n
                   : buf_printf(out, "UID\tPID\tPPID\tC\tSTIME\tTTY\tTIME\t%sCMD\n",
                                sessions.n > 0 ? "EXEC\t" : "");
    for (int i = 0; pids && i < n && rc == 0; i++)
        rc = add_process(pids[i], &sessions, out);
    return rc;
}

static int run_top(struct cli *c, void *values, const struct operands *o)
{
    struct mtd_error err = {0};
    auto_done(buf_done) struct buf text = {0}, aligned = {0};
    (void)values;
    int rc = list_processes(c, o->items[0], &text, &err);
    if (rc == 0)
        rc = table_align(text.data, text.len, &aligned);
    if (rc == 0)
        rc = print_out(&aligned, &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "%.80s", o->items[0]);
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

static int check_top(void *values, const struct operands *o, struct mtd_error *err)
{
    (void)values;
    if (o->len == 1)
        return 0;
    return mtd_fail(err, EOPNOTSUPP,
                    "\"%.60s\": ps options are not supported; the columns are those of "
                    "ps -ef",
                    o->items[1]);
}

const struct verb VERBS_TOP[] = {
    {.name = "top",
     .operands = "CONTAINER",
     .summary = "Show the processes of a container",
     .group = GROUP_QUERY,
     .flags = VERB_READ_ONLY,
     .options = {.stop_at_operand = true},
     .min = 1,
     .max = VERB_MANY,
     .check = check_top,
     .run = run_top},
    VERB_END,
};
