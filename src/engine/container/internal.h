/* container/internal.h - what only the calls of engine.h share. */
#ifndef ENGINE_CONTAINER_INTERNAL_H
#define ENGINE_CONTAINER_INTERNAL_H

#include "engine/container/container.h"

struct mtd_attachment {
    char id[MTD_ID_SIZE];
    int socket; /* -1 = not connected yet */
    int dir_fd;
    struct log_reader reader;
    bool tty;
    bool redraw; /* a full-screen program is made to paint anew */
};

char *container_dir(struct mtd_engine *e, const char *id,
                    const char *name); /* malloc'ed */

/* Opens the log of a container at its present end; it may not exist yet. Not connected: the
 * container is, or its log with it may be gone, a moment later. */
int container_attachment_new(struct mtd_engine *e, const char *id,
                             struct mtd_attachment **ret, struct mtd_error *err);

/* Refuses limits this machine or docker's rules do not allow. */
int container_check_resources(const struct mtd_resources *r, struct mtd_error *err);

/* An empty volume gets what the image has at its target. For create, before anything else sees
 * the container; the volumes are made, image_hold() is held. */
int container_fill_volumes(struct mtd_engine *e, const struct mtd_record *r,
                           struct mtd_error *err);

/* Adds what the containers ("name[:ro]") have mounted; NULL = none. */
int container_add_volumes_from(struct mtd_engine *e, struct mtd_spec *s,
                               const struct strv *containers, struct mtd_error *err);

#endif
