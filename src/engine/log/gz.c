/* One stream would have to be read from its beginning for every position in it, and a log is
 * read from its end. With a member for each block a position is found by going from header to
 * header, and only its block is inflated. */

#include "engine/log/gz.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"

#define BLOCK LOG_GZ_BLOCK
#define HEADER 40 /* ten bytes, the length of the extra field, ours */
#define TRAILER 8 /* CRC and length, of what is compressed */
#define OURS_LEN 24
#define RAW (-MAX_WBITS) /* headers and trailers are made here */
#define LEVEL 6
#define SLOTS 4
/* deflate's best is 1032:1, so no full member is shorter */
#define MEMBER_MIN 256
#define MEMBER_MAX (BLOCK + BLOCK / 1000 + 64 + HEADER + TRAILER)

/* ---- headers ---- */

/* RFC 1952: deflate, with an extra field, made on Unix; its subfield MT of 24 bytes. */
static const unsigned char MAGIC[16] = {0x1f, 0x8b, 8,  4, 0,   0,   0,        0,
                                        0,    3,    28, 0, 'M', 'T', OURS_LEN, 0};

struct member {
    uint32_t len, text; /* of the member; of what is in it */
    struct log_gz_piece piece;
};

static void put(unsigned char *to, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        to[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(const unsigned char *from, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;)
        value = value << 8 | from[i];
    return value;
}

static void make_header(unsigned char h[HEADER], const struct member *m)
{
    memcpy(h, MAGIC, sizeof(MAGIC));
    put(h + 16, m->len, 4);
    put(h + 20, m->text, 4);
    put(h + 24, m->piece.size, 8);
    put(h + 32, m->piece.origin, 8);
}

static bool read_header(int fd, uint64_t at, struct member *ret)
{
    unsigned char h[HEADER];
    if (pread(fd, h, HEADER, (off_t)at) != HEADER || memcmp(h, MAGIC, sizeof(MAGIC)) != 0)
        return false;
    *ret = (struct member){.len = (uint32_t)get(h + 16, 4),
                           .text = (uint32_t)get(h + 20, 4),
                           .piece = {get(h + 24, 8), get(h + 32, 8)}};
    return ret->text <= BLOCK && ret->len > HEADER + TRAILER && ret->len <= MEMBER_MAX;
}

/* A file that was cut short says more than it can have. */
bool log_gz_is(int fd, struct log_gz_piece *ret)
{
    struct member first;
    struct stat st;
    if (!read_header(fd, 0, &first) || fstat(fd, &st) < 0)
        return false;
    uint64_t most = ((uint64_t)st.st_size / MEMBER_MIN + 1) * BLOCK;
    *ret = first.piece;
    if (ret->size > most)
        ret->size = most;
    return true;
}

bool log_gz_is_at(int dir_fd, const char *name, struct log_gz_piece *ret)
{
    auto_fd int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return fd >= 0 && log_gz_is(fd, ret);
}

/* ---- reading ---- */

struct log_gz {
    int fd;
    struct log_gz_piece piece;
    uint64_t *starts; /* of members, as far as they are known */
    size_t known, room;
};

/* Blocks as they were, of all that is open: readers go to and fro within one. */
static struct slot {
    const struct log_gz *of; /* NULL = none */
    uint64_t block, used;
    unsigned char *text;
    size_t len;
} slots[SLOTS];
static uint64_t uses;

int log_gz_open(int fd, struct log_gz **ret)
{
    struct log_gz_piece piece;
    *ret = NULL;
    if (!log_gz_is(fd, &piece))
        return 0;
    struct log_gz *gz = calloc(1, sizeof(*gz));
    uint64_t *starts = gz ? calloc(1, sizeof(*starts)) : NULL;
    if (!starts) {
        free(gz);
        return -ENOMEM;
    }
    *gz = (struct log_gz){
        .fd = fd, .piece = piece, .starts = starts, .known = 1, .room = 1};
    *ret = gz;
    return 0;
}

static void empty(struct slot *s)
{
    free(s->text);
    *s = (struct slot){0};
}

void log_gz_close(struct log_gz *gz)
{
    if (!gz)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        if (slots[i].of == gz)
            empty(&slots[i]);
    free(gz->starts);
    free(gz);
}

const struct log_gz_piece *log_gz_about(const struct log_gz *gz)
{
    return &gz->piece;
}

static int add_start(struct log_gz *gz, uint64_t at)
{
    if (gz->known == gz->room) {
        uint64_t *more = reallocarray(gz->starts, gz->room, 2 * sizeof(*more));
        if (!more)
            return -ENOMEM;
        gz->starts = more;
        gz->room *= 2;
    }
    gz->starts[gz->known++] = at;
    return 0;
}

/* The member with that number: 1, 0 = the file has none, -ENOMEM. */
static int find_member(struct log_gz *gz, uint64_t number, struct member *ret)
{
    for (;;) {
        size_t i = gz->known > number ? (size_t)number : gz->known - 1;
        if (!read_header(gz->fd, gz->starts[i], ret))
            return 0;
        if (i == number)
            return 1;
        int rc = add_start(gz, gz->starts[i] + ret->len);
        if (rc < 0)
            return rc;
    }
}

static bool inflate_all(unsigned char *in, size_t in_len, unsigned char *out, size_t len)
{
    z_stream z = {.next_in = in,
                  .avail_in = (unsigned)in_len,
                  .next_out = out,
                  .avail_out = (unsigned)len};
    if (inflateInit2(&z, RAW) != Z_OK)
        return false;
    bool whole = inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_out == 0;
    inflateEnd(&z);
    return whole;
}

static bool read_member(struct log_gz *gz, uint64_t number, const struct member *m,
                        unsigned char *out)
{
    size_t len = m->len - HEADER;
    auto_free unsigned char *in = malloc(len);
    if (!in ||
        pread(gz->fd, in, len, (off_t)(gz->starts[number] + HEADER)) != (ssize_t)len)
        return false;
    const unsigned char *end = in + len - TRAILER;
    return inflate_all(in, len - TRAILER, out, m->text) && get(end + 4, 4) == m->text &&
           get(end, 4) == crc32(0, out, m->text);
}

/* Always as long as the piece has it; NULs take the place of what cannot be read. */
static int fill(struct slot *s, struct log_gz *gz, uint64_t number)
{
    struct member m;
    uint64_t rest = gz->piece.size - number * BLOCK;
    size_t len = rest < BLOCK ? (size_t)rest : BLOCK;
    int rc = find_member(gz, number, &m);
    if (rc < 0)
        return rc;
    if (rc == 0 || m.text != len || !read_member(gz, number, &m, s->text))
        memset(s->text, 0, len);
    s->of = gz;
    s->block = number;
    s->len = len;
    return 0;
}

static int load(struct log_gz *gz, uint64_t number, const struct slot **ret)
{
    struct slot *oldest = &slots[0];
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *s = &slots[i];
        if (s->of == gz && s->block == number) {
            s->used = ++uses;
            *ret = s;
            return 0;
        }
        if (s->used < oldest->used)
            oldest = s;
    }
    oldest->of = NULL;
    if (!oldest->text && !(oldest->text = malloc(BLOCK)))
        return -ENOMEM;
    oldest->used = ++uses;
    *ret = oldest;
    return fill(oldest, gz, number);
}

