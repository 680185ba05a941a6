/* The copy goes through a tar, because packing and unpacking already deal with owners,
 * times, hard links, attributes and devices, and with names that would lead out of the
 * directory. */

#include "engine/archive/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Not every file system supports O_TMPFILE. */
static int open_nameless(int dir_fd)
{
    int fd = openat(dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        fd = memfd_create("mtd-copy", MFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int archive_copy(int from_fd, int to_fd, struct mtd_error *err)
{
    struct archive_unpacked unpacked;
    struct archive_limits limits = archive_limits_of(to_fd);
    auto_fd int tar = open_nameless(to_fd);
    if (tar < 0)
        return mtd_fail_errno(err, -tar, "cannot create a temporary file");
    int rc = archive_pack(from_fd, ARCHIVE_PACK_TREE, tar, NULL, err);
    if (rc == 0 && lseek(tar, 0, SEEK_SET) < 0)
        rc = mtd_fail_errno(err, errno, "cannot read the temporary file");
    const struct archive_tar from = {.fd = tar};
    return rc < 0 ? rc : archive_unpack(to_fd, &from, &limits, &unpacked, err);
}
