/* The user may detach from a session with a terminal, so its command cannot simply
 * die with the front end (PR_SET_PDEATHSIG). Instead a small process, the keeper,
 * holds the terminal as well. A command with a label (AppArmor, SELinux) has one too, without a terminal:
 * the execve that changes the label takes the death signal away. The keeper reads either the session's id from its pipe (detached: it
 * keeps the terminal open and drained, and writes the event of the end) or the pipe's
 * end (the front end has died: it kills the command). */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/proc.h"
#include "base/sys.h"
#include "engine/cgroup/cgroup.h"
#include "engine/exec/internal.h"

enum { KEEPER_PIPE, KEEPER_PIDFD, KEEPER_MASTER, KEEPER_EVENTS, KEEPER_FDS };
#define KEEPER_POLLED KEEPER_EVENTS

int exec_settle(int *fds, int n, const char *name)
{
    enum { FIRST = 64 }; /* above all that are kept, so that none is overwritten */
    int high[8];
    for (int i = 0; i < n; i++)
        if ((high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 2 * FIRST)) < 0)
            return -errno;
    for (int i = 0; i < n; i++)
        if (dup3(high[i], FIRST + i, O_CLOEXEC) < 0)
            return -errno;
    for (int i = 0; i < n; i++)
        fds[i] = FIRST + i;
    sys_close_range(3, FIRST - 1, 0);
    sys_close_range((unsigned)(FIRST + n), ~0u, 0);
    int null = open("/dev/null", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        if (null < 0 || dup2(null, fd) < 0)
            return -errno;
    close(null);
    setsid();
    proc_set_name(name);
    return 0;
}

/* false = the command no longer has the terminal open. */
static bool drain(int master)
{
    char data[4096];
    ssize_t n = read(master, data, sizeof(data));
    return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* true = the command has ended after the front end let it live. */
static bool keep(int fds[KEEPER_FDS], char id[MTD_ID_SIZE])
{
    bool let_live = false;
    for (;;) {
        struct pollfd p[KEEPER_POLLED] = {
            {.fd = let_live ? -1 : fds[KEEPER_PIPE], .events = POLLIN},
            {.fd = fds[KEEPER_PIDFD], .events = POLLIN},
            {.fd = let_live ? fds[KEEPER_MASTER] : -1, .events = POLLIN},
        };
        if (poll(p, KEEPER_POLLED, -1) < 0)
            continue;
        if (p[KEEPER_PIPE].revents) { /* first: the command may have ended since */
            let_live = read(fds[KEEPER_PIPE], id, MTD_ID_SIZE) == MTD_ID_SIZE;
            if (!let_live) {
                sys_pidfd_send_signal(fds[KEEPER_PIDFD], SIGKILL, NULL, 0);
                return false;
            }
        }
        if (p[KEEPER_PIDFD].revents)
            return let_live;
        if (p[KEEPER_MASTER].revents && !drain(fds[KEEPER_MASTER]))
            fds[KEEPER_MASTER] = -1;
    }
}

/* The host's init reaps it. */
static void note_end(struct exec_session *s, int pidfd)
{
    int status;
    bool known = proc_ended_status(s->pid, pidfd, &status) == 0;
    exec_note_end(s, known ? exec_status(status) : -1);
}

/* What came before it had a session of its own was for the front end's group: when the user detaches
 * and closes the terminal at once, a SIGHUP. */
static void start_over_with_signals(void)
{
    static const struct timespec now = {0};
    sigset_t set;
    sigfillset(&set);
    while (sigtimedwait(&set, NULL, &now) > 0)
        ;
    sigemptyset(&set);
    sigprocmask(SIG_SETMASK, &set, NULL);
}

static void run_keeper(struct exec_session *s, int fds[KEEPER_FDS],
                       const struct group_place *outside)
{
    bool noted = s->notes.root_fd >= 0;
    if (fault_point("exec.keeper") < 0 || place_join(outside) < 0 ||
        exec_settle(fds, noted ? KEEPER_FDS : KEEPER_POLLED, "mtd:keeper") < 0)
        return;
    s->notes.root_fd = noted ? fds[KEEPER_EVENTS] : -1;
    start_over_with_signals();
    if (keep(fds, s->id))
        note_end(s, fds[KEEPER_PIDFD]);
}

int exec_keeper_start(struct exec_session *s)
{
    int ends[2];
    auto_done(place_done) struct group_place outside = PLACE_HERE;
    int rc = cgroup_leave(&outside, "/proc", NULL);
    if (rc < 0)
        return rc;
    auto_fd int pidfd = sys_pidfd_open(s->pid, 0);
    if (pidfd < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    s->keeper = place_fork(&outside, 0);
    if (s->keeper == 0) {
        int terminal =
            s->master >= 0 ? s->master : pidfd; /* only one can be detached from */
        int fds[KEEPER_FDS] = {ends[0], pidfd, terminal, s->notes.root_fd};
        run_keeper(s, fds, &outside);
        _exit(0);
    }
    int error = errno;
    close(ends[0]);
    s->keeper_fd = ends[1];
    return s->keeper < 0 ? -error : 0;
}

void exec_keeper_done(struct exec_session *s, bool let_live)
{
    if (s->keeper_fd < 0)
        return;
    if (let_live)
        (void)!write(s->keeper_fd, s->id, sizeof(s->id));
    close(take_fd(&s->keeper_fd));
    if (!let_live && s->keeper > 0)
        waitpid(s->keeper, NULL, 0);
}
