/* One check is an exec in a child process, because exec changes signals and allocates
 * memory; its output comes through a pipe that is passed inside. The first 4 KiB are
 * kept, the rest is read and dropped, so that a check with much output is not blocked by
 * a full pipe. The check ends with the child, since a process that it left in the
 * container may hold the pipe open. */

#include "engine/health/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sys.h"
#include "engine/exec/exec.h"

#define DEFAULT_TIMEOUT (30 * NS_PER_SEC)

struct report {
    int result, status;
    struct mtd_error error;
};

struct probe {
    pid_t pid;
    int pidfd, out, report;
    size_t len; /* of the output kept */
};

static int set_command(const struct strv *test, struct strv *ret)
{
    bool shell = strcmp(test->items[0], "CMD-SHELL") == 0;
    int rc = shell ? strv_add(ret, "/bin/sh") : 0;
    if (rc == 0 && shell)
        rc = strv_add(ret, "-c");
    for (size_t i = 1; rc == 0 && i < test->len; i++)
        rc = strv_add(ret, test->items[i]);
    return rc;
}

static __attribute__((noreturn)) void run_check(const struct mtd_record *r, int out,
                                                int report)
{
    struct report said = {0};
    int64_t timeout = r->spec.healthcheck.timeout;
    struct mtd_exec x = {.in = -1,
                         .out = out,
                         .err = out,
                         .timeout_ns = timeout ? timeout : DEFAULT_TIMEOUT};
    signal(SIGHUP, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    said.result = set_command(&r->spec.healthcheck.test, &x.args);
    if (said.result == 0)
        said.result =
            exec_run(r, &(struct exec_notes){-1, -1}, &x, &said.status, &said.error);
    (void)!write(report, &said, sizeof(said)); /* a failure cannot be reported */
    _exit(0);
}

static int start(const struct mtd_record *r, struct probe *p)
{
    int out[2], report[2];
    if (pipe2(out, O_CLOEXEC) < 0)
        return -errno;
    auto_fd int out_end = out[1];
    p->out = out[0];
    if (pipe2(report, O_CLOEXEC) < 0)
        return -errno;
    auto_fd int report_end = report[1];
    p->report = report[0];
    p->pid = fork();
    if (p->pid == 0)
        run_check(r, out_end, report_end);
    if (p->pid < 0)
        return -errno;
    fcntl(p->out, F_SETFL, O_NONBLOCK);
    p->pidfd = sys_pidfd_open(p->pid, 0);
    return p->pidfd < 0 ? -errno : 0;
}

/* Kills the child, and with it what it has started in the container. */
static void finish(struct probe *p)
{
    const int fds[] = {p->pidfd, p->out, p->report};
    if (p->pid > 0) {
        kill(p->pid, SIGKILL);
        waitpid(p->pid, NULL, 0);
    }
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* false = nothing more to read now. */
static bool take_output(struct probe *p, char *output)
{
    char piece[4096];
    ssize_t n = p->out < 0 ? 0 : read(p->out, piece, sizeof(piece));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n <= 0) {
        if (p->out >= 0)
            close(take_fd(&p->out));
        return false;
    }
    size_t room = MTD_HEALTH_OUTPUT - p->len;
    size_t take = (size_t)n < room ? (size_t)n : room;
    memcpy(output + p->len, piece, take);
    p->len += take;
    memcpy(output + p->len, take < (size_t)n ? "..." : "", take < (size_t)n ? 4 : 1);
    return true;
}

/* false = the container has ended. */
static bool attend(struct probe *p, int container, char *output)
{
    for (;;) {
        struct pollfd f[] = {{.fd = container, .events = POLLIN},
                             {.fd = p->pidfd, .events = POLLIN},
                             {.fd = p->out, .events = POLLIN}};
        if (poll(f, ARRAY_SIZE(f), -1) < 0)
            continue;
        if (f[0].revents)
            return false;
        if (f[2].revents)
            take_output(p, output);
        if (f[1].revents)
            break;
    }
    /* Limited: a process left in the container may write forever. */
    for (int i = 0; i < 64 && take_output(p, output); i++)
        ;
    return true;
}

static void judge(const struct mtd_record *r, struct probe *p,
                  struct mtd_health_result *ret)
{
    struct report said = {.result = -EIO, .error = {.text = "the check was killed"}};
    int64_t timeout =
        r->spec.healthcheck.timeout ? r->spec.healthcheck.timeout : DEFAULT_TIMEOUT;
    if (read(p->report, &said, sizeof(said)) != sizeof(said))
        said.result = -EIO;
    said.error.text[sizeof(said.error.text) - 1] = '\0';
    ret->exit_code = said.result < 0 ? -1 : said.status;
    if (said.result == -ETIMEDOUT)
        snprintf(ret->output, sizeof(ret->output), "Health check exceeded timeout (%gs)",
                 (double)timeout / NS_PER_SEC);
    else if (said.result < 0 || said.error.code)
        snprintf(ret->output, sizeof(ret->output), "%s", said.error.text);
}

int health_probe(const struct mtd_record *r, int container, struct mtd_health_result *ret)
{
    struct probe p = {.pidfd = -1, .out = -1, .report = -1};
    *ret = (struct mtd_health_result){.start = clock_wall_ns()};
    int code = start(r, &p);
    if (code == 0 && attend(&p, container, ret->output)) {
        waitpid(p.pid, NULL, 0);
        p.pid = 0;
        judge(r, &p, ret);
        ret->end = clock_wall_ns();
        code = 1;
    }
    finish(&p);
    return code;
}
