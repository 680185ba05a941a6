/* `commit -c` must read an instruction as `docker build` does, so this does what buildkit's
 * shell lexer does: a cursor over the text, with one function for each kind of quoting. */

#include "engine/image/dockerfile_words.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

#define BLANKS " \t\r\n"
#define NAME_FIRST "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define NAME_CHARS NAME_FIRST "0123456789"
#define MAX_NESTING 16
#define BAD_PATTERN "not a pattern, or a text too long for one"
#define MAX_LEN (256u << 10) /* bounds repeated ENV A=$A$A$A */

/* ---- lines ---- */

/* A backslash that ends a line continues it, but not the second of two. */
static bool continues(const char *line, size_t *len)
{
    size_t n = *len;
    while (n > 0 && strchr(" \t\r", line[n - 1]))
        n--;
    if (n == 0 || line[n - 1] != '\\' || (n > 1 && line[n - 2] == '\\'))
        return false;
    *len = n - 1;
    return true;
}

struct joiner {
    struct buf line;
    bool open; /* the last line said that another one follows */
    struct strv *ret;
};

static int end_line(struct joiner *j)
{
    const char *text = j->line.data ? j->line.data : "";
    int rc = text[strspn(text, BLANKS)] ? strv_add(j->ret, text) : 0;
    buf_done(&j->line);
    j->open = false;
    return rc;
}

static int join_line(struct joiner *j, const char *line, size_t n)
{
    size_t blanks = strspn(line, " \t\r\v\f");
    if (blanks >= n || line[blanks] == '#') /* within a continued one as well */
        return 0;
    bool more = continues(line, &n);
    int rc = buf_add(&j->line, line, n);
    if (rc == 0 && !more)
        return end_line(j);
    j->open = true;
    return rc;
}

static int join_lines(struct joiner *j, const char *text)
{
    int rc = 0;
    while (*text && rc == 0) {
        size_t n = strcspn(text, "\n");
        rc = join_line(j, text, n);
        text += n + (text[n] != '\0');
    }
    return rc;
}

int dockerfile_lines(const struct strv *texts, struct strv *ret)
{
    struct joiner j = {.ret = ret};
    int rc = 0;
    for (size_t i = 0; i < texts->len && rc == 0; i++)
        rc = join_lines(&j, texts->items[i]);
    if (rc == 0 && j.open)
        rc = end_line(&j);
    buf_done(&j.line);
    return rc;
}

/* ---- words ---- */

int dockerfile_words_json(const char *s, struct strv *ret)
{
    json_t *list = s[0] == '[' ? json_loads(s, 0, NULL) : NULL;
    int rc = list ? 1 : 0;
    for (size_t i = 0; rc == 1 && i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_string(item))
            rc = -EINVAL;
        else if (strv_add(ret, json_string_value(item)) < 0)
            rc = -ENOMEM;
    }
    json_decref(list);
    if (rc != 1)
        strv_done(ret);
    return rc;
}

static size_t word_length(const char *s)
{
    char quote = 0;
    size_t i = 0;
    for (; s[i]; i++) {
        if (s[i] == '\\' && quote != '\'' && s[i + 1])
            i++;
        else if (quote)
            quote = s[i] == quote ? 0 : quote;
        else if (s[i] == '"' || s[i] == '\'')
            quote = s[i];
        else if (strchr(BLANKS, s[i]))
            break;
    }
    return i;
}

int dockerfile_words_split(const char *s, struct strv *ret)
{
    for (s += strspn(s, BLANKS); *s; s += strspn(s, BLANKS)) {
        size_t n = word_length(s);
        int rc = strv_add_n(ret, s, n);
        if (rc < 0)
            return rc;
        s += n;
    }
    return 0;
}

struct lexer {
    const char *s;
    const struct strv *env;
    struct buf out;
    const char *reason;
    int nesting;
    bool raw; /* backslashes are kept */
};

static int expand_until(struct lexer *l, char end);

static int wrong(struct lexer *l, const char *reason)
{
    l->reason = reason;
    return -EINVAL;
}

static int put(struct lexer *l, const char *s, size_t n)
{
    if (l->out.len + n > MAX_LEN)
        return wrong(l, "too long");
    return buf_add(&l->out, s, n);
}

static const char *lookup(struct lexer *l, const char *name, size_t n)
{
    for (size_t i = l->env ? l->env->len : 0; i-- > 0;)
        if (strncmp(l->env->items[i], name, n) == 0 && l->env->items[i][n] == '=')
            return l->env->items[i] + n + 1;
    return NULL;
}

/* ---- what may follow a name in ${} ---- */

/* The word up to end, which is passed. raw: backslashes stay, they are the pattern's. */
static int take_word(struct lexer *l, char end, bool raw, char **ret)
{
    size_t start = l->out.len;
    bool was_raw = l->raw;
    l->raw = raw;
    int rc = expand_until(l, end);
    l->raw = was_raw;
    if (rc < 0)
        return rc;
    if (*l->s != end)
        return wrong(l, "a ${ is never closed");
    l->s++;
    *ret = strndup(l->out.data ? l->out.data + start : "", l->out.len - start);
    l->out.len = start;
    return *ret ? 0 : -ENOMEM;
}

static int put_text(struct lexer *l, const char *s)
{
    return put(l, s, strlen(s));
}

static int trim_start(struct lexer *l, const char *value, const char *pattern)
{
    bool longest = pattern[0] == '#';
    int n = dockerfile_pattern_match(pattern + longest, value, false, longest);
    return n == -EINVAL ? wrong(l, BAD_PATTERN) : put_text(l, value + (n > 0 ? n : 0));
}

