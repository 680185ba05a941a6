/* table - rows of a listing, printed as docker prints them.
 * Shape   a table is collected, then aligned: columns are as wide as their widest cell
 *         plus three spaces, at least ten. json and templates are one line per row.
 * Errors  -errno; err says what failed.
 * Owner   table_done frees.
 * Source  docker/cli cli/command/formatter: its settings of Go's text/tabwriter.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "cli/format.h"

struct table {
    struct format format;
    struct buf text; /* cells separated by '\t', rows by '\n' */
};

/* format is the user's (NULL = the default table); columns is the default's template. */
int table_init(struct table *t, const char *format, const struct format_field *fields,
               const char *columns, struct mtd_error *err);
int table_add(struct table *t, const void *row, struct mtd_error *err);
/* Prints to stdout; the table is empty afterwards and can be filled again. */
int table_print(struct table *t, struct mtd_error *err);
void table_done(struct table *t);

/* Aligns tab-separated lines. */
int table_align(const char *text, size_t len, struct buf *out);

#endif
