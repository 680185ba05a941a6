/* archive/gunzip - what is read of a tar, inflated if it is gzip. libarchive's own filter
 * looks at neither the checksum nor the length behind a member, so a damaged one would pass.
 * Shape   blocks of whatever reads; what is not gzip goes through untouched. Several members
 *         are one stream, as gzip has it; what follows the last one is no part of it.
 * Errors  -EBADMSG = damaged or truncated, see archive_gunzip_reason(); the reader's own.
 * Owner   a block lives until the next call. Zero is a struct that has read nothing.
 */
#ifndef ENGINE_ARCHIVE_GUNZIP_H
#define ENGINE_ARCHIVE_GUNZIP_H

#include <stdbool.h>
#include <sys/types.h>

/* The next bytes, 0 = the end, or -errno. */
typedef ssize_t (*archive_gunzip_read)(void *arg, const void **ret);

struct archive_gunzip {
    enum {
        ARCHIVE_GUNZIP_NEW,
        ARCHIVE_GUNZIP_OTHER, /* it is no gzip */
        ARCHIVE_GUNZIP_MEMBER,
        ARCHIVE_GUNZIP_BETWEEN, /* a member has ended; another may follow */
        ARCHIVE_GUNZIP_END,
    } state;
    struct archive_inflate *inflate; /* of gunzip.c; NULL = none is needed */
    const char *reason;
};
ssize_t archive_gunzip_next(struct archive_gunzip *g, archive_gunzip_read read, void *arg,
                            const void **ret);
/* What is wrong, when it is the gzip; else NULL. */
const char *archive_gunzip_reason(const struct archive_gunzip *g);
bool archive_gunzip_is_on(const struct archive_gunzip *g); /* it is gzip */
void archive_gunzip_done(struct archive_gunzip *g);

#endif
