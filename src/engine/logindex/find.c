/* Searches for bytes at the speed of memory.
 *
 * The two bytes of the needle that are rarest in logs are compared at their distance for
 * 16 places at once; only where both fit is the whole compared. memmem() of the C
 * library gets 1-2 GB/s out of the same processor, memchr() of one byte stops at every
 * accidental one. GCC's vector types are used, so this is as fast on other processors
 * and as portable as C.
 */
#include "engine/logindex/logindex.h"

#include <string.h>
#include <strings.h>

#include "engine/logindex/internal.h"

typedef unsigned char vec __attribute__((vector_size(16)));
typedef unsigned char vec_unaligned
    __attribute__((vector_size(16), aligned(1), may_alias));
#define LANES sizeof(vec)

static unsigned char fold_byte(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

static bool is_letter(unsigned char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* Roughly how often a byte occurs in logs: digits and "stdout F" are in every line. */
static int frequency(unsigned char c)
{
    static const char common[] = " 0123456789etaoinsrdu:-.TZF";
    static const char usual[] = "lchmpfgwybvk/=\"_,";
    if (memchr(common, c, sizeof(common) - 1))
        return 3;
    if (memchr(usual, c, sizeof(usual) - 1))
        return 2;
    return is_letter(c) ? 1 : 0;
}

void logindex_needle_init(struct logindex_needle *n, const char *bytes, size_t len,
                          bool fold)
{
    if (len > sizeof(n->bytes))
        len = sizeof(n->bytes);
    n->len = len;
    n->fold = fold;
    n->rare[0] = n->rare[1] = 0;
    for (size_t i = 0; i < len; i++)
        n->bytes[i] = fold ? fold_byte((unsigned char)bytes[i]) : (unsigned char)bytes[i];
    for (size_t i = 1; i < len; i++)
        if (frequency(n->bytes[i]) < frequency(n->bytes[n->rare[0]]))
            n->rare[0] = i;
    n->rare[1] = n->rare[0] == 0 ? len - 1 : 0;
    for (size_t i = 0; i < len; i++)
        if (i != n->rare[0] && frequency(n->bytes[i]) < frequency(n->bytes[n->rare[1]]))
            n->rare[1] = i;
}

static bool fits(const struct logindex_needle *n, const char *at)
{
    if (!n->fold)
        return memcmp(at, n->bytes, n->len) == 0;
    for (size_t i = 0; i < n->len; i++)
        if (fold_byte((unsigned char)at[i]) != n->bytes[i])
            return false;
    return true;
}

static vec splat(unsigned char c)
{
    return (vec){c, c, c, c, c, c, c, c, c, c, c, c, c, c, c, c};
}

struct pair { /* the two bytes in all lanes; mask folds case where it is a letter */
    vec value[2], mask[2];
    size_t offset[2];
};

static struct pair pair_of(const struct logindex_needle *n)
{
    struct pair p;
    for (int i = 0; i < 2; i++) {
        unsigned char c = n->bytes[n->rare[i]];
        p.offset[i] = n->rare[i];
        p.value[i] = splat(c);
        p.mask[i] = splat(n->fold && is_letter(c) ? 0x20 : 0);
    }
    return p;
}

static vec pair_at(const struct pair *p, const char *at)
{
    vec a = *(const vec_unaligned *)(at + p->offset[0]);
    vec b = *(const vec_unaligned *)(at + p->offset[1]);
    return (vec)(((a | p->mask[0]) == p->value[0]) & ((b | p->mask[1]) == p->value[1]));
}

static bool any(vec v)
{
    uint64_t half[2];
    memcpy(half, &v, sizeof(half));
    return (half[0] | half[1]) != 0;
}

static const char *find_among(const struct logindex_needle *n, vec hits, const char *at)
{
    for (size_t i = 0; i < LANES; i++)
        if (hits[i] && fits(n, at + i))
            return at + i;
    return NULL;
}

const char *logindex_needle_find(const struct logindex_needle *n, const char *hay,
                                 size_t len)
{
    if (n->len > len || n->len == 0)
        return NULL;
    const char *last = hay + (len - n->len), *at = hay;
    struct pair p = pair_of(n);
    /* A lane's bytes are within its occurrence, so [at, at + lanes) may go up to last. */
    for (; last - at >= (ptrdiff_t)(4 * LANES); at += 4 * LANES) {
        vec v[4];
        for (size_t i = 0; i < 4; i++)
            v[i] = pair_at(&p, at + i * LANES);
        if (!any(v[0] | v[1] | v[2] | v[3]))
            continue;
        for (size_t i = 0; i < 4; i++) {
            const char *hit = any(v[i]) ? find_among(n, v[i], at + i * LANES) : NULL;
            if (hit)
                return hit;
        }
    }
    for (; at <= last; at++)
        if (fits(n, at))
            return at;
    return NULL;
}
