/* A regular file is written without a name and linked when it is complete, as base/output.c
 * does: whoever reads sees the old file or the new one, and a killed copy leaves one of the
 * two. Where a name is taken, or the file system has no unnamed files, there is a temporary
 * name for a moment, which the next copy to the same name removes.
 *
 * The directory may be a container's: a name is used by calls that follow no link, and
 * attributes are set by descriptor. */

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "engine/copy/internal.h"
#include "engine/idmap.h"

#define NOBODY 65534
#define PROC_PATH 64
#define TEMP_NAME 32

/* ---- owners ---- */

/* The id as the source's container sees it. */
static uint32_t seen_inside(const struct copy *c, uint32_t id)
{
    uint32_t inside = id;
    if (c->from && c->from->ids && !mtd_idmap_to_inside(c->from->ids, id, &inside))
        return NOBODY;
    return inside;
}

static int id_at_target(const struct copy *c, uint32_t inside, uint32_t *ret)
{
    *ret = inside;
    return c->to->ids && !mtd_idmap_to_host(c->to->ids, inside, ret) ? -EOVERFLOW : 0;
}

/* Who gets a file of somebody else's gets no rights with it: neither what set-id bits give to
 * whoever runs it, nor a device that everybody may write to. */
static mode_t safe_mode(const struct copy *c, const struct stat *st)
{
    mode_t mode = st->st_mode;
    bool to_host = !c->to->name;
    if (to_host && (S_ISCHR(mode) || S_ISBLK(mode)))
        return mode & ~(mode_t)07077;
    if (to_host || seen_inside(c, st->st_uid) != 0)
        mode &= ~(mode_t)S_ISUID;
    if (!S_ISDIR(mode) && (to_host || seen_inside(c, st->st_gid) != 0))
        mode &= ~(mode_t)S_ISGID;
    return mode;
}

int copy_own(const struct copy *c, const struct stat *st, struct copy_attrs *ret)
{
    uint32_t uid = seen_inside(c, st->st_uid), gid = seen_inside(c, st->st_gid);
    bool keeps = c->how->keep_owner || !c->from || !c->to;
    *ret = (struct copy_attrs){.mode = st->st_mode,
                               .uid = uid,
                               .gid = gid,
                               .rdev = st->st_rdev,
                               .mtime = st->st_mtim};
    if (!c->to)
        return 0;
    if (!keeps) {
        ret->mode = safe_mode(c, st);
        ret->uid = ret->gid = c->to->name ? 0 : (uint32_t)-1;
    }
    if (!keeps && !c->to->name)
        return 0;
    int rc = id_at_target(c, ret->uid, &ret->uid);
    return rc < 0 ? rc : id_at_target(c, ret->gid, &ret->gid);
}

/* ---- attributes ---- */

/* chown clears set-id bits and capabilities: it comes first. */
static int set_by_proc(struct copy *c, int fd, const char *proc,
                       const struct copy_attrs *a, struct mtd_error *err)
{
    const struct timespec times[2] = {a->mtime, a->mtime};
    if ((a->uid != (uid_t)-1 || a->gid != (gid_t)-1) &&
        fchownat(fd, "", a->uid, a->gid, AT_EMPTY_PATH) < 0)
        return copy_failed(c, errno, "cannot set the owner", err);
    if (!S_ISLNK(a->mode) && fchmodat(fd, proc, a->mode & 07777, 0) < 0)
        return copy_failed(c, errno, "cannot set the mode", err);
    int rc = a->set_xattrs ? a->set_xattrs(c, a->arg, proc, err) : 0;
    if (rc == 0 && utimensat(fd, proc, times, 0) < 0)
        rc = copy_failed(c, errno, "cannot set the time", err);
    return rc;
}

int copy_set_attrs(struct copy *c, int fd, const struct copy_attrs *a,
                   struct mtd_error *err)
{
    char proc[PROC_PATH];
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    return set_by_proc(c, fd, proc, a, err);
}

/* ---- temporary names ---- */

static void name_temp(const char *name, char out[TEMP_NAME])
{
    uint64_t hash = 0xcbf29ce484222325; /* FNV-1a, as base/output.c */
    for (const char *p = name; *p; p++)
        hash = (hash ^ (unsigned char)*p) * 0x100000001b3;
    snprintf(out, TEMP_NAME, ".mytop-%016llx", (unsigned long long)hash);
}

/* Removes what a killed copy left, but not what a living one has locked. The name is in a
 * container's directory: what it leads to is opened only if it is a regular file. */
