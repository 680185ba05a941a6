/* init_program - the executable that --init runs as pid 1 of a container.
 * Shape   a static program is its own init: its executable is bound into the container. A
 *         dynamic one would not find its libraries there, so it has a small static
 *         program embedded, built from the same source (cmake/init.cmake); or none, when
 *         the machine it was built on had no static C library.
 * Errors  -ENOTSUP = there is none; err says what to install.
 * Owner   the embedded program is constant data of this executable.
 */
#ifndef ENGINE_HOST_INIT_PROGRAM_H
#define ENGINE_HOST_INIT_PROGRAM_H

#include <stddef.h>

#include "base/error.h"

int init_program_check(struct mtd_error *err);
/* The embedded program and its size; NULL = use our own executable, *ret_size is not set.
 * Only after init_program_check(). */
const void *init_program_embedded(size_t *ret_size);

#endif