static int trim_end(struct lexer *l, const char *value, const char *pattern)
{
    bool longest = pattern[0] == '%';
    int n = dockerfile_pattern_match(pattern + longest, value, true, longest);
    return n == -EINVAL ? wrong(l, BAD_PATTERN)
                        : put(l, value, strlen(value) - (size_t)(n > 0 ? n : 0));
}

static int replace(struct lexer *l, const char *value, const char *pattern,
                   const char *text, bool all)
{
    int rc = 0;
    bool done = false;
    while (rc == 0 && *value && !done) {
        int n = dockerfile_pattern_match(pattern, value, false, true);
        if (n == -EINVAL)
            return wrong(l, BAD_PATTERN);
        if (n <= 0) {
            rc = put(l, value++, 1);
            continue;
        }
        rc = put_text(l, text);
        value += n;
        done = !all;
    }
    return rc < 0 ? rc : put_text(l, value);
}

static int expand_replacement(struct lexer *l, const char *value)
{
    auto_free char *pattern = NULL, *text = NULL;
    bool all = *l->s == '/';
    l->s += all;
    int rc = take_word(l, '/', true, &pattern);
    if (rc == 0)
        rc = take_word(l, '}', true, &text);
    return rc < 0 ? rc : replace(l, value, pattern, text, all);
}

/* The word is read in any case. set: the variable is, and not empty where a colon says so. */
static int expand_operator(struct lexer *l, char kind, const char *value, bool set)
{
    auto_free char *word = NULL;
    int rc = take_word(l, '}', kind == '#' || kind == '%', &word);
    if (rc < 0)
        return rc;
    if (!value)
        value = "";
    switch (kind) {
    case '-': return put_text(l, set ? value : word);
    case '+': return put_text(l, set ? word : "");
    case '#': return trim_start(l, value, word);
    case '%': return trim_end(l, value, word);
    default: return set ? put_text(l, value) : wrong(l, "a ${NAME?} is not set");
    }
}

/* $1 and $@ are names as well, which nothing sets. */
static size_t name_length(const char *s)
{
    size_t digits = strspn(s, "0123456789");
    if (digits)
        return digits;
    if (*s && strchr("@*#?-$!", *s))
        return 1;
    return *s && strchr(NAME_FIRST, *s) ? strspn(s, NAME_CHARS) : 0;
}

static int expand_braces(struct lexer *l)
{
    size_t n = name_length(l->s);
    if (n == 0)
        return wrong(l, "a ${ has no name");
    const char *value = lookup(l, l->s, n);
    l->s += n;
    bool colon = *l->s == ':', set = value && (!colon || *value);
    l->s += colon;
    char kind = *l->s;
    if (!kind)
        return wrong(l, "a ${ is never closed");
    l->s++;
    if (kind == '}' && !colon)
        return put_text(l, value ? value : "");
    if (kind == '/' && !colon)
        return expand_replacement(l, value ? value : "");
    if (!strchr(colon ? "-+?" : "-+?#%", kind))
        return wrong(l, "after a name in ${} there may be - + ? :- :+ :? # % or /");
    return expand_operator(l, kind, value, set);
}

static int expand_dollar(struct lexer *l)
{
    l->s++;
    if (*l->s == '{') {
        l->s++;
        return expand_braces(l);
    }
    size_t n = name_length(l->s);
    if (n == 0)
        return put(l, "$", 1);
    const char *value = lookup(l, l->s, n);
    l->s += n;
    return value ? put(l, value, strlen(value)) : 0;
}

static int expand_single(struct lexer *l)
{
    const char *end = strchr(l->s + 1, '\'');
    if (!end)
        return wrong(l, "a ' is never closed");
    int rc = put(l, l->s + 1, (size_t)(end - l->s - 1));
    l->s = end + 1;
    return rc;
}

static int expand_double(struct lexer *l)
{
    int rc = 0;
    l->s++;
    while (rc == 0 && *l->s && *l->s != '"') {
        if (*l->s == '$') {
            rc = expand_dollar(l);
            continue;
        }
        if (*l->s == '\\' && l->s[1] && strchr("\"$\\", l->s[1]))
            l->s++;
        rc = put(l, l->s++, 1);
    }
    if (rc == 0 && !*l->s)
        return wrong(l, "a \" is never closed");
    l->s++;
    return rc;
}

static int expand_until(struct lexer *l, char end)
{
    int rc = 0;
    if (++l->nesting > MAX_NESTING)
        return wrong(l, "nested too deeply");
    while (rc == 0 && *l->s && *l->s != end) {
        if (*l->s == '\'') {
            rc = expand_single(l);
        } else if (*l->s == '"') {
            rc = expand_double(l);
        } else if (*l->s == '$') {
            rc = expand_dollar(l);
        } else {
            if (*l->s == '\\' && l->s[1] && l->raw)
                rc = put(l, l->s++, 1);
            else if (*l->s == '\\' && l->s[1])
                l->s++;
            if (rc == 0)
                rc = put(l, l->s++, 1);
        }
    }
    l->nesting--;
    return rc;
}

int dockerfile_words_expand(const char *s, const struct strv *env, char **ret,
                            const char **ret_reason)
{
    struct lexer l = {.s = s, .env = env};
    int rc = expand_until(&l, '\0');
    char *text = rc == 0 ? buf_take(&l.out) : NULL;
    if (rc == 0 && !text)
        rc = -ENOMEM;
    buf_done(&l.out);
    *ret_reason = l.reason ? l.reason : "out of memory";
    if (rc == 0)
        *ret = text;
    return rc;
}
