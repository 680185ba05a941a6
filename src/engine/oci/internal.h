/* oci/internal.h - reading and writing members of JSON objects, with the member's name in
 * errors.
 * Errors  -EINVAL = not what is expected, -ENOMEM.
 */
#ifndef ENGINE_OCI_INTERNAL_H
#define ENGINE_OCI_INTERNAL_H

#include <jansson.h>

#include "engine/oci/oci.h"

static inline void oci_json_done(json_t **j)
{
    json_decref(*j);
}
#define auto_json __attribute__((cleanup(oci_json_done)))

/* The object a text is, which the caller frees. what: "manifest", for errors. */
int oci_parse(const char *text, size_t len, const char *what, json_t **ret,
              struct mtd_error *err);
/* One line; -E2BIG = above max. */
int oci_print(const json_t *object, size_t max, struct buf *ret, struct mtd_error *err);
int oci_wrong(const char *member, const char *why, struct mtd_error *err);
int oci_no_memory(struct mtd_error *err);

/* Missing and null members leave *ret alone. ret: the struct's, freed and replaced. */
int oci_get_text(const json_t *o, const char *member, char **ret, struct mtd_error *err);
int oci_get_chars(const json_t *o, const char *member, char *out, size_t size,
                  struct mtd_error *err);
int oci_get_list(const json_t *o, const char *member, struct strv *ret,
                 struct mtd_error *err);
/* An object of strings as "key=value", or with values == false its keys. */
int oci_get_map(const json_t *o, const char *member, bool values, struct strv *ret,
                struct mtd_error *err);
int oci_get_time(const json_t *o, const char *member, int64_t *ret,
                 struct mtd_error *err);
int oci_get_digest(const json_t *o, const char *member, char out[SHA256_HEX_SIZE],
                   struct mtd_error *err);

/* Adds the member, unless the value is NULL or empty: then it is removed. */
int oci_set_text(json_t *o, const char *member, const char *value);
int oci_set_list(json_t *o, const char *member, const struct strv *v);
int oci_set_map(json_t *o, const char *member, bool values, const struct strv *v);
int oci_set_time(json_t *o, const char *member, int64_t wall_ns);

int oci_descriptor_decode(const json_t *in, struct oci_descriptor *ret,
                          struct mtd_error *err);
json_t *oci_descriptor_encode(const struct oci_descriptor *d);

#endif
