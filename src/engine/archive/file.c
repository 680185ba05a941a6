/* One function per kind of file. Files are made with O_EXCL, so that nothing already
 * there is written through, a link least of all. The attributes have an order: owner,
 * then mode (chown clears setuid), then extended attributes (chown clears capabilities),
 * then time. What a file has when it is made is not set again: a layer is many small files, and
 * each costs four system calls. */

#include "engine/archive/internal.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/archive/recipe.h"

#define MAJOR_MAX 0xfffu
#define MINOR_MAX 0xfffffu
#define MAX_ID 0xfffffffeLL

bool archive_file_is_whiteout(mode_t mode, dev_t rdev)
{
    return S_ISCHR(mode) && rdev == makedev(0, 0);
}

static int failed(struct archive_place *p, int code, const char *what,
                  struct mtd_error *err)
{
    return archive_entry_failed(err, code, p->path->text, what);
}

static int bad(struct archive_place *p, const char *reason, struct mtd_error *err)
{
    return archive_entry_bad(err, p->path->text, reason);
}

/* 0 where the tar gives none, so that the same tar gives the same layer. */
static struct timespec mtime_of(struct archive_entry *e)
{
    if (!archive_entry_mtime_is_set(e))
        return (struct timespec){0};
    long ns = archive_entry_mtime_nsec(e);
    return (struct timespec){archive_entry_mtime(e), ns >= 0 && ns < 1000000000 ? ns : 0};
}

#define PROC_PATH (NAME_MAX + 64)

static void proc_path(const struct archive_place *p, char out[PROC_PATH])
{
    snprintf(out, PROC_PATH, "/proc/self/fd/%d/%s", p->dir_fd, p->path->name);
}

static int check_owner(struct archive_place *p, struct mtd_error *err)
{
    int64_t uid = archive_entry_uid(p->entry), gid = archive_entry_gid(p->entry);
    if (uid < 0 || uid > MAX_ID || gid < 0 || gid > MAX_ID)
        return bad(p, "the owner is out of range", err);
    return 0;
}

/* Most files belong to root, and as root has made them, chown is not needed; except in a
 * setgid directory, which passes on its own group. */
static bool must_give_away(const struct archive_place *p)
{
    bool is_ours = archive_entry_uid(p->entry) == 0 &&
                   archive_entry_gid(p->entry) == (int64_t)p->tree->gid &&
                   p->tree->parent_is_ours;
    return p->tree->is_root && !is_ours;
}

static mode_t mode_of(const struct archive_place *p)
{
    return archive_entry_perm(p->entry) & 07777;
}

/* A file that stays ours is made with its own mode. One to be given away is shut until then, and
 * setuid comes last. */
static mode_t first_mode(const struct archive_place *p)
{
    return must_give_away(p) || mode_of(p) & 07000 ? 0600 : mode_of(p);
}

/* Most files have their mode as soon as they are made. Which bits are taken from it is seen at the first
 * ones: the umask can be asked only by setting it, and other threads make files too. */
static bool has_mode(const struct archive_place *p, int fd)
{
    struct archive_tree *t = p->tree;
    struct stat st;
    mode_t mode = mode_of(p);
    if (t->has_default_acl || mode != first_mode(p) || mode & t->lost)
        return false;
    if ((mode & ~t->kept) == 0)
        return true;
    if (fstat(fd, &st) < 0)
        return false;
    t->kept |= mode & st.st_mode;
    t->lost |= mode & ~st.st_mode;
    return (st.st_mode & 07777) == mode;
}

/* Attributes of an open file; is_new: one just made is ours. proc_path names it, without a link as the last
 * component. */
static int set_by_fd(struct archive_place *p, int fd, const char *proc_path, bool is_new,
                     struct mtd_error *err)
{
    if (p->tree->is_root && (!is_new || must_give_away(p)) &&
        fchown(fd, (uid_t)archive_entry_uid(p->entry),
               (gid_t)archive_entry_gid(p->entry)) < 0)
        return failed(p, errno, "cannot set the owner", err);
    if (!(is_new && has_mode(p, fd)) && fchmod(fd, mode_of(p)) < 0)
        return failed(p, errno, "cannot set the mode", err);
    return archive_xattr_restore(p->tree, proc_path, p->entry, p->path->text, err);
}

/* Attributes of links and nodes, which cannot be opened. No other process can write to
 * the directory, so the name still is what was just made. */
