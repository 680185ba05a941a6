/* trash/making.<id>: what the process that makes container <id> has made besides its directory,
 * and until when it is needed. The process holds a lock on it; without one it is the note of a
 * killed process, and what it names has no owner. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"
#include "engine/store/internal.h"
#include "engine/store/store.h"

#define NOTE_MAX (1u << 20)
#define TRIES 16

static void name_entry(const char *id, char out[STORE_ENTRY_SIZE])
{
    snprintf(out, STORE_ENTRY_SIZE, STORE_MAKING "%s", id);
}

/* One line each: "run", if the container is to run before it counts, or "remove", if it is to go
 * with its anonymous volumes; "anonymous NAME",
 * "volume NAME", and "from NAME" of another container's, which stays whatever happens. */
static int describe(const struct mtd_record *r, enum store_note why, struct buf *ret)
{
    static const char *const WORDS[] = {"", "run\n", "remove\n"};
    int rc = buf_puts(ret, WORDS[why]);
    size_t n = why == STORE_NOTE_REMOVE ? 0 : r->spec.n_mounts; /* the record has them */
    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct mtd_mount *m = &r->spec.mounts[i];
        const char *kind = m->origin == MTD_ORIGIN_FROM ? "from"
                           : m->anonymous               ? "anonymous"
                                                        : "volume";
        if (m->type == MTD_MOUNT_VOLUME)
            rc = buf_printf(ret, "%s %s\n", kind, m->source);
    }
    return rc;
}

/* A sweep that comes between open and lock takes it for a killed process's: then again. */
static int open_locked(struct store *s, const char *entry, int how)
{
    struct stat st = {0};
    for (int tries = 0; tries < TRIES; tries++) {
        auto_fd int fd =
            openat(s->trash_fd, entry, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 || flock(fd, how) < 0 || fstat(fd, &st) < 0)
            return -errno;
        if (st.st_nlink > 0)
            return take_fd(&fd);
    }
    return -EAGAIN;
}

int store_making_begin(struct store *s, const struct mtd_record *r, enum store_note kind,
                       int *ret_fd, struct mtd_error *err)
{
    char entry[STORE_ENTRY_SIZE];
    auto_done(buf_done) struct buf text = {0};
    name_entry(r->id, entry);
    *ret_fd = -1;
    int how = kind == STORE_NOTE_REMOVE ? LOCK_EX | LOCK_NB : LOCK_EX;
    int rc = describe(r, kind, &text);
    if (rc == 0 && text.len == 0)
        return 0;
    auto_fd int fd = rc < 0 ? rc : open_locked(s, entry, how);
    if (fd == -EWOULDBLOCK)
        return 0;
    rc = fd < 0 ? fd : fs_write_all(fd, text.data, text.len);
    if (rc == 0) {
        *ret_fd = take_fd(&fd);
        return 0;
    }
    if (fd >= 0)
        unlinkat(s->trash_fd, entry, 0);
    return mtd_fail_errno(err, -rc, "cannot create %s/trash/%.20s...", s->root, entry);
}

void store_making_end(struct store *s, const char *id)
{
    char entry[STORE_ENTRY_SIZE];
    name_entry(id, entry);
    unlinkat(s->trash_fd, entry, 0);
}

bool store_making_is_note(const char *entry, const char **ret_id)
{
    size_t n = strlen(STORE_MAKING);
    *ret_id = entry + n;
    return strncmp(entry, STORE_MAKING, n) == 0 && hex_is_valid(entry + n, MTD_ID_LEN);
}

int store_making_read(struct store *s, const char *id, struct store_making *ret)
{
    char entry[STORE_ENTRY_SIZE];
    auto_done(buf_done) struct buf text = {0};
    name_entry(id, entry);
    auto_fd int fd = openat(s->trash_fd, entry, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    int rc = fs_read_at(s->trash_fd, entry, NOTE_MAX, &text);
    char *next = text.data;
    for (char *line; rc == 0 && (line = strsep(&next, "\n"));) {
        if (strcmp(line, "run") == 0)
            ret->to_run = true;
        else if (strcmp(line, "remove") == 0)
            ret->to_remove = true;
        else if (strncmp(line, "anonymous ", 10) == 0)
            rc = strv_add(&ret->anonymous, line + 10);
        else if (strncmp(line, "volume ", 7) == 0)
            rc = strv_add(&ret->volumes, line + 7);
    }
    return rc < 0 ? rc : take_fd(&fd);
}

/* A line of the note says so. */
static bool names(char *text, const char *volume, bool any)
{
    char *next = text;
    for (char *line; next && (line = strsep(&next, "\n"));) {
        char *name = strchr(line, ' ');
        if (name && strcmp(name + 1, volume) == 0 &&
            (any || strncmp(line, "from ", 5) == 0))
            return true;
    }
    return false;
}

bool store_making_has(struct store *s, const char *volume, bool any)
{
    const char *id;
    bool found = false;
    auto_done(buf_done) struct buf text = {0};
    auto_done(fs_dir_done) struct fs_dir dir;
    fs_dir_open(&dir, s->trash_fd);
    for (const struct dirent64 *d; !found && (d = fs_dir_next(&dir));)
        found = store_making_is_note(d->d_name, &id) &&
                fs_read_at(s->trash_fd, d->d_name, NOTE_MAX, &text) == 0 &&
                names(text.data, volume, any);
    return found;
}

void store_making_done(struct store_making *m)
{
    strv_done(&m->anonymous);
    strv_done(&m->volumes);
}
