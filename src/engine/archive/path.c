/* A hostile tar can name "../../etc" or first make a link "a -> /" and then a file "a/b".
 * So names are normalized before anything is opened, and directories are opened so that
 * nothing in the layer, which was written from the same tar, can lead out of it. */

#include "engine/archive/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/sys.h"
#include "engine/archive/archive.h"

#define SHOWN_MAX 96

/* The end of a long path says more than its beginning. */
static const char *shown(const char *path, const char **ret_dots)
{
    size_t len = strlen(path);
    *ret_dots = len > SHOWN_MAX ? "..." : "";
    return len > SHOWN_MAX ? path + len - SHOWN_MAX : path;
}

int archive_entry_bad(struct mtd_error *err, const char *path, const char *reason)
{
    const char *dots;
    const char *tail = shown(path, &dots);
    return mtd_fail(err, EBADMSG, "\"%s%s\": %s", dots, tail, reason);
}

int archive_entry_failed(struct mtd_error *err, int code, const char *path,
                         const char *what)
{
    const char *dots;
    const char *tail = shown(path, &dots);
    return mtd_fail_errno(err, code, "\"%s%s\": %s", dots, tail, what);
}

static const char *add_component(struct archive_path *p, size_t *len, const char *s,
                                 size_t n)
{
    if (n > NAME_MAX)
        return "a name longer than 255 bytes";
    if (n == 2 && memcmp(s, "..", 2) == 0)
        return "\"..\" is refused";
    if (*len + n + 2 > sizeof(p->text))
        return "the path is too long";
    p->parent_len = *len;
    if (*len > 0)
        p->text[(*len)++] = '/';
    p->name = p->text + *len;
    memcpy(p->text + *len, s, n);
    *len += n;
    p->text[*len] = '\0';
    return NULL;
}

const char *archive_path_clean(const char *raw, struct archive_path *ret)
{
    size_t len = 0, depth = 0;
    ret->text[0] = '\0';
    ret->parent_len = 0;
    ret->name = ret->text;
    if (raw[0] == '\0')
        return "an empty name";
    for (;;) {
        raw += strspn(raw, "/");
        size_t n = strcspn(raw, "/");
        if (n == 0)
            return NULL;
        bool dot = n == 1 && raw[0] == '.';
        if (!dot && len > 0 && strncmp(ret->name, ARCHIVE_WHITEOUT, 4) == 0)
            return "a file below a whiteout";
        if (!dot && ++depth > ARCHIVE_MAX_DEPTH)
            return "more than 256 directories deep";
        const char *reason = dot ? NULL : add_component(ret, &len, raw, n);
        if (reason)
            return reason;
        raw += n;
    }
}

/* Where openat2 is missing. path has no "..", so opening one component after the other
 * with O_NOFOLLOW is equivalent. */
static int walk(int root_fd, const char *path)
{
    auto_fd int dir = openat(root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    while (dir >= 0 && *path) {
        char name[NAME_MAX + 1];
        size_t n = strcspn(path, "/");
        memcpy(name, path, n);
        name[n] = '\0';
        path += n + (path[n] == '/');
        int next = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        struct stat st = {0};
        if (next >= 0 && fstat(next, &st) == 0 && !S_ISDIR(st.st_mode))
            errno = S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR;
        int saved = errno;
        if (next >= 0 && !S_ISDIR(st.st_mode)) {
            close(next);
            next = -1;
        }
        close(dir);
        dir = next;
        errno = saved;
    }
    return dir < 0 ? -errno : take_fd(&dir);
}

int archive_path_open(int root_fd, const char *path)
{
    struct open_how how = {
        .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
    };
    int fd = sys_openat2(root_fd, path[0] ? path : ".", &how);
    if (fd >= 0)
        return fd;
    return errno == ENOSYS ? walk(root_fd, path) : -errno;
}

const char *archive_path_reason(int code)
{
    switch (code < 0 ? -code : code) {
    case ELOOP: return "a parent directory is a symbolic link";
    case ENOTDIR: return "a parent directory is a file";
    case EXDEV: return "leads outside the layer";
    case ENOENT: return "no such file in this layer";
    default: return NULL;
    }
}

/* The mode is set explicitly: the caller's umask must not change the image. */
static int make_dir(int dir_fd, const char *name)
{
    if (mkdirat(dir_fd, name, 0755) < 0)
        return errno == EEXIST ? 0 : -errno;
    return fchmodat(dir_fd, name, 0755, 0) < 0 ? -errno : 0;
}

/* Layers often leave out directories that lower layers have. */
int archive_path_make(int root_fd, const char *path)
{
    int fd = archive_path_open(root_fd, path);
    if (fd != -ENOENT)
        return fd;
    char prefix[PATH_MAX];
    size_t len = 0;
    auto_fd int dir = archive_path_open(root_fd, "");
    while (dir >= 0 && path[len]) {
        size_t name = len;
        len += strcspn(path + len, "/");
        memcpy(prefix, path, len);
        prefix[len] = '\0';
        int rc = make_dir(dir, prefix + name);
        if (rc < 0)
            return rc;
        close(dir);
        dir = archive_path_open(root_fd, prefix);
        len += path[len] == '/';
    }
    return take_fd(&dir);
}
