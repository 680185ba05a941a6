/* table - rows are kept as text until the last one is known: only then are the widths. */

#include "cli/table.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/print.h"

#define CELL_MIN 10
#define CELL_PADDING 3
#define COLUMNS_MAX 64

int table_init(struct table *t, const char *format, const struct format_field *fields,
               const char *columns, struct mtd_error *err)
{
    *t = (struct table){0};
    return format_compile(&t->format, format, fields, columns, err);
}

int table_add(struct table *t, const void *row, struct mtd_error *err)
{
    int rc = format_row(&t->format, row, &t->text, err);
    if (rc == 0)
        rc = buf_putc(&t->text, '\n');
    return rc == -ENOMEM ? mtd_fail(err, ENOMEM, "out of memory") : rc;
}

/* The last cell of a line is not followed by a tab and counts for no column. */
static void measure(const char *text, size_t len, size_t widths[COLUMNS_MAX])
{
    for (size_t start = 0, column = 0, i = 0; i < len; i++) {
        if (text[i] != '\t' && text[i] != '\n')
            continue;
        size_t width = print_width(text + start, i - start) + CELL_PADDING;
        if (text[i] == '\t' && width > widths[column])
            widths[column] = width;
        column = text[i] == '\n' ? 0 : column + (column + 1 < COLUMNS_MAX);
        start = i + 1;
    }
}

int table_align(const char *text, size_t len, struct buf *out)
{
    size_t widths[COLUMNS_MAX];
    for (size_t i = 0; i < COLUMNS_MAX; i++)
        widths[i] = CELL_MIN;
    measure(text, len, widths);
    int rc = 0;
    for (size_t start = 0, column = 0, i = 0; i < len && rc == 0; i++) {
        if (text[i] != '\t' && text[i] != '\n')
            continue;
        rc = buf_add(out, text + start, i - start);
        if (rc == 0 && text[i] == '\n')
            rc = buf_putc(out, '\n');
        else if (rc == 0)
            rc = buf_printf(out, "%*s",
                            (int)(widths[column] - print_width(text + start, i - start)),
                            "");
        column = text[i] == '\n' ? 0 : column + (column + 1 < COLUMNS_MAX);
        start = i + 1;
    }
    return rc;
}

int table_print(struct table *t, struct mtd_error *err)
{
    auto_done(buf_done) struct buf all = {0}, aligned = {0};
    int rc = 0;
    if (t->format.kind != FORMAT_TABLE) {
        rc = print_out(&t->text, err);
    } else {
        rc = format_header(&t->format, &all);
        if (rc == 0)
            rc = buf_putc(&all, '\n');
        if (rc == 0 && t->text.len)
            rc = buf_add(&all, t->text.data, t->text.len);
        if (rc == 0)
            rc = table_align(all.data, all.len, &aligned);
        if (rc == 0)
            rc = print_out(&aligned, err);
    }
    buf_done(&t->text);
    t->text = (struct buf){0};
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot print the table") : 0;
}

void table_done(struct table *t)
{
    format_done(&t->format);
    buf_done(&t->text);
}
