/* verb_top - top: the processes of a container, with their pids on the host. The columns
 * are those of `ps -ef`, or what its options say. While there are exec sessions, one
 * more column of the former says which process belongs to which. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/print.h"
#include "cli/report.h"
#include "cli/table.h"
#include "cli/top.h"
#include "cli/verb.h"

static const struct mtd_summary *find_summary(const struct mtd_list *list, const char *id)
{
    for (size_t i = 0; i < list->len; i++)
        if (strcmp(list->items[i].id, id) == 0)
            return &list->items[i];
    return NULL;
}

struct sessions {
    struct mtd_exec_info *items;
    int n;
};

/* What is shown of each process. */
struct view {
    struct top_format format;
    struct sessions sessions; /* none = no column for them */
};

/* Before the last column: the session, or a dash for who is in none. */
static int add_session(const struct view *v, pid_t pid, struct buf *out)
{
    pid_t leader = getsid(pid);
    for (int i = 0; v->sessions.items && i < v->sessions.n; i++)
        if (v->sessions.items[i].pid == leader)
            return buf_printf(out, "%.*s\t", MTD_SHORT_ID_LEN, v->sessions.items[i].id);
    return buf_puts(out, v->sessions.n > 0 ? "-\t" : "");
}

static int add_process(pid_t pid, const struct view *v, struct buf *out)
{
    auto_done(top_process_done) struct top_process p = {0};
    int rc = 0;
    if (top_process_read(pid, &p) < 0)
        return 0; /* it exited in the meantime */
    for (size_t i = 0; i < v->format.n && rc == 0; i++) {
        bool last = i + 1 == v->format.n;
        if (last)
            rc = add_session(v, pid, out);
        if (rc == 0)
            rc = v->format.columns[i].add(&p, out);
        if (rc == 0)
            rc = buf_putc(out, last ? '\n' : '\t');
    }
    return rc;
}

static int add_titles(const struct view *v, struct buf *out)
{
    int rc = 0;
    for (size_t i = 0; i < v->format.n && rc == 0; i++) {
        bool last = i + 1 == v->format.n;
        rc = buf_printf(out, "%s%s%c", last && v->sessions.n > 0 ? "EXEC\t" : "",
                        v->format.columns[i].title, last ? '\n' : '\t');
    }
    return rc;
}

static int list_pids(struct cli *c, const char *ref, const char *id, pid_t **ret,
                     struct mtd_error *err)
{
    auto_done(mtd_list_done) struct mtd_list list = {0};
    int n = mtd_list(c->engine, &list, err);
    const struct mtd_summary *s = n < 0 ? NULL : find_summary(&list, id);
    if (n == 0 && (!s || !mtd_state_is_live(s->state)))
        return mtd_fail(err, EBUSY, "%.80s is not running; start it first", ref);
    return n < 0 ? n : mtd_pids(c->engine, s, ret, err);
}

/* Sessions are read first: their processes are then in the list, or have exited. */
static int list_processes(struct cli *c, const struct operands *o, struct buf *out,
                          struct mtd_error *err)
{
    char id[MTD_ID_SIZE];
    auto_free pid_t *pids = NULL;
    auto_free struct mtd_exec_info *execs = NULL;
    struct view v = {.sessions = {0}};
    int n = top_parse_options(o->items + 1, o->len - 1, &v.format, err);
    if (n == 0)
        n = mtd_resolve(c->engine, o->items[0], id, err);
    if (n == 0 && o->len == 1)
        v.sessions.n = mtd_execs(c->engine, id, &execs, NULL);
    v.sessions.items = execs;
    n = n < 0 ? n : list_pids(c, o->items[0], id, &pids, err);
    int rc = n < 0 ? n : add_titles(&v, out);
    for (int i = 0; pids && i < n && rc == 0; i++)
        rc = add_process(pids[i], &v, out);
    return rc;
}

static int run_top(struct cli *c, void *values, const struct operands *o)
{
    struct mtd_error err = {0};
    auto_done(buf_done) struct buf text = {0}, aligned = {0};
    (void)values;
    int rc = list_processes(c, o, &text, &err);
    if (rc == 0)
        rc = table_align(text.data, text.len, &aligned);
    if (rc == 0)
        rc = print_out(&aligned, &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "%.80s", o->items[0]);
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

const struct verb VERBS_TOP[] = {
    {.name = "top",
     .operands = "CONTAINER [PS OPTIONS]",
     .summary = "Show the processes of a container",
     .group = GROUP_QUERY,
     .flags = VERB_READ_ONLY,
     .options = {.stop_at_operand = true},
     .min = 1,
     .max = VERB_MANY,
     .run = run_top},
    VERB_END,
};
