/* Inflating takes as long as writing files, so each has a thread. Hashing the plain tar is a
 * third part that either could do: it goes block by block, in order, to whichever of the two
 * would otherwise wait for the other. So both processors are busy whatever the compression. */

#include "engine/archive/stream.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <nettle/sha2.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/archive/gunzip.h"
#include "engine/archive/internal.h"

#define BLOCK (256u << 10)
#define TAR_BLOCK 512u
#define SLOTS 12       /* more than libarchive ever looks ahead */
#define SLOTS_MEMORY 2 /* without a thread */

struct slot {
    unsigned char *data;
    size_t len;
    uint64_t position;
};

struct archive_stream {
    const struct archive_tar *tar;
    struct archive *raw;
    struct archive_gunzip gunzip;
    unsigned char *input; /* BLOCK bytes that were read from tar->fd */
    uint64_t plain_bytes, raw_bytes, max_bytes;
    struct sha256_ctx hash, raw_hash;
    enum archive_form form; /* by its first bytes; plain: one hash is both */
    bool keep_raw, keep_plain;
    int wake; /* eventfd: stop waiting for input; -1 = input never waits */

    pthread_t thread;
    bool threaded;
    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t moved;
    struct slot slots[SLOTS];
    size_t n_slots;
    /* Blocks are counted: made >= taken >= given back; made >= hashed. */
    uint64_t made, taken, given, hashed;
    bool hashing, stop, ended;
    int failed; /* -errno of the thread */
    struct mtd_error error;
};

/* ---- input ---- */

/* A copy that cannot be written is a failure of the file system's, not of the tar. */
static int copy_to(struct archive_stream *s, int fd, const void *data, size_t len)
{
    int rc = fs_write_all(fd, data, len);
    if (rc < 0)
        archive_set_error(s->raw, -rc, "cannot keep a copy: %s", strerror(-rc));
    return rc;
}

/* Input that may never come is waited for together with the order to stop. */
static int wait_for_input(struct archive_stream *s)
{
    struct pollfd p[2] = {{.fd = s->tar->fd, .events = POLLIN},
                          {.fd = s->wake, .events = POLLIN}};
    if (s->wake < 0)
        return 0;
    while (poll(p, 2, -1) < 0)
        if (errno != EINTR)
            return -errno;
    return p[1].revents ? -ECANCELED : 0;
}

