/* oci/docker - manifest.json of the archives that `docker save` writes.
 * Shape   a list of images; config and layers are paths in the archive.
 * Errors  as in oci.h.
 * Source  moby, image/spec/v1.2.md "Combined Image JSON + Filesystem Changeset Format"
 */
#ifndef ENGINE_OCI_DOCKER_H
#define ENGINE_OCI_DOCKER_H

#include "engine/oci/oci.h"

#define OCI_DOCKER_FILE "manifest.json"
#define OCI_DOCKER_MAX_IMAGES 1000

struct oci_docker_image {
    char *config;
    struct strv names, layers; /* lowest first */
};
struct oci_docker {
    struct oci_docker_image *items;
    size_t len;
};
void oci_docker_done(struct oci_docker *d);
int oci_docker_decode(const char *text, size_t len, struct oci_docker *ret,
                      struct mtd_error *err);
int oci_docker_encode(const struct oci_docker *d, struct buf *ret, struct mtd_error *err);

#endif
