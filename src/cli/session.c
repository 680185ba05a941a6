/* session - the attachment is made by mtd_start itself: attaching after the start could
 * miss the output and the exit of a short container. */

#include "cli/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "cli/report.h"

int session_check_tty(const struct cli *c, bool tty, bool with_stdin)
{
    if (tty && with_stdin && !isatty(STDIN_FILENO))
        return report_fail(c, STATUS_FAILED,
                           "the input device is not a TTY; leave out -t");
    return 0;
}

int session_check_keys(const char *keys, struct mtd_error *err)
{
    int rc = keys ? mtd_detach_keys_check(keys, err) : 0;
    if (rc < 0) {
        mtd_fail(err, EINVAL, "\"%.40s\" is not a key sequence such as ctrl-p,ctrl-q",
                 keys);
        mtd_context(err, "--detach-keys");
    }
    return rc;
}

void session_size(unsigned short *rows, unsigned short *cols)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
        (void)ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
    *rows = size.ws_row;
    *cols = size.ws_col;
}

int session_start_status(const struct mtd_error *err, int fallback)
{
    if (err->stage != MTD_STAGE_EXEC)
        return fallback;
    return err->code == ENOENT ? STATUS_NO_FILE : STATUS_NO_EXEC;
}

static int end_unread(struct cli *c, const char *stops)
{
    struct mtd_error err = {0};
    int rc = stops ? mtd_stop(c->engine, stops, -2, &err) : 0;
    if (rc < 0 && rc != -ENOENT) { /* --rm: it was quicker */
        mtd_fail_errno(&err, -rc, "cannot stop the container");
        report_error(c, STATUS_ENGINE, &err);
    }
    return 128 + SIGPIPE;
}

int session_relay(struct cli *c, struct mtd_attachment *a, const struct mtd_relay *r,
                  const char *stops)
{
    static const char DETACHED[] = "read escape sequence\n";
    struct mtd_error err = {0};
    int status = 0;
    int rc = mtd_relay(c->engine, a, r, &status, &err);
    bool lost = mtd_attachment_lost(a);
    mtd_attachment_free(a);
    if (lost)
        report_warning(c,
                       "some of the output is missing: the log was emptied, deleted or "
                       "damaged before it was read");
    if (rc < 0) {
        mtd_fail_errno(&err, -rc, "lost the connection to the container");
        if (status == MTD_UNREAD)
            end_unread(c, stops);
        return report_error(c, STATUS_ENGINE, &err);
    }
    if (status == MTD_UNREAD)
        return end_unread(c, stops);
    if (status == MTD_FORCED)
        return report_fail(c, STATUS_FAILED,
                           "got 3 SIGTERM/SIGINTs, forcefully exiting; the container may "
                           "still run: see ps, and end it with stop or rm -f");
    if (status != MTD_DETACHED)
        return status;
    (void)fs_write_all(STDERR_FILENO, DETACHED, sizeof(DETACHED) - 1);
    return 0;
}

int session_start(struct cli *c, const char *ref, struct session *s, int fallback)
{
    struct mtd_error err = {0};
    auto_done(mtd_record_done) struct mtd_record record;
    mtd_record_init(&record);
    auto_fd int null =
        s->no_out || s->no_err ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1;
    struct mtd_relay r = {.with_stdin = s->with_stdin,
                          .with_output = s->with_output,
                          .sig_proxy = s->sig_proxy,
                          .detach_keys = s->detach_keys,
                          .in = STDIN_FILENO,
                          .out = s->no_out ? null : STDOUT_FILENO,
                          .err = s->no_err ? null : STDERR_FILENO};
    struct mtd_attachment *a = NULL;
    struct mtd_start start = {.gives_input = s->with_stdin};
    if (!s->made || s->made->tty)
        session_size(&start.rows, &start.cols);

    int rc = s->made ? 0 : mtd_inspect(c->engine, ref, &record, &err);
    if (rc == 0)
        rc = mtd_start(c->engine, s->made ? ref : record.id, &start, &a, &err);
    if (rc < 0) {
        mtd_fail_errno(&err, -rc, "cannot start");
        return report_error(c, session_start_status(&err, fallback), &err);
    }
    s->started = true;
    r.with_stdin = r.with_stdin && (s->made ? s->made : &record.spec.process)->open_stdin;
    const char *id = s->made ? ref : record.id;
    return session_relay(c, a, &r, s->keep_running ? NULL : id);
}
