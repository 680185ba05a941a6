/* One function for each thing ps can say of a process, one table with its names. */

#include "cli/top_columns.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/print.h"

/* A column that is one printf. */
#define NUMBER(function, format, value)                               \
    static int function(const struct top_process *p, struct buf *out) \
    {                                                                 \
        return buf_printf(out, format, value);                        \
    }

NUMBER(add_pid, "%d", p->pid)
NUMBER(add_ppid, "%d", p->ppid)
NUMBER(add_pgid, "%d", p->pgid)
NUMBER(add_sid, "%d", p->sid)
NUMBER(add_tpgid, "%d", p->tpgid)
NUMBER(add_nice, "%d", p->nice)
NUMBER(add_threads, "%d", p->threads)
NUMBER(add_cpu_number, "%d", p->cpu)
NUMBER(add_uid, "%u", p->uid)
NUMBER(add_gid, "%u", p->gid)
NUMBER(add_vsize, "%llu", p->vsize / 1024)
NUMBER(add_pages, "%llu", p->vsize / (unsigned long long)sysconf(_SC_PAGESIZE))
NUMBER(add_rss, "%lld", (long long)(p->rss *sysconf(_SC_PAGESIZE) / 1024))
NUMBER(add_elapsed_seconds, "%lld", (long long)p->age)
NUMBER(add_state, "%c", p->state)
/* As ps -l has it: the kernel's 0..39 for ordinary processes, upside down. */
NUMBER(add_priority, "%d", 39 - p->priority)
NUMBER(add_long_priority, "%d", p->priority + 60)
/* Of the kernel's flags ps shows two: forked without exec, used root's powers. */
NUMBER(add_flags, "%llu", p->flags >> 6 & 7)
#undef NUMBER

static int add_dash(const struct top_process *p, struct buf *out)
{
    (void)p;
    return buf_puts(out, "-");
}

static int add_user(const struct top_process *p, struct buf *out)
{
    return p->uid ? add_uid(p, out) : buf_puts(out, "root");
}

static int add_group(const struct top_process *p, struct buf *out)
{
    return p->gid ? add_gid(p, out) : buf_puts(out, "root");
}

static int add_command(const struct top_process *p, struct buf *out)
{
    return print_visible(out, p->command, strlen(p->command), "");
}

static int add_name(const struct top_process *p, struct buf *out)
{
    int rc = print_visible(out, p->name, strlen(p->name), "");
    return rc == 0 && p->state == 'Z' ? buf_puts(out, " <defunct>") : rc;
}

static unsigned long long cpu_seconds(const struct top_process *p)
{
    return p->cpu_ticks / (unsigned long long)sysconf(_SC_CLK_TCK);
}

/* Of the time since it began, in tenths of a percent. */
static unsigned long long cpu_share(const struct top_process *p)
{
    unsigned long long hz = (unsigned long long)sysconf(_SC_CLK_TCK);
    return p->age > 0 ? p->cpu_ticks * 1000 / hz / (unsigned long long)p->age : 0;
}

static int add_c(const struct top_process *p, struct buf *out)
{
    return buf_printf(out, "%llu", cpu_share(p) / 10);
}

static int add_cpu_percent(const struct top_process *p, struct buf *out)
{
    return buf_printf(out, "%llu.%llu", cpu_share(p) / 10, cpu_share(p) % 10);
}

static int add_memory_percent(const struct top_process *p, struct buf *out)
{
    struct sysinfo host;
    unsigned long long tenths = 0;
    if (sysinfo(&host) == 0 && host.totalram)
        tenths = (unsigned long long)p->rss * (unsigned long long)sysconf(_SC_PAGESIZE) *
                 1000 / ((unsigned long long)host.totalram * host.mem_unit);
    return buf_printf(out, "%llu.%llu", tenths / 10, tenths % 10);
}

static int add_time(const struct top_process *p, struct buf *out)
{
    unsigned long long used = cpu_seconds(p);
    return buf_printf(out, "%02llu:%02llu:%02llu", used / 3600, used / 60 % 60,
                      used % 60);
}

static int add_short_time(const struct top_process *p, struct buf *out)
{
    unsigned long long used = cpu_seconds(p);
    return buf_printf(out, "%llu:%02llu", used / 60, used % 60);
}

/* [[DD-]hh:]mm:ss */
static int add_elapsed(const struct top_process *p, struct buf *out)
{
    long long t = p->age, hours = t / 3600 % 24;
    int rc = 0;
    if (t >= 86400)
        rc = buf_printf(out, "%lld-", t / 86400);
    if (rc == 0 && t >= 3600)
        rc = buf_printf(out, "%02lld:", hours);
    return rc < 0 ? rc : buf_printf(out, "%02lld:%02lld", t / 60 % 60, t % 60);
}

