/* spec_env - environment and label lists and the files they may come from, read as docker
 * reads them: no quotes, no continuation, # only at the beginning of a line. */

#include "cli/spec_env.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "cli/print.h"

#define FILE_MAX_LINES 65536

static int add_assignment(struct strv *ret, const char *text)
{
    if (strchr(text, '='))
        return strv_env_set(ret, text);
    const char *value = getenv(text);
    auto_free char *pair = NULL;
    if (!value)
        return 0;
    return asprintf(&pair, "%s=%s", text, value) < 0 ? -ENOMEM : strv_env_set(ret, pair);
}

static bool is_valid_text(const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t n = utf8_len(s + i, len - i);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

struct kv_file {
    const char *path;
    size_t line;
    /* "NAME" alone takes the value of the environment; in a label it has no value. */
    bool env;
    struct strv *ret;
    struct mtd_error *err;
};

static int add_file_line(struct kv_file *f, char *line, size_t len)
{
    if (len && line[len - 1] == '\n')
        line[--len] = '\0';
    if (len && line[len - 1] == '\r')
        line[--len] = '\0';
    if (strlen(line) != len || !is_valid_text(line, len))
        return mtd_fail(f->err, EINVAL, "%.80s:%zu: not UTF-8 text", f->path, f->line);
    if (f->line == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0)
        line += 3;
    while (isspace((unsigned char)*line))
        line++;
    if (!*line || *line == '#')
        return 0;
    size_t name = strcspn(line, "=");
    if (name == 0)
        return mtd_fail(f->err, EINVAL, "%.80s:%zu: no name in \"%.60s\"", f->path,
                        f->line, line);
    if (strcspn(line, " \t") < name)
        return mtd_fail(f->err, EINVAL,
                        "%.80s:%zu: the name \"%.*s\" contains whitespace", f->path,
                        f->line, (int)(name > 60 ? 60 : name), line);
    int rc = f->env ? add_assignment(f->ret, line) : strv_add(f->ret, line);
    return rc < 0 ? mtd_fail(f->err, -rc, "out of memory") : 0;
}

static int read_file(struct kv_file *f)
{
    auto_file FILE *file = fopen(f->path, "re");
    struct stat st;
    if (!file)
        return mtd_fail_errno(f->err, errno, "cannot read %.120s", f->path);
    if (fstat(fileno(file), &st) == 0 && S_ISDIR(st.st_mode))
        return mtd_fail_errno(f->err, EISDIR, "cannot read %.120s", f->path);
    auto_free char *line = NULL;
    size_t size = 0;
    ssize_t len;
    while ((len = getline(&line, &size, file)) >= 0) {
        if (++f->line > FILE_MAX_LINES)
            return mtd_fail(f->err, EFBIG, "%.120s: more than %d lines", f->path,
                            FILE_MAX_LINES);
        int rc = add_file_line(f, line, (size_t)len);
        if (rc < 0)
            return rc;
    }
    return ferror(file) ? mtd_fail_errno(f->err, errno, "cannot read %.120s", f->path)
                        : 0;
}

int spec_env_file(struct strv *ret, const char *path, struct mtd_error *err)
{
    struct kv_file f = {.path = path, .env = true, .ret = ret, .err = err};
    return read_file(&f);
}

int spec_env(struct strv *ret, const struct option_list *files,
             const struct option_list *assignments, struct mtd_error *err)
{
    for (size_t i = 0; i < files->len; i++) {
        int rc = spec_env_file(ret, files->items[i], err);
        if (rc < 0) {
            mtd_context(err, "--env-file");
            return rc;
        }
    }
    for (size_t i = 0; i < assignments->len; i++) {
        const char *text = assignments->items[i];
        if (!*text || *text == '=')
            return mtd_fail(err, EINVAL, "--env: \"%.80s\" has no variable name", text);
        if (add_assignment(ret, text) < 0)
            return mtd_fail(err, ENOMEM, "out of memory");
    }
    return 0;
}

/* ---- labels ---- */

/* Sorted, so that the order in inspect does not depend on the order of the options. */
static int compare_labels(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* strv_env_set replaces by name; a label without "=" is the label with an empty value. */
static int set_label(struct strv *ret, const char *text)
{
    auto_free char *pair = NULL;
    if (asprintf(&pair, "%s%s", text, strchr(text, '=') ? "" : "=") < 0)
        return -ENOMEM;
    return strv_env_set(ret, pair);
}

int spec_labels(struct strv *ret, const struct option_list *files,
                const struct option_list *labels, struct mtd_error *err)
{
    auto_done(strv_done) struct strv all = {0};
    int rc = 0;
    for (size_t i = 0; i < files->len && rc == 0; i++) {
        struct kv_file f = {.path = files->items[i], .ret = &all, .err = err};
        rc = read_file(&f);
        if (rc < 0)
            mtd_context(err, "--label-file");
    }
    for (size_t i = 0; i < labels->len && rc == 0; i++) {
        const char *text = labels->items[i];
        if (!*text || *text == '=')
            return mtd_fail(err, EINVAL, "--label: \"%.80s\" has no key", text);
        rc = strv_add(&all, text);
    }
    for (size_t i = 0; i < all.len && rc == 0; i++)
        rc = set_label(ret, all.items[i]);
    if (rc == 0 && ret->len)
        qsort(ret->items, ret->len, sizeof(*ret->items), compare_labels);
    return rc == -ENOMEM ? mtd_fail(err, ENOMEM, "out of memory") : rc;
}
