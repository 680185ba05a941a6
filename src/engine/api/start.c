/* A start hands the container over to a monitor. The log is opened before, because a
 * short-lived --rm container may be gone when the monitor answers. */

#include "engine/engine.h"

#include <errno.h>

#include "base/cleanup.h"
#include "engine/api/internal.h"
#include "engine/api/relay.h"
#include "engine/monitor/monitor.h"

#define START_TRIES 20
#define GO_WAIT_MS 10000 /* for a monitor that is about to exit */

/* It waits to restart the container, or another start is under way. */
static bool is_owned(struct mtd_engine *e, const char *id)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    return store_load(&e->store, id, &r, NULL) == 0 &&
           mtd_state_is_active(r.status.state);
}

/* There may be a monitor although the container does not run: one that waits to restart
 * it or is starting it, which is what was asked for, or one that is about to exit, which is
 * waited for. */
static int launch_after(struct mtd_engine *e, const char *id, const struct mtd_start *s,
                        struct packet_ready *ready, struct mtd_error *err)
{
    int fd = -EALREADY;
    for (int tries = 0; tries < START_TRIES && fd == -EALREADY; tries++) {
        mtd_error_clear(err);
        fd = container_launch(e, id, s, MONITOR_START, ready, err);
        auto_fd int other = fd == -EALREADY ? container_connect(e, id, NULL) : -1;
        if (other >= 0 && is_owned(e, id) && container_hear(other, ready, err) == 0)
            return take_fd(&other);
        if (other >= 0 && container_wait_run(other, GO_WAIT_MS) == -ETIMEDOUT)
            return container_fail_unresponsive(other, "cannot start it", err);
    }
    return fd;
}

/* The command runs a moment before we hear of it, and a signal of that moment is for it. */
static void hold_signals(struct mtd_attachment *a)
{
    sigset_t mask;
    container_relay_signals(&mask, false);
    a->holds = sigprocmask(SIG_BLOCK, &mask, &a->before) == 0;
}

int mtd_start(struct mtd_engine *e, const char *ref, const struct mtd_start *s,
              struct mtd_attachment **ret, struct mtd_error *err)
{
    char id[MTD_ID_SIZE];
    struct mtd_attachment *a = NULL;
    struct packet_ready ready = {0};
    struct mtd_start start = *s;
    start.attaches = ret != NULL;
    int r = api_check_kernel(e, err);
    if (r == 0)
        r = store_resolve(&e->store, ref, id, err);
    if (r == 0 && ret)
        r = api_attachment_new(e, id, &a, err);
    if (r < 0)
        return r;
    if (a)
        hold_signals(a);
    auto_fd int fd = launch_after(e, id, &start, &ready, err);
    if (fd < 0) {
        mtd_attachment_free(a);
        return fd;
    }
    container_making_end(e, id);
    if (!a) /* no attachment was asked for */
        return 0;
    a->socket = take_fd(&fd);
    a->tty = ready.tty;
    if (log_reader_is_present(&a->reader)) /* else it was rotated since */
        a->reader.offset = ready.log_offset;
    *ret = a;
    return 0;
}
