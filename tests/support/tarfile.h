/* tarfile - tars made in memory, good and hostile ones. */
#ifndef TARFILE_H
#define TARFILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TAR_MAX (4u << 20)

struct tar_item {
    const char *path; /* NULL ends a list */
    mode_t mode;      /* S_IFREG|0644 ...; 0 = hard link to target */
    const char *
        target; /* of links; of files their content; "@" = the test's outside directory */
    const char *xattr, *value;
    int64_t uid, gid, mtime, mtime_ns;
    unsigned major, minor;
    size_t value_len; /* of xattr; 0 = a text's */
};

struct tarfile {
    char *data;
    size_t len;
};
/* filter: "" or libarchive's name, "gzip". outside replaces a leading "@" of targets. */
void tarfile_make(struct tarfile *t, const struct tar_item *items, const char *filter,
                  const char *outside);
/* Adds one ustar header as it is; size is what the header claims. */
void tarfile_add_header(struct tarfile *t, const char *path, char type, const char *size);
void tarfile_done(struct tarfile *t);

#endif
