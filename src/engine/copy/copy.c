/* The three ways: tree to tree, tree to tar, tar to tree. */

#include "engine/copy/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/copy/internal.h"

/* The source and what is in it, to t. */
static int copy_source(struct copy *c, int fd, const struct stat *st,
                       const struct copy_target *t, struct mtd_error *err)
{
    if (fstat(t->dir_fd, &c->top) < 0)
        return mtd_fail_errno(err, errno, "cannot copy");
    c->top_fd = t->dir_fd;
    if (S_ISREG(st->st_mode))
        c->progress.step.total = (uint64_t)st->st_size;
    return t->name ? copy_walk(c, fd, st, t->name, t->dir_fd, err)
                   : copy_walk_inside(c, fd, t->dir_fd, 0, err);
}

int copy_files(const struct copy_end *from, const struct copy_end *to,
               const struct copy_how *how, uint64_t *ret_bytes, struct mtd_error *err)
{
    auto_done(copy_path_done) struct copy_path path = {0};
    auto_done(copy_target_done) struct copy_target target = {.dir_fd = -1};
    struct copy c = {.from = from, .to = to, .how = how, .sink = &COPY_TREE};
    struct stat st;
    int rc = copy_path_parse(from, &path);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "\"%.100s\"", from->path);
    auto_fd int fd = copy_open_source(from, &path, how->follow, &st, err);
    rc = fd < 0 ? fd : copy_find_target(to, &path, S_ISDIR(st.st_mode), &target, err);
    if (rc == 0)
        rc = copy_start(&c, path.base[0] ? path.base : "/", err);
    if (rc == 0)
        rc = copy_source(&c, fd, &st, &target, err);
    if (rc == 0)
        mtd_progress_finish(&c.progress);
    if (rc == 0)
        *ret_bytes = c.bytes;
    copy_finish(&c);
    return rc;
}

/* libarchive takes a name beyond ASCII for text, as pax headers have it, in a locale that
 * knows UTF-8 alone. */
static int with_utf8(int (*call)(struct copy *, int, struct mtd_error *), struct copy *c,
                     int fd, struct mtd_error *err)
{
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
    int rc = call(c, fd, err);
    if (utf8) {
        uselocale(before);
        freelocale(utf8);
    }
    return rc;
}

static int write_source(struct copy *c, int out_fd, struct mtd_error *err)
{
    auto_done(copy_path_done) struct copy_path path = {0};
    struct stat st;
    int rc = copy_path_parse(c->from, &path);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "\"%.100s\"", c->from->path);
    auto_fd int fd = copy_open_source(c->from, &path, c->how->follow, &st, err);
    rc = fd < 0 ? fd : copy_start(c, path.base[0] ? path.base : "/", err);
    if (rc == 0)
        rc = copy_tar_open(c, out_fd, err);
    if (rc == 0)
        rc = copy_walk(c, fd, &st, path.contents ? "." : path.base, -1, err);
    return copy_tar_close(c, rc, err);
}

int copy_to_tar(const struct copy_end *from, const struct copy_how *how, int out_fd,
                uint64_t *ret_bytes, struct mtd_error *err)
{
    struct copy c = {.from = from, .how = how, .sink = &COPY_TAR, .top_fd = -1};
    int rc = with_utf8(write_source, &c, out_fd, err);
    if (rc == 0)
        mtd_progress_finish(&c.progress);
    if (rc == 0)
        *ret_bytes = c.bytes;
    copy_finish(&c);
    return rc;
}

int copy_from_tar(int in_fd, const struct copy_end *to, const struct copy_how *how,
                  uint64_t *ret_bytes, struct mtd_error *err)
{
    struct copy c = {.to = to, .how = how, .top_fd = -1};
    int rc = copy_start(&c, "tar", err);
    if (rc == 0)
        rc = with_utf8(copy_untar, &c, in_fd, err);
    if (rc == 0)
        mtd_progress_finish(&c.progress);
    if (rc == 0)
        *ret_bytes = c.bytes;
    copy_finish(&c);
    return rc;
}
