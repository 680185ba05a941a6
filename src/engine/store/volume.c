/* Volumes are directories of their own because they outlive containers; only anonymous ones are
 * removed with theirs. One is made in trash/volume.<id> and moves to its name complete; a
 * removed one moves back there first. The process at work holds a lock on the directory. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/store/events.h"
#include "engine/store/internal.h"
#include "engine/store/store.h"
#include "engine/volume/volume.h"

#define DIR "volumes"
#define TRIES 16

static int open_all(struct store *s)
{
    return s->root_fd < 0 ? -ENOENT : fs_open_dir_at(s->root_fd, DIR);
}

static int lock_dir(int fd, int how)
{
    int rc;
    while ((rc = flock(fd, how)) < 0 && errno == EINTR)
        ;
    return rc < 0 ? -errno : 0;
}

int store_hold_volumes(struct store *s, bool alone, int *ret_fd, struct mtd_error *err)
{
    auto_fd int all = open_all(s);
    if (all == -ENOENT)
        return 0;
    int rc = all < 0 ? all : lock_dir(all, alone ? LOCK_EX : LOCK_SH);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot lock the volumes");
    *ret_fd = take_fd(&all);
    return 0;
}

bool store_shares_volumes(const struct mtd_spec *spec)
{
    bool shares = spec->volumes_from.len > 0;
    for (size_t i = 0; i < spec->n_mounts && !shares; i++)
        shares = spec->mounts[i].anonymous;
    return shares;
}

/* ---- making ------------------------------------------------------------------------ */

static int new_entry(char entry[STORE_ENTRY_SIZE])
{
    char id[MTD_ID_SIZE];
    int rc = store_new_id(id);
    snprintf(entry, STORE_ENTRY_SIZE, STORE_VOLUME "%s", rc < 0 ? "" : id);
    return rc;
}

