/* cp: files between the host and a container. What runs is entered as it is; of what does not
 * run, nobody else may start, change or remove it meanwhile. */

#include "engine/copy/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <stdlib.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/api/internal.h"
#include "engine/api/tree.h"
#include "engine/idmap.h"
#include "engine/store/events.h"

static bool is_live(const struct mtd_record *r)
{
    return r->status.state == MTD_STATE_RUNNING || r->status.state == MTD_STATE_PAUSED;
}

/* The lock is held when it returns unless the container runs. */
static int load(struct mtd_engine *e, const char *ref, struct mtd_record *r,
                int *ret_lock, struct mtd_error *err)
{
    int rc = container_load(e, ref, r, NULL, err);
    if (rc < 0 || is_live(r))
        return rc;
    mtd_record_done(r);
    mtd_record_init(r);
    auto_fd int lock = -1;
    rc = container_load(e, ref, r, &lock, err);
    if (rc == 0 && !is_live(r))
        *ret_lock = take_fd(&lock);
    return rc;
}

struct identity {
    int bits;
    uid_t uid;
    gid_t gid;
    mode_t mask;
    bool changed;
};

/* In a container with ids of its own a file must be made as its root; through its mounts the
 * host's root has no id. The capabilities stay. */
static int become(const struct mtd_record *r, struct identity *was, struct mtd_error *err)
{
    uint32_t root;
    was->mask = umask(0);
    if (!mtd_idmap_is_set(&r->spec))
        return 0;
    was->bits = prctl(PR_GET_SECUREBITS);
    if (was->bits < 0 || !mtd_idmap_to_host(&r->spec, 0, &root) ||
        prctl(PR_SET_SECUREBITS, was->bits | SECBIT_NO_SETUID_FIXUP) < 0)
        return mtd_fail_errno(err, errno, "cannot keep capabilities");
    was->gid = (gid_t)setfsgid(root);
    was->uid = (uid_t)setfsuid(root);
    was->changed = true;
    return 0;
}

static void become_again(const struct identity *was)
{
    umask(was->mask);
    if (!was->changed)
        return;
    setfsuid(was->uid);
    setfsgid(was->gid);
    prctl(PR_SET_SECUREBITS, was->bits);
}

static int copy(const struct mtd_copy *c, const struct copy_end *inside,
                uint64_t *ret_bytes, struct mtd_error *err)
{
    const struct copy_how how = {c->keep_owner, c->follow_link, c->progress};
    if (!c->host_path)
        return c->into ? copy_from_tar(c->tar_fd, inside, &how, ret_bytes, err)
                       : copy_to_tar(inside, &how, c->tar_fd, ret_bytes, err);
    auto_fd int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (top < 0)
        return mtd_fail_errno(err, errno, "cannot open /");
    const struct copy_end host = {.root_fd = top, .path = c->host_path};
    return c->into ? copy_files(&host, inside, &how, ret_bytes, err)
                   : copy_files(inside, &host, &how, ret_bytes, err);
}

static int copy_as(const struct mtd_copy *c, const struct mtd_record *r, int root_fd,
                   uint64_t *ret_bytes, struct mtd_error *err)
{
    struct identity was = {0};
    const struct copy_end inside = {.root_fd = root_fd,
                                    .path = c->path,
                                    .name = r->name,
                                    .ids = mtd_idmap_is_set(&r->spec) ? &r->spec : NULL};
    if (!c->into)
        return copy(c, &inside, ret_bytes, err);
    int rc = become(r, &was, err);
    if (rc == 0)
        rc = copy(c, &inside, ret_bytes, err);
    become_again(&was);
    return rc;
}

/* What vanishes while it is copied is left out: of a container that is gone it may be anything. */
static int expect_there(struct mtd_engine *e, const struct mtd_record *r, int rc,
                        struct mtd_error *err)
{
    auto_fd int dir = store_open_dir(&e->store, r->id, NULL);
    if (dir != -ENOENT)
        return rc;
    mtd_error_clear(err);
    return mtd_fail(err, ENOENT,
                    "container %s was removed meanwhile; what was copied may be a part",
                    r->name);
}

int mtd_copy(struct mtd_engine *e, const char *ref, const struct mtd_copy *c,
             uint64_t *ret_bytes, struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(api_tree_close) struct api_tree tree = {-1, -1};
    mtd_record_init(&r);
    auto_fd int lock = -1;
    int rc = load(e, ref, &r, &lock, err);
    if (rc == 0)
        rc = api_tree_open(e, &r, c->into, &tree, err);
    if (rc == 0) {
        rc = copy_as(c, &r, tree.root_fd, ret_bytes, err);
        rc = expect_there(e, &r, rc, err);
    }
    if (rc == 0)
        events_note(e->store.root_fd, &r, c->into ? "extract-to-dir" : "archive-path");
    return rc;
}
