/* archive/pack.h - the state of a tar being written, private to archive.
 * Shape   pack.c has the stream, pack_tree.c walks the tree, pack_data.c writes the data
 *         of files and keeps track of hard links, pack_header.c writes headers.
 */
#ifndef ENGINE_ARCHIVE_PACK_H
#define ENGINE_ARCHIVE_PACK_H

#include <archive_entry.h>
#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "engine/archive/archive.h"

#define ARCHIVE_PACK_ZEROS (1u << 30)

struct archive;

struct archive_pack {
    struct archive *archive;
    enum archive_pack_form form;
    const struct strv *skip; /* paths left out; NULL = none */
    int out_fd;
    struct mtd_progress_item *progress; /* NULL = none */
    int write_error;                    /* -errno of the first failed write to out_fd */
    struct buf path;                    /* of the current entry; "" = the root */
    bool opaque; /* the directory whose attributes were read last is opaque */
    void *links; /* tsearch tree: files with several names */
    char *zeros; /* ARCHIVE_PACK_ZEROS bytes, the contents of holes; NULL until needed */
    char xattr_names[65536], xattr_value[65536]; /* the kernel's own limits */
    char block[256 << 10];
};

static inline void archive_pack_free_entry(struct archive_entry **e)
{
    if (*e)
        archive_entry_free(*e);
}
#define auto_entry auto_done(archive_pack_free_entry)

int archive_pack_header(struct archive_pack *p, struct archive_entry *e,
                        struct mtd_error *err);
/* Says that writing the tar failed: -errno of the write, or libarchive's. */
int archive_pack_failed(struct archive_pack *p, struct mtd_error *err);
/* *ret_first = the path at which the file was packed before; NULL = now is the first
 * time. */
int archive_pack_link(struct archive_pack *p, const struct stat *st,
                      const char **ret_first);
/* Writes header and data of the regular file fd (O_PATH). */
int archive_pack_regular(struct archive_pack *p, struct archive_entry *e, int fd,
                         const struct stat *st, struct mtd_error *err);
int archive_pack_tree(struct archive_pack *p, int tree_fd, struct mtd_error *err);

#endif
