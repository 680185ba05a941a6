/* inspect - the JSON objects of docker's `inspect`, made from records and images.
 * Errors  NULL = out of memory.
 * Owner   the returned reference belongs to the caller.
 * Source  moby api/types/container and image; members without a counterpart here are left
 *         out.
 */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include <jansson.h>

#include "engine/engine.h"

json_t *inspect_container(struct mtd_engine *e, const struct mtd_record *r);
json_t *inspect_image(const struct mtd_image *i);

/* ["a", "b"]; text that is not UTF-8 is made visible. */
json_t *inspect_strings(const struct strv *v);
json_t *inspect_text(const char *s); /* NULL = "" */
json_t *inspect_time(int64_t wall_ns);
/* {"key": "value"} out of "key=value". */
json_t *inspect_labels(const struct strv *labels);

#endif
