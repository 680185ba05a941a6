/* spec - records as JSON and back, driven by tables of fields.
 * Shape   config.json: the keys a mydocker reader expects first (pid id name command
 *         createdTime status volume), then the OCI-like parts (process root hostname mounts
 *         linux.resources), then "mytop" (what OCI has no word for) and "state" (what is).
 *         Members equal to their default are left out; unknown members are ignored.
 * Errors  -EINVAL for text that is not a record, err names the member ("process.args: not a
 *         list of strings"). Hostile input is expected: depth, sizes and counts are bounded,
 *         integers range-checked, strings free of NUL.
 */
#ifndef ENGINE_SPEC_SPEC_H
#define ENGINE_SPEC_SPEC_H

#include <stddef.h>

#include "base/buf.h"
#include "engine/types.h"

#define SPEC_MAX_BYTES (4u << 20)

int spec_encode(const struct mtd_record *r, struct buf *ret, struct mtd_error *err);
/* *ret must be initialised; on failure it holds nothing. */
int spec_decode(const char *text, size_t len, struct mtd_record *ret,
                struct mtd_error *err);
int spec_copy(struct mtd_record *ret, const struct mtd_record *from,
              struct mtd_error *err);

/* Image configs as JSON ("Cmd", "Entrypoint", "Env" ...: docker's member names). */
int spec_encode_image(const struct mtd_image *i, struct buf *ret, struct mtd_error *err);
int spec_decode_image(const char *text, size_t len, struct mtd_image *ret,
                      struct mtd_error *err);

#endif