static int drop_stale(int dir, const char *temp)
{
    struct stat st;
    char proc[PROC_PATH];
    auto_fd int fd = openat(dir, temp, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    auto_fd int data =
        S_ISREG(st.st_mode) ? openat(dir, proc, O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1;
    if (data >= 0 && flock(data, LOCK_EX | LOCK_NB) < 0)
        return -EBUSY;
    return unlinkat(dir, temp, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* A file of the name `temp` takes the place of what has the name, if that may be replaced. */
static int take_place(struct copy *c, int dir, const char *temp, const char *name,
                      struct mtd_error *err)
{
    struct stat old;
    int rc = fault_point("cp.linked");
    if (rc == 0 && fstatat(dir, name, &old, AT_SYMLINK_NOFOLLOW) == 0 &&
        S_ISDIR(old.st_mode))
        rc = copy_failed(c, EISDIR, "cannot overwrite a directory with a file", err);
    if (rc == 0 && renameat(dir, temp, dir, name) < 0)
        rc = -errno;
    if (rc < 0)
        unlinkat(dir, temp, 0);
    return rc < 0 ? copy_failed(c, -rc, "cannot replace it", err) : 0;
}

/* ---- regular files ---- */

struct whole {
    int fd;
    bool has_temp;
    char temp[TEMP_NAME];
};

static int open_whole(int dir, const char *name, struct whole *w)
{
    name_temp(name, w->temp);
    (void)drop_stale(dir, w->temp);
    w->fd = openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (w->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
        w->fd = openat(dir, w->temp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                       0600);
        w->has_temp = w->fd >= 0;
    }
    if (w->fd < 0)
        return -errno;
    (void)flock(w->fd, LOCK_EX | LOCK_NB);
    return 0;
}

static int link_as(int dir, int fd, const char *name)
{
    char proc[PROC_PATH];
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    return linkat(fd, proc, dir, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

static int name_whole(struct copy *c, int dir, const char *name, struct whole *w,
                      struct mtd_error *err)
{
    int rc = fault_point("cp.written");
    if (rc == 0 && !w->has_temp)
        rc = link_as(dir, w->fd, name);
    else if (rc == 0)
        rc = -EEXIST;
    if (rc != -EEXIST)
        return rc < 0 ? copy_failed(c, -rc, "cannot create", err) : 0;
    rc = w->has_temp ? 0 : link_as(dir, w->fd, w->temp);
    if (rc == -EEXIST && (rc = drop_stale(dir, w->temp)) == 0)
        rc = link_as(dir, w->fd, w->temp);
    w->has_temp = false; /* take_place() removes it */
    return rc < 0 ? copy_failed(c, -rc, "cannot create", err)
                  : take_place(c, dir, w->temp, name, err);
}

int copy_put_regular(struct copy *c, int dir, const char *name,
                     const struct copy_attrs *a, copy_fill_fn *fill, void *arg,
                     struct mtd_error *err)
{
    struct whole w = {.fd = -1};
    int rc = open_whole(dir, name, &w);
    if (rc < 0)
        return copy_failed(c, -rc, "cannot create", err);
    rc = fill(c, arg, w.fd, err);
    if (rc == 0)
        rc = copy_set_attrs(c, w.fd, a, err);
    if (rc == 0)
        rc = name_whole(c, dir, name, &w, err);
    if (w.has_temp)
        unlinkat(dir, w.temp, 0);
    /* close() is where a network or quota-bound file system may report a lost write. */
    if (close(w.fd) < 0 && rc == 0)
        rc = copy_failed(c, errno, "cannot write", err);
    return rc;
}

/* ---- the others ---- */

static int make_other(int dir, const char *name, const struct copy_attrs *a,
                      const char *target)
{
    int rc = target ? symlinkat(target, dir, name)
                    : mknodat(dir, name, (a->mode & S_IFMT) | 0600, a->rdev);
    return rc < 0 ? -errno : 0;
}

/* It is looked at again: the container may have put something else there. */
static int set_other(struct copy *c, int dir, const char *name,
                     const struct copy_attrs *a, struct mtd_error *err)
{
    struct stat st;
    auto_fd int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0)
        return copy_failed(c, errno, "cannot open", err);
    if ((st.st_mode & S_IFMT) != (a->mode & S_IFMT))
        return copy_failed(c, ESTALE, "somebody else replaced it", err);
    return copy_set_attrs(c, fd, a, err);
}

int copy_put_other(struct copy *c, int dir, const char *name, const struct copy_attrs *a,
                   const char *target, struct mtd_error *err)
{
    char temp[TEMP_NAME];
    int rc = make_other(dir, name, a, target);
    if (rc == 0)
        return set_other(c, dir, name, a, err);
    if (rc == -EEXIST) {
        name_temp(name, temp);
        rc = drop_stale(dir, temp);
        if (rc == 0)
            rc = make_other(dir, temp, a, target);
    }
    if (rc < 0)
        return copy_failed(c, -rc, "cannot create", err);
    rc = set_other(c, dir, temp, a, err);
    return rc < 0 ? rc : take_place(c, dir, temp, name, err);
}

/* The directory of a path below c->top_fd; *ret_name = its last name. */
static int open_parent(struct copy *c, const char *path, const char **ret_name)
{
    const char *slash = strrchr(path, '/');
    auto_free char *dir = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
    *ret_name = slash ? slash + 1 : path;
    return dir ? fs_open_in_root(c->top_fd, *dir ? dir : ".", O_PATH | O_DIRECTORY, 0)
               : -ENOMEM;
}

int copy_put_link(struct copy *c, int dir, const char *name, const char *first,
                  struct mtd_error *err)
{
    char temp[TEMP_NAME];
    const char *last;
    auto_fd int parent = open_parent(c, first, &last);
    int rc = parent < 0 ? parent : linkat(parent, last, dir, name, 0) < 0 ? -errno : 0;
    if (rc == -EEXIST) {
        name_temp(name, temp);
        (void)drop_stale(dir, temp);
        rc = linkat(parent, last, dir, temp, 0) < 0 ? -errno : 0;
        if (rc == 0)
            return take_place(c, dir, temp, name, err);
    }
    return rc < 0 ? copy_failed(c, -rc, "cannot make the hard link", err) : 0;
}

int copy_put_dir(struct copy *c, int dir, const char *name, struct mtd_error *err)
{
    int rc = mkdirat(dir, name, 0700) < 0 && errno != EEXIST ? -errno : 0;
    if (rc == 0)
        rc = fault_point("cp.dir");
    if (rc < 0)
        return copy_failed(c, -rc, "cannot create the directory", err);
    int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0)
        return fd;
    if (errno == ENOTDIR || errno == ELOOP)
        return copy_failed(c, ENOTDIR, "cannot overwrite a file with a directory", err);
    return copy_failed(c, errno, "cannot open the directory", err);
}
