/* transfer/skopeo - what the files of this room share: calls of skopeo, and a directory
 * for what it writes.
 * Errors  as in registry.h.
 */
#ifndef ENGINE_TRANSFER_SKOPEO_H
#define ENGINE_TRANSFER_SKOPEO_H

#include <limits.h>

#include "engine/image/compose.h"
#include "engine/image/name.h"
#include "engine/tool/tool.h"
#include "engine/transfer/registry.h"

/* ---- staging.c: a directory in images/tmp that lives as long as this process ---- */

struct transfer_dir {
    const struct image_store *store;
    int fd; /* -1 = none */
    char name[48];
    char path[PATH_MAX]; /* absolute */
};
int transfer_dir_open(const struct image_store *s, const char *kind,
                      struct transfer_dir *ret, struct mtd_error *err);
void transfer_dir_done(struct transfer_dir *d); /* removes it */
/* A file blobs/sha256/<hex> of it, directories made. */
int transfer_dir_put(const struct transfer_dir *d, const char *hex, const void *data,
                     size_t len, struct mtd_error *err);
/* The same as a link to a blob of ours. -ENOENT. */
int transfer_dir_link(const struct transfer_dir *d, const char *hex,
                      struct mtd_error *err);
/* oci-layout and an index.json that calls this manifest "image". */
int transfer_dir_index(const struct transfer_dir *d,
                       const struct oci_descriptor *manifest, struct mtd_error *err);
/* The one manifest that its index.json names. */
int transfer_dir_manifest(const struct transfer_dir *d, char ret_hex[SHA256_HEX_SIZE],
                          struct mtd_error *err);
/* Waits until no other process does the same work. */
int transfer_once(const struct image_store *s, const char *hex, struct mtd_error *err);
void transfer_once_done(const struct image_store *s, const char *hex, int fd);

/* ---- layout.c ---- */

/* The image as a layout in the directory, under the name "image". *ret describes the
 * manifest, which the caller frees. */
int transfer_layout(const struct transfer_dir *dir, const struct mtd_progress *progress,
                    const struct mtd_image *image, struct oci_manifest *ret_manifest,
                    struct oci_descriptor *ret, struct mtd_error *err);

/* ---- names.c ---- */

/* The images that a Dockerfile's FROM and --from name, without those of its stages, once
 * each. args: "NAME=value" of the command line. What cannot be told is left out. */
int dockerfile_images(const char *text, const struct strv *args, struct strv *ret);

/* ---- skopeo.c ---- */

/* A reference and where it leads. */
struct remote {
    struct image_name name;
    char whole[IMAGE_WHOLE_SIZE];
    char host[IMAGE_NAME_SIZE];
    char repo[IMAGE_WHOLE_SIZE]; /* whole without the tag */
};
int remote_parse(const char *ref, struct remote *ret, struct mtd_error *err);
/* "repo@sha256:hex", or whole for hex "". docker: "docker://" in front. */
#define REMOTE_REF_SIZE (IMAGE_WHOLE_SIZE + 96)
void remote_ref(const struct remote *r, const char *hex, char out[REMOTE_REF_SIZE]);

struct skopeo {
    const struct mtd_registry *how;
    const char *host;
    const char *tmp; /* a directory for its temporary files; NULL = none */
    int in;          /* -1 = /dev/null */
    uint64_t (*pulse)(void *arg, pid_t pid);
    void *arg;
    bool transfers; /* bytes flow, for which it may be silent longer */
};
/* Adds "OPTION=true|false", or nothing: then it is what skopeo is configured to. */
int skopeo_add_tls(const struct mtd_registry *how, const char *host, const char *option,
                   struct strv *args);
/* ret may be NULL. Failure of skopeo is a failure of this, with its sentence. */
int skopeo_run(const struct skopeo *k, const struct strv *args, struct buf *ret,
               struct mtd_error *err);
/* The arguments end with NULL. */
int skopeo_args(struct strv *ret, ...) __attribute__((sentinel));
/* Raw bytes of a manifest or list, or of the config. */
int skopeo_inspect(const struct skopeo *k, const char *ref, bool config, struct buf *ret,
                   struct mtd_error *err);
void registry_say(const struct mtd_registry *how, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- watch.c: how far skopeo is ---- */

struct watch {
    const struct mtd_registry *how;
    const struct transfer_dir *dir;
    const struct oci_manifest *manifest;
    const char *what; /* "Downloading", "Pushing" */
    int blobs_fd;     /* images/blobs/sha256 */
    bool *finished;   /* of each layer */
    uint64_t *done;
};
int watch_open(struct watch *w, const struct mtd_registry *how,
               const struct transfer_dir *dir, const struct oci_manifest *m);
void watch_done(struct watch *w);
uint64_t watch_download(void *watch, pid_t pid);
uint64_t watch_upload(void *watch, pid_t pid);

#endif
