/* pack_tree.c and pack_data.c both write headers, and both meet the same failures of the
 * stream: this file is below them, so that they need not call each other. */

#include <archive.h>
#include <errno.h>

#include "engine/archive/pack.h"

int archive_pack_header(struct archive_pack *p, struct archive_entry *e,
                        struct mtd_error *err)
{
    int rc = archive_write_header(p->archive, e);
    /* ARCHIVE_WARN: a name outside the locale's character set is written as it is, marked
     * binary. */
    if (rc == ARCHIVE_OK || rc == ARCHIVE_WARN)
        return 0;
    if (p->write_error < 0)
        return mtd_fail_errno(err, -p->write_error, "cannot write the tar archive");
    return mtd_fail(err, EINVAL, "\"%.80s\": %s", p->path.data,
                    archive_error_string(p->archive));
}

int archive_pack_failed(struct archive_pack *p, struct mtd_error *err)
{
    return mtd_fail_errno(
        err, p->write_error < 0 ? -p->write_error : archive_errno(p->archive),
        "cannot write the tar archive");
}
