/* oci - the documents of an OCI image layout: descriptors, manifests, indexes, configs.
 * Shape   plain structs; docker's schema 2 manifests and lists are read as well, and kept
 *         apart by their media type. A digest is 64 hex digits, without "sha256:".
 * Units   bytes; times are wall ns, 0 = none.
 * Errors  -EINVAL = not such a document, err names the member. Hostile input is expected:
 *         OCI_MAX_BYTES, OCI_MAX_LAYERS and counts bound it; members that are not known
 *         have no effect. -ENOTSUP = a kind of layer or digest that is not understood.
 * Owner   the caller frees with the struct's _done; text and bytes are borrowed.
 * Source  OCI image-spec: descriptor.md manifest.md image-index.md config.md
 *         annotations.md; docker's manifest-v2-2 specification.
 */
#ifndef ENGINE_OCI_OCI_H
#define ENGINE_OCI_OCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "engine/archive/hash.h"
#include "engine/types.h"

#define OCI_MAX_BYTES \
    (4u << 20)             /* of a manifest, index or config: what registries take */
#define OCI_MAX_LAYERS 500 /* what overlayfs stacks */
#define OCI_LAYOUT_FILE "oci-layout"
#define OCI_LAYOUT_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}\n"

enum oci_media {
    OCI_OTHER, /* not one of these */
    OCI_MANIFEST,
    OCI_INDEX,
    OCI_CONFIG,
    OCI_LAYER,
    OCI_LAYER_GZIP,
    OCI_LAYER_ZSTD,
    OCI_DOCKER_MANIFEST,
    OCI_DOCKER_LIST,
    OCI_DOCKER_CONFIG,
    OCI_DOCKER_LAYER,
    OCI_DOCKER_LAYER_GZIP,
    OCI_DOCKER_LAYER_ZSTD,
};
const char *oci_media_name(enum oci_media m); /* "" = OCI_OTHER */
enum oci_media oci_media_of(const char *name);
bool oci_media_is_manifest(enum oci_media m);
bool oci_media_is_index(enum oci_media m);
bool oci_media_is_layer(enum oci_media m);

/* Go's names ("linux", "amd64", "v8"); "" = not said. */
struct oci_platform {
    char os[32], architecture[32], variant[32];
};
void oci_platform_host(struct oci_platform *ret);
/* "linux/arm64/v8", "linux/amd64", "arm64". -EINVAL. */
int oci_platform_parse(const char *text, struct oci_platform *ret, struct mtd_error *err);
void oci_platform_format(const struct oci_platform *p, char out[100]);

struct oci_descriptor {
    enum oci_media media;
    char digest[SHA256_HEX_SIZE];
    uint64_t size;
    struct oci_platform platform; /* in an index */
    /* In an index: io.containerd.image.name, else org.opencontainers.image.ref.name; NULL =
     * neither. */
    char *ref_name;
    bool
        elsewhere; /* it has addresses of its own (urls) to be fetched from; not written */
};

struct oci_manifest {
    enum oci_media media; /* OCI_MANIFEST, OCI_DOCKER_MANIFEST */
    struct oci_descriptor config;
    struct oci_descriptor *layers; /* lowest first */
    size_t n_layers;
};
void oci_manifest_done(struct oci_manifest *m);
int oci_manifest_decode(const char *text, size_t len, struct oci_manifest *ret,
                        struct mtd_error *err);
int oci_manifest_encode(const struct oci_manifest *m, struct buf *ret,
                        struct mtd_error *err);

/* An image index or docker's manifest list. */
struct oci_index {
    struct oci_descriptor *items;
    size_t len;
};
void oci_index_done(struct oci_index *i);
int oci_index_add(struct oci_index *i, const struct oci_descriptor *d); /* copies */
int oci_index_decode(const char *text, size_t len, struct oci_index *ret,
                     struct mtd_error *err);
int oci_index_encode(const struct oci_index *i, struct buf *ret, struct mtd_error *err);
/* The manifest for a platform; NULL = the host's. -ENOENT: err lists what there is. */
int oci_index_select(const struct oci_index *i, const struct oci_platform *p,
                     const struct oci_descriptor **ret, struct mtd_error *err);
/* What buildx says about an image: no image, but it looks like one. */
bool oci_is_attestation(const struct oci_descriptor *d);
/* Another item has the same name and fits the platform (NULL = the host's) better. */
bool oci_index_is_second_choice(const struct oci_index *i, const struct oci_descriptor *d,
                                const struct oci_platform *p);
/* What a document says it is: its mediaType, or by its members. */
enum oci_media oci_kind_of(const char *text, size_t len);

struct oci_history {
    int64_t created_at;
    char *created_by, *author, *comment; /* NULL = not said */
    bool empty_layer;
};

struct oci_config {
    struct mtd_image_config config; /* comment: that of the newest history */
    int64_t created_at;
    struct oci_platform platform;
    struct strv diff_ids;        /* hex, lowest first */
    struct oci_history *history; /* oldest first */
    size_t n_history;
};
void oci_config_done(struct oci_config *c);
int oci_config_decode(const char *text, size_t len, struct oci_config *ret,
                      struct mtd_error *err);
/* base: the bytes of a config whose members that we do not know are kept; NULL = none. */
int oci_config_encode(const struct oci_config *c, const char *base, size_t base_len,
                      struct buf *ret, struct mtd_error *err);
int oci_config_add_history(struct oci_config *c,
                           const struct oci_history *h); /* copies */

#endif
