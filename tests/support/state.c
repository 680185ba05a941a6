#include "state.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"

#define ARGS_MAX 64
#define WAIT_NS (PATIENCE_S * NS_PER_SEC)

bool is_root(void)
{
    if (geteuid() == 0)
        return true;
    fprintf(stderr, "[SKIP] needs root\n");
    return false;
}

bool program_is_static(void)
{
    char head[4096];
    auto_fd int fd = open(MTD_PROGRAM, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));
    if (n > 0 && !memmem(head, (size_t)n, "/ld-linux", 9))
        return true;
    fprintf(stderr, "[SKIP] the program is not static\n");
    return false;
}

static void pause_a_little(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 5 * NS_PER_MS}, NULL);
}

static int64_t stalled_ns(const char *path)
{
    auto_file FILE *f = fopen(path, "re");
    long long us = 0;
    if (f && fscanf(f, "some avg10=%*f avg60=%*f avg300=%*f total=%lld", &us) != 1)
        us = 0;
    return us * 1000;
}

int64_t state_idle_ns(void)
{
    return clock_mono_ns() - stalled_ns("/proc/pressure/cpu") -
           stalled_ns("/proc/pressure/io");
}

bool state_until(bool (*condition)(void *), void *arg)
{
    for (int64_t end = clock_mono_ns() + WAIT_NS; clock_mono_ns() < end; pause_a_little())
        if (condition(arg))
            return true;
    return condition(arg);
}

void state_make(struct state *s)
{
    s->fault = NULL;
    s->without = NULL;
    tempdir_make(&s->dir);
    tempdir_configure(s->dir.path, "");
}

/* pidfd: more than one namespace, which only a pidfd can join at once. */
static int forbid(scmp_filter_ctx filter, const char *name)
{
    static const unsigned MNT_AND_PID = CLONE_NEWNS | CLONE_NEWPID;
    uint32_t invalid = SCMP_ACT_ERRNO(EINVAL);
    if (strcmp(name, "setns.pidfd") == 0)
        return seccomp_rule_add(filter, invalid, SCMP_SYS(setns), 1,
                                SCMP_A1(SCMP_CMP_MASKED_EQ, MNT_AND_PID, MNT_AND_PID));
    if (strcmp(name, "close_range.cloexec") == 0)
        return seccomp_rule_add(filter, invalid, SCMP_SYS(close_range), 1,
                                SCMP_A2(SCMP_CMP_NE, 0));
    if (strcmp(name, "socket.netfilter") == 0)
        return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPROTONOSUPPORT), SCMP_SYS(socket),
                                2, SCMP_A0(SCMP_CMP_EQ, AF_NETLINK),
                                SCMP_A2(SCMP_CMP_EQ, NETLINK_NETFILTER));
    int call = seccomp_syscall_resolve_name(name);
    return call < 0 ? call : seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), call, 0);
}

/* In the child: applies to the program it execs and to all processes started from
 * there. */
static void age_kernel(const char *without)
{
    char names[256];
    char *save = NULL;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    snprintf(names, sizeof(names), "%s", without);
    if (seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0) < 0)
        _exit(98);
    for (char *n = strtok_r(names, ",", &save); n; n = strtok_r(NULL, ",", &save))
        if (forbid(filter, n) < 0)
            _exit(98);
    if (seccomp_load(filter) < 0)
        _exit(98);
}

static void become(const struct state *s, const char *const args[])
{
    char root[128], run[128];
    const char *argv[ARGS_MAX] = {MTD_PROGRAM,  "--root", root,
                                  "--run-root", run,      "--batch"};
    size_t n = 6;
    snprintf(root, sizeof(root), "%s/root", s->dir.path);
    snprintf(run, sizeof(run), "%s/run", s->dir.path);
    for (size_t i = 0; args[i] && n < ARGS_MAX - 1; i++)
        argv[n++] = args[i];
    argv[n] = NULL;
    if (s->fault)
        setenv("MTD_FAULT", s->fault, 1);
    else
        unsetenv("MTD_FAULT");
    if (s->without)
        age_kernel(s->without);
    execv(MTD_PROGRAM, (char *const *)argv);
    _exit(99);
}

