/* df_images - how much room images take when layers that they share are counted once.
 * Units   bytes in files.
 * Errors  -ENOMEM.
 * Owner   done frees; images and containers are borrowed.
 */
#ifndef CLI_DF_IMAGES_H
#define CLI_DF_IMAGES_H

#include "cli/table.h"
#include "cli/verb.h"

struct df_layer {
    const char *chain;
    uint64_t size;
    int images;  /* that have it */
    bool active; /* one of them is used by a container */
};

struct df_images {
    const struct mtd_image_list *images;
    const struct mtd_list *containers;
    struct df_layer *layers;
    size_t n_layers;
    uint64_t size, reclaimable;
    int active;
};
int df_images_init(struct cli *c, const struct mtd_image_list *images,
                   const struct mtd_list *containers, struct df_images *ret);
void df_images_done(struct df_images *d);
/* system df -v: a table of the images; format: NULL = docker's. */
int df_images_print(const struct df_images *d, const char *format, struct mtd_error *err);

#endif
