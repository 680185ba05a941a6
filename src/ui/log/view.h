/* logview - the Logs tab: a container's log, the logs of several merged by time, or the
 * results of `:grep`.
 * Owner   view_free() frees. Summaries are only read during the call.
 */
#ifndef UI_LOG_VIEW_H
#define UI_LOG_VIEW_H

#include "ui/view/view.h"

struct view *logview_new(const struct surroundings *around);

/* Pauses at the selected container's first line stamped time_ns or later, and marks
 * it. */
void logview_goto(struct view *view, int64_t time_ns);

/* Shows several logs merged (at most LOG_SOURCES of them), until another call; n < 2: the
 * selected container's again. Cheap when these are shown already, in whatever order. */
void logview_merge(struct view *view, const struct mtd_summary *const *s, size_t n);

/* Whether hits are shown, which belong to no single container. */
bool logview_shows_grep(const struct view *view);

/* Searches all these logs and shows the hits, until Esc; Enter jumps to one. */
void logview_grep(struct view *view, const struct mtd_summary *const *s, size_t n,
                  const char *pattern);

#endif
