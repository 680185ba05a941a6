/* What all parts of a copy use. */

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "engine/copy/internal.h"

#define TAR_BLOCK 512

int copy_start(struct copy *c, const char *shown, struct mtd_error *err)
{
    c->progress = (struct mtd_progress_item){c->how->progress, {shown, "Copying"}};
    c->block = malloc(COPY_BLOCK);
    if (!c->block || buf_puts(&c->path, "") < 0)
        return mtd_fail_errno(err, ENOMEM, "cannot copy");
    c->bytes = 2 * TAR_BLOCK; /* the end of a tar */
    return 0;
}

void copy_finish(struct copy *c)
{
    tdestroy(c->links, free);
    buf_done(&c->path);
    free(c->block);
}

void copy_count(struct copy *c, uint64_t size)
{
    c->bytes += TAR_BLOCK + (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
}

int copy_failed(const struct copy *c, int code, const char *what, struct mtd_error *err)
{
    size_t len = c->path.len, max = 100;
    const char *tail = c->path.data ? c->path.data + (len > max ? len - max : 0) : "";
    if (code == EROFS && c->to && c->to->name)
        return mtd_fail(err, EROFS,
                        "\"%s%s\" in %.64s: its root or the volume is mounted read-only",
                        len > max ? "..." : "", tail, c->to->name);
    return mtd_fail_errno(err, code, "\"%s%s\": %s", len > max ? "..." : "", tail, what);
}
