/* health/internal.h - what the files of health share.
 * Shape   health.c is the process, probe.c one check, file.c has the
 *         results and the lock.
 * Errors  0 or -errno.
 */
#ifndef ENGINE_HEALTH_INTERNAL_H
#define ENGINE_HEALTH_INTERNAL_H

#include "engine/health/health.h"

/* Runs the check once. 1 = *ret is filled, 0 = the container ended meanwhile, -errno. */
int health_probe(const struct mtd_record *r, int container,
                 struct mtd_health_result *ret);

/* Makes and opens <run-root>/<id>/health; its fd or -errno. */
int health_open_dir(struct store *s, const char *id);
/* Becomes the checker of this run; the returned fd holds the claim.
 * -EAGAIN = there is one. */
int health_claim(int dir_fd, pid_t pid);
/* If the directory was removed, nothing is written. */
int health_write(int dir_fd, pid_t pid, uint64_t pid_start, const struct mtd_health *h);

#endif