ssize_t log_gz_pread(struct log_gz *gz, void *out, size_t size, uint64_t offset)
{
    size_t done = 0;
    while (done < size && offset + done < gz->piece.size) {
        const struct slot *s;
        size_t from = (size_t)((offset + done) % BLOCK);
        int rc = load(gz, (offset + done) / BLOCK, &s);
        if (rc < 0)
            return rc;
        size_t n = s->len - from < size - done ? s->len - from : size - done;
        memcpy((char *)out + done, s->text + from, n);
        done += n;
    }
    return (ssize_t)done;
}

/* ---- writing ---- */

struct packing {
    int in, out;
    struct log_gz_piece piece;
    z_stream z;
    unsigned char text[BLOCK];
    unsigned char member[MEMBER_MAX];
};

static int pack_block(struct packing *p, size_t len)
{
    struct member m = {.text = (uint32_t)len, .piece = p->piece};
    p->z.next_in = p->text;
    p->z.avail_in = (unsigned)len;
    p->z.next_out = p->member + HEADER;
    p->z.avail_out = MEMBER_MAX - HEADER - TRAILER;
    if (deflateReset(&p->z) != Z_OK || deflate(&p->z, Z_FINISH) != Z_STREAM_END)
        return -EIO;
    unsigned char *end = p->z.next_out;
    m.len = (uint32_t)(end + TRAILER - p->member);
    make_header(p->member, &m);
    put(end, crc32(0, p->text, (unsigned)len), 4);
    put(end + 4, len, 4);
    return fs_write_all(p->out, (const char *)p->member, m.len);
}

static int pack_all(struct packing *p)
{
    uint64_t done = 0;
    int rc = 0;
    do {
        uint64_t rest = p->piece.size - done;
        size_t want = rest < BLOCK ? (size_t)rest : BLOCK;
        ssize_t n = pread(p->in, p->text, want, (off_t)done);
        if (n != (ssize_t)want)
            return n < 0 ? -errno : -EIO;
        (void)fault_point("log.pack");
        rc = pack_block(p, want);
        done += want;
    } while (rc == 0 && done < p->piece.size);
    return rc;
}

int log_gz_write(int in, int out)
{
    struct stat st;
    if (fstat(in, &st) < 0)
        return -errno;
    auto_free struct packing *p = calloc(1, sizeof(*p));
    if (!p || deflateInit2(&p->z, LEVEL, Z_DEFLATED, RAW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return -ENOMEM;
    p->in = in;
    p->out = out;
    p->piece = (struct log_gz_piece){(uint64_t)st.st_size, st.st_ino};
    int rc = pack_all(p);
    deflateEnd(&p->z);
    return rc == 0 && fdatasync(out) < 0 ? -errno : rc;
}
