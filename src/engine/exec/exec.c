/* A command is refused here if the container is not running: the joiner could only report
 * that it found no process. */

#include "engine/exec/exec.h"

#include <errno.h>

#include "engine/exec/internal.h"

static int check_state(const struct mtd_record *r, struct mtd_error *err)
{
    const char *name = r->name ? r->name : r->id;
    switch (r->status.state) {
    case MTD_STATE_RUNNING: return 0;
    case MTD_STATE_PAUSED:
        return mtd_fail(err, EBUSY,
                        "container %s is paused, unpause the container before exec",
                        name);
    case MTD_STATE_RESTARTING:
        return mtd_fail(err, EBUSY,
                        "container %s is restarting, wait until the container is "
                        "running",
                        name);
    default: return mtd_fail(err, EBUSY, "container %s is not running", name);
    }
}

int exec_run(const struct mtd_record *r, const struct exec_notes *notes,
             const struct mtd_exec *x, int *ret_status, struct mtd_error *err)
{
    struct exec_session s = {.report_fd = -1, .notes = *notes};
    int rc = check_state(r, err);
    if (rc < 0)
        return rc;
    return x->detach ? exec_detached(r, notes, x, ret_status, err)
                     : exec_session_run(&s, r, x, ret_status, err);
}
