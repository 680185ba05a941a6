/* archive/recipe.h - what a tar is besides its files' contents, kept while it is unpacked,
 * so that the same bytes can be made again of the unpacked layer. Private to archive.
 * Shape   a stream compressed with zstd: "mtdtar1\n", then steps: 'L' u32 n, n bytes of the
 *         tar as they were (headers, padding, the end); 'F' u16 n, n bytes of a path, u64
 *         offset, u64 length: contents of that file of the layer; 'E' u64 the tar's
 *         length. Numbers are little-endian.
 * Rule    what is not known to be a file's contents is kept as it is: whatever wrote the
 *         tar, nothing of it needs to be understood.
 * Errors  0 or -errno.
 */
#ifndef ENGINE_ARCHIVE_RECIPE_H
#define ENGINE_ARCHIVE_RECIPE_H

#include "base/buf.h"
#include "engine/archive/stream.h"

#define ARCHIVE_RECIPE_MAGIC "mtdtar1\n"
#define ARCHIVE_RECIPE_LITERAL (64u << 10) /* the longest of one step */

struct archive_recipe {
    struct archive *out; /* NULL = none is wanted */
    struct archive *tar; /* the reader whose bytes it is about */
    struct archive_stream *stream;
    uint64_t noted;  /* of the tar's bytes */
    bool in_data;    /* the reader is in a file's contents */
    struct buf same; /* bytes for the next 'L' */
    struct buf path; /* of the next 'F' */
    uint64_t offset, len;
    int failed;
};

/* fd <= 0 = none is wanted; then the others do nothing. */
int archive_recipe_init(struct archive_recipe *r, int fd, struct archive *tar,
                        struct archive_stream *stream);
/* What the reader has consumed until now, and is no contents, is kept as it is. */
void archive_recipe_pass(struct archive_recipe *r);
/* The reader is before a file's contents, or behind them. */
void archive_recipe_begin(struct archive_recipe *r);
void archive_recipe_end(struct archive_recipe *r);
/* The next len bytes are the file's, at offset. */
void archive_recipe_contents(struct archive_recipe *r, const char *path, uint64_t offset,
                             size_t len);
/* After the last byte, size is the tar's. Any failure until then is returned here. */
int archive_recipe_finish(struct archive_recipe *r, uint64_t size);
void archive_recipe_done(struct archive_recipe *r);

#endif
