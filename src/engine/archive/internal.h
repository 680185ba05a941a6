/* archive/internal.h - one entry of a tar put into a directory.
 * Shape   unpack.c reads the stream; entry.c, file.c, path.c and xattr.c make the tree.
 */
#ifndef ENGINE_ARCHIVE_INTERNAL_H
#define ENGINE_ARCHIVE_INTERNAL_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"

struct archive;
struct archive_entry;

/* A directory's time is set last: making entries in it changes it. */
struct archive_dir_time {
    char *path;
    struct timespec mtime;
};

struct archive_tree {
    int root_fd;
    bool is_root;        /* may give files away */
    bool parent_is_ours; /* so is the group of a new file in it */
    bool write_out;      /* files are on the disk when put, not some time later */
    int parent_fd;       /* the directory of the last entry, kept open, -1 = none */
    char parent_path[PATH_MAX]; /* "" = the root */
    struct archive_dir_time *times;
    size_t n_times, cap_times, time_bytes;
    uint64_t bytes; /* written to files */
};

void archive_tree_init(struct archive_tree *t, int root_fd);
void archive_tree_done(struct archive_tree *t);

/* Puts the entry, whose data is read from a. */
int archive_tree_put(struct archive_tree *t, struct archive *a, struct archive_entry *e,
                     struct mtd_error *err);
/* After the last entry: the times of directories. */
int archive_tree_finish(struct archive_tree *t, struct mtd_error *err);

/* -EBADMSG with `"path": reason`; a long path is cut so that the reason is seen. */
int archive_entry_bad(struct mtd_error *err, const char *path, const char *reason);
/* -code with `"path": what: strerror`. */
int archive_entry_failed(struct mtd_error *err, int code, const char *path,
                         const char *what);

/* ---- archive/path.c: names ---- */

struct archive_path {
    char text[PATH_MAX]; /* "a/b/c"; "" = the root */
    size_t parent_len;   /* length of "a/b" */
    const char *name;    /* "c", inside text */
};
/* NULL, or why it is refused. */
const char *archive_path_clean(const char *raw, struct archive_path *ret);
/* A directory's O_PATH fd below root_fd, no links on the way, or -errno. path "" =
 * root. */
int archive_path_open(int root_fd, const char *path);
/* Why opening a directory failed, for a person. */
const char *archive_path_reason(int code);
/* As archive_path_open, missing directories are made, 0755. */
int archive_path_make(int root_fd, const char *path);

/* ---- archive/file.c: the kinds of files, their data and attributes ---- */

#define ARCHIVE_WHITEOUT ".wh."
#define ARCHIVE_OPAQUE ".wh..wh..opq"
#define ARCHIVE_OPAQUE_XATTR "trusted.overlay.opaque"

/* One file made at dir_fd/name and given its data and attributes; -EEXIST: in the way. */
struct archive_place {
    struct archive_tree *tree;
    struct archive *archive;
    struct archive_entry *entry;
    int dir_fd;
    const struct archive_path *path;
};
int archive_file_make(struct archive_place *p, struct mtd_error *err);
int archive_file_set_dir(struct archive_place *p, int fd, struct mtd_error *err);
bool archive_file_is_whiteout(mode_t mode, dev_t rdev);

/* ---- archive/xattr.c ---- */

/* Which attributes belong to a file rather than to the host or to overlay. */
bool archive_xattr_is_kept(const char *name);
bool archive_xattr_is_overlay(const char *name);
/* path: of the file itself, as seen by lsetxattr. */
int archive_xattr_restore(const char *proc_path, struct archive_entry *e,
                          const char *path, struct mtd_error *err);
int archive_xattr_set_opaque(int dir_fd);

#endif
