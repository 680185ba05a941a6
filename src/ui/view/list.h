/* list - draws the containers: headings and rows. */
#ifndef UI_VIEW_LIST_H
#define UI_VIEW_LIST_H

#include "ui/draw/canvas.h"
#include "ui/model/columns.h"
#include "ui/model/model.h"
#include "ui/term/keys.h"

struct list_setup {
    const struct keys *keys; /* for advice; only list_draw() looks */
    unsigned columns;        /* bits 1 << enum column */
    int64_t now_ns;
    bool focused;
    struct rect headings, rows; /* either may have 0 rows */
};
/* *top is moved so that the cursor is seen. */
void list_draw(const struct model *m, const struct list_setup *setup, struct canvas *c,
               size_t *top);
/* The column at a position of the headings, -1 = none. */
int list_column_at(const struct model *m, const struct list_setup *setup, int col);

#endif
