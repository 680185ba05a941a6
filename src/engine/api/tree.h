/* api/tree.h - the files of a container as it sees them, for a call that reads or writes some.
 * Shape   of a running one its mount namespace, whatever its processes did by chroot; of any
 *         other an overlay with its volumes, in a mount namespace that exists for this.
 *         Nothing of the container's runs, and no process of the engine's stays inside.
 * Rule    use fs_open_in_root() and its kin with root_fd: the container may be running.
 * Errors  0 or -errno, err says why.
 * Owner   api_tree_close() closes both. The namespace lives as long as ns_fd.
 */
#ifndef ENGINE_API_TREE_H
#define ENGINE_API_TREE_H

#include "engine/container/container.h"

struct api_tree {
    int root_fd;
    int ns_fd;
};
/* Of one that does not run the lock must be held; writable: what is written there stays. */
int api_tree_open(struct mtd_engine *e, const struct mtd_record *r, bool writable,
                  struct api_tree *ret, struct mtd_error *err);
void api_tree_close(struct api_tree *t);

#endif
