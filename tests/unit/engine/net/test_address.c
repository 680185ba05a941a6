/* Addresses and subnets against a slow model: numbers of 128 bits. */

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/net/internal.h"
#include "seed.h"

typedef unsigned __int128 wide;

#define TRIES 3000

static wide number_of(const struct net_address *a)
{
    wide n = 0;
    for (size_t i = 0; i < a->len; i++)
        n = n << 8 | a->bytes[i];
    return n;
}

static struct net_address address_of(wide n, unsigned char len)
{
    struct net_address a = {.len = len};
    for (size_t i = len; i-- > 0; n >>= 8)
        a.bytes[i] = (unsigned char)n;
    return a;
}

static wide mask(unsigned prefix, unsigned bits)
{
    wide all = bits == 128 ? ~(wide)0 : (((wide)1 << bits) - 1);
    return prefix == 0 ? 0 : all & ~((((wide)1 << (bits - prefix)) - 1));
}

static wide random_wide(struct seed *s)
{
    return (wide)seed_number(s) << 64 | seed_next(s);
}

static struct net_subnet random_subnet(struct seed *s, unsigned char len)
{
    unsigned bits = 8u * len, prefix = (unsigned)seed_below(s, bits) + 1;
    wide base = random_wide(s) & mask(prefix, bits);
    return (struct net_subnet){.base = address_of(base, len), .prefix = prefix};
}

Test(net_address, what_is_written_is_read)
{
    struct seed s = seed_of("what_is_written_is_read");
    for (int i = 0; i < TRIES; i++) {
        char text[NET_TEXT], again[NET_TEXT];
        struct net_subnet a = random_subnet(&s, i % 2 ? 4 : 16), b;
        struct net_address c;
        net_subnet_text(&a, text);
        cr_assert_eq(net_subnet_parse(text, &b), 0, "%s", text);
        cr_expect(b.prefix == a.prefix && number_of(&b.base) == number_of(&a.base), "%s",
                  text);
        net_address_text(&a.base, text);
        cr_assert_eq(net_address_parse(text, &c), 0, "%s", text);
        net_address_text(&c, again);
        cr_expect_str_eq(again, text);
    }
}

Test(net_address, bits_of_a_host_are_no_subnet)
{
    struct net_subnet s;
    cr_expect_eq(net_subnet_parse("10.0.0.1/24", &s), -EDOM);
    cr_expect_eq(net_subnet_parse("10.0.0.0/7", &s), 0);
    cr_expect_eq(net_subnet_parse("11.0.0.0/7", &s), -EDOM);
    cr_expect_eq(net_subnet_parse("fd00::1/64", &s), -EDOM);
    cr_expect_eq(net_subnet_parse("10.0.0.0/33", &s), -EINVAL);
    cr_expect_eq(net_subnet_parse("10.0.0.0", &s), -EINVAL);
    cr_expect_eq(net_subnet_parse("10.0.0.0/", &s), -EINVAL);
}

Test(net_address, a_subnet_is_what_its_mask_says)
{
    struct seed s = seed_of("a_subnet_is_what_its_mask_says");
    for (int i = 0; i < TRIES; i++) {
        unsigned char len = i % 2 ? 4 : 16;
        unsigned bits = 8u * len;
        struct net_subnet n = random_subnet(&s, len);
        wide base = number_of(&n.base), m = mask(n.prefix, bits);
        wide near = base + (seed_below(&s, 2) ? seed_number(&s) : -(wide)seed_number(&s));
        wide any = seed_below(&s, 2) ? near : random_wide(&s);
        if (bits < 128)
            any &= ((wide)1 << bits) - 1;
        struct net_address a = address_of(any, len);
        cr_expect_eq(net_subnet_has(&n, &a), (any & m) == base, "/%u, try %d", n.prefix,
                     i);
        struct net_address end = net_subnet_end(&n);
        wide past = base + (~m & (bits == 128 ? ~(wide)0 : ((wide)1 << bits) - 1)) + 1;
        if (bits < 128)
            past &= ((wide)1 << bits) - 1;
        cr_expect(number_of(&end) == past, "the end of a /%u, try %d", n.prefix, i);
    }
}

Test(net_address, two_subnets_meet_or_do_not)
{
    struct seed s = seed_of("two_subnets_meet_or_do_not");
    for (int i = 0; i < TRIES; i++) {
        struct net_subnet a = random_subnet(&s, 4), b = random_subnet(&s, 4);
        if (i % 2) /* near each other */
            b.base = address_of(number_of(&a.base) & mask(b.prefix, 32), 4);
        uint64_t a0 = (uint64_t)number_of(&a.base), b0 = (uint64_t)number_of(&b.base);
        uint64_t a1 = a0 + net_subnet_size(&a), b1 = b0 + net_subnet_size(&b);
        cr_expect_eq(net_subnets_overlap(&a, &b), a0 < b1 && b0 < a1, "/%u /%u try %d",
                     a.prefix, b.prefix, i);
    }
}

Test(net_address, the_nth_of_a_subnet)
{
    struct seed s = seed_of("the_nth_of_a_subnet");
    for (int i = 0; i < TRIES; i++) {
        struct net_subnet n = random_subnet(&s, i % 2 ? 4 : 16);
        uint64_t k = seed_below(&s, net_subnet_size(&n));
        struct net_address a = net_subnet_at(&n, k);
        cr_expect(number_of(&a) == number_of(&n.base) + k, "/%u + %llu", n.prefix,
                  (unsigned long long)k);
        cr_expect_eq(net_subnet_index(&n, &a), k);
    }
}
