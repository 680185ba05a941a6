/* Removal and renaming begin with an entry in trash/, so that after a kill at any step
 * store_sweep() finds it and completes the work. */

#include "engine/store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/log/log.h"

#define BUSY_TRIES 100 /* a monitor that is about to end has the lock */
#define BUSY_PAUSE_MS 5

static void drop_claims(struct store *s, const struct mtd_record *r)
{
    store_names_drop(s, r->name, r->id);
    if (r->spec.userns != MTD_USERNS_HOST)
        store_userns_drop(s, r->id);
    store_label_drop(s, r);
}

/* entry: a directory in trash/ of the container id. All names are searched only if the
 * record, which says the name, cannot be read. */
static void drop_names_of(struct store *s, const char *entry, const char *id)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(buf_done) struct buf text = {0};
    mtd_record_init(&r);
    if (store_read_record(s->trash_fd, entry, id, &text, &r, NULL) == 0) {
        drop_claims(s, &r);
        return;
    }
    store_names_drop_all(s, id, NULL);
    store_userns_drop(s, id);
    store_label_drop_all(s, id);
}

/* What remains to be done after the directory has moved to trash/. r: NULL = it is read from
 * there. */
static int free_claims(struct store *s, const char *id, const struct mtd_record *r)
{
    int rc = fault_point("store.remove.name");
    if (rc < 0)
        return rc;
    if (r)
        drop_claims(s, r);
    else
        drop_names_of(s, id, id);
    rc = fault_point("store.remove.run");
    return rc < 0 || s->run_fd < 0 ? rc : fs_remove_tree_at(s->run_fd, id);
}

static int not_all(const struct store *s, const char *id, int code, struct mtd_error *err)
{
    return mtd_fail(err, -code,
                    "container %.12s is removed, but deleting "
                    "\"%s/trash/%.12s...\" failed: %s; the next command tries again",
                    id, s->root, id, strerror(-code));
}

int store_retire(struct store *s, const char *id, const struct mtd_record *r,
                 struct mtd_error *err)
{
    if (!hex_is_valid(id, MTD_ID_LEN) || !store_is_there(s))
        return store_no_such(id, err);
    int rc = fault_point("store.remove.rename");
    if (rc == 0 && renameat(s->containers_fd, id, s->trash_fd, id) < 0)
        rc = -errno;
    if (rc == -ENOENT)
        return store_no_such(id, err);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot remove container %.12s", id);
    rc = free_claims(s, id, r);
    return rc < 0 ? not_all(s, id, rc, err) : 0;
}

bool store_is_awaited(const struct store *s, const char *entry)
{
    if (!log_was_rotated(
            s->trash_fd,
            entry)) /* as a rule, and then the directory need not be opened */
        return false;
    auto_fd int dir = fs_open_dir_at(s->trash_fd, entry);
    return dir >= 0 && log_is_awaited(dir);
}

/* What the kernel's overlay leaves of a "volatile" mount, innermost first: the tree's removal would
 * go down to it level by level. */
static void delete_overlay_work(struct store *s, const char *id)
{
    static const char *const PARTS[] = {"/incompat/volatile/dirty", "/incompat/volatile",
                                        "/incompat", ""};
    char path[STORE_ENTRY_SIZE + 64];
    for (size_t i = 0; i < ARRAY_SIZE(PARTS); i++) {
        snprintf(path, sizeof(path), "%s/work/work%s", id, PARTS[i]);
        if (unlinkat(s->trash_fd, path, i == 0 ? 0 : AT_REMOVEDIR) < 0)
            return;
    }
}

/* An attached client may have more of its log to read than the file it has open. */
static int delete_but_log(struct store *s, const char *id)
{
    static const char *const TREES[] = {"upper", "work", "rootfs"};
    auto_fd int dir = fs_open_dir_at(s->trash_fd, id);
    int rc = dir < 0 ? dir : 0;
    for (size_t i = 0; i < ARRAY_SIZE(TREES) && rc == 0; i++)
        rc = fs_remove_tree_at(dir, TREES[i]);
    return rc;
}

int store_delete(struct store *s, const char *id, struct mtd_error *err)
{
    int rc = fault_point("store.remove.delete");
    if (rc == 0)
        delete_overlay_work(s, id);
    if (rc == 0)
        rc = store_is_awaited(s, id) ? delete_but_log(s, id)
                                     : fs_remove_dir_at(s->trash_fd, id);
    return rc < 0 ? not_all(s, id, rc, err) : 0;
}

int store_remove(struct store *s, const char *id, struct mtd_error *err)
{
    int rc = store_retire(s, id, NULL, err);
    return rc < 0 ? rc : store_delete(s, id, err);
}

/* ---- rename ---- */

static int swap_name(struct store *s, struct mtd_record *r, const char *name,
                     struct mtd_error *err)
{
    auto_free char *copy = strdup(name);
    if (!copy)
        return mtd_fail(err, ENOMEM, "out of memory");
    char *old = r->name;
    r->name = copy;
    int rc = fault_point("store.rename.save");
    if (rc == 0)
        rc = store_save(s, r, true, err);
    if (rc < 0) {
        r->name = old;
        (void)store_save(s, r, false,
                         NULL); /* it may have been written, but not synced */
        store_names_drop(s, name, r->id);
        return mtd_fail_errno(err, -rc, "cannot rename container %.12s", r->id);
    }
    copy = NULL;
    fault_point("store.rename.drop"); /* for kills only: it cannot fail any more */
    store_names_drop(s, old, r->id);
    free(old);
    return 0;
}

