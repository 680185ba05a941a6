/* store/internal.h - what the files of the store share.
 * Shape   store.c opens the store, locks and reads records; names.c, userns.c with
 *         idpool.c, create.c, remove.c and volume.c change it; wait.c waits for a lock;
 *         list.c with summary.c,
 *         listed.c and cache.c, resolve.c and check.c search it; events.c is on its own.
 * Errors  0 or -errno, as in store.h.
 */
#ifndef ENGINE_STORE_INTERNAL_H
#define ENGINE_STORE_INTERNAL_H

#include <sys/stat.h>

#include "base/buf.h"
#include "engine/store/store.h"

#define STORE_CONFIG "config.json"
#define STORE_LOCK "lock"
#define STORE_NEW "new."       /* trash/new.<id>: a container being made */
#define STORE_RENAME "rename." /* trash/rename.<id>: a name being changed */
#define STORE_RECORD "record." /* trash/record.<id>: one being written, under the lock */
#define STORE_MAKING "making." /* trash/making.<id>: store/making.c */
#define STORE_VOLUME "volume." /* trash/volume.<random id>: store/volume.c */
#define STORE_ENTRY_SIZE (sizeof(STORE_RENAME) + MTD_ID_LEN)

/* Looks again for directories that a read-only store did not find. false = there are
 * none. */
bool store_is_there(struct store *s);
bool store_exists(struct store *s, const char *id);
int store_no_such(const char *ref, struct mtd_error *err);
enum store_wait { STORE_TRY, STORE_WAIT, STORE_WAIT_EVER };
/* LOCK_EX. -EAGAIN = another process has it (STORE_TRY); -ETIMEDOUT = a process that is stopped
 * has it (STORE_WAIT), *ret_stopped. */
int store_wait_lock(int fd, enum store_wait wait, pid_t *ret_stopped);
/* The same on dir_fd/name/lock; returns its fd. -ENOENT = there is no lock file, or it was
 * removed while waiting. */
int store_lock_at(int dir_fd, const char *name, bool create, enum store_wait wait,
                  pid_t *ret_stopped);
/* names.c: waits for the lock of root/dir, which is made when it is not there; returns its fd. For
 * directories of claims: whoever has it looks at all of them. */
int store_lock_claims(struct store *s, const char *dir);
/* Reads and decodes dir_fd/name/config.json. buf is scratch memory, which the caller
 * frees. */
int store_read_record(int dir_fd, const char *name, const char *id, struct buf *buf,
                      struct mtd_record *ret, struct mtd_error *err);
/* Its two halves. */
int store_read_text(int dir_fd, const char *name, struct buf *ret, struct mtd_error *err);
int store_parse_record(const struct buf *text, const char *id, struct mtd_record *ret,
                       struct mtd_error *err);

/* Deletes a volume that a killed process was making or removing. */
void store_sweep_volume(struct store *s, const char *entry);
bool store_volume_is_busy(struct store *s, const char *entry);

/* trash/<entry> has a log that an attached client has still to read. */
bool store_is_awaited(const struct store *s, const char *entry);

/* store_list() at a given time: a test need not wait until a file is old
 * enough for the cache. */
int store_list_at(struct store *s, int64_t now_wall_ns, struct mtd_list *ret,
                  struct mtd_error *err);

/* ---- store/names.c ---- */
int store_names_claim(struct store *s, const char *name, const char *id,
                      struct mtd_error *err);
/* Removes the name if it is a link to id. */
void store_names_drop(struct store *s, const char *name, const char *id);
/* Removes all names of id except keep (NULL = all). */
void store_names_drop_all(struct store *s, const char *id, const char *keep);
/* -ENOENT = no such name, or not a link to an id. */
int store_names_read(struct store *s, const char *name, char ret_id[MTD_ID_SIZE]);
/* A name of id, malloc'ed; NULL = it has none. Reads all names. */
char *store_names_find(struct store *s, const char *id);

/* The process that creates the container still has it in trash/. */
bool store_is_being_made(struct store *s, const char *id);

/* ---- store/label.c: SELinux ---- */
/* On a host that has it, sets the labels of the container, with categories that no other one
 * has. */
int store_label_claim(struct store *s, struct mtd_record *r, struct mtd_error *err);
void store_label_drop(struct store *s, const struct mtd_record *r);
void store_label_drop_all(struct store *s, const char *id);

/* ---- store/userns.c: ids of the host ---- */
/* Chooses the record's ranges, or checks those given, and claims them. etc_fd: see idpool.h.
 * -EBUSY = they were chosen for another container; -ENOSPC. */
int store_userns_claim(struct store *s, int etc_fd, struct mtd_record *r,
                       struct mtd_error *err);
void store_userns_drop(struct store *s, const char *id);
/* For each claim; and whether there is one. */
void store_userns_list(struct store *s,
                       void (*fn)(struct store *s, const char *id, void *arg), void *arg);
bool store_userns_has(struct store *s, const char *id);
/* Claims again what the record has. -EBUSY = it was given to another container meanwhile. */
int store_userns_restore(struct store *s, const struct mtd_record *r,
                         struct mtd_error *err);

/* ---- store/summary.c ---- */
int store_summary_make(const struct mtd_record *r, struct mtd_summary *ret);
int store_summary_put(struct buf *b, const struct mtd_summary *s);
/* The id is not among the bytes. -EBADMSG, -ENOMEM; *ret is filled on success only. */
int store_summary_take(const char *data, size_t len, const char *id,
                       struct mtd_summary *ret);
/* Differs between builds whose bytes, or whose summaries of a record, differ. */
uint64_t store_summary_layout(void);

/* ---- store/listed.c ---- */
/* Adds r's summary to its encoded text, as its last member. A failure is harmless. */
void store_listed_add(struct buf *text, const struct mtd_record *r);
/* The summary in the text of container id's record; -ENOENT = it has none, or anything
 * else in it was changed since. */
int store_listed_find(const struct buf *text, const char *id, struct mtd_summary *ret);

/* ---- store/cache.c ---- */
struct cache;
struct cache *store_cache_load(struct store *s); /* NULL = there is none; no error */
void store_cache_free(struct cache *c);
/* 0 = filled from the cache; -ENOENT = no entry, or not for this version of the file. */
int store_cache_find(const struct cache *c, const char *id, const struct stat *st,
                     struct mtd_summary *ret);
/* An item of the list, for a new cache, and the file that it was read from. */
struct cache_source {
    size_t index;
    struct stat st;
};
/* Sorts sources. A failure is harmless. */
void store_cache_save(struct store *s, const struct mtd_summary *items,
                      struct cache_source *sources, size_t n);
void store_cache_remove(struct store *s);

#endif
