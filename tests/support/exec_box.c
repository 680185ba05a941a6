#include "exec_box.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "state.h"
#include "tempdir.h"

#define PATIENCE_MS (PATIENCE_S * 1000)
#define HANG_MS 50000
#define MAX_ARGS 32

static char dir[64], root[80], run[80];

const char *box_home(void)
{
    return dir;
}

void box_become(const char *const args[])
{
    const char *argv[MAX_ARGS] = {MTD_PROGRAM,  "--root", root,
                                  "--run-root", run,      "--batch"};
    size_t n = 6;
    for (size_t i = 0; args[i] && n < MAX_ARGS - 1; i++)
        argv[n++] = args[i];
    execv(MTD_PROGRAM, (char *const *)argv);
    _exit(99);
}

/* One end each; the child's go onto 0, 1, 2. */
struct pipes {
    int in[2], out[2], err[2];
};

static pid_t start(const struct pipes *p, const char *const args[])
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    dup2(p->in[0], 0);
    dup2(p->out[1], 1);
    dup2(p->err[1], 2);
    box_become(args);
}

static size_t take(int *fd, char *data, size_t len, size_t size)
{
    ssize_t n = read(*fd, data + len, size - len - 1);
    if (n <= 0) {
        close(*fd);
        *fd = -1;
        return len;
    }
    data[len + (size_t)n] = '\0';
    return len + (size_t)n;
}

static void feed(int *fd, const char **input, size_t *len)
{
    ssize_t n = *len ? write(*fd, *input, *len > 4096 ? 4096 : *len) : 0;
    if (n > 0) {
        *input += n;
        *len -= (size_t)n;
    }
    if (n < 0 || *len == 0) {
        close(*fd);
        *fd = -1;
    }
}

void box_run(struct result *r, const char *input, size_t len, const char *const args[])
{
    struct pipes p = {{-1, -1}, {-1, -1}, {-1, -1}};
    size_t err_len = 0;
    memset(r, 0, sizeof(*r));
    cr_assert(pipe2(p.out, O_CLOEXEC) == 0 && pipe2(p.err, O_CLOEXEC) == 0);
    if (input)
        cr_assert_eq(pipe2(p.in, O_CLOEXEC), 0);
    else
        p.in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    signal(SIGPIPE, SIG_IGN);
    pid_t pid = start(&p, args);
    close(p.in[0]);
    close(p.out[1]);
    close(p.err[1]);
    while (p.out[0] >= 0 || p.err[0] >= 0) {
        struct pollfd fds[] = {{.fd = p.in[1], .events = POLLOUT},
                               {.fd = p.out[0], .events = POLLIN},
                               {.fd = p.err[0], .events = POLLIN}};
        poll(fds, 3, -1);
        if (fds[0].revents)
            feed(&p.in[1], &input, &len);
        if (fds[1].revents)
            r->out_len = take(&p.out[0], r->out, r->out_len, sizeof(r->out));
        if (fds[2].revents)
            err_len = take(&p.err[0], r->err, err_len, sizeof(r->err));
    }
    if (p.in[1] >= 0)
        close(p.in[1]);
    r->status = box_wait(pid);
}

pid_t box_start(const char *const args[])
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    struct pipes p = {{null, -1}, {-1, null}, {-1, null}};
    pid_t pid = start(&p, args);
    close(null);
    return pid;
}

pid_t box_start_on_tty(int *ret_master, unsigned short rows, unsigned short cols,
                       const char *const args[])
{
    struct winsize size = {.ws_row = rows, .ws_col = cols};
    char name[64];
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    cr_assert(grantpt(master) == 0 && unlockpt(master) == 0 &&
              ptsname_r(master, name, sizeof(name)) == 0);
    cr_assert_eq(ioctl(master, TIOCSWINSZ, &size), 0);
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        int slave = open(name, O_RDWR); /* a session leader's first: it controls */
        for (int fd = 0; fd < 3; fd++)
            dup2(slave, fd);
        close(slave);
        box_become(args);
    }
    *ret_master = master;
    return pid;
}

static long long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

bool box_expect(int master, const char *text)
{
    char seen[65536];
    size_t len = 0;
    long long until = now_ms() + PATIENCE_MS;
    while (len < sizeof(seen) - 1 && now_ms() < until) {
        struct pollfd p = {.fd = master, .events = POLLIN};
        if (poll(&p, 1, 50) <= 0)
            continue;
        ssize_t n = read(master, seen + len, sizeof(seen) - 1 - len);
        if (n <= 0)
            break;
        len += (size_t)n;
        seen[len] = '\0';
        if (strstr(seen, text))
            return true;
    }
    seen[len] = '\0';
    fprintf(stderr, "waited for \"%s\", saw \"%s\"\n", text, seen);
    return false;
}

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* A hung command is killed: Criterion's own limit would leave it running and wait for
 * it. */
