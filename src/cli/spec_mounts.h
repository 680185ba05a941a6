/* spec_mounts - the values of -v, --mount and --tmpfs.
 * Errors  -EINVAL, -ENOENT and the like, err names the option and its value. Two mounts
 *         on one target are refused.
 * Owner   the mounts are appended to the spec, which owns them (mtd_spec_done).
 * Source  docker run's reference, "Add bind mounts, volumes or memory filesystems".
 */
#ifndef CLI_SPEC_MOUNTS_H
#define CLI_SPEC_MOUNTS_H

#include "cli/options.h"
#include "engine/types.h"

/* SOURCE:TARGET[:OPTIONS], or TARGET alone: an anonymous volume. */
int spec_volumes(struct mtd_spec *s, const struct option_list *values,
                 struct mtd_error *err);
/* type=bind|volume|tmpfs,source=..,target=..[,readonly] */
int spec_mounts(struct mtd_spec *s, const struct option_list *values,
                struct mtd_error *err);
/* TARGET[:OPTIONS] */
int spec_tmpfs(struct mtd_spec *s, const struct option_list *values,
               struct mtd_error *err);

#endif
