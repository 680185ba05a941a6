/* each - a verb over several containers or images: after a failure the others follow, and
 *         failures are reported when all are done, as docker does.
 * Errors  0, or STATUS_FAILED when one of them failed.
 */
#ifndef CLI_EACH_H
#define CLI_EACH_H

#include "cli/verb.h"

/* ref is what the user typed. 0, or -errno with err; EACH_QUIET = no failure, but err is
 * told in place of the name. */
#define EACH_QUIET 3
typedef int (*each_fn)(struct cli *c, const char *ref, const void *values,
                       struct mtd_error *err);

/* echo: prints what the user typed after each success. */
int each_in_turn(struct cli *c, const struct operands *o, const void *values, each_fn fn,
                 bool echo);

/* The same in child processes, at most so many at a time: ten containers that each take
 * ten seconds to stop take ten seconds. What fn prints comes as it happens; echo keeps the
 * order. */
#define EACH_USUAL 32
int each_at_once(struct cli *c, const struct operands *o, const void *values, each_fn fn,
                 bool echo, size_t at_most);

#endif
