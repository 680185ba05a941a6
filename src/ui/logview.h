/* logview - the log of the selected container (tab 1).
 * Owner   view_free() frees.
 */
#ifndef UI_LOGVIEW_H
#define UI_LOGVIEW_H

#include "ui/view.h"

struct view *logview_new(const struct host *host);
/* Shows the record that begins at wall time time_ns; follow stops. */
void logview_goto(struct view *v, int64_t time_ns);

#endif
