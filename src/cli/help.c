/* help - generated from the option tables, so that it cannot differ from what is
 * parsed. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/help.h"
#include "cli/print.h"
#include "cli/verb.h"

#define HELP_COLUMN 32
#define HELP_WIDTH 90

static const char *const GROUPS[GROUP_COUNT] = {
    [GROUP_RUN] = "Running",    [GROUP_LIFECYCLE] = "Containers",
    [GROUP_QUERY] = "Queries",  [GROUP_IMAGE] = "Images",
    [GROUP_VOLUME] = "Volumes", [GROUP_NETWORK] = "Networks",
    [GROUP_SYSTEM] = "System",
};

static const char HEAD[] =
    "Usage: mytop-docker [OPTIONS]                         the dashboard, on a terminal\n"
    "       mytop-docker [OPTIONS] [--batch] VERB [ARG...] "
    "one command, without a screen\n"
    "       mytop-docker [OPTIONS] --batch [FILE|-]        "
    "commands from a file or stdin\n"
    "\n"
    "Containers without a daemon: an engine, a dashboard and "
    "a command line in one program.\n"
    "\n"
    "Options:\n"
    "      --root DIR        state directory (default "
    "/var/lib/mytop-docker, $MYTOP_DOCKER_ROOT)\n"
    "      --run-root DIR    runtime state (default /run/mytop-docker, "
    "$MYTOP_DOCKER_RUN_ROOT)\n"
    "      --batch           no dashboard; without a verb, "
    "read commands from FILE or stdin\n"
    "      --keep-going      continue after a failed command\n"
    "      --log-level LEVEL accepted for compatibility with docker; has no effect\n"
    "      --version         print the version\n"
    "      --help            show this help\n"
    "Options of the dashboard:\n"
    "      --read-only       disable all keys that change something\n"
    "      --plain           plain lines of text, for dumb terminals and screen readers\n"
    "      --ascii           no line-drawing characters, no symbols\n"
    "      --config FILE     read FILE instead of $XDG_CONFIG_HOME/mytop-docker/config\n"
    "      --script FILE     read keys from FILE; no terminal is needed\n";

static const char TAIL[] = "\n"
                           "Exit status: 0 success; 1 failed on a container or image, or "
                           "a wrong number of arguments;\n"
                           "125 failed before that, or a wrong option; 126 the command "
                           "cannot be run; 127 it was not\n"
                           "found; else the command's own.\n"
                           "'mytop-docker VERB --help' describes a verb.\n";

int help_program(const struct verb *const *tables, int fd)
{
    auto_done(buf_done) struct buf b = {0};
    int rc = buf_puts(&b, HEAD);
    for (int group = 0; group < GROUP_COUNT && rc == 0; group++) {
        rc = buf_printf(&b, "\n%s:\n", GROUPS[group]);
        const struct verb *v;
        for (size_t i = 0; (v = verb_at(tables, i)) && rc == 0; i++)
            if ((int)v->group == group && !(v->flags & (VERB_REFUSED | VERB_HIDDEN)))
                rc = buf_printf(&b, "  %-16s %s\n", v->name, v->summary);
    }
    if (rc == 0)
        rc = buf_puts(&b, TAIL);
    return rc < 0 ? rc : print_fd(fd, b.data, b.len);
}

int help_object(const struct verb *const *tables, const char *object, int fd)
{
    auto_done(buf_done) struct buf b = {0};
    const struct verb *v;
    const char *word;
    int rc = buf_printf(&b, "Usage: mytop-docker %s VERB [ARG...]\n\nVerbs:\n", object);
    for (size_t i = 0; (v = verb_at(tables, i)) && rc == 0; i++)
        if ((word = verb_behind(tables, object, v)))
            rc = buf_printf(&b, "  %-16s %s\n", word, v->summary);
    if (rc == 0)
        rc =
            buf_printf(&b, "\n'mytop-docker %s VERB --help' describes a verb.\n", object);
    return rc < 0 ? rc : print_fd(fd, b.data, b.len);
}

/* Wraps text between HELP_COLUMN and HELP_WIDTH; the first line is already at
 * `column`. */
static int add_wrapped(struct buf *b, const char *text, size_t column)
{
    int rc = column + 2 > HELP_COLUMN
                 ? buf_printf(b, "\n%*s", HELP_COLUMN, "")
                 : buf_printf(b, "%*s", (int)(HELP_COLUMN - column), "");
    column = HELP_COLUMN;
    while (*text && rc == 0) {
        size_t len = strcspn(text, " ");
        if (column > HELP_COLUMN && column + 1 + len > HELP_WIDTH) {
            rc = buf_printf(b, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        } else if (column > HELP_COLUMN) {
            rc = buf_putc(b, ' ');
            column++;
        }
        if (rc == 0)
            rc = buf_add(b, text, len);
        column += len;
        text += len + (text[len] == ' ');
    }
    return rc < 0 ? rc : buf_putc(b, '\n');
}

static int add_option(struct buf *b, const struct option_row *r)
{
    char left[96];
    int n = r->letter
                ? snprintf(left, sizeof(left), "  -%c%s", r->letter, r->name ? ", " : "")
                : snprintf(left, sizeof(left), "      ");
    if (r->name)
        n += snprintf(left + n, sizeof(left) - (size_t)n, "--%s", r->name);
    if (r->metavar)
        n += snprintf(left + n, sizeof(left) - (size_t)n, " %s", r->metavar);
    int rc = buf_puts(b, left);
    return rc < 0 ? rc : add_wrapped(b, r->help, (size_t)n);
}

static bool is_shown(const struct option_row *r)
{
    return r->help && r->kind != OPTION_REFUSE && r->kind != OPTION_IGNORE;
}

static int add_options(struct buf *b, const struct option_set *set)
{
    bool any = false;
    int rc = 0;
    for (size_t t = 0; t < OPTION_TABLES && set->tables[t]; t++)
        for (const struct option_row *r = set->tables[t]; !OPTION_IS_END(r) && rc == 0;
             r++) {
            if (!is_shown(r))
                continue;
            rc = any ? 0 : buf_puts(b, "\nOptions:\n");
            any = true;
            if (rc == 0)
                rc = add_option(b, r);
        }
    return rc;
}

static bool has_options(const struct option_set *set)
{
    for (size_t t = 0; t < OPTION_TABLES && set->tables[t]; t++)
        for (const struct option_row *r = set->tables[t]; !OPTION_IS_END(r); r++)
            if (is_shown(r))
                return true;
    return false;
}

int help_verb(const struct verb *v, int fd)
{
    auto_done(buf_done) struct buf b = {0};
    bool options = has_options(&v->options);
    int rc = buf_printf(&b, "Usage: mytop-docker %s%s%s%s\n\n%s\n", v->name,
                        options ? " [OPTIONS]" : "", *v->operands ? " " : "", v->operands,
                        v->summary);
    if (rc == 0)
        rc = add_options(&b, &v->options);
    return rc < 0 ? rc : print_fd(fd, b.data, b.len);
}
