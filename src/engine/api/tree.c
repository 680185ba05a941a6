/* A mount namespace can be entered only by a process that shares its directories with nobody,
 * and who comes back from one has the host's root, which this process need not have. So a
 * child goes in, opens the root there, sends it and ends: it is in none of the container's
 * other namespaces, where a process could see it. */

#include "engine/api/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/ns.h"
#include "base/proc.h"
#include "engine/confine/userns.h"
#include "engine/idmap.h"
#include "engine/rootfs/rootfs.h"
#include "engine/wire/sync.h"

#define NS_KIND "mnt"

struct entry {
    struct mtd_engine *e;
    const struct mtd_record *record;
    bool writable;
    int ns_fd;     /* of a running one */
    int userns_fd; /* of one with a map of ids that does not run */
};

/* ---- the child ---- */

static int enter_running(const struct entry *in, int *ret_root, struct mtd_error *err)
{
    int rc = setns(in->ns_fd, CLONE_NEWNS) < 0 ? -errno : 0;
    auto_fd int here =
        rc < 0 ? -1 : openat(in->ns_fd, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (rc == 0 && here < 0)
        rc = -errno;
    if (rc == 0)
        *ret_root = take_fd(&here);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot look into %s", in->record->name) : 0;
}

static int enter_stopped(const struct entry *in, int *ret_root, struct mtd_error *err)
{
    auto_free char *dir = container_dir(in->e, in->record->id, "");
    auto_free char *images = NULL, *volumes = NULL;
    if (!dir || asprintf(&images, "%s/images", in->e->store.root) < 0 ||
        asprintf(&volumes, "%s/volumes", in->e->store.root) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    if (unshare(CLONE_NEWNS) < 0)
        return mtd_fail_errno(err, errno, "cannot make a mount namespace");
    struct rootfs tree = {.record = in->record,
                          .dir = dir,
                          .images_dir = images,
                          .volumes_dir = volumes,
                          .shm_fd = -1,
                          .userns_fd = in->userns_fd};
    return rootfs_visit(&tree, in->writable, ret_root, err);
}

static __attribute__((noreturn)) void run_child(const struct entry *in, int out)
{
    struct mtd_error err = {0};
    int root = -1, ns = in->ns_fd;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int rc = fault_point("cp.enter");
    if (rc < 0)
        mtd_fail_errno(&err, -rc, "cp.enter");
    if (rc == 0)
        rc = ns >= 0 ? enter_running(in, &root, &err) : enter_stopped(in, &root, &err);
    if (rc == 0 && ns < 0) {
        auto_fd int dir = ns_open(0);
        ns = dir < 0 ? -1 : openat(dir, NS_KIND, O_RDONLY | O_CLOEXEC);
        rc = ns < 0 ? mtd_fail_errno(&err, errno, "cannot open a mount namespace") : 0;
    }
    if (rc < 0)
        sync_send_error(out, &err);
    else if (sync_send_tty(out, root) == 0)
        sync_send_tty(out, ns);
    _exit(0);
}

/* ---- this process ---- */

static int receive_fd(int socket, int *ret, struct mtd_error *err)
{
    struct mtd_error theirs = {0};
    int event = sync_recv(socket, &theirs, ret);
    if (event == SYNC_TTY)
        return 0;
    if (event == SYNC_ERROR)
        return mtd_fail(err, theirs.code, "%s", theirs.text);
    return mtd_fail(err, EIO, "the process that looks into the container died");
}

static int run_entry(const struct entry *in, struct api_tree *ret, struct mtd_error *err)
{
    auto_fd int ours = -1, theirs = -1;
    struct api_tree t = {-1, -1};
    int rc = sync_pair(&ours, &theirs);
    pid_t pid = rc < 0 ? rc : fork();
    if (pid == 0)
        run_child(in, theirs);
    if (pid < 0)
        return mtd_fail_errno(err, rc < 0 ? -rc : errno, "cannot look into %s",
                              in->record->name);
    close(take_fd(&theirs));
    rc = receive_fd(ours, &t.root_fd, err);
    if (rc == 0)
        rc = receive_fd(ours, &t.ns_fd, err);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    if (rc < 0)
        api_tree_close(&t);
    else
        *ret = t;
    return rc;
}

/* What is opened is of whoever has the pid then, so its start time is compared afterwards; and
 * it must be the namespace it began with, unless it made that itself. */
static int open_namespace(const struct mtd_record *r, struct mtd_error *err)
{
    char id[NS_ID_SIZE];
    const struct mtd_status *st = &r->status;
    auto_fd int dir = ns_open(st->pid);
    auto_fd int ns = dir < 0 ? -1 : openat(dir, NS_KIND, O_RDONLY | O_CLOEXEC);
    if (ns < 0 || !proc_is(st->pid, st->pid_start) || ns_id_of(ns, NS_KIND, id) < 0)
        return mtd_fail(err, ESRCH, "%s has just ended; try again", r->name);
    for (size_t i = 0; i < st->namespaces.len; i++) {
        const char *began = st->namespaces.items[i];
        if (strncmp(began, NS_KIND ":", strlen(NS_KIND ":")) == 0 &&
            strcmp(began, id) != 0)
            return mtd_fail(err, EXDEV,
                            "the first process of %s has left the mount namespace it was "
                            "started in; restart the container",
                            r->name);
    }
    return take_fd(&ns);
}

int api_tree_open(struct mtd_engine *e, const struct mtd_record *r, bool writable,
                  struct api_tree *ret, struct mtd_error *err)
{
    struct entry in = {e, r, writable, -1, -1};
    bool runs =
        r->status.state == MTD_STATE_RUNNING || r->status.state == MTD_STATE_PAUSED;
    int rc = 0;
    if (runs)
        rc = in.ns_fd = open_namespace(r, err);
    else if (mtd_idmap_is_set(&r->spec))
        rc = in.userns_fd = confine_userns_open(&r->spec, NULL, err);
    if (rc >= 0)
        rc = run_entry(&in, ret, err);
    cleanup_fd(&in.ns_fd);
    cleanup_fd(&in.userns_fd);
    return rc;
}

void api_tree_close(struct api_tree *t)
{
    cleanup_fd(&t->root_fd);
    cleanup_fd(&t->ns_fd);
    *t = (struct api_tree){-1, -1};
}
