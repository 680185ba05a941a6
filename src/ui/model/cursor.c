/* The cursor of the list. It follows an id, not a place: rows that come or go above must
 * not put another container under it. */
#include <string.h>

#include "ui/model/model.h"

const struct row *model_selected(const struct model *m)
{
    return m->cursor < m->n_shown ? m->shown[m->cursor] : NULL;
}

void model_select(struct model *m, size_t index)
{
    m->at_top = false;
    if (m->n_shown == 0) {
        m->cursor = 0;
        return;
    }
    m->cursor = index < m->n_shown ? index : m->n_shown - 1;
    memcpy(m->selected, m->shown[m->cursor]->s->id, sizeof(m->selected));
}

void model_move(struct model *m, int delta)
{
    long to = (long)m->cursor + delta;
    model_select(m, to > 0 ? (size_t)to : 0);
}

bool model_select_id(struct model *m, const char *id)
{
    for (size_t i = 0; i < m->n_shown; i++)
        if (strcmp(m->shown[i]->s->id, id) == 0) {
            model_select(m, i);
            return true;
        }
    return false;
}
