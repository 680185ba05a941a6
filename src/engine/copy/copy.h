/* copy - files between two trees, of which one may be a container's, and as a tar stream.
 * Shape   an end is a root and a path in it. The rules about what is copied where are those
 *         of docker cp: a slash at the end says "a directory", "/." means what is in it.
 * Rule    below a container's root paths are resolved there and nowhere else. A tree is
 *         walked by descriptors, no link in it is followed, and what is opened is what was
 *         looked at, whatever the container changes meanwhile. A regular file appears with
 *         all of its content, in the place of an old one by rename; nothing but a regular
 *         file or a link is replaced, a directory is merged.
 *         Devices and FIFOs are made again, never opened; sockets, and what is in the
 *         kernel's own file systems, are left out.
 * Units   bytes; *ret_bytes is what a tar of it takes, docker's figure.
 * Errors  0 or -errno; err names the file. -ENOENT no such file, -ENOTDIR, -EISDIR,
 *         -EROFS. What was copied until then stays: whole files.
 * Owner   everything is borrowed.
 * Process with fsuid and fsgid those that new files at `to` shall have.
 * Source  docker container cp; archive/copy.go of moby.
 */
#ifndef ENGINE_COPY_COPY_H
#define ENGINE_COPY_COPY_H

#include "engine/progress.h"
#include "engine/types.h"

struct copy_end {
    int root_fd;
    const char *path;           /* as a user typed it */
    const char *name;           /* of the container, for err; NULL = the host */
    const struct mtd_spec *ids; /* whose map its files' owners show; NULL = the host's */
};

struct copy_how {
    bool keep_owner; /* else root's in a container, the caller's on the host */
    bool follow;     /* a link that is the source itself */
    const struct mtd_progress *progress;
};

int copy_files(const struct copy_end *from, const struct copy_end *to,
               const struct copy_how *how, uint64_t *ret_bytes, struct mtd_error *err);
/* The source as a tar, its last name first. */
int copy_to_tar(const struct copy_end *from, const struct copy_how *how, int out_fd,
                uint64_t *ret_bytes, struct mtd_error *err);
/* A tar, plain or compressed, into the directory `to`. Owners are those of the tar. */
int copy_from_tar(int in_fd, const struct copy_end *to, const struct copy_how *how,
                  uint64_t *ret_bytes, struct mtd_error *err);

#endif
