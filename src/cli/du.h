/* du - the size of a directory tree.
 * Units   bytes of file sizes, not of blocks. Hard links count once; mounts are not
 *         crossed.
 * Errors  none: what cannot be read counts 0.
 */
#ifndef CLI_DU_H
#define CLI_DU_H

#include <stdint.h>

uint64_t du_tree(const char *path); /* missing = 0 */

#endif
