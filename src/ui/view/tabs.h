/* tabs - the views of the detail; the log's is log/view.h.
 * Owner   the surroundings are borrowed and outlive them. view_free() frees.
 */
#ifndef UI_VIEW_TABS_H
#define UI_VIEW_TABS_H

#include "ui/view/view.h"

struct view *stats_view_new(const struct surroundings *around);
struct view *top_view_new(const struct surroundings *around);
struct view *inspect_view_new(const struct surroundings *around);
struct view *diff_view_new(const struct surroundings *around);
struct view *events_view_new(const struct surroundings *around);

#endif
