/* `start` says "go" at the gate. What it hears is what a monitor hears of its init: "E" when the
 * command comes next, an error, the end of the connection when the command runs. */

#include "engine/runtime/internal.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/wire/sync.h"

static int release(int dir_fd, struct mtd_error *err)
{
    struct mtd_error said = {0};
    int none = -1;
    bool execs = false;
    auto_fd int gate = runtime_connect(dir_fd, 0);
    if (gate == -ECONNREFUSED || gate == -ENOENT)
        return mtd_fail(err, EBUSY, "cannot start an already running container");
    int rc = gate < 0 ? gate : sync_go(gate);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot reach the container's first process");
    for (;;) {
        rc = sync_recv(gate, &said, &none);
        if (rc == SYNC_EXEC)
            execs = true;
        else if (rc == SYNC_EOF && execs)
            return 0;
        else if (rc == SYNC_ERROR)
            return *err = said, -(said.code ? said.code : EIO);
        else
            return mtd_fail(err, ECHILD,
                            "the container's first process died before the command ran");
    }
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
    rc = release(c.dir_fd, err);
    return rc < 0 ? rc : run_poststart(&c, err);
}