int store_rename(struct store *s, struct mtd_record *r, const char *name,
                 struct mtd_error *err)
{
    char marker[STORE_ENTRY_SIZE];
    name = mtd_name_bare(name);
    int rc = mtd_name_check(name, err);
    if (rc < 0)
        return rc;
    if (r->name && strcmp(r->name, name) == 0)
        return mtd_fail(err, EINVAL,
                        "Renaming a container with the same name as its current name");
    snprintf(marker, sizeof(marker), STORE_RENAME "%s", r->id);
    auto_fd int fd = openat(s->trash_fd, marker, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return mtd_fail_errno(err, errno, "cannot rename container %.12s", r->id);
    rc = fault_point("store.rename.claim");
    rc = rc < 0 ? mtd_fail_errno(err, -rc, "cannot rename container %.12s", r->id)
                : store_names_claim(s, name, r->id, err);
    if (rc == 0)
        rc = swap_name(s, r, name, err);
    unlinkat(s->trash_fd, marker, 0);
    return rc;
}

/* ---- sweep ---- */

/* A directory without a lock file is either so new that its creator has not made one
 * (then it is empty and is removed, and the creator makes another) or half deleted. If it
 * is not empty, it may have got its lock file meanwhile, so that is tried again. */
static void sweep_new(struct store *s, const char *entry, const char *id)
{
    auto_fd int lock = store_lock_at(s->trash_fd, entry, false, STORE_TRY, NULL);
    if (lock == -ENOENT) {
        if (unlinkat(s->trash_fd, entry, AT_REMOVEDIR) == 0 || errno == ENOENT)
            return;
        (void)fault_point("sweep.new");
        lock = store_lock_at(s->trash_fd, entry, false, STORE_TRY, NULL);
    }
    if (lock < 0 && lock != -ENOENT)
        return;
    if (lock < 0 && faccessat(s->trash_fd, entry, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
        return; /* it was completed meanwhile, and its name is in use */
    drop_names_of(s, entry, id);
    fs_remove_tree_at(s->trash_fd, entry);
}

static void sweep_removed(struct store *s, const char *entry, const char *id)
{
    auto_fd int lock = store_lock_at(s->trash_fd, entry, false, STORE_TRY, NULL);
    if (lock >= 0 || lock == -ENOENT)
        if (free_claims(s, id, NULL) == 0)
            store_delete(s, id, NULL);
}

static void sweep_rename(struct store *s, const char *entry, const char *id)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    auto_fd int lock = store_try_lock(s, id, NULL);
    if (lock < 0 && lock != -ENOENT)
        return;
    if (lock == -ENOENT)
        store_names_drop_all(s, id, NULL);
    else if (store_load(s, id, &r, NULL) == 0)
        store_names_drop_all(s, id, r.name);
    unlinkat(s->trash_fd, entry, 0);
}

/* While somebody writes it, the container is locked. */
static void sweep_record(struct store *s, const char *entry, const char *id)
{
    auto_fd int lock = store_try_lock(s, id, NULL);
    if (lock >= 0 || lock == -ENOENT)
        unlinkat(s->trash_fd, entry, 0);
}

static void sweep_volume(struct store *s, const char *entry, const char *id)
{
    (void)id;
    store_sweep_volume(s, entry);
}

static void sweep_entry(struct store *s, const char *entry)
{
    static const struct {
        const char *prefix;
        void (*sweep)(struct store *s, const char *entry, const char *id);
    } KINDS[] = {{STORE_NEW, sweep_new},
                 {STORE_RENAME, sweep_rename},
                 {STORE_RECORD, sweep_record},
                 {STORE_VOLUME, sweep_volume},
                 {"", sweep_removed}};
    for (size_t i = 0; i < ARRAY_SIZE(KINDS); i++) {
        size_t n = strlen(KINDS[i].prefix);
        if (strncmp(entry, KINDS[i].prefix, n) != 0)
            continue;
        if (hex_is_valid(entry + n, MTD_ID_LEN))
            KINDS[i].sweep(s, entry, entry + n);
        return;
    }
}

void store_sweep_one(struct store *s, const char *id)
{
    int busy = -EAGAIN;
    for (int tries = 0; tries < BUSY_TRIES && busy == -EAGAIN; tries++) {
        auto_fd int lock = store_lock_at(s->trash_fd, id, false, STORE_TRY, NULL);
        if (lock >= 0)
            store_delete(s, id, NULL);
        else if (lock == -EAGAIN)
            poll(NULL, 0, BUSY_PAUSE_MS);
        busy = lock;
    }
}

bool store_sweep(struct store *s)
{
    if (s->trash_fd < 0)
        return false;
    auto_done(fs_dir_done) struct fs_dir dir;
    const struct dirent64 *e;
    bool any = false;
    fs_dir_open(&dir, s->trash_fd);
    for (; (e = fs_dir_next(&dir)); any = true)
        sweep_entry(s, e->d_name);
    return any;
}
