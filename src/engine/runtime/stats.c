/* `events --stats`: the figures that runc prints, as far as the groups have them. */

#include "engine/runtime/internal.h"

#include <errno.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "engine/cgroup/stats.h"

static json_int_t number(uint64_t n)
{
    return n == MTD_STAT_NONE ? 0 : (json_int_t)n;
}

int runtime_stats(const struct runtime *r, const char *id, struct buf *ret,
                  struct mtd_error *err)
{
    auto_done(runtime_close) struct container c;
    auto_done(cgroup_done) struct cgroup g = {0};
    struct mtd_stats st = {0};
    int rc = runtime_open(r, id, &c, err);
    if (rc == 0 && runtime_observe(&c) == RUNTIME_STOPPED)
        rc = mtd_fail(err, ESRCH, "container with id %s is not running", id);
    if (rc == 0)
        rc = runtime_groups(&c.record, &g, err);
    if (rc == 0)
        rc = stats_read(&g, c.record.pid, &st, err);
    if (rc < 0)
        return rc;
    json_t *o = json_pack(
        "{s:s, s:s, s:{s:{s:{s:I}, s:{s:I, s:I, s:I}}, s:{s:{s:I, s:I}, s:I}, s:{s:I, s:I}}}",
        "type", "stats", "id", id, "data", "cpu", "usage", "total", number(st.cpu_ns),
        "throttling", "periods", number(st.periods), "throttledPeriods",
        number(st.throttled_periods), "throttledTime", number(st.throttled_ns), "memory",
        "usage", "limit", number(st.memory_limit), "usage", number(st.memory), "cache",
        number(st.memory_cache), "pids", "current", number(st.pids), "limit",
        number(st.pids_limit));
    auto_free char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return text && buf_printf(ret, "%s\n", text) == 0
               ? 0
               : mtd_fail(err, ENOMEM, "out of memory");
}
