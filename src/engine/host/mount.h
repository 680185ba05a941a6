/* mount - the kernel's mount API by file descriptor.
 * Shape   a file system or a bind is made detached, gets its attributes, and is then
 *         moved onto an already opened target. No path is resolved twice, so nothing can
 *         be swapped in between. attrs: MOUNT_ATTR_* of <sys/mount.h>.
 * Errors  0 or -errno, without a sentence: the caller knows what the mount is for.
 * Owner   returned fds are the caller's, close-on-exec; closing a detached one unmounts
 *         it.
 * Older   without mount_setattr (before Linux 5.12) attributes are set by mount(2) on a
 *         mount that is attached for a moment: call these in a mount namespace of your
 *         own, made private, with the host's /proc. A bind with attributes is then not
 *         recursive.
 * Source  fsopen(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2); Linux
 *         5.12.
 */
#ifndef ENGINE_HOST_MOUNT_H
#define ENGINE_HOST_MOUNT_H

#include <stdbool.h>
#include <stdint.h>

/* A new file system, detached; returns its fd. source: NULL = none. options: the file
 * system's, "key=value,flag", at most 511 bytes, a value with a comma in quotes; NULL = none. */
int mount_new(const char *fstype, const char *source, const char *options,
              uint64_t attrs);
/* The same, attached to target_fd or to `name` in that directory, in one call: mount(2) by
 * way of the host's /proc. For a place that nobody else can change. With read-only the file
 * system is read-only as well as the mount, as with runc. */
int mount_new_on(int target_fd, const char *name, const char *fstype, const char *source,
                 const char *options, uint64_t attrs);
/* The same with further flags of mount(2), MS_SYNCHRONOUS and the like. */
int mount_new_with(int target_fd, const char *name, const char *fstype,
                   const char *source, const char *options, uint64_t attrs,
                   unsigned long flags);
/* Moves the options that are mount attributes (ro nosuid nodev noexec and their
 * opposites, noatime) into *attrs, which keeps its other bits, and copies the others to
 * rest (size bytes). -ENAMETOOLONG. */
int mount_split(const char *options, uint64_t *attrs, char *rest, unsigned size);
/* How a bind is made. */
struct mount_how {
    uint64_t attrs;
    bool flat;  /* without the mounts below it */
    bool top;   /* attrs are not for the mounts below it */
    bool whole; /* attrs are for all of them, or it fails: -EOPNOTSUPP */
    bool
        maps; /* ids are those of the user namespace userns_fd, see mount_bind_mapped() */
    int userns_fd;
    bool
        spreads; /* it belongs to its source's peer group, or has its master; else private */
};
/* A detached copy of the mounts at path, which is as in mount_bind(); returns its fd. */
int mount_bind_as(int dir_fd, const char *path, const struct mount_how *how);
/* Sets MS_SHARED or MS_SLAVE, of an attached mount and all below it. */
int mount_spread(int mount_fd, unsigned long type);
/* A detached recursive private copy of the mounts at path; returns its fd. path is one of
 * the host's with AT_FDCWD, a name in dir_fd, which is not followed if it is a link, or
 * "" = dir_fd itself. */
int mount_bind(int dir_fd, const char *path, uint64_t attrs);
/* The same with the ids of its files mapped as in the user namespace, so that the file
 * system's id 0 is the namespace's; "recursive": of the mounts below it as well. -EINVAL = the
 * file system, or the kernel, cannot do that. */
int mount_bind_mapped(int dir_fd, const char *path, int userns_fd, bool recursive,
                      uint64_t attrs);
/* A bind of the host's path, attached to target_fd in one call. */
int mount_bind_on(const char *path, int target_fd);
/* The same of `what` in the directory fs_fd of an attached mount, whose attributes it takes over,
 * on `name` in dir_fd, "" = on dir_fd itself. Links are followed: for directories in which the
 * names are ours or the kernel's. */
int mount_bind_name(int fs_fd, const char *what, int dir_fd, const char *name);
/* Makes `name` in dir_fd, and all that is mounted below it, read-only by a bind of itself. Links are
 * followed: as above, and for a mount namespace of the caller's alone, as the bind is writable for
 * a moment. */
int mount_read_only_at(int dir_fd, const char *name);
/* Attaches a detached mount; target_fd may be O_PATH. */
int mount_move(int mount_fd, int target_fd);
/* The same at a name in dir_fd; a link is not followed. */
int mount_move_at(int mount_fd, int dir_fd, const char *name);
/* Adds attributes to an attached mount, of which fd is any file. */
int mount_set(int fd, uint64_t attrs);

#endif
