/* A connection to a container's monitor together with the log its output is read from. The log is
 * opened first: the container, and its log with it, may be gone a moment later. */

#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/container/internal.h"
#include "engine/container/relay.h"

#define GREETING_WAIT_MS 10000

void container_attachment_close(struct attachment *a)
{
    if (a->dir_fd < 0)
        return;
    log_reader_close(&a->reader);
    close(take_fd(&a->dir_fd));
    a->fd = -1;
}

int container_attachment_open(struct mtd_engine *e, const char *id, struct attachment *a,
                              struct mtd_error *err)
{
    container_attachment_close(&e->attached);
    auto_fd int dir = store_open_dir(&e->store, id, err);
    if (dir < 0)
        return dir;
    auto_fd int log =
        openat(dir, "container.log",
               O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_APPEND, 0600);
    if (log < 0)
        return mtd_fail_errno(err, errno, "cannot open the log of %.12s", id);
    off_t end = lseek(log, 0, SEEK_END);
    int r = log_reader_open(&a->reader, dir, false, end < 0 ? 0 : (uint64_t)end, err);
    if (r == 0)
        a->dir_fd = take_fd(&dir);
    return r;
}

/* A monitor that runs greets who connects at once. */
static int hear_greeting(int fd, struct packet_ready *ret, struct mtd_error *err)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, GREETING_WAIT_MS) == 0)
        return container_fail_unresponsive(fd, "cannot attach", err);
    return container_hear(fd, ret, err);
}

int mtd_attach(struct mtd_engine *e, const char *ref, struct mtd_relay *r,
               struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record rec;
    mtd_record_init(&rec);
    struct attachment a = {.fd = -1, .dir_fd = -1};
    struct packet_ready ready;
    int code = container_load(e, ref, &rec, NULL, err);
    if (code < 0)
        return code;
    if (!mtd_state_is_live(rec.status.state))
        return mtd_fail(err, EBUSY,
                        "cannot attach to %s: it is not running; start it first", ref);
    if (rec.status.state == MTD_STATE_PAUSED)
        return mtd_fail(err, EBUSY, "cannot attach to %s: it is paused; unpause it first",
                        ref);
    auto_fd int fd = container_connect(e, rec.id, err);
    if (fd < 0)
        return fd;
    code = container_attachment_open(e, rec.id, &a, err);
    if (code == 0)
        code = hear_greeting(fd, &ready, err);
    if (code < 0) {
        container_attachment_close(&a);
        return code;
    }
    r->tty = ready.tty;
    r->redraw = true;
    r->log_offset = a.reader.offset;
    r->attach_fd = a.fd = take_fd(&fd);
    e->attached = a;
    return 0;
}

int mtd_relay(struct mtd_engine *e, const char *id, struct mtd_relay *r, int *ret_status,
              struct mtd_error *err)
{
    struct mtd_record rec;
    struct relay_target target = {.reader = &e->attached.reader};
    if (e->attached.fd != r->attach_fd)
        return mtd_fail(err, EBADF, "the connection was not made by this engine");
    mtd_record_init(&rec);
    if (r->sig_proxy && store_load(&e->store, id, &rec, NULL) == 0) {
        target.pid = rec.status.pid;
        target.pid_start = rec.status.pid_start;
    }
    mtd_record_done(&rec);
    e->attached.reader.offset = r->log_offset;
    int code = container_relay(&target, r, ret_status, err);
    container_attachment_close(&e->attached);
    close(take_fd(&r->attach_fd));
    return code;
}
