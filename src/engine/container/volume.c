/* What the image has at a volume's target is copied into the volume when a container is
 * created and the volume is empty, as docker does. The image's tree is read through a
 * detached overlay, by descriptors that cannot leave it.
 *
 * <root>/volumes/<name>/copy is where it is made: "new" while it is incomplete, "ready"
 * when it is not. Then its entries move into the volume one by one (the directory itself
 * has to stay: a container may have it mounted). So a killed create leaves nothing that
 * counts, or something the next command finishes. The lock is on <root>/volumes/<name>. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "engine/archive/archive.h"
#include "engine/container/container.h"
#include "engine/rootfs/rootfs.h"

#define COPY "copy"
#define NEW "copy/new"
#define READY "copy/ready"
#define DATA "_data"

struct filling {
    struct mtd_engine *e;
    const struct mtd_record *record;
    const struct mtd_mount *mount;
    int dir_fd; /* <root>/volumes/<name> */
};

static int next_entry(DIR *d, const char **ret_name)
{
    struct dirent *entry;
    do {
        errno = 0;
        entry = readdir(d);
    } while (entry &&
             (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    *ret_name = entry ? entry->d_name : NULL;
    return entry ? 1 : -errno;
}

static DIR *open_list(int dir_fd, const char *name)
{
    int fd = fs_open_dir_at(dir_fd, name);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d && fd >= 0)
        close(fd);
    return d;
}

static bool is_empty(int dir_fd, const char *name)
{
    const char *entry;
    auto_dir DIR *d = open_list(dir_fd, name);
    return d && next_entry(d, &entry) == 0;
}

/* Owner and mode are the image's as well. */
static int take_identity(int from_fd, int to_fd)
{
    struct stat st;
    if (fstat(from_fd, &st) < 0 || fchown(to_fd, st.st_uid, st.st_gid) < 0 ||
        fchmod(to_fd, st.st_mode & 07777) < 0)
        return -errno;
    return 0;
}

static int move_ready(int dir_fd)
{
    const char *name;
    auto_dir DIR *d = open_list(dir_fd, READY);
    auto_fd int data = fs_open_dir_at(dir_fd, DATA);
    if (!d || data < 0)
        return -ENOENT;
    int r;
    while ((r = next_entry(d, &name)) > 0) {
        r = fault_point("volume.move");
        if (r < 0 || (renameat2(dirfd(d), name, data, name, RENAME_NOREPLACE) < 0 &&
                      errno != EEXIST))
            return r < 0 ? r : -errno;
    }
    if (r == 0)
        r = take_identity(dirfd(d), data);
    return r < 0 ? r : fs_remove_tree_at(dir_fd, COPY);
}

/* The target in the image; -ENOENT when it has no such directory. */
static int open_source(const struct filling *f, struct mtd_error *err)
{
    auto_free char *dir = NULL, *images = NULL;
    const char *root = f->e->store.root;
    if (asprintf(&dir, "%s/volumes/%s/" COPY, root, f->mount->source) < 0 ||
        asprintf(&images, "%s/images", root) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    struct rootfs tree = {.record = f->record, .dir = dir, .images_dir = images};
    auto_fd int top = rootfs_open_tree(&tree, err);
    if (top < 0)
        return top;
    int fd =
        fs_open_in_root(top, f->mount->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    return fd == -ENOTDIR || fd == -ELOOP ? -ENOENT : fd;
}

static int make_scratch(int dir_fd)
{
    static const char *const DIRS[] = {COPY, NEW, COPY "/upper", COPY "/rootfs"};
    int r = fs_remove_tree_at(dir_fd, COPY);
    for (size_t i = 0; (r == 0 || r == -ENOENT) && i < ARRAY_SIZE(DIRS); i++)
        r = mkdirat(dir_fd, DIRS[i], 0700) < 0 ? -errno : 0;
    return r;
}

/* 0 also when there is nothing to copy. */
static int copy_image(const struct filling *f, struct mtd_error *err)
{
    int r = make_scratch(f->dir_fd);
    if (r < 0)
        return r;
    auto_fd int from = open_source(f, err);
    if (from == -ENOENT)
        return fs_remove_tree_at(f->dir_fd, COPY);
    auto_fd int to = from < 0 ? from : fs_open_dir_at(f->dir_fd, NEW);
    r = to < 0 ? to : archive_copy(from, to, err);
    if (r == 0)
        r = take_identity(from, to);
    if (r == 0)
        r = fault_point("volume.copied");
    if (r == 0 && renameat(f->dir_fd, NEW, f->dir_fd, READY) < 0)
        r = -errno;
    return r < 0 ? r : move_ready(f->dir_fd);
}

static int fill(const struct filling *f, struct mtd_error *err)
{
    while (flock(f->dir_fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return -errno;
    if (faccessat(f->dir_fd, READY, F_OK, 0) == 0)
        return move_ready(f->dir_fd);
    return is_empty(f->dir_fd, DATA) ? copy_image(f, err) : 0;
}

void container_finish_volume(int all_fd, const char *name)
{
    auto_fd int one = fs_open_dir_at(all_fd, name);
    if (one < 0 || flock(one, LOCK_EX | LOCK_NB) < 0)
        return;
    if (faccessat(one, READY, F_OK, 0) == 0)
        move_ready(one);
    else
        fs_remove_tree_at(one, COPY);
}

static int fill_volume(struct filling *f, struct mtd_error *err)
{
    auto_fd int all = fs_open_dir_at(f->e->store.root_fd, "volumes");
    auto_fd int one = all < 0 ? all : fs_open_dir_at(all, f->mount->source);
    f->dir_fd = one;
    int r = one < 0 ? one : fill(f, err);
    if (r == 0)
        return 0;
    if (one >= 0 && faccessat(one, READY, F_OK, 0) < 0)
        fs_remove_tree_at(one, COPY);
    if (err && err->code == 0)
        mtd_fail_errno(err, -r, "cannot write");
    mtd_context(err, "copying the image's %.60s into volume %.40s", f->mount->target,
                f->mount->source);
    return r;
}

int container_fill_volumes(struct mtd_engine *e, const struct mtd_record *r,
                           struct mtd_error *err)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < r->spec.n_mounts; i++) {
        const struct mtd_mount *m = &r->spec.mounts[i];
        struct filling f = {.e = e, .record = r, .mount = m};
        if (m->type == MTD_MOUNT_VOLUME && !m->no_copy)
            code = fill_volume(&f, err);
    }
    return code;
}
