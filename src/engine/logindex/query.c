/* Patterns. The C library's regexec() manages some 50 MB/s, so it is asked only about
 * lines that hold the pattern's longest literal part; that part is looked for first.
 */
#include "engine/logindex/logindex.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "engine/logindex/internal.h"

/* regexec() takes memory by the length of its text: long lines are given in pieces. */
#define PIECE (64u << 10)
#define PIECE_OVERLAP (4u << 10)

struct logindex_query {
    char *pattern;
    struct logindex_needle needle;
    bool have_needle, exact, have_regex;
    regex_t regex;
    char *piece;       /* PIECE + 1 bytes: regexec() looks at text that ends with NUL */
    struct buf *plain; /* a text without its colours */
};

/* ---- the literal part -------------------------------------------------------------- */

struct runs { /* literal runs of a pattern; the longest so far, and the one being read */
    struct buf longest, run;
    bool plain; /* nothing special was met */
};

static void end_run(struct runs *r)
{
    if (r->run.len > r->longest.len) {
        struct buf keep = r->longest;
        r->longest = r->run;
        r->run = keep;
    }
    r->run.len = 0;
}

/* "x*": the last character may be missing. */
static void drop_last_char(struct runs *r)
{
    while (r->run.len > 0 && ((unsigned char)r->run.data[r->run.len - 1] & 0xc0) == 0x80)
        r->run.len--;
    if (r->run.len > 0)
        r->run.len--;
    end_run(r);
}

static const char *skip_bracket(const char *p)
{
    p += p[1] == '^' ? 2 : 1;
    if (*p == ']')
        p++;
    for (; *p && *p != ']'; p++) {
        if (*p != '[' || !strchr(".:=", p[1]) || !p[1])
            continue;
        char close = p[1];
        for (p += 2; *p && !(p[0] == close && p[1] == ']'); p++)
            ;
        if (!*p)
            return p;
        p++;
    }
    return *p ? p : p - 1;
}

static const char *skip_group(const char *p)
{
    int depth = 0;
    for (; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        else if (*p == '[')
            p = skip_bracket(p);
        else if (*p == '(')
            depth++;
        else if (*p == ')' && --depth == 0)
            return p;
    }
    return p - 1;
}

/* One special construct at p; returns its last byte. */
static const char *read_special(struct runs *r, const char *p)
{
    r->plain = false;
    switch (*p) {
    case '*':
    case '?': drop_last_char(r); break;
    case '{':
        drop_last_char(r);
        while (p[1] && *p != '}')
            p++;
        break;
    case '[': end_run(r); return skip_bracket(p);
    case '(': end_run(r); return skip_group(p);
    default: end_run(r); break; /* . ^ $ + ) */
    }
    return p;
}

static const char *read_escape(struct runs *r, const char *p)
{
    unsigned char c = (unsigned char)p[1];
    if (c != 0 && strchr("\\^$.[]()*+?{}|/-\"'#:,= ", c)) {
        buf_putc(&r->run, (char)c);
    } else { /* \w \b \< \1 ... */
        r->plain = false;
        end_run(r);
    }
    return c ? p + 1 : p;
}

static void read_runs(struct runs *r, const char *p, bool fold)
{
    for (; *p; p++) {
        if (*p == '\\')
            p = read_escape(r, p);
        else if (strchr("^$.[()*+?{", *p))
            p = read_special(r, p);
        else if (fold && (unsigned char)*p >= 0x80) {
            r->plain = false; /* case outside ASCII is the library's business */
            end_run(r);
        } else
            buf_putc(&r->run, *p);
    }
    end_run(r);
}

/* Alternatives share no literal that this would see. */
static void find_literal(struct logindex_query *q, const char *pattern, bool fold)
{
    if (strchr(pattern, '|'))
        return;
    struct runs r = {.plain = true};
    read_runs(&r, pattern, fold);
    q->have_needle = r.longest.len > 0;
    if (q->have_needle) {
        logindex_needle_init(&q->needle, r.longest.data, r.longest.len, fold);
        q->exact = r.plain && r.longest.len == q->needle.len;
    }
    buf_done(&r.longest);
    buf_done(&r.run);
}

/* ---- the query --------------------------------------------------------------------- */

