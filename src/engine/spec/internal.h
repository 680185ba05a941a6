/* spec/internal.h - converts between JSON and plain structs by tables of fields.
 * Shape   one row per member: its dotted path ("linux.resources.memory.limit"), its
 *         kind, its place in the struct, its bounds. Encoding leaves out what equals
 *         the default struct; decoding does not touch what is missing. Objects
 *         appear in table order.
 * Text    a string that is not UTF-8 (paths, arguments and environment may hold any bytes
 *         but NUL) is written as {"hex": "ff.."} and read back exactly.
 */
#ifndef ENGINE_SPEC_INTERNAL_H
#define ENGINE_SPEC_INTERNAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define SPEC_MAX_ITEMS 65536  /* of a list, map or set */
#define SPEC_MAX_STRUCTS 4096 /* of FIELD_STRUCTS */

enum field_kind {
    FIELD_STRING, /* char *; "" and NULL are different */
    FIELD_CHARS,  /* char[size], always terminated */
    FIELD_BOOL,   /* bool */
    FIELD_INT,  /* size 4 or 8; unsigned 64-bit values above INT64_MAX appear negative */
    FIELD_ENUM, /* int-sized; by name() */
    FIELD_TIME, /* int64_t wall ns as RFC3339; 0 is docker's "0001-01-01T00:00:00Z" */
    FIELD_SIGNAL,  /* char *, a signal's name or number as given; NULL = "" */
    FIELD_MASK,    /* uint64_t as 16 hex digits, like CapBnd in /proc/PID/status */
    FIELD_LIST,    /* struct strv as a list of strings */
    FIELD_MAP,     /* struct strv of "key=value" as an object of strings */
    FIELD_SET,     /* struct strv as an object of empty objects (docker's ExposedPorts) */
    FIELD_STRUCTS, /* pointer to an array, its length in the size_t at count_offset */
};

struct field {
    const char *path;
    enum field_kind kind;
    size_t offset, size;
    int64_t min, max;                /* FIELD_INT; FIELD_ENUM: 0..max */
    const char *(*name)(int);        /* FIELD_ENUM */
    const struct field_table *items; /* FIELD_STRUCTS */
    size_t count_offset;
    bool always; /* written even when it equals the default */
};

struct field_table {
    const struct field *fields;
    size_t n_fields;
    size_t struct_size;
};

/* -E2BIG = a list is longer than decoding accepts. */
int spec_codec_check(const struct field_table *t, const void *base,
                     struct mtd_error *err);
/* Adds base's members to the object out. defaults: a struct of the same type. -E2BIG as above. */
int spec_codec_encode(const struct field_table *t, const void *base, const void *defaults,
                      json_t *out, struct mtd_error *err);
/* base holds the defaults; on failure it may hold some members, which its _done frees. */
int spec_codec_decode(const struct field_table *t, const json_t *in, void *base,
                      struct mtd_error *err);

/* Parses text to an object, which the caller frees. -EINVAL = not JSON, longer than max,
 * nested too deeply, with a NUL or a duplicate member. */
int spec_codec_parse(const char *text, size_t len, size_t max, json_t **ret,
                     struct mtd_error *err);
/* Prints the object as indented text with a final newline; -E2BIG = longer than max. */
int spec_codec_print(const json_t *object, size_t max, struct buf *ret,
                     struct mtd_error *err);

/* Takes out of in, an object of the caller's, what the tables know. *ret is the rest as
 * text, to be freed; it is not set when nothing is left. */
int spec_foreign_take(const struct field_table *const tables[], size_t n, json_t *in,
                      char **ret, struct mtd_error *err);
/* Adds such a text, or NULL, to an object. */
int spec_foreign_add(const char *text, json_t *out, struct mtd_error *err);

static inline void cleanup_json(json_t **j)
{
    json_decref(*j);
}
#define auto_json __attribute__((cleanup(cleanup_json)))

#endif
