/* spec_env - environment variables and labels, from options and from the files they name.
 * Shape   --env and --label are KEY[=VALUE]; the files have one of these per line, read
 *         as docker reads them. Files come first, then options; of equal names the last
 *         one wins.
 * Errors  -errno; err names the option, or FILE:LINE.
 * Owner   *ret belongs to the caller, filled in part on failure.
 */
#ifndef CLI_SPEC_ENV_H
#define CLI_SPEC_ENV_H

#include "base/strv.h"
#include "cli/options.h"

/* "NAME" alone takes the value from the caller's environment, or is left out. */
int spec_env(struct strv *ret, const struct option_list *files,
             const struct option_list *assignments, struct mtd_error *err);
int spec_env_file(struct strv *ret, const char *path, struct mtd_error *err);

/* "KEY" alone is KEY with an empty value. Sorted by key. */
int spec_labels(struct strv *ret, const struct option_list *files,
                const struct option_list *labels, struct mtd_error *err);

#endif
