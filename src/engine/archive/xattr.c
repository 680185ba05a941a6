/* Not every extended attribute may travel in a tar: security.selinux and its like
 * describe the host's policy, and those of overlayfs are its private metadata: a
 * "redirect" from a hostile tar would expose another directory of the layers below. */

#include "engine/archive/xattr.h"
#include "engine/archive/internal.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/cleanup.h"

#define DEFAULT_ACL "system.posix_acl_default"
#define MAX_COUNT 128
#define MAX_BYTES 65536 /* the kernel's limit for one value */

static bool begins(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool archive_xattr_is_overlay(const char *name)
{
    return begins(name, "trusted.overlay.") || begins(name, "user.overlay.");
}

bool archive_xattr_is_kept(const char *name)
{
    return !archive_xattr_is_overlay(name) &&
           (begins(name, "user.") || begins(name, "trusted.") ||
            strcmp(name, "security.capability") == 0 ||
            strcmp(name, "system.posix_acl_access") == 0 ||
            strcmp(name, DEFAULT_ACL) == 0);
}

/* Where the file system has no attributes, or the kind of file cannot have user
 * attributes, they are silently dropped, as docker does. */
static bool is_harmless(int code, const char *name)
{
    return code == ENOTSUP || (code == EPERM && begins(name, "user."));
}

int archive_xattr_restore(struct archive_tree *t, const char *proc_path,
                          struct archive_entry *e, const char *path,
                          struct mtd_error *err)
{
    const char *name;
    const void *value;
    size_t size, total = 0;
    int count = 0;
    archive_entry_xattr_reset(e);
    while (archive_entry_xattr_next(e, &name, &value, &size) == ARCHIVE_OK) {
        if (!name)
            continue;
        if (archive_xattr_is_overlay(name))
            return archive_entry_bad(err, path,
                                     "has an extended attribute reserved for overlayfs");
        total += strlen(name) + size;
        if (++count > MAX_COUNT || total > MAX_BYTES)
            return archive_entry_bad(err, path, "too many extended attributes");
        t->has_default_acl |= strcmp(name, DEFAULT_ACL) == 0;
        if (archive_xattr_is_kept(name) &&
            lsetxattr(proc_path, name, value, size, 0) < 0 && !is_harmless(errno, name))
            return archive_entry_failed(err, errno, path,
                                        "cannot set an extended attribute");
    }
    return 0;
}

int archive_xattr_set_opaque(int dir_fd)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", dir_fd);
    return setxattr(path, ARCHIVE_OPAQUE_XATTR, "y", 1, 0) < 0 ? -errno : 0;
}
