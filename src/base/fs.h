/* fs - files and directories by directory fd; nothing follows a link it should not.
 * Errors  -errno.  Owner  returned fds and buffers belong to the caller.
 */
#ifndef BASE_FS_H
#define BASE_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

/* Reads a whole regular file (or proc/cgroup file) of at most max bytes into *ret, whose
 * former content goes and whose memory is used again.
 * -EFBIG when longer. O_NOFOLLOW|O_NONBLOCK; not regular = -EINVAL. */
int fs_read_at(int dir_fd, const char *name, size_t max, struct buf *ret);
/* The same into the caller's array, NUL-terminated, trailing newline cut; returns
 * length. */
int fs_read_small_at(int dir_fd, const char *name, char *out, size_t size);
/* One write() of the text to an existing file (cgroup and proc files). */
int fs_write_at(int dir_fd, const char *name, const char *text);
/* Temp file in the same directory, write, fsync when durable, rename over name. */
int fs_replace_at(int dir_fd, const char *name, const void *data, size_t len, mode_t mode,
                  bool durable);
/* The same, as atomic for every reader, but a power loss may leave an empty file: for
 * what means nothing after one. Saves the wait for a busy disk. */
int fs_replace_volatile_at(int dir_fd, const char *name, const void *data, size_t len,
                           mode_t mode);
int fs_mkdir_p(const char *path, mode_t mode);    /* existing directory = 0 */
int fs_open_dir_at(int dir_fd, const char *name); /* O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC */
int fs_write_all(int fd, const void *data,
                 size_t len); /* loops over short writes, EINTR */

/* Removes path and everything below it; does not cross mounts or follow links there;
 * missing = 0. No slash at the end. */
int fs_remove_tree_at(int dir_fd, const char *path);

/* openat2 with RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS: path is resolved with root_fd as
 * "/". -ENOSYS kernels (< 5.6) get a component-wise walk with O_NOFOLLOW that refuses
 * links. */
int fs_open_in_root(int root_fd, const char *path, int flags, mode_t mode);
/* mkdir -p below root_fd, component by component, links resolved inside the root only.
 * Returns an O_PATH|O_DIRECTORY fd of the last directory. */
int fs_mkdir_in_root(int root_fd, const char *path, mode_t mode);

#endif
