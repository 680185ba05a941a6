/* The screen's own options, and the choice between screen, plain list and script. */
#include "ui/ui.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ui/app/app.h"
#include "ui/app/plain.h"

static const char USAGE[] =
    "usage: mytop-docker [--root DIR] [--run-root DIR] [screen options]\n"
    "The dashboard. Without a terminal give a command: mytop-docker --batch VERB ...\n\n"
    "  --read-only    lock every key that changes something\n"
    "  --plain        a numbered list, line by line: dumb terminals, screen readers\n"
    "  --ascii        no line drawing, no symbols\n"
    "  --config FILE  instead of $XDG_CONFIG_HOME/mytop-docker/config\n"
    "  --script FILE  take keys from FILE; no terminal is needed\n"
    "  --print-keys markdown|man  print the table of keys\n"
    "  --help         this help\n";

struct options {
    bool read_only, plain, ascii, help;
    const char *script, *config, *print_keys;
};

enum {
    OPT_READ_ONLY = 1,
    OPT_PLAIN,
    OPT_ASCII,
    OPT_SCRIPT,
    OPT_CONFIG,
    OPT_KEYS,
    OPT_HELP
};
static const struct option OPTIONS[] = {
    {"read-only", no_argument, NULL, OPT_READ_ONLY},
    {"plain", no_argument, NULL, OPT_PLAIN},
    {"ascii", no_argument, NULL, OPT_ASCII},
    {"script", required_argument, NULL, OPT_SCRIPT},
    {"config", required_argument, NULL, OPT_CONFIG},
    {"print-keys", required_argument, NULL, OPT_KEYS},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static int refuse(const char *word, int c)
{
    fprintf(stderr,
            c == ':'
                ? "mytop-docker: option %s needs a value\n"
                : "mytop-docker: unknown option %s; 'mytop-docker --help' lists them\n",
            word);
    return -EINVAL;
}

/* argv holds options only: getopt wants a program's name in front of them. */
static int parse_options(int n, char **items, struct options *o)
{
    int c, argc = n + 1;
    auto_free char **argv = calloc((size_t)n + 2, sizeof(char *));
    if (!argv)
        return -ENOMEM;
    argv[0] = (char *)"mytop-docker";
    memcpy(argv + 1, items, (size_t)n * sizeof(char *));
    optind = 0;
    while ((c = getopt_long(argc, argv, "+:h", OPTIONS, NULL)) != -1)
        switch (c) {
        case OPT_READ_ONLY: o->read_only = true; break;
        case OPT_PLAIN: o->plain = true; break;
        case OPT_ASCII: o->ascii = true; break;
        case OPT_SCRIPT: o->script = optarg; break;
        case OPT_CONFIG: o->config = optarg; break;
        case OPT_KEYS: o->print_keys = optarg; break;
        case OPT_HELP:
        case 'h': o->help = true; break;
        default: return refuse(argv[optind - 1], c);
        }
    return optind < argc ? refuse(argv[optind], 0) : 0;
}

static int print_keys(const char *form)
{
    struct keys keys;
    auto_done(buf_done) struct buf text = {0};
    if (keys_init(&keys) < 0)
        return 125;
    keys_print(&keys, strcmp(form, "markdown") == 0, &text);
    keys_done(&keys);
    return text.data && fputs(text.data, stdout) >= 0 ? 0 : 125;
}

/* That the state cannot be read is reported before the screen is taken. */
static int check_state(const struct mtd_options *o, bool read_only)
{
    struct mtd_options try = *o;
    struct mtd_engine *e = NULL;
    struct mtd_error err = {0};
    try.read_only = read_only;
    if (mtd_open(&e, &try, &err) < 0) {
        fprintf(stderr, "mytop-docker: %s\n", err.text);
        return -1;
    }
    mtd_close(e);
    return 0;
}

static int run_script(const struct ui_setup *setup, const char *path)
{
    struct replay script;
    struct mtd_error err = {0};
    if (replay_load(&script, path, &err) < 0) {
        fprintf(stderr, "mytop-docker: %s\n", err.text);
        return 125;
    }
    struct app_setup app = {.ui = setup, .script = &script};
    int status = app_run(&app);
    replay_done(&script);
    return status;
}

/* An open file description of its own: making it non-blocking does not change the
 * shell's. */
static int open_terminal(void)
{
    const char *name = ttyname(STDOUT_FILENO);
    int fd = open(name ? name : "/dev/tty", O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return fd >= 0 ? fd : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
}

static int run_screen(const struct ui_setup *setup, struct terminal *term)
{
    struct guard *guard = NULL;
    pid_t child = guard_fork(&guard);
    if (child < 0) {
        fprintf(stderr, "mytop-docker: cannot start: %s\n", strerror((int)-child));
        return 125;
    }
    if (child > 0)
        return guard_watch(child, guard, term);
    struct app_setup app = {.ui = setup, .term = term, .guard = guard};
    return app_run(&app);
}

int ui_main(const struct mtd_options *o, int argc, char **argv)
{
    struct options opt = {0};
    struct theme theme;
    struct terminal term = {0};
    if (parse_options(argc, argv, &opt) < 0)
        return 125;
    if (opt.help)
        return fputs(USAGE, stdout) < 0 ? 125 : 0;
    if (opt.print_keys)
        return print_keys(opt.print_keys);
    auto_free char *home = config_path();
    struct ui_setup setup = {.options = o,
                             .read_only = opt.read_only,
                             .ascii = opt.ascii,
                             .scripted = opt.script != NULL,
                             .config = opt.config   ? opt.config
                                       : opt.script ? NULL
                                                    : home};
    if (check_state(o, opt.read_only) < 0)
        return 125;
    if (opt.script)
        return run_script(&setup, opt.script);
    theme_init(&theme, SCHEME_DEFAULT);
    auto_fd int fd = opt.plain ? -1 : open_terminal();
    int rc = opt.plain ? -EOPNOTSUPP : term_prepare(&term, fd, getenv("TERM"), &theme);
    if (rc < 0) {
        if (!opt.plain)
            fprintf(stderr,
                    "mytop-docker: TERM=%s cannot show a screen; showing a plain list\n",
                    getenv("TERM") ? getenv("TERM") : "");
        term_done(&term);
        return plain_run(o, opt.read_only, stdin, stdout);
    }
    setup.ascii |= !term.utf8;
    int status = run_screen(&setup, &term);
    term_done(&term);
    return status;
}
