/* notes - what is said about a container in the cells of its row that have no figures: why
 * it ended and the last line it wrote; of an unhealthy one what its probe says.
 * Rule    reads files: called after figures were taken, never while drawing. A stopped
 *         container's files are read once per end.
 */
#ifndef UI_MODEL_NOTES_H
#define UI_MODEL_NOTES_H

#include "base/buf.h"
#include "ui/model/model.h"

/* Those of the shown rows first..first+n. */
void notes_read(struct model *m, struct mtd_engine *e, size_t first, size_t n);
bool notes_is_missing(const struct row *r); /* it would have one after notes_read() */

/* The last lines of its log as the log view shows them, without colours, each with '\n' and
 * behind out_mark or err_mark, by stream. Returns how many, or -errno. */
int notes_last_lines(struct mtd_engine *e, const char *id, unsigned lines,
                     const char *out_mark, const char *err_mark, struct buf *ret);

#endif
