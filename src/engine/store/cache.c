/* <root>/summaries: what a list needs of each record, so that listing a thousand
 * containers does not parse a thousand files.
 * Shape   header, then entries by ascending id: key (id and the identity of config.json),
 *         the summary's bytes (summary.c).
 * Trust   an entry is valid only for the file it was made from (inode, size, both
 *         timestamps), and only files that have not changed lately are entered. The
 *         checksums of layout and content must match; every length is checked. Without
 *         this file lists are slower.
 */

#include "engine/store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "engine/spec/sealed.h"

#define FILE_NAME "summaries"
#define NEW_NAME "summaries.new"
#define MAX_BYTES (256u << 20)
#define MAGIC 0x317365697261746dULL /* "mtaries1" */

struct header {
    uint64_t magic, layout, checksum, count;
};

struct key {
    char id[MTD_ID_LEN];
    uint64_t dev, ino, size;
    int64_t mtime, ctime;
    uint64_t entry_size; /* of the whole entry, a multiple of 8 */
};

struct cache {
    struct buf data;
    const struct key **keys;
    size_t n;
};

/* Another build may have another struct. */
static uint64_t layout(void)
{
    return store_summary_layout() + sizeof(struct key);
}

static int64_t stamp_ns(struct timespec t)
{
    return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

static struct key make_key(const char *id, const struct stat *st)
{
    struct key k = {.dev = st->st_dev,
                    .ino = st->st_ino,
                    .size = (uint64_t)st->st_size,
                    .mtime = stamp_ns(st->st_mtim),
                    .ctime = stamp_ns(st->st_ctim)};
    memcpy(k.id, id, MTD_ID_LEN);
    return k;
}

/* ---- reading ---- */

static int compare_keys(const void *a, const void *b)
{
    return memcmp(*(const struct key *const *)a, *(const struct key *const *)b,
                  MTD_ID_LEN);
}

int store_cache_find(const struct cache *c, const char *id, const struct stat *st,
                     struct mtd_summary *ret)
{
    struct key wanted = make_key(id, st);
    const struct key *p = &wanted;
    struct key *const *found =
        c && c->n ? bsearch(&p, c->keys, c->n, sizeof(*c->keys), compare_keys) : NULL;
    if (!found)
        return -ENOENT;
    wanted.entry_size = (*found)->entry_size;
    if (memcmp(&wanted, *found, sizeof(wanted)) != 0)
        return -ENOENT;
    size_t size = wanted.entry_size - sizeof(wanted);
    return store_summary_take((const char *)(*found + 1), size, id, ret) < 0 ? -ENOENT
                                                                             : 0;
}

static int index_entries(struct cache *c, size_t count)
{
    const char *p = c->data.data + sizeof(struct header),
               *end = c->data.data + c->data.len;
    c->keys = calloc(count ? count : 1, sizeof(*c->keys));
    if (!c->keys)
        return -ENOMEM;
    for (; c->n < count; c->n++) {
        const struct key *k = (const struct key *)p;
        if ((size_t)(end - p) < sizeof(*k) || k->entry_size % 8 != 0 ||
            k->entry_size < sizeof(*k) || k->entry_size > (size_t)(end - p))
            return -EBADMSG;
        if (c->n > 0 && memcmp(c->keys[c->n - 1]->id, k->id, MTD_ID_LEN) >= 0)
            return -EBADMSG;
        c->keys[c->n] = k;
        p += k->entry_size;
    }
    return p == end ? 0 : -EBADMSG;
}

static int check_file(struct cache *c)
{
    struct header h;
    if (c->data.len < sizeof(h))
        return -EBADMSG;
    memcpy(&h, c->data.data, sizeof(h));
    size_t rest = c->data.len - sizeof(h);
    if (h.magic != MAGIC || h.layout != layout() || h.count > rest / sizeof(struct key) ||
        h.checksum != spec_checksum(h.count, c->data.data + sizeof(h), rest))
        return -EBADMSG;
    return index_entries(c, h.count);
}

struct cache *store_cache_load(struct store *s)
{
    struct cache *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    if (fs_read_at(s->root_fd, FILE_NAME, MAX_BYTES, &c->data) == 0 && check_file(c) == 0)
        return c;
    store_cache_free(c);
    return NULL;
}

void store_cache_free(struct cache *c)
{
    if (!c)
        return;
    buf_done(&c->data);
    free(c->keys);
    free(c);
}

/* ---- writing ---- */

static int add_entry(struct buf *b, const struct mtd_summary *s, const struct stat *st)
{
    struct key key = make_key(s->id, st);
    size_t start = b->len;
    int rc = buf_add(b, &key, sizeof(key));
    if (rc == 0)
        rc = store_summary_put(b, s);
    while (rc == 0 && b->len % 8 != 0)
        rc = buf_putc(b, '\0');
    if (rc == 0) {
        key.entry_size = b->len - start;
        memcpy(b->data + start, &key, sizeof(key));
    }
    return rc;
}

static int compare_sources(const void *a, const void *b, void *arg)
{
    const struct mtd_summary *items = arg;
    return strcmp(items[((const struct cache_source *)a)->index].id,
                  items[((const struct cache_source *)b)->index].id);
}

static bool is_still_new(int root_fd, int fd)
{
    struct stat held, now;
    return fstat(fd, &held) == 0 &&
           fstatat(root_fd, NEW_NAME, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
           held.st_dev == now.st_dev && held.st_ino == now.st_ino;
}

/* All writers use one name, so that killed ones leave one file at most; if one is
 * writing, the others give up, since their contents would be no better. */
static void replace_file(int root_fd, const struct buf *b)
{
    auto_fd int fd =
        openat(root_fd, NEW_NAME, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0 || !is_still_new(root_fd, fd))
        return;
    if (ftruncate(fd, 0) < 0 || fs_write_all(fd, b->data, b->len) < 0 ||
        renameat(root_fd, NEW_NAME, root_fd, FILE_NAME) < 0)
        unlinkat(root_fd, NEW_NAME, 0);
}

void store_cache_save(struct store *s, const struct mtd_summary *items,
                      struct cache_source *sources, size_t n)
{
    auto_done(buf_done) struct buf b = {0};
    struct header h = {.magic = MAGIC, .layout = layout(), .count = n};
    int rc = buf_add(&b, &h, sizeof(h));
    qsort_r(sources, n, sizeof(*sources), compare_sources, (void *)items);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = add_entry(&b, &items[sources[i].index], &sources[i].st);
    if (rc < 0 || b.len > MAX_BYTES)
        return;
    h.checksum = spec_checksum(n, b.data + sizeof(h), b.len - sizeof(h));
    memcpy(b.data, &h, sizeof(h));
    replace_file(s->root_fd, &b);
}

void store_cache_remove(struct store *s)
{
    unlinkat(s->root_fd, NEW_NAME, 0);
    unlinkat(s->root_fd, FILE_NAME, 0);
}
