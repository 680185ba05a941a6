/* names/<name> is a symlink to the id, and making it is the claim. A link is removed only
 * under the lock of the directory names/, after reading it. Without the lock, a second
 * process could remove the name and a third claim it between the reading and the removal,
 * and the third would lose it. */

#include "engine/store/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/parse.h"

static int read_link(int names_fd, const char *name, char ret_id[MTD_ID_SIZE])
{
    char target[MTD_ID_SIZE + 1];
    ssize_t n = readlinkat(names_fd, name, target, sizeof(target));
    if (n < 0)
        return -errno;
    if (n != MTD_ID_LEN)
        return -EINVAL;
    target[n] = '\0';
    if (!hex_is_valid(target, MTD_ID_LEN))
        return -EINVAL;
    memcpy(ret_id, target, MTD_ID_SIZE);
    return 0;
}

int store_names_read(struct store *s, const char *name, char ret_id[MTD_ID_SIZE])
{
    if (!name_is_valid(name))
        return -ENOENT;
    return read_link(s->names_fd, name, ret_id) == 0 ? 0 : -ENOENT;
}

/* Waits: such a lock is held for some system calls only. dir is closed on failure. */
static int lock_dir(int dir)
{
    auto_fd int fd = dir;
    if (fd < 0)
        return fd;
    while (flock(fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return -errno;
    return take_fd(&fd);
}

static int lock_names(struct store *s)
{
    return lock_dir(fs_open_dir_at(s->names_fd, "."));
}

int store_lock_claims(struct store *s, const char *dir)
{
    if (mkdirat(s->root_fd, dir, 0700) < 0 && errno != EEXIST)
        return -errno;
    return lock_dir(fs_open_dir_at(s->root_fd, dir));
}

void store_names_drop(struct store *s, const char *name, const char *id)
{
    char owner[MTD_ID_SIZE];
    auto_fd int lock = lock_names(s);
    if (lock < 0 || store_names_read(s, name, owner) < 0 || strcmp(owner, id) != 0)
        return;
    (void)fault_point("store.names.drop");
    unlinkat(s->names_fd, name, 0);
}

/* Calls found() for each name of id, until it returns true. */
static void each_name_of(struct store *s, const char *id,
                         bool (*found)(const char *, void *), void *arg)
{
    int fd = openat(s->names_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *e;
    char owner[MTD_ID_SIZE];
    while (dir && (e = readdir(dir)))
        if (store_names_read(s, e->d_name, owner) == 0 && strcmp(owner, id) == 0 &&
            found(e->d_name, arg))
            return;
}

static bool add_name(const char *name, void *arg)
{
    return strv_add(arg, name) < 0;
}

void store_names_drop_all(struct store *s, const char *id, const char *keep)
{
    auto_done(strv_done) struct strv names = {0};
    each_name_of(s, id, add_name, &names);
    for (size_t i = 0; i < names.len; i++)
        if (!keep || strcmp(names.items[i], keep) != 0)
            store_names_drop(s, names.items[i], id);
}

static bool take_name(const char *name, void *arg)
{
    *(char **)arg = strdup(name);
    return true;
}

char *store_names_find(struct store *s, const char *id)
{
    char *name = NULL;
    each_name_of(s, id, take_name, &name);
    return name;
}

/* The creator of a container holds the lock of its directory in trash/ until that has
 * moved to containers/: without lock or directory, the container can only be there. */
bool store_is_being_made(struct store *s, const char *id)
{
    char entry[STORE_ENTRY_SIZE];
    snprintf(entry, sizeof(entry), STORE_NEW "%s", id);
    auto_fd int lock = store_lock_at(s->trash_fd, entry, false, STORE_TRY, NULL);
    return lock == -EAGAIN;
}

/* A rename that was killed leaves one name too many: the one that is not in the
 * record. */
static bool is_left_over(struct store *s, const char *name, const char *id)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    auto_fd int lock = store_try_lock(s, id, NULL);
    return lock >= 0 && store_load(s, id, &r, NULL) == 0 && strcmp(r.name, name) != 0;
}

static bool is_taken(struct store *s, const char *name, const char *id)
{
    if (store_is_being_made(s, id))
        return true;
    return store_exists(s, id) && !is_left_over(s, name, id);
}

int store_names_claim(struct store *s, const char *name, const char *id,
                      struct mtd_error *err)
{
    char owner[MTD_ID_SIZE] = "";
    for (int tries = 0; tries < 16; tries++) {
        (void)fault_point("store.names.claim");
        if (symlinkat(id, s->names_fd, name) == 0)
            return 0;
        if (errno != EEXIST)
            return mtd_fail_errno(err, errno, "cannot claim the name \"%s\"", name);
        int rc = read_link(s->names_fd, name, owner);
        if (rc == -ENOENT)
            continue;
        if (rc < 0)
            return mtd_fail(err, EEXIST,
                            "names/%s is not a link to a container; remove that file",
                            name);
        if (rc == 0 && strcmp(owner, id) == 0)
            return 0; /* left by an earlier rename of this container */
        if (is_taken(s, name, owner))
            break;
        store_names_drop(s, name, owner);
    }
    return mtd_fail(err, EEXIST,
                    "Conflict. The container name \"/%s\" is already in use by container "
                    "\"%s\". You have to remove (or rename) that container to be able to "
                    "reuse that name.",
                    name, owner);
}
