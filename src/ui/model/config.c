/* Every setting is a row of a table with a function that takes its value. */
#include "ui/model/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/settings.h"
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

struct target {
    struct config *c;
    struct keys *k;
};

static int set(void *arg, const char *section, const char *name, const char *value,
               struct mtd_error *err)
{
    const struct target *t = arg;
    if (strcmp(section, "keys") == 0)
        return keys_remap(t->k, name, value, err);
    if (strcmp(section, "colors") == 0) {
        if (theme_set(&t->c->theme, name, value) < 0)
            return mtd_fail(err, EINVAL, "%s: \"%s\" is not a colour", name, value);
        return 0;
    }
    return apply_setting(t->c, name, value, err);
}

static const char *const SECTIONS[] = {"keys", "colors", NULL};

static void finish(struct config *c, const struct settings *s)
{
    c->wrong += s->wrong;
    if (!c->problem.code)
        c->problem = s->problem;
}

void config_parse(struct config *c, struct keys *k, const char *name, char *text)
{
    struct target t = {c, k};
    struct settings s = {.sections = SECTIONS, .set = set, .arg = &t};
    settings_parse(&s, name, text);
    finish(c, &s);
}

int config_load(struct config *c, struct keys *k, const char *path)
{
    struct target t = {c, k};
    struct settings s = {.sections = SECTIONS, .set = set, .arg = &t};
    int rc = settings_load(&s, path);
    finish(c, &s);
    return rc;
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
