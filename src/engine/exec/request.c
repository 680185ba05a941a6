/* The command gets the container's configuration, except where exec's
 * options override it. */

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include "engine/exec/internal.h"
#include "engine/host/label.h"
#include "engine/idmap.h"
#include "engine/syscalls/syscalls.h"
#include "nsenter/nsenter.h"

static int fill_env(struct strv *env, const struct mtd_record *r,
                    const struct mtd_exec *x)
{
    int rc = strv_copy(env, &r->spec.process.env);
    if (rc == 0 && x->tty && !strv_env_get(env, "TERM"))
        rc = strv_add(env, "TERM=xterm");
    for (size_t i = 0; i < x->env.len && rc == 0; i++)
        rc = strv_env_set(env, x->env.items[i]);
    return rc;
}

static int fill_limits(struct nsenter_request *q, const struct mtd_process *p)
{
    if (p->n_rlimits == 0)
        return 0;
    q->rlimits = calloc(p->n_rlimits, sizeof(*q->rlimits));
    if (!q->rlimits)
        return -ENOMEM;
    for (q->n_rlimits = 0; q->n_rlimits < p->n_rlimits; q->n_rlimits++) {
        const struct mtd_rlimit *from = &p->rlimits[q->n_rlimits];
        struct nsenter_rlimit *to = &q->rlimits[q->n_rlimits];
        memcpy(to->name, from->name, sizeof(to->name));
        to->soft = from->soft;
        to->hard = from->hard;
    }
    return 0;
}

/* The container's, whatever exec gives. */
static int fill_label(struct nsenter_request *q, const struct mtd_spec *s,
                      struct mtd_error *err)
{
    char label[LABEL_SIZE];
    int rc = label_prepare(s, label, err);
    if (rc < 0)
        return rc;
    q->files = label_of_files(s);
    q->label = strdup(label);
    return q->label ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

/* Whoever may trace in the host's user namespace may trace what joins the container, also what is
 * not dumpable. With all capabilities it has no need to. */
static bool is_traced(const struct mtd_record *r)
{
    const struct mtd_process *p = &r->spec.process;
    return (p->caps >> CAP_SYS_PTRACE & 1) && !p->privileged &&
           !mtd_idmap_is_set(&r->spec);
}

/* A session with a terminal must survive a detach, so its keeper ends it,
 * not a death signal. */
static uint32_t flags_of(const struct mtd_record *r, const struct mtd_exec *x)
{
    return (x->tty ? NSENTER_TTY : 0) | (x->tty || x->detach ? NSENTER_KEEP : 0) |
           (r->spec.process.no_new_privs ? NSENTER_NO_NEW_PRIVS : 0) |
           (mtd_idmap_is_set(&r->spec) ? NSENTER_USERNS : 0) |
           (is_traced(r) ? NSENTER_LATE : 0);
}

static const char *first(const char *a, const char *b)
{
    return a && *a ? a : b;
}

int exec_request_fill(struct nsenter_request *q, const struct mtd_record *r,
                      const struct mtd_exec *x, struct mtd_error *err)
{
    const struct mtd_process *p = &r->spec.process;
    if (x->args.len == 0)
        return mtd_fail(err, EINVAL, "exec needs a command");
    q->pid = r->status.pid;
    q->pid_start = r->status.pid_start;
    q->flags |= flags_of(r, x);
    q->caps = x->privileged || p->privileged ? MTD_CAPS_ALL : p->caps;
    q->cwd = (char *)first(x->cwd, p->cwd);
    q->user = (char *)first(x->user, p->user);
    q->seccomp =
        (char *)syscalls_profile(p); /* privileges of exec's own lift none of it */
    q->seccomp_made = p->seccomp_made;
    q->seccomp_caps = syscalls_caps(p);
    q->oom_score_adj = p->oom_score_adj;
    q->groups = p->group_add;
    q->cgroups = r->status.cgroups;
    q->namespaces = r->status.namespaces;
    q->args = x->args;
    if (fill_limits(q, p) < 0 || fill_env(&q->env, r, x) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    return fill_label(q, &r->spec, err);
}

void exec_request_done(struct nsenter_request *q)
{
    free(q->rlimits);
    free(q->label);
    strv_done(&q->env);
}
