/* du - the size of a directory tree.
 * Units   bytes of file sizes, not of blocks. Hard links count once; mounts are not
 *         crossed.
 * Errors  none: what cannot be read counts 0.
 */
#ifndef CLI_DU_H
#define CLI_DU_H

#include <stdint.h>

uint64_t du_tree(const char *path); /* missing = 0 */
/* The logs in a container's directory, rotated ones and those of a driver too. */
uint64_t du_logs(const char *dir);

#endif
