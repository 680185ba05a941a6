/* volume - what stands in a volume's directory, and where its files are.
 * Shape   <root>/volumes/<name>/_data      the files, in docker's place and of its name;
 *                              volume.json labels, options and time; without one (made by
 *                                          version 0.1) or with an empty one there are none;
 *                              copy        only while the image's files are copied into it.
 *         Options are those of docker's local driver: type, device and o, as for mount(8).
 *         What they name is mounted over _data in a container's own mount namespace when it
 *         starts (rootfs/volume.c); nothing is ever mounted on the host.
 * Errors  0 or -errno; -EINVAL = an option is wrong, err says which; -EBADMSG = the file is no
 *         record of a volume.
 * Owner   struct volume_source borrows from the list that it was made of, but for `words`.
 * Source  docker's local driver (moby volume/local), `docker volume create`.
 */
#ifndef ENGINE_VOLUME_VOLUME_H
#define ENGINE_VOLUME_VOLUME_H

#include "engine/types.h"

#define VOLUME_DATA "_data"
#define VOLUME_FILE "volume.json"
#define VOLUME_COPY "copy"

/* dir_fd: <root>/volumes/<name>. Fills name, time, labels, options and anonymous of *ret, which
 * must be empty. */
int volume_read(int dir_fd, const char *name, struct mtd_volume *ret,
                struct mtd_error *err);
/* The same of what the file alone says; text may be hostile. */
int volume_decode(const char *text, size_t len, struct mtd_volume *ret,
                  struct mtd_error *err);
/* Sorts labels and options. durable: a power loss does not undo it. */
int volume_write(int dir_fd, struct mtd_volume *v, bool durable);

enum volume_kind {
    VOLUME_PLAIN, /* no options: _data itself */
    VOLUME_BIND,  /* a directory of the host */
    VOLUME_FS     /* a file system */
};
struct volume_source {
    enum volume_kind kind;
    const char *type, *device; /* bind: device is an absolute path */
    char *
        words; /* of "o" without bind and rbind: mount attributes and the file system's; NULL */
    bool recursive; /* bind */
};
int volume_source_parse(const struct strv *options, struct volume_source *ret,
                        struct mtd_error *err);
void volume_source_done(struct volume_source *v);

#endif
