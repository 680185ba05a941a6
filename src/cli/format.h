/* format - docker's --format: "table [TEMPLATE]", "json", or a Go template (template.h).
 * Shape   compiled once, then evaluated per row. A row is either a struct whose fields
 *         come from a table of getters (ps, images ...), or a JSON tree (inspect, info).
 * Errors  -EINVAL, err says what is wrong in which line and column of the template.
 *         Unknown fields are found when compiling where the fields are known.
 * Owner   format_done frees; fields are borrowed.
 * Source  docker/cli cli/command/formatter.
 */
#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

struct template;

struct format_field {
    const char *name;  /* docker's: "RunningFor" */
    const char *title; /* the table's header: "CREATED" */
    int (*get)(const void *row, struct buf *out);
    /* Instead of get: the field is a method, as in `.Label "key"`. */
    int (*get_key)(const void *row, const char *key, struct buf *out);
};
#define FORMAT_FIELDS_END \
    {                     \
        NULL, NULL, NULL  \
    }

enum format_kind { FORMAT_TABLE, FORMAT_JSON, FORMAT_TEMPLATE };
struct format {
    enum format_kind kind;
    struct template *template;
    const struct format_field *fields; /* NULL = rows are JSON trees */
    json_t *types;                     /* what docker's types say of a tree's fields */
};

/* text is the user's; NULL or "" = the default: the template `table`, or without fields
 * FORMAT_TABLE that prints nothing, for which the caller has its own output. */
int format_compile(struct format *ret, const char *text,
                   const struct format_field *fields, const char *table,
                   struct mtd_error *err);
void format_done(struct format *f);
/* Whether the template names the field; `json .` names none. */
bool format_uses(const struct format *f, const char *name);

/* One row, no newline. In a table the bytes of fields are made visible. */
int format_row(const struct format *f, const void *row, struct buf *out,
               struct mtd_error *err);
int format_json_row(const struct format *f, const json_t *row, struct buf *out,
                    struct mtd_error *err);
/* The template with titles for fields, no newline. */
int format_header(const struct format *f, struct buf *out);

#endif
