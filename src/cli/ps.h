/* ps - the fields, texts and filters of `ps`, as docker has them.
 * Shape   struct ps_row is the row of a table (table.h) with the fields PS_FIELDS.
 * Errors  -errno; err says what is wrong with a filter.
 * Source  docker/cli formatter/container.go, moby container/state.go.
 */
#ifndef CLI_PS_H
#define CLI_PS_H

#include "cli/format.h"
#include "cli/options.h"
#include "engine/engine.h"

struct ps_row {
    const struct mtd_summary *container;
    int64_t now; /* wall ns */
    bool no_trunc;
    bool has_size;
    uint64_t size, virtual_size; /* bytes: its own layer; with the image */
};

extern const struct format_field PS_FIELDS[];
#define PS_TABLE                                                                    \
    "{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t" \
    "{{.Names}}"
#define PS_TABLE_SIZE PS_TABLE "\t{{.Size}}"

/* "Up 3 minutes (healthy)", "Exited (137) 2 hours ago" */
int ps_status(const struct mtd_summary *s, int64_t now, struct buf *out);
int ps_short_id(const char *id, bool no_trunc, struct buf *out);

/* ---- filters: values of one key are alternatives, but of label; all keys must hold ---- */

struct ps_filter {
    const char *key, *value; /* borrowed but for key */
};
struct ps_filters {
    struct ps_filter *items;
    size_t len;
    bool all;              /* a filter asks about containers that are not running */
    int64_t before, since; /* created_at of the container named; -1 = none */
    struct strv names;     /* of networks that were given by their ids */
};
int ps_filters_parse(const struct option_list *list, struct ps_filters *ret,
                     struct mtd_error *err);
/* `before` and `since` name containers of the list, `network` may be an id. */
int ps_filters_resolve(struct ps_filters *f, struct mtd_engine *e,
                       const struct mtd_list *list, struct mtd_error *err);
bool ps_filters_match(const struct ps_filters *f, const struct mtd_summary *s);
void ps_filters_done(struct ps_filters *f);

#endif
