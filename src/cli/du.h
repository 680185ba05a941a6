/* du - bytes of the files below a directory, hard links once, without crossing mounts. */
#ifndef CLI_DU_H
#define CLI_DU_H

#include <stdint.h>

uint64_t du_tree(const char *path); /* missing = 0 */

#endif
