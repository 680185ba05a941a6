/* Each prefix of the path is looked at in its order. Once "/a" cannot be changed by
 * anybody else, "/a/b" is the same directory whenever it is looked at, so looking by
 * path is no race. */

#include "base/trust.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINKS_MAX 40
#define NOBODY 65534 /* an owner that has no number in this user namespace */

/* In a user namespace whose maps leave ids out, the owner of what belongs to none of
 * them cannot be told; who made the namespace answers for it. */
static bool is_unmapped(uid_t uid)
{
    unsigned long long first, host, count = 0;
    FILE *map = uid == NOBODY ? fopen("/proc/self/uid_map", "re") : NULL;
    if (!map)
        return false;
    int n = fscanf(map, "%llu %llu %llu", &first, &host, &count);
    fclose(map);
    return n == 3 && first + count <= NOBODY;
}

int trust_owner(const struct stat *st, const char *name, struct mtd_error *err)
{
    if (st->st_uid == 0 || st->st_uid == geteuid() || is_unmapped(st->st_uid))
        return 0;
    return mtd_fail(err, EPERM, "%s belongs to uid %u, who could change it", name,
                    st->st_uid);
}

static int trust_mode(const struct stat *st, const char *name, struct mtd_error *err)
{
    if (!(st->st_mode & (S_IWGRP | S_IWOTH)))
        return 0;
    if (st->st_mode & S_IWOTH)
        return mtd_fail(err, EPERM, "%s is writable by everybody", name);
    return mtd_fail(err, EPERM, "%s is writable by group %u", name, st->st_gid);
}

int trust_entry(const struct stat *st, const char *name, struct mtd_error *err)
{
    int rc = trust_owner(st, name, err);
    return rc < 0 ? rc : trust_mode(st, name, err);
}

struct walk {
    char path[PATH_MAX]; /* what is left of it begins at `at` */
    size_t at;
    unsigned links;
    mode_t mode; /* of what was looked at last */
};

/* The link that ends at `end` is replaced by what it leads to. */
static int follow(struct walk *w, size_t end)
{
    char link[PATH_MAX], rest[PATH_MAX];
    char cut = w->path[end];
    w->path[end] = '\0';
    ssize_t n = readlink(w->path, link, sizeof(link) - 1);
    w->path[end] = cut;
    if (n < 0)
        return -errno;
    link[n] = '\0';
    if (++w->links > LINKS_MAX)
        return -ELOOP;
    snprintf(rest, sizeof(rest), "%s", w->path + end);
    size_t keep = link[0] == '/' ? 0 : w->at;
    int len = snprintf(w->path + keep, sizeof(w->path) - keep, "%s%s", link, rest);
    if (len < 0 || (size_t)len >= sizeof(w->path) - keep)
        return -ENAMETOOLONG;
    w->at = keep;
    return 0;
}

/* Looks at the path up to `end`. 1 = it is not there. */
static int look(struct walk *w, size_t end, struct mtd_error *err)
{
    struct stat st;
    char cut = w->path[end];
    bool last = w->path[end + strspn(w->path + end, "/")] == '\0';
    w->path[end] = '\0';
    int rc = lstat(end ? w->path : "/", &st) < 0 ? -errno : 0;
    if (rc == 0)
        rc = trust_owner(&st, end ? w->path : "/", err);
    if (rc == 0 && !S_ISLNK(st.st_mode) && (last || !(st.st_mode & S_ISVTX)))
        rc = trust_mode(&st, end ? w->path : "/", err);
    w->path[end] = cut;
    if (rc == -ENOENT)
        return 1;
    if (rc == 0 && S_ISLNK(st.st_mode))
        return follow(w, end);
    w->at = end;
    w->mode = st.st_mode;
    return rc;
}

/* The last path that was trusted; it went through no link. Short: a monitor keeps it for ever, and has
 * no use for more. */
static char known[256];

/* How much of the path was looked at already as a directory on the way. 0 = not even "/". */
static size_t known_part(const char *path)
{
    size_t ret = 0;
    for (size_t i = 1; known[0] && known[i] && known[i - 1] == path[i - 1]; i++)
        if (known[i] == '/' && path[i] == '/' && path[i + strspn(path + i, "/")])
            ret = i; /* more follows: of the last one more is asked */
    return ret;
}

static int begin(struct walk *w, struct mtd_error *err)
{
    w->links = 0;
    w->at = known_part(w->path);
    return w->at ? 0 : look(w, 0, err);
}

int trust_path(const char *path, mode_t *ret_mode, struct mtd_error *err)
{
    struct walk w;
    size_t size = strlen(path) + 1;
    if (size > sizeof(w.path))
        return mtd_fail_errno(err, ENAMETOOLONG, "%.100s", path);
    memcpy(w.path, path, size);
    int rc = begin(&w, err);
    while (rc == 0) {
        size_t begin = w.at + strspn(w.path + w.at, "/");
        if (w.path[begin] == '\0')
            break;
        w.at = begin;
        rc = look(&w, begin + strcspn(w.path + begin, "/"), err);
    }
    *ret_mode = rc == 0 ? w.mode : 0;
    if (rc == 0 && w.links == 0 && size <= sizeof(known))
        memcpy(known, path, size);
    return rc < 0 ? mtd_fail_errno(err, -rc, "%s", path) : 0;
}
