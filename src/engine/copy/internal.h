/* copy/internal.h - what the files of copy share.
 * Shape   in ranks: state.c < path.c, xattr.c, put.c, walk.c < tree.c, tar.c, untar.c < copy.c.
 *         path.c says what a path means, walk.c goes through a tree and gives each file to a
 *         sink: tree.c makes it in a directory, tar.c writes it. put.c makes one file.
 * Errors  as in copy.h.
 */
#ifndef ENGINE_COPY_INTERNAL_H
#define ENGINE_COPY_INTERNAL_H

#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "engine/copy/copy.h"

#define COPY_DEPTH 256 /* directories below each other; two descriptors each */
#define COPY_BLOCK (512u << 10)

/* ---- path.c ---- */

struct copy_path {
    char *text;       /* absolute, clean */
    const char *base; /* its last name, inside text; "" = the root */
    bool is_dir;      /* said to be a directory: "/" or "/." at its end */
    bool contents;    /* "/." at its end, or the root */
};
int copy_path_parse(const struct copy_end *end, struct copy_path *ret);
void copy_path_done(struct copy_path *p);
/* openat() of an absolute path below the end's root. */
int copy_open(const struct copy_end *end, const char *path, int flags);
/* The O_PATH descriptor of what is to be copied. */
int copy_open_source(const struct copy_end *end, const struct copy_path *p, bool follow,
                     struct stat *ret, struct mtd_error *err);

/* Where the source goes: to a name in a directory, or, name NULL, its contents into the
 * directory itself. */
struct copy_target {
    int dir_fd; /* O_PATH */
    char *name;
};
void copy_target_done(struct copy_target *t);
int copy_find_target(const struct copy_end *to, const struct copy_path *source,
                     bool source_is_dir, struct copy_target *ret, struct mtd_error *err);
/* The directory that a tar goes into; *ret_text = its path. */
int copy_open_target_dir(const struct copy_end *to, char **ret_text,
                         struct mtd_error *err);
/* The kernel's own file systems: their files have no size, and some no end. */
bool copy_is_kernel(int fd);

/* ---- state.c: one call ---- */

struct copy;
struct copy_node {
    int fd; /* O_PATH */
    struct stat st;
    const char *name; /* where it goes, in its directory */
};
struct copy_sink {
    /* A directory; *ret_dir is given to what is in it. */
    int (*enter)(struct copy *c, const struct copy_node *n, int dir, int *ret_dir,
                 struct mtd_error *err);
    int (*leave)(struct copy *c, const struct copy_node *n, int dir,
                 struct mtd_error *err);
    /* Anything else. first: the path under which it was put before; NULL = it was not. */
    int (*put)(struct copy *c, const struct copy_node *n, int dir, const char *first,
               struct mtd_error *err);
};

struct archive;
struct copy {
    const struct copy_end *from, *to; /* NULL = a tar */
    const struct copy_how *how;
    const struct copy_sink *sink;
    struct archive *tar; /* written or read */
    int tar_fd;
    int top_fd;      /* what paths are relative to at the target */
    struct stat top; /* of the target, which is not to be walked into */
    struct buf path; /* of the current node: relative, beginning with the first name */
    void *links;     /* tsearch tree: files with several names */
    uint64_t bytes;
    struct mtd_progress_item progress;
    char *block; /* COPY_BLOCK */
};
int copy_start(struct copy *c, const char *shown, struct mtd_error *err);
void copy_finish(struct copy *c);
/* -code with `"path": what: strerror`. */
int copy_failed(const struct copy *c, int code, const char *what, struct mtd_error *err);
/* Counts what a tar takes for a file of that size. */
void copy_count(struct copy *c, uint64_t size);

/* ---- walk.c ---- */

/* One file, with all that is in it; `dir` as the sink's enter gave it. */
int copy_walk(struct copy *c, int fd, const struct stat *st, const char *name, int dir,
              struct mtd_error *err);
/* What is in the directory fd. */
int copy_walk_inside(struct copy *c, int fd, int dir, unsigned depth,
                     struct mtd_error *err);
/* The data of a regular node, for reading. */
int copy_open_data(struct copy *c, const struct copy_node *n, struct mtd_error *err);

/* ---- xattr.c ---- */

/* The attributes of a file that travel with it, one by one. fd: O_PATH. */
typedef int copy_xattr_fn(struct copy *c, const char *name, const void *value,
                          size_t size, void *arg, struct mtd_error *err);
int copy_each_xattr(struct copy *c, int fd, copy_xattr_fn *each, void *arg,
                    struct mtd_error *err);
int copy_set_xattr(struct copy *c, const char *name, const void *value, size_t size,
                   const char *proc, struct mtd_error *err);

/* ---- put.c: one file in a directory ---- */

struct copy_attrs {
    mode_t mode; /* with its kind */
    uid_t uid;   /* of the target's file system; -1 = stays as it was made */
    gid_t gid;
    dev_t rdev;
    struct timespec mtime;
    /* Sets the extended attributes of the file that proc leads to. NULL = none. */
    int (*set_xattrs)(struct copy *c, const void *arg, const char *proc,
                      struct mtd_error *err);
    const void *arg;
};
/* What c's options make of an owner and mode of the source. -EOVERFLOW = the container's map
 * has not that id. */
int copy_own(const struct copy *c, const struct stat *st, struct copy_attrs *ret);

typedef int copy_fill_fn(struct copy *c, void *arg, int fd, struct mtd_error *err);
int copy_put_regular(struct copy *c, int dir, const char *name,
                     const struct copy_attrs *a, copy_fill_fn *fill, void *arg,
                     struct mtd_error *err);
/* A link (target) or a node. */
int copy_put_other(struct copy *c, int dir, const char *name, const struct copy_attrs *a,
                   const char *target, struct mtd_error *err);
/* Another name of first, a path below c->top_fd. */
int copy_put_link(struct copy *c, int dir, const char *name, const char *first,
                  struct mtd_error *err);
/* Makes it unless it is there. O_RDONLY descriptor. */
int copy_put_dir(struct copy *c, int dir, const char *name, struct mtd_error *err);
/* Attributes of an open file or directory. */
int copy_set_attrs(struct copy *c, int fd, const struct copy_attrs *a,
                   struct mtd_error *err);

/* ---- tree.c, tar.c, untar.c ---- */

extern const struct copy_sink COPY_TREE, COPY_TAR;
int copy_tar_open(struct copy *c, int out_fd, struct mtd_error *err);
/* rc: how far it came; < 0 = nothing more is written. */
int copy_tar_close(struct copy *c, int rc, struct mtd_error *err);
int copy_untar(struct copy *c, int in_fd, struct mtd_error *err);

#endif
