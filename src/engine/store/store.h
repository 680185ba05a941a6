/* store - the state directory: records, names, locks, the trash.
 * Shape   <root>/containers/<id>/{config.json,lock,container.log,upper,work,rootfs,hosts,
 *         hostname,resolv.conf}; store_create makes the first two and the empty upper
 *         (0755: its mode is that of the container's "/"), work and rootfs.
 *         <root>/names/<name> -> id (symlink, its creation is the claim);
 *         <root>/userns/<id> -> the ids of the host it has, if it has its own;
 *         <root>/trash/<id>; <run-root>/<id>/ (docs/files.md has the names). All
 *         directories 0700, files 0600.
 * Rule    a record is replaced atomically (temporary file, rename; fsync before it where a
 *         power loss would lose an answer: see store_save) and only by a process that
 *         holds the container's lock.
 * Errors  0 or -errno; -ENOENT = no such container, -EEXIST = name taken (err has
 *         docker's Conflict text), -EINVAL = the record is broken (err says where).
 * Owner   struct store owns its fds; returned fds are the caller's, close-on-exec. *ret
 *         of store_load() must be initialised.
 * Process any.
 * Source  docker's state directory; flock(2), rename(2).
 */
#ifndef ENGINE_STORE_STORE_H
#define ENGINE_STORE_STORE_H

#include "engine/types.h"

struct store {
    char *root, *run_root;
    int root_fd, run_fd; /* O_DIRECTORY */
    /* O_DIRECTORY; -1 if read_only and missing: then they are looked for again */
    int containers_fd, names_fd, trash_fd;
    bool read_only, checked;
};

enum store_how {
    STORE_MAKE = 0,           /* what is missing is made */
    STORE_READ_ONLY = 1 << 0, /* what is missing stays so */
    STORE_CHECKED = 1 << 1,   /* the process that started this one has checked it */
};
/* -EPERM = somebody else could change it (base/trust.h). */
int store_open(struct store *ret, const char *root, const char *run_root, int how,
               struct mtd_error *err);
/* Of one opened read-only: what is missing is made after all. */
int store_make(struct store *s, struct mtd_error *err);
void store_done(struct store *s);

/* A new random id. Its first 12 digits, which become the hostname, are
 * never all decimal. */
int store_new_id(char ret[MTD_ID_SIZE]);
/* Makes a new container: r->id if set, else a new id, is its id; its name is claimed
 * (NULL = a random adjective_surname that is free) and its record written. Sets r->id,
 * r->name and r->created_at. A failure leaves nothing. */
int store_create(struct store *s, struct mtd_record *r, const char *name,
                 struct mtd_error *err);

/* ref: an id, a name (a leading "/" is allowed) or a unique prefix of an id. -ENOTUNIQ =
 * several ids have the prefix; err lists them. */
int store_resolve(struct store *s, const char *ref, char ret_id[MTD_ID_SIZE],
                  struct mtd_error *err);
int store_load(struct store *s, const char *id, struct mtd_record *ret,
               struct mtd_error *err);
/* Writes config.json; hold the lock. durable = fsync before the rename. */
int store_save(struct store *s, const struct mtd_record *r, bool durable,
               struct mtd_error *err);

/* Waits for flock(LOCK_EX) on the container's lock file. Returns the fd;
 * closing it releases the lock. -ENOENT = the container does not exist, or was
 * removed while waiting. -ETIMEDOUT = the process that holds it is stopped. */
int store_lock(struct store *s, const char *id, struct mtd_error *err);
/* The same for who must have it some time, as a monitor: waits for a stopped one as well. */
int store_lock_ever(struct store *s, const char *id, struct mtd_error *err);
/* The same without waiting: -EAGAIN = another process has it. */
int store_try_lock(struct store *s, const char *id, struct mtd_error *err);

/* <run-root>/net: addresses and names in use (engine/net/net.h). */
#define STORE_NETWORKS "net"

/* ---- store/making.c: notes of what is being made, or removed with its volumes ---- */

enum store_note {
    STORE_NOTE_PLAIN,
    STORE_NOTE_RUN,    /* without having run it does not count */
    STORE_NOTE_REMOVE, /* it and its anonymous volumes go */
};
struct store_making {
    bool to_run, to_remove;
    struct strv anonymous, volumes; /* names of the container's volumes */
};
void store_making_done(struct store_making *m);
/* Before the volumes of r, which have names, are made or removed. *ret_fd holds the note for as
 * long as its process lives; -1 = there is nothing to note, or to remove: its maker has one. */
int store_making_begin(struct store *s, const struct mtd_record *r, enum store_note kind,
                       int *ret_fd, struct mtd_error *err);
void store_making_end(struct store *s, const char *id);
/* A killed process's note: the returned descriptor holds it. -EAGAIN = a living process's. */
int store_making_read(struct store *s, const char *id, struct store_making *ret);
/* An entry of trash/ is such a note. */
bool store_making_is_note(const char *entry, const char **ret_id);
/* A container that is being made takes that volume over from another one; any: or has it
 * anyway. */
bool store_making_has(struct store *s, const char *volume, bool any);

