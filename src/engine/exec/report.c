/* With exec -d the process that stays reports to the front end in one message, small
 * enough for a pipe to take whole: either all of it arrives or none. */

#include <unistd.h>

#include "base/cleanup.h"
#include "engine/exec/internal.h"

void exec_report_send(int fd, int result, int status, const struct mtd_error *err)
{
    struct exec_report report = {.result = result, .status = status, .error = *err};
    (void)!write(fd, &report, sizeof(report)); /* fails if the front end is gone */
    close(fd);
}

void exec_report_running(struct exec_session *s)
{
    static const struct mtd_error none;
    if (s->report_fd >= 0)
        exec_report_send(take_fd(&s->report_fd), 0, 0, &none);
}
