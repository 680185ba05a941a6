/* Steps of exec's child alone: unlike a container, its command must not
 * outlive the front end. */

#include "engine/inside/internal.h"

#include <errno.h>
#include <poll.h>

#include "nsenter/nsenter.h"

int inside_exec_announce(struct inside *c, struct mtd_error *err)
{
    (void)c;
    int rc = nsenter_reply(NSENTER_REPLY_FD, NSENTER_INSIDE, -1, NULL);
    return rc < 0 ? mtd_fail_errno(err, -rc, "the front end has exited") : 0;
}

/* Right after the change of user, which clears the death signal that the process has had
 * since its clone. A front end that exited in between is noticed by its end of the
 * socket. A session that may outlive its front end is its keeper's from here on. */
int inside_exec_follow(struct inside *c, struct mtd_error *err)
{
    struct pollfd front = {.fd = NSENTER_REPLY_FD};
    inside_die_with_front(c);
    if (poll(&front, 1, 0) != 0)
        return mtd_fail(err, ECANCELED, "the front end has exited");
    return 0;
}
