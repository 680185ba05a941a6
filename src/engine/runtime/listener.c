/* What answers notified system calls gets the descriptor for that from the runtime, with a word on
 * whose they are. The filter is loaded right before the command, so it is `start`, or `exec`, that
 * hears of the descriptor, takes it out of the process, which waits, and sends it. A listener that
 * does not take it, or lets the command's own execve wait, is given up after a while. */

#include "engine/runtime/internal.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/passed.h"
#include "base/sys.h"
#include "engine/syscalls/syscalls.h"

/* What `create` can know of it. Most profiles do not have the word at all. */
int runtime_check_listener(const struct bundle *b, struct mtd_error *err)
{
    const struct mtd_process *p = &b->process;
    auto_done(syscalls_filter_done) struct syscalls_filter f = {0};
    struct stat st;
    if (!strstr(p->seccomp, "SCMP_ACT_NOTIFY"))
        return 0;
    int rc = syscalls_filter_make(&f, p->seccomp, p->seccomp_made, p->caps, err);
    if (rc < 0 || !syscalls_filter_listens(&f))
        return rc;
    if (!b->listener)
        return mtd_fail(err, EINVAL,
                        "seccomp: SCMP_ACT_NOTIFY needs a listener, and "
                        "linux.seccomp.listenerPath names none");
    if (stat(b->listener, &st) < 0)
        return mtd_fail_errno(err, errno, "cannot find the seccomp listener %s",
                              b->listener);
    return S_ISSOCK(st.st_mode)
               ? 0
               : mtd_fail(err, ENOTSOCK, "the seccomp listener %s is not a socket",
                          b->listener);
}

int runtime_take_listener(pid_t pid, int number, struct mtd_error *err)
{
    auto_fd int pidfd = sys_pidfd_open(pid, 0);
    int fd = pidfd < 0 ? -1 : sys_pidfd_getfd(pidfd, number);
    return fd < 0 ? mtd_fail_errno(err, errno,
                                   "cannot take the seccomp listener's "
                                   "descriptor (Linux 5.6 can)")
                  : fd;
}

/* The specification's container process state. */
static char *describe(const struct runtime_record *s, const struct bundle *b, pid_t pid,
                      enum runtime_status status)
{
    json_t *o =
        json_pack("{s:s, s:[s], s:i, s:o}", "ociVersion",
                  s->version ? s->version : RUNTIME_OCI_VERSION, "fds", "seccompFd",
                  "pid", (int)pid, "state", runtime_state_object(s, status));
    if (o && b->listener_metadata)
        json_object_set_new(o, "metadata", json_string(b->listener_metadata));
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text;
}

/* The descriptor goes with the first part of it, which for all but huge annotations is all. */
static int send_all(int socket, const char *text, int fd)
{
    int rc = passed_send(socket, text, strlen(text), fd);
    size_t at = rc > 0 ? (size_t)rc : 0;
    while (rc > 0 && at < strlen(text)) {
        ssize_t n = send(socket, text + at, strlen(text) - at, MSG_NOSIGNAL);
        rc = n < 0 ? -errno : 1;
        at += n > 0 ? (size_t)n : 0;
    }
    return rc < 0 ? rc : 0;
}

int runtime_send_listener(const struct runtime_record *s, const struct bundle *b,
                          pid_t pid, enum runtime_status status, int fd,
                          struct mtd_error *err)
{
    auto_free char *text = describe(s, b, pid, status);
    if (!text)
        return mtd_fail(err, ENOMEM, "out of memory");
    if (!b->listener)
        return mtd_fail(err, EINVAL, "linux.seccomp.listenerPath is missing");
    if (fault_point("oci.listener") < 0)
        return mtd_fail_errno(err, EIO, "oci.listener");
    auto_fd int socket = runtime_connect_path(b->listener, "seccomp listener", err);
    int rc = socket < 0 ? socket : send_all(socket, text, fd);
    if (socket >= 0 && rc < 0)
        mtd_fail_errno(err, -rc, "cannot reach the seccomp listener %s", b->listener);
    return rc;
}

void runtime_limit_wait(int socket)
{
    const struct timeval limit = {.tv_sec = RUNTIME_PEER_WAIT};
    (void)setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

int runtime_listener_hangs(const struct bundle *b, struct mtd_error *err)
{
    return mtd_fail(err, ETIMEDOUT,
                    "the seccomp listener %s has not let the command begin within %d "
                    "seconds",
                    b->listener, RUNTIME_PEER_WAIT);
}
