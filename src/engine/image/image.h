/* image - images as an ordered list of unpacked layers plus a config.
 * Shape   images/refs/<name:tag, "/" as "%"> -> id; images/config/<hex>.json, written
 *         by spec_encode_image(); images/layers/<chain id>/ one directory per layer in
 *         overlay's own form (whiteouts 0:0 devices, trusted.overlay.opaque); chain ids
 *         are OCI's: sha256 of the parent's and the diff id. image/internal.h has the whole
 *         of it.
 * Source  the embedded busybox and <root>/image/NAME.tar (or NAME:TAG.tar, compressed
 *         or not) are images too, unpacked at first use, a changed tar anew. Their id
 *         is known before: in a list, one that was never used has no layers. An image
 *         made by tag, import or commit hides a tar of its name, a tar the embedded
 *         one.
 * Rule    a layer or image appears by rename, complete or not at all. Unpacking never
 *         leaves its directory: each entry by directory fd, links checked, hostile tars
 *         are errors; size, count, depth and xattr limits.
 * Errors  -ENOENT unknown (err lists local images), -EBUSY used by a container,
 *         -EBADMSG a bad tar (err names the entry and the reason).
 */
#ifndef ENGINE_IMAGE_IMAGE_H
#define ENGINE_IMAGE_IMAGE_H

#include "engine/types.h"

struct image_store {
    const char *root; /* borrowed; <root>/images and <root>/image */
    int root_fd;      /* borrowed */
};

/* By name, id, unique prefix of an id or name@digest. Unpacks at first use, however
 * many ask at once. names: the one asked for, or all when found by id. */
int image_find(const struct image_store *s, const char *ref, struct mtd_image *ret,
               struct mtd_error *err);
/* A lock between finding an image and having a record that names it: many may hold it for that,
 * one with to_remove, from asking the records until image_remove() is done. Before any other
 * lock of images. Returns the descriptor that holds it. */
int image_hold(const struct image_store *s, bool to_remove, struct mtd_error *err);
/* Newest first; unpacks nothing and needs no write access. */
int image_list(const struct image_store *s, struct mtd_image_list *ret,
               struct mtd_error *err);
int image_tag(const struct image_store *s, const char *ref, const char *name,
              struct mtd_error *err);
/* used_by: ids of images that containers use; removing one is -EBUSY, with force it
 * loses its names and stays. Report: "Untagged: name:tag", "Deleted: sha256:.."
 * (image, then layers). */
int image_remove(const struct image_store *s, const char *ref, bool force,
                 const struct strv *used_by, struct strv *ret_report,
                 struct mtd_error *err);
/* What a new image is made with besides its new layer. */
struct image_new {
    const struct strv *base;               /* layers below, lowest first; NULL = none */
    const struct mtd_image_config *config; /* NULL = an empty one */
    const char *name;                      /* NULL = none */
    const struct strv *skip;               /* commit: paths left out; NULL = none */
};
/* A tar stream (any compression) becomes a layer. */
int image_import(const struct image_store *s, int tar_fd, const struct image_new *n,
                 char **ret_id, struct mtd_error *err);
/* Packs upper_fd (an overlay upper directory) as a new layer .
 * -ENOTSUP: something in it that a layer cannot hold (a name beginning with .wh., a
 * redirect). */
int image_commit(const struct image_store *s, int upper_fd, const struct image_new *n,
                 char **ret_id, struct mtd_error *err);
/* Writes the tree below tree_fd as a tar to out_fd (owners, times, links, xattrs,
 * devices). */
int image_export(int tree_fd, int out_fd, struct mtd_error *err);
/* Dockerfile instructions of `commit -c` onto a config. */
int image_apply_change(struct mtd_image_config *c, const char *instruction,
                       struct mtd_error *err);
/* All of a commit's: as in a Dockerfile, ENTRYPOINT drops a CMD which none of them
 * set. */
int image_apply_changes(struct mtd_image_config *c, const struct strv *instructions,
                        struct mtd_error *err);

#endif
