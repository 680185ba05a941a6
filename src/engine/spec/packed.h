/* packed - the members of a struct as bytes, by a table: numbers as they lie in memory,
 * strings with their length, lists with their count. Only for bytes that this build has
 * made, or another with the same table.
 * Errors  -EBADMSG, -ENOMEM. The bytes are not trusted to be what they should be.
 */
#ifndef ENGINE_SPEC_PACKED_H
#define ENGINE_SPEC_PACKED_H

#include <stddef.h>

#include "base/buf.h"

enum packed_kind {
    PACKED_PLAIN,  /* size bytes without pointers */
    PACKED_STRING, /* char *; NULL stays NULL */
    PACKED_LIST,   /* struct strv */
};
struct packed_member {
    enum packed_kind kind;
    size_t offset, size;
};

/* Appends. */
int spec_packed_put(const struct packed_member *members, size_t n, const void *base,
                    struct buf *ret);
/* base is all zeros. Bytes behind the last member are ignored. On failure it may hold some members, which its _done frees. */
int spec_packed_take(const struct packed_member *members, size_t n, const char *data,
                     size_t len, void *base);

#endif
