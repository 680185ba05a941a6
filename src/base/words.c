/* words - one lexer for what users type and for scripts, so that quotes mean the same in
 * both. */

#include "base/words.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

struct splitter {
    const char *p;
    bool comments; /* # at the beginning of a word starts one */
    struct buf word;
    bool in_word; /* '' is a word too */
    struct strv words;
};

static int add_char(struct splitter *s, char c)
{
    s->in_word = true;
    return buf_putc(&s->word, c);
}

static int end_word(struct splitter *s)
{
    if (!s->in_word)
        return 0;
    int rc = strv_add_n(&s->words, s->word.data ? s->word.data : "", s->word.len);
    s->word.len = 0;
    s->in_word = false;
    return rc;
}

static int read_single(struct splitter *s)
{
    s->in_word = true;
    const char *end = strchr(s->p + 1, '\'');
    if (!end)
        return -EAGAIN;
    int rc = buf_add(&s->word, s->p + 1, (size_t)(end - s->p) - 1);
    s->p = end + 1;
    return rc;
}

static int read_double(struct splitter *s)
{
    int rc = 0;
    s->in_word = true;
    for (s->p++; *s->p != '"' && rc == 0; s->p++) {
        if (!*s->p || (*s->p == '\\' && !s->p[1]))
            return -EAGAIN;
        if (*s->p == '\\' && s->p[1] == '\n') {
            s->p++;
            continue;
        }
        if (*s->p == '\\' && strchr("\"\\$`", s->p[1]))
            s->p++;
        rc = add_char(s, *s->p);
    }
    s->p += rc == 0;
    return rc;
}

static int read_backslash(struct splitter *s)
{
    char c = s->p[1];
    if (!c || (c == '\n' && !s->p[2]))
        return -EAGAIN;
    s->p += 2;
    return c == '\n' ? 0 : add_char(s, c);
}

static int read_plain(struct splitter *s)
{
    char c = *s->p;
    if (c == '#' && s->comments && !s->in_word) {
        s->p += strcspn(s->p, "\n");
        return 0;
    }
    s->p++;
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
        return end_word(s);
    return add_char(s, c);
}

/* Appends all words to ret; on failure none. */
static int split(const char *text, bool comments, struct strv *ret)
{
    struct splitter s = {.p = text, .comments = comments};
    int rc = 0;
    while (*s.p && rc == 0)
        rc = *s.p == '\''   ? read_single(&s)
             : *s.p == '"'  ? read_double(&s)
             : *s.p == '\\' ? read_backslash(&s)
                            : read_plain(&s);
    if (rc == 0)
        rc = end_word(&s);
    if (rc == 0)
        rc = strv_add_all(ret, &s.words);
    buf_done(&s.word);
    strv_done(&s.words);
    return rc;
}

int words_split(const char *text, struct strv *ret, struct mtd_error *err)
{
    int rc = split(text, false, ret);
    if (rc == -EAGAIN)
        return mtd_fail(err, EINVAL, WORDS_OPEN);
    return rc < 0 ? mtd_fail_errno(err, -rc, "command line") : 0;
}

int words_split_script(const char *text, struct strv *ret)
{
    return split(text, true, ret);
}

static int quote(const char *s, struct buf *b)
{
    static const char PLAIN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-_./:=,@%+^";
    if (*s && s[strspn(s, PLAIN)] == '\0')
        return buf_puts(b, s);
    int rc = buf_putc(b, '\'');
    for (; *s && rc == 0; s++)
        rc = *s == '\'' ? buf_puts(b, "'\\''") : buf_putc(b, *s);
    return rc < 0 ? rc : buf_putc(b, '\'');
}

int words_join(const struct strv *v, struct buf *ret)
{
    for (size_t i = 0; i < v->len; i++) {
        int rc = i ? buf_putc(ret, ' ') : 0;
        if (rc == 0)
            rc = quote(v->items[i], ret);
        if (rc < 0)
            return rc;
    }
    return 0;
}
