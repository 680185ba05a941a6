/* xorshift64*: good enough to be surprising, and the same everywhere. */
#include "seed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct seed seed_of(const char *test)
{
    struct timespec now;
    const char *text = getenv("MTD_SEED");
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t first = text ? strtoull(text, NULL, 10)
                          : (uint64_t)now.tv_sec * 1000003u + (uint64_t)now.tv_nsec;
    struct seed s = {first ? first : 1, first ? first : 1};
    fprintf(stderr, "%s: MTD_SEED=%" PRIu64 "\n", test, s.first);
    return s;
}

uint64_t seed_next(struct seed *s)
{
    s->now ^= s->now >> 12;
    s->now ^= s->now << 25;
    s->now ^= s->now >> 27;
    return s->now * UINT64_C(2685821657736338717);
}

uint64_t seed_below(struct seed *s, uint64_t n)
{
    return n ? seed_next(s) % n : 0;
}

uint64_t seed_number(struct seed *s)
{
    uint64_t bits = seed_below(s, 64);
    uint64_t n = seed_next(s) >> bits;
    switch (seed_below(s, 4)) {
    case 0: return (UINT64_C(1) << bits) - 1;
    case 1: return UINT64_C(1) << bits;
    default: return n;
    }
}

void seed_text(struct seed *s, char *ret, size_t max, const char *letters)
{
    size_t n = seed_below(s, max), kinds = letters ? strlen(letters) : 255;
    for (size_t i = 0; i < n; i++) {
        uint64_t k = seed_below(s, kinds);
        ret[i] = letters ? letters[k] : (char)(k + 1);
    }
    ret[n] = '\0';
}