static ssize_t read_some(struct archive_stream *s, void *to, size_t room)
{
    ssize_t n = wait_for_input(s);
    if (n < 0)
        return n;
    do
        n = read(s->tar->fd, to, room);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

/* The first block is long enough to tell the form, although a pipe gives little at once. */
static ssize_t read_input(struct archive_stream *s, const void **ret)
{
    size_t got = 0;
    ssize_t n;
    if (s->tar->reader)
        return s->tar->reader->read(s->tar->reader->arg, ret);
    do {
        n = read_some(s, s->input + got, BLOCK - got);
        if (n > 0)
            got += (size_t)n;
    } while (n > 0 && s->raw_bytes == 0 && got < TAR_BLOCK);
    *ret = s->input;
    return n < 0 ? n : (ssize_t)got;
}

/* By its first bytes; what cannot be told is ARCHIVE_OTHER. */
static enum archive_form look_at(const unsigned char *p, size_t n)
{
    static const unsigned char GZIP[] = {0x1f, 0x8b}, ZSTD[] = {0x28, 0xb5, 0x2f, 0xfd};
    if (n >= sizeof(GZIP) && memcmp(p, GZIP, sizeof(GZIP)) == 0)
        return ARCHIVE_GZIP;
    if (n >= sizeof(ZSTD) && memcmp(p, ZSTD, sizeof(ZSTD)) == 0)
        return ARCHIVE_ZSTD;
    return n >= TAR_BLOCK && memcmp(p + 257, "ustar", 5) == 0 ? ARCHIVE_PLAIN
                                                              : ARCHIVE_OTHER;
}

static void decide(struct archive_stream *s, const void *first, size_t len)
{
    enum archive_keep keep = s->tar->keep;
    s->form = look_at(first, len);
    s->keep_raw = keep == ARCHIVE_KEEP_AS_IS && s->form != ARCHIVE_OTHER;
    s->keep_plain = keep != ARCHIVE_KEEP_NONE && !s->keep_raw;
}

/* As it lies there, counted, hashed and kept. -errno: what it means is s->raw's error. */
static ssize_t read_raw(void *arg, const void **ret)
{
    struct archive_stream *s = arg;
    ssize_t n = read_input(s, ret);
    if (n < 0) {
        archive_set_error(s->raw, (int)-n, "%s",
                          n == -EBADMSG ? "it is truncated or damaged"
                                        : strerror((int)-n));
        return n;
    }
    if ((uint64_t)n > s->max_bytes - s->raw_bytes) {
        archive_set_error(s->raw, EFBIG, "more than %ju bytes", (uintmax_t)s->max_bytes);
        return -EFBIG;
    }
    if (s->raw_bytes == 0)
        decide(s, *ret, (size_t)n);
    s->raw_bytes += (uint64_t)n;
    if (s->tar->with_raw && s->form != ARCHIVE_PLAIN)
        sha256_update(&s->raw_hash, (size_t)n, *ret);
    int rc = s->keep_raw ? copy_to(s, s->tar->keep_to, *ret, (size_t)n) : 0;
    return rc < 0 ? rc : n;
}

static ssize_t read_memory(void *arg, const void **ret)
{
    struct archive_stream *s = arg;
    size_t n = s->raw_bytes ? 0 : s->tar->len;
    s->raw_bytes += n;
    *ret = s->tar->data;
    return (ssize_t)n;
}

/* For libarchive, which inflates what is not gzip. */
static la_ssize_t read_inflated(struct archive *a, void *data, const void **ret)
{
    struct archive_stream *s = data;
    archive_gunzip_read read = s->tar->data ? read_memory : read_raw;
    ssize_t n = archive_gunzip_next(&s->gunzip, read, s, ret);
    const char *reason = archive_gunzip_reason(&s->gunzip);
    if (n < 0 && (reason || n == -ENOMEM))
        archive_set_error(a, (int)-n, "%s", reason ? reason : strerror(ENOMEM));
    return n < 0 ? ARCHIVE_FATAL : n;
}

static int open_raw(struct archive_stream *s, struct mtd_error *err)
{
    struct archive_entry *e;
    int rc = archive_add_filters(s->raw, err);
    if (rc == 0 && archive_read_support_format_raw(s->raw) != ARCHIVE_OK)
        rc = -ENOMEM;
    if (rc < 0)
        return rc;
    rc = archive_read_open(s->raw, s, NULL, read_inflated, NULL);
    if (rc == ARCHIVE_OK)
        rc = archive_read_next_header(s->raw, &e);
    if (rc == ARCHIVE_EOF)
        return mtd_fail(err, EBADMSG, "not a valid tar archive: it is empty");
    return rc == ARCHIVE_OK ? 0 : archive_read_failed(s->raw, err);
}

/* ---- blocks ---- */

/* Behind the compressed tar there may be more that belongs to the blob's digest. */
static int drain_raw(struct archive_stream *s, struct mtd_error *err)
{
    const void *block;
    ssize_t n = 0;
    if (s->tar->with_raw && !s->tar->data)
        do
            n = read_raw(s, &block);
        while (n > 0);
    return n < 0 ? archive_read_failed(s->raw, err) : 0;
}

/* 1 = a block, 0 = the end. */
static int fill(struct archive_stream *s, struct slot *slot, struct mtd_error *err)
{
    slot->position = s->plain_bytes;
    slot->len = 0;
    while (slot->len < BLOCK) {
        la_ssize_t n =
            archive_read_data(s->raw, slot->data + slot->len, BLOCK - slot->len);
        if (n < 0)
            return archive_read_failed(s->raw, err);
        if (n == 0)
            break;
        slot->len += (size_t)n;
    }
    if (slot->len > s->max_bytes - s->plain_bytes)
        return mtd_fail(err, EBADMSG,
                        "not a valid tar archive: more than %ju bytes when decompressed",
                        (uintmax_t)s->max_bytes);
    s->plain_bytes += slot->len;
    mtd_progress_set(s->tar->progress, s->tar->data ? s->plain_bytes : s->raw_bytes);
    if (slot->len == 0)
        return drain_raw(s, err);
    if (s->keep_plain && copy_to(s, s->tar->keep_to, slot->data, slot->len) < 0)
        return archive_read_failed(s->raw, err);
    return 1;
}

/* The lock is held, but not while hashing. False = there is nothing to hash now. */
static bool hash_one(struct archive_stream *s)
{
    if (s->hashing || s->hashed == s->made)
        return false;
    const struct slot *slot = &s->slots[s->hashed % s->n_slots];
    s->hashing = true;
    pthread_mutex_unlock(&s->lock);
    sha256_update(&s->hash, slot->len, slot->data);
    pthread_mutex_lock(&s->lock);
    s->hashing = false;
    s->hashed++;
    pthread_cond_broadcast(&s->moved);
    return true;
}

static bool is_full(const struct archive_stream *s)
{
    uint64_t done = s->given < s->hashed ? s->given : s->hashed;
    return s->made - done == s->n_slots;
}

/* The lock is held, but not while reading. False = that was the last one. */
static bool make_one(struct archive_stream *s)
{
    struct slot *slot = &s->slots[s->made % s->n_slots];
    pthread_mutex_unlock(&s->lock);
    int rc = fill(s, slot, &s->error);
    pthread_mutex_lock(&s->lock);
    if (rc > 0)
        s->made++;
    else
        s->ended = true;
    s->failed = rc < 0 ? rc : 0;
    pthread_cond_broadcast(&s->moved);
    return rc > 0;
}

static void *run_thread(void *arg)
{
    struct archive_stream *s = arg;
    bool more = true;
    pthread_mutex_lock(&s->lock);
    while (more && !s->stop) {
        if (!is_full(s))
            more = make_one(s);
        else if (!hash_one(s))
            pthread_cond_wait(&s->moved, &s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

static int start_thread(struct archive_stream *s)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&s->thread, NULL, run_thread, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    s->threaded = rc == 0;
    return -rc;
}

/* ---- the reader's side ---- */

static bool may_wait(const struct archive_tar *tar)
{
    struct stat st;
    return !tar->data && !tar->reader && fstat(tar->fd, &st) == 0 && !S_ISREG(st.st_mode);
}

static int prepare(struct archive_stream *s)
{
    s->n_slots = s->tar->data ? SLOTS_MEMORY : SLOTS;
    s->raw = archive_read_new();
    s->input = malloc(BLOCK);
    if (!s->raw || !s->input)
        return -ENOMEM;
    for (size_t i = 0; i < s->n_slots; i++)
        if (!(s->slots[i].data = malloc(BLOCK)))
            return -ENOMEM;
    if (!may_wait(s->tar))
        return 0;
    s->wake = eventfd(0, EFD_CLOEXEC);
    return s->wake < 0 ? -errno : 0;
}

int archive_stream_open(const struct archive_tar *tar, uint64_t max_bytes,
                        struct archive_stream **ret, struct mtd_error *err)
{
    struct archive_stream *s = calloc(1, sizeof(*s));
    if (!s)
        return mtd_fail_errno(err, ENOMEM, "cannot unpack");
    s->tar = tar;
    s->max_bytes = max_bytes;
    s->wake = -1;
    s->form = ARCHIVE_OTHER;
    sha256_init(&s->hash);
    sha256_init(&s->raw_hash);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->moved, NULL);
    int rc = prepare(s);
    if (rc < 0)
        mtd_fail_errno(err, -rc, "cannot unpack");
    if (rc == 0)
        rc = open_raw(s, err);
    if (rc == 0 && !tar->data && (rc = start_thread(s)) < 0)
        mtd_fail_errno(err, -rc, "cannot start a thread");
    if (rc < 0)
        archive_stream_free(s);
    else
        *ret = s;
    return rc;
}

/* The lock is held. */
static void wait_for_block(struct archive_stream *s)
{
    while (s->taken == s->made && !s->ended) {
        if (!s->threaded)
            make_one(s);
        else if (!hash_one(s))
            pthread_cond_wait(&s->moved, &s->lock);
    }
    if (!s->threaded)
        hash_one(s);
}

ssize_t archive_stream_next(struct archive_stream *s, const void **ret,
                            struct mtd_error *err)
{
    ssize_t n = 0;
    if (s->taken - s->given == s->n_slots)
        return mtd_fail(err, EBADMSG, "not a valid tar archive: a header is too large");
    pthread_mutex_lock(&s->lock);
    wait_for_block(s);
    if (s->taken < s->made) {
        const struct slot *slot = &s->slots[s->taken++ % s->n_slots];
        *ret = slot->data;
        n = (ssize_t)slot->len;
    } else if (s->failed < 0) {
        n = mtd_fail(err, s->error.code, "%s", s->error.text);
    }
    pthread_mutex_unlock(&s->lock);
    return n;
}

void archive_stream_give_back(struct archive_stream *s, uint64_t position)
{
    uint64_t given = s->given;
    while (given < s->taken) {
        const struct slot *slot = &s->slots[given % s->n_slots];
        if (slot->position + slot->len > position)
            break;
        given++;
    }
    if (given == s->given)
        return;
    pthread_mutex_lock(&s->lock);
    s->given = given;
    pthread_cond_broadcast(&s->moved);
    pthread_mutex_unlock(&s->lock);
}

void archive_stream_copy(const struct archive_stream *s, uint64_t position, size_t len,
                         void *to)
{
    unsigned char *out = to;
    for (uint64_t i = s->given; i < s->taken && len > 0; i++) {
        const struct slot *slot = &s->slots[i % s->n_slots];
        if (position >= slot->position + slot->len)
            continue;
        size_t at = (size_t)(position - slot->position), n = slot->len - at;
        n = n < len ? n : len;
        memcpy(out, slot->data + at, n);
        out += n;
        position += n;
        len -= n;
    }
}

int archive_stream_sums(struct archive_stream *s, struct archive_unpacked *ret,
                        struct mtd_error *err)
{
    pthread_mutex_lock(&s->lock);
    while (s->hashed < s->made)
        if (!hash_one(s))
            pthread_cond_wait(&s->moved, &s->lock);
    pthread_mutex_unlock(&s->lock);
    /* Its beginning is that of a plain tar and of a compressed one. */
    if (s->form == ARCHIVE_PLAIN && archive_filter_code(s->raw, 0) != ARCHIVE_FILTER_NONE)
        return mtd_fail(err, EBADMSG, "not a valid tar archive: its form is ambiguous");
    archive_hash_finish(&s->hash, ret->diff_id);
    archive_hash_finish(&s->raw_hash, ret->raw_digest);
    if (s->form == ARCHIVE_PLAIN)
        memcpy(ret->raw_digest, ret->diff_id, sizeof(ret->raw_digest));
    ret->form = s->form;
    ret->kept_raw = s->keep_raw;
    ret->plain_size = s->plain_bytes;
    ret->raw_size = s->raw_bytes;
    return 0;
}

static void stop_thread(struct archive_stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->moved);
    pthread_mutex_unlock(&s->lock);
    if (s->wake >= 0)
        eventfd_write(s->wake, 1);
    pthread_join(s->thread, NULL);
}

void archive_stream_free(struct archive_stream *s)
{
    if (!s)
        return;
    if (s->threaded)
        stop_thread(s);
    if (s->raw)
        archive_read_free(s->raw);
    archive_gunzip_done(&s->gunzip);
    for (size_t i = 0; i < s->n_slots; i++)
        free(s->slots[i].data);
    free(s->input);
    if (s->wake >= 0)
        close(s->wake);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->moved);
    free(s);
}
