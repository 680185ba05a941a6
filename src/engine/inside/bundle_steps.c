/* What the init of a bundle does before the steps of all. Its parent, `create`, has made the
 * groups, and joined or made the namespaces that come with a clone; the others are joined here.
 * (In a user namespace of its own it is born in all of them: runtime/userns.c.) The parent ends as soon as the gate is reached: from there on `start` is who it answers to. */

#include "engine/inside/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/ns.h"
#include "base/sys.h"
#include "engine/wire/sync.h"

static const struct inside_bundle *bundle_of(const struct inside *c)
{
    return c->init->bundle;
}

static const struct bundle *plan_of(const struct inside *c)
{
    return c->init->bundle->tree.bundle;
}

static int set_oom_score(const struct inside *c, struct mtd_error *err)
{
    char text[16], now[16];
    snprintf(text, sizeof(text), "%d", c->process->oom_score_adj);
    int rc = fs_write_at(AT_FDCWD, "/proc/self/oom_score_adj", text);
    if (rc == 0 ||
        (fs_read_small_at(AT_FDCWD, "/proc/self/oom_score_adj", now, sizeof(now)) > 0 &&
         strcmp(now, text) == 0))
        return 0;
    return mtd_fail_errno(err, -rc, "cannot set the OOM score to %s", text);
}

/* In its groups by now, so that the cgroup namespace begins there. The score is set while the
 * host's /proc is there, and before a user namespace could forbid it. */
int inside_bundle_namespaces(struct inside *c, struct mtd_error *err)
{
    const struct inside_bundle *b = bundle_of(c);
    for (int i = 0; i < BUNDLE_NS_COUNT && !b->crossed; i++) {
        if (b->namespaces[i] < 0 || i == BUNDLE_NS_PID || i == BUNDLE_NS_USER)
            continue;
        if (setns(b->namespaces[i], BUNDLE_NAMESPACES[i].flag) < 0)
            return mtd_fail_errno(err, errno, "cannot join the %s namespace %s",
                                  BUNDLE_NAMESPACES[i].name,
                                  plan_of(c)->namespaces[i].path);
    }
    if (!b->crossed && plan_of(c)->sets_oom_score && set_oom_score(c, err) < 0)
        return -err->code;
    if (bundle_is_new(plan_of(c), BUNDLE_NS_CGROUP) && unshare(CLONE_NEWCGROUP) < 0)
        return mtd_fail_errno(err, errno, "cannot create a cgroup namespace");
    return 0;
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* All but the standard streams, those the caller wants to be inherited, and what is needed up to
 * the command is closed: whoever started the runtime may have left it any number of others. */
int inside_bundle_descriptors(struct inside *c, struct mtd_error *err)
{
    const struct inside_bundle *b = bundle_of(c);
    int first = 3 + (int)c->process->preserve, n = 0;
    auto_free int *kept = calloc((size_t)b->n_trees + 2, sizeof(*kept));
    if (!kept)
        return mtd_fail(err, ENOMEM, "out of memory");
    kept[n++] = c->sync_fd;
    kept[n++] = b->gate;
    for (int i = 0; i < b->n_trees; i++)
        if (b->tree.trees[i] >= 0)
            kept[n++] = b->tree.trees[i];
    qsort(kept, (size_t)n, sizeof(*kept), compare);
    for (int i = 0; i < n; i++) {
        if (kept[i] > first &&
            sys_close_range((unsigned)first, (unsigned)kept[i] - 1, 0) < 0)
            return mtd_fail_errno(err, errno, "cannot close the caller's descriptors");
        first = kept[i] + 1;
    }
    if (sys_close_range((unsigned)first, ~0U, 0) < 0)
        return mtd_fail_errno(err, errno, "cannot close the caller's descriptors");
    return 0;
}

int inside_bundle_tree(struct inside *c, struct mtd_error *err)
{
    return rootfs_build_listed(&bundle_of(c)->tree, &c->root_fd, err);
}

int inside_bundle_loopback(struct inside *c, struct mtd_error *err)
{
    if (!bundle_is_new(plan_of(c), BUNDLE_NS_NETWORK))
        return 0;
    int rc = ns_loopback_up();
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot bring up the loopback interface")
                  : 0;
}

int inside_bundle_mounted(struct inside *c, struct mtd_error *err)
{
    int rc = bundle_of(c)->announce ? sync_send_mounted(c->sync_fd) : 0;
    return rc < 0 ? mtd_fail_errno(err, -rc, "the runtime has exited") : 0;
}

/* ---- hooks of its own ---- */

/* The host's number for it: by the host's /proc, while that is there. */
static int own_pid(void)
{
    char text[16];
    ssize_t n = readlink("/proc/self", text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    return n > 0 ? atoi(text) : (int)getpid();
}

int inside_bundle_hooks(struct inside *c, struct mtd_error *err)
{
    const struct bundle_hook_state s = {own_pid(), "creating", bundle_of(c)->state};
    return bundle_run_hooks(plan_of(c), BUNDLE_CREATE_CONTAINER, &s, err);
}

int inside_bundle_begin(struct inside *c, struct mtd_error *err)
{
    const struct bundle_hook_state s = {(int)getpid(), "created", bundle_of(c)->state};
    return bundle_run_hooks(plan_of(c), BUNDLE_START_CONTAINER, &s, err);
}

/* ---- up to the pivot ---- */

int inside_bundle_names(struct inside *c, struct mtd_error *err)
{
    const struct bundle *b = plan_of(c);
    if (b->hostname && *b->hostname && sethostname(b->hostname, strlen(b->hostname)) < 0)
        return mtd_fail_errno(err, errno, "cannot set the hostname %s", b->hostname);
    if (b->domainname && *b->domainname &&
        setdomainname(b->domainname, strlen(b->domainname)) < 0)
        return mtd_fail_errno(err, errno, "cannot set the domain %s", b->domainname);
    return 0;
}

int inside_bundle_sysctls(struct inside *c, struct mtd_error *err)
{
    const struct strv *s = &plan_of(c)->sysctls;
    int rc = 0;
    for (size_t i = 0; i < s->len && rc == 0; i++)
        rc = inside_set_sysctl(c->root_fd, s->items[i], err);
    return rc;
}

int inside_bundle_enter(struct inside *c, struct mtd_error *err)
{
    int rc = rootfs_enter_listed(&bundle_of(c)->tree, c->root_fd, err);
    if (rc == 0)
        close(take_fd(&c->root_fd));
    return rc;
}

/* ---- the gate ---- */

/* Who connects and goes away without a word has looked whether it is still waiting. */
static int await_start(int gate)
{
    for (;;) {
        auto_fd int peer = accept4(gate, NULL, NULL, SOCK_CLOEXEC);
        if (peer < 0 && errno != EINTR && errno != ECONNABORTED)
            return -errno;
        if (peer >= 0 && sync_wait_go(peer) == 0)
            return take_fd(&peer);
    }
}

int inside_bundle_gate(struct inside *c, struct mtd_error *err)
{
    int rc = sync_send_exec(c->sync_fd);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "the runtime has exited");
    close(c->sync_fd);
    c->sync_fd = -1;
    int peer = await_start(bundle_of(c)->gate);
    if (peer < 0)
        return mtd_fail_errno(err, -peer, "cannot wait for the start");
    c->sync_fd = peer;
    return 0;
}
