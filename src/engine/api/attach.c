/* A connection to a container's monitor together with the log its output is
 * read from. The log is opened first: the container, and its log with it, may
 * be gone a moment later. */

#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/api/internal.h"
#include "engine/api/relay.h"
#include "engine/store/events.h"

#define GREETING_WAIT_MS 10000
#define OPEN_TRIES 100
#define LOCK_TRIES 20 /* a monitor that has just said EXIT has it */
#define LOCK_PAUSE_MS 5

void mtd_attachment_free(struct mtd_attachment *a)
{
    if (!a)
        return;
    log_reader_close(&a->reader);
    close(a->dir_fd);
    if (a->socket >= 0)
        close(a->socket);
    if (a->holds)
        sigprocmask(SIG_SETMASK, &a->before, NULL);
    free(a);
}

bool mtd_attachment_lost(const struct mtd_attachment *a)
{
    return a->reader.lost || a->reader.damaged > 0;
}

bool mtd_attachment_tty(const struct mtd_attachment *a)
{
    return a->tty;
}

/* At the end of the present file, which is made when there is none. A rotation may come
 * in between: -ESTALE = once more. */
static int open_at_end(struct log_reader *r, int dir, struct mtd_error *err)
{
    if (mknodat(dir, LOG_NAME, S_IFREG | 0600, 0) < 0 && errno != EEXIST)
        return -errno;
    int rc = log_reader_open(r, dir, false, 0, err);
    if (rc < 0)
        return rc;
    uint64_t size = 0;
    rc = r->fd < 0 ? -ESTALE : log_reader_hold(r, &size);
    if (rc < 0)
        log_reader_close(r);
    else
        r->offset = size;
    return rc;
}

int api_attachment_new(struct mtd_engine *e, const char *id, struct mtd_attachment **ret,
                       struct mtd_error *err)
{
    auto_fd int dir = store_open_dir(&e->store, id, err);
    if (dir < 0)
        return dir;
    auto_free struct mtd_attachment *a = calloc(1, sizeof(*a));
    if (!a)
        return mtd_fail(err, ENOMEM, "out of memory");
    int rc = -ESTALE;
    for (int tries = 0; tries < OPEN_TRIES && rc == -ESTALE; tries++)
        rc = open_at_end(&a->reader, dir, err);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot open the log of %.12s", id);
    snprintf(a->id, sizeof(a->id), "%s", id);
    a->socket = -1;
    a->dir_fd = take_fd(&dir);
    *ret = take_ptr(&a);
    return 0;
}

/* A responsive monitor greets a new client at once. */
static int hear_greeting(int fd, struct packet_ready *ret, struct mtd_error *err)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (poll(&p, 1, GREETING_WAIT_MS) == 0)
        return container_fail_unresponsive(fd, "cannot attach", err);
    return container_hear(fd, ret, err);
}

static int check_attachable(const struct mtd_record *r, const char *ref,
                            struct mtd_error *err)
{
    if (!mtd_state_is_live(r->status.state))
        return mtd_fail(err, EBUSY,
                        "cannot attach to %s: it is not running; start it first", ref);
    if (r->status.state == MTD_STATE_PAUSED)
        return mtd_fail(err, EBUSY, "cannot attach to %s: it is paused; unpause it first",
                        ref);
    return 0;
}

int mtd_attach(struct mtd_engine *e, const char *ref, struct mtd_attachment **ret,
               struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record rec;
    mtd_record_init(&rec);
    struct mtd_attachment *a = NULL;
    struct packet_ready ready;
    int code = container_load(e, ref, &rec, NULL, err);
    if (code == 0)
        code = check_attachable(&rec, ref, err);
    if (code < 0)
        return code;
    auto_fd int fd = container_connect(e, rec.id, err);
    if (fd < 0)
        return fd;
    code = api_attachment_new(e, rec.id, &a, err);
    if (!a)
        return code;
    code = hear_greeting(fd, &ready, err);
    if (code < 0) {
        mtd_attachment_free(a);
        return code;
    }
    a->socket = take_fd(&fd);
    a->tty = ready.tty;
    a->redraw = true;
    events_note(e->store.root_fd, &rec, "attach");
    *ret = a;
    return 0;
}

/* Drops the files that only this client held. If there is a monitor, that does it when
 * the client disconnects. */
static void drop_surplus(struct mtd_engine *e, const struct mtd_attachment *a)
{
    auto_done(mtd_record_done) struct mtd_record rec;
    mtd_record_init(&rec);
    auto_fd int lock = store_try_lock(&e->store, a->id, NULL);
    for (int tries = 0; tries < LOCK_TRIES && lock == -EAGAIN; tries++) {
        poll(NULL, 0, LOCK_PAUSE_MS);
        lock = store_try_lock(&e->store, a->id, NULL);
    }
    if (lock < 0 || container_has_monitor(e, a->id) ||
        store_load(&e->store, a->id, &rec, NULL) < 0)
        return;
    struct log_writer w = {.dir_fd = a->dir_fd,
                           .max_size = rec.spec.log_max_size,
                           .max_file = rec.spec.log_max_file};
    if (rec.spec.log_driver == MTD_LOG_NONE)
        log_clear(&w);
    else
        log_trim(&w);
}

/* file: the one it began with. Without a rotation since then there is nothing to do. */
static void let_go(struct mtd_engine *e, struct mtd_attachment *a, uint64_t file)
{
    bool rotated = log_reader_newest(&a->reader) != file;
    log_reader_close(&a->reader);
    if (!rotated)
        return;
    store_sweep_one(&e->store, a->id);
    drop_surplus(e, a);
}

struct attached_process {
    struct mtd_engine *e;
    const char *id;
};

/* Looked up when a signal comes, as few have one: the run that there is now. */
static int open_process(void *arg)
{
    const struct attached_process *p = arg;
    auto_done(mtd_record_done) struct mtd_record rec;
    mtd_record_init(&rec);
    int rc = store_load(&p->e->store, p->id, &rec, NULL);
    return rc < 0 ? rc : proc_open(rec.status.pid, rec.status.pid_start);
}

int mtd_relay(struct mtd_engine *e, struct mtd_attachment *a, const struct mtd_relay *r,
              int *ret_status, struct mtd_error *err)
{
    struct attached_process process = {.e = e, .id = a->id};
    struct relay_target target = {.socket = a->socket,
                                  .reader = &a->reader,
                                  .tty = a->tty,
                                  .redraw = a->redraw,
                                  .open_process = open_process,
                                  .arg = &process};
    if (!r->with_output) /* nothing need wait for it */
        log_reader_close(&a->reader);
    uint64_t file = a->reader.ino;
    int code = container_relay(&target, r, ret_status, err);
    if (r->with_output)
        let_go(e, a, file);
    return code;
}