/* Kernel admin-guide/devices.txt: majors 136..143 are pts; 4:1..63 are the consoles. */
static int add_terminal(const struct top_process *p, struct buf *out)
{
    unsigned tty = (unsigned)p->tty, major = (tty >> 8) & 0xfff;
    unsigned minor = (tty & 0xff) | ((tty >> 12) & 0xfff00);
    if (major >= 136 && major <= 143)
        return buf_printf(out, "pts/%u", minor + (major - 136) * 256);
    if (major == 4 && minor < 64)
        return buf_printf(out, "tty%u", minor);
    return buf_puts(out, "?");
}

/* Whether that was today. */
static bool read_start(const struct top_process *p, struct tm *ret)
{
    time_t when = (time_t)(p->started_at / NS_PER_SEC), now = time(NULL);
    struct tm today;
    localtime_r(&when, ret);
    localtime_r(&now, &today);
    return ret->tm_year == today.tm_year && ret->tm_yday == today.tm_yday;
}

static int add_started(const struct top_process *p, struct buf *out)
{
    char text[32];
    struct tm tm;
    bool today = read_start(p, &tm);
    strftime(text, sizeof(text), today ? "%H:%M:%S" : "%b %d", &tm);
    return buf_puts(out, text);
}

static int add_start_time(const struct top_process *p, struct buf *out)
{
    char text[32];
    struct tm tm;
    bool today = read_start(p, &tm);
    strftime(text, sizeof(text), today ? "%H:%M" : "%b%d", &tm);
    return buf_puts(out, text);
}

static int add_long_start(const struct top_process *p, struct buf *out)
{
    char text[32];
    struct tm tm;
    read_start(p, &tm);
    strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &tm);
    return buf_puts(out, text);
}

/* ps(1) "PROCESS STATE CODES". */
static int add_states(const struct top_process *p, struct buf *out)
{
    return buf_printf(out, "%c%s%s%s%s%s", p->state,
                      p->nice < 0   ? "<"
                      : p->nice > 0 ? "N"
                                    : "",
                      p->locked ? "L" : "", p->sid == p->pid ? "s" : "",
                      p->threads > 1 ? "l" : "", p->tpgid == p->pgid ? "+" : "");
}

static const struct named_column {
    const char *names; /* with a blank before and after each */
    struct top_column column;
} COLUMNS[] = {
    {" pid tgid ", {"PID", add_pid}},
    {" ppid ", {"PPID", add_ppid}},
    {" pgid pgrp ", {"PGID", add_pgid}},
    {" sid ", {"SID", add_sid}},
    {" sess session ", {"SESS", add_sid}},
    {" tpgid ", {"TPGID", add_tpgid}},
    {" uid euid ", {"UID", add_uid}},
    {" gid egid ", {"GID", add_gid}},
    {" user ", {"USER", add_user}},
    {" euser uname ", {"EUSER", add_user}},
    {" group ", {"GROUP", add_group}},
    {" egroup ", {"EGROUP", add_group}},
    {" comm ucmd ucomm ", {"COMMAND", add_name}},
    {" args command ", {"COMMAND", add_command}},
    {" cmd ", {"CMD", add_command}},
    {" pcpu %cpu ", {"%CPU", add_cpu_percent}},
    {" pmem %mem ", {"%MEM", add_memory_percent}},
    {" c ", {"C", add_c}},
    {" rss rssize rsz ", {"RSS", add_rss}},
    {" vsz vsize ", {"VSZ", add_vsize}},
    {" sz ", {"SZ", add_pages}},
    {" stat ", {"STAT", add_states}},
    {" s state ", {"S", add_state}},
    {" tty tt ", {"TT", add_terminal}},
    {" tname ", {"TTY", add_terminal}},
    {" time cputime ", {"TIME", add_time}},
    {" bsdtime ", {"TIME", add_short_time}},
    {" etime ", {"ELAPSED", add_elapsed}},
    {" etimes ", {"ELAPSED", add_elapsed_seconds}},
    {" start ", {"STARTED", add_started}},
    {" start_time ", {"START", add_start_time}},
    {" stime ", {"STIME", add_start_time}},
    {" lstart ", {"STARTED", add_long_start}},
    {" nice ni ", {"NI", add_nice}},
    {" pri ", {"PRI", add_priority}},
    {" opri ", {"PRI", add_long_priority}},
    {" nlwp thcount ", {"NLWP", add_threads}},
    {" psr ", {"PSR", add_cpu_number}},
    {" f flag flags ", {"F", add_flags}},
    {" addr ", {"ADDR", add_dash}},
    {" wchan ", {"WCHAN", add_dash}},
};

const struct top_column *top_column_find(const char *name, size_t len)
{
    char padded[32];
    if (len == 0 || len > sizeof(padded) - 3 || memchr(name, ' ', len))
        return NULL;
    snprintf(padded, sizeof(padded), " %.*s ", (int)len, name);
    for (size_t i = 0; i < ARRAY_SIZE(COLUMNS); i++)
        if (strstr(COLUMNS[i].names, padded))
            return &COLUMNS[i].column;
    return NULL;
}
