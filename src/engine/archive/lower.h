/* archive/lower - hard links of a layer to files of the layers below it. As on a mounted overlay
 * the file is copied up into the layer, with all its attributes and the directories above it,
 * and both names are the same file there.
 * Rule    what the layers between remove or hide is not there; a link on the way to the file is
 *         followed inside the image, the file itself is not.
 * Errors  -EBADMSG = there is no such file, or it is none that can be copied.
 * Owner   all fds are borrowed.
 */
#ifndef ENGINE_ARCHIVE_LOWER_H
#define ENGINE_ARCHIVE_LOWER_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* name and target: clean paths, as archive_unpack() noted them. lower_fds: the layers below,
 * the next one first. *bytes grows by what was copied. A name that a later entry of the tar
 * took stays as it is. */
int archive_lower_link(int layer_fd, const int *lower_fds, size_t n, const char *name,
                       const char *target, uint64_t *bytes, struct mtd_error *err);

#endif
