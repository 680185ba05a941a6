/* Descriptors 0, 1 and 2 become a terminal of the container's own devpts, or what the
 * monitor or front end has provided, or the container's /dev/null: nothing else of the
 * host is kept open. */

#include "engine/inside/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/host/mount.h"
#include "engine/host/tty.h"

/* The size is set before any program can ask for it. */
static int open_terminal(struct inside *c, struct mtd_error *err)
{
    auto_fd int slave = -1;
    auto_fd int master = tty_open_pty("/dev/pts/ptmx", &slave);
    if (master < 0)
        return mtd_fail_errno(err, -master, "cannot open a terminal in /dev/pts");
    tty_resize(master, c->rows, c->cols);
    if (fchown(slave, c->user.uid, (gid_t)-1) < 0)
        return mtd_fail_errno(err, errno, "cannot give the terminal to user %u",
                              c->user.uid);
    int rc = c->ops->send_terminal(c, master);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot hand over the terminal");
    rc = inside_is_late(c) ? tty_place(take_fd(&slave)) : tty_login(take_fd(&slave));
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot set the controlling terminal") : 0;
}

/* The command's user must be able to open /dev/stdout, so pipes get its uid, as in
 * docker. All that come here are the engine's. */
static void give_pipe(const struct inside *c, int fd)
{
    struct stat st;
    if (c->user.uid != 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
        (void)!fchown(fd, c->user.uid, (gid_t)-1);
}

/* 0, 1 and 2 are open by now, so the null device gets a higher number. */
static int place_null(int fd, struct mtd_error *err)
{
    auto_fd int null = inside_open_null(fd ? O_WRONLY : O_RDONLY);
    if (null == -EPERM)
        return mtd_fail(err, EPERM,
                        "the container's /dev/null is no null device any more, and in a "
                        "user namespace none can be made; restart the container");
    if (null < 0)
        return mtd_fail_errno(err, -null, "cannot open the container's /dev/null");
    return dup2(null, fd) < 0 ? mtd_fail_errno(err, errno, "cannot move /dev/null") : 0;
}

int inside_stdio(struct inside *c, struct mtd_error *err)
{
    if (c->process->tty)
        return open_terminal(c, err);
    for (int fd = 0; fd < 3; fd++) {
        int from = c->stdio[fd], rc = 0;
        if (from < 0)
            rc = place_null(fd, err);
        else if (from != fd && dup2(from, fd) < 0)
            rc = mtd_fail_errno(err, errno, "cannot move file descriptor %d", from);
        if (rc < 0)
            return rc;
        if (from >= 0)
            give_pipe(c, fd);
    }
    return 0;
}

/* Like docker, binds the terminal to /dev/console as well. */
int inside_console(struct inside *c, struct mtd_error *err)
{
    if (!c->process->tty)
        return 0;
    auto_fd int target =
        open("/dev/console", O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW | O_RDONLY, 0600);
    if (target < 0 && errno == EEXIST &&
        c->process->exact) /* the bundle's /dev may have it */
        target = open("/dev/console", O_PATH | O_CLOEXEC | O_NOFOLLOW);
    if (target < 0 && errno == ENOENT && c->process->exact)
        return 0;
    auto_fd int bind = mount_bind(STDIN_FILENO, "", 0);
    int rc = target < 0 ? -errno : bind < 0 ? bind : mount_move(bind, target);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot bind the terminal to /dev/console")
                  : 0;
}
