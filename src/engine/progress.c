/* The front end is called each time: it knows how often it wants to show something. */

#include "engine/progress.h"

#include <stddef.h>

void mtd_progress_report(const struct mtd_progress *p, const struct mtd_progress_step *s)
{
    if (p)
        p->report(p->arg, s);
}

void mtd_progress_set(struct mtd_progress_item *i, uint64_t done)
{
    if (!i)
        return;
    i->step.done = done;
    mtd_progress_report(i->to, &i->step);
}

void mtd_progress_add(struct mtd_progress_item *i, uint64_t more)
{
    if (i)
        mtd_progress_set(i, i->step.done + more);
}

void mtd_progress_finish(struct mtd_progress_item *i)
{
    if (!i)
        return;
    i->step.finished = true;
    mtd_progress_set(i, i->step.done);
}
