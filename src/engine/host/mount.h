/* mount - the kernel's mount API by file descriptor: a file system or a bind is made
 * detached, gets its attributes, and is then moved onto an already opened target. No path is
 * resolved twice, so nothing can be swapped in between.
 * Errors  -errno, no sentence: the caller knows what the mount is for.
 * Owner   returned fds are the caller's, close-on-exec; closing a detached one unmounts it.
 * Older   without mount_setattr (before Linux 5.12) attributes are set by mount(2) on a mount
 *         that is in the tree for a moment: call these in a mount namespace of one's own, made
 *         private, with the host's /proc. A bind with attributes is then not recursive.
 * Source  fsopen(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2); Linux 5.12.
 */
#ifndef ENGINE_HOST_MOUNT_H
#define ENGINE_HOST_MOUNT_H

#include <stdint.h>

/* options: "key=value,flag"; attrs: MOUNT_ATTR_*. */
int mount_new(const char *fstype, const char *source, const char *options,
              uint64_t attrs);
/* Words that are mount attributes (ro nosuid nodev noexec and their opposites, noatime) are
 * taken out of options into *attrs; the rest is copied to rest. -ENAMETOOLONG. */
int mount_split(const char *options, uint64_t *attrs, char *rest, unsigned size);
/* A recursive private copy of what stands at path (dir_fd relative; "" = dir_fd itself). */
int mount_bind(int dir_fd, const char *path, uint64_t attrs);
int mount_move(int mount_fd, int target_fd);
int mount_set(int fd, uint64_t attrs); /* of a mount that is in the tree */

#endif
