/* Names from a tar, made harmless before anything is opened, and directories opened with the
 * layer as their root: nothing in it, itself written from the same tar, can lead out. */

#include "engine/archive/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
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

/* A tar may put a file below a link of its own: "bin" is a link to "usr/bin" in every
 * distribution with a merged /usr, and "bin/sh" is usr/bin/sh. The link means what it will
 * mean in the container: its root is root_fd. */
int archive_path_open(int root_fd, const char *path)
{
    return fs_open_in_root(root_fd, path[0] ? path : ".", O_PATH | O_DIRECTORY, 0);
}

const char *archive_path_reason(int code)
{
    switch (code < 0 ? -code : code) {
    case ELOOP: return "a parent directory is a link that leads to itself";
    case ENOTDIR: return "a parent directory is a file";
    case ENOENT: return "no such file in this layer";
    default: return NULL;
    }
}

/* Layers often leave out directories which lower layers have. */
int archive_path_make(int root_fd, const char *path)
{
    int fd = archive_path_open(root_fd, path);
    return fd == -ENOENT ? fs_mkdir_in_root(root_fd, path, 0755) : fd;
}
