#include "pty.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "state.h"
#include "stopped.h"

static void set_environment(const char *const *env)
{
    for (; env && *env; env++) {
        if (strchr(*env, '='))
            putenv((char *)*env);
        else
            unsetenv(*env);
    }
}

/* In a mount namespace of its own: empty directories over them. */
static void hide_files(void)
{
    static const char *const DIRS[] = {"/usr/share/terminfo", "/lib/terminfo",
                                       "/etc/terminfo", "/usr/lib/locale",
                                       "/usr/share/locale"};
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        _exit(98);
    for (size_t i = 0; i < ARRAY_SIZE(DIRS); i++)
        if (mount("none", DIRS[i], "tmpfs", 0, NULL) < 0 && errno != ENOENT)
            _exit(97);
}

static void become_program(const struct pty_setup *s)
{
    const char *argv[32] = {"mytop-docker"};
    for (size_t i = 0; s->args && s->args[i] && i < 30; i++)
        argv[i + 1] = s->args[i];
    if (s->ignore_hup)
        signal(SIGHUP, SIG_IGN);
    set_environment(s->env);
    if (s->no_files)
        hide_files();
    execv(MTD_PROGRAM, (char *const *)argv);
    _exit(99);
}

/* Takes the place of a shell: leads the session, waits for the program, keeps running. */
static void lead(const struct pty_setup *s, const char *tty, int pid_fd, int result)
{
    int status;
    setsid();
    int fd = open(tty, O_RDWR);
    ioctl(fd, TIOCSCTTY, 0);
    for (int i = 0; i < 3; i++)
        dup2(fd, i);
    if (fd > 2)
        close(fd);
    pid_t pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        signal(SIGTTOU, SIG_IGN);
        tcsetpgrp(0, getpid());
        signal(SIGTTOU, SIG_DFL);
        close(pid_fd);
        close(result);
        become_program(s);
    }
    if (write(pid_fd, &pid, sizeof(pid)) < 0 || waitpid(pid, &status, 0) != pid)
        _exit(1);
    status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(0, getpid());
    if (write(result, &status, sizeof(status)) < 0)
        _exit(1);
    close(result);
    for (;;)
        pause();
}

