/* exec -d: the session runs in a process of its own, which stays as the command's parent.
 * It reaps the command (a zombie left to the host's init would delay the end of the
 * container's pid namespace), drains its terminal and removes it from the list. The front
 * end waits only for the report that the command runs, or why not. */

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/cgroup/cgroup.h"
#include "engine/exec/internal.h"

static __attribute__((noreturn)) void stay(const struct mtd_record *r,
                                           const struct exec_notes *notes,
                                           const struct mtd_exec *x, int report)
{
    struct mtd_error err = {0};
    struct mtd_exec own = *x;
    int fds[3] = {report}, n = 1, status = 0;
    int *root_fd = notes->root_fd < 0 ? NULL : &fds[n++];
    int *run_dir = notes->run_dir < 0 ? NULL : &fds[n++];
    if (root_fd)
        *root_fd = notes->root_fd;
    if (run_dir)
        *run_dir = notes->run_dir;
    own.in = own.out = own.err = 1; /* /dev/null after exec_settle */
    if (exec_settle(fds, n, "mtd:keeper") < 0)
        _exit(125);
    struct exec_session s = {.report_fd = fds[0],
                             .notes = {root_fd ? *root_fd : -1, run_dir ? *run_dir : -1}};
    int result = exec_session_run(&s, r, &own, &status, &err);
    if (s.report_fd >= 0)
        exec_report_send(s.report_fd, result, status, &err);
    _exit(0);
}

int exec_detached(const struct mtd_record *r, const struct exec_notes *notes,
                  const struct mtd_exec *x, int *ret_status, struct mtd_error *err)
{
    int ends[2];
    auto_done(place_done) struct group_place outside = PLACE_HERE;
    int rc = cgroup_leave(&outside, "/proc", err);
    if (rc < 0)
        return rc;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return mtd_fail_errno(err, errno, "cannot create a pipe");
    auto_fd int reader = ends[0];
    pid_t pid = place_fork(&outside, 0);
    if (pid == 0) {
        if (place_join(&outside) < 0)
            _exit(125);
        stay(r, notes, x, ends[1]);
    }
    int error = errno;
    close(ends[1]);
    if (pid < 0)
        return mtd_fail_errno(err, error, "cannot fork");
    struct exec_report report;
    ssize_t n;
    do
        n = read(reader, &report, sizeof(report));
    while (n < 0 && errno == EINTR);
    if (n != sizeof(report) || report.result < 0 || report.status)
        waitpid(pid, NULL, 0);
    if (n != sizeof(report))
        return mtd_fail(err, EIO,
                        "the process that starts the command ended unexpectedly");
    if (report.error.code && err && err->code == 0)
        *err = report.error;
    *ret_status = report.status;
    return report.result;
}
