/* store - the state directory: records, names, locks, the trash.
 * Shape   <root>/containers/<id>/{config.json,lock,container.log,upper,work,rootfs,hosts,
 *         hostname,resolv.conf}; store_create makes the first two and the empty upper (0755:
 *         its mode is that of the container's "/"), work and rootfs. <root>/names/<name> -> id
 *         (symlink, its creation is the claim); <root>/trash/<id>;
 *         <run-root>/<id>/{attach,monitor,stdin,stdout,stderr}.
 *         All directories 0700, files 0600.
 * Errors  0 or -errno; -ENOENT = no such container, -EEXIST = name taken (err has docker's
 *         Conflict text), -EINVAL = the record is broken (err says where).
 * Owner   struct store owns its directory fds; returned fds belong to the caller.
 * Rule    a record is replaced atomically (temp file, fsync, rename) and only by a process
 *         that holds the container's lock.
 */
#ifndef ENGINE_STORE_STORE_H
#define ENGINE_STORE_STORE_H

#include "engine/types.h"

struct store {
    char *root, *run_root;
    int root_fd, run_fd; /* O_DIRECTORY */
    int containers_fd, names_fd,
        trash_fd;   /* O_DIRECTORY; -1 when read_only and missing */
    bool read_only; /* missing directories are looked for again */
};

/* Creates what is missing unless read_only. Not writable, not root: one clear sentence. */
int store_open(struct store *ret, const char *root, const char *run_root, bool read_only,
               struct mtd_error *err);
void store_done(struct store *s);

/* A fresh id from the kernel's random numbers, never all digits in its first 12. */
int store_new_id(char ret[MTD_ID_SIZE]);
/* New container: r->id when set (store_new_id), else a fresh one (never all digits in its first 12), name claimed (NULL = random
 * adjective_surname, retried until free), directory made with lock held, record written.
 * r->id, r->name, r->created_at are set. A failure leaves nothing. */
int store_create(struct store *s, struct mtd_record *r, const char *name,
                 struct mtd_error *err);

/* Exact id, exact name (leading "/" allowed), unique id prefix (any length >= 1). Several:
 * -ENOTUNIQ, err lists them. */
int store_resolve(struct store *s, const char *ref, char ret_id[MTD_ID_SIZE],
                  struct mtd_error *err);
int store_load(struct store *s, const char *id, struct mtd_record *ret,
               struct mtd_error *err);
/* Writes config.json. Lock held. durable = fsync before the rename. */
int store_save(struct store *s, const struct mtd_record *r, bool durable,
               struct mtd_error *err);

/* flock(LOCK_EX) on the container's lock file; waits. Returns the fd; closing releases.
 * After waiting it checks that the container was not removed meanwhile (-ENOENT). */
int store_lock(struct store *s, const char *id, struct mtd_error *err);
/* The same without waiting: -EAGAIN when another process holds it. */
int store_try_lock(struct store *s, const char *id, struct mtd_error *err);

int store_open_dir(struct store *s, const char *id, struct mtd_error *err);
/* <run-root>/<id>; create = make it. */
int store_open_run(struct store *s, const char *id, bool create, struct mtd_error *err);

/* All containers, newest first, state *not* observed; a record that cannot be read is an item
 * in MTD_STATE_BROKEN with the reason (its image and command are "", its name is the short id
 * when no name leads to it). Needs no lock and never sees a container half made or half gone.
 * Summaries of records that rest are kept in <root>/summaries, which may vanish at any time. */
int store_list(struct store *s, struct mtd_list *ret, struct mtd_error *err);
int store_summary(const struct mtd_record *r, struct mtd_summary *ret); /* -ENOMEM */

int store_rename(
    struct store *s, struct mtd_record *r, const char *name,
    struct mtd_error *err); /* lock held; claims, saves, drops the old name */
/* Renames the directory into trash/, frees the name, removes the run directory, deletes.
 * Lock held (its fd may be closed afterwards). Also works on broken records. */
int store_remove(struct store *s, const char *id, struct mtd_error *err);
/* The same in two parts, for who wants to say "removed" before the files are deleted: after
 * the first the container and its name are gone, and the next sweep would do the second. The log
 * stays while an attached client has more files of it to read (log_is_awaited): the client deletes
 * it when it is done, or the next sweep after that. */
int store_retire(struct store *s, const char *id, struct mtd_error *err);
int store_delete(struct store *s, const char *id, struct mtd_error *err);
/* For that client: deletes what is left of a removed container. Waits
 * up to half a second for a process that has it locked. */
void store_sweep_one(struct store *s, const char *id);
/* Finishes what a crash interrupted (creations are taken back, removals and renames completed,
 * with their names). Cheap when there is nothing to do: one look into trash/, where whatever
 * is not finished has an entry: "new.<id>", "<id>" or "rename.<id>". Entries whose container
 * is locked belong to a living process and are left alone. */
void store_sweep(struct store *s);

/* Disagreements within the state directory. Entries that a living process has locked are passed
 * over; one that is just being changed without a lock may be told of: look again after a moment.
 * id and name are the callback's only while it runs. */
enum store_fault {
    STORE_UNFINISHED,  /* trash/<name> of container id: nobody finishes it */
    STORE_NAME_LOST,   /* the record of id says name, but no such name is claimed */
    STORE_NAME_TAKEN,  /* the same, and the name leads to another container */
    STORE_NAME_STRAY,  /* names/<name> leads to id, which is gone or has another name */
    STORE_NAME_FOREIGN /* names/<name> is not one of ours; id = NULL */
};
struct store_finding {
    enum store_fault fault;
    const char *id, *name;
};
typedef void (*store_found_fn)(const struct store_finding *f, void *arg);
void store_check(struct store *s, store_found_fn found, void *arg);
/* Container not locked by the caller. -EOPNOTSUPP: nothing can be done. */
int store_mend(struct store *s, const struct store_finding *f, struct mtd_error *err);

/* <root>/volumes/<name>/_data, made when missing. */
int store_make_volume(struct store *s, const char *name, struct mtd_error *err);
/* The volumes nobody named that this container's mounts use. */
void store_remove_volumes(struct store *s, const struct mtd_record *r);

/* Random readable name: "brave_lovelace". out >= 64 bytes. */
void store_random_name(char *out, size_t size);

#endif
