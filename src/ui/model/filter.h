/* filter - what was typed after "/": finds containers by anything.
 * Shape   words "key:value" (all must hold) and the rest, one extended regular expression
 *         case-insensitive, on name, id, image, state and command.
 * Keys    name id img image state mnt label pid port health; a host pid finds the
 *         container it runs in, a port (TCP or UDP) the one that listens on it, also in
 *         the host's network. "!state:exited" negates.
 * Figures "cpu>10" (percent of a core), "mem>80%" (of its limit) or "mem>200m", "pids>=20",
 *         "restarts>2", "age<5m" (since it was created), "exit=137"; what is not known
 *         matches nothing.
 * Errors  -EINVAL, err says what is wrong; the filter is unchanged then.
 */
#ifndef UI_MODEL_FILTER_H
#define UI_MODEL_FILTER_H

#include <regex.h>

#include "engine/types.h"

#define FILTER_TERMS 8
struct filter_term {
    int key; /* index into the table of keys */
    bool negated;
    char compare;  /* '<', '>', 'l' (<=), 'g' (>=), '='; 0 = not by a figure */
    bool of_limit; /* the number is in percent of the limit */
    double number;
    char value[128];
    char found[4096]; /* pid:, port: the cgroup files of those processes */
};

struct filter {
    char text[256]; /* as typed; "" = everything passes */
    struct filter_term *terms;
    size_t n_terms;
    regex_t regex;
    bool has_regex;
};
int filter_set(struct filter *f, const char *text, struct mtd_error *err);
/* What the list knows beyond the record; < 0 = not known. */
struct filter_figures {
    double cpu, memory, pids;
    int64_t now_ns; /* wall */
};
bool filter_match(const struct filter *f, const struct mtd_summary *s,
                  const struct filter_figures *figures);
bool filter_wants_figures(const struct filter *f); /* of every container */
void filter_done(struct filter *f);

#endif
