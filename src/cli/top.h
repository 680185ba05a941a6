/* top - what `top` shows of a process, and the options of ps that say so.
 * Shape   a format is a list of columns out of one table; top_parse_options() makes it out of
 *         what docker would hand to ps: "-ef", "aux", "-eo pid,comm".
 * Errors  0 or -errno; err names the option or the column that is not known.
 * Source  procps ps(1) "STANDARD FORMAT SPECIFIERS"; kernel filesystems/proc.rst.
 */
#ifndef CLI_TOP_H
#define CLI_TOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

struct top_process {
    int pid, ppid, pgid, sid, tty, tpgid, nice, priority, threads, cpu;
    char state, name[64];
    unsigned long long flags, cpu_ticks, start_ticks, vsize; /* vsize: bytes */
    int64_t rss;                                             /* pages */
    unsigned uid, gid;
    int64_t started_at, age; /* wall ns; seconds */
    bool locked;             /* it has pages locked in memory */
    char *command;           /* "sh -c x", or "[name]" where there is none */
};
/* -errno: it is gone. */
int top_process_read(pid_t pid, struct top_process *ret);
void top_process_done(struct top_process *p);

struct top_column {
    const char *title;
    int (*add)(const struct top_process *p, struct buf *out);
};
#define TOP_COLUMNS_MAX 32
struct top_format {
    struct top_column columns[TOP_COLUMNS_MAX];
    size_t n;
};
/* options: ps's, one word each; none = "-ef". One column is always the pid. */
int top_parse_options(char *const *options, size_t n, struct top_format *ret,
                      struct mtd_error *err);

#endif
