#include "cpbox.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

struct state cpbox;
char cpbox_up[256], cpbox_new[256], cpbox_host[256];

void cpbox_shell(const char *fmt, ...)
{
    char *command = NULL;
    va_list args;
    va_start(args, fmt);
    cr_assert(vasprintf(&command, fmt, args) > 0);
    va_end(args);
    int pid = fork(), status;
    if (pid == 0) {
        execl("/bin/sh", "sh", "-ec", command, NULL);
        _exit(127);
    }
    status = state_reap(pid);
    cr_assert_eq(status, 0, "%d: %s", status, command);
    free(command);
}

char *cpbox_path(const char *base, const char *name)
{
    static char text[4][600];
    static int n;
    n = (n + 1) % 4;
    snprintf(text[n], sizeof(text[n]), "%s/%s", base, name);
    return text[n];
}

/* What the file holds, or why it cannot be read; static text. */
const char *cpbox_text(const char *base, const char *name)
{
    static char text[64];
    auto_fd int fd = open(cpbox_path(base, name), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n < 0)
        return strerror(errno);
    text[n] = '\0';
    return text;
}

void cpbox_make(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&cpbox);
    snprintf(cpbox_host, sizeof(cpbox_host), "%s/w", cpbox.dir.path);
    free(ASK(&cpbox, "run", "-d", "--name", "up", "-v", "vol:/vol", "--tmpfs", "/tmpfs",
             "busybox", "sleep", "1000"));
    free(ASK(&cpbox, "create", "--name", "new", "-v", "vol:/vol", "busybox", "true"));
    char *pid = ASK(&cpbox, "inspect", "-f", "{{.State.Pid}}", "up");
    char *id = ASK(&cpbox, "inspect", "-f", "{{.Id}}", "new");
    snprintf(cpbox_up, sizeof(cpbox_up), "/proc/%s/root/w", pid);
    snprintf(cpbox_new, sizeof(cpbox_new), "%s/root/containers/%s/upper/w",
             cpbox.dir.path, id);
    free(pid);
    free(id);
    cpbox_shell("mkdir %s %s %s", cpbox_host, cpbox_up, cpbox_new);
}

void cpbox_delete(void)
{
    if (cpbox.dir.path[0])
        state_done(&cpbox);
}

void cpbox_source(const char *base)
{
    cpbox_shell(
        "cd %s; rm -rf * .m*; echo F >f; mkdir -p d/sub; echo I >d/in; echo D >d/sub/deep;"
        "ln -s f lf; ln -s d ld",
        base);
}
