/* archive/members - the members of a tar one after the other, without unpacking it, and a tar
 * written member by member: archives of images.
 * Shape   names are cleaned: relative, without "." and ".."; the target of a link likewise,
 *         seen from the archive's root.
 * Units   bytes.
 * Errors  -EBADMSG = no tar, damaged, or a name that leads out of it (err says which).
 * Owner   the fds are borrowed; a member's strings live until the next one.
 * Process archive_members_read() may be called by another thread, if nothing else is
 *         called meanwhile.
 */
#ifndef ENGINE_ARCHIVE_MEMBERS_H
#define ENGINE_ARCHIVE_MEMBERS_H

#include "engine/archive/archive.h"

struct archive_members;

enum archive_member_kind {
    ARCHIVE_MEMBER_FILE,
    ARCHIVE_MEMBER_LINK, /* symbolic or hard */
    ARCHIVE_MEMBER_DIR,
    ARCHIVE_MEMBER_OTHER,
};
struct archive_member {
    enum archive_member_kind kind;
    const char *path;
    const char *target; /* of a link */
    uint64_t size;
    uint64_t position; /* of its data in the file; see archive_members_can_seek() */
};

/* Any compression; from fd's position on. max_bytes: of the decompressed tar. */
int archive_members_open(int fd, uint64_t max_bytes, struct archive_members **ret,
                         struct mtd_error *err);
void archive_members_free(struct archive_members *m); /* NULL is allowed */
/* It is a file without compression: what is not read is skipped at no cost, and positions
 * are valid. */
bool archive_members_can_seek(const struct archive_members *m);
/* 1 = a member, 0 = the end. */
int archive_members_next(struct archive_members *m, struct archive_member *ret,
                         struct mtd_error *err);
/* The next block of the member's data; 0 = its end. -errno without a sentence. */
ssize_t archive_members_read(struct archive_members *m, const void **ret);
/* What of the fd was read. */
uint64_t archive_members_done(const struct archive_members *m);

/* ---- writing ---- */

enum archive_bundle_form {
    ARCHIVE_BUNDLE_PLAIN,
    ARCHIVE_BUNDLE_GZIP,
    ARCHIVE_BUNDLE_ZSTD
};
struct archive_bundle;

int archive_bundle_open(int fd, enum archive_bundle_form form,
                        struct archive_bundle **ret, struct mtd_error *err);
/* All as root's, 0644 or 0755, of 1970: the same members give the same bytes. */
int archive_bundle_dir(struct archive_bundle *b, const char *path, struct mtd_error *err);
int archive_bundle_add(struct archive_bundle *b, const char *path, const void *data,
                       size_t len, struct mtd_error *err);
/* size bytes of fd, from its beginning. */
int archive_bundle_add_file(struct archive_bundle *b, const char *path, int fd,
                            uint64_t size, struct mtd_progress_item *progress,
                            struct mtd_error *err);
int archive_bundle_close(struct archive_bundle *b, struct mtd_error *err); /* frees */
void archive_bundle_free(
    struct archive_bundle *b); /* what was not closed; NULL is allowed */

#endif
