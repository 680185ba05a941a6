/* Lines are cut where they lie; every one is judged alone, so a wrong one costs only itself. */

#include "base/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define FILE_MAX (1 << 20)
#define SECTION_MAX 32
#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

static char *trim(char *s)
{
    s += strspn(s, " \t");
    size_t n = strlen(s);
    while (n && strchr(" \t\r", s[n - 1]))
        s[--n] = '\0';
    return s;
}

/* "cpu   # the hottest first": '#' with blanks around begins a comment, alone it may be a
 * value. */
static void cut_comment(char *line)
{
    for (char *p = line; (p = strchr(p, '#')); p++)
        if (p > line && strchr(" \t", p[-1]) && (p[1] == ' ' || p[1] == '\t')) {
            *p = '\0';
            return;
        }
}

static bool is_section(const struct settings *s, const char *name)
{
    for (size_t i = 0; s->sections && s->sections[i]; i++)
        if (strcmp(s->sections[i], name) == 0)
            return true;
    return *name == '\0';
}

static int take_section(const struct settings *s, const char *line,
                        char section[SECTION_MAX], struct mtd_error *err)
{
    size_t n = strlen(line);
    if (n < 2 || line[n - 1] != ']')
        return mtd_fail(err, EINVAL, "\"%s\": no \"]\" at its end", line);
    snprintf(section, SECTION_MAX, "%.*s", (int)(n - 2), line + 1);
    if (!is_section(s, section))
        return mtd_fail(err, EINVAL, "unknown section [%s]", section);
    return 0;
}

/* The name may be "=" itself, which is a key on a keyboard. */
static int take_setting(const struct settings *s, const char *section, char *line,
                        struct mtd_error *err)
{
    char *eq = strchr(line + (line[0] == '='), '=');
    if (!eq)
        return mtd_fail(err, EINVAL, "\"%s\": no \"=\" in it", line);
    *eq = '\0';
    return s->set(s->arg, section, trim(line), trim(eq + 1), err);
}

void settings_parse(struct settings *s, const char *name, char *text)
{
    char section[SECTION_MAX] = "";
    unsigned number = 0;
    if (strncmp(text, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
        text += strlen(BYTE_ORDER_MARK);
    for (char *next = text; next;) {
        char *line = strsep(&next, "\n");
        cut_comment(line);
        line = trim(line);
        struct mtd_error err = {0};
        number++;
        if (*line == '\0' || *line == '#')
            continue;
        if (*line == '[')
            take_section(s, line, section, &err);
        else
            take_setting(s, section, line, &err);
        if (!err.code)
            continue;
        mtd_context(&err, "%s line %u", name, number);
        s->wrong++;
        if (!s->problem.code)
            s->problem = err;
    }
}

int settings_load(struct settings *s, const char *path)
{
    auto_done(buf_done) struct buf text = {0};
    int rc = fs_read_path(path, FILE_MAX, &text);
    if (rc == -ENOENT || rc == -ENOTDIR)
        return 0;
    if (rc < 0) {
        s->wrong++;
        return mtd_fail_errno(&s->problem, -rc, "config file %s", path);
    }
    if (text.data)
        settings_parse(s, path, text.data);
    return 0;
}
