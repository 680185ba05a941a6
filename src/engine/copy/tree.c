/* The sink that makes files in a directory. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/copy/internal.h"

#define CHUNK (16u << 20) /* progress is reported after each */

/* ---- attributes ---- */

static int set_one(struct copy *c, const char *name, const void *value, size_t size,
                   void *proc, struct mtd_error *err)
{
    return copy_set_xattr(c, name, value, size, proc, err);
}

static int set_xattrs(struct copy *c, const void *arg, const char *proc,
                      struct mtd_error *err)
{
    const struct copy_node *n = arg;
    return copy_each_xattr(c, n->fd, set_one, (void *)proc, err);
}

static int attrs_of(struct copy *c, const struct copy_node *n, struct copy_attrs *ret,
                    struct mtd_error *err)
{
    int rc = copy_own(c, &n->st, ret);
    if (rc < 0)
        return copy_failed(c, -rc, "its owner is no user of the container's", err);
    if (S_ISREG(n->st.st_mode) || S_ISDIR(n->st.st_mode)) {
        ret->set_xattrs = set_xattrs;
        ret->arg = n;
    }
    return 0;
}

/* ---- data ---- */

struct data {
    int in;
    const struct stat *st;
};

/* The ways of passing at most so much, the best first: each moves *at on and returns how much that
 * was, 0 at the end, or -errno. */
static ssize_t pass_range(struct copy *c, int in, int out, off_t *at, size_t len)
{
    off_t to = *at;
    (void)c;
    ssize_t n = copy_file_range(in, at, out, &to, len, 0);
    return n < 0 ? -errno : n;
}

/* Between two file systems: of the page cache, copied once instead of twice. */
static ssize_t pass_pages(struct copy *c, int in, int out, off_t *at, size_t len)
{
    (void)c;
    ssize_t n = lseek(out, *at, SEEK_SET) < 0 ? -1 : sendfile(out, in, at, len);
    return n < 0 ? -errno : n;
}

static ssize_t pass_block(struct copy *c, int in, int out, off_t *at, size_t len)
{
    ssize_t n = pread(in, c->block, len < COPY_BLOCK ? len : COPY_BLOCK, *at);
    if (n <= 0)
        return n < 0 ? -errno : 0;
    for (ssize_t done = 0; done < n;) {
        ssize_t m = pwrite(out, c->block + done, (size_t)(n - done), *at + done);
        if (m <= 0)
            return m < 0 ? -errno : -EIO;
        done += m;
    }
    *at += n;
    return n;
}

static ssize_t (*const WAYS[])(struct copy *, int, int, off_t *,
                               size_t) = {pass_range, pass_pages, pass_block};

static bool is_unable(int code)
{
    return code == EXDEV || code == EINVAL || code == EOPNOTSUPP || code == ENOSYS ||
           code == EBADF || code == EPERM;
}

/* Bytes from *at to end; ends early where the file has become shorter. */
static int pass(struct copy *c, int in, int out, off_t at, off_t end)
{
    size_t way = 0;
    while (at < end) {
        ssize_t n =
            WAYS[way](c, in, out, &at, end - at < CHUNK ? (size_t)(end - at) : CHUNK);
        if (n > 0)
            mtd_progress_add(&c->progress, (uint64_t)n);
        else if (n < 0 && !is_unable((int)-n))
            return (int)n;
        else if (++way == ARRAY_SIZE(WAYS))
            return (int)n;
    }
    return 0;
}

/* Holes stay holes. */
static int pass_sparse(struct copy *c, int in, int out, off_t size)
{
    off_t at = 0;
    while (at < size) {
        off_t data = lseek(in, at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            break;
        off_t hole = data < 0 ? -1 : lseek(in, data, SEEK_HOLE);
        if (hole < 0)
            return pass(c, in, out, at, size);
        int rc = pass(c, in, out, data, hole < size ? hole : size);
        if (rc < 0)
            return rc;
        at = hole;
    }
    return ftruncate(out, size) < 0 ? -errno : 0;
}

static int fill(struct copy *c, void *arg, int fd, struct mtd_error *err)
{
    const struct data *d = arg;
    bool sparse = (off_t)d->st->st_blocks * 512 < d->st->st_size;
    int rc = sparse ? pass_sparse(c, d->in, fd, d->st->st_size)
                    : pass(c, d->in, fd, 0, d->st->st_size);
    return rc < 0 ? copy_failed(c, -rc, "cannot copy", err) : 0;
}

/* ---- the sink ---- */

static int tree_put(struct copy *c, const struct copy_node *n, int dir, const char *first,
                    struct mtd_error *err)
{
    struct copy_attrs a;
    char target[PATH_MAX];
    if (first) {
        copy_count(c, 0);
        return copy_put_link(c, dir, n->name, first, err);
    }
    int rc = attrs_of(c, n, &a, err);
    if (rc < 0)
        return rc;
    copy_count(c, S_ISREG(n->st.st_mode) ? (uint64_t)n->st.st_size : 0);
    if (S_ISREG(n->st.st_mode)) {
        auto_fd int in = copy_open_data(c, n, err);
        struct data d = {in, &n->st};
        return in < 0 ? in : copy_put_regular(c, dir, n->name, &a, fill, &d, err);
    }
    if (!S_ISLNK(n->st.st_mode))
        return copy_put_other(c, dir, n->name, &a, NULL, err);
    ssize_t len = readlinkat(n->fd, "", target, sizeof(target) - 1);
    if (len < 0)
        return copy_failed(c, errno, "cannot read the link", err);
    target[len] = '\0';
    return copy_put_other(c, dir, n->name, &a, target, err);
}

static int tree_enter(struct copy *c, const struct copy_node *n, int dir, int *ret_dir,
                      struct mtd_error *err)
{
    copy_count(c, 0);
    int fd = copy_put_dir(c, dir, n->name, err);
    if (fd < 0)
        return fd;
    *ret_dir = fd;
    if (c->path.len == strlen(n->name) && fstat(fd, &c->top) < 0)
        return copy_failed(c, errno, "cannot copy", err);
    return 0;
}

/* Last, because what is made in a directory changes its time. */
static int tree_leave(struct copy *c, const struct copy_node *n, int dir,
                      struct mtd_error *err)
{
    struct copy_attrs a;
    if (copy_is_kernel(dir))
        return 0; /* a container's /proc, under the one of a tree that is copied to its root */
    int rc = attrs_of(c, n, &a, err);
    return rc < 0 ? rc : copy_set_attrs(c, dir, &a, err);
}

const struct copy_sink COPY_TREE = {tree_enter, tree_leave, tree_put};
