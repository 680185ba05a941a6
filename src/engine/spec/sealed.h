/* sealed - a last member of a JSON text that says again, as bytes, what is in the text, for
 * those who read thousands of them.
 * Shape   a line ` "NAME": "HEX"` before the final "}": layout, checksum, the bytes.
 * Trust   the checksum is that of the seed, of all other text and of the bytes. So no matter
 *         who writes the text, when, and whether he is killed: the bytes are either those
 *         of this very text or not used. A version that does not know the member leaves it
 *         out, an editor does not change it along. Torn and foreign bytes are detected,
 *         tampering is not.
 */
#ifndef ENGINE_SPEC_SEALED_H
#define ENGINE_SPEC_SEALED_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct spec_seal {
    const char *name;
    uint64_t layout; /* differs between builds that mean other bytes */
    uint64_t seed;   /* of what else the bytes are about */
};
/* -EINVAL = the text does not end as spec_codec_print() ends it; then, and on any other
 * failure, text is as it was. */
int spec_seal(const struct spec_seal *s, const struct buf *bytes, struct buf *text);
/* -ENOENT = the text has none, or was changed since. */
int spec_unseal(const struct spec_seal *s, const char *text, size_t len, struct buf *ret);
/* Continues sum. */
uint64_t spec_checksum(uint64_t sum, const void *data, size_t len);

#endif
