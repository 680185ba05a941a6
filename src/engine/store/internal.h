/* store/internal.h - what the files of the store share. */
#ifndef ENGINE_STORE_INTERNAL_H
#define ENGINE_STORE_INTERNAL_H

#include <sys/stat.h>

#include "base/buf.h"
#include "engine/store/store.h"

#define STORE_CONFIG "config.json"
#define STORE_LOCK "lock"
#define STORE_NEW "new."       /* trash/new.<id>: a container being made */
#define STORE_RENAME "rename." /* trash/rename.<id>: a name being changed */
#define STORE_ENTRY_SIZE (sizeof(STORE_RENAME) + MTD_ID_LEN)

/* Looks again for directories a read-only store did not find. False: there are none. */
bool store_is_there(struct store *s);
bool store_exists(struct store *s, const char *id);
int store_no_such(const char *ref, struct mtd_error *err);
/* Random; the first 12 digits are not all decimal: they become the host name, which some would
 * take for a number. */
int store_new_id(char ret[MTD_ID_SIZE]);
/* flock on dir_fd/name/lock. -EAGAIN: held by somebody, only with !wait. -ENOENT: no lock
 * file, or it was removed while waiting. */
int store_lock_at(int dir_fd, const char *name, bool create, bool wait);
/* Reads and decodes dir_fd/name/config.json. buf is memory used again. */
int store_read_record(int dir_fd, const char *name, const char *id, struct buf *buf,
                      struct mtd_record *ret, struct mtd_error *err);

/* trash/<entry> has a log that an attached client has still to read. */
bool store_is_awaited(const struct store *s, const char *entry);

/* store_list() as if it were now_wall_ns: a test need not wait for files to rest. */
int store_list_at(struct store *s, int64_t now_wall_ns, struct mtd_list *ret,
                  struct mtd_error *err);

/* ---- store/names.c ---- */
int store_names_claim(struct store *s, const char *name, const char *id,
                      struct mtd_error *err);
/* Removes the name if it leads to id. */
void store_names_drop(struct store *s, const char *name, const char *id);
/* Removes every name that leads to id but keep (NULL = none kept). */
void store_names_drop_all(struct store *s, const char *id, const char *keep);
/* -ENOENT: no such name, or not one of ours. */
int store_names_read(struct store *s, const char *name, char ret_id[MTD_ID_SIZE]);
/* The name that leads to id, malloc'ed; NULL = none. Reads all names. */
char *store_names_find(struct store *s, const char *id);

/* ---- store/cache.c ---- */
struct cache;
struct cache *
store_cache_load(struct store *s); /* NULL: there is none, which is no error */
void store_cache_free(struct cache *c);
/* 0 = filled from the cache; -ENOENT = not there or not of this very file. */
int store_cache_find(const struct cache *c, const char *id, const struct stat *st,
                     struct mtd_summary *ret);
/* What a new cache is written from: an item of the list and the file it was read from. */
struct cache_source {
    size_t index;
    struct stat st;
};
/* Sorts sources. Failing is harmless. */
void store_cache_save(struct store *s, const struct mtd_summary *items,
                      struct cache_source *sources, size_t n);
void store_cache_remove(struct store *s);

#endif
