/* transfer/build_steps - what the files of a build share.
 * Errors  as in build.h.
 */
#ifndef ENGINE_TRANSFER_BUILD_STEPS_H
#define ENGINE_TRANSFER_BUILD_STEPS_H

#include "engine/transfer/build.h"
#include "engine/transfer/skopeo.h"

struct build {
    const struct image_store *store;
    const struct mtd_registry *how;
    const struct mtd_build *asked;
    struct transfer_dir dir;
    int lock; /* of the storage, shared */
    char storage[PATH_MAX], run[PATH_MAX + 16];
    char context[PATH_MAX + 16], file[PATH_MAX + 16]; /* what buildah is given */
    struct buf text;                                  /* the Dockerfile's */
    struct buf last;                                  /* of stderr, not passed on yet */
};

/* Runs buildah. ret_told: what it writes is passed on; NULL = it is not. */
int build_call(struct build *b, const struct strv *args, bool *ret_told,
               struct mtd_error *err);

/* build_box.c: buildah has a file tree of its own, in which the build's paths are these. */
#define BUILD_BOX_CONTEXT "/build/context"
#define BUILD_BOX_FILES "/build/files" /* the Dockerfile is in */
#define BUILD_BOX_STORAGE "/build/storage"
#define BUILD_BOX_DIR "/build/work" /* the build's directory of images/tmp */
/* In buildah's process, before it is executed. arg: the struct build. */
int build_box_enter(void *arg, struct mtd_error *err);

/* build_sweep.c: by who has the storage's lock for itself. */
void build_sweep(const struct image_store *s);

/* build_context.c: the context as a directory, the Dockerfile as a file and as text. */
int build_take_context(struct build *b, struct mtd_error *err);
/* build_images.c: what FROM names, into the storage; what was built, out of it. */
int build_bring_images(struct build *b, struct mtd_error *err);
int build_export(struct build *b, struct mtd_error *err);
int build_compose(struct build *b, char **ret_id, struct mtd_error *err);

#endif
