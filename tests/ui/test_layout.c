/* Properties of the layout and of the columns, for every size a terminal may have. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/model/columns.h"
#include "ui/model/layout.h"

enum { MAX_ROWS = 80, MAX_COLS = 250 };

static bool meet(const struct rect *a, const struct rect *b)
{
    return a->row < b->row + b->rows && b->row < a->row + a->rows &&
           a->col < b->col + b->cols && b->col < a->col + a->cols;
}

/* Inside, none over another, and all together as big as the screen. */
static void check_rects(const struct layout *l, int rows, int cols)
{
    const struct rect *all[] = {&l->header, &l->headings, &l->list,   &l->tabs,
                                &l->detail, &l->footer,   &l->divider};
    int area = 0;
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        const struct rect *r = all[i];
        cr_assert(r->rows >= 0 && r->cols >= 0, "%dx%d: rect %zu negative", rows, cols,
                  i);
        if (r->rows == 0)
            continue;
        area += r->rows * r->cols;
        cr_assert(r->row >= 0 && r->row + r->rows <= rows && r->col >= 0 &&
                      r->col + r->cols <= cols,
                  "%dx%d: rect %zu outside", rows, cols, i);
        for (size_t j = 0; j < i; j++)
            cr_assert_not(meet(r, all[j]), "%dx%d: rects %zu and %zu", rows, cols, i, j);
    }
    cr_assert_eq(area, rows * cols, "%dx%d: cells are left over", rows, cols);
}

Test(layout, side_by_side_where_it_is_wide)
{
    struct layout l = layout_compute(50, 200, 10, PANE_BOTH, PANE_LIST);
    cr_expect_eq(l.list.row, 2);
    cr_expect_eq(l.detail.row, 2);
    cr_expect_gt(l.detail.col, l.list.cols);
    l = layout_compute(50, LAYOUT_WIDE - 1, 10, PANE_BOTH, PANE_LIST);
    cr_expect_eq(l.detail.col, 0);
    l = layout_compute(50, 200, 10, PANE_DETAIL, PANE_DETAIL);
    cr_expect_eq(l.detail.cols, 200, "zoomed it has the screen");
}

Test(layout, every_cell_belongs_to_exactly_one_part)
{
    static const int ROWS_WANTED[] = {0, 1, 7, 1000};
    for (int rows = 1; rows <= MAX_ROWS; rows++)
        for (int cols = 1; cols <= MAX_COLS; cols++)
            for (size_t n = 0; n < ARRAY_SIZE(ROWS_WANTED); n++)
                for (int want = PANE_BOTH; want <= PANE_DETAIL; want++)
                    for (int other = PANE_BOTH; other <= PANE_DETAIL; other++) {
                        struct layout l =
                            layout_compute(rows, cols, ROWS_WANTED[n], (enum pane)want,
                                           (enum pane)other);
                        check_rects(&l, rows, cols);
                    }
}

Test(layout, something_to_look_at_is_always_there)
{
    for (int rows = 1; rows <= MAX_ROWS; rows++) {
        struct layout l = layout_compute(rows, 80, 10, PANE_LIST, PANE_LIST);
        cr_expect_gt(l.list.rows, 0, "%d rows", rows);
        l = layout_compute(rows, 80, 10, PANE_DETAIL, PANE_DETAIL);
        cr_expect_gt(l.detail.rows, 0, "%d rows", rows);
        l = layout_compute(rows, 80, 10, PANE_BOTH, PANE_LIST);
        cr_expect_gt(l.list.rows, 0, "%d rows", rows);
        cr_expect(rows < 16 || l.detail.rows > l.list.rows, "%d rows", rows);
    }
}

static void check_columns(const struct columns *c, int cols)
{
    int width[COLUMN_COUNT], sum = -1;
    int used = columns_fit(c, cols, width);
    for (int i = 0; i < COLUMN_COUNT; i++) {
        cr_assert_geq(width[i], 0);
        cr_assert(width[i] == 0 || c->enabled & 1u << i);
        sum += width[i] ? width[i] + 1 : 0;
    }
    cr_assert_eq(used, sum);
    cr_assert_leq(used, cols, "%d columns", cols);
    cr_assert_gt(width[COLUMN_STATE], 0, "the state is always shown");
}

Test(columns, never_more_than_there_is_room)
{
    struct columns c = {.enabled = columns_default()};
    struct columns all = {.enabled = (1u << COLUMN_COUNT) - 1};
    for (int i = 0; i < COLUMN_COUNT; i++)
        all.longest[i] = 300;
    for (int cols = 1; cols <= 500; cols++) {
        check_columns(&c, cols);
        check_columns(&all, cols);
    }
}

Test(columns, the_name_goes_last)
{
    struct columns c = {.enabled = columns_default()};
    int width[COLUMN_COUNT];
    columns_fit(&c, 20, width);
    cr_expect_geq(width[COLUMN_NAME], 8);
    cr_expect_eq(width[COLUMN_COMMAND], 0);
    cr_expect_eq(width[COLUMN_HIST], 0);
    columns_fit(&c, 6, width);
    cr_expect_eq(width[COLUMN_NAME], 3);
    columns_fit(&c, 1, width);
    cr_expect_eq(width[COLUMN_NAME], 0);
    cr_expect_eq(width[COLUMN_STATE], 1);
}

Test(columns, a_list_of_names)
{
    unsigned bits = 0;
    cr_expect_eq(columns_parse("cpu, memory", &bits), 0);
    cr_expect_eq(bits, 1u << COLUMN_STATE | 1u << COLUMN_NAME | 1u << COLUMN_CPU |
                           1u << COLUMN_MEMORY);
    cr_expect_lt(columns_parse("cpu,nonsense", &bits), 0);
}
