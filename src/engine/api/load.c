/* load and save: what comes and goes is in engine/transfer; here it becomes events. */

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/api/internal.h"
#include "engine/store/events.h"
#include "engine/transfer/load.h"
#include "engine/transfer/save.h"

static void note(struct mtd_engine *e, const char *action, const char *id,
                 const char *name)
{
    const struct event event = {.type = "image",
                                .action = action,
                                .id = id,
                                .name = name ? name : id,
                                .exit_code = -1};
    events_append(e->store.root_fd, &event);
}

int mtd_load(struct mtd_engine *e, int fd, const char *platform,
             const struct mtd_progress *progress, struct strv *ret_loaded,
             struct mtd_error *err)
{
    const struct transfer_load load = {fd, platform, progress};
    int rc = transfer_load(&e->images, &load, ret_loaded, err);
    for (size_t i = 0; i < ret_loaded->len; i++) {
        auto_done(mtd_image_done) struct mtd_image image = {0};
        if (image_find(&e->images, ret_loaded->items[i], &image, NULL) == 0)
            note(e, "load", image.id, ret_loaded->items[i]);
    }
    return rc;
}

int mtd_save(struct mtd_engine *e, const struct mtd_save *s, struct mtd_error *err)
{
    auto_done(strv_done) struct strv ids = {0};
    const struct transfer_save save = {
        .refs = s->refs,
        .form = s->form == MTD_SAVE_OCI      ? TRANSFER_OCI
                : s->form == MTD_SAVE_LAYOUT ? TRANSFER_LAYOUT
                                             : TRANSFER_DOCKER,
        .compress = s->compress == MTD_COMPRESS_GZIP   ? ARCHIVE_BUNDLE_GZIP
                    : s->compress == MTD_COMPRESS_ZSTD ? ARCHIVE_BUNDLE_ZSTD
                                                       : ARCHIVE_BUNDLE_PLAIN,
        .fd = s->fd,
        .progress = s->progress,
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->refs->len; i++)
        rc = container_need_image(e, s->refs->items[i], err);
    if (rc == 0)
        rc = transfer_save(&e->images, &save, &ids, err);
    for (size_t i = 0; rc == 0 && i < ids.len; i++)
        note(e, "save", ids.items[i], s->refs->items[i]);
    return rc;
}
