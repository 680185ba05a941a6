/* verb_exec - exec: another command in a running container. */

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cli/report.h"
#include "cli/session.h"
#include "cli/spec_env.h"
#include "cli/verb.h"

struct exec_values {
    struct mtd_exec exec;
    struct option_list env, env_files;
    bool sig_proxy;
};

static int set_tty_stdin(void *field, const char *value, struct mtd_error *err)
{
    bool on = true;
    if (value && parse_bool(value, &on) < 0)
        return mtd_fail(err, EINVAL, "\"%.60s\" is not true or false", value);
    struct mtd_exec *x = field;
    x->tty = x->with_stdin = on;
    return 0;
}

#define FIELD(f) offsetof(struct exec_values, f)
static const struct option_row EXEC_OPTIONS[] = {
    {"detach", 'd', OPTION_FLAG, FIELD(exec.detach), NULL, NULL, "Run in the background"},
    {"detach-keys", 0, OPTION_TEXT, FIELD(exec.detach_keys), NULL, "KEYS",
     "Keys that detach (default ctrl-p,ctrl-q; \"\" = none)"},
    {"env", 'e', OPTION_LIST, FIELD(env), NULL, "NAME[=VALUE]",
     "Set an environment variable; NAME alone copies the caller's"},
    {"env-file", 0, OPTION_LIST, FIELD(env_files), NULL, "FILE",
     "Read environment variables from a file"},
    {"interactive", 'i', OPTION_FLAG, FIELD(exec.with_stdin), NULL, NULL,
     "Keep stdin open"},
    {"privileged", 0, OPTION_FLAG, FIELD(exec.privileged), NULL, NULL,
     "Give the command all capabilities"},
    {"sig-proxy", 0, OPTION_FLAG, FIELD(sig_proxy), NULL, NULL,
     "Forward signals to the command (default true); otherwise they end it"},
    {"tty", 't', OPTION_FLAG, FIELD(exec.tty), NULL, NULL, "Give the command a terminal"},
    {"user", 'u', OPTION_TEXT, FIELD(exec.user), NULL, "USER[:GROUP]",
     "Run as this user"},
    {"workdir", 'w', OPTION_TEXT, FIELD(exec.cwd), NULL, "PATH",
     "The command's working directory"},
    {"ti", 0, OPTION_MARK, FIELD(exec), set_tty_stdin},
    {"it", 0, OPTION_MARK, FIELD(exec), set_tty_stdin},
    {"containerId", 0, OPTION_FIRST},
    OPTION_END,
};

static void init_exec(void *values)
{
    struct exec_values *v = values;
    v->exec.in = STDIN_FILENO;
    v->exec.out = STDOUT_FILENO;
    v->exec.err = STDERR_FILENO;
    v->sig_proxy = true;
}

static void done_exec(void *values)
{
    struct exec_values *v = values;
    strv_done(&v->exec.args);
    strv_done(&v->exec.env);
}

static int check_exec(void *values, const struct operands *o, struct mtd_error *err)
{
    struct exec_values *v = values;
    struct mtd_exec *x = &v->exec;
    for (size_t i = 1; i < o->len; i++)
        if (strv_add(&x->args, o->items[i]) < 0)
            return mtd_fail(err, ENOMEM, "out of memory");
    int rc = session_check_keys(x->detach_keys, err);
    return rc < 0 ? rc : spec_env(&x->env, &v->env_files, &v->env, err);
}

static int run_exec(struct cli *c, void *values, const struct operands *o)
{
    struct exec_values *v = values;
    struct mtd_error err = {0};
    int status = 0;
    v->exec.keep_signals = !v->sig_proxy;
    if (!v->exec.detach)
        status = session_check_tty(c, v->exec.tty, v->exec.with_stdin);
    if (status)
        return status;
    const char *cwd = v->exec.cwd;
    if (cwd && *cwd && *cwd != '/')
        return report_fail(c, STATUS_NO_EXEC,
                           "--workdir: \"%.80s\" must be an absolute path", cwd);
    int rc = mtd_exec(c->engine, o->items[0], &v->exec, &status, &err);
    if (rc < 0) {
        mtd_fail_errno(&err, -rc, "cannot run in %.80s", o->items[0]);
        return report_error(c, STATUS_FAILED, &err);
    }
    if (err.code)
        report_error(c, status, &err);
    return status == MTD_DETACHED ? 0 : status;
}

const struct verb VERBS_EXEC[] = {
    {.name = "exec",
     .operands = "CONTAINER COMMAND [ARG...]",
     .summary = "Run a command in a running container",
     .group = GROUP_RUN,
     .flags = VERB_EXISTING,
     .options = {{EXEC_OPTIONS}, .stop_at_operand = true},
     .values_size = sizeof(struct exec_values),
     .min = 2,
     .max = VERB_MANY,
     .init = init_exec,
     .check = check_exec,
     .run = run_exec,
     .done = done_exec},
    VERB_END,
};
