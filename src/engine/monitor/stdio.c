/* The container's streams: FIFOs in the run directory, unless it has a terminal. */

#include "engine/monitor/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/idmap.h"

#define PIPE_BYTES (256 * 1024)

/* The container's root must be able to open /dev/stdout, and to give it to a user. */
static int give_to_root_inside(struct monitor *m, const char *name)
{
    uint32_t root;
    if (!mtd_idmap_is_set(&m->record.spec))
        return 0;
    errno = EINVAL;
    return mtd_idmap_to_host(&m->record.spec, 0, &root)
               ? fchownat(m->run_fd, name, root, root, AT_SYMLINK_NOFOLLOW)
               : -1;
}

static int label_fifo(struct monitor *m, const char *name)
{
    int rc = selinux_label_at(m->run_fd, name, label_of_files(&m->record.spec));
    errno = rc < 0 ? -rc : errno;
    return rc < 0 ? -1 : 0;
}

/* One that exists is of an earlier run. */
static int make_fifo(struct monitor *m, const char *name, struct mtd_error *err)
{
    int rc = mkfifoat(m->run_fd, name, 0600);
    if (rc < 0 && errno == EEXIST && unlinkat(m->run_fd, name, 0) == 0)
        rc = mkfifoat(m->run_fd, name, 0600);
    if (rc == 0)
        rc = give_to_root_inside(m, name);
    if (rc == 0)
        rc = label_fifo(m, name);
    return rc < 0 ? mtd_fail_errno(err, errno, "cannot create the pipe for %s", name) : 0;
}

/* A FIFO in the run directory, so that another monitor can open the other end by name.
 * The container's end is opened in both directions, so that it sees no EOF or SIGPIPE
 * when a monitor is killed. */
static int open_output(struct monitor *m, const char *name, int *ours, int *theirs,
                       struct mtd_error *err)
{
    int r = make_fifo(m, name, err);
    if (r < 0)
        return r;
    *theirs = openat(m->run_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    *ours = openat(m->run_fd, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (*theirs < 0 || *ours < 0)
        return mtd_fail_errno(err, errno, "cannot open the pipe for %s", name);
    fcntl(*ours, F_SETPIPE_SZ, PIPE_BYTES);
    return 0;
}

/* The container's end of input is opened for reading only, so that closing ours
 * is the end of input. */
static int open_input(struct monitor *m, struct mtd_error *err)
{
    int r = make_fifo(m, "stdin", err);
    if (r < 0)
        return r;
    m->child[0] =
        openat(m->run_fd, "stdin", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    m->in = openat(m->run_fd, "stdin", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (m->child[0] < 0 || m->in < 0 || fcntl(m->child[0], F_SETFL, 0) < 0)
        return mtd_fail_errno(err, errno, "cannot open the pipe for stdin");
    return 0;
}

int monitor_open_stdio(struct monitor *m, struct mtd_error *err)
{
    int rc = 0;
    m->input_start = m->input_end = 0;
    m->input_eof = false;
    if (m->listen_fd < 0 && (m->listen_fd = packet_listen(m->run_fd, err)) < 0)
        return m->listen_fd;
    if (m->record.spec.process.tty)
        return 0; /* init opens the terminal and sends it */
    if (m->record.spec.process.open_stdin)
        rc = open_input(m, err);
    if (rc == 0)
        rc = open_output(m, "stdout", &m->out, &m->child[1], err);
    if (rc == 0)
        rc = open_output(m, "stderr", &m->err, &m->child[2], err);
    return rc;
}

void monitor_close_stdio(struct monitor *m)
{
    if (m->in != m->out)
        monitor_close(&m->in);
    m->in = -1;
    monitor_client_flush_input(m);
    monitor_close(&m->out);
    monitor_close(&m->err);
    for (int i = 0; i < 3; i++)
        monitor_close(&m->child[i]);
}
