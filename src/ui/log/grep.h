/* loggrep - the results of one pattern over the logs of many containers, grouped by
 * container and time; a part of the log view.
 * Bounds  at most LOGGREP_EACH hits of a container and LOGGREP_ALL in all are kept; it
 *         says so when there are more.
 */
#ifndef UI_LOG_GREP_H
#define UI_LOG_GREP_H

#include "ui/view/view.h"

#define LOGGREP_EACH 1000u
#define LOGGREP_ALL 10000u

struct loggrep;
/* NULL: err says why. */
struct loggrep *loggrep_new(struct mtd_engine *e,
                            const struct mtd_summary *const *containers, size_t n,
                            const char *pattern, struct mtd_error *err);
void loggrep_free(struct loggrep *g);
bool loggrep_work(struct loggrep *g, size_t budget); /* true = there is more to do */
void loggrep_draw(struct loggrep *g, struct canvas *c, struct rect r, bool focused);
bool loggrep_key(struct loggrep *g, const struct key *k);
void loggrep_status(const struct loggrep *g, char *out, size_t size);
struct loggrep_hit {
    const char *id, *text;
    int64_t time;
    unsigned nth; /* among the container's hits of that time, from 0 */
};
/* The one under the cursor. false = there is none. */
bool loggrep_chosen(const struct loggrep *g, struct loggrep_hit *ret);
const struct logindex_query *loggrep_query(const struct loggrep *g);

#endif