static int decode(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int state_reap(pid_t pid)
{
    int status = 0;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return decode(status);
}

pid_t state_spawn_on(const struct state *s, const int fds[3], const char *const args[])
{
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        for (int i = 0; i < 3; i++)
            dup2(fds[i], i);
        become(s, args);
    }
    return pid;
}

pid_t state_spawn(const struct state *s, const char *const args[])
{
    auto_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    return state_spawn_on(s, (const int[]){null, null, null}, args);
}

struct running state_begin_from(const struct state *s, int in, const char *const args[])
{
    struct running r = {.out = memfd_create("out", MFD_CLOEXEC),
                        .err = memfd_create("err", MFD_CLOEXEC)};
    cr_assert(r.out >= 0 && r.err >= 0);
    r.pid = state_spawn_on(s, (const int[]){in, r.out, r.err}, args);
    return r;
}

struct running state_begin(const struct state *s, const char *const args[])
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct running r = state_begin_from(s, null, args);
    close(null);
    return r;
}

static char *read_memory(int fd, size_t *ret_len)
{
    struct stat st;
    cr_assert_eq(fstat(fd, &st), 0);
    char *text = calloc(1, (size_t)st.st_size + 1);
    ssize_t n = text ? pread(fd, text, (size_t)st.st_size, 0) : -1;
    cr_assert_geq(n, 0);
    *ret_len = (size_t)n;
    return text;
}

struct outcome state_end(struct running *r)
{
    struct outcome o = {.status = state_reap(r->pid)};
    o.out = read_memory(r->out, &o.out_len);
    o.err = read_memory(r->err, &o.err_len);
    close(r->out);
    close(r->err);
    return o;
}

struct said {
    int fd;
    const char *text;
};

static bool is_said(void *arg)
{
    const struct said *w = arg;
    size_t len;
    auto_free char *text = read_memory(w->fd, &len);
    return strstr(text, w->text);
}

bool running_has_said(int stream_fd, const char *text)
{
    return is_said(&(struct said){stream_fd, text});
}

bool running_says(int stream_fd, const char *text)
{
    struct said w = {stream_fd, text};
    return state_until(is_said, &w);
}

struct streams {
    int in, out, err;
    const char *input;
    size_t left;
    struct buf text[2];
};

static void feed(struct streams *f)
{
    ssize_t n = f->left ? write(f->in, f->input, f->left) : 0;
    if (n > 0) {
        f->input += n;
        f->left -= (size_t)n;
    }
    if (f->left == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        close(f->in);
        f->in = -1;
    }
}

static void take(int *fd, struct buf *text)
{
    char room[65536];
    ssize_t n = read(*fd, room, sizeof(room));
    if (n > 0) {
        cr_assert_eq(buf_add(text, room, (size_t)n), 0);
        return;
    }
    close(*fd);
    *fd = -1;
}

static void exchange(struct streams *f)
{
    while (f->out >= 0 || f->err >= 0) {
        struct pollfd p[3] = {
            {f->in, POLLOUT, 0}, {f->out, POLLIN, 0}, {f->err, POLLIN, 0}};
        if (poll(p, 3, -1) < 0)
            continue;
        if (p[0].revents)
            feed(f);
        if (p[1].revents)
            take(&f->out, &f->text[0]);
        if (p[2].revents)
            take(&f->err, &f->text[1]);
    }
    if (f->in >= 0)
        close(f->in);
}

struct outcome state_run_input(const struct state *s, const void *input, size_t len,
                               const char *const args[])
{
    int in[2], out[2], err[2];
    cr_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 &&
              pipe2(err, O_CLOEXEC) == 0);
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        int null = open("/dev/null", O_RDONLY);
        dup2(input ? in[0] : null, 0);
        dup2(out[1], 1);
        dup2(err[1], 2);
        become(s, args);
    }
    close(in[0]);
    close(out[1]);
    close(err[1]);
    fcntl(in[1], F_SETFL, O_NONBLOCK);
    struct streams f = {
        .in = in[1], .out = out[0], .err = err[0], .input = input, .left = len};
    exchange(&f);
    struct outcome o = {.status = state_reap(pid)};
    o.out_len = f.text[0].len;
    o.err_len = f.text[1].len;
    o.out = buf_take(&f.text[0]);
    o.err = buf_take(&f.text[1]);
    return o;
}

