/* A new container is made in trash/new.<id>, with its lock held, and moved to containers/
 * when complete: so no process ever sees half of one, and what a killed creator leaves is
 * where store_sweep() looks for it. */

#include "engine/store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/fs.h"
#include "engine/spec/spec.h"

#define MAX_NAME_TRIES 64

/* The first 12 digits become the hostname, and some tools take one of decimal
 * digits for a number. */
int store_new_id(char ret[MTD_ID_SIZE])
{
    do {
        unsigned char bytes[MTD_ID_LEN / 2];
        if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
            return -EIO;
        for (size_t i = 0; i < sizeof(bytes); i++)
            snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
    } while (strspn(ret, "0123456789") >= MTD_SHORT_ID_LEN);
    return 0;
}

/* Between mkdir and lock a sweep may remove the directory as abandoned: then tries
 * again, with another id. */
static int make_locked_dir(struct store *s, char id[MTD_ID_SIZE], char *entry,
                           int *ret_lock)
{
    int lock = -EAGAIN;
    for (int tries = 0; tries < 16 && lock < 0; tries++) {
        int rc = id[0] && tries == 0 ? 0 : store_new_id(id);
        if (rc < 0)
            return rc;
        snprintf(entry, STORE_ENTRY_SIZE, STORE_NEW "%s", id);
        if (mkdirat(s->trash_fd, entry, 0700) < 0) {
            if (errno == EEXIST)
                continue;
            return -errno;
        }
        lock = store_lock_at(s->trash_fd, entry, true, STORE_TRY, NULL);
        if (lock < 0 && lock != -EAGAIN && lock != -ENOENT) {
            unlinkat(s->trash_fd, entry, AT_REMOVEDIR);
            return lock;
        }
    }
    if (lock < 0)
        return lock;
    *ret_lock = lock;
    return 0;
}

static int make_subdirs(int dir)
{
    static const char *const DIRS[] = {"upper", "work", "rootfs"};
    for (size_t i = 0; i < ARRAY_SIZE(DIRS); i++)
        if (mkdirat(dir, DIRS[i], 0700) < 0)
            return -errno;
    return fchmodat(dir, "upper", 0755, 0) < 0 ? -errno : 0; /* the container's root */
}

/* No process reads it before the directory is moved, so it is written in place. It is not
 * synced: a power loss now costs only a container that has never run. */
static int write_record(int dir, const struct buf *text)
{
    auto_fd int fd = openat(dir, STORE_CONFIG,
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int rc = fs_write_all(fd, text->data, text->len);
    if (close(take_fd(&fd)) < 0 && rc == 0)
        rc = -errno;
    return rc;
}

static int fill_dir(struct store *s, const char *entry, const struct mtd_record *r,
                    struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    int rc = spec_encode(r, &text, err);
    if (rc < 0)
        return rc;
    store_listed_add(&text, r);
    rc = fault_point("store.create.record");
    if (rc < 0)
        return rc;
    auto_fd int dir = fs_open_dir_at(s->trash_fd, entry);
    if (dir < 0)
        return dir;
    rc = make_subdirs(dir);
    return rc < 0 ? rc : write_record(dir, &text);
}

static int set_name(struct mtd_record *r, const char *name)
{
    char *copy = strdup(name);
    if (!copy)
        return -ENOMEM;
    free(r->name);
    r->name = copy;
    return 0;
}

static int claim_ids(struct store *s, struct mtd_record *r, struct mtd_error *err)
{
    if (r->spec.userns == MTD_USERNS_HOST)
        return 0;
    auto_fd int etc = fs_open_dir_at(AT_FDCWD, "/etc");
    return etc < 0 ? etc : store_userns_claim(s, etc, r, err);
}

/* The record has the name before it is claimed, so that a sweep knows
 * which claim to undo. */
static int publish(struct store *s, const char *entry, struct mtd_record *r,
                   struct mtd_error *err)
{
    int rc = claim_ids(s, r, err);
    if (rc == 0)
        rc = store_label_claim(s, r, err);
    if (rc == 0)
        rc = fill_dir(s, entry, r, err);
    if (rc == 0)
        rc = fault_point("store.create.name");
    if (rc == 0)
        rc = store_names_claim(s, r->name, r->id, err);
    if (rc < 0)
        return rc;
    rc = fault_point("store.create.publish");
    if (rc == 0 && renameat(s->trash_fd, entry, s->containers_fd, r->id) < 0)
        rc = -errno;
    if (rc < 0)
        store_names_drop(s, r->name, r->id);
    return rc;
}

static int create_named(struct store *s, struct mtd_record *r, const char *name,
                        struct mtd_error *err)
{
    char entry[STORE_ENTRY_SIZE];
    auto_fd int lock = -1;
    int rc = set_name(r, name);
    if (rc == 0)
        rc = fault_point("store.create.dir");
    if (rc == 0)
        rc = make_locked_dir(s, r->id, entry, &lock);
    if (rc < 0)
        return rc;
    rc = fault_point("store.create.lock");
    if (rc == 0)
        rc = publish(s, entry, r, err);
    if (rc < 0 && r->spec.userns != MTD_USERNS_HOST)
        store_userns_drop(s, r->id);
    if (rc < 0)
        store_label_drop(s, r);
    if (rc < 0)
        fs_remove_tree_at(s->trash_fd, entry);
    return rc;
}

static int create_random(struct store *s, struct mtd_record *r, struct mtd_error *err)
{
    char name[64];
    int rc = -EEXIST;
    for (int tries = 0; tries < MAX_NAME_TRIES && rc == -EEXIST; tries++) {
        store_random_name(name, sizeof(name));
        if (tries >= MAX_NAME_TRIES / 2) { /* tens of thousands of containers */
            uint32_t more = 0;
            if (getrandom(&more, sizeof(more), 0) < 0)
                return -EIO;
            size_t n = strlen(name);
            snprintf(name + n, sizeof(name) - n, "%u", more);
        }
        if (tries > 0)
            mtd_error_clear(err);
        rc = create_named(s, r, name, err);
    }
    return rc;
}

int store_create(struct store *s, struct mtd_record *r, const char *name,
                 struct mtd_error *err)
{
    if (s->read_only)
        return mtd_fail(err, EROFS, "the state directory was opened read-only");
    name = mtd_name_bare(name);
    int rc = name ? mtd_name_check(name, err) : 0;
    if (rc < 0)
        return rc;
    r->created_at = clock_wall_ns();
    rc = name ? create_named(s, r, name, err) : create_random(s, r, err);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot create a container") : 0;
}
