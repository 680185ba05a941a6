/* The state directory is checked against itself: every name has its record, every
 * record its name, and trash/ is empty. What a process is about to change is locked
 * by it, and skipped. */

#include "engine/store/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "engine/idmap.h"

typedef void (*entry_fn)(struct store *s, const char *entry, store_found_fn found,
                         void *arg);

static void tell(store_found_fn found, void *arg, enum store_fault fault, const char *id,
                 const char *name)
{
    const struct store_finding f = {.fault = fault, .id = id, .name = name};
    found(&f, arg);
}

/* -EAGAIN: a process is at work on it. The lock is released at once, since findings are
 * checked again before they count. */
static bool is_busy(struct store *s, const char *id)
{
    auto_fd int lock = store_try_lock(s, id, NULL);
    return lock == -EAGAIN;
}

static void check_trash(struct store *s, const char *entry, store_found_fn found,
                        void *arg)
{
    const char *made;
    if (store_making_is_note(entry, &made)) {
        auto_done(store_making_done) struct store_making m = {0};
        auto_fd int note = store_making_read(s, made, &m);
        if (note >= 0)
            tell(found, arg, STORE_UNFINISHED, made, entry);
        return;
    }
    static const char *const PREFIXES[] = {STORE_NEW, STORE_RENAME, STORE_RECORD,
                                           STORE_VOLUME, ""};
    size_t i = 0;
    while (strncmp(entry, PREFIXES[i], strlen(PREFIXES[i])) != 0)
        i++;
    const char *id = entry + strlen(PREFIXES[i]);
    if (!hex_is_valid(id, MTD_ID_LEN))
        return;
    if (strcmp(PREFIXES[i], STORE_VOLUME) == 0) {
        if (!store_volume_is_busy(s, entry))
            tell(found, arg, STORE_UNFINISHED, id, entry);
        return;
    }
    bool under_lock =
        strcmp(PREFIXES[i], STORE_RENAME) == 0 || strcmp(PREFIXES[i], STORE_RECORD) == 0;
    if (under_lock) {
        if (!is_busy(s, id))
            tell(found, arg, STORE_UNFINISHED, id, entry);
        return;
    }
    auto_fd int lock = store_lock_at(s->trash_fd, entry, false, STORE_TRY, NULL);
    if (lock != -EAGAIN && !store_is_awaited(s, entry))
        tell(found, arg, STORE_UNFINISHED, id, entry);
}

static bool is_being_made(struct store *s, const char *id)
{
    char entry[STORE_ENTRY_SIZE];
    snprintf(entry, sizeof(entry), STORE_NEW "%s", id);
    return faccessat(s->trash_fd, entry, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void check_name(struct store *s, const char *name, store_found_fn found, void *arg)
{
    auto_done(mtd_record_done) struct mtd_record r;
    char id[MTD_ID_SIZE];
    mtd_record_init(&r);
    if (store_names_read(s, name, id) < 0) {
        if (faccessat(s->names_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            tell(found, arg, STORE_NAME_FOREIGN, NULL, name);
    } else if (!store_exists(s, id)) {
        if (!is_being_made(s, id))
            tell(found, arg, STORE_NAME_STRAY, id, name);
    } else if (!is_busy(s, id) && store_load(s, id, &r, NULL) == 0 &&
               strcmp(r.name, name) != 0) {
        tell(found, arg, STORE_NAME_STRAY, id, name);
    }
}

static void check_container(struct store *s, const char *id, store_found_fn found,
                            void *arg)
{
    auto_done(mtd_record_done) struct mtd_record r;
    char owner[MTD_ID_SIZE];
    mtd_record_init(&r);
    if (!hex_is_valid(id, MTD_ID_LEN) || is_busy(s, id) ||
        store_load(s, id, &r, NULL) < 0)
        return;
    if (store_names_read(s, r.name, owner) < 0)
        tell(found, arg, STORE_NAME_LOST, id, r.name);
    else if (strcmp(owner, id) != 0)
        tell(found, arg, STORE_NAME_TAKEN, id, r.name);
    if (mtd_idmap_is_set(&r.spec) && !store_userns_has(s, id))
        tell(found, arg, STORE_IDS_LOST, id, r.name);
}

struct ids_check {
    store_found_fn found;
    void *arg;
};

static void check_ids(struct store *s, const char *id, void *arg)
{
    const struct ids_check *c = arg;
    if (!is_being_made(s, id) && !store_exists(s, id))
        tell(c->found, c->arg, STORE_IDS_STRAY, id, id);
}

static void each_entry(struct store *s, int dir_fd, entry_fn fn, store_found_fn found,
                       void *arg)
{
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    for (const struct dirent *e; dir && (e = readdir(dir));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            fn(s, e->d_name, found, arg);
}

void store_check(struct store *s, store_found_fn found, void *arg)
{
    if (!store_is_there(s))
        return;
    each_entry(s, s->trash_fd, check_trash, found, arg);
    each_entry(s, s->names_fd, check_name, found, arg);
    each_entry(s, s->containers_fd, check_container, found, arg);
    store_userns_list(s, check_ids, &(struct ids_check){found, arg});
}

/* Checks once more, under the lock: the container may have been renamed meanwhile. */
static int drop_stray(struct store *s, const struct store_finding *f,
                      struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    auto_fd int lock = store_try_lock(s, f->id, NULL);
    if (lock == -EAGAIN || (lock < 0 && is_being_made(s, f->id)))
        return mtd_fail(err, EAGAIN, "container %.12s is busy with another command",
                        f->id);
    if (lock < 0 || (store_load(s, f->id, &r, NULL) == 0 && strcmp(r.name, f->name) != 0))
        store_names_drop(s, f->name, f->id);
    return 0;
}

static int drop_ids(struct store *s, const struct store_finding *f)
{
    if (!is_being_made(s, f->id) && !store_exists(s, f->id))
        store_userns_drop(s, f->id);
    return 0;
}

static int restore_ids(struct store *s, const struct store_finding *f,
                       struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    auto_fd int lock = store_try_lock(s, f->id, err);
    int rc = lock < 0 ? lock : store_load(s, f->id, &r, err);
    return rc < 0 ? rc : store_userns_restore(s, &r, err);
}

int store_mend(struct store *s, const struct store_finding *f, struct mtd_error *err)
{
    switch (f->fault) {
    case STORE_UNFINISHED: store_sweep(s); return 0;
    case STORE_NAME_STRAY: return drop_stray(s, f, err);
    case STORE_NAME_LOST: return store_names_claim(s, f->name, f->id, err);
    case STORE_IDS_STRAY: return drop_ids(s, f);
    case STORE_IDS_LOST: return restore_ids(s, f, err);
    case STORE_NAME_TAKEN:
    case STORE_NAME_FOREIGN: break;
    }
    return mtd_fail(err, EOPNOTSUPP,
                    "it cannot be repaired automatically; fix it by hand");
}
