/* image/compose - images out of layers, configs and manifests: what import, commit, load,
 * pull and build end in.
 * Shape   receive each layer that is not there yet, then compose: layers, blobs, config,
 *         manifest and names appear in this order under the lock, all or nothing.
 *         Digests are 64 hex digits without "sha256:"; so is an image's id in ret_id
 *         with it ("sha256:<hex>"), the digest of its config.
 * Rule    whoever fills blobs/ holds a transfer meanwhile: no sweep takes a blob that no
 *         image names yet. What a killed one leaves the next command sweeps.
 * Errors  -EBADMSG = what came is not what its digest or size says, or no valid layer;
 *         -ENOENT = a layer or blob that is not there; others are the file system's.
 * Owner   the caller frees *ret_id; descriptors returned belong to the caller.
 */
#ifndef ENGINE_IMAGE_COMPOSE_H
#define ENGINE_IMAGE_COMPOSE_H

#include "engine/archive/archive.h"
#include "engine/image/image.h"
#include "engine/oci/oci.h"
#include "engine/progress.h"

/* ---- transfers ---- */

#define IMAGE_TRANSFER_NAME 32
struct image_transfer {
    const struct image_store *store;
    int lock, note; /* -1 = none */
    char name[IMAGE_TRANSFER_NAME];
};
/* Makes the store's directories, takes an older store over, holds images/transfer.lock
 * shared. */
int image_transfer_begin(const struct image_store *s, struct image_transfer *ret,
                         struct mtd_error *err);
/* The last one to end removes the blobs that no image names. */
void image_transfer_end(struct image_transfer *t);

/* ---- layers ---- */

struct image_layer_source {
    int fd; /* plain or compressed tar, read from its position to its end */
    const struct archive_reader *reader; /* instead of fd; NULL = none */
    const char *digest;  /* of the bytes of fd, checked; NULL = not known */
    uint64_t size;       /* of the same, checked when digest is given */
    const char *diff_id; /* of the plain tar, checked; NULL = not known */
    enum image_keep {
        IMAGE_KEEP_NONE,  /* no blob: it is dropped, and made again when asked for */
        IMAGE_KEEP_PLAIN, /* the blob is the plain tar */
        IMAGE_KEEP_AS_IS, /* the blob is the bytes of fd */
        IMAGE_KEEP_THERE, /* the bytes of fd are a blob of ours already */
    } keep;
    bool is_own;    /* packed by us: then it needs no recipe to be packed again */
    const char *id; /* of the progress' steps; NULL = the first 12 digits of digest */
};

/* A layer that is unpacked in images/tmp. */
struct image_layer {
    char diff_id[SHA256_HEX_SIZE];
    uint64_t size;               /* bytes in its files */
    struct oci_descriptor blob;  /* also when it is not kept: of the plain tar then */
    struct image_staged *staged; /* the room's own; NULL = none, or composed */
};
/* One pass: unpacks, hashes, keeps. Needs a transfer. */
int image_layer_receive(const struct image_store *s, const struct image_layer_source *src,
                        const struct mtd_progress *progress, struct image_layer *ret,
                        struct mtd_error *err);
/* Drops what was not composed. */
void image_layer_done(struct image_layer *l);
/* The chain id of diff_id above parent (NULL = lowest), and whether that layer is there. */
bool image_layer_is_there(const struct image_store *s, const char *parent,
                          const char *diff_id, char ret_chain[SHA256_HEX_SIZE]);

/* ---- images ---- */

/* A layer of an image: received, or there. */
struct image_part {
    struct image_layer *layer; /* NULL = there, with chain */
    const char *chain;
};

struct image_compose {
    /* The OCI config as it came; NULL = made of the members below. */
    const char *config_json;
    size_t config_len;
    const struct mtd_image_config *config;
    int64_t created_at;
    const char *created_by; /* of the newest layer's history; NULL = "" */
    const char
        *base_json; /* a config to begin with: its history and all that is not said */
    size_t base_len;
    const struct oci_platform *platform; /* NULL = the host's */

    const struct image_part *parts; /* lowest first */
    size_t n_parts;
    const struct strv *names;   /* any spelling; they move here from other images */
    const struct strv *digests; /* RepoDigests, "name@sha256:.."; NULL = none */
    /* The manifest as it came, whose layers are those; NULL = made. */
    const char *manifest;
    size_t manifest_len;
};
int image_compose(const struct image_store *s, const struct image_compose *c,
                  char **ret_id, struct mtd_error *err);

/* An image whose blobs lie in an OCI layout (an open directory), or in ours: receives the
 * layers that are missing and composes. Two of one image at once: one does the work. */
struct image_take {
    int layout_fd;        /* -1 = only ours */
    const char *manifest; /* digest of a manifest, or of an index: the platform's then */
    const struct oci_platform *platform; /* NULL = the host's */
    const struct strv *names, *digests;  /* as in image_compose */
};
int image_take(const struct image_store *s, const struct image_take *t,
               const struct mtd_progress *progress, char **ret_id, struct mtd_error *err);

/* ---- what push and save read ---- */

/* ref: as image_find(). The manifest's bytes; makes one for an image that has none. */
int image_manifest_of(const struct image_store *s, const char *ref, struct buf *ret_bytes,
                      char ret_digest[SHA256_HEX_SIZE], struct mtd_error *err);
/* The config's bytes. */
int image_config_of(const struct image_store *s, const char *ref, struct buf *ret_bytes,
                    char ret_digest[SHA256_HEX_SIZE], struct mtd_error *err);
/* -ENOENT = not there (dropped). Reading only. */
int image_blob_open(const struct image_store *s, const char *digest,
                    struct mtd_error *err);
/* The blob of a layer (chain: of mtd_image's layers), made again when it was dropped:
 * then it is the plain tar, and its digest the diff id. Needs a transfer. */
int image_layer_blob(const struct image_store *s, const char *chain,
                     const struct mtd_progress *progress, struct oci_descriptor *ret,
                     struct mtd_error *err);

#endif
