#include "base/words.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

/* One word from *s on into b; stops at an unquoted blank. -EINVAL: a quote is open. */
static int take_word(const char **s, struct buf *b)
{
    char quote = '\0';
    int rc = 0;
    for (; **s && rc == 0; (*s)++) {
        char c = **s;
        if (!quote && (c == ' ' || c == '\t'))
            return 0;
        if (c == quote)
            quote = '\0';
        else if (!quote && (c == '\'' || c == '"'))
            quote = c;
        else if (c == '\\' && quote != '\'' && (*s)[1])
            rc = buf_putc(b, *++*s);
        else
            rc = buf_putc(b, c);
    }
    return rc < 0 ? rc : quote ? -EINVAL : 0;
}

int words_split(const char *s, struct strv *ret, struct mtd_error *err)
{
    for (;;) {
        s += strspn(s, " \t");
        if (!*s)
            return 0;
        auto_done(buf_done) struct buf word = {0};
        int rc = take_word(&s, &word);
        if (rc == -EINVAL)
            return mtd_fail(err, EINVAL, "a quote is not closed");
        if (rc == 0)
            rc = strv_add_n(ret, word.data ? word.data : "", word.len);
        if (rc < 0)
            return mtd_fail_errno(err, -rc, "command line");
    }
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
