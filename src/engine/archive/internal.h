/* image_entry - one entry of a tar put into a directory; shared by image_unpack.c (the
 * stream) and image_entry*.c (the tree).
 */
#ifndef ENGINE_IMAGE_ENTRY_H
#define ENGINE_IMAGE_ENTRY_H

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
struct image_dir_time {
    char *path;
    struct timespec mtime;
};

struct image_tree {
    int root_fd;
    bool is_root;        /* may give files away */
    bool parent_is_ours; /* so is the group of a new file in it */
    bool write_out;      /* files are on the disk when put, not some time later */
    int parent_fd;       /* the directory of the last entry, kept open, -1 = none */
    char parent_path[PATH_MAX]; /* "" = the root */
    struct image_dir_time *times;
    size_t n_times, cap_times, time_bytes;
    uint64_t bytes; /* written to files */
};

void image_tree_init(struct image_tree *t, int root_fd);
void image_tree_done(struct image_tree *t);

/* Puts the entry, whose data is read from a. */
int image_tree_put(struct image_tree *t, struct archive *a, struct archive_entry *e,
                   struct mtd_error *err);
/* After the last entry: the times of directories. */
int image_tree_finish(struct image_tree *t, struct mtd_error *err);

/* -EBADMSG with `"path": reason`; a long path is cut so that the reason is seen. */
int image_entry_bad(struct mtd_error *err, const char *path, const char *reason);
/* -code with `"path": what: strerror`. */
int image_entry_failed(struct mtd_error *err, int code, const char *path,
                       const char *what);

/* ---- image_path.c: names ---- */

struct image_path {
    char text[PATH_MAX]; /* "a/b/c"; "" = the root */
    size_t parent_len;   /* length of "a/b" */
    const char *name;    /* "c", inside text */
};
/* NULL, or why it is refused. */
const char *image_path_clean(const char *raw, struct image_path *ret);
/* A directory's O_PATH fd below root_fd, no links on the way, or -errno. path "" =
 * root. */
int image_path_open(int root_fd, const char *path);
/* Why opening a directory failed, for a person. */
const char *image_path_reason(int code);
/* As image_path_open, missing directories are made, 0755. */
int image_path_make(int root_fd, const char *path);

/* ---- image_file.c: the kinds of files, their data and attributes ---- */

#define IMAGE_WHITEOUT ".wh."
#define IMAGE_OPAQUE ".wh..wh..opq"
#define IMAGE_OPAQUE_XATTR "trusted.overlay.opaque"

/* One file made at dir_fd/name and given its data and attributes; -EEXIST: in the way. */
struct image_place {
    struct image_tree *tree;
    struct archive *archive;
    struct archive_entry *entry;
    int dir_fd;
    const struct image_path *path;
};
int image_file_make(struct image_place *p, struct mtd_error *err);
int image_file_set_dir(struct image_place *p, int fd, struct mtd_error *err);
bool image_file_is_whiteout(mode_t mode, dev_t rdev);

/* ---- image_xattr.c ---- */

/* Which attributes belong to a file rather than to the host or to overlay. */
bool image_xattr_is_kept(const char *name);
bool image_xattr_is_overlay(const char *name);
/* path: of the file itself, as seen by lsetxattr. */
int image_xattr_restore(const char *proc_path, struct archive_entry *e, const char *path,
                        struct mtd_error *err);
int image_xattr_set_opaque(int dir_fd);

#endif