int logindex_query_new(struct logindex_query **ret, const char *pattern,
                       struct mtd_error *err)
{
    if (*pattern == '\0')
        return mtd_fail(err, EINVAL, "the pattern is empty");
    struct logindex_query *q = calloc(1, sizeof(*q));
    if (!q || !(q->pattern = strdup(pattern)) || !(q->piece = malloc(PIECE + 1)) ||
        !(q->plain = calloc(1, sizeof(*q->plain)))) {
        logindex_query_free(q);
        return mtd_fail_errno(err, ENOMEM, "pattern");
    }
    bool fold = strncmp(pattern, "\\c", 2) == 0;
    const char *text = pattern + (fold ? 2 : 0);
    int rc = regcomp(&q->regex, text, REG_EXTENDED | (fold ? REG_ICASE : 0));
    if (rc != 0 || *text == '\0') {
        char why[100] = "nothing to search for";
        if (rc != 0)
            regerror(rc, &q->regex, why, sizeof(why));
        q->have_regex = rc == 0;
        logindex_query_free(q);
        return mtd_fail(err, EINVAL, "bad pattern \"%s\": %s", pattern, why);
    }
    q->have_regex = true;
    find_literal(q, text, fold);
    *ret = q;
    return 0;
}

void logindex_query_free(struct logindex_query *q)
{
    if (!q)
        return;
    if (q->have_regex)
        regfree(&q->regex);
    free(q->pattern);
    free(q->piece);
    if (q->plain)
        buf_done(q->plain);
    free(q->plain);
    free(q);
}

const char *logindex_query_pattern(const struct logindex_query *q)
{
    return q->pattern;
}

const struct logindex_needle *logindex_query_needle(const struct logindex_query *q,
                                                    bool *ret_exact)
{
    *ret_exact = q->exact;
    return q->have_needle ? &q->needle : NULL;
}

static bool match_piece(const struct logindex_query *q, const char *text, size_t from,
                        size_t to, int flags, size_t *ret_start, size_t *ret_end)
{
    regmatch_t m = {.rm_so = 0, .rm_eo = (regoff_t)(to - from)};
    memcpy(q->piece, text + from, to - from);
    q->piece[to - from] = '\0';
    if (regexec(&q->regex, q->piece, 1, &m, REG_STARTEND | flags) != 0)
        return false;
    *ret_start = from + (size_t)m.rm_so;
    *ret_end = from + (size_t)m.rm_eo;
    return true;
}

static bool match_regex(const struct logindex_query *q, const char *text, size_t len,
                        size_t from, size_t *ret_start, size_t *ret_end)
{
    for (;;) {
        bool last = len - from <= PIECE;
        size_t to = last ? len : from + PIECE;
        int flags = (from > 0 ? REG_NOTBOL : 0) | (last ? 0 : REG_NOTEOL);
        if (match_piece(q, text, from, to, flags, ret_start, ret_end))
            return true;
        if (last)
            return false;
        from = to - PIECE_OVERLAP;
    }
}

static bool match_bytes(const struct logindex_query *q, const char *text, size_t len,
                        size_t from, size_t *ret_start, size_t *ret_end)
{
    if (!q->have_needle)
        return match_regex(q, text, len, from, ret_start, ret_end);
    const char *hit = logindex_needle_find(&q->needle, text + from, len - from);
    if (!hit)
        return false;
    if (!q->exact)
        return match_regex(q, text, len, from, ret_start, ret_end);
    *ret_start = (size_t)(hit - text);
    *ret_end = *ret_start + q->needle.len;
    return true;
}

bool logindex_query_match(const struct logindex_query *q, const char *text, size_t len,
                          size_t from, size_t *ret_start, size_t *ret_end)
{
    if (from > len)
        return false;
    q->plain->len = 0;
    if (!memchr(text + from, '\033', len - from) || buf_reserve(q->plain, len) < 0)
        return match_bytes(q, text, len, from, ret_start, ret_end);
    char *plain = q->plain->data;
    size_t n = logindex_plain(text, len, plain);
    if (!match_bytes(q, plain, n, logindex_plain_of(text, len, from), ret_start, ret_end))
        return false;
    bool empty = *ret_end == *ret_start;
    *ret_start = logindex_plain_at(text, len, *ret_start);
    *ret_end = empty ? *ret_start : logindex_plain_at(text, len, *ret_end - 1) + 1;
    return true;
}
