/* loop - a file as a block device.
 * Shape   a loop device that the kernel takes back when nobody has it open or mounted, so a
 *         killed process leaves none. One file has one device, however many containers mount it:
 *         then they share one file system, where two would destroy it.
 * Errors  -errno, without a sentence.
 * Owner   *ret_fd keeps the device until it is mounted.
 * Source  loop(4).
 */
#ifndef ENGINE_HOST_LOOP_H
#define ENGINE_HOST_LOOP_H

#include <stdbool.h>

#define LOOP_PATH 32
/* Finds the file's device, or makes one; path is that of the device. */
int loop_open(const char *file, bool read_only, char path[LOOP_PATH], int *ret_fd);

#endif
