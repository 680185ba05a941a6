/* fs - files and directories, relative to a directory descriptor.
 * Errors  -errno.
 * Owner   returned descriptors and buffers belong to the caller.
 */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

/* Reads a whole regular file (proc and cgroup files too) of at most max bytes into *ret;
 * its content is replaced, its memory reused. -EFBIG = longer, -EINVAL = not a regular
 * file, -ELOOP = a link. */
int fs_read_at(int dir_fd, const char *name, size_t max, struct buf *ret);
/* The same of a path of the host's, which may be a link. */
int fs_read_path(const char *path, size_t max, struct buf *ret);
/* The same of a file that nobody else could have changed; else -EPERM (trust.h). */
int fs_read_own_at(int dir_fd, const char *name, size_t max, struct buf *ret);
/* The same into the caller's array, NUL-terminated, without a trailing newline. Returns
 * the length. Of a file that is known to be one, its kind is not asked, and that gives all it has
 * at once: a short read is its end. */
int fs_read_small_at(int dir_fd, const char *name, char *out, size_t size);
/* One write() of the text to an existing file (cgroup and proc files). */
int fs_write_at(int dir_fd, const char *name, const char *text);
/* Temp file in the same directory, write, fsync when durable, rename over name. A killed process
 * leaves the temp file, so this is for directories that then go as a whole. */
int fs_replace_at(int dir_fd, const char *name, const void *data, size_t len, mode_t mode,
                  bool durable);
/* The same, mode 0600, with a temp file of that name (in the same file system), which what a
 * killed process left there does not disturb. Only one process may do it at a time. at_once: as
 * atomic for readers, but a power loss may leave an empty file; does not wait for a busy disk. */
int fs_replace_by_at(int dir_fd, const char *temp, const char *name, const void *data,
                     size_t len, bool durable, bool at_once);
/* The same, mode 0600, with a temp file "<kind>-<16 digits>" in temp_dir (in the same file system),
 * by any number of processes at a time. It is locked (flock) for as long as it has that name: what
 * is there without a lock is a killed process's, for a sweep to remove. */
int fs_replace_swept_at(int dir_fd, const char *temp_dir, const char *kind,
                        const char *name, const void *data, size_t len, bool durable);
/* A new file that is there with all of its content or not at all, also when this process is
 * killed; durable = and after a power loss. -EEXIST. Where the file system has no unnamed files, it
 * may be there incomplete. */
int fs_make_whole_at(int dir_fd, const char *name, const void *data, size_t len,
                     mode_t mode, bool durable);
int fs_mkdir_p(const char *path, mode_t mode);    /* existing directory = 0 */
int fs_open_dir_at(int dir_fd, const char *name); /* O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC */
/* Repeats write(2) until all is written, also after EINTR. */
int fs_write_all(int fd, const void *data, size_t len);

/* What a directory holds, but for "." and "..". Cheaper than opendir; fd is the struct's. */
struct fs_dir {
    int fd, error; /* -errno of a read that failed */
    int len, at;
    _Alignas(struct dirent64) char batch[4096];
};
void fs_dir_init(struct fs_dir *d, int fd);    /* takes fd; -1 = an empty directory */
int fs_dir_open(struct fs_dir *d, int dir_fd); /* what dir_fd has open, from its start */
void fs_dir_done(struct fs_dir *d);
/* NULL at the end or after an error; valid until the next call. */
const struct dirent64 *fs_dir_next(struct fs_dir *d);
/* All that was read has been returned, and there was room for more: probably the end. */
bool fs_dir_seems_done(const struct fs_dir *d);

/* Removes path and everything below it, without crossing mounts or following links there.
 * 0 when it does not exist. path must not end in a slash. */
int fs_remove_tree_at(int dir_fd, const char *path);
/* The same of a name in dir_fd that is a directory's. */
int fs_remove_dir_at(int dir_fd, const char *name);

/* The bytes of the files below dir_fd/name, as their sizes say, or of the file of that name. Hard
 * links count once, mounts are not crossed, links not followed; what cannot be read, and what is
 * deeper than 200 directories, counts 0. For trees that a container may change meanwhile. */
uint64_t fs_size_at(int dir_fd, const char *name);

/* openat2 with RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS: path is resolved with root_fd as
 * "/". Without openat2 (before Linux 5.6) it is opened component by component,
 * refusing links. */
int fs_open_in_root(int root_fd, const char *path, int flags, mode_t mode);
/* mkdir -p below root_fd, component by component, links resolved inside the root only. What is
 * made has exactly this mode.
 * Returns an O_PATH|O_DIRECTORY fd of the last directory. */
int fs_mkdir_in_root(int root_fd, const char *path, mode_t mode);

/* An absolute path without "//", "/./", "/../" and a slash at its end, as words alone: links are
 * not asked for. In place; "/.." is "/". */
void fs_clean_path(char *path);
/* path with the working directory in front of it when it is relative; malloc'ed. -ENOENT = the
 * working directory was deleted. */
int fs_absolute(const char *path, char **ret);
#define FS_NO_CWD "the working directory was deleted; change to another one"

#endif
