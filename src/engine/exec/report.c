/* What the process that stays behind (exec -d) tells the front end: one message, once. */

#include <unistd.h>

#include "base/cleanup.h"
#include "engine/exec/internal.h"

void exec_report_send(int fd, int result, int status, const struct mtd_error *err)
{
    struct exec_report report = {.result = result, .status = status, .error = *err};
    (void)!write(fd, &report,
                 sizeof(report)); /* the front end may be gone: nobody to tell */
    close(fd);
}

void exec_report_running(struct exec_session *s)
{
    static const struct mtd_error none;
    if (s->report_fd >= 0)
        exec_report_send(take_fd(&s->report_fd), 0, 0, &none);
}
