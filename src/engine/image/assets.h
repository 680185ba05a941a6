/* assets - the data embedded in the executable.
 * Shape   [start, end) is a zstd-compressed ustar archive: the root file system of image
 *         `busybox`, one statically linked program with its applets as symbolic links.
 * Source  made at build time by assets/pack from Debian's busybox-static
 *         and assets/busybox/
 */
#ifndef ENGINE_IMAGE_ASSETS_H
#define ENGINE_IMAGE_ASSETS_H

#include <stdint.h>

extern const unsigned char mtd_busybox_start[];
extern const unsigned char mtd_busybox_end[];
extern const uint64_t mtd_busybox_size;  /* bytes in its files, unpacked */
extern const char mtd_busybox_diff_id[]; /* sha256 of the tar, 64 hex digits */

#endif
