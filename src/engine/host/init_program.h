/* init_program - what --init runs as pid 1 of a container.
 * Shape   a static program is its own init: its executable is bound into the container. A
 *         dynamic one would not find its libraries there. It has a small static program embedded,
 *         made of the same source (cmake/init.cmake), or none when the machine it was built on
 *         had no static C library.
 */
#ifndef ENGINE_HOST_INIT_PROGRAM_H
#define ENGINE_HOST_INIT_PROGRAM_H

#include <stddef.h>

#include "base/error.h"

/* -ENOTSUP when there is none, with the reason. */
int init_program_check(struct mtd_error *err);
/* The embedded program; NULL = our own executable is to be used. */
const void *init_program_embedded(size_t *ret_size);

#endif
