/* format - docker's --format: "table [TEMPLATE]", "json", or a Go template of the forms
 *         {{.Field}} {{.A.B}} {{json .X}}, literal text, \t and \n.
 * Shape   compiled once, then evaluated per row. A row is either a struct whose fields
 *         come from a table of getters (ps, images ...), or a JSON tree (inspect, info).
 * Errors  -EINVAL, err says what is wrong at which position (1 = the first character).
 *         Unknown fields are found when compiling where the fields are known.
 * Owner   format_done frees; fields are borrowed.
 * Source  docker/cli cli/command/formatter, Go text/template.
 */
#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

struct format_field {
    const char *name;  /* docker's: "RunningFor" */
    const char *title; /* the table's header: "CREATED" */
    int (*get)(const void *row, struct buf *out);
};
#define FORMAT_FIELDS_END \
    {                     \
        NULL, NULL, NULL  \
    }

enum format_kind { FORMAT_TABLE, FORMAT_JSON, FORMAT_TEMPLATE };
enum format_piece_kind { FORMAT_TEXT, FORMAT_VALUE, FORMAT_VALUE_JSON };
struct format_piece {
    enum format_piece_kind kind;
    char *text; /* literal text, or the path without its first dot; "" = the whole row */
    size_t at;  /* position in the template */
};
struct format {
    enum format_kind kind;
    struct format_piece *pieces;
    size_t n_pieces;
    const struct format_field *fields; /* NULL = rows are JSON trees */
};

/* text is the user's; NULL or "" = the default: the template `table`, or without fields
 * FORMAT_TABLE with no pieces, for which the caller has its own output. */
int format_compile(struct format *ret, const char *text,
                   const struct format_field *fields, const char *table,
                   struct mtd_error *err);
void format_done(struct format *f);

/* One row, no newline. */
int format_row(const struct format *f, const void *row, struct buf *out,
               struct mtd_error *err);
int format_json_row(const struct format *f, const json_t *row, struct buf *out,
                    struct mtd_error *err);

#endif
