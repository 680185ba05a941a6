/* ps's options, as far as they say what is shown: which processes is settled, they are the
 * container's. A word is a cluster of letters, with "-" (UNIX) or without (BSD); both have
 * letters of their own. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "cli/top_columns.h"

/* A format is names of columns; "=" renames one. */
#define DEFAULT "pid tname time comm=CMD"
#define BSD "pid tname stat bsdtime=TIME args"
#define FULL "user=UID pid ppid c stime tname time cmd"

/* The letters that choose a format, and those that choose processes or nothing that matters
 * here (all of them, wide lines, no sorting). */
static const struct letter {
    char name;
    bool unix_style;
    const char *format; /* NULL = it changes nothing */
} LETTERS[] = {
    {'f', true, FULL},
    {'F', true, "user=UID pid ppid c sz rss psr stime tname time cmd"},
    {'l', true, "f s uid pid ppid c opri ni addr sz wchan tname time comm=CMD"},
    {'j', true, "pid pgid sid tname time comm=CMD"},
    {'e', true, NULL},
    {'A', true, NULL},
    {'a', true, NULL},
    {'d', true, NULL},
    {'w', true, NULL},
    {'u', false, "user pid %cpu %mem vsz rss tname stat start_time bsdtime args"},
    {'j', false, "ppid pid pgid sid tname tpgid stat uid bsdtime args"},
    {'a', false, NULL},
    {'x', false, NULL},
    {'w', false, NULL},
};

struct parser {
    struct top_format *out;
    bool chosen; /* the user named columns */
    const char *format;
    struct mtd_error *err;
};

static int add_column(struct parser *p, const char *name, size_t len)
{
    const struct top_column *c = top_column_find(name, len);
    if (!c)
        return mtd_fail(
            p->err, EINVAL,
            "there is no column \"%.*s\"; some are pid, ppid, user, comm, args, "
            "pcpu, pmem, rss, vsz, stat, tty, time, etime, lstart",
            (int)(len > 40 ? 40 : len), name);
    if (p->out->n == TOP_COLUMNS_MAX)
        return mtd_fail(p->err, E2BIG, "more than %d columns", TOP_COLUMNS_MAX);
    p->out->columns[p->out->n++] = *c;
    return 0;
}

/* "pid,comm" or "pid comm"; docker does not allow a column to be renamed either. */
static int add_columns(struct parser *p, const char *list)
{
    int rc = 0;
    p->chosen = true;
    if (strchr(list, '='))
        return mtd_fail(p->err, EINVAL, "\"%.60s\": a column cannot be renamed", list);
    while (rc == 0 && *(list += strspn(list, ", "))) {
        size_t len = strcspn(list, ", ");
        rc = add_column(p, list, len);
        list += len;
    }
    return rc;
}

static const struct letter *find_letter(char name, bool unix_style)
{
    for (size_t i = 0; i < ARRAY_SIZE(LETTERS); i++)
        if (LETTERS[i].name == name && LETTERS[i].unix_style == unix_style)
            return &LETTERS[i];
    return NULL;
}

static int fail_option(struct parser *p, const char *word)
{
    return mtd_fail(p->err, EOPNOTSUPP,
                    "\"%.60s\" is not one of the options of ps that are known here: -ef, "
                    "-F, -l, -j, aux, axj, and -o or axo with columns",
                    word);
}

/* The columns of an "o": the rest of its word, else the next one. 1 = it took that. */
static int take_columns(struct parser *p, const char *rest, const char *next)
{
    int rc = add_columns(p, *rest ? rest : next);
    return rc < 0 ? rc : !*rest;
}

/* One word; *next = the one after it, which -o may take. 1 = it did. */
static int take_word(struct parser *p, const char *word, const char *next)
{
    bool unix_style = word[0] == '-';
    if (!unix_style && !p->format)
        p->format = BSD;
    for (const char *c = word + unix_style; *c; c++) {
        if (*c == 'o' && (c[1] || next))
            return take_columns(p, c + 1, next);
        const struct letter *l = find_letter(*c, unix_style);
        if (!l || strncmp(word, "--", 2) == 0)
            return fail_option(p, word);
        if (l->format)
            p->format = l->format;
    }
    return 0;
}

static int use_format(struct parser *p, const char *format)
{
    int rc = 0;
    while (rc == 0 && *format) {
        size_t len = strcspn(format, " "), name = strcspn(format, "= ");
        rc = add_column(p, format, name);
        if (rc == 0 && name < len) {
            static const char *const TITLES[] = {"UID", "CMD", "TIME"};
            struct top_column *c = &p->out->columns[p->out->n - 1];
            for (size_t i = 0; i < ARRAY_SIZE(TITLES); i++)
                if (strncmp(TITLES[i], format + name + 1, len - name - 1) == 0)
                    c->title = TITLES[i];
        }
        format += len + (format[len] == ' ');
    }
    return rc;
}

static bool has_pid(const struct top_format *f)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->columns[i].title, "PID") == 0)
            return true;
    return false;
}

int top_parse_options(char *const *options, size_t n, struct top_format *ret,
                      struct mtd_error *err)
{
    struct top_format format = {.n = 0};
    struct parser p = {&format, false, n ? NULL : FULL, err};
    int rc = 0;
    for (size_t i = 0; i < n && rc >= 0; i++) {
        rc = take_word(&p, options[i], i + 1 < n ? options[i + 1] : NULL);
        i += rc > 0;
    }
    if (rc >= 0 && !p.chosen)
        rc = use_format(&p, p.format ? p.format : DEFAULT);
    if (rc >= 0 && !has_pid(&format))
        rc = mtd_fail(err, EINVAL, "the columns must have pid among them");
    if (rc < 0)
        return rc;
    *ret = format;
    return 0;
}
