/* A store of an older version has names, configs and layers, but is no OCI layout, or has images
 * whose id is not their config's digest. It is taken over once, by the first command that
 * changes images, under the lock: every image gets a config and a manifest, which nothing
 * refers to before the image's own file does, and then its id; the file "form" is made last. A
 * kill leaves a store that is still old, and the next command goes on: what was made is there
 * already.
 *
 * Layers' blobs are not made: they are dropped ones, made when save or push asks. To know
 * what they will be each layer is packed once and hashed. */

#include "engine/image/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"

#define FORM "images/form"
#define FORM_TEXT "2\n"

bool image_is_old(const struct image_store *s)
{
    return s->root_fd >= 0 && faccessat(s->root_fd, FORM, F_OK, 0) < 0 &&
           errno == ENOENT && faccessat(s->root_fd, "images", F_OK, 0) == 0;
}

/* A damaged image, or one whose layer is gone, stays as it is and is said to be so when it
 * is used. */
static int take_image(const struct image_store *s, const char *hex, struct mtd_error *err)
{
    auto_done(mtd_image_done) struct mtd_image image = {0};
    if (image_disk_load(s, hex, &image, NULL) < 0)
        return 0;
    for (size_t i = 0; i < image.layers.len; i++)
        if (!image_disk_has_layer(s, image.layers.items[i]))
            return 0;
    fault_point("takeover.image");
    int rc = image_complete(s, hex, &image, err);
    return rc < 0 ? rc : image_ids_move(s, hex, &image, err);
}

int image_take_over(const struct image_store *s, struct mtd_error *err)
{
    auto_done(strv_done) struct strv ids = {0};
    int rc = image_disk_list_ids(s, "", &ids);
    for (size_t i = 0; i < ids.len && rc == 0; i++)
        rc = take_image(s, ids.items[i], err);
    fault_point("takeover.index");
    if (rc == 0)
        rc = image_index_write(s, err);
    fault_point("takeover.layout");
    if (rc == 0)
        rc = image_disk_replace(s, "images/" OCI_LAYOUT_FILE, OCI_LAYOUT_TEXT,
                                strlen(OCI_LAYOUT_TEXT), ids.len > 0);
    fault_point("takeover.form");
    if (rc == 0)
        rc = image_disk_replace(s, FORM, FORM_TEXT, strlen(FORM_TEXT), ids.len > 0);
    if (rc < 0) {
        mtd_fail_errno(err, -rc, "cannot write");
        mtd_context(err, "%s/images is an older version's and cannot be taken over",
                    s->root);
    }
    return rc;
}
