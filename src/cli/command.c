/* command - what can be refused is refused before anything is opened: options, operands
 * and the verb's own check come first, then the rights, then the engine. */

#include "cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/help.h"
#include "cli/report.h"

static int check_operands(const struct verb *v, const struct operands *o,
                          struct mtd_error *err)
{
    const char *what = NULL;
    size_t limit = v->min;
    if (o->len < v->min)
        what = v->min == v->max ? "needs" : "needs at least";
    else if (o->len > v->max)
        what = v->min == v->max ? "takes" : "takes at most", limit = v->max;
    if (!what)
        return 0;
    if (limit == 0)
        return mtd_fail(err, EINVAL,
                        "unexpected argument \"%.60s\"; usage: mytop-docker %s%s%s",
                        o->items[0], v->name, v->operands[0] ? " " : "", v->operands);
    return mtd_fail(err, EINVAL, "%s %zu argument%s; usage: mytop-docker %s %s", what,
                    limit, limit == 1 ? "" : "s", v->name, v->operands);
}

static int parse(const struct verb *v, int argc, char **argv, void *values,
                 struct operands *ret, struct mtd_error *err)
{
    int rc = options_parse(&v->options, argc, argv, values, ret, err);
    size_t n = strlen(err->text);
    if (rc < 0 && ret->unknown)
        snprintf(err->text + n, sizeof(err->text) - n,
                 "; 'mytop-docker %s --help' lists them", v->name);
    return rc;
}

static int open_engine(struct cli *c, const struct verb *v)
{
    struct mtd_error err = {0};
    struct mtd_options o = c->options;
    o.read_only = (v->flags & VERB_READ_ONLY) != 0;
    o.existing = (v->flags & VERB_EXISTING) != 0;
    o.as_found = (v->flags & VERB_AS_FOUND) != 0;
    int rc = mtd_open(&c->engine, &o, &err);
    if (rc < 0) {
        mtd_fail_errno(&err, -rc, "cannot open the state directory");
        return report_error(c, STATUS_ENGINE, &err);
    }
    return 0;
}

static int run_engine_verb(struct cli *c, const struct verb *v, void *values,
                           const struct operands *o)
{
    if (!(v->flags & VERB_ANYONE)) {
        if (geteuid() != 0)
            return report_fail(c, STATUS_ENGINE,
                               "this command must be run as root; use sudo");
        int status = open_engine(c, v);
        if (status)
            return status;
    }
    int status = v->run(c, values, o);
    mtd_close(c->engine);
    c->engine = NULL;
    return status;
}

/* What can be refused before anything is opened. As docker's statuses: a wrong option is 125, a
 * wrong number of arguments 1; what its daemon refuses is the command's failure, 1, but 125 of
 * run, and of create as far as options go. */
static int judge(const struct verb *v, int argc, char **argv, void *values,
                 struct operands *o, int *ret_status, struct mtd_error *err)
{
    int failed = v->flags & VERB_STARTS ? STATUS_ENGINE : STATUS_FAILED;
    int rc = parse(v, argc, argv, values, o, err);
    *ret_status = o->late ? failed : STATUS_ENGINE;
    if (rc < 0 || o->help)
        return rc;
    *ret_status = STATUS_FAILED;
    rc = check_operands(v, o, err);
    if (rc < 0 || !v->check)
        return rc;
    *ret_status = failed;
    return v->check(values, o, err);
}

static int run_verb(struct cli *c, const struct verb *v, int argc, char **argv,
                    void *values)
{
    struct operands o = {0};
    struct mtd_error err = {0};
    int status;
    int rc = judge(v, argc, argv, values, &o, &status, &err);
    if (rc < 0) {
        report_error(c, status, &err);
    } else if (o.help) {
        status = report_printed(c, help_verb(v, STDOUT_FILENO));
    } else {
        report_notes(c, &o);
        status = run_engine_verb(c, v, values, &o);
    }
    options_done(&v->options, values, &o);
    return status;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int command_run(struct cli *c, int argc, char **argv)
{
    int words = 0;
    const struct verb *v = verb_find(c->verbs, argc, argv, &words);
    c->verb = NULL;
    if (!v && verb_is_object(argv[0]) && (argc == 1 || is_help(argv[1])))
        return report_printed(
            c, help_object(c->verbs, argv[0], argc == 1 ? STDERR_FILENO : STDOUT_FILENO));
    if (!v)
        return report_unknown(c, argc, argv);
    c->verb = v;
    c->object = words == 2 ? argv[0] : NULL;
    if (v->flags & VERB_REFUSED)
        return report_fail(c, STATUS_FAILED, "%s", v->summary);
    auto_free void *values = calloc(1, v->values_size + 1);
    if (!values)
        return report_fail(c, STATUS_ENGINE, "out of memory");
    if (v->init)
        v->init(values);
    int status = run_verb(c, v, argc - words + 1, argv + words - 1, values);
    if (v->done)
        v->done(values);
    return status;
}