void outcome_done(struct outcome *o)
{
    free(o->out);
    free(o->err);
    *o = (struct outcome){0};
}

char *state_ask(const struct state *s, const char *const args[])
{
    struct outcome o = state_run_input(s, NULL, 0, args);
    cr_assert_eq(o.status, 0, "%s: status %d: %s", args[0], o.status, o.err);
    if (o.out_len > 0 && o.out[o.out_len - 1] == '\n')
        o.out[o.out_len - 1] = '\0';
    free(o.err);
    return o.out;
}

/* ---- what is left ------------------------------------------------------------------ */

static char said[1024];

static bool say(const char *what, const char *which)
{
    snprintf(said, sizeof(said), "%s: %s", what, which);
    return true;
}

static bool file_mentions(const char *path, const char *word)
{
    auto_file FILE *f = fopen(path, "re");
    auto_free char *line = NULL;
    size_t cap = 0;
    while (f && getdelim(&line, &cap, '\n', f) >= 0)
        if (strstr(line, word))
            return say(path, line);
    return false;
}

/* Arguments are NUL-separated; a dead process has none. */
static bool process_of(const char *pid, const char *word)
{
    char path[64], text[8192];
    snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    for (ssize_t i = 0; i < n; i++)
        if (text[i] == '\0')
            text[i] = ' ';
    text[n < 0 ? 0 : n] = '\0';
    return n > 0 && strstr(text, word) ? say("process", text) : false;
}

static bool any_process(const struct state *s)
{
    auto_dir DIR *d = opendir("/proc");
    for (struct dirent *de; d && (de = readdir(d));)
        if (de->d_name[0] >= '0' && de->d_name[0] <= '9' &&
            atol(de->d_name) != getpid() && process_of(de->d_name, s->dir.path))
            return true;
    return false;
}

static bool is_it(const struct state *s, const char *pid, const char *word)
{
    return pid[0] >= '0' && pid[0] <= '9' && process_of(pid, s->dir.path) &&
           process_of(pid, word);
}

static bool is_its_child(const struct state *s, const char *pid, const char *word)
{
    char path[64], parent[16] = "";
    snprintf(path, sizeof(path), "/proc/%s/stat", pid);
    auto_file FILE *f = fopen(path, "re");
    return f && fscanf(f, "%*d (%*[^)]) %*c %15s", parent) == 1 && is_it(s, parent, word);
}

void state_let_go(const struct state *s, const char *container)
{
    struct outcome o = RUN(s, "exec", container, "touch", "/go");
    outcome_done(&o);
}

pid_t state_find(const struct state *s, const char *word)
{
    auto_dir DIR *d = opendir("/proc");
    for (struct dirent *de; d && (de = readdir(d));)
        if (is_it(s, de->d_name, word) && !is_its_child(s, de->d_name, word))
            return (pid_t)atol(de->d_name);
    return 0;
}

pid_t state_child(pid_t pid)
{
    char path[64];
    int child = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    auto_file FILE *f = fopen(path, "re");
    return f && fscanf(f, "%d", &child) == 1 ? child : 0;
}

static bool mounts_it(const char *pid, const char *word)
{
    char path[280];
    bool found = false;
    auto_free char *line = NULL;
    size_t cap = 0;
    snprintf(path, sizeof(path), "/proc/%s/mountinfo", pid);
    auto_file FILE *f = fopen(path, "re");
    while (f && !found && getline(&line, &cap, f) >= 0)
        found = strstr(line, word) != NULL;
    return found;
}