static int set_by_name(struct archive_place *p, struct mtd_error *err)
{
    const char *name = p->path->name;
    bool is_link = archive_entry_filetype(p->entry) == AE_IFLNK;
    char proc[PROC_PATH];
    proc_path(p, proc);
    if (must_give_away(p) &&
        fchownat(p->dir_fd, name, (uid_t)archive_entry_uid(p->entry),
                 (gid_t)archive_entry_gid(p->entry), AT_SYMLINK_NOFOLLOW) < 0)
        return failed(p, errno, "cannot set the owner", err);
    if (!is_link && fchmodat(p->dir_fd, name, mode_of(p), 0) < 0)
        return failed(p, errno, "cannot set the mode", err);
    int rc = archive_xattr_restore(p->tree, proc, p->entry, p->path->text, err);
    struct timespec t = mtime_of(p->entry), times[2] = {t, t};
    if (rc == 0 && utimensat(p->dir_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
        rc = failed(p, errno, "cannot set the time", err);
    return rc;
}

static int write_at(int fd, const char *data, size_t len, int64_t offset)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        data += n;
        len -= (size_t)n;
        offset += n;
    }
    return 0;
}

static int copy_data(struct archive_place *p, int fd, struct mtd_error *err)
{
    struct archive_recipe *recipe = p->tree->recipe;
    const void *data;
    size_t len;
    int64_t offset, end = 0, size = archive_entry_size(p->entry);
    archive_recipe_begin(recipe);
    for (;;) {
        int rc = archive_read_data_block(p->archive, &data, &len, &offset);
        if (rc == ARCHIVE_EOF)
            break;
        if (rc != ARCHIVE_OK)
            return bad(p, archive_error_string(p->archive), err);
        archive_recipe_contents(recipe, p->path->text, (uint64_t)offset, len);
        rc = write_at(fd, data, len, offset);
        if (rc < 0)
            return failed(p, rc, "cannot write", err);
        end = offset + (int64_t)len;
        p->tree->bytes += len;
    }
    archive_recipe_end(recipe);
    if (end < size && ftruncate(fd, size) < 0) /* a hole at the end */
        return failed(p, errno, "cannot set the size", err);
    return 0;
}

static int make_regular(struct archive_place *p, struct mtd_error *err)
{
    auto_fd int fd =
        openat(p->dir_fd, p->path->name,
               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, first_mode(p));
    if (fd < 0)
        return errno == EEXIST ? -EEXIST : failed(p, errno, "cannot create", err);
    char proc[PROC_PATH];
    proc_path(p, proc);
    int rc = copy_data(p, fd, err);
    if (rc == 0)
        rc = set_by_fd(p, fd, proc, true, err);
    struct timespec t = mtime_of(p->entry), times[2] = {t, t};
    if (rc == 0 && futimens(fd, times) < 0)
        rc = failed(p, errno, "cannot set the time", err);
    if (rc == 0 && p->tree->write_out)
        sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    return rc;
}

static int make_symlink(struct archive_place *p, struct mtd_error *err)
{
    const char *target = archive_entry_symlink(p->entry);
    if (!target || !target[0])
        return bad(p, "a symbolic link without a target", err);
    if (symlinkat(target, p->dir_fd, p->path->name) < 0)
        return errno == EEXIST ? -EEXIST
                               : failed(p, errno, "cannot create the link", err);
    return set_by_name(p, err);
}

/* Numbers beyond the kernel's 12 and 20 bits would wrap around, to 0:0 for example. */
static int make_node(struct archive_place *p, struct mtd_error *err)
{
    mode_t type = archive_entry_filetype(p->entry);
    dev_t major_nr = archive_entry_rdevmajor(p->entry);
    dev_t minor_nr = archive_entry_rdevminor(p->entry);
    dev_t rdev = makedev(major_nr, minor_nr);
    if (type != AE_IFIFO && (major_nr > MAJOR_MAX || minor_nr > MINOR_MAX))
        return bad(p, "the device number is out of range", err);
    if (archive_file_is_whiteout(type, rdev))
        return bad(p, "character device 0:0 is overlayfs's marker for a removed file",
                   err);
    if (mknodat(p->dir_fd, p->path->name, type | 0600, type == AE_IFIFO ? 0 : rdev) < 0)
        return errno == EEXIST ? -EEXIST
                               : failed(p, errno, "cannot create the node", err);
    return set_by_name(p, err);
}

int archive_file_set_dir(struct archive_place *p, int fd, struct mtd_error *err)
{
    char proc[PROC_PATH];
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d/.", fd);
    int rc = check_owner(p, err);
    return rc < 0 ? rc : set_by_fd(p, fd, proc, false, err);
}

static const struct {
    mode_t type;
    int (*make)(struct archive_place *, struct mtd_error *);
} KINDS[] = {
    {AE_IFREG, make_regular}, {AE_IFLNK, make_symlink}, {AE_IFIFO, make_node},
    {AE_IFCHR, make_node},    {AE_IFBLK, make_node},
};

int archive_file_make(struct archive_place *p, struct mtd_error *err)
{
    int rc = check_owner(p, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < ARRAY_SIZE(KINDS); i++)
        if (KINDS[i].type == archive_entry_filetype(p->entry))
            return KINDS[i].make(p, err);
    return bad(p, "this kind of file cannot be in a layer", err);
}
