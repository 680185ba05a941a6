/* `commit -c` must read an instruction as `docker build` does, so this is buildkit's
 * shell lexer: a cursor over the text, with one function for each kind of quoting. */

#include "engine/image/dockerfile_words.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

#define BLANKS " \t\r\n"
#define NAME_FIRST "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
#define NAME_CHARS NAME_FIRST "0123456789"
#define MAX_NESTING 16
#define MAX_LEN (256u << 10) /* bounds repeated ENV A=$A$A$A */

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

/* After ":-" or ":+": the word is read in any case, and kept when it is wanted. */
static int expand_alternative(struct lexer *l, const char *value, char kind)
{
    bool set = value && *value;
    size_t start = l->out.len;
    int rc = expand_until(l, '}');
    if (rc < 0)
        return rc;
    if (*l->s != '}')
        return wrong(l, "a ${ is never closed");
    l->s++;
    if ((kind == '+') == set)
        return 0;
    l->out.len = start;
    return kind == '-' ? put(l, value, strlen(value)) : 0;
}

static int expand_braces(struct lexer *l)
{
    const char *name = l->s;
    size_t n = strchr(NAME_FIRST, *name) ? strspn(name, NAME_CHARS) : 0;
    if (n == 0)
        return wrong(l, "a ${ has no name");
    const char *value = lookup(l, name, n);
    l->s += n;
    if (*l->s == '}') {
        l->s++;
        return value ? put(l, value, strlen(value)) : 0;
    }
    if (l->s[0] != ':' || (l->s[1] != '-' && l->s[1] != '+'))
        return wrong(l, *l->s ? "only ${NAME:-word} and ${NAME:+word} are supported"
                              : "a ${ is never closed");
    char kind = l->s[1];
    l->s += 2;
    return expand_alternative(l, value, kind);
}

static int expand_dollar(struct lexer *l)
{
    l->s++;
    if (*l->s == '{') {
        l->s++;
        return expand_braces(l);
    }
    size_t n = *l->s && strchr(NAME_FIRST, *l->s) ? strspn(l->s, NAME_CHARS) : 0;
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
            if (*l->s == '\\' && l->s[1])
                l->s++;
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
