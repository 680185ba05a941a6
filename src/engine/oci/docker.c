/* The one document of docker's that is a list; its members have docker's names. */

#include "engine/oci/docker.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/oci/internal.h"

void oci_docker_done(struct oci_docker *d)
{
    for (size_t i = 0; d->items && i < d->len; i++) {
        free(d->items[i].config);
        strv_done(&d->items[i].names);
        strv_done(&d->items[i].layers);
    }
    free(d->items);
    *d = (struct oci_docker){0};
}

static int decode_image(const json_t *in, struct oci_docker_image *ret,
                        struct mtd_error *err)
{
    if (!ret || !json_is_object(in))
        return oci_wrong(OCI_DOCKER_FILE, "an image is not an object", err);
    int rc = oci_get_text(in, "Config", &ret->config, err);
    if (rc == 0)
        rc = oci_get_list(in, "RepoTags", &ret->names, err);
    if (rc == 0)
        rc = oci_get_list(in, "Layers", &ret->layers, err);
    if (rc == 0 && !ret->config)
        rc = oci_wrong("Config", "missing", err);
    if (rc == 0 && ret->layers.len > OCI_MAX_LAYERS)
        rc = oci_wrong("Layers", "too many", err);
    return rc;
}

int oci_docker_decode(const char *text, size_t len, struct oci_docker *ret,
                      struct mtd_error *err)
{
    json_error_t why = {0};
    struct oci_docker d = {0};
    auto_json json_t *list =
        len > OCI_MAX_BYTES ? NULL : json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (!json_is_array(list))
        return oci_wrong(OCI_DOCKER_FILE, "not a list of images", err);
    size_t n = json_array_size(list);
    if (n > OCI_DOCKER_MAX_IMAGES)
        return oci_wrong(OCI_DOCKER_FILE, "too many images", err);
    d.items = calloc(n + 1, sizeof(*d.items));
    int rc = d.items ? 0 : oci_no_memory(err);
    for (; rc == 0 && d.len < n; d.len++)
        rc = decode_image(json_array_get(list, d.len), &d.items[d.len], err);
    if (rc < 0)
        oci_docker_done(&d);
    else
        *ret = d;
    return rc;
}

static json_t *encode_image(const struct oci_docker_image *i)
{
    json_t *o = json_object();
    if (!o || oci_set_text(o, "Config", i->config) < 0 ||
        json_object_set_new(o, "RepoTags", json_null()) < 0 ||
        (i->names.len && oci_set_list(o, "RepoTags", &i->names) < 0) ||
        oci_set_list(o, "Layers", &i->layers) < 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

int oci_docker_encode(const struct oci_docker *d, struct buf *ret, struct mtd_error *err)
{
    auto_json json_t *list = json_array();
    int rc = list ? 0 : -1;
    for (size_t i = 0; i < d->len && rc == 0; i++)
        rc = json_array_append_new(list, encode_image(&d->items[i]));
    return rc < 0 ? oci_no_memory(err) : oci_print(list, OCI_MAX_BYTES, ret, err);
}
