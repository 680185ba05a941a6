/* tabs - the views of the detail; the log's is log/view.h.
 * Owner   the model is borrowed and outlives them. view_free() frees.
 */
#ifndef UI_VIEW_TABS_H
#define UI_VIEW_TABS_H

#include "ui/model/model.h"
#include "ui/view/view.h"

struct view *stats_view_new(const struct host *host, const struct model *m);
struct view *top_view_new(const struct host *host);
struct view *inspect_view_new(const struct host *host);
struct view *diff_view_new(const struct host *host);
struct view *events_view_new(const struct host *host);

#endif
