/* The container's log as its driver wants it. There is one in any case: attached clients read
 * it. */

#include "engine/monitor/internal.h"

#include <stdio.h>

#define UNKEPT_SIZE ((uint64_t)1 << 20) /* a file of what is only shown */

static int open_mirror(struct monitor *m, struct mtd_error *err)
{
    const struct mtd_spec *s = &m->record.spec;
    char name[MTD_ID_SIZE + sizeof(MTD_JSON_LOG)];
    snprintf(name, sizeof(name), "%s" MTD_JSON_LOG, m->id);
    int r =
        log_mirror_open(&m->mirror, m->dir_fd, name, s->log_max_size, s->log_max_file);
    return r < 0 ? mtd_fail_errno(err, -r, "cannot open the log file %s", name) : 0;
}

static int open_log(struct monitor *m, struct mtd_error *err)
{
    const struct mtd_spec *s = &m->record.spec;
    bool kept = s->log_driver != MTD_LOG_NONE;
    bool mirrored = s->log_driver == MTD_LOG_JSON_FILE;
    /* A terminal's unread output is lost with its monitor anyway, so it needs no spool. */
    int run_fd = s->process.tty ? -1 : m->run_fd;
    int r = mirrored ? open_mirror(m, err) : 0;
    if (r < 0)
        return r;
    r = log_resume(&m->log, m->dir_fd, run_fd, kept ? s->log_max_size : UNKEPT_SIZE,
                   kept ? s->log_max_file : 1, err);
    if (r < 0 && mirrored)
        log_mirror_close(&m->mirror);
    if (r < 0)
        return r;
    m->log.discards = !kept;
    if (mirrored)
        log_mirror_start(&m->log, &m->mirror);
    return 0;
}

int monitor_open_log(struct monitor *m, struct mtd_error *err)
{
    int r = m->log.fd >= 0 ? 0 : open_log(m, err);
    m->log_offset = m->log.size;
    return r;
}
