/* archive/stream.h - the plain bytes of a tar, read, decompressed, copied and hashed by a
 * thread of their own beside whoever reads them. Private to archive.
 * Shape   a ring of blocks; the reader gets them in order and gives them back by
 *         position. A tar in memory is small: it has no thread.
 * Units   bytes; a position is one in the plain tar.
 * Errors  -EBADMSG = damaged or beyond the limit; others are those of reading and copying.
 * Process one reader. The thread blocks all signals and ends with archive_stream_free().
 */
#ifndef ENGINE_ARCHIVE_STREAM_H
#define ENGINE_ARCHIVE_STREAM_H

#include <sys/types.h>

#include "engine/archive/archive.h"

struct archive_stream;

/* Opens it and finds out the compression. tar must live as long. */
int archive_stream_open(const struct archive_tar *tar, uint64_t max_bytes,
                        struct archive_stream **ret, struct mtd_error *err);
/* The next block, or 0 = the end. It stays until a position behind it is given back. */
ssize_t archive_stream_next(struct archive_stream *s, const void **ret,
                            struct mtd_error *err);
/* What stands before the position is not needed any more. */
void archive_stream_give_back(struct archive_stream *s, uint64_t position);
/* After the end: what is known of the whole. -EBADMSG = other programs might read another tar
 * in the same bytes. */
int archive_stream_sums(struct archive_stream *s, struct archive_unpacked *ret,
                        struct mtd_error *err);
void archive_stream_free(struct archive_stream *s); /* NULL is allowed */

/* Copies len bytes of the blocks held, from position on. They must be held. */
void archive_stream_copy(const struct archive_stream *s, uint64_t position, size_t len,
                         void *to);

#endif
