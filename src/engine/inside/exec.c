/* Exec's child reports to the front end. The constructor has joined the container; all
 * that is left of the host are the streams that were asked for and the reply socket.
 * execve closes that socket, which tells the front end that the command runs. */

#include "engine/inside/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "nsenter/nsenter.h"

static int send_terminal(struct inside *c, int master)
{
    if (inside_is_late(c)) {
        c->master = fcntl(master, F_DUPFD_CLOEXEC, NSENTER_REPLY_FD + 1);
        return c->master < 0 ? -errno : 0;
    }
    return nsenter_reply(NSENTER_REPLY_FD, NSENTER_MASTER, master, NULL);
}

static int hand_listener(struct inside *c, int listener)
{
    (void)c;
    return nsenter_reply_listener(NSENTER_REPLY_FD, listener);
}

static void send_error(struct inside *c, const struct mtd_error *err)
{
    (void)c;
    nsenter_reply(NSENTER_REPLY_FD, NSENTER_ERROR, -1, err);
}

/* The request in the form that a container's own process has. Strings are borrowed;
 * limits has room for NSENTER_MAX_RLIMITS. */
static struct mtd_process as_process(const struct nsenter_request *q,
                                     struct mtd_rlimit *limits)
{
    for (size_t i = 0; i < q->n_rlimits; i++) {
        memcpy(limits[i].name, q->rlimits[i].name, sizeof(limits[i].name));
        limits[i].soft = q->rlimits[i].soft;
        limits[i].hard = q->rlimits[i].hard;
    }
    return (struct mtd_process){.args = q->args,
                                .env = q->env,
                                .cwd = q->cwd,
                                .user = q->user,
                                .tty = q->flags & NSENTER_TTY,
                                .no_new_privs = q->flags & NSENTER_NO_NEW_PRIVS,
                                .caps = q->caps,
                                .rlimits = limits,
                                .n_rlimits = q->n_rlimits,
                                .oom_score_adj = q->oom_score_adj,
                                .group_add = q->groups,
                                .exact = q->flags & NSENTER_EXACT,
                                .sets = {q->sets[0], q->sets[1], q->sets[2], q->sets[3]},
                                .sets_umask = q->flags & NSENTER_EXACT,
                                .umask = q->umask,
                                .preserve = q->preserve,
                                .sets_personality = q->flags & NSENTER_PERSONALITY,
                                .personality = q->personality};
}

static void run(const struct nsenter_request *q)
{
    static const struct inside_ops ops = {.process = INSIDE_EXEC,
                                          .name = "exec",
                                          .send_terminal = send_terminal,
                                          .hand_listener = hand_listener,
                                          .before_exec = inside_appear,
                                          .send_error = send_error};
    struct mtd_rlimit limits[NSENTER_MAX_RLIMITS];
    struct mtd_process process = as_process(q, limits);
    struct inside c = {.ops = &ops,
                       .process = &process,
                       .rows = q->rows,
                       .cols = q->cols,
                       .stdio = {q->flags & NSENTER_NULL_IN ? -1 : 0,
                                 q->flags & NSENTER_NULL_OUT ? -1 : 1,
                                 q->flags & NSENTER_NULL_ERR ? -1 : 2},
                       .label = q->label,
                       .proc_fd = q->proc_fd,
                       .seccomp = q->seccomp,
                       .made = q->seccomp_made,
                       .seccomp_caps = q->seccomp_caps,
                       .ignored = q->ignored,
                       .master = -1,
                       .request = q};
    inside_run(&c);
}

int inside_exec_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    const struct nsenter_request *q = nsenter_joined();
    if (q)
        run(q);
    fprintf(stderr,
            "mytop-docker: %s is a name for internal processes; it "
            "cannot be run directly\n",
            NSENTER_NAME);
    return 125;
}
