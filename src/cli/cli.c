/* cli - from argv to one command, a script or the dashboard. The global options come
 * first and end at the first word that is none of them: what follows belongs to the verb
 * or to the dashboard. */

#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/inherit.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/oci.h"
#include "cli/print.h"
#include "cli/report.h"
#include "cli/script.h"
#include "cli/verb.h"

#ifndef MTD_VERSION
#define MTD_VERSION "0"
#endif

struct globals {
    const char *root, *run_root, *log_level;
    bool batch, keep_going, version, debug;
    const char *config; /* of the dashboard; docker's client has one as well */
    char **argv;        /* the process's */
};

#define NO_DAEMON "ignored; there is no daemon to connect to"

static const struct option_row GLOBALS[] = {
    {"root", 0, OPTION_TEXT, offsetof(struct globals, root)},
    {"run-root", 0, OPTION_TEXT, offsetof(struct globals, run_root)},
    {"config", 0, OPTION_TEXT, offsetof(struct globals, config)},
    {"context", 'c', OPTION_IGNORE, 0, NULL, "NAME", NO_DAEMON},
    {"debug", 'D', OPTION_FLAG, offsetof(struct globals, debug)},
    {"host", 'H', OPTION_IGNORE, 0, NULL, "SOCKET", NO_DAEMON},
    {"tls", 0, OPTION_IGNORE, 0, NULL, NULL, NO_DAEMON},
    {"tlscacert", 0, OPTION_IGNORE, 0, NULL, "FILE", NO_DAEMON},
    {"tlscert", 0, OPTION_IGNORE, 0, NULL, "FILE", NO_DAEMON},
    {"tlskey", 0, OPTION_IGNORE, 0, NULL, "FILE", NO_DAEMON},
    {"tlsverify", 0, OPTION_IGNORE, 0, NULL, NULL, NO_DAEMON},
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

/* The monitor's working directory is "/", so a relative root is made absolute here. NULL =
 * the default. */
static int absolute(const char *option, const char *variable, char **ret,
                    struct mtd_error *err)
{
    const char *path = option ? option : getenv(variable);
    int rc = path && *path ? fs_absolute(path, ret) : 0;
    if (rc == -ENOENT)
        return mtd_fail(err, ENOENT, "state directory \"%.80s\": " FS_NO_CWD, path);
    return rc < 0 ? mtd_fail_errno(err, -rc, "state directory \"%.80s\"", path) : 0;
}

/* `--batch FILE --keep-going` means the same as `--batch --keep-going FILE`. */
static int run_batch(struct cli *c, struct globals *g, const struct operands *o)
{
    int words;
    if (o->len > 0 && verb_find(c->verbs, (int)o->len, o->items, &words))
        return command_run(c, (int)o->len, o->items);
    size_t n = o->len;
    if (n > 1 && strcmp(o->items[n - 1], "--keep-going") == 0)
        g->keep_going = n--;
    const char *path = n ? o->items[0] : "-";
    struct stat st;
    if (n > 1 || (strcmp(path, "-") != 0 && !strchr(path, '/') && stat(path, &st) < 0))
        return command_run(c, (int)o->len, o->items);
    return script_run(c, path, g->keep_going);
}

/* Its --config was read with the options that stand before a verb. */
static int open_screen(struct cli *c, cli_screen_fn screen, const char *config,
                       const struct operands *o)
{
    if (!config)
        return screen(&c->options, (int)o->len, o->items);
    auto_free char **argv = calloc(o->len + 3, sizeof(*argv));
    if (!argv)
        return report_fail(c, STATUS_ENGINE, "out of memory");
    argv[0] = (char[]){"--config"};
    argv[1] = (char *)config;
    for (size_t i = 0; i < o->len; i++)
        argv[i + 2] = o->items[i];
    return screen(&c->options, (int)o->len + 2, argv);
}

/* What is left are the dashboard's own options, or nothing. */
static int run_screen(struct cli *c, const struct globals *g, cli_screen_fn screen,
                      const struct operands *o)
{
    bool terminal = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    if (!screen || (!terminal && o->len == 0)) {
        help_program(c->verbs, STDERR_FILENO);
        return report_fail(
            c, STATUS_ENGINE,
            "the dashboard needs a terminal; give a command, or use --plain");
    }
    if (geteuid() != 0 && o->len == 0)
        return report_fail(c, STATUS_ENGINE,
                           "the dashboard must be run as root; use sudo");
    return open_screen(c, screen, g->config, o);
}

static int dispatch(struct cli *c, struct globals *g, const struct operands *o,
                    cli_screen_fn screen)
{
    if (o->help)
        return report_printed(c, help_program(c->verbs, STDOUT_FILENO));
    if (g->version)
        return report_printed(c, print_line("mytop-docker version " MTD_VERSION, NULL));
    if (o->len && strcmp(o->items[0], "oci") == 0)
        return oci_main((int)o->len, o->items, g->argv);
    if (!g->batch && (o->len == 0 || o->items[0][0] == '-'))
        return run_screen(c, g, screen, o);
    if (g->config)
        report_warning(c, "--config: ignored; it is the dashboard's");
    if (g->batch)
        return run_batch(c, g, o);
    return command_run(c, (int)o->len, o->items);
}

int cli_main(int argc, char **argv, cli_screen_fn screen)
{
    static const struct option_set SET = {
        {GLOBALS}, .stop_at_operand = true, .stop_at_unknown = true};
    struct globals g = {.argv = argv};
    struct operands o = {0};
    struct cli c = {.verbs = VERBS, .globals = GLOBALS};
    struct mtd_error err = {0};
    inherit_accept();
    int rc = options_parse(&SET, argc, argv, &g, &o, &err);
    if (rc == 0)
        rc = check_log_level(g.log_level, &err);
    auto_free char *root = NULL, *run_root = NULL;
    if (rc == 0)
        rc = absolute(g.root, "MYTOP_DOCKER_ROOT", &root, &err);
    if (rc == 0)
        rc = absolute(g.run_root, "MYTOP_DOCKER_RUN_ROOT", &run_root, &err);
    report_notes(&c, &o);
    c.options.root = root;
    c.options.run_root = run_root;
    int status =
        rc < 0 ? report_error(&c, STATUS_ENGINE, &err) : dispatch(&c, &g, &o, screen);
    options_done(&SET, &g, &o);
    return status;
}
