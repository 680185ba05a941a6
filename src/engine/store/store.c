/* All access to the state goes through directory fds, opened once, so that a command
 * keeps working on the state it began with even if a path is replaced. */

#include "engine/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/parse.h"
#include "base/sys.h"
#include "base/trust.h"
#include "engine/spec/spec.h"
#include "engine/store/internal.h"

static int fail_root(enum mtd_about which, const char *path, int code,
                     struct mtd_error *err)
{
    if (code == -EACCES || code == -EPERM || code == -EROFS)
        return mtd_about(err, which,
                         mtd_fail(err, -code,
                                  "cannot use state directory \"%s\": %s; "
                                  "run as root or choose another",
                                  path, strerror(-code)));
    return mtd_fail_errno(err, -code, "cannot open state directory \"%s\"", path);
}

static int refuse_root(enum mtd_about which, const char *path,
                       const struct mtd_error *why, struct mtd_error *err)
{
    return mtd_about(err, which,
                     mtd_fail(err, EPERM,
                              "state directory \"%s\" is refused: %s; mend that or "
                              "choose another",
                              path, why->text));
}

static int check_root(enum mtd_about which, const char *path, bool *ret_enterable,
                      struct mtd_error *err)
{
    struct mtd_error why = {0};
    mode_t mode;
    int rc = trust_path(path, &mode, &why);
    *ret_enterable = (mode & (S_IXGRP | S_IXOTH)) != 0;
    if (rc == -EPERM)
        return refuse_root(which, path, &why, err);
    return rc == -ENOTDIR || rc == 0 ? 0 : fail_root(which, path, rc, err);
}

static int open_root(const char *path, bool create)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 || errno != ENOENT || !create)
        return fd < 0 ? -errno : fd;
    int rc = fs_mkdir_p(path, 0700);
    if (rc < 0)
        return rc;
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int open_part(int root_fd, const char *name, bool create)
{
    int fd = fs_open_dir_at(root_fd, name);
    if (fd != -ENOENT || !create)
        return fd;
    if (mkdirat(root_fd, name, 0700) < 0 && errno != EEXIST)
        return -errno;
    return fs_open_dir_at(root_fd, name);
}

static const struct part {
    const char *name;
    size_t fd; /* in struct store; 0 = whoever needs it opens it */
} PARTS[] = {
    {"containers", offsetof(struct store, containers_fd)},
    {"names", offsetof(struct store, names_fd)},
    {"trash", offsetof(struct store, trash_fd)},
    {"images", 0},
    {"volumes", 0},
};

/* Of a root that only we can enter the rest need not be looked at. */
static int check_parts(const struct store *s, struct mtd_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(PARTS); i++) {
        struct mtd_error why = {0};
        struct stat st;
        if (fstatat(s->root_fd, PARTS[i].name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            trust_entry(&st, PARTS[i].name, &why) < 0)
            return refuse_root(MTD_ABOUT_ROOT, s->root, &why, err);
    }
    return 0;
}

