/* A layer may link to a file of the layers below. Which these are is known only when an image is
 * composed: from a pipe layers come before the documents that say so. */

#include "engine/image/internal.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/archive/lower.h"

static int open_layer(const struct image_draft *d, size_t n)
{
    char path[128];
    const struct image_layer *l = d->c->parts[n].layer;
    if (l && l->staged)
        return fs_open_dir_at(l->staged->dir.fd, ".");
    snprintf(path, sizeof(path), "images/layers/%.64s", d->image.layers.items[n]);
    return fs_open_dir_at(d->store->root_fd, path);
}

struct below {
    int fds[OCI_MAX_LAYERS]; /* the next one first */
    size_t n;
};

static void below_done(struct below *b)
{
    for (size_t i = 0; i < b->n; i++)
        close(b->fds[i]);
}

static int link_part(struct image_draft *d, size_t part, struct mtd_error *err)
{
    auto_done(below_done) struct below below = {.n = 0};
    struct image_staged *g = d->c->parts[part].layer->staged;
    uint64_t bytes = 0;
    int rc = 0;
    for (size_t i = part; i-- > 0;) {
        int fd = open_layer(d, i);
        if (fd < 0)
            return mtd_fail_errno(err, -fd, "cannot open the layer %.12s",
                                  d->image.layers.items[i]);
        below.fds[below.n++] = fd;
    }
    for (size_t i = 0; i + 1 < g->lower_links.len && rc == 0; i += 2)
        rc = archive_lower_link(g->dir.fd, below.fds, below.n, g->lower_links.items[i],
                                g->lower_links.items[i + 1], &bytes, err);
    d->infos[part].size += bytes;
    d->image.size += bytes;
    g->entries += g->lower_links.len;
    if (rc == 0)
        strv_done(&g->lower_links);
    return rc;
}

int image_draft_link(struct image_draft *d, struct mtd_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < d->c->n_parts && rc == 0; i++) {
        const struct image_layer *l = d->c->parts[i].layer;
        if (l && l->staged && l->staged->lower_links.len > 0)
            rc = link_part(d, i, err);
    }
    return rc;
}
