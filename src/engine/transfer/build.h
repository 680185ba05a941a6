/* transfer/build - images from Dockerfiles, by buildah (engine/tool).
 * Shape   buildah has a storage of its own, <root>/build/storage, which is its cache too;
 *         its other directories lie in images/tmp. Images that the Dockerfile names are
 *         put into it from our store, by skopeo; those that are not here are pulled first.
 *         What was built is taken over as a load does it.
 * Rule    RUN runs behind a chroot of buildah's, in the host's network. So buildah itself has
 *         nothing of the host that a container would not have (build_box.c). Killed, it
 *         leaves working containers in its storage, which the next build removes.
 * Errors  those of tool_fail(), transfer_pull() and image_compose().
 */
#ifndef ENGINE_TRANSFER_BUILD_H
#define ENGINE_TRANSFER_BUILD_H

#include "engine/image/image.h"
#include "engine/transfer/options.h"

int transfer_build(const struct image_store *s, const struct mtd_registry *how,
                   const struct mtd_build *b, char **ret_id, struct mtd_error *err);
/* Drops the cache. -EBUSY = something is being built. */
int transfer_drop_builds(const struct image_store *s, struct mtd_error *err);

#endif
