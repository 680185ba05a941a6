/* Extended attributes by way of /proc/self/fd: a descriptor that is only O_PATH has no calls
 * for them. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "engine/archive/xattr.h"
#include "engine/copy/internal.h"

#define XATTR_MAX 65536 /* the kernel's own limit, of the names together and of a value */

/* What the host's and the container's root alone may give stays behind with the owner. */
static bool is_kept(const struct copy *c, const char *name)
{
    bool given_away = c->to && !c->to->name && !c->how->keep_owner;
    return archive_xattr_is_kept(name) &&
           !(given_away && strncmp(name, "user.", 5) != 0 &&
             strncmp(name, "system.", 7) != 0);
}

int copy_each_xattr(struct copy *c, int fd, copy_xattr_fn *each, void *arg,
                    struct mtd_error *err)
{
    char proc[64], names[XATTR_MAX];
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
    ssize_t len = listxattr(proc, names, sizeof(names));
    if (len < 0)
        return errno == ENOTSUP
                   ? 0
                   : copy_failed(c, errno, "cannot list its attributes", err);
    for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
        if (!is_kept(c, names + at))
            continue;
        ssize_t n = getxattr(proc, names + at, c->block, COPY_BLOCK);
        if (n < 0 && errno == ENODATA)
            continue;
        if (n < 0)
            return copy_failed(c, errno, "cannot read its attributes", err);
        int rc = each(c, names + at, c->block, (size_t)n, arg, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Where the file system has none, they are dropped, as docker does. */
int copy_set_xattr(struct copy *c, const char *name, const void *value, size_t size,
                   const char *proc, struct mtd_error *err)
{
    if (setxattr(proc, name, value, size, 0) == 0 || errno == ENOTSUP ||
        (errno == EPERM && strncmp(name, "user.", 5) == 0))
        return 0;
    return copy_failed(c, errno, "cannot set an extended attribute", err);
}
