/* seed - numbers for tests of properties: the same for the same seed, which a failure prints.
 * Shape   SEED() in the test's first line; MTD_SEED=N in the environment repeats a run.
 * Bounds  a property is tried a fixed number of times, so that a test takes as long as any
 *         other.
 */
#ifndef TEST_SEED_H
#define TEST_SEED_H

#include <stddef.h>
#include <stdint.h>

struct seed {
    uint64_t first, now;
};
struct seed
seed_of(const char *test); /* of the environment, or of the clock; prints it */
uint64_t seed_next(struct seed *s);
/* 0 to n - 1. */
uint64_t seed_below(struct seed *s, uint64_t n);
/* Bits as often long as short: small numbers, and those next to powers of two, are where rules
 * change. */
uint64_t seed_number(struct seed *s);
/* At most max - 1 bytes of the letters; NULL = any but 0. */
void seed_text(struct seed *s, char *ret, size_t max, const char *letters);

#endif
