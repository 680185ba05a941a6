/* An image's id is its config's digest, and a store's layers, names and configs are found by
 * it. Older versions gave sources and images without a config other ones, which the records of
 * containers hold: they lead on to the image. */

#include "engine/image/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fault.h"

#define PREFIX "sha256:"

/* What the image with that id, which came another way, is known to be stays known. */
static int merge(const struct image_store *s, const char *hex, struct mtd_image *i)
{
    auto_done(mtd_image_done) struct mtd_image other = {0};
    int rc = 0;
    if (image_disk_load(s, hex, &other, NULL) < 0)
        return 0;
    for (size_t n = 0; n < other.digests.len && rc == 0; n++)
        if (!strv_contains(&i->digests, other.digests.items[n]))
            rc = strv_add(&i->digests, other.digests.items[n]);
    return rc;
}

static int move_links(const struct image_store *s, const char *dir, const char *hex,
                      const char *to)
{
    auto_done(strv_done) struct strv links = {0};
    char is[SHA256_HEX_SIZE];
    int rc = image_disk_list(s, dir, &links);
    for (size_t n = 0; n < links.len && rc == 0; n++)
        if (image_disk_read_link(s, dir, links.items[n], is) == 0 && strcmp(is, hex) == 0)
            rc = image_disk_write_link(s, dir, links.items[n], to);
    return rc;
}

static int move_names(const struct image_store *s, const char *hex, const char *to,
                      struct mtd_error *err)
{
    auto_done(strv_done) struct strv names = {0}, ids = {0};
    struct image_ref ref;
    int rc = image_disk_list_refs(s, &names, &ids);
    for (size_t n = 0; n < names.len && rc == 0; n++) {
        if (strcmp(ids.items[n], hex) != 0 ||
            image_disk_read_ref(s, names.items[n], &ref) < 0)
            continue;
        snprintf(ref.hex, sizeof(ref.hex), "%s", to);
        rc = image_disk_write_ref(s, names.items[n], &ref, err);
    }
    return rc;
}

int image_ids_move(const struct image_store *s, const char *hex, struct mtd_image *i,
                   struct mtd_error *err)
{
    const char *to = i->config_digest;
    if (strcmp(hex, to) == 0)
        return 0;
    free(i->id);
    i->id = NULL;
    int rc = merge(s, to, i);
    if (rc == 0)
        rc = image_quick_write(s, i, to, true, err);
    fault_point("ids.link"); /* for kills only: each step may be done again */
    if (rc == 0)
        rc = image_disk_write_link(s, IMAGE_IDS, hex, to);
    if (rc == 0)
        rc = move_links(s, IMAGE_IDS, hex, to);
    if (rc == 0)
        rc = move_links(s, IMAGE_DIGESTS, hex, to);
    fault_point("ids.names");
    if (rc == 0)
        rc = move_names(s, hex, to, err);
    fault_point("ids.drop");
    if (rc == 0)
        rc = image_disk_drop_config(s, hex);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot write %s/images", s->root) : 0;
}

int image_ids_find(const struct image_store *s, const char *prefix,
                   char ret_hex[SHA256_HEX_SIZE])
{
    auto_done(strv_done) struct strv old = {0};
    const char *found = NULL;
    size_t n_found = 0;
    if (image_disk_list(s, IMAGE_IDS, &old) < 0)
        return -ENOENT;
    for (size_t n = 0; n < old.len; n++)
        if (strncmp(old.items[n], prefix, strlen(prefix)) == 0) {
            found = old.items[n];
            n_found++;
        }
    return n_found == 1 ? image_disk_read_link(s, IMAGE_IDS, found, ret_hex) : -ENOENT;
}

int image_newer_id(const struct image_store *s, char **id)
{
    char hex[SHA256_HEX_SIZE], *newer;
    if (!*id || strncmp(*id, PREFIX, strlen(PREFIX)) != 0 ||
        image_disk_read_link(s, IMAGE_IDS, *id + strlen(PREFIX), hex) < 0)
        return 0;
    if (asprintf(&newer, PREFIX "%s", hex) < 0)
        return -ENOMEM;
    free(*id);
    *id = newer;
    return 0;
}

int image_newer_ids(const struct image_store *s, struct mtd_list *l)
{
    auto_done(strv_done) struct strv old = {0};
    int rc = image_disk_list(s, IMAGE_IDS, &old); /* mostly there are none */
    for (size_t n = 0; n < l->len && rc == 0 && old.len > 0; n++)
        rc = image_newer_id(s, &l->items[n].image_id);
    return rc;
}
