/* spec - converts records and image configs to JSON and back, by tables of fields.
 * Shape   config.json: first the keys that a reader of mydocker's expects (pid id
 *         name createdTime status command volume), then those of OCI (process root
 *         hostname mounts linux.resources), then "mytop" (what OCI has no key for)
 *         and "state" (the status). Members equal to their default are left out;
 *         unknown members have no effect and are kept (foreign.c). "mytop.format" is
 *         MTD_FORMAT (types.h).
 * Units   those of types.h; times as RFC 3339.
 * Errors  -EINVAL = the text is not a record, err names the member ("process.args:
 *         not a list of strings"). Hostile input is expected: depth, sizes and
 *         counts are bounded, integers range-checked, strings free of NUL. -E2BIG =
 *         above SPEC_MAX_BYTES. -EPROTO = not understood, and a later version's.
 * Owner   the caller frees ret: buf_done, mtd_record_done, mtd_image_done.
 * Source  OCI runtime-spec config.md; docker's image config.
 */
#ifndef ENGINE_SPEC_SPEC_H
#define ENGINE_SPEC_SPEC_H

#include <stddef.h>

#include "base/buf.h"
#include "engine/types.h"

#define SPEC_MAX_BYTES (4u << 20)

/* -E2BIG = a list is longer than a record's may be, which spec_encode refuses, too. */
int spec_check(const struct mtd_record *r, struct mtd_error *err);
int spec_encode(const struct mtd_record *r, struct buf *ret, struct mtd_error *err);
/* *ret must be initialised; its old contents are freed. On failure it is empty. */
int spec_decode(const char *text, size_t len, struct mtd_record *ret,
                struct mtd_error *err);
int spec_copy(struct mtd_record *ret, const struct mtd_record *from,
              struct mtd_error *err);

/* Image configs, with docker's member names ("Cmd", "Entrypoint", "Env" ...). */
int spec_encode_image(const struct mtd_image *i, struct buf *ret, struct mtd_error *err);
int spec_decode_image(const char *text, size_t len, struct mtd_image *ret,
                      struct mtd_error *err);

/* Networks: <root>/networks/NAME.json. */
int spec_encode_net(const struct mtd_net *n, struct buf *ret, struct mtd_error *err);
int spec_decode_net(const char *text, size_t len, struct mtd_net *ret,
                    struct mtd_error *err);

#endif
