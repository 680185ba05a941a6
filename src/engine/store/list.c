/* A list takes no lock, so containers may come and go meanwhile: one that has gone since
 * its directory was read is neither an error nor an item. */

#include "engine/store/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/parse.h"

/* With fewer containers reading the records is fast enough. */
#define CACHE_FROM 32
/* A file changed this recently may change again without a new timestamp: those of the
 * kernel advance by ticks of up to 10 ms, those of old file systems by seconds. */
#define CACHE_REST (100 * NS_PER_MS)
#define CACHE_REST_SECONDS (2 * NS_PER_SEC)

struct listing {
    struct store *store;
    struct cache *cache;
    struct buf text;
    struct mtd_list list;
    size_t cap;
    struct cache_source *sources; /* records that have not changed lately */
    size_t n_sources, n_missed;
    int64_t now;
};

static int64_t stamp_ns(struct timespec t)
{
    return t.tv_sec * NS_PER_SEC + t.tv_nsec;
}

static int describe_broken(struct store *s, const char *id, const char *reason,
                           struct mtd_summary *ret)
{
    struct mtd_summary b = {.state = MTD_STATE_BROKEN, .exit_code = -1};
    struct stat st;
    memcpy(b.id, id, sizeof(b.id));
    if (fstatat(s->containers_fd, id, &st, AT_SYMLINK_NOFOLLOW) == 0)
        b.created_at = stamp_ns(st.st_mtim);
    b.name = store_names_find(s, id);
    if (!b.name)
        b.name = strndup(id, MTD_SHORT_ID_LEN);
    if (!b.name || !(b.image = strdup("")) || !(b.command = strdup("")) ||
        !(b.error = strdup(reason))) {
        mtd_summary_done(&b);
        return -ENOMEM;
    }
    *ret = b;
    return 0;
}

/* 0 = *ret is filled; -ENOENT = the container is gone; else the whole list fails. */
static int read_summary(struct listing *l, const char *id, struct mtd_summary *ret)
{
    auto_done(mtd_record_done) struct mtd_record r;
    struct mtd_error why = {0};
    mtd_record_init(&r);
    int rc = store_read_text(l->store->containers_fd, id, &l->text, &why);
    if (rc == 0 && store_listed_find(&l->text, id, ret) == 0)
        return 0;
    if (rc == 0)
        rc = store_parse_record(&l->text, id, &r, &why);
    if (rc == 0)
        return store_summary_make(&r, ret);
    if (rc == -ENOMEM || rc == -EMFILE || rc == -ENFILE)
        return rc;
    if (!store_exists(l->store, id))
        return -ENOENT;
    return describe_broken(l->store, id, why.text, ret);
}

static int grow(struct listing *l)
{
    if (l->list.len < l->cap)
        return 0;
    size_t cap = l->cap ? l->cap * 2 : 64;
    void *items = reallocarray(l->list.items, cap, sizeof(*l->list.items));
    if (!items)
        return -ENOMEM;
    l->list.items = items;
    void *sources = reallocarray(l->sources, cap, sizeof(*l->sources));
    if (!sources)
        return -ENOMEM;
    l->sources = sources;
    l->cap = cap;
    return 0;
}

static bool is_at_rest(const struct stat *st, int64_t now)
{
    int64_t written = stamp_ns(st->st_mtim), changed = stamp_ns(st->st_ctim);
    bool has_fraction = st->st_mtim.tv_nsec != 0 || st->st_ctim.tv_nsec != 0;
    int64_t last = written > changed ? written : changed;
    return last < now - (has_fraction ? CACHE_REST : CACHE_REST_SECONDS);
}

/* A record that has not changed lately is put into the cache. */
static void note_source(struct listing *l, const struct stat *st, bool missed)
{
    if (!is_at_rest(st, l->now))
        return;
    l->sources[l->n_sources++] = (struct cache_source){.index = l->list.len, .st = *st};
    l->n_missed += missed;
}

static int add_container(struct listing *l, const char *id)
{
    char path[MTD_ID_SIZE + sizeof("/" STORE_CONFIG)];
    struct stat st;
    int rc = grow(l);
    if (rc < 0)
        return rc;
    snprintf(path, sizeof(path), "%s/" STORE_CONFIG, id);
    bool seen = fstatat(l->store->containers_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
    struct mtd_summary *item = &l->list.items[l->list.len];
    bool missed = !seen || store_cache_find(l->cache, id, &st, item) < 0;
    if (missed)
        rc = read_summary(l, id, item);
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    if (seen && item->state != MTD_STATE_BROKEN)
        note_source(l, &st, missed);
    l->list.len++;
    return 0;
}

static int read_all(struct listing *l)
{
    int fd = openat(l->store->containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;
    int rc = dir ? 0 : -errno;
    while (rc == 0 && dir && (e = readdir(dir)))
        if (hex_is_valid(e->d_name, MTD_ID_LEN))
            rc = add_container(l, e->d_name);
    return rc;
}

/* Writing costs about as much as reading thirty records. */
static void refresh_cache(struct listing *l)
{
    if (l->list.len < CACHE_FROM) {
        if (l->cache)
            store_cache_remove(l->store);
        return;
    }
    if (l->n_missed > l->list.len / 16)
        store_cache_save(l->store, l->list.items, l->sources, l->n_sources);
}

static int newer_first(const void *a, const void *b)
{
    const struct mtd_summary *x = a, *y = b;
    if (x->created_at != y->created_at)
        return x->created_at < y->created_at ? 1 : -1;
    return strcmp(x->id, y->id);
}

int store_list_at(struct store *s, int64_t now, struct mtd_list *ret,
                  struct mtd_error *err)
{
    struct listing l = {.store = s, .now = now};
    if (!store_is_there(s)) {
        *ret = (struct mtd_list){0};
        return 0;
    }
    l.cache = store_cache_load(s);
    int rc = read_all(&l);
    if (rc == 0) {
        refresh_cache(&l);
        if (l.list.len > 0)
            qsort(l.list.items, l.list.len, sizeof(*l.list.items), newer_first);
        *ret = l.list;
    } else {
        mtd_list_done(&l.list);
        mtd_fail_errno(err, -rc, "cannot list the containers in \"%s\"", s->root);
    }
    store_cache_free(l.cache);
    free(l.sources);
    buf_done(&l.text);
    return rc;
}

int store_list(struct store *s, struct mtd_list *ret, struct mtd_error *err)
{
    return store_list_at(s, clock_wall_ns(), ret, err);
}
