/* spec_mounts - the values of -v, --mount and --tmpfs.
 * Errors  -EINVAL, -ENOENT and the like, err names the option and its value. Two mounts
 *         on one target are refused.
 * Owner   the mounts are appended to the spec, which owns them (mtd_spec_done).
 * Source  docker run's reference, "Add bind mounts, volumes or memory filesystems".
 */
#ifndef CLI_SPEC_MOUNTS_H
#define CLI_SPEC_MOUNTS_H

#include "cli/verb.h"

/* SOURCE:TARGET[:OPTIONS], or TARGET alone: an anonymous volume. */
int spec_volumes(struct mtd_spec *s, const struct option_list *values,
                 struct mtd_error *err);
/* type=bind|volume|tmpfs,source=..,target=..[,readonly] */
int spec_mounts(struct mtd_spec *s, const struct option_list *values,
                struct mtd_error *err);
/* One of --mount; *ret is the caller's. cli/spec_mount_words.c */
int spec_mount_parse(const char *text, struct mtd_mount *ret, struct mtd_error *err);
/* Sets and checks the member; of a source the type as well: a host path, or a volume's name. */
int spec_mount_target(struct mtd_mount *m, const char *target, struct mtd_error *err);
int spec_mount_source(struct mtd_mount *m, const char *source, struct mtd_error *err);
/* TARGET[:OPTIONS] */
int spec_tmpfs(struct mtd_spec *s, const struct option_list *values,
               struct mtd_error *err);

#endif
