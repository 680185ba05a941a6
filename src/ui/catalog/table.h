/* catalog/table - rows of text with a cursor, marks, an order and a filter.
 * Shape   a row has a key, which the cursor and the marks belong to and not to a place, and
 *         for each column a text and, to sort figures by, a number.
 * Owner   the table copies texts; catalog_table_done() frees.
 */
#ifndef UI_CATALOG_TABLE_H
#define UI_CATALOG_TABLE_H

#include <regex.h>
#include <stdint.h>

#include "base/error.h"
#include "ui/draw/canvas.h"
#include "ui/model/scroll.h"

#define TABLE_COLUMNS 8

struct catalog_column {
    const char *title;
    int width; /* 0 = what the others leave */
    bool right;
    bool by_number;
    int need; /* shown from so many columns on */
};

struct catalog_row {
    char *key;
    char *text[TABLE_COLUMNS];
    uint64_t number[TABLE_COLUMNS];
    uint64_t size;
    bool used, marked;
};

struct catalog_table {
    const struct catalog_column *columns;
    size_t n_columns;
    struct catalog_row *rows;
    size_t len, cap;
    size_t *shown; /* indices of rows, in order */
    size_t n_shown;
    char at[160]; /* the key under the cursor; "" = the first */
    struct scroll scroll;
    size_t sort;
    bool reversed;
    char filter[128];
    regex_t regex;
    bool has_regex;
};

void catalog_table_init(struct catalog_table *t, const struct catalog_column *columns,
                        size_t n);
void catalog_table_done(struct catalog_table *t);
/* New rows in place of the old ones: begin, add each, end. Marks and cursor stay. */
void catalog_table_begin(struct catalog_table *t);
/* NULL = out of memory. Its texts are set by catalog_table_set(). */
struct catalog_row *catalog_table_add(struct catalog_table *t, const char *key);
void catalog_table_set(struct catalog_row *r, size_t column, const char *text,
                       uint64_t number);
void catalog_table_end(struct catalog_table *t);
/* -EINVAL: not a regular expression; the filter stays as it is. */
int catalog_table_filter(struct catalog_table *t, const char *text,
                         struct mtd_error *err);
/* By this column; again: reversed. */
void catalog_table_sort(struct catalog_table *t, size_t column);
struct catalog_row *catalog_table_selected(struct catalog_table *t); /* NULL = none */
/* The marked rows that are shown, or the one under the cursor. */
size_t catalog_table_targets(struct catalog_table *t, struct catalog_row **ret,
                             size_t max);
void catalog_table_mark_all(struct catalog_table *t, bool on);
/* true = the key moved the cursor, or marked. */
bool catalog_table_key(struct catalog_table *t, const struct key *k);
/* A line of titles, then rows. */
void catalog_table_draw(struct catalog_table *t, struct canvas *c, struct rect r);

#endif
