/* volume_filter - `--filter KEY=VALUE` of volume ls and volume prune.
 * Rule    dangling, driver and label must all hold; of several names one has to, in part.
 * Errors  -EINVAL, err names the filter.
 * Source  docker volume ls, docker volume prune.
 */
#ifndef CLI_VOLUME_FILTER_H
#define CLI_VOLUME_FILTER_H

#include "cli/verb.h"

enum volume_filter_for {
    VOLUME_FILTER_LIST, /* dangling, driver, label, name */
    VOLUME_FILTER_PRUNE /* all, label, label! */
};
int volume_filter_check(const struct option_list *filters, enum volume_filter_for what,
                        struct mtd_error *err);
bool volume_filter_match(const struct option_list *filters, const struct mtd_volume *v);
/* The value of all=. */
bool volume_filter_all(const struct option_list *filters);

#endif
