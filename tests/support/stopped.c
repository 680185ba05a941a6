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

/* Pid 1 of a namespace cannot stop itself: it waits for SIGCONT. */
static bool is_stopped(pid_t pid)
{
    char state, call[64];
    pid_t parent;
    if (look_at(pid, &state, &parent) && state == 'T')
        return true;
    return read_first_line(pid, "syscall", call, sizeof(call)) &&
           strtol(call, NULL, 10) == SYS_rt_sigtimedwait;
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
        if (pid > 0 && is_below(pid, s->front) && is_stopped(pid))
            s->found = pid;
    }
    return s->found > 0;
}

pid_t stopped_await(pid_t front)
{
    struct search s = {.front = front};
    state_until(find, &s);
    return s.found;
}