pid_t state_find_build(const struct state *s)
{
    char word[128];
    snprintf(word, sizeof(word), "%s/root/build/storage /build/storage ",
             strrchr(s->dir.path, '/'));
    auto_dir DIR *d = opendir("/proc");
    for (struct dirent *de; d && (de = readdir(d));)
        if (de->d_name[0] >= '0' && de->d_name[0] <= '9' && mounts_it(de->d_name, word))
            return (pid_t)atol(de->d_name);
    return 0;
}

static bool any_group(const char *id)
{
    auto_file FILE *f = fopen("/proc/self/mounts", "re");
    auto_free char *line = NULL;
    size_t cap = 0;
    while (f && getline(&line, &cap, f) >= 0) {
        char type[32], at[512], path[1024];
        struct stat st;
        if (sscanf(line, "%*s %511s %31s", at, type) != 2 ||
            strncmp(type, "cgroup", 6) != 0)
            continue;
        snprintf(path, sizeof(path), "%s/mytop-docker/%s", at, id);
        if (stat(path, &st) == 0)
            return say("cgroup", path);
    }
    return false;
}

static bool any_group_ever(const struct state *s)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/root/events.log", s->dir.path);
    auto_file FILE *f = fopen(path, "re");
    auto_free char *line = NULL;
    size_t cap = 0;
    while (f && getline(&line, &cap, f) >= 0) {
        char id[65];
        const char *at = strstr(line, "\"id\":\"");
        if (at && sscanf(at + 6, "%64[0-9a-f]", id) == 1 && any_group(id))
            return true;
    }
    return false;
}

/* But the file of store/alive.h, and the directory of the networks, which stay. */
static bool any_entry(const struct state *s, const char *name)
{
    bool run = strcmp(name, "run") == 0;
    int stays = (run && faccessat(s->dir.fd, "run/alive", F_OK, 0) == 0) +
                (run && faccessat(s->dir.fd, "run/net", F_OK, 0) == 0);
    int n = tempdir_count(s->dir.fd, name) - stays;
    char text[64];
    snprintf(text, sizeof(text), "%d entries", n);
    return n > 0 ? say(name, text) : false;
}

static bool anything(const struct state *s, bool keep_containers)
{
    said[0] = '\0';
    if (any_process(s) || any_group_ever(s) || any_entry(s, "run") ||
        any_entry(s, "root/trash") || file_mentions("/proc/self/mountinfo", s->dir.path))
        return true;
    return !keep_containers &&
           (any_entry(s, "root/containers") || any_entry(s, "root/names") ||
            any_entry(s, "root/userns"));
}

const char *state_leftovers(const struct state *s, bool keep_containers)
{
    for (int64_t end = clock_mono_ns() + WAIT_NS / 2;
         anything(s, keep_containers) && clock_mono_ns() < end;)
        pause_a_little();
    return said;
}

/* The sanitizers' reports about monitors, whose stderr is /dev/null. */
static void expect_no_reports(const struct state *s)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/root", s->dir.path);
    auto_dir DIR *d = opendir(path);
    for (struct dirent *de; d && (de = readdir(d));) {
        auto_done(buf_done) struct buf text = {0};
        if (strncmp(de->d_name, "sanitizer.", 10) != 0)
            continue;
        fs_read_at(dirfd(d), de->d_name, 1 << 20, &text);
        cr_expect(0, "%s: %s", de->d_name, text.data ? text.data : "");
    }
}

void state_done(struct state *s)
{
    s->fault = NULL;
    s->without = NULL;
    struct outcome ids = RUN(s, "ps", "-aq");
    char *save = NULL;
    for (char *id = strtok_r(ids.out, "\n", &save); id;
         id = strtok_r(NULL, "\n", &save)) {
        struct outcome o = RUN(s, "rm", "-f", id);
        outcome_done(&o);
    }
    outcome_done(&ids);
    const char *left = state_leftovers(s, false);
    char copy[1024];
    snprintf(copy, sizeof(copy), "%s", left);
    expect_no_reports(s);
    tempdir_done(&s->dir);
    cr_assert_str_empty(copy, "left behind: %s", copy);
}
