/* image_filter - `--filter KEY=VALUE` of images and image prune.
 * Rule    all must hold; of several references one has to.
 * Errors  -EINVAL, err names the filter; others are mtd_image_find()'s of before and since.
 * Owner   done frees.
 * Source  docker images, docker image prune.
 */
#ifndef CLI_IMAGE_FILTER_H
#define CLI_IMAGE_FILTER_H

#include "cli/verb.h"

enum image_filter_for {
    IMAGE_FILTER_LIST, /* reference, dangling, label, before, since, until */
    IMAGE_FILTER_PRUNE /* until, label, label!, dangling */
};
int image_filter_check(const struct option_list *filters, enum image_filter_for what,
                       struct mtd_error *err);

struct image_filter {
    const struct option_list *filters;
    int64_t after, before; /* 0 = any */
};
/* before=IMAGE and since=IMAGE are looked up. */
int image_filter_init(struct cli *c, const struct option_list *filters,
                      struct image_filter *ret, struct mtd_error *err);
/* name: the row's, NULL = none. */
bool image_filter_match(const struct image_filter *f, const struct mtd_image *i,
                        const char *name);
/* "busybox", "busybox:*", "*box". */
bool image_filter_reference(const char *name, const char *pattern);
/* The value of dangling=; -1 = not given. */
int image_filter_dangling(const struct option_list *filters);
/* The last colon, unless it belongs to a registry's port. */
const char *image_filter_tag(const char *name);

#endif