int box_wait(pid_t pid)
{
    int status = 0;
    pid_t got = 0;
    for (long long until = now_ms() + HANG_MS; got == 0 && now_ms() < until; nap())
        got = waitpid(pid, &status, WNOHANG);
    if (got == 0) {
        fprintf(stderr, "process %d hangs and is killed\n", (int)pid);
        kill(pid, SIGKILL);
        got = waitpid(pid, &status, 0);
    }
    if (got != pid)
        return -1;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool box_await_raw(int master)
{
    struct termios t;
    for (long long until = now_ms() + PATIENCE_MS; now_ms() < until; nap())
        if (tcgetattr(master, &t) == 0 && !(t.c_lflag & ICANON))
            return true;
    return false;
}

static bool has_cmdline(const char *pid, const char *cmdline)
{
    char path[64], text[1024] = "";
    snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    for (ssize_t i = 0; i + 1 < n; i++)
        if (text[i] == '\0')
            text[i] = ' ';
    return n > 0 && strcmp(text, cmdline) == 0;
}

/* The box's id; "" when there is none. */
static void find_id(char *out, size_t size)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/containers", root);
    DIR *d = opendir(path);
    out[0] = '\0';
    for (struct dirent *e; d && (e = readdir(d));)
        if (strlen(e->d_name) == 64)
            snprintf(out, size, "%s", e->d_name);
    if (d)
        closedir(d);
}

/* Other tests, and other people's, run the same commands: only what is in the box's
 * groups. */
static bool is_inside(const char *pid, const char *id)
{
    char path[64], text[4096] = "";
    snprintf(path, sizeof(path), "/proc/%s/cgroup", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    return n > 0 && id[0] && strstr(text, id);
}

pid_t box_find(const char *cmdline)
{
    char id[128];
    find_id(id, sizeof(id));
    DIR *d = opendir("/proc");
    pid_t found = 0;
    for (struct dirent *e; !found && (e = readdir(d));)
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
            has_cmdline(e->d_name, cmdline) && is_inside(e->d_name, id))
            found = (pid_t)strtol(e->d_name, NULL, 10);
    closedir(d);
    return found;
}

pid_t box_await(const char *cmdline)
{
    pid_t pid = 0;
    for (long long until = now_ms() + PATIENCE_MS; !pid && now_ms() < until; nap())
        pid = box_find(cmdline);
    return pid;
}

/* A zombie that the host's init has not yet looked at is gone too. */
static bool is_gone(pid_t pid)
{
    char path[64], text[512] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    const char *state = n > 0 ? strrchr(text, ')') : NULL;
    return !state || state[2] == 'Z' || state[2] == 'X';
}

bool box_gone(pid_t pid)
{
    bool gone = false;
    for (long long until = now_ms() + PATIENCE_MS; !gone && now_ms() < until; nap())
        gone = is_gone(pid);
    return gone;
}

pid_t box_pid1(void)
{
    struct result r;
    BOX(&r, "inspect", "--format", "{{.State.Pid}}", "box");
    return (pid_t)strtol(r.out, NULL, 10);
}

void box_make(void)
{
    struct result r;
    if (geteuid() != 0)
        cr_skip_test("needs root");
    snprintf(dir, sizeof(dir), "/tmp/mtd-exec-XXXXXX");
    cr_assert(mkdtemp(dir));
    tempdir_configure(dir, "");
    snprintf(root, sizeof(root), "%s/root", dir);
    snprintf(run, sizeof(run), "%s/run", dir);
    BOX(&r, "run", "-d", "--name", "box", "-e", "COLOUR=blue", "-v",
        MTD_PROBE ":/probe:ro", "busybox", "sleep", "100000");
    cr_assert_eq(r.status, 0, "no container: %s", r.err);
}

void box_delete(void)
{
    struct result r;
    if (!dir[0])
        return;
    BOX(&r, "rm", "-f", "-v", "box");
    cr_expect_eq(r.status, 0, "%s", r.err);
    fs_remove_tree_at(AT_FDCWD, dir);
    tempdir_forget_config(dir);
}
