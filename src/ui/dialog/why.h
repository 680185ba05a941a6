/* why - the card of a container that ended: why, with the last of its log. */
#ifndef UI_DIALOG_WHY_H
#define UI_DIALOG_WHY_H

#include "ui/screen/state.h"

void why_open(struct ui *ui); /* of the selected one */
/* The text of the card; also for tests. */
int why_text(const struct ui *ui, const struct mtd_summary *s, struct buf *ret);

#endif
