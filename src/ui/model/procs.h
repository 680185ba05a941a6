/* procs - one container's processes out of /proc: host pid, pid inside, owner, figures.
 * Owner   procs_done frees. Errors -errno.
 */
#ifndef UI_MODEL_PROCS_H
#define UI_MODEL_PROCS_H

#include "engine/engine.h"

struct proc_info {
    pid_t pid, inner; /* inner 0 = not known */
    uid_t uid;
    char user[33]; /* its name on the host, else the number */
    char state;
    uint64_t start; /* clock ticks since boot: with pid the identity */
    uint64_t cpu_ticks;
    uint64_t rss;      /* bytes */
    float cpu;         /* percent of a core since the last reading, -1 = not known */
    char command[160]; /* argv with blanks, or [comm] */
};
struct procs {
    struct proc_info *items;
    size_t len;
    int64_t taken_at; /* monotonic ns */
};
int procs_read(struct procs *p, struct mtd_engine *e, const struct mtd_summary *s);
void procs_done(struct procs *p);

#endif
