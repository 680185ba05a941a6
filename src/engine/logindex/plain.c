/* A program that colours part of a word must not hide the word from a search: so text is
 * searched without the sequences that only change its colour. */
#include <string.h>

#include "engine/logindex/internal.h"

#define SGR_MAX 64 /* as long a sequence as the screen takes for one */

/* "ESC [ 1;31 m": its length; 0 = it is something else, which is seen as text. */
static size_t sgr_length(const char *s, size_t n)
{
    if (n < 3 || s[0] != '\033' || s[1] != '[')
        return 0;
    for (size_t i = 2; i < n && i < SGR_MAX; i++) {
        if (s[i] == 'm')
            return i + 1;
        if (s[i] < '0' || s[i] > ';') /* digits, ':' and ';' stand side by side */
            return 0;
    }
    return 0;
}

/* Bytes up to the next colour sequence; *ret_skip = that one's length, 0 = there is
 * none. */
static size_t run_length(const char *s, size_t n, size_t *ret_skip)
{
    const char *esc = s;
    *ret_skip = 0;
    while ((esc = memchr(esc, '\033', n - (size_t)(esc - s)))) {
        *ret_skip = sgr_length(esc, n - (size_t)(esc - s));
        if (*ret_skip > 0)
            return (size_t)(esc - s);
        esc++;
    }
    return n;
}

size_t logindex_plain(const char *text, size_t len, char *out)
{
    size_t n = 0, skip;
    for (size_t at = 0; at < len; at += skip) {
        size_t run = run_length(text + at, len - at, &skip);
        memcpy(out + n, text + at, run);
        n += run;
        at += run;
    }
    return n;
}

size_t logindex_plain_of(const char *text, size_t len, size_t offset)
{
    size_t n = 0, skip;
    for (size_t at = 0; at < offset; at += skip) {
        size_t run = run_length(text + at, len - at, &skip);
        n += run < offset - at ? run : offset - at;
        at += run;
    }
    return n;
}

size_t logindex_plain_at(const char *text, size_t len, size_t plain)
{
    size_t skip, at = 0;
    for (;; at += skip) {
        size_t run = run_length(text + at, len - at, &skip);
        if (plain < run || at + run >= len)
            return at + (plain < run ? plain : run);
        plain -= run;
        at += run;
    }
}
