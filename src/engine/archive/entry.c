/* Each entry of a tar is made relative to its parent directory, which is opened without
 * following links. Entries mostly come directory by directory, so the last one's parent
 * is kept open, and one openat2 serves many. */

#include "engine/archive/internal.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/strv.h"

/* Bounds the memory that a tar of nothing but deep directories takes. */
#define MAX_TIME_BYTES (256u << 20)
#define MAX_LOWER_LINKS 100000

void archive_tree_init(struct archive_tree *t, int root_fd)
{
    *t = (struct archive_tree){
        .root_fd = root_fd, .is_root = geteuid() == 0, .gid = getegid(), .parent_fd = -1};
}

static void forget_parent(struct archive_tree *t)
{
    if (t->parent_fd >= 0)
        close(t->parent_fd);
    t->parent_fd = -1;
}

void archive_tree_done(struct archive_tree *t)
{
    forget_parent(t);
    for (size_t i = 0; i < t->n_times; i++)
        free(t->times[i].path);
    free(t->times);
    *t = (struct archive_tree){.root_fd = -1, .parent_fd = -1};
}

static int path_failed(const char *path, int code, struct mtd_error *err)
{
    const char *reason = archive_path_reason(code);
    return reason ? archive_entry_bad(err, path, reason)
                  : archive_entry_failed(err, code, path,
                                         "cannot open its parent directory");
}

/* Opens the entry's parent directory, which stays open in t. */
static int open_parent(struct archive_tree *t, const struct archive_path *path,
                       struct mtd_error *err)
{
    if (t->parent_fd >= 0 && strlen(t->parent_path) == path->parent_len &&
        memcmp(t->parent_path, path->text, path->parent_len) == 0)
        return 0;
    forget_parent(t);
    memcpy(t->parent_path, path->text, path->parent_len);
    t->parent_path[path->parent_len] = '\0';
    struct stat st;
    int fd = archive_path_make(t->root_fd, t->parent_path);
    if (fd < 0)
        return path_failed(path->text, fd, err);
    t->parent_is_ours = fstat(fd, &st) == 0 && st.st_gid == t->gid;
    t->parent_fd = fd;
    return 0;
}

static int remember_time(struct archive_tree *t, const char *path,
                         struct archive_entry *e)
{
    size_t bytes = strlen(path) + 1 + sizeof(*t->times);
    if (t->time_bytes + bytes > MAX_TIME_BYTES)
        return -E2BIG;
    if (t->n_times == t->cap_times) {
        size_t cap = t->cap_times ? t->cap_times * 2 : 64;
        void *grown = reallocarray(t->times, cap, sizeof(*t->times));
        if (!grown)
            return -ENOMEM;
        t->times = grown;
        t->cap_times = cap;
    }
    char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    t->times[t->n_times++] = (struct archive_dir_time){
        copy, {archive_entry_mtime(e), archive_entry_mtime_nsec(e)}};
    t->time_bytes += bytes;
    return 0;
}

/* A later entry replaces an earlier one of the same name, as with docker load. */
static int make_way(struct archive_tree *t, const struct archive_path *path,
                    struct mtd_error *err)
{
    forget_parent(t); /* it may be inside what is removed */
    int rc = open_parent(t, path, err);
    if (rc < 0)
        return rc;
    t->has_lost = true;
    rc = fs_remove_tree_at(t->parent_fd, path->name);
    return rc < 0 ? archive_entry_failed(err, rc, path->text, "cannot be replaced") : 0;
}

static int set_opaque(int dir_fd, const char *name, const char *path,
                      struct mtd_error *err)
{
    auto_fd int fd = openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int rc = fd < 0 ? -errno : archive_xattr_set_opaque(fd);
    return rc < 0 ? archive_entry_failed(err, rc, path, "cannot mark it opaque") : 0;
}

