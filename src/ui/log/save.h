/* logsave - writes the lines a log view shows into a file, in pieces.
 * Rule    the file must not exist yet, and is there when it is complete; what the container
 *         wrote goes there as it is.
 */
#ifndef UI_LOG_SAVE_H
#define UI_LOG_SAVE_H

#include "ui/log/merge.h"

struct logsave;
struct logsave_spec {
    const char *path;
    const struct logsources *logs; /* borrowed until logsave_free() */
    const char *const *names; /* put before lines when there are several logs; copied */
    const struct logplace *from;
    const char *hide; /* pattern; NULL = all lines */
    bool times;
};
int logsave_new(struct logsave **ret, const struct logsave_spec *spec,
                struct mtd_error *err);
/* -EAGAIN = there is more; 0 = done; else -errno with err. */
int logsave_work(struct logsave *s, size_t budget, struct mtd_error *err);
uint64_t logsave_lines(const struct logsave *s);
const char *logsave_path(const struct logsave *s);
void logsave_free(struct logsave *s);

#endif
