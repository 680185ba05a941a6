/* docker's events of exec. A session that was detached from ends with one of its keeper's, which
 * does not reap the command: before Linux 6.15 it may lack the exit code. */

#include <stdio.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "engine/exec/internal.h"
#include "engine/store/events.h"

static void note(const struct exec_session *s, const char *action, int exit_code)
{
    struct event e = event_of(s->record, action);
    e.exit_code = exit_code;
    e.attribute = (struct event_attribute){"execID", s->id};
    events_append(s->notes.root_fd, &e);
}

static bool is_noted(const struct exec_session *s)
{
    return s->notes.root_fd >= 0 && s->id[0];
}

void exec_note_start(const struct exec_session *s)
{
    static const char *const ACTIONS[] = {"exec_create", "exec_start"};
    for (size_t a = 0; is_noted(s) && a < ARRAY_SIZE(ACTIONS); a++) {
        auto_done(buf_done) struct buf action = {0};
        int rc = buf_printf(&action, "%s:", ACTIONS[a]);
        for (size_t i = 0; i < s->args->len && rc == 0; i++)
            rc = buf_printf(&action, " %s", s->args->items[i]);
        if (rc == 0 && s->args->len == 1) /* docker joins the command and its arguments */
            rc = buf_putc(&action, ' ');
        if (rc == 0)
            note(s, action.data, -1);
    }
}

void exec_note_end(const struct exec_session *s, int status)
{
    if (is_noted(s))
        note(s, "exec_die", status);
}

int exec_status(int wait_status)
{
    return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status)
                                    : WEXITSTATUS(wait_status);
}
