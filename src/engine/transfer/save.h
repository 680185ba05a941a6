/* transfer/save - images into archives that docker, podman and skopeo read.
 * Shape   TRANSFER_DOCKER is what docker writes since version 25: an OCI layout in a tar,
 *         with manifest.json beside index.json for older readers. TRANSFER_OCI is a layout
 *         in a tar, TRANSFER_LAYOUT one in a new directory. Documents come before layers.
 * Rule    the same images give the same bytes; a layer that several have is written once.
 * Errors  -ENOENT = no such image, -EEXIST = the directory is not empty.
 */
#ifndef ENGINE_TRANSFER_SAVE_H
#define ENGINE_TRANSFER_SAVE_H

#include "engine/archive/members.h"
#include "engine/image/compose.h"

enum transfer_form { TRANSFER_DOCKER, TRANSFER_OCI, TRANSFER_LAYOUT };

struct transfer_save {
    const struct strv *refs; /* names and ids; a name is saved with the image */
    enum transfer_form form;
    enum archive_bundle_form compress;
    int fd; /* of the tar, or of an empty directory */
    const struct mtd_progress *progress;
};
/* ret_ids: of the images, in the order of refs. */
int transfer_save(const struct image_store *s, const struct transfer_save *save,
                  struct strv *ret_ids, struct mtd_error *err);

#endif
