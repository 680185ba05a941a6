/* inspect - docker's `inspect` objects out of records and images.
 * Owner   the returned reference belongs to the caller; NULL = out of memory.
 * Source  moby api/types/container and image; what has no counterpart here is left out
 *         rather than invented.
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
