/* container/internal.h - what only the calls of engine.h share.
 * Errors  0 or -errno, as in engine.h.
 */
#ifndef ENGINE_CONTAINER_INTERNAL_H
#define ENGINE_CONTAINER_INTERNAL_H

#include "engine/container/container.h"

struct mtd_attachment {
    char id[MTD_ID_SIZE];
    int socket; /* -1 = not connected yet */
    int dir_fd;
    struct log_reader reader;
    bool tty;
    bool redraw; /* make a full-screen program repaint */
};

/* A path in the container's directory, malloc'ed. */
char *container_dir(struct mtd_engine *e, const char *id, const char *name);

/* Opens the log of a container at its current end; it need not exist yet. The caller
 * connects afterwards: a moment later the container, and its log with it, may be gone. */
int container_attachment_new(struct mtd_engine *e, const char *id,
                             struct mtd_attachment **ret, struct mtd_error *err);

/* kernel_check(), once for all commands of a batch and for both halves of `run`. */
int container_check_kernel(struct mtd_engine *e, struct mtd_error *err);

/* Refuses limits that this machine or docker's rules do not allow. */
int container_check_resources(const struct mtd_resources *r, struct mtd_error *err);

/* Copies what the image has at a volume's target into the volume, if that is empty.
 * For create, before other processes see the container; the volumes exist,
 * image_hold() is held. */
int container_fill_volumes(struct mtd_engine *e, const struct mtd_record *r,
                           struct mtd_error *err);
/* Of a killed create: a copy that is complete is moved into the volume, another one removed.
 * Nothing while a living process copies. all: <root>/volumes. */
void container_finish_volume(int all_fd, const char *name);

/* ---- container/making.c ---- */

/* A note, for as long as this process lives or until the other call, that r is being made. Its
 * volumes have names and are not there yet. to_run: a container that is never started goes. */
int container_making_begin(struct mtd_engine *e, const struct mtd_record *r, bool to_run,
                           struct mtd_error *err);
void container_making_end(struct mtd_engine *e, const char *id);
/* What killed processes were making. */
void container_sweep_making(struct mtd_engine *e);

/* Adds what the containers ("name[:ro]") have mounted; NULL = none. */
int container_add_volumes_from(struct mtd_engine *e, struct mtd_spec *s,
                               const struct strv *containers, struct mtd_error *err);

#endif
