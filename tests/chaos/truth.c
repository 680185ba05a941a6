/* What the program says against what the kernel shows. Nothing of the program's own code is
 * used for it: /proc and the cgroup trees are read here anew. */

#include "storm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define ID_LEN 64
#define PATIENCE_NS (30 * NS_PER_SEC) /* for what is just changing */

static size_t read_small(const char *path, char *text, size_t size)
{
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, size - 1);
    n = n < 0 ? 0 : n;
    text[n] = '\0';
    return (size_t)n;
}

void arguments_of(pid_t pid, char *text, size_t size)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    size_t n = read_small(path, text, size);
    for (size_t i = 0; i < n; i++)
        if (text[i] == '\0')
            text[i] = ' ';
}

void each_process(bool (*f)(pid_t pid, void *arg), void *arg)
{
    auto_dir DIR *d = opendir("/proc");
    for (const struct dirent *e; d && (e = readdir(d));) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
        if (pid > 1 && pid != getpid() && f(pid, arg))
            return;
    }
}

/* ---- states ------------------------------------------------------------------------------- */

struct member {
    const char *id;
    unsigned n; /* living processes in the container's groups */
};

static bool is_alive(pid_t pid)
{
    char path[64], text[512];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    const char *end = read_small(path, text, sizeof(text)) ? strrchr(text, ')') : NULL;
    return end && end[1] == ' ' && end[2] != 'Z' && end[2] != 'X';
}

static bool is_member(pid_t pid, const char *id)
{
    char path[64], text[8192];
    snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
    return read_small(path, text, sizeof(text)) && strstr(text, id);
}

static bool count_member(pid_t pid, void *arg)
{
    struct member *m = arg;
    m->n += is_member(pid, m->id) && is_alive(pid);
    return false;
}

/* The state in one line: id state pid monitor. */
static bool ask_state(const struct storm *s, const char *id, char state[32], long *pid,
                      long *monitor)
{
    auto_done(buf_done) struct buf b = {0};
    *pid = *monitor = 0;
    return ASK(s, &b, "inspect", "--format",
               "{{.State.Status}} {{.State.Pid}} {{.MonitorPid}}", id) == 0 &&
           b.data && sscanf(b.data, "%31s %ld %ld", state, pid, monitor) >= 2;
}

static const char *judge(const char *id, const char *state, long pid, long monitor)
{
    struct member m = {.id = id};
    char args[4096] = "";
    bool live = strcmp(state, "running") == 0 || strcmp(state, "paused") == 0;
    each_process(count_member, &m);
    if (live && (pid <= 1 || !is_alive((pid_t)pid) || !is_member((pid_t)pid, id)))
        return "is said to live, and is dead";
    if (!live && strcmp(state, "restarting") != 0 && m.n > 0)
        return "is said to be dead, and has processes";
    if (monitor > 1)
        arguments_of((pid_t)monitor, args, sizeof(args));
    if (live && !strstr(args, id))
        return "has no monitor";
    return NULL;
}

/* True = a lie, told again after a while. */
static bool tells_a_lie(const struct storm *s, const char *id)
{
    const char *why = NULL;
    char state[32] = "";
    long pid = 0, monitor = 0;
    for (int64_t end = clock_mono_ns() + PATIENCE_NS; clock_mono_ns() < end;) {
        why = ask_state(s, id, state, &pid, &monitor) ? judge(id, state, pid, monitor)
                                                      : "cannot be inspected";
        if (!why)
            return false;
        if (faccessat(AT_FDCWD, s->root, F_OK, 0) < 0)
            break;
        nanosleep(&(struct timespec){.tv_nsec = 200 * NS_PER_MS}, NULL);
    }
    printf("lie: %.12s %s (state %s, pid %ld, monitor %ld)\n", id, why, state, pid,
           monitor);
    return true;
}

/* --rm containers may go while we look. */
static bool is_listed(const struct storm *s, const char *id)
{
    char path[192];
    snprintf(path, sizeof(path), "%s/containers/%s", s->root, id);
    return access(path, F_OK) == 0;
}

/* A container that restarts may disagree for a moment; what stays is told. */
static bool check_agrees(const struct storm *s)
{
    auto_done(buf_done) struct buf said = {0};
    for (int64_t end = clock_mono_ns() + PATIENCE_NS; clock_mono_ns() < end;) {
        said.len = 0;
        if (ASK(s, &said, "system", "check") == 0)
            return true;
        if (getenv("STORM_VERBOSE"))
            printf("check: %s", said.data ? said.data : "");
        nanosleep(&(struct timespec){.tv_nsec = 200 * NS_PER_MS}, NULL);
    }
    printf("lie: system check: %s", said.data ? said.data : "\n");
    return false;
}

unsigned truth_of_states(struct storm *s)
{
    auto_done(buf_done) struct buf ids = {0};
    char *save = NULL;
    unsigned lies = 0;
    ASK(s, &ids, "ps", "-aq", "--no-trunc");
    for (char *id = ids.data ? strtok_r(ids.data, "\n", &save) : NULL; id;
         id = strtok_r(NULL, "\n", &save))
        if (is_listed(s, id) && tells_a_lie(s, id) && is_listed(s, id))
            lies++;
    if (!check_agrees(s))
        lies++;
    return lies;
}