/* A sweep that comes between making and lock takes it for a killed process's: then again. */
static int make_locked(struct store *s, char entry[STORE_ENTRY_SIZE])
{
    for (int tries = 0; tries < TRIES; tries++) {
        int rc = new_entry(entry);
        if (rc < 0)
            return rc;
        if (mkdirat(s->trash_fd, entry, 0700) < 0)
            return -errno;
        auto_fd int fd = fs_open_dir_at(s->trash_fd, entry);
        rc = fd < 0 ? fd : lock_dir(fd, LOCK_EX);
        if (rc < 0 && rc != -ENOENT)
            return rc;
        if (rc == 0 && faccessat(s->trash_fd, entry, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            return take_fd(&fd);
    }
    return -EAGAIN;
}

static int fill_dir(int fd, struct mtd_volume *v, bool durable)
{
    if (mkdirat(fd, VOLUME_DATA, 0755) < 0)
        return -errno;
    int rc = fault_point("volume.file");
    return rc < 0 ? rc : volume_write(fd, v, durable);
}

static void note(struct store *s, const char *action, const char *name)
{
    const struct event e = {.type = "volume",
                            .action = action,
                            .id = name,
                            .attribute = {"driver", "local"},
                            .exit_code = -1};
    events_append(s->root_fd, &e);
}

void store_note_volumes(struct store *s, const struct mtd_record *r, const char *action)
{
    bool mounts = strcmp(action, "mount") == 0;
    for (size_t i = 0; i < r->spec.n_mounts; i++) {
        const struct mtd_mount *m = &r->spec.mounts[i];
        const struct event_attribute more[] = {
            {"container", r->id},
            {mounts ? "destination" : NULL, m->target},
            {"propagation", ""},
            {"read/write", m->read_only ? "false" : "true"},
            {NULL, NULL}};
        const struct event e = {.type = "volume",
                                .action = action,
                                .id = m->source,
                                .attribute = {"driver", "local"},
                                .more = more,
                                .exit_code = -1};
        if (m->type == MTD_MOUNT_VOLUME && m->source)
            events_append(s->root_fd, &e);
    }
}

/* 1 = it was made, 0 = another process was first. */
static int make(struct store *s, int all_fd, struct mtd_volume *v, bool durable)
{
    char entry[STORE_ENTRY_SIZE];
    auto_fd int fd = make_locked(s, entry);
    if (fd < 0)
        return fd;
    int rc = fault_point("volume.dir");
    if (rc == 0)
        rc = fill_dir(fd, v, durable);
    if (rc == 0)
        rc = fault_point("volume.publish");
    if (rc == 0 && renameat2(s->trash_fd, entry, all_fd, v->name, RENAME_NOREPLACE) < 0)
        rc = -errno;
    if (rc == 0 && durable && fsync(all_fd) < 0)
        rc = -errno;
    if (rc < 0)
        fs_remove_tree_at(s->trash_fd, entry);
    if (rc == 0)
        note(s, "create", v->name);
    return rc == 0 ? 1 : rc == -EEXIST ? 0 : rc;
}

static int add_words(struct strv *to, const struct strv *from)
{
    int rc = 0;
    for (size_t i = 0; from && i < from->len && rc == 0; i++)
        rc = strv_env_set(to, from->items[i]);
    return rc;
}

/* What a mount point says of it: a volume of an older version has no file, but this. */
static bool is_there(int all_fd, const char *name)
{
    auto_fd int one = fs_open_dir_at(all_fd, name);
    return one >= 0 && faccessat(one, VOLUME_DATA, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Of an older version, killed between two steps. */
static int complete(int all_fd, const char *name)
{
    auto_fd int one = fs_open_dir_at(all_fd, name);
    if (one < 0)
        return one;
    return mkdirat(one, VOLUME_DATA, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

int store_make_volume(struct store *s, const struct store_volume *want,
                      struct mtd_error *err)
{
    auto_done(mtd_volume_done) struct mtd_volume v = {.created_at = clock_wall_ns()};
    int rc = mtd_volume_name_check(want->name, err);
    if (rc < 0)
        return rc;
    if (mkdirat(s->root_fd, DIR, 0700) < 0 && errno != EEXIST)
        return mtd_fail_errno(err, errno, "cannot create the volumes directory");
    auto_fd int all = open_all(s);
    if (all >= 0 && is_there(all, want->name))
        return 0;
    v.name = strdup(want->name);
    rc = v.name ? add_words(&v.labels, want->labels) : -ENOMEM;
    if (rc == 0)
        rc = add_words(&v.options, want->options);
    if (rc == 0 && want->anonymous)
        rc = strv_env_set(&v.labels, MTD_VOLUME_ANONYMOUS "=");
    if (rc == 0)
        rc = all < 0 ? all : make(s, all, &v, want->durable);
    if (rc == 0)
        rc = complete(all, want->name);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot create volume %.80s", want->name)
                  : rc;
}

/* ---- reading ----------------------------------------------------------------------- */

int store_no_such_volume(const char *name, struct mtd_error *err)
{
    return mtd_fail(err, ENOENT, "no such volume: %.80s", name);
}

static int load(int all_fd, const char *name, struct mtd_volume *ret,
                struct mtd_error *err)
{
    auto_fd int one = fs_open_dir_at(all_fd, name);
    return one < 0 ? one : volume_read(one, name, ret, err);
}

int store_load_volume(struct store *s, const char *name, struct mtd_volume *ret,
                      struct mtd_error *err)
{
    auto_done(mtd_volume_done) struct mtd_volume v = {0};
    auto_fd int all = name_is_valid(name) ? open_all(s) : -ENOENT;
    int rc = all < 0 ? all : load(all, name, &v, err);
    if (rc == -ENOENT)
        return store_no_such_volume(name, err);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot read volume %.80s", name);
    *ret = v;
    v = (struct mtd_volume){0};
    return 0;
}

/* A broken one is an item, too. */
static int add_volume(int all_fd, const char *name, struct mtd_volume_list *list)
{
    struct mtd_error why = {0};
    struct mtd_volume *all = reallocarray(list->items, list->len + 1, sizeof(*all));
    if (!all)
        return -ENOMEM;
    list->items = all;
    struct mtd_volume *v = &all[list->len];
    *v = (struct mtd_volume){0};
    int rc = load(all_fd, name, v, &why);
    if (rc == -ENOENT || rc == -ENOTDIR || rc == -ENOMEM || !v->name) {
        mtd_volume_done(v);
        return rc == -ENOMEM ? rc : 0;
    }
    if (rc < 0)
        v->error = strdup(why.text);
    list->len++;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct mtd_volume *x = a, *y = b;
    return strverscmp(x->name, y->name);
}

int store_list_volumes(struct store *s, struct mtd_volume_list *ret,
                       struct mtd_error *err)
{
    auto_done(mtd_volume_list_done) struct mtd_volume_list list = {0};
    auto_fd int all = s->root_fd < 0 ? -ENOENT : open_all(s);
    auto_done(fs_dir_done) struct fs_dir dir;
    int rc = all < 0 && all != -ENOENT ? all : 0;
    if (all < 0)
        fs_dir_init(&dir, -1);
    else
        rc = fs_dir_open(&dir, all);
    for (const struct dirent64 *d; rc == 0 && (d = fs_dir_next(&dir));)
        if (name_is_valid(d->d_name))
            rc = add_volume(all, d->d_name, &list);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot list the volumes");
    if (list.len > 1)
        qsort(list.items, list.len, sizeof(*list.items), compare);
    *ret = list;
    list = (struct mtd_volume_list){0};
    return 0;
}

/* ---- who has it -------------------------------------------------------------------- */

bool store_volume_is_of(const struct mtd_summary *s, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < s->mounts.len; i++)
        if (strncmp(s->mounts.items[i], name, len) == 0 && s->mounts.items[i][len] == ':')
            return true;
    return false;
}

/* Another container may have it whose volumes were taken over. A list that cannot be read keeps it. */
static bool is_used_by_others(struct store *s, const char *id, const char *name)
{
    auto_done(mtd_list_done) struct mtd_list all = {0};
    if (store_list(s, &all, NULL) < 0 || store_making_has(s, name, false))
        return true;
    for (size_t i = 0; i < all.len; i++)
        if (strcmp(all.items[i].id, id) != 0 && store_volume_is_of(&all.items[i], name))
            return true;
    return false;
}

/* ---- removing ---------------------------------------------------------------------- */

/* Moves it to trash/; the returned descriptor holds it. Others may be copying into it or
 * finishing a copy: they are waited for. */
static int retire(struct store *s, int all_fd, const char *name,
                  char entry[STORE_ENTRY_SIZE])
{
    auto_fd int one = fs_open_dir_at(all_fd, name);
    int rc = one < 0 ? one : lock_dir(one, LOCK_EX);
    if (rc == 0)
        rc = new_entry(entry);
    if (rc == 0)
        rc = fault_point("volume.retire");
    if (rc == 0 && renameat(all_fd, name, s->trash_fd, entry) < 0)
        rc = -errno;
    if (rc < 0)
        return rc;
    note(s, "destroy", name);
    (void)fault_point("volume.retired");
    return take_fd(&one);
}

static int drop(struct store *s, int all_fd, const char *name)
{
    char entry[STORE_ENTRY_SIZE];
    auto_fd int held = retire(s, all_fd, name, entry);
    return held < 0 ? held : fs_remove_tree_at(s->trash_fd, entry);
}

void store_remove_volumes(struct store *s, const struct mtd_record *r)
{
    auto_fd int all = open_all(s);
    for (size_t i = 0; all >= 0 && i < r->spec.n_mounts; i++) {
        const struct mtd_mount *m = &r->spec.mounts[i];
        if (m->type == MTD_MOUNT_VOLUME && m->anonymous && m->source &&
            hex_is_valid(m->source, MTD_ID_LEN) &&
            !is_used_by_others(s, r->id, m->source))
            drop(s, all, m->source);
    }
}

void store_drop_volume(struct store *s, const char *name)
{
    auto_fd int all = open_all(s);
    if (all >= 0 && name_is_valid(name))
        drop(s, all, name);
}

int store_remove_volume(struct store *s, const char *name, struct mtd_error *err)
{
    char entry[STORE_ENTRY_SIZE];
    auto_fd int all = open_all(s);
    auto_fd int held = all < 0 ? all : retire(s, all, name, entry);
    if (held == -ENOENT)
        return store_no_such_volume(name, err);
    if (held < 0)
        return mtd_fail_errno(err, -held, "cannot remove volume %.80s", name);
    int rc = fs_remove_tree_at(s->trash_fd, entry);
    if (rc == 0)
        return 0;
    return mtd_fail(
        err, -rc,
        "volume %.80s is removed, but deleting its files failed: %s; the next "
        "command tries again",
        name, strerror(-rc));
}

/* One without a lock is a killed process's, whichever way it was going. */
void store_sweep_volume(struct store *s, const char *entry)
{
    auto_fd int fd = fs_open_dir_at(s->trash_fd, entry);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        fs_remove_tree_at(s->trash_fd, entry);
}

bool store_volume_is_busy(struct store *s, const char *entry)
{
    auto_fd int fd = fs_open_dir_at(s->trash_fd, entry);
    return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0;
}
