/* lex - from the bytes of a template to tokens, as text/template/parse/lex.go. */

#include <errno.h>
#include <stdlib.h>

#include "cli/template/internal.h"

static const char BLANKS[] = " \t\r\n";

static int at(const struct lexer *x, size_t pos)
{
    return pos < x->len ? (unsigned char)x->t->text[pos] : -1;
}

static bool is_blank(int c)
{
    return c > 0 && strchr(BLANKS, c) != NULL;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

/* Letters beyond ASCII are not told from other signs; a function or field of such a name
 * is looked for and not found. */
static bool is_word(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c) ||
           c >= 0x80;
}

static bool starts(const struct lexer *x, size_t pos, const char *with)
{
    size_t n = strlen(with);
    return pos <= x->len && x->len - pos >= n && memcmp(x->t->text + pos, with, n) == 0;
}

/* " -}}": the blank belongs to the mark. */
static bool is_trimming_close(const struct lexer *x, size_t pos)
{
    return is_blank(at(x, pos)) && starts(x, pos + 1, "-}}");
}

static int skip_comment(struct lexer *x)
{
    size_t begin = x->pos;
    const char *end = strstr(x->t->text + begin, "*/");
    if (!end)
        return template_fail(x->t, begin, x->err, "unclosed comment");
    x->pos = (size_t)(end - x->t->text) + 2;
    x->trim = is_trimming_close(x, x->pos);
    x->pos += x->trim ? 2 : 0;
    if (!starts(x, x->pos, "}}"))
        return template_fail(x->t, begin, x->err,
                             "comment ends before closing delimiter");
    x->pos += 2;
    return LEX_COMMENT;
}

static int open_action(struct lexer *x)
{
    x->pos += 2;
    bool trim = at(x, x->pos) == '-' && is_blank(at(x, x->pos + 1));
    size_t mark = trim ? 2 : 0;
    if (starts(x, x->pos + mark, "/*")) {
        x->pos += mark;
        return skip_comment(x);
    }
    x->pos += trim ? 1 : 0; /* the blank stays before the first token */
    x->parens = 0;
    return LEX_ACTION;
}

/* \t and \n written as two characters are blanks of the text, too. */
static size_t blank_len(const struct lexer *x, size_t pos, size_t end)
{
    bool escape = end - pos >= 2 && at(x, pos) == '\\' &&
                  (at(x, pos + 1) == 't' || at(x, pos + 1) == 'n');
    return escape ? 2 : pos < end && is_blank(at(x, pos));
}

static size_t trim_end(const struct lexer *x, size_t from, size_t end)
{
    for (size_t n = 1; n > 0; end -= n) {
        n = end > from ? blank_len(x, end - 1, end) : 0;
        if (n == 0 && end - from >= 2 && blank_len(x, end - 2, end) == 2)
            n = 2;
    }
    return end;
}

int lex_text(struct lexer *x, struct token *ret)
{
    const char *text = x->t->text, *open = strstr(text + x->pos, "{{");
    size_t from = x->pos, end = open ? (size_t)(open - text) : x->len;
    x->pos = end;
    while (x->trim && blank_len(x, from, end))
        from += blank_len(x, from, end);
    x->trim = false;
    if (open && at(x, end + 2) == '-' && is_blank(at(x, end + 3)))
        end = trim_end(x, from, end);
    *ret = (struct token){.at = from, .len = end - from};
    return open ? open_action(x) : LEX_END;
}

static bool is_end_of_word(const struct lexer *x, size_t pos)
{
    int c = at(x, pos);
    return c < 0 || is_blank(c) || strchr(".,|:)(", c) || starts(x, pos, "}}");
}

static int take_word(struct lexer *x, struct token *t, enum token_kind kind, size_t skip)
{
    size_t pos = t->at + skip;
    while (is_word(at(x, pos)))
        pos++;
    if (!is_end_of_word(x, pos))
        return template_fail(x->t, pos, x->err, "bad character '%.*s'",
                             (int)(utf8_len(x->t->text + pos, x->len - pos) ?: 1),
                             x->t->text + pos);
    t->kind = kind;
    t->len = pos - t->at;
    return 0;
}

static size_t skip_run(const struct lexer *x, size_t pos, const char *set)
{
    while (at(x, pos) > 0 && strchr(set, at(x, pos)))
        pos++;
    return pos;
}

struct base {
    char letter; /* behind a 0 */
    char exponent;
    const char *digits;
};

static const struct base *find_base(const struct lexer *x, size_t pos)
{
    static const struct base BASES[] = {{'x', 'p', "0123456789abcdefABCDEF_"},
                                        {'o', '\0', "01234567_"},
                                        {'b', '\0', "01_"},
                                        {'\0', 'e', "0123456789_"}};
    const struct base *b = BASES;
    while (b->letter && !(at(x, pos) == '0' && (at(x, pos + 1) | 0x20) == b->letter))
        b++;
    return b;
}

