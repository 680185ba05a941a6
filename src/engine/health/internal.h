/* health/internal.h - what health's files share: health.c is the process, probe.c one check,
 * file.c the results and the lock.
 */
#ifndef ENGINE_HEALTH_INTERNAL_H
#define ENGINE_HEALTH_INTERNAL_H

#include "engine/health/health.h"

/* Runs the check once. 1 = *ret is filled, 0 = the container ended meanwhile, -errno. */
int health_probe(const struct mtd_record *r, int container,
                 struct mtd_health_result *ret);

/* <run>/<id>/health, made; -errno. */
int health_open_dir(struct store *s, const char *id);
/* Becomes the checker of this run: the descriptor holds the claim. -EAGAIN: there is one. */
int health_claim(int dir_fd, pid_t pid);
/* dir_fd stays valid when the directory is removed; nothing is written then. */
int health_write(int dir_fd, pid_t pid, uint64_t pid_start, const struct mtd_health *h);

#endif