/* Makes or keeps the directory. One in place of a whiteout hides what is below it. */
static int make_dir(struct archive_place *p, struct mtd_error *err)
{
    const char *name = p->path->name;
    struct stat st;
    if (mkdirat(p->dir_fd, name, 0700) == 0)
        return 0;
    if (errno != EEXIST || fstatat(p->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return archive_entry_failed(err, errno, p->path->text,
                                    "cannot create the directory");
    if (S_ISDIR(st.st_mode))
        return 0;
    p->tree->has_lost = true;
    if (unlinkat(p->dir_fd, name, 0) < 0 || mkdirat(p->dir_fd, name, 0700) < 0)
        return archive_entry_failed(err, errno, p->path->text, "cannot be replaced");
    if (archive_file_is_whiteout(st.st_mode, st.st_rdev))
        return set_opaque(p->dir_fd, name, p->path->text, err);
    return 0;
}

static int put_dir(struct archive_place *p, struct mtd_error *err)
{
    bool is_root = p->path->text[0] == '\0';
    const char *name = is_root ? "." : p->path->name;
    int rc = is_root ? 0 : make_dir(p, err);
    if (rc < 0)
        return rc;
    auto_fd int fd = openat(is_root ? p->tree->root_fd : p->dir_fd, name,
                            O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return archive_entry_failed(err, errno, p->path->text,
                                    "cannot open the directory");
    rc = archive_file_set_dir(p, fd, err);
    if (rc == 0 && (rc = remember_time(p->tree, p->path->text, p->entry)) < 0)
        rc = archive_entry_failed(err, rc, p->path->text, "too many directories");
    return rc;
}

static int put_file(struct archive_place *p, struct mtd_error *err)
{
    int rc = archive_file_make(p, err);
    if (rc != -EEXIST || (err && err->code))
        return rc;
    rc = make_way(p->tree, p->path, err);
    if (rc < 0)
        return rc;
    p->dir_fd = p->tree->parent_fd;
    rc = archive_file_make(p, err);
    return rc == -EEXIST ? archive_entry_failed(err, rc, p->path->text, "cannot create")
                         : rc;
}

static const char *link_refusal(const struct archive_path *target,
                                const struct archive_path *path)
{
    if (target->text[0] == '\0')
        return "a hard link to the root";
    if (strcmp(target->text, path->text) == 0)
        return "a hard link to itself";
    return NULL;
}

/* 0, -EEXIST = the name is taken, or another -errno. */
static int link_to(struct archive_place *p, const struct archive_path *target)
{
    char dir[PATH_MAX];
    struct stat st;
    snprintf(dir, sizeof(dir), "%.*s", (int)target->parent_len, target->text);
    auto_fd int fd = archive_path_open(p->tree->root_fd, dir);
    if (fd < 0)
        return fd;
    if (fstatat(fd, target->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    return linkat(fd, target->name, p->dir_fd, p->path->name, 0) < 0 ? -errno : 0;
}

/* It may be a file of a layer below; the layer's own names stay what they are. */
static bool is_for_later(const struct archive_tree *t, int code)
{
    return t->lower_links && code == -ENOENT &&
           t->lower_links->len < 2 * (size_t)MAX_LOWER_LINKS;
}

static int note_link(struct archive_place *p, const char *target, struct mtd_error *err)
{
    struct strv *links = p->tree->lower_links;
    if (strv_add(links, p->path->text) < 0 || strv_add(links, target) < 0)
        return archive_entry_failed(err, ENOMEM, p->path->text, "a hard link");
    return 0;
}

/* The target must be a file this tar has already put. */
static int put_hard_link(struct archive_place *p, const char *raw, struct mtd_error *err)
{
    struct archive_path target;
    const char *reason = archive_path_clean(raw, &target);
    int rc = -EBADMSG;
    if (!reason)
        reason = link_refusal(&target, p->path);
    if (!reason) {
        rc = link_to(p, &target);
        if (rc == 0 || rc == -EEXIST)
            return rc;
        if (is_for_later(p->tree, rc))
            return note_link(p, target.text, err);
        reason = rc == -EISDIR ? "it is a directory" : archive_path_reason(rc);
    }
    if (reason)
        rc = mtd_fail(err, EBADMSG, "hard link to \"%.80s\": %s", raw, reason);
    else
        mtd_fail_errno(err, -rc, "hard link to \"%.80s\"", raw);
    mtd_context(err, "\"%.80s\"", p->path->text);
    return rc;
}

/* Both names lead to the same file, by a link in one of their directories perhaps: replacing
 * the one would lose the other. */
static bool is_linked(const struct archive_place *p, const char *raw)
{
    struct archive_path target;
    struct stat a, b;
    if (archive_path_clean(raw, &target))
        return false;
    auto_fd int fd =
        fs_open_in_root(p->tree->root_fd, target.text, O_PATH | O_NOFOLLOW, 0);
    return fd >= 0 && fstat(fd, &a) == 0 &&
           fstatat(p->dir_fd, p->path->name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int put_link_replacing(struct archive_place *p, const char *raw,
                              struct mtd_error *err)
{
    int rc = put_hard_link(p, raw, err);
    if (rc != -EEXIST || (err && err->code))
        return rc;
    if (is_linked(p, raw))
        return 0;
    rc = make_way(p->tree, p->path, err);
    if (rc < 0)
        return rc;
    p->dir_fd = p->tree->parent_fd;
    return put_hard_link(p, raw, err);
}

/* ".wh.NAME" removes the NAME of the layers below. If this layer itself has a NAME, that
 * stays; a directory then becomes opaque, which hides the one below. */
static int put_whiteout(struct archive_place *p, struct mtd_error *err)
{
    const char *name = p->path->name + strlen(ARCHIVE_WHITEOUT);
    struct stat st;
    if (strcmp(p->path->name, ARCHIVE_OPAQUE) == 0)
        return set_opaque(p->dir_fd, ".", p->path->text, err);
    if (strncmp(name, ARCHIVE_WHITEOUT, strlen(ARCHIVE_WHITEOUT)) == 0)
        return 0; /* metadata of aufs, in very old images */
    if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return archive_entry_bad(err, p->path->text, "a whiteout of nothing");
    if (mknodat(p->dir_fd, name, S_IFCHR, makedev(0, 0)) == 0)
        return 0;
    if (errno != EEXIST || fstatat(p->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return archive_entry_failed(err, errno, p->path->text,
                                    "cannot create the whiteout");
    return S_ISDIR(st.st_mode) ? set_opaque(p->dir_fd, name, p->path->text, err) : 0;
}

static int put_at(struct archive_place *p, struct mtd_error *err)
{
    const char *link = archive_entry_hardlink(p->entry);
    if (strncmp(p->path->name, ARCHIVE_WHITEOUT, strlen(ARCHIVE_WHITEOUT)) == 0)
        return put_whiteout(p, err);
    if (link)
        return put_link_replacing(p, link, err);
    if (archive_entry_filetype(p->entry) == AE_IFDIR)
        return put_dir(p, err);
    return put_file(p, err);
}

int archive_tree_put(struct archive_tree *t, struct archive *a, struct archive_entry *e,
                     struct mtd_error *err)
{
    struct archive_path path;
    const char *raw = archive_entry_pathname(e);
    const char *reason = raw ? archive_path_clean(raw, &path) : "an unreadable name";
    if (!reason && path.text[0] == '\0' &&
        (archive_entry_filetype(e) != AE_IFDIR || archive_entry_hardlink(e)))
        reason = "the root must be a directory";
    if (reason)
        return archive_entry_bad(err, raw ? raw : "?", reason);
    struct archive_place p = {t, a, e, -1, &path};
    if (path.text[0] == '\0') {
        forget_parent(t); /* its parent_is_ours may change with the root's owner */
        return put_dir(&p, err);
    }
    int rc = open_parent(t, &path, err);
    if (rc < 0)
        return rc;
    p.dir_fd = t->parent_fd;
    return put_at(&p, err);
}

/* A directory that a later entry has replaced with something else is skipped. */
int archive_tree_finish(struct archive_tree *t, struct mtd_error *err)
{
    forget_parent(t);
    for (size_t i = 0; i < t->n_times; i++) {
        const struct archive_dir_time *d = &t->times[i];
        auto_fd int fd = fs_open_in_root(t->root_fd, d->path[0] ? d->path : ".",
                                         O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
        if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
            continue;
        struct timespec times[2] = {d->mtime, d->mtime};
        int rc = fd < 0 ? fd : futimens(fd, times) < 0 ? -errno : 0;
        if (rc < 0)
            return archive_entry_failed(err, rc, d->path, "cannot set the time");
    }
    return 0;
}