void pty_start(struct pty *p, const struct pty_setup *s)
{
    int pids[2], results[2], alive[2];
    struct winsize w = {.ws_row = s->rows ? s->rows : 24,
                        .ws_col = s->cols ? s->cols : 80};
    *p = (struct pty){.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
    cr_assert(p->master >= 0 && grantpt(p->master) == 0 && unlockpt(p->master) == 0);
    cr_assert(pipe2(pids, O_CLOEXEC) == 0 && pipe2(results, O_CLOEXEC) == 0 &&
              pipe(alive) == 0);
    ioctl(p->master, TIOCSWINSZ, &w);
    tcgetattr(p->master, &p->before);
    char tty[64];
    cr_assert_eq(ptsname_r(p->master, tty, sizeof(tty)), 0);
    p->leader = fork();
    if (p->leader == 0) {
        close(alive[0]);
        lead(s, tty, pids[1], results[1]);
    }
    close(pids[1]);
    close(results[1]);
    close(alive[1]);
    cr_assert_eq(read(pids[0], &p->program, sizeof(p->program)),
                 (ssize_t)sizeof(p->program));
    close(pids[0]);
    p->result = results[0];
    p->alive = alive[0];
}

void pty_done(struct pty *p)
{
    pid_t child = pty_child(p);
    if (child > 0)
        kill(child, SIGKILL);
    if (p->program > 0)
        kill(p->program, SIGKILL);
    kill(p->leader, SIGKILL);
    waitpid(p->leader, NULL, 0);
    if (p->master >= 0)
        close(p->master);
    close(p->alive);
    close(p->result);
    free(p->text);
}

/* One read, waiting ms at most; <= 0 = nothing came. */
static ssize_t pump(struct pty *p, int ms)
{
    char chunk[65536];
    struct pollfd fd = {.fd = p->master, .events = POLLIN};
    if (p->master < 0 || poll(&fd, 1, ms) != 1 || !(fd.revents & POLLIN))
        return 0;
    ssize_t n = read(p->master, chunk, sizeof(chunk));
    if (n <= 0)
        return n;
    p->text = realloc(p->text, p->len + (size_t)n + 1);
    memcpy(p->text + p->len, chunk, (size_t)n);
    p->len += (size_t)n;
    p->text[p->len] = '\0';
    return n;
}

bool pty_expect(struct pty *p, size_t from, const char *text)
{
    int64_t end = clock_mono_ns() + PATIENCE_S * NS_PER_SEC;
    while (clock_mono_ns() < end) {
        if (p->len > from && memmem(p->text + from, p->len - from, text, strlen(text)))
            return true;
        pump(p, 50);
    }
    return false;
}

size_t pty_quiet(struct pty *p, int ms)
{
    size_t before = p->len;
    int64_t end = clock_mono_ns() + ms * NS_PER_MS, now;
    while ((now = clock_mono_ns()) < end)
        pump(p, (int)((end - now) / NS_PER_MS) + 1);
    return p->len - before;
}

void pty_send(struct pty *p, const char *text)
{
    cr_assert_eq(write(p->master, text, strlen(text)), (ssize_t)strlen(text));
}

int pty_status(struct pty *p)
{
    int status = -1;
    struct pollfd fd = {.fd = p->result, .events = POLLIN};
    int64_t end = clock_mono_ns() + PATIENCE_S * NS_PER_SEC;
    while (poll(&fd, 1, 0) == 0 && clock_mono_ns() < end)
        pump(p, 50);
    if (poll(&fd, 1, 0) == 1 &&
        read(p->result, &status, sizeof(status)) != sizeof(status))
        status = -1;
    pty_quiet(p, 20);
    p->program = 0;
    return status;
}

bool pty_wait_end(struct pty *p)
{
    char byte;
    struct pollfd fd = {.fd = p->alive, .events = POLLIN};
    return poll(&fd, 1, PATIENCE_S * 1000) == 1 && read(p->alive, &byte, 1) == 0;
}

bool pty_wait_stopped(struct pty *p)
{
    int64_t end = clock_mono_ns() + PATIENCE_S * NS_PER_SEC;
    while (!stopped_now(p->program) && clock_mono_ns() < end)
        pump(p, 20);
    return stopped_now(p->program);
}

pid_t pty_child(const struct pty *p)
{
    return p->program > 0 ? state_child(p->program) : 0;
}

static bool is_last(const struct pty *p, const char *off, const char *on)
{
    const char *last_off = NULL, *last_on = NULL, *s;
    for (s = p->text; s && (s = strstr(s, off)); s++)
        last_off = s;
    for (s = p->text; s && (s = strstr(s, on)); s++)
        last_on = s;
    return !last_on || (last_off && last_off > last_on);
}

static const char *left_over_now(const struct pty *p)
{
    static const char *const MODES[][3] = {
        {"the alternate screen", "\033[?1049l", "\033[?1049h"},
        {"a hidden cursor", "\033[?25h", "\033[?25l"},
        {"the mouse", "\033[?1000l", "\033[?1000h"},
        {"bracketed paste", "\033[?2004l", "\033[?2004h"},
        {"application keys", "\033[?1l", "\033[?1h"},
        {"no automatic margins", "\033[?7h", "\033[?7l"},
    };
    struct termios now;
    for (size_t i = 0; i < ARRAY_SIZE(MODES); i++)
        if (!is_last(p, MODES[i][1], MODES[i][2]))
            return MODES[i][0];
    tcgetattr(p->master, &now);
    if (now.c_lflag != p->before.c_lflag || now.c_iflag != p->before.c_iflag ||
        now.c_oflag != p->before.c_oflag)
        return "changed line settings";
    return NULL;
}

const char *pty_left_over(struct pty *p)
{
    const char *left;
    int64_t end = clock_mono_ns() + PATIENCE_S * NS_PER_SEC;
    while ((left = left_over_now(p)) && clock_mono_ns() < end)
        pump(p, 20);
    return left;
}
