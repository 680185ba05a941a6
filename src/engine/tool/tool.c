/* One poll loop: its output, its end, ten looks a second at whether it gets on. */

#include "engine/tool/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sys.h"
#include "engine/tool/internal.h"

#define LOOK_MS 100
#define SAID_MAX 8192 /* of stderr, for the reason */

const char *const tool_variables[] = {
    "HOME",          "XDG_RUNTIME_DIR", "REGISTRY_AUTH_FILE",
    "DOCKER_CONFIG", "http_proxy",      "https_proxy",
    "no_proxy",      "all_proxy",       "HTTP_PROXY",
    "HTTPS_PROXY",   "NO_PROXY",        "ALL_PROXY",
    "SSL_CERT_FILE", "SSL_CERT_DIR",    NULL,
};

struct run {
    const struct tool_run *how;
    struct tool_result *result;
    struct tool_child child;
    int streams[2]; /* its stdout and stderr; -1 = ended */
    int64_t got_on; /* when it last did */
    uint64_t pulse;
    bool too_much;
};

void tool_result_done(struct tool_result *r)
{
    buf_done(&r->out);
    buf_done(&r->said);
}

/* ---- what it is given ---- */

static bool is_passed(const char *assignment)
{
    size_t len = strcspn(assignment, "=");
    for (size_t i = 0; tool_variables[i]; i++)
        if (strlen(tool_variables[i]) == len &&
            strncmp(tool_variables[i], assignment, len) == 0)
            return true;
    return false;
}

static int make_environment(const struct tool_run *r, struct strv *ret)
{
    char tmp[4200];
    int rc = strv_add(ret, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
                           "/sbin:/bin");
    for (size_t i = 0; rc == 0 && r->env && i < r->env->len; i++)
        if (is_passed(r->env->items[i]))
            rc = strv_add(ret, r->env->items[i]);
    if (rc == 0 && r->tmp) {
        snprintf(tmp, sizeof(tmp), "TMPDIR=%s", r->tmp);
        rc = strv_add(ret, tmp);
    }
    return rc;
}

static int start(struct run *run, struct mtd_error *err)
{
    auto_done(strv_done) struct strv argv = {0}, envp = {0};
    char path[TOOL_PATH_SIZE];
    int out[2], said[2];
    int rc = tool_find(run->how->tool, path, err);
    if (rc < 0)
        return rc;
    if (strv_add(&argv, path) < 0 || strv_add_all(&argv, run->how->args) < 0 ||
        make_environment(run->how, &envp) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    auto_fd int in = run->how->in >= 0 ? fcntl(run->how->in, F_DUPFD_CLOEXEC, 3)
                                       : open("/dev/null", O_RDWR | O_CLOEXEC);
    if (in < 0 || pipe2(out, O_CLOEXEC | O_NONBLOCK) < 0)
        return mtd_fail_errno(err, errno, "cannot start %s", path);
    run->streams[0] = out[0];
    auto_fd int its_out = out[1];
    if (pipe2(said, O_CLOEXEC | O_NONBLOCK) < 0)
        return mtd_fail_errno(err, errno, "cannot start %s", path);
    run->streams[1] = said[0];
    auto_fd int its_said = said[1];
    fcntl(its_out, F_SETFL, 0); /* blocking for the program */
    fcntl(its_said, F_SETFL, 0);
    const int fds[3] = {in, its_out, its_said};
    return tool_spawn(run->how, path, argv.items, envp.items, fds, &run->child, err);
}

/* ---- what it says ---- */

static void keep_end(struct buf *b, const char *text, size_t len)
{
    if (b->len > SAID_MAX) {
        size_t rest = SAID_MAX / 2;
        memmove(b->data, b->data + b->len - rest, rest + 1);
        b->len = rest;
    }
    (void)buf_add(b, text, len);
}

static void take(struct run *run, int stream, const char *text, size_t len)
{
    struct tool_result *ret = run->result;
    if (stream == 2)
        keep_end(&ret->said, text, len);
    if (run->how->wrote)
        run->how->wrote(run->how->arg, stream, text, len);
    else if (stream == 1 &&
             (ret->out.len + len > TOOL_OUT_MAX || buf_add(&ret->out, text, len) < 0))
        run->too_much = true;
}

/* Returns how much came. */
static size_t read_streams(struct run *run)
{
    char block[16384];
    size_t sum = 0;
    for (int i = 0; i < 2; i++) {
        ssize_t n;
        while (run->streams[i] >= 0 &&
               (n = read(run->streams[i], block, sizeof(block))) != -1) {
            if (n == 0) {
                close(take_fd(&run->streams[i]));
                break;
            }
            take(run, i + 1, block, (size_t)n);
            sum += (size_t)n;
        }
    }
    return sum;
}

/* ---- how long it may take ---- */

static void look(struct run *run, bool wrote)
{
    const struct tool_run *how = run->how;
    uint64_t pulse = how->pulse ? how->pulse(how->arg, run->child.pid) : 0;
    int64_t now = clock_mono_ns();
    if (wrote || pulse != run->pulse)
        run->got_on = now;
    run->pulse = pulse;
    bool silent = how->quiet_s && now - run->got_on > how->quiet_s * NS_PER_SEC;
    if (silent)
        run->result->silent = how->quiet_s;
    if (silent || run->too_much)
        sys_pidfd_send_signal(run->child.pidfd, SIGKILL, NULL, 0);
}

static void wait_end(struct run *run)
{
    for (;;) {
        struct pollfd fds[3] = {{.fd = run->streams[0], .events = POLLIN},
                                {.fd = run->streams[1], .events = POLLIN},
                                {.fd = run->child.pidfd, .events = POLLIN}};
        int n = poll(fds, 3, LOOK_MS);
        bool ended = n > 0 && fds[2].revents;
        bool wrote = read_streams(run) > 0;
        if (ended)
            return;
        look(run, wrote);
    }
}

static int reap(const struct run *run)
{
    int status = 0;
    while (waitpid(run->child.pid, &status, 0) < 0)
        if (errno != EINTR)
            return 255;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int tool_run(const struct tool_run *r, struct tool_result *ret, struct mtd_error *err)
{
    struct run run = {.how = r,
                      .result = ret,
                      .child = {.pidfd = -1},
                      .streams = {-1, -1},
                      .got_on = clock_mono_ns()};
    *ret = (struct tool_result){0};
    int rc = start(&run, err);
    if (rc == 0) {
        wait_end(&run);
        read_streams(&run);
        ret->status = reap(&run);
        close(run.child.pidfd);
    }
    for (int i = 0; i < 2; i++)
        if (run.streams[i] >= 0)
            close(run.streams[i]);
    if (rc == 0 && run.too_much)
        rc = mtd_fail(err, EFBIG, "an answer of more than %zu MiB", TOOL_OUT_MAX >> 20);
    if (rc < 0)
        tool_result_done(ret);
    return rc;
}
