/* The format is pax, because ustar has no nanoseconds, extended attributes or long names.
 * Nothing in it depends on the time or the host: the same tree gives the same bytes. */

#include "engine/archive/pack.h"

#include <archive.h>
#include <errno.h>
#include <locale.h>
#include <search.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/fs.h"

static la_ssize_t write_block(struct archive *a, void *data, const void *block,
                              size_t len)
{
    struct archive_pack *p = data;
    int rc = p->write_error;
    if (rc == 0)
        rc = fs_write_all(p->out_fd, block, len);
    if (rc == 0) {
        mtd_progress_add(p->progress, len);
        return (la_ssize_t)len;
    }
    p->write_error = rc;
    archive_set_error(a, -rc, "write");
    return -1;
}

static int open_stream(struct archive_pack *p)
{
    struct archive *a = p->archive;
    if (archive_write_set_format_pax(a) != ARCHIVE_OK ||
        archive_write_set_options(a, "xattrheader=SCHILY") != ARCHIVE_OK ||
        archive_write_add_filter_none(a) != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(a, (int)sizeof(p->block)) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(a, 1) != ARCHIVE_OK)
        return -ENOMEM;
    return archive_write_open(a, p, NULL, write_block, NULL) == ARCHIVE_OK ? 0 : -ENOMEM;
}

static int pack_stream(int tree_fd, enum archive_pack_form form, const struct strv *skip,
                       int out_fd, struct mtd_progress_item *progress,
                       struct mtd_error *err)
{
    auto_free struct archive_pack *p = calloc(1, sizeof(*p));
    if (!p || buf_puts(&p->path, "") < 0)
        return mtd_fail_errno(err, ENOMEM, "cannot pack");
    p->form = form;
    p->skip = skip;
    p->out_fd = out_fd;
    p->progress = progress;
    p->archive = archive_write_new();
    int rc = p->archive ? open_stream(p) : -ENOMEM;
    if (rc < 0)
        mtd_fail_errno(err, -rc, "cannot pack");
    if (rc == 0)
        rc = archive_pack_tree(p, tree_fd, err);
    if (rc == 0 && archive_write_close(p->archive) != ARCHIVE_OK)
        rc = archive_pack_failed(p, err);
    if (rc < 0 && p->write_error == 0)
        p->write_error = rc; /* or freeing would write the rest of the tar */
    if (p->archive)
        archive_write_free(p->archive);
    tdestroy(p->links, free);
    if (p->zeros)
        munmap(p->zeros, ARCHIVE_PACK_ZEROS);
    buf_done(&p->path);
    return rc;
}

/* libarchive looks at the locale to see that a name is UTF-8, as pax headers are. In the C
 * locale it marks each name beyond ASCII as binary, which no other tar understands. */
static int pack(int tree_fd, enum archive_pack_form form, const struct strv *skip,
                int out_fd, struct mtd_progress_item *progress, struct mtd_error *err)
{
    locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    locale_t before = utf8 ? uselocale(utf8) : (locale_t)0;
    int rc = pack_stream(tree_fd, form, skip, out_fd, progress, err);
    if (utf8) {
        uselocale(before);
        freelocale(utf8);
    }
    return rc;
}

int archive_pack(int tree_fd, enum archive_pack_form form, int out_fd,
                 struct mtd_progress_item *progress, struct mtd_error *err)
{
    return pack(tree_fd, form, NULL, out_fd, progress, err);
}

int archive_pack_layer(int upper_fd, const struct strv *skip, int out_fd,
                       struct mtd_progress_item *progress, struct mtd_error *err)
{
    return pack(upper_fd, ARCHIVE_PACK_LAYER, skip, out_fd, progress, err);
}
