/* image - images as an ordered list of unpacked layers plus a config.
 * Shape   images/refs/<name:tag, "/" as "%"> -> id; images/config/<hex>.json, written
 *         by spec_encode_image(); images/layers/<chain id>/ one directory per layer in
 *         overlay's own form (whiteouts 0:0 devices, trusted.overlay.opaque); chain
 *         ids are OCI's: sha256 of the parent's and the diff id. image/internal.h
 *         describes all of it.
 * Source  the embedded busybox and <root>/image/NAME.tar (or NAME:TAG.tar, compressed or
 *         not) are images as well, unpacked at first use and again when the tar has
 *         changed. In a list one that was never used has no layers. busybox has its id, which
 *         is known from when it was packed; a tar has none (""), for an id is the digest of the
 *         config, which has that of the tar, and no list reads a tar through. An image made by tag, import or commit hides a tar of its name, and a
 *         tar the embedded image.
 * Rule    a layer or image appears by rename, complete or not at all. Unpacking never
 *         leaves its directory: each entry by directory fd, links checked, hostile tars
 *         are errors; size, count, depth and xattr limits.
 * Errors  -ENOENT = unknown (err lists local images), -EBUSY = used by a container,
 *         -EBADMSG = a bad tar (err names the entry and the reason).
 * Owner   the caller frees results and closes fds; the store borrows its own.
 */
#ifndef ENGINE_IMAGE_IMAGE_H
#define ENGINE_IMAGE_IMAGE_H

#include "engine/progress.h"
#include "engine/types.h"

struct oci_platform;

struct image_store {
    const char *root; /* borrowed; <root>/images and <root>/image */
    int root_fd;      /* borrowed */
    /* Adds the layers of containers whose image is not among images (sorted, 64 hex digits):
     * no layer that a container has is removed, whatever became of its image. -errno = they
     * are not known, so no layer is. NULL = there are no containers. */
    int (*used_layers)(void *arg, const struct strv *images, struct strv *ret);
    void *arg;
};

/* ref: a name, an id, a unique prefix of an id or name@digest. Unpacks at first
 * use, once even if many processes ask at once. ret->names: the one asked for, or
 * all if found by id. */
int image_find(const struct image_store *s, const char *ref, struct mtd_image *ret,
               struct mtd_error *err);
/* The same, but of an image found by id no names are looked for: that reads all there are. */
int image_find_unnamed(const struct image_store *s, const char *ref,
                       struct mtd_image *ret, struct mtd_error *err);
/* Locks images against removal between finding one and writing the record that
 * names it: shared for that, exclusive with to_remove, from reading the records
 * until image_remove() is done. To be taken before any other lock of images.
 * Returns the fd that holds it. */
int image_hold(const struct image_store *s, bool to_remove, struct mtd_error *err);
/* Removes what killed processes left; costs a look at one directory when that is nothing. */
void image_sweep_left(const struct image_store *s);
/* Entries of images/tmp without a living owner. */
int image_list_left(const struct image_store *s, struct strv *ret);
/* What `system check` finds. */
enum image_fault {
    IMAGE_FAULT_QUICK,      /* its own file is damaged, and can be made again */
    IMAGE_FAULT_IMAGE,      /* the same, and it cannot */
    IMAGE_FAULT_CONFIG,     /* its config is damaged */
    IMAGE_FAULT_LAYER_LOST, /* one of its layers is gone */
    IMAGE_FAULT_BLOB,       /* a damaged blob, which can be made again */
    IMAGE_FAULT_NAME,       /* a name of nothing */
    IMAGE_FAULT_STRAY,      /* a layer, blob or link of nobody's */
};
/* object: for image_repair(); text: for people. */
typedef void (*image_fault_fn)(enum image_fault fault, const char *object,
                               const char *text, void *arg);
/* Takes no lock. */
int image_check(const struct image_store *s, image_fault_fn found, void *arg);
/* -ENOTSUP = that cannot be repaired. */
int image_repair(const struct image_store *s, enum image_fault fault, const char *object,
                 struct mtd_error *err);
/* Newest first; unpacks nothing and needs no write access. */
int image_list(const struct image_store *s, struct mtd_image_list *ret,
               struct mtd_error *err);
/* An id as a container's record has it ("sha256:..", malloc'ed, or NULL) becomes the one that
 * the image has now: an older version may have given it another one. -ENOMEM. */
int image_newer_id(const struct image_store *s, char **id);
int image_newer_ids(const struct image_store *s, struct mtd_list *l);
int image_tag(const struct image_store *s, const char *ref, const char *name,
              struct mtd_error *err);
/* used_by: ids of images that containers use, each followed by a space and who does
 * ("stopped container 0123 (web)"), or alone; removing one is -EBUSY, or with force it
 * loses its names and is kept. Report: "Untagged: name:tag", "Deleted: sha256:.."
 * (image, then layers). */
int image_remove(const struct image_store *s, const char *ref, bool force,
                 const struct strv *used_by, struct strv *ret_report,
                 struct mtd_error *err);
/* As in engine.h: mtd_image_history(), mtd_layer_size(), mtd_image_drop_blobs(). */
int image_history(const struct image_store *s, const char *ref,
                  struct mtd_history_list *ret, struct mtd_error *err);
uint64_t image_layer_size(const struct image_store *s, const char *chain);
int image_drop_blobs(const struct image_store *s, bool only_count,
                     const struct mtd_progress *progress, struct mtd_dropped *ret,
                     struct mtd_error *err);
/* What a new image has besides its new layer. */
struct image_new {
    const struct strv *base;               /* layers below, lowest first; NULL = none */
    const struct mtd_image_config *config; /* NULL = an empty one */
    const char *name;                      /* NULL = none */
    const char *created_by;                /* for the history; NULL = nothing */
    const struct oci_platform *platform;   /* NULL = the base's, else the host's */
    const char *base_json; /* the base's config, whose history goes on; NULL = none */
    size_t base_len;
    const struct strv *skip;             /* commit: paths left out; NULL = none */
    const struct mtd_progress *progress; /* NULL = none */
};
/* A tar stream (any compression) becomes a layer. */
int image_import(const struct image_store *s, int tar_fd, const struct image_new *n,
                 char **ret_id, struct mtd_error *err);
/* Packs upper_fd (an overlay upper directory) as a new layer. -ENOTSUP = it has something
 * that a layer cannot express (a name beginning with .wh., a redirect). */
int image_commit(const struct image_store *s, int upper_fd, const struct image_new *n,
                 char **ret_id, struct mtd_error *err);
/* Writes the tree below tree_fd as a tar to out_fd (owners, times, links, xattrs,
 * devices). */
int image_export(int tree_fd, const char *name, int out_fd,
                 const struct mtd_progress *progress, struct mtd_error *err);
/* Applies one Dockerfile instruction, as for `commit -c`, to a config. */
int image_apply_change(struct mtd_image_config *c, const char *instruction,
                       struct mtd_error *err);
/* Applies all of a commit's. As in a Dockerfile, ENTRYPOINT drops a CMD that
 * none of them has set. */
int image_apply_changes(struct mtd_image_config *c, const struct strv *instructions,
                        struct mtd_error *err);

#endif
