/* transfer/load - images out of archives: docker's (old and new), OCI's, and OCI layouts.
 * Shape   a tar of any compression, from a file or a pipe, recognised by what it holds. Of
 *         a plain file only what is missing is read; from anything else layers are
 *         unpacked as they come.
 * Rule    digests are verified; names and links stay inside the archive; documents, counts
 *         and sizes are limited. An image appears whole or not at all.
 * Errors  -EBADMSG = damaged, hostile, or no archive of images: err says what it looks like;
 *         -ENOENT = no image for the platform. Images that were complete before stay.
 * Owner   fds are borrowed.
 */
#ifndef ENGINE_TRANSFER_LOAD_H
#define ENGINE_TRANSFER_LOAD_H

#include "engine/image/compose.h"

struct transfer_load {
    int fd;               /* a file, a pipe, or an OCI layout's directory */
    const char *platform; /* "linux/arm64"; NULL = the host's, or the only one there is */
    const struct mtd_progress *progress;
};
/* ret_loaded: the name, or without one the id ("sha256:.."), of each. */
int transfer_load(const struct image_store *s, const struct transfer_load *l,
                  struct strv *ret_loaded, struct mtd_error *err);

#endif
