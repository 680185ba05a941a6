/* What all dialogs have in common: which container they are about. */
#include "ui/dialog/modal.h"

#include <stdio.h>
#include <string.h>

void modal_set_about(struct modal *m, const struct row *r)
{
    if (!m || !r)
        return;
    memcpy(m->about, r->s->id, sizeof(m->about));
    snprintf(m->about_name, sizeof(m->about_name), "%s",
             r->s->name ? r->s->name : r->s->id);
}