/* ---- what is left ------------------------------------------------------------------------- */

static char **walked;
static size_t n_walked, skip_prefix;

/* Files that may change their size or come and go by themselves; the builds' cache stays. */
static bool is_free(const char *path)
{
    static const char *const NAMES[] = {"/events.log", "/events.log.1", "/summaries",
                                        "/volumes"};
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
        if (strcmp(path, NAMES[i]) == 0)
            return true;
    return strncmp(path, "/build", 6) == 0;
}

static int note_path(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    char **more = is_free(path + skip_prefix)
                      ? NULL
                      : reallocarray(walked, n_walked + 1, sizeof(*walked));
    if (more) {
        walked = more;
        walked[n_walked++] = strdup(path + skip_prefix);
    }
    return 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void walk(const char *root)
{
    walked = NULL;
    n_walked = 0;
    skip_prefix = strlen(root);
    nftw(root, note_path, 16, FTW_PHYS);
    if (walked)
        qsort(walked, n_walked, sizeof(*walked), by_text);
}

void truth_remember(struct storm *s)
{
    walk(s->root);
    s->before = walked;
    s->n_before = n_walked;
}

static unsigned leaked_files(struct storm *s)
{
    unsigned leaks = 0;
    walk(s->root);
    for (size_t i = 0; i < n_walked; i++) {
        if (!bsearch(&walked[i], s->before, s->n_before, sizeof(char *), by_text)) {
            if (leaks++ < 10)
                printf("leak: %s%s\n", s->root, walked[i]);
        }
        free(walked[i]);
    }
    free(walked);
    walk(s->run);
    for (size_t i = 1; i < n_walked; i++) { /* alive is the run root's own */
        if (strcmp(walked[i], "/alive") == 0 || strncmp(walked[i], "/net", 4) == 0)
            continue; /* networks.c looks into the latter */
        leaks++;
        printf("leak: %s%s\n", s->run, walked[i]);
    }
    return leaks;
}

static unsigned leaked_mounts(const struct storm *s)
{
    auto_file FILE *f = fopen("/proc/self/mountinfo", "re");
    auto_free char *line = NULL;
    size_t cap = 0;
    unsigned leaks = 0;
    while (f && getline(&line, &cap, f) >= 0)
        if (strstr(line, s->dir)) {
            printf("leak: mount %s", line);
            leaks++;
        }
    return leaks;
}

struct leaked {
    const struct storm *s;
    unsigned n;
    bool quiet;
};

static bool check_process(pid_t pid, void *arg)
{
    struct leaked *l = arg;
    char args[4096];
    arguments_of(pid, args, sizeof(args));
    if (!strstr(args, l->s->dir) || !is_alive(pid))
        return false;
    if (!l->quiet)
        printf("leak: process %d %s\n", (int)pid, args);
    l->n++;
    return false;
}

/* A process may be ending: it gets a moment. */
static unsigned leaked_processes(const struct storm *s)
{
    struct leaked l = {.s = s, .quiet = true};
    for (int64_t end = clock_mono_ns() + PATIENCE_NS; clock_mono_ns() < end;) {
        l.n = 0;
        each_process(check_process, &l);
        if (l.n == 0)
            return 0;
        nanosleep(&(struct timespec){.tv_nsec = 100 * NS_PER_MS}, NULL);
    }
    l = (struct leaked){.s = s};
    each_process(check_process, &l);
    return l.n;
}

static unsigned check_group(const char *mount_point, const char *id)
{
    char path[1024];
    struct stat st;
    snprintf(path, sizeof(path), "%s/mytop-docker/%s", mount_point, id);
    if (stat(path, &st) < 0)
        return 0;
    printf("leak: cgroup %s\n", path);
    return 1;
}

static unsigned groups_of(const char *id)
{
    auto_file FILE *f = fopen("/proc/self/mounts", "re");
    auto_free char *line = NULL;
    size_t cap = 0;
    unsigned leaks = 0;
    while (f && getline(&line, &cap, f) >= 0) {
        char at[512], type[32];
        if (sscanf(line, "%*s %511s %31s", at, type) == 2 &&
            strncmp(type, "cgroup", 6) == 0)
            leaks += check_group(at, id);
    }
    return leaks;
}

/* events.log knows every container there ever was. */
static unsigned leaked_groups(const struct storm *s)
{
    unsigned leaks = 0;
    for (int i = 0; i < 2; i++) {
        char path[128], last[ID_LEN + 1] = "", id[ID_LEN + 1];
        snprintf(path, sizeof(path), "%s/events.log%s", s->root, i ? ".1" : "");
        auto_file FILE *f = fopen(path, "re");
        auto_free char *line = NULL;
        size_t cap = 0;
        while (f && getline(&line, &cap, f) >= 0) {
            const char *at =
                strstr(line, "\"action\":\"create\"") ? strstr(line, "\"id\":\"") : NULL;
            if (!at || sscanf(at + 6, "%64[0-9a-f]", id) != 1 || strcmp(id, last) == 0)
                continue;
            leaks += groups_of(id);
            memcpy(last, id, sizeof(last));
        }
    }
    return leaks;
}

unsigned truth_of_leftovers(struct storm *s)
{
    unsigned leaks = leaked_processes(s);
    return leaks + leaked_files(s) + leaked_mounts(s) + leaked_groups(s);
}
