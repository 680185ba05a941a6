/* verb_check - system check: compares the records with the state of the machine. */

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "cli/print.h"
#include "cli/report.h"
#include "cli/verb.h"

struct check_values {
    bool repair;
};

static const struct option_row CHECK_OPTIONS[] = {
    {"repair", 0, OPTION_FLAG, offsetof(struct check_values, repair), NULL, NULL,
     "Repair what can be repaired"},
    OPTION_END,
};

/* Printed at once, so that findings before a failure are seen. */
static void print_finding(const struct mtd_finding *f, void *arg)
{
    auto_done(buf_done) struct buf line = {0};
    struct mtd_error *unwritten = arg;
    int rc = *f->id ? buf_printf(&line, "%.12s: ", f->id) : 0;
    if (rc == 0)
        rc = print_visible(&line, f->text, strlen(f->text), "");
    if (rc == 0)
        rc = buf_puts(&line, f->repaired ? ": repaired\n" : "\n");
    if (rc == 0)
        rc = print_out(&line, unwritten);
    mtd_fail_errno(rc < 0 ? unwritten : NULL, -rc, "cannot print");
}

static int run_check(struct cli *c, void *values, const struct operands *o)
{
    const struct check_values *v = values;
    struct mtd_error err = {0}, unwritten = {0};
    (void)o;
    int left = mtd_check(c->engine, v->repair, print_finding, &unwritten, &err);
    if (left < 0) {
        mtd_fail_errno(&err, -left, "cannot check the state");
        return report_error(c, STATUS_ENGINE, &err);
    }
    if (unwritten.code)
        return report_error(c, STATUS_ENGINE, &unwritten);
    return left > 0 ? STATUS_FAILED : 0;
}

const struct verb VERBS_CHECK[] = {
    {.name = "system check",
     .operands = "",
     .summary =
         "Compare the records with the state of this machine; status 1 = they differ",
     .group = GROUP_SYSTEM,
     .flags = VERB_AS_FOUND | VERB_EXISTING,
     .options = {{CHECK_OPTIONS}},
     .values_size = sizeof(struct check_values),
     .run = run_check},
    VERB_END,
};
