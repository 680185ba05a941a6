/* A hook is somebody's program: it gets the state on its stdin, the descriptors 1 and 2 that the
 * runtime has, its own environment and nothing else, and its time. */

#include "engine/bundle/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/sys.h"

/* A file in memory: whoever does not read it cannot stop the writer. */
static int open_state(const char *state)
{
    auto_fd int fd = memfd_create("state", MFD_CLOEXEC);
    int rc = fd < 0 ? -errno : fs_write_all(fd, state, strlen(state));
    if (rc == 0 && lseek(fd, 0, SEEK_SET) < 0)
        rc = -errno;
    return rc < 0 ? rc : take_fd(&fd);
}

static __attribute__((noreturn)) void become(const struct bundle_hook *h, int in)
{
    static char *const no_environment[] = {NULL};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (dup2(in, STDIN_FILENO) == STDIN_FILENO &&
        sys_close_range(3, ~0u, SYS_CLOSE_CLOEXEC) == 0)
        execve(h->path, h->args.items, h->env.len ? h->env.items : no_environment);
    _exit(127);
}

/* 0 = it has ended. */
static int await(pid_t pid, int64_t seconds, int *ret_status)
{
    auto_fd int pidfd = sys_pidfd_open(pid, 0);
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    int timeout = seconds <= 0        ? -1
                  : seconds > 2000000 ? 2000000000
                                      : (int)seconds * 1000;
    int n;
    do
        n = poll(&end, 1, timeout);
    while (n < 0 && errno == EINTR);
    if (n == 0)
        kill(pid, SIGKILL);
    while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
        continue;
    return n == 0 ? -ETIMEDOUT : 0;
}

static int run(const struct bundle_hook *h, const char *kind, const char *state,
               struct mtd_error *err)
{
    auto_fd int in = open_state(state);
    pid_t pid = in < 0 ? -1 : fork();
    int status = 0;
    if (pid == 0)
        become(h, in);
    if (pid < 0)
        return mtd_fail_errno(err, in < 0 ? -in : errno, "cannot run the %s hook %s",
                              kind, h->path);
    if (await(pid, h->timeout, &status) < 0)
        return mtd_fail(err, ETIMEDOUT,
                        "the %s hook %s took longer than %lld s and was killed", kind,
                        h->path, (long long)h->timeout);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return mtd_fail(err, ECANCELED, "the %s hook %s failed: %s %d", kind, h->path,
                    WIFSIGNALED(status) ? "signal" : "exit status",
                    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

const char *const BUNDLE_HOOK_NAMES[BUNDLE_HOOK_KINDS] = {
    [BUNDLE_PRESTART] = "prestart",
    [BUNDLE_CREATE_RUNTIME] = "createRuntime",
    [BUNDLE_CREATE_CONTAINER] = "createContainer",
    [BUNDLE_START_CONTAINER] = "startContainer",
    [BUNDLE_POSTSTART] = "poststart",
    [BUNDLE_POSTSTOP] = "poststop",
};

int bundle_run_hooks(const struct bundle *b, enum bundle_hook_kind kind,
                     const struct bundle_hook_state *state, struct mtd_error *err)
{
    const struct bundle_hooks *h = &b->hooks[kind];
    auto_free char *text = NULL;
    if (h->len == 0)
        return 0;
    if (asprintf(&text, "{\"pid\":%d,\"status\":\"%s\",%s", state->pid, state->status,
                 state->rest) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    int rc = 0;
    for (size_t i = 0; i < h->len && rc == 0; i++)
        rc = run(&h->items[i], BUNDLE_HOOK_NAMES[kind], text, err);
    return rc;
}