static size_t skip_sign(const struct lexer *x, size_t pos)
{
    return pos + (at(x, pos) == '+' || at(x, pos) == '-');
}

static int take_number(struct lexer *x, struct token *t)
{
    size_t pos = skip_sign(x, t->at);
    const struct base *base = find_base(x, pos);
    pos = skip_run(x, pos + (base->letter ? 2 : 0), base->digits);
    if (at(x, pos) == '.')
        pos = skip_run(x, pos + 1, base->digits);
    if (base->exponent && (at(x, pos) | 0x20) == base->exponent)
        pos = skip_run(x, skip_sign(x, pos + 1), "0123456789_");
    t->kind = TOKEN_NUMBER;
    t->len = pos - t->at;
    if (is_word(at(x, pos)))
        return template_fail(x->t, t->at, x->err, "bad number syntax: \"%.*s\"",
                             (int)(t->len < 40 ? t->len + 1 : 40), x->t->text + t->at);
    return 0;
}

static int take_quoted(struct lexer *x, struct token *t, enum token_kind kind, char quote,
                       const char *what)
{
    size_t pos = t->at + 1;
    for (; at(x, pos) != quote; pos++) {
        pos += at(x, pos) == '\\' && quote != '`';
        if (at(x, pos) < 0 || (at(x, pos) == '\n' && quote != '`'))
            return template_fail(x->t, t->at, x->err, "unterminated %s", what);
    }
    t->kind = kind;
    t->len = pos + 1 - t->at;
    return 0;
}

static int take_sign(struct lexer *x, struct token *t)
{
    static const struct {
        char text[3];
        enum token_kind kind;
    } SIGNS[] = {{":=", TOKEN_DECLARE},   {"=", TOKEN_ASSIGN},      {"|", TOKEN_PIPE},
                 {"(", TOKEN_OPEN_PAREN}, {")", TOKEN_CLOSE_PAREN}, {",", TOKEN_COMMA}};
    for (size_t i = 0; i < sizeof(SIGNS) / sizeof(SIGNS[0]); i++)
        if (starts(x, t->at, SIGNS[i].text)) {
            t->kind = SIGNS[i].kind;
            t->len = strlen(SIGNS[i].text);
            x->parens += (t->kind == TOKEN_OPEN_PAREN) - (t->kind == TOKEN_CLOSE_PAREN);
            if (x->parens < 0)
                return template_fail(x->t, t->at, x->err, "unexpected right paren");
            return 0;
        }
    if (at(x, t->at) == ':')
        return template_fail(x->t, t->at, x->err, "expected :=");
    size_t n = utf8_len(x->t->text + t->at, x->len - t->at);
    return template_fail(x->t, t->at, x->err, "unexpected '%.*s' in an action",
                         (int)(n ? n : 1), x->t->text + t->at);
}

static int take_close(struct lexer *x, struct token *t)
{
    if (x->parens > 0)
        return template_fail(x->t, t->at, x->err, "unclosed left paren");
    x->trim = at(x, t->at) == '-';
    t->kind = TOKEN_CLOSE;
    t->len = x->trim ? 3 : 2;
    return 0;
}

static int take(struct lexer *x, struct token *t)
{
    int c = at(x, t->at);
    if (c < 0)
        return template_fail(x->t, t->at, x->err, "unclosed action: \"}}\" is missing");
    if (starts(x, t->at, "}}") || (t->space && starts(x, t->at, "-}}")))
        return take_close(x, t);
    if (c == '.' && !is_digit(at(x, t->at + 1))) {
        int rc = take_word(x, t, TOKEN_FIELD, 1);
        if (t->len == 1)
            t->kind = TOKEN_DOT;
        return rc;
    }
    if (c == '$')
        return take_word(x, t, TOKEN_VARIABLE, 1);
    if (c == '.' || c == '+' || c == '-' || is_digit(c))
        return take_number(x, t);
    if (is_word(c))
        return take_word(x, t, TOKEN_WORD, 0);
    if (c == '"')
        return take_quoted(x, t, TOKEN_STRING, '"', "quoted string");
    if (c == '`')
        return take_quoted(x, t, TOKEN_RAW, '`', "raw quoted string");
    if (c == '\'')
        return take_quoted(x, t, TOKEN_CHAR, '\'', "character constant");
    return take_sign(x, t);
}

int lex_next(struct lexer *x, struct token *ret)
{
    size_t pos = skip_run(x, x->pos, BLANKS);
    *ret = (struct token){.at = pos, .space = pos > x->pos};
    int rc = take(x, ret);
    if (rc == 0)
        x->pos = ret->at + ret->len;
    return rc;
}

bool token_is(const struct lexer *x, const struct token *t, const char *word)
{
    return t->kind == TOKEN_WORD && strlen(word) == t->len &&
           memcmp(x->t->text + t->at, word, t->len) == 0;
}
