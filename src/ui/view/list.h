/* list - draws the containers: headings and rows. */
#ifndef UI_VIEW_LIST_H
#define UI_VIEW_LIST_H

#include "ui/draw/canvas.h"
#include "ui/model/columns.h"
#include "ui/model/model.h"

struct list_style {
    unsigned columns; /* bits 1 << enum column */
    int64_t now_ns;
    bool focused;
};
/* *top is moved so that the cursor is seen. headings or rows may have 0 rows. */
void list_draw(const struct model *m, struct canvas *c, struct rect headings,
               struct rect rows, const struct list_style *style, size_t *top);
/* The column at a position of the headings, -1 = none. */
int list_column_at(const struct model *m, const struct list_style *style, int cols,
                   int col);
/* Shape and colour of a state; failed = ended, but not with status 0. */
enum shape list_state_shape(const struct mtd_summary *s);
enum color list_state_color(const struct mtd_summary *s);

#endif
