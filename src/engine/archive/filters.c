/* What libarchive may read, and what it says when it cannot. The filters are named one by one,
 * because libarchive's "all" includes some that run programs. */

#include <archive.h>
#include <errno.h>

#include "base/cleanup.h"
#include "engine/archive/internal.h"

/* gzip is not among them: see gunzip.h. */
static const struct {
    const char *name;
    int (*add)(struct archive *);
} FILTERS[] = {
    {"bzip2", archive_read_support_filter_bzip2},
    {"xz", archive_read_support_filter_xz},
    {"zstd", archive_read_support_filter_zstd},
    {"lz4", archive_read_support_filter_lz4},
};

/* ARCHIVE_WARN would mean that libarchive was built without the library and would run a
 * program instead. */
int archive_add_filters(struct archive *a, struct mtd_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(FILTERS); i++)
        if (FILTERS[i].add(a) != ARCHIVE_OK)
            return mtd_fail(err, ENOTSUP, "libarchive was built without %s",
                            FILTERS[i].name);
    return 0;
}

int archive_read_failed(struct archive *a, struct mtd_error *err)
{
    const char *text = archive_error_string(a);
    int code = archive_errno(a);
    if (code == ENOMEM || code == EIO || code == EISDIR || code == ENOSPC ||
        code == EDQUOT || code == ECANCELED)
        return mtd_fail(err, code, "cannot read the tar archive: %s",
                        text ? text : "read error");
    return mtd_fail(err, EBADMSG, "not a valid tar archive: %s", text ? text : "damaged");
}
