/* The master of a terminal goes to whoever listens at the console socket: one message, with the
 * descriptor and a name, which no caller reads but all want to be there. And the other small files
 * and descriptors that callers hand in. */

#include "engine/runtime/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/passed.h"
#include "engine/host/apparmor.h"

/* By descriptor, because a path may be longer than a socket's name. */
int runtime_connect_path(const char *path, const char *what, struct mtd_error *err)
{
    const struct timeval limit = {.tv_sec = RUNTIME_PEER_WAIT};
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    auto_fd int place = open(path, O_PATH | O_CLOEXEC);
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (place < 0 || fd < 0)
        return mtd_fail_errno(err, errno, "cannot open the %s %s", what, path);
    snprintf(to.sun_path, sizeof(to.sun_path), "/proc/self/fd/%d", place);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
        connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
        return errno == EAGAIN ? mtd_fail(err, ETIMEDOUT,
                                          "the %s %s has not answered within %d seconds",
                                          what, path, RUNTIME_PEER_WAIT)
                               : mtd_fail_errno(err, errno, "cannot connect to the %s %s",
                                                what, path);
    return take_fd(&fd);
}

int runtime_console_connect(const char *path, struct mtd_error *err)
{
    return runtime_connect_path(path, "console socket", err);
}

int runtime_console_send(int socket, int master, struct mtd_error *err)
{
    static const char name[] = "/dev/ptmx";
    fcntl(master, F_SETFL, O_RDWR); /* as it comes from ptmx: the receiver decides */
    int rc = passed_send(socket, name, sizeof(name) - 1, master);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot hand over the terminal") : 0;
}

int runtime_write_pid(const char *path, pid_t pid, struct mtd_error *err)
{
    char text[16], dir[PATH_MAX];
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    snprintf(text, sizeof(text), "%d", (int)pid);
    snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    auto_fd int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 ? -errno : fs_replace_at(fd, name, text, strlen(text), 0644, false);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot write the pid file %s", path) : 0;
}

int runtime_check_preserved(unsigned n, struct mtd_error *err)
{
    for (unsigned i = 0; i < n; i++)
        if (fcntl(3 + (int)i, F_GETFD) < 0)
            return mtd_fail(err, EBADF,
                            "please check that the preserved-fd %u (of %u) is present",
                            3 + i, n);
    return 0;
}

int runtime_label(const struct mtd_process *p, char *ret, struct mtd_error *err)
{
    const char *wanted = p->apparmor && *p->apparmor ? p->apparmor : APPARMOR_UNCONFINED;
    return apparmor_prepare(NULL, wanted, false, ret, err);
}