int store_open_dir(struct store *s, const char *id, struct mtd_error *err);
/* <run-root>/<id>; create = make it. */
int store_open_run(struct store *s, const char *id, bool create, struct mtd_error *err);

/* All containers, newest first, with the state of the record, *not* observed. A record
 * that cannot be read is an item in MTD_STATE_BROKEN with the reason; image and command
 * are "", and the name is the short id if it has none. Needs no lock, and never sees a
 * container half made or half removed. Summaries of records that have not changed lately
 * are cached in <root>/summaries, which may be deleted at any time. */
int store_list(struct store *s, struct mtd_list *ret, struct mtd_error *err);

/* Claims the new name, saves the record, drops the old name; hold the lock. */
int store_rename(struct store *s, struct mtd_record *r, const char *name,
                 struct mtd_error *err);
/* Moves the directory into trash/, drops the name, removes the run directory, deletes the
 * files. Hold the lock; its fd may be closed afterwards. Works on broken records, too. */
int store_remove(struct store *s, const char *id, struct mtd_error *err);
/* The same in two parts, for callers that report "removed" before the files are deleted:
 * after store_retire() the container and its name are gone, and the next sweep would do
 * the rest. r: NULL = the caller has not read the record. The log is kept while an
 * attached client has more files of it to read (log_is_awaited); that client, or a later
 * sweep, deletes it. */
int store_retire(struct store *s, const char *id, const struct mtd_record *r,
                 struct mtd_error *err);
int store_delete(struct store *s, const char *id, struct mtd_error *err);
/* For that client: deletes what is left of a removed container. Waits up to half a second
 * for a process that has it locked. */
void store_sweep_one(struct store *s, const char *id);
/* Undoes the creations and completes the removals and renames that a crash interrupted,
 * with their names. Cheap if there is nothing to do: whatever is unfinished has an entry
 * in trash/, "new.<id>", "<id>" or "rename.<id>". If the container is locked, a running
 * process is at work on it, and the entry is left alone. false = trash/ was empty. */
bool store_sweep(struct store *s);

/* Disagreements within the state directory. Entries that a process has locked are
 * skipped; one that is being changed without a lock may be reported: check again after a
 * moment. id and name are valid only during the callback. */
enum store_fault {
    STORE_UNFINISHED,   /* trash/<name> of container id: no process is at work on it */
    STORE_NAME_LOST,    /* the record of id has this name, but the name is not claimed */
    STORE_NAME_TAKEN,   /* the same, and the name belongs to another container */
    STORE_NAME_STRAY,   /* names/<name> is a link to id, gone or of another name */
    STORE_NAME_FOREIGN, /* names/<name> is not a link to an id; id = NULL */
    STORE_IDS_STRAY,    /* userns/<name> is a claim of container id, which is gone */
    STORE_IDS_LOST      /* the record of id has ids of its own, which are not claimed */
};
struct store_finding {
    enum store_fault fault;
    const char *id, *name;
};
typedef void (*store_found_fn)(const struct store_finding *f, void *arg);
void store_check(struct store *s, store_found_fn found, void *arg);
/* Repairs it; the caller must not have the container's lock. -EOPNOTSUPP =
 * cannot be repaired. */
int store_mend(struct store *s, const struct store_finding *f, struct mtd_error *err);

/* ---- store/volume.c: <root>/volumes/<name>, see volume/volume.h ---- */

struct store_volume {
    const char *name;
    const struct strv *labels, *options; /* NULL = none */
    bool anonymous, durable;             /* durable: a power loss does not undo it */
};
/* 1 = it was made, 0 = it was there: it stays as it is. */
int store_make_volume(struct store *s, const struct store_volume *want,
                      struct mtd_error *err);
/* -ENOENT; -EBADMSG = its file is damaged. used_by is left empty. */
int store_load_volume(struct store *s, const char *name, struct mtd_volume *ret,
                      struct mtd_error *err);
/* The same of all, by name; a damaged one has its error set. */
int store_list_volumes(struct store *s, struct mtd_volume_list *ret,
                       struct mtd_error *err);
int store_no_such_volume(const char *name, struct mtd_error *err);
/* The container has it. */
bool store_volume_is_of(const struct mtd_summary *s, const char *name);
/* Who removes volumes holds them alone, from asking who has them until they are gone. Who makes a
 * container holds them while it makes its volumes, after its note; and alone, from reading
 * another's record until it is noted, if it takes over the volumes of that. *ret_fd releases it;
 * it is left alone where there are none. */
int store_hold_volumes(struct store *s, bool alone, int *ret_fd, struct mtd_error *err);
/* It has anonymous volumes, or another container's. */
bool store_shares_volumes(const struct mtd_spec *spec);
/* Removes the anonymous volumes among this container's mounts, but for what others have. */
void store_remove_volumes(struct store *s, const struct mtd_record *r);
/* The events "mount" or "unmount" of each volume that the container has. */
void store_note_volumes(struct store *s, const struct mtd_record *r, const char *action);
/* Whoever has it. */
int store_remove_volume(struct store *s, const char *name, struct mtd_error *err);
void store_drop_volume(struct store *s, const char *name);

/* A random readable name, "brave_lovelace", which may be taken. out >= 64 bytes. */
void store_random_name(char *out, size_t size);

#endif