static int open_roots(struct store *s, bool create, struct mtd_error *err)
{
    const struct {
        enum mtd_about which;
        const char *path;
        int *fd;
    } ROOTS[] = {{MTD_ABOUT_ROOT, s->root, &s->root_fd},
                 {MTD_ABOUT_RUN_ROOT, s->run_root, &s->run_fd}};
    for (size_t i = 0; i < ARRAY_SIZE(ROOTS); i++) {
        bool enterable = false;
        if (*ROOTS[i].fd >= 0)
            continue;
        int rc =
            s->checked ? 0 : check_root(ROOTS[i].which, ROOTS[i].path, &enterable, err);
        if (rc < 0)
            return rc;
        *ROOTS[i].fd = open_root(ROOTS[i].path, create);
        if (*ROOTS[i].fd < 0 && (create || *ROOTS[i].fd != -ENOENT))
            return fail_root(ROOTS[i].which, ROOTS[i].path, *ROOTS[i].fd, err);
        if (i == 0 && enterable && *ROOTS[i].fd >= 0)
            rc = check_parts(s, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Opens what is not open yet. A missing directory is an error only if it
 * should be created. */
static int open_all(struct store *s, struct mtd_error *err)
{
    bool create = !s->read_only;
    int rc = open_roots(s, create, err);
    for (size_t i = 0; rc == 0 && s->root_fd >= 0 && i < ARRAY_SIZE(PARTS); i++) {
        int *fd = PARTS[i].fd ? (int *)((char *)s + PARTS[i].fd) : NULL;
        if (fd && *fd < 0)
            *fd = open_part(s->root_fd, PARTS[i].name, create);
        if (fd && *fd < 0 && (create || *fd != -ENOENT))
            rc = fail_root(MTD_ABOUT_ROOT, s->root, *fd, err);
    }
    return rc;
}

int store_open(struct store *ret, const char *root, const char *run_root, int how,
               struct mtd_error *err)
{
    struct store s = {.root_fd = -1,
                      .run_fd = -1,
                      .containers_fd = -1,
                      .names_fd = -1,
                      .trash_fd = -1,
                      .read_only = how & STORE_READ_ONLY,
                      .checked = how & STORE_CHECKED};
    /* The monitor changes its directory; paths must keep their meaning. */
    int rc = fs_absolute(root, &s.root);
    if (rc == 0)
        rc = fs_absolute(run_root, &s.run_root);
    rc = rc < 0 ? mtd_fail_errno(err, -rc, "state directory \"%s\"", root)
                : open_all(&s, err);
    if (rc < 0)
        store_done(&s);
    else
        *ret = s;
    return rc;
}

int store_make(struct store *s, struct mtd_error *err)
{
    s->read_only = false;
    return open_all(s, err);
}

void store_done(struct store *s)
{
    int *fds[] = {&s->root_fd, &s->run_fd, &s->containers_fd, &s->names_fd, &s->trash_fd};
    size_t n = ARRAY_SIZE(fds), row = 1;
    while (row < n && *fds[0] >= 0 && *fds[row] == *fds[0] + (int)row)
        row++;
    /* As a rule they were opened one after the other, and one call closes them. */
    bool closed =
        row == n && sys_close_range((unsigned)*fds[0], (unsigned)*fds[n - 1], 0) == 0;
    for (size_t i = 0; i < n; i++) {
        if (!closed)
            cleanup_fd(fds[i]);
        *fds[i] = -1;
    }
    free(s->root);
    free(s->run_root);
    s->root = s->run_root = NULL;
}

bool store_is_there(struct store *s)
{
    if (s->read_only && (s->run_fd < 0 || s->trash_fd < 0))
        open_all(s, NULL);
    return s->containers_fd >= 0 && s->names_fd >= 0;
}

bool store_exists(struct store *s, const char *id)
{
    return faccessat(s->containers_fd, id, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int store_no_such(const char *ref, struct mtd_error *err)
{
    return mtd_fail(err, ENOENT, "No such container: %s", ref);
}

int store_open_dir(struct store *s, const char *id, struct mtd_error *err)
{
    if (!hex_is_valid(id, MTD_ID_LEN) || !store_is_there(s))
        return store_no_such(id, err);
    int fd = fs_open_dir_at(s->containers_fd, id);
    if (fd == -ENOENT)
        return store_no_such(id, err);
    return fd < 0 ? mtd_fail_errno(err, -fd, "directory of container %.12s", id) : fd;
}

int store_open_run(struct store *s, const char *id, bool create, struct mtd_error *err)
{
    if (!hex_is_valid(id, MTD_ID_LEN))
        return store_no_such(id, err);
    store_is_there(s);
    if (create && s->run_fd >= 0) /* as a rule it is new */
        (void)!mkdirat(s->run_fd, id, 0700);
    int fd = s->run_fd < 0 ? -ENOENT : fs_open_dir_at(s->run_fd, id);
    return fd < 0 ? mtd_fail_errno(err, -fd, "run directory of container %.12s", id) : fd;
}

/* ---- the lock ---- */

static bool is_still_there(int fd, int dir_fd, const char *path)
{
    struct stat held, now;
    return fstat(fd, &held) == 0 &&
           fstatat(dir_fd, path, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
           held.st_dev == now.st_dev && held.st_ino == now.st_ino;
}

int store_lock_at(int dir_fd, const char *name, bool create, enum store_wait wait,
                  pid_t *ret_stopped)
{
    char path[STORE_ENTRY_SIZE + sizeof("/" STORE_LOCK)];
    snprintf(path, sizeof(path), "%s/" STORE_LOCK, name);
    int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | (create ? O_CREAT : 0);
    /* The previous holder may have removed the container, and the lock file with it. */
    for (int tries = 0; tries < 16; tries++) {
        auto_fd int fd = openat(dir_fd, path, flags, 0600);
        if (fd < 0)
            return -errno;
        int rc = store_wait_lock(fd, wait, ret_stopped);
        if (rc < 0)
            return rc;
        if (is_still_there(fd, dir_fd, path))
            return take_fd(&fd);
    }
    return -ENOENT;
}

static int lock_container(struct store *s, const char *id, enum store_wait wait,
                          struct mtd_error *err)
{
    pid_t stopped = 0;
    if (!hex_is_valid(id, MTD_ID_LEN) || !store_is_there(s))
        return store_no_such(id, err);
    int fd = store_lock_at(s->containers_fd, id, true, wait, &stopped);
    if (fd == -ENOENT)
        return store_no_such(id, err);
    if (fd == -EAGAIN)
        return mtd_fail(err, EAGAIN, "container %.12s is busy with another command", id);
    if (fd == -ETIMEDOUT)
        return mtd_fail(
            err, ETIMEDOUT,
            "container %.12s is locked by process %d, which is stopped; resume "
            "it: kill -CONT %d",
            id, (int)stopped, (int)stopped);
    return fd < 0 ? mtd_fail_errno(err, -fd, "cannot lock container %.12s", id) : fd;
}

int store_lock(struct store *s, const char *id, struct mtd_error *err)
{
    fault_point("store.lock");
    return lock_container(s, id, STORE_WAIT, err);
}

int store_try_lock(struct store *s, const char *id, struct mtd_error *err)
{
    return lock_container(s, id, STORE_TRY, err);
}

int store_lock_ever(struct store *s, const char *id, struct mtd_error *err)
{
    return lock_container(s, id, STORE_WAIT_EVER, err);
}

/* ---- the record ---- */

int store_read_text(int dir_fd, const char *name, struct buf *ret, struct mtd_error *err)
{
    char path[STORE_ENTRY_SIZE + sizeof("/" STORE_CONFIG)];
    snprintf(path, sizeof(path), "%s/" STORE_CONFIG, name);
    int rc = fs_read_own_at(dir_fd, path, SPEC_MAX_BYTES, ret);
    if (rc == -EPERM)
        return mtd_fail(err, EPERM, STORE_CONFIG " belongs to another user");
    return rc < 0 ? mtd_fail_errno(err, -rc, STORE_CONFIG) : 0;
}

int store_parse_record(const struct buf *text, const char *id, struct mtd_record *ret,
                       struct mtd_error *err)
{
    int rc = spec_decode(text->data, text->len, ret, err);
    if (rc == 0 && strcmp(ret->id, id) != 0) {
        mtd_record_done(ret);
        rc = mtd_fail(err, EINVAL, "id: belongs to another container");
    }
    if (rc < 0)
        mtd_context(err, STORE_CONFIG);
    return rc;
}

int store_read_record(int dir_fd, const char *name, const char *id, struct buf *buf,
                      struct mtd_record *ret, struct mtd_error *err)
{
    int rc = store_read_text(dir_fd, name, buf, err);
    return rc < 0 ? rc : store_parse_record(buf, id, ret, err);
}

int store_load(struct store *s, const char *id, struct mtd_record *ret,
               struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    struct mtd_error why = {0};
    if (!hex_is_valid(id, MTD_ID_LEN) || !store_is_there(s))
        return store_no_such(id, err);
    int rc = store_read_record(s->containers_fd, id, id, &text, ret, &why);
    if (rc == 0)
        return 0;
    if (rc == -ENOENT && !store_exists(s, id))
        return store_no_such(id, err);
    return mtd_about(err, MTD_ABOUT_BROKEN,
                     mtd_fail(err, rc == -ENOMEM ? ENOMEM : EINVAL,
                              "record of container %.12s is broken: %s; it can only be "
                              "removed",
                              id, why.text));
}

/* In trash/, a record that a killed process was writing is found by the next command. A --rm
 * container does not survive a crash of the host, so its record
 * need not be durable. */
static int replace_record(struct store *s, const struct mtd_record *r,
                          const struct buf *text, bool durable)
{
    char path[MTD_ID_SIZE + sizeof("/" STORE_CONFIG)];
    char temp[STORE_ENTRY_SIZE + sizeof("../trash/")];
    snprintf(path, sizeof(path), "%s/" STORE_CONFIG, r->id);
    snprintf(temp, sizeof(temp), "../trash/" STORE_RECORD "%s", r->id);
    return fs_replace_by_at(s->containers_fd, temp, path, text->data, text->len, durable,
                            r->spec.auto_remove && !durable);
}

int store_save(struct store *s, const struct mtd_record *r, bool durable,
               struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    int rc = spec_encode(r, &text, err);
    if (rc < 0) {
        mtd_context(err, "record of container %.12s", r->id);
        return rc;
    }
    if (!hex_is_valid(r->id, MTD_ID_LEN) || !store_is_there(s))
        return store_no_such(r->id, err);
    store_listed_add(&text, r);
    rc = fault_point("store.save");
    if (rc == 0)
        rc = replace_record(s, r, &text, durable);
    if (rc == -ENOENT && !store_exists(s, r->id))
        return store_no_such(r->id, err);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot write the record of container %.12s",
                              r->id);
    return 0;
}
