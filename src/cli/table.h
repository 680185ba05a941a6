/* table - rows of a listing, printed as docker prints them.
 * Shape   a table is collected and aligned (columns as wide as their widest cell plus
 *         three blanks, at least ten: Go's tabwriter as docker sets it up); json and
 *         templates are one line per row.
 * Owner   table_done frees.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "cli/format.h"

struct table {
    struct format format;
    struct buf text; /* cells separated by '\t', rows by '\n' */
};

/* format: what the user gave (NULL = the default table). */
int table_init(struct table *t, const char *format, const struct format_field *fields,
               const char *columns, struct mtd_error *err);
int table_add(struct table *t, const void *row, struct mtd_error *err);
/* To stdout; the table is empty afterwards and can be filled again. */
int table_print(struct table *t, struct mtd_error *err);
void table_done(struct table *t);

/* Aligns tab-separated lines. */
int table_align(const char *text, size_t len, struct buf *out);

#endif
