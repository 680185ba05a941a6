/* cli - from argv to one verb, to a script, or to the screen. */

#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/print.h"
#include "cli/script.h"
#include "cli/verb.h"

#ifndef MTD_VERSION
#define MTD_VERSION "0"
#endif

/* ---- one verb ---- */

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
    o.read_only = (v->flags & VERB_LOOKS) != 0;
    o.as_found = (v->flags & VERB_AS_FOUND) != 0;
    int rc = mtd_open(&c->engine, &o, &err);
    if (rc < 0) {
        mtd_fail_errno(&err, -rc, "cannot open the state directory");
        return cli_error(c, STATUS_ENGINE, &err);
    }
    return 0;
}

static int run_engine_verb(struct cli *c, const struct verb *v, void *values,
                           const struct operands *o)
{
    if (!(v->flags & VERB_ANYONE)) {
        if (geteuid() != 0)
            return cli_fail(c, STATUS_ENGINE,
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

static int run_verb(struct cli *c, const struct verb *v, int argc, char **argv,
                    void *values)
{
    struct operands o = {0};
    struct mtd_error err = {0};
    int status;
    int rc = parse(v, argc, argv, values, &o, &err);
    if (rc == 0 && o.help) {
        status = cli_printed(c, help_verb(v, STDOUT_FILENO));
    } else {
        if (rc == 0)
            rc = check_operands(v, &o, &err);
        if (rc == 0 && v->check)
            rc = v->check(values, &o, &err);
        status = rc < 0 ? cli_error(c, STATUS_ENGINE, &err)
                        : run_engine_verb(c, v, values, &o);
    }
    options_done(&v->options, values, &o);
    return status;
}

int cli_unknown(const struct cli *c, int argc, char **argv)
{
    bool object = verb_is_object(argv[0]);
    if (object && argc < 2)
        return cli_fail(
            c, STATUS_ENGINE,
            "\"%s\" needs a command after it; 'mytop-docker --help' lists them", argv[0]);
    return cli_fail(c, STATUS_ENGINE,
                    "unknown command \"%.60s%s%.60s\"; 'mytop-docker --help' lists them",
                    argv[0], object ? " " : "", object ? argv[1] : "");
}

int cli_command(struct cli *c, int argc, char **argv)
{
    int words = 0;
    const struct verb *v = verb_find(argc, argv, &words);
    c->verb = NULL;
    if (!v)
        return cli_unknown(c, argc, argv);
    c->verb = v;
    if (v->flags & VERB_REFUSED)
        return cli_fail(c, STATUS_ENGINE, "%s", v->summary);
    auto_free void *values = calloc(1, v->values_size + 1);
    if (!values)
        return cli_fail(c, STATUS_ENGINE, "out of memory");
    if (v->init)
        v->init(values);
    int status = run_verb(c, v, argc - words + 1, argv + words - 1, values);
    if (v->done)
        v->done(values);
    return status;
}

/* ---- the program ---- */

struct globals {
    const char *root, *run_root, *log_level;
    bool batch, keep_going, version;
};

static const struct option_row GLOBALS[] = {
    {"root", 0, OPTION_TEXT, offsetof(struct globals, root)},
    {"run-root", 0, OPTION_TEXT, offsetof(struct globals, run_root)},
    {"log-level", 'l', OPTION_TEXT, offsetof(struct globals, log_level)},
    {"batch", 0, OPTION_FLAG, offsetof(struct globals, batch)},
    {"keep-going", 0, OPTION_FLAG, offsetof(struct globals, keep_going)},
    {"version", 'v', OPTION_FLAG, offsetof(struct globals, version)},
    OPTION_END,
};

static int check_log_level(const char *level, struct mtd_error *err)
{
    static const char *const LEVELS[] = {"debug", "info", "warn", "error", "fatal"};
    for (size_t i = 0; i < ARRAY_SIZE(LEVELS); i++)
        if (!level || strcmp(level, LEVELS[i]) == 0)
            return 0;
    return mtd_fail(
        err, EINVAL,
        "--log-level: \"%.40s\" is not one of debug, info, warn, error, fatal", level);
}

/* The monitor works from "/", so a relative root has to be made absolute here. */
static char *absolute(const char *option, const char *variable)
{
    const char *path = option ? option : getenv(variable);
    if (!path || !*path)
        return NULL;
    auto_free char *cwd = path[0] == '/' ? strdup("") : getcwd(NULL, 0);
    char *all = NULL;
    if (!cwd || asprintf(&all, "%s%s%s", cwd, path[0] == '/' ? "" : "/", path) < 0)
        return NULL;
    return all;
}

/* `--batch FILE --keep-going` is as good as `--batch --keep-going FILE`. */
static int run_batch(struct cli *c, struct globals *g, const struct operands *o)
{
    int words;
    if (o->len > 0 && verb_find((int)o->len, o->items, &words))
        return cli_command(c, (int)o->len, o->items);
    size_t n = o->len;
    if (n > 1 && strcmp(o->items[n - 1], "--keep-going") == 0)
        g->keep_going = n--;
    const char *path = n ? o->items[0] : "-";
    struct stat st;
    if (n > 1 || (strcmp(path, "-") != 0 && !strchr(path, '/') && stat(path, &st) < 0))
        return cli_command(c, (int)o->len, o->items);
    return script_run(c, path, g->keep_going);
}

/* What is left belongs to the screen: its own options, or nothing. */
static int run_screen(struct cli *c, const struct operands *o)
{
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if (!c->screen || (!terminal && o->len == 0)) {
        help_program(STDERR_FILENO);
        return cli_fail(c, STATUS_ENGINE,
                        "the dashboard needs a terminal; give a command, or use --plain");
    }
    if (geteuid() != 0 && o->len == 0)
        return cli_fail(c, STATUS_ENGINE, "the dashboard must be run as root; use sudo");
    return c->screen(&c->options, (int)o->len, o->items);
}

static int dispatch(struct cli *c, struct globals *g, const struct operands *o)
{
    if (o->help)
        return cli_printed(c, help_program(STDOUT_FILENO));
    if (g->version)
        return cli_printed(c, print_line("mytop-docker version " MTD_VERSION));
    if (g->batch)
        return run_batch(c, g, o);
    if (o->len == 0 || o->items[0][0] == '-')
        return run_screen(c, o);
    return cli_command(c, (int)o->len, o->items);
}

int cli_main(int argc, char **argv, cli_screen_fn screen)
{
    static const struct option_set SET = {
        {GLOBALS}, .stop_at_operand = true, .stop_at_unknown = true};
    struct globals g = {0};
    struct operands o = {0};
    struct cli c = {.screen = screen};
    struct mtd_error err = {0};
    int rc = options_parse(&SET, argc, argv, &g, &o, &err);
    if (rc == 0)
        rc = check_log_level(g.log_level, &err);
    auto_free char *root = absolute(g.root, "MYTOP_DOCKER_ROOT");
    auto_free char *run_root = absolute(g.run_root, "MYTOP_DOCKER_RUN_ROOT");
    c.options.root = root;
    c.options.run_root = run_root;
    int status = rc < 0 ? cli_error(&c, STATUS_ENGINE, &err) : dispatch(&c, &g, &o);
    options_done(&SET, &g, &o);
    return status;
}
