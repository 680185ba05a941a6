/* archive/internal.h - how the entries of a tar get into a directory.
 * Shape   unpack.c reads the stream; entry.c, file.c, path.c and xattr.c make the tree.
 * Errors  as in archive.h.
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
struct strv;
struct archive_recipe;

/* The times of directories are set last: making entries in one changes its time. */
struct archive_dir_time {
    char *path;
    struct timespec mtime;
};

struct archive_tree {
    int root_fd;
    bool is_root;      /* chown is allowed */
    gid_t gid;         /* ours */
    mode_t kept, lost; /* bits that new files keep, and lose: the umask, the root's ACL */
    bool has_default_acl; /* a directory has its own: then they differ */
    bool parent_is_ours;  /* the directory has our group, and so have new files in it */
    bool write_out;       /* write each file to the disk when it is complete */
    int parent_fd;        /* the directory of the last entry, kept open; -1 = none */
    char parent_path[PATH_MAX]; /* "" = the root */
    struct archive_dir_time *times;
    size_t n_times, cap_times, time_bytes;
    uint64_t bytes; /* written to files */
    bool has_lost;  /* contents of a file that a later entry replaced */
    struct archive_recipe *recipe;
    struct strv *lower_links; /* see archive_tar */
};

void archive_tree_init(struct archive_tree *t, int root_fd);
void archive_tree_done(struct archive_tree *t);

/* Makes the entry's file, whose data is read from a. */
int archive_tree_put(struct archive_tree *t, struct archive *a, struct archive_entry *e,
                     struct mtd_error *err);
/* After the last entry: the times of directories. */
int archive_tree_finish(struct archive_tree *t, struct mtd_error *err);

/* -EBADMSG with `"path": reason`; a long path is truncated so that the reason is seen. */
int archive_entry_bad(struct mtd_error *err, const char *path, const char *reason);
/* -code with `"path": what: strerror`. */
int archive_entry_failed(struct mtd_error *err, int code, const char *path,
                         const char *what);

/* ---- archive/filters.c ---- */

/* All decompressors that archive.h names but gzip. */
int archive_add_filters(struct archive *a, struct mtd_error *err);
/* What a reader of libarchive says failed. */
int archive_read_failed(struct archive *a, struct mtd_error *err);

/* ---- archive/path.c: names ---- */

struct archive_path {
    char text[PATH_MAX]; /* "a/b/c"; "" = the root */
    size_t parent_len;   /* length of "a/b" */
    const char *name;    /* "c", inside text */
};
/* Normalizes a name from a tar. NULL, or why it is refused. */
const char *archive_path_clean(const char *raw, struct archive_path *ret);
/* A directory's O_PATH fd, links on the way resolved with root_fd as "/", or -errno. path "" =
 * root. */
int archive_path_open(int root_fd, const char *path);
/* What -errno of archive_path_open() means to a user; NULL = nothing special. */
const char *archive_path_reason(int code);
/* Like archive_path_open(), but makes missing directories, 0755. */
int archive_path_make(int root_fd, const char *path);

/* ---- archive/file.c: the kinds of files, their data and attributes ---- */

#define ARCHIVE_WHITEOUT ".wh."
#define ARCHIVE_OPAQUE ".wh..wh..opq"
#define ARCHIVE_OPAQUE_XATTR "trusted.overlay.opaque"

/* Where one file is made and given its data and attributes. */
struct archive_place {
    struct archive_tree *tree;
    struct archive *archive;
    struct archive_entry *entry;
    int dir_fd;
    const struct archive_path *path;
};
/* -EEXIST without a text in err: the name is taken. */
int archive_file_make(struct archive_place *p, struct mtd_error *err);
/* Owner, mode and attributes of the directory fd. */
int archive_file_set_dir(struct archive_place *p, int fd, struct mtd_error *err);
bool archive_file_is_whiteout(mode_t mode, dev_t rdev);

/* ---- archive/xattr.c ---- */

/* proc_path: the file itself, for lsetxattr. path: its name in err. */
int archive_xattr_restore(struct archive_tree *t, const char *proc_path,
                          struct archive_entry *e, const char *path,
                          struct mtd_error *err);
int archive_xattr_set_opaque(int dir_fd);

#endif
