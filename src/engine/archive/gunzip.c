/* zlib compares checksum and length of a member itself, when it is told that the stream is
 * gzip's. */

#include "engine/archive/gunzip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#define OUTPUT (256u << 10)
#define GZIP_ONLY (MAX_WBITS + 16)

struct archive_inflate {
    z_stream z;
    bool ended; /* the input */
    int failed; /* -errno, said when what came before is given out */
    unsigned char out[OUTPUT];
};

void archive_gunzip_done(struct archive_gunzip *g)
{
    if (g->inflate)
        inflateEnd(&g->inflate->z);
    free(g->inflate);
    *g = (struct archive_gunzip){.state = ARCHIVE_GUNZIP_NEW};
}

const char *archive_gunzip_reason(const struct archive_gunzip *g)
{
    return g->reason;
}

bool archive_gunzip_is_on(const struct archive_gunzip *g)
{
    return g->inflate != NULL;
}

static int begin(struct archive_gunzip *g)
{
    struct archive_inflate *i = calloc(1, sizeof(*i));
    if (!i || inflateInit2(&i->z, GZIP_ONLY) != Z_OK) {
        free(i);
        return -ENOMEM;
    }
    g->inflate = i;
    g->state = ARCHIVE_GUNZIP_MEMBER;
    return 0;
}

static int refuse(struct archive_gunzip *g, const char *reason)
{
    g->reason = reason;
    return -EBADMSG;
}

/* 1 = there is input, 0 = it has ended. */
static int refill(struct archive_inflate *i, archive_gunzip_read read, void *arg)
{
    const void *block;
    if (i->z.avail_in > 0)
        return 1;
    ssize_t n = i->ended ? 0 : read(arg, &block);
    if (n <= 0) {
        i->ended = true;
        return (int)n;
    }
    i->z.next_in = block;
    i->z.avail_in = (unsigned)n;
    return 1;
}

/* Between members: the next one, or the end of all. */
static int look_on(struct archive_gunzip *g, archive_gunzip_read read, void *arg)
{
    struct archive_inflate *i = g->inflate;
    int rc = refill(i, read, arg);
    if (rc < 0)
        return rc;
    if (rc == 0 || *i->z.next_in != 0x1f)
        g->state = ARCHIVE_GUNZIP_END;
    else if (inflateReset(&i->z) == Z_OK)
        g->state = ARCHIVE_GUNZIP_MEMBER;
    return 0;
}

static int inflate_some(struct archive_gunzip *g, archive_gunzip_read read, void *arg)
{
    struct archive_inflate *i = g->inflate;
    int rc = refill(i, read, arg);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return refuse(g, "it is truncated");
    rc = inflate(&i->z, Z_NO_FLUSH);
    if (rc == Z_STREAM_END)
        g->state = ARCHIVE_GUNZIP_BETWEEN;
    else if (rc == Z_MEM_ERROR)
        return -ENOMEM;
    else if (rc != Z_OK)
        return refuse(g, i->z.msg ? i->z.msg : "its gzip data are damaged");
    return 0;
}

static ssize_t next_output(struct archive_gunzip *g, archive_gunzip_read read, void *arg,
                           const void **ret)
{
    struct archive_inflate *i = g->inflate;
    int rc = i->failed;
    i->z.next_out = i->out;
    i->z.avail_out = OUTPUT;
    while (rc == 0 && i->z.avail_out > 0 && g->state != ARCHIVE_GUNZIP_END)
        rc = g->state == ARCHIVE_GUNZIP_BETWEEN ? look_on(g, read, arg)
                                                : inflate_some(g, read, arg);
    i->failed = rc;
    *ret = i->out;
    return i->z.avail_out < OUTPUT ? (ssize_t)(OUTPUT - i->z.avail_out) : rc;
}

ssize_t archive_gunzip_next(struct archive_gunzip *g, archive_gunzip_read read, void *arg,
                            const void **ret)
{
    if (g->state == ARCHIVE_GUNZIP_NEW) {
        ssize_t n = read(arg, ret);
        const unsigned char *first = *ret;
        bool is_gzip = n >= 2 && first[0] == 0x1f && first[1] == 0x8b;
        g->state = ARCHIVE_GUNZIP_OTHER;
        if (!is_gzip)
            return n;
        if (begin(g) < 0)
            return -ENOMEM;
        g->inflate->z.next_in = first;
        g->inflate->z.avail_in = (unsigned)n;
    }
    if (g->state == ARCHIVE_GUNZIP_OTHER)
        return read(arg, ret);
    return next_output(g, read, arg, ret);
}
