/* `start` says "go" at the gate. What it hears is what a monitor hears of its init: "E" when the
 * command comes next, an error, the end of the connection when the command runs. */

#include "engine/runtime/internal.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/wire/sync.h"

/* Init waits in between: what fails here is that its command never was. */
static int hand_listener(const struct container *c, struct bundle *ret, int gate,
                         int number, struct mtd_error *err)
{
    int rc = runtime_config(c, ret, err);
    auto_fd int fd = rc < 0 ? rc : runtime_take_listener(c->record.pid, number, err);
    rc = fd < 0 ? fd
                : runtime_send_listener(&c->record, ret, c->record.pid, RUNTIME_CREATED,
                                        fd, err);
    if (rc == 0 && (rc = sync_go(gate)) < 0)
        mtd_fail_errno(err, -rc, "cannot reach the container's first process");
    runtime_limit_wait(gate);
    return rc;
}

/* b: set when there is a listener. */
static int hear_end(const struct container *c, struct bundle *b, int gate,
                    struct mtd_error *err)
{
    struct mtd_error said = {0};
    int none = -1;
    bool execs = false;
    for (;;) {
        int rc = sync_recv(gate, &said, &none);
        if (rc == SYNC_EXEC)
            execs = true;
        else if (rc == SYNC_EOF && execs)
            return 0;
        else if (rc == SYNC_LISTENER && !b->version) {
            rc = hand_listener(c, b, gate, said.code, err);
            if (rc < 0)
                return rc;
        } else if (rc == -EAGAIN)
            return runtime_listener_hangs(b, err);
        else if (rc == SYNC_ERROR)
            return *err = said, -(said.code ? said.code : EIO);
        else
            return mtd_fail(err, ECHILD,
                            "the container's first process died before the command ran");
    }
}

static int release(const struct container *c, struct mtd_error *err)
{
    auto_done(bundle_done) struct bundle b = {0};
    auto_fd int gate = runtime_connect(c->dir_fd, 0);
    if (gate == -ECONNREFUSED || gate == -ENOENT)
        return mtd_fail(err, EBUSY, "cannot start an already running container");
    int rc = gate < 0 ? gate : sync_go(gate);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot reach the container's first process");
    rc = hear_end(c, &b, gate, err);
    if (rc < 0 && b.listener) /* even its end may wait for the listener */
        runtime_end(&c->record, NULL);
    return rc;
}

static int run_poststart(const struct container *c, struct mtd_error *err)
{
    auto_done(bundle_done) struct bundle b = {0};
    int rc = runtime_config(c, &b, err);
    if (rc < 0 || b.hooks[BUNDLE_POSTSTART].len == 0)
        return rc;
    auto_free char *rest = runtime_state_rest(&c->record);
    const struct bundle_hook_state s = {(int)c->record.pid, "running", rest};
    rc = rest ? bundle_run_hooks(&b, BUNDLE_POSTSTART, &s, err)
              : mtd_fail(err, ENOMEM, "out of memory");
    if (rc < 0) /* a start that failed leaves nothing running */
        runtime_end(&c->record, NULL);
    return rc;
}

int runtime_start(const struct runtime *r, const char *id, struct mtd_error *err)
{
    auto_done(runtime_close) struct container c;
    int rc = runtime_open(r, id, &c, err);
    if (rc < 0)
        return rc;
    enum runtime_status now = runtime_observe(&c);
    if (now == RUNTIME_STOPPED)
        return mtd_fail(err, ESRCH, "cannot start a container that has stopped");
    if (now == RUNTIME_CREATING)
        return mtd_fail(err, EAGAIN, "cannot start a container that is being created");
    if (now == RUNTIME_PAUSED)
        return mtd_fail(err, EBUSY, "cannot start a paused container; resume it first");
    rc = release(&c, err);
    return rc < 0 ? rc : run_poststart(&c, err);
}
