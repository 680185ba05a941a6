/* Every setting is a row of a table with a function that takes its value. */
#include "ui/model/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/parse.h"
#include "ui/model/columns.h"

void config_init(struct config *c)
{
    const char *no_color = getenv("NO_COLOR");
    *c = (struct config){
        .columns = columns_default(), .mouse = true, .refresh_ns = 2 * NS_PER_SEC};
    theme_init(&c->theme, no_color && *no_color ? SCHEME_MONOCHROME : SCHEME_DEFAULT);
}

static int set_scheme(struct config *c, const char *v)
{
    enum scheme s;
    const char *no_color = getenv("NO_COLOR");
    if (scheme_parse(v, &s) < 0)
        return -EINVAL;
    if (!no_color || !*no_color)
        theme_init(&c->theme, s);
    return 0;
}

static int set_columns(struct config *c, const char *v)
{
    return columns_parse(v, &c->columns);
}

static int set_sort(struct config *c, const char *v)
{
    return sort_parse(v, &c->sort);
}

static int set_refresh(struct config *c, const char *v)
{
    int64_t nano;
    if (parse_decimal_nano(v, &nano) < 0 || nano < NS_PER_SEC / 5 ||
        nano > 3600 * NS_PER_SEC)
        return -EINVAL;
    c->refresh_ns = nano;
    return 0;
}

static int set_mouse(struct config *c, const char *v)
{
    return parse_bool(v, &c->mouse);
}

static int set_ascii(struct config *c, const char *v)
{
    return parse_bool(v, &c->ascii);
}

static const struct {
    const char *name;
    int (*set)(struct config *c, const char *value);
    const char *hint;
} SETTINGS[] = {
    {"scheme", set_scheme, "default, monochrome or high-contrast"},
    {"columns", set_columns, "names of columns with commas between"},
    {"sort", set_sort, "time, name, cpu, memory, pids, state or image"},
    {"refresh", set_refresh, "seconds, 0.2 to 3600"},
    {"mouse", set_mouse, "yes or no"},
    {"ascii", set_ascii, "yes or no"},
};

static char *trim(char *s)
{
    s += strspn(s, " \t");
    size_t n = strlen(s);
    while (n && strchr(" \t\r", s[n - 1]))
        s[--n] = '\0';
    return s;
}

/* "cpu   # the hottest first": '#' with blanks around begins a comment, alone it is a
 * key. */
static void cut_comment(char *line)
{
    for (char *p = line; (p = strchr(p, '#')); p++)
        if (p > line && strchr(" \t", p[-1]) && (p[1] == ' ' || p[1] == '\t')) {
            *p = '\0';
            return;
        }
}

static int apply_setting(struct config *c, const char *name, const char *value,
                         struct mtd_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(SETTINGS); i++)
        if (strcmp(SETTINGS[i].name, name) == 0) {
            if (SETTINGS[i].set(c, value) < 0)
                return mtd_fail(err, EINVAL, "%s: \"%s\" is not %s", name, value,
                                SETTINGS[i].hint);
            return 0;
        }
    return mtd_fail(err, EINVAL, "unknown setting \"%s\"", name);
}

static int apply(struct config *c, struct keys *k, const char *section, char *line,
                 struct mtd_error *err)
{
    char *eq = strchr(line + (line[0] == '='), '=');
    if (!eq)
        return mtd_fail(err, EINVAL, "\"%s\": no \"=\" in it", line);
    *eq = '\0';
    char *name = trim(line), *value = trim(eq + 1);
    if (strcmp(section, "keys") == 0)
        return keys_remap(k, name, value, err);
    if (strcmp(section, "colors") == 0) {
        if (theme_set(&c->theme, name, value) < 0)
            return mtd_fail(err, EINVAL, "%s: \"%s\" is not a colour", name, value);
        return 0;
    }
    return apply_setting(c, name, value, err);
}

static int section_of(const char *line, char *section, size_t size, struct mtd_error *err)
{
    size_t n = strlen(line);
    if (n < 2 || line[n - 1] != ']')
        return mtd_fail(err, EINVAL, "\"%s\": no \"]\" at its end", line);
    snprintf(section, size, "%.*s", (int)(n - 2), line + 1);
    if (strcmp(section, "keys") != 0 && strcmp(section, "colors") != 0 && section[0])
        return mtd_fail(err, EINVAL, "unknown section [%s]", section);
    return 0;
}

void config_parse(struct config *c, struct keys *k, const char *name, char *text)
{
    char section[32] = "";
    unsigned number = 0;
    for (char *next = text; next;) {
        char *line = strsep(&next, "\n");
        cut_comment(line);
        line = trim(line);
        struct mtd_error err = {0};
        number++;
        if (*line == '\0' || *line == '#')
            continue;
        if (*line == '[')
            section_of(line, section, sizeof(section), &err);
        else
            apply(c, k, section, line, &err);
        if (!err.code)
            continue;
        mtd_context(&err, "%s line %u", name, number);
        c->wrong++;
        if (!c->problem.code)
            c->problem = err;
    }
}

int config_load(struct config *c, struct keys *k, const char *path)
{
    auto_done(buf_done) struct buf text = {0};
    int rc = fs_read_at(AT_FDCWD, path, 1 << 20, &text);
    if (rc == -ENOENT || rc == -ENOTDIR)
        return 0;
    if (rc < 0) {
        c->wrong++;
        return mtd_fail_errno(&c->problem, -rc, "config file %s", path);
    }
    if (text.data)
        config_parse(c, k, path, text.data);
    return 0;
}

char *config_path(void)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    char *path = NULL;
    int n = -1;
    if (xdg && *xdg == '/')
        n = asprintf(&path, "%s/mytop-docker/config", xdg);
    else if (home && *home)
        n = asprintf(&path, "%s/.config/mytop-docker/config", home);
    return n < 0 ? NULL : path;
}
