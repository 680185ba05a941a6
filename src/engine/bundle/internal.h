/* bundle/internal.h - how the members of a config.json are read.
 * Shape   json.c reads members by tables of struct bundle_field; bundle.c has the whole, process.c,
 *         mounts.c, ids.c, linux.c and resources.c a part each; hook.c runs hooks.
 * Errors  as in bundle.h.
 */
#ifndef ENGINE_BUNDLE_INTERNAL_H
#define ENGINE_BUNDLE_INTERNAL_H

#include <jansson.h>
#include <stddef.h>

#include "engine/bundle/bundle.h"

enum bundle_kind {
    BUNDLE_TEXT,    /* char * */
    BUNDLE_STRINGS, /* struct strv */
    BUNDLE_PAIRS,   /* struct strv, of an object of strings: "key=value" */
    BUNDLE_MAP,     /* the same: a key, its value, a key, ... */
    BUNDLE_BOOL,    /* bool */
    BUNDLE_NUMBER,  /* int64_t between min and max */
    BUNDLE_BIG,     /* uint64_t; -1 is the largest */
    BUNDLE_REFUSED, /* what it asks for cannot be done: the help says why */
};
struct bundle_field {
    const char *key;
    enum bundle_kind kind;
    size_t offset;
    int64_t min, max;
    bool required;
    const char *why; /* of REFUSED */
};
#define BUNDLE_END  \
    {               \
        .key = NULL \
    }
#define BUNDLE_ID_MAX ((int64_t)UINT32_MAX - 1)

/* "config.json: where.key: text"; -EINVAL. key may be NULL. */
int bundle_bad(struct mtd_error *err, const char *where, const char *key,
               const char *text);
/* Notes a sentence in b->warnings, once. */
int bundle_warn(struct bundle *b, struct mtd_error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Members of o, which is NULL (nothing is there) or an object, into the struct at to. */
int bundle_fields(json_t *o, const char *where, const struct bundle_field *fields,
                  void *to, struct mtd_error *err);
/* Member `key` of o, NULL when it is missing or null; of the type, or -EINVAL. */
int bundle_member(json_t *o, const char *where, const char *key, json_type type,
                  json_t **ret, struct mtd_error *err);
/* Calls back for each object of the array `key`; where is "linux.devices[3]". */
typedef int (*bundle_item_fn)(json_t *item, const char *where, size_t i, void *to,
                              struct mtd_error *err);
int bundle_each(json_t *o, const char *where, const char *key, bundle_item_fn fn,
                void *to, struct mtd_error *err);
/* A list of n items of `size` bytes grows by one, zeroed; NULL = out of memory, err set. */
void *bundle_grow(void **items, size_t *n, size_t size, struct mtd_error *err);
/* The JSON text as an object. */
int bundle_load(const char *text, size_t len, const char *what, json_t **ret,
                struct mtd_error *err);
/* Of kinds NUMBER and BIG. */
int bundle_number(json_t *v, int64_t min, int64_t max, int64_t *ret);

int bundle_process(json_t *o, struct bundle *b, struct mtd_error *err);
int bundle_mounts(json_t *o, struct bundle *b, struct mtd_error *err);
int bundle_linux(json_t *o, struct bundle *b, struct mtd_error *err);
int bundle_resources(json_t *o, struct bundle *b, bool with_devices,
                     struct mtd_error *err);
/* ids.c */
int bundle_id_maps(json_t *o, const char *where, const char *key,
                   struct mtd_idrange **ret, size_t *n, struct mtd_error *err);
/* mounts.c: of the root as well */
int bundle_propagation(const char *word, unsigned long *ret); /* "rslave"; -EINVAL */

#endif
