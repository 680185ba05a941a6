#include "stopped.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/cleanup.h"
#include "state.h"

struct search {
    pid_t front, found;
    long call; /* -1 = stopped */
    bool below;
};

static bool read_first_line(pid_t pid, const char *file, char *text, int size)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    auto_file FILE *f = fopen(path, "re");
    return f && fgets(text, size, f);
}

/* Its state's letter and its parent; the name before may hold anything. */
static bool look_at(pid_t pid, char *ret_state, pid_t *ret_parent)
{
    char text[512];
    const char *end =
        read_first_line(pid, "stat", text, sizeof(text)) ? strrchr(text, ')') : NULL;
    return end && sscanf(end, ") %c %d", ret_state, ret_parent) == 2;
}

static bool is_in(pid_t pid, long call)
{
    char text[64], *end;
    if (!read_first_line(pid, "syscall", text, sizeof(text)))
        return false;
    long now = strtol(text, &end, 10);
    return end > text && now == call; /* else "running" */
}

/* Pid 1 of a namespace cannot stop itself: it waits for SIGCONT. */
bool stopped_now(pid_t pid)
{
    char state;
    pid_t parent;
    return (look_at(pid, &state, &parent) && state == 'T') ||
           is_in(pid, SYS_rt_sigtimedwait);
}

static bool is_below(pid_t pid, pid_t front)
{
    char state;
    while (pid > 1 && pid != front)
        if (!look_at(pid, &state, &pid))
            return false;
    return pid == front;
}

static bool find(void *arg)
{
    struct search *s = arg;
    auto_dir DIR *d = opendir("/proc");
    for (struct dirent *e; d && !s->found && (e = readdir(d));) {
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);
        if (pid > 0 && !(s->below && pid == s->front) && is_below(pid, s->front) &&
            (s->call < 0 ? stopped_now(pid) : is_in(pid, s->call)))
            s->found = pid;
    }
    return s->found > 0;
}

pid_t stopped_await(pid_t front)
{
    struct search s = {.front = front, .call = -1};
    state_until(find, &s);
    return s.found;
}

bool stopped_in(pid_t front, long call)
{
    struct search s = {.front = front, .call = call};
    return find(&s);
}

bool stopped_below(pid_t front, long call)
{
    struct search s = {.front = front, .call = call, .below = true};
    return find(&s);
}
