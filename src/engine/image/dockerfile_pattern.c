/* The patterns of ${NAME#pattern} and its kin are shell's without brackets. All places of the
 * pattern where a match may have got to are followed at once, so that many stars cost no more
 * than few. */

#include "engine/image/dockerfile_words.h"

#include <errno.h>
#include <string.h>

#define MAX_PATTERN 256
#define MAX_TEXT (4u << 10) /* it is tried at each place of the text */
#define ANY 256             /* one character */
#define ANY_MANY 257        /* any number of them */

struct pattern {
    unsigned short items[MAX_PATTERN];
    size_t len;
};

static int parse(const char *s, struct pattern *ret)
{
    for (; *s; s++) {
        unsigned short item = (unsigned char)*s;
        if (*s == '*')
            item = ANY_MANY;
        else if (*s == '?')
            item = ANY;
        else if (*s == '\\' && (!s[1] || !strchr("*?\\}/", s[1])))
            return -EINVAL;
        else if (*s == '\\')
            item = (unsigned char)*++s;
        if (ret->len == MAX_PATTERN)
            return -EINVAL;
        ret->items[ret->len++] = item;
    }
    return 0;
}

static void reverse(struct pattern *p)
{
    for (size_t i = 0; i < p->len / 2; i++) {
        unsigned short item = p->items[i];
        p->items[i] = p->items[p->len - 1 - i];
        p->items[p->len - 1 - i] = item;
    }
}

/* A star may stand for nothing. */
static void pass_stars(const struct pattern *p, bool at[MAX_PATTERN + 1])
{
    for (size_t i = 0; i < p->len; i++)
        if (at[i] && p->items[i] == ANY_MANY)
            at[i + 1] = true;
}

static void take(const struct pattern *p, unsigned char c, bool at[MAX_PATTERN + 1])
{
    for (size_t i = p->len + 1; i-- > 0;) {
        bool stays = at[i] && i < p->len && p->items[i] == ANY_MANY;
        bool comes =
            i > 0 && at[i - 1] && (p->items[i - 1] == c || p->items[i - 1] == ANY);
        at[i] = stays || comes;
    }
    pass_stars(p, at);
}

int dockerfile_pattern_match(const char *pattern, const char *text, bool from_end,
                             bool longest)
{
    struct pattern p = {.len = 0};
    bool at[MAX_PATTERN + 1] = {true};
    size_t len = strlen(text);
    int found = -ENOENT;
    if (parse(pattern, &p) < 0 || len > MAX_TEXT)
        return -EINVAL;
    if (from_end)
        reverse(&p);
    pass_stars(&p, at);
    for (size_t n = 0;; n++) {
        if (at[p.len])
            found = (int)n;
        if (n == len || (found >= 0 && !longest))
            return found;
        take(&p, (unsigned char)text[from_end ? len - 1 - n : n], at);
    }
}
