/* What goes in and comes out of a container is exact, byte for byte, whatever it is. Needs
 * root. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/state.h"

#define MIB (1024 * 1024)
#define BIG (64 * MIB)

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(stream, .init = set_up, .fini = tear_down, .timeout = 60);

/* A generator whose every byte depends on its place: a lost, doubled or moved piece shows. */
static unsigned char *noise(size_t len)
{
    unsigned char *p = malloc(len);
    cr_assert_not_null(p);
    unsigned x = 12345;
    for (size_t i = 0; i < len; i++) {
        x = x * 1103515245u + 12345u;
        p[i] = (unsigned char)(x >> 16);
    }
    return p;
}

Test(stream, binary_through_cat_is_exact)
{
    size_t len = 8 * MIB + 3;
    unsigned char *in = noise(len);
    struct outcome o = state_run_input(
        &s, in, len, (const char *const[]){"run", "--rm", "-i", "busybox", "cat", NULL});
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_assert_eq(o.out_len, len);
    cr_expect_arr_eq(o.out, in, len);
    outcome_done(&o);
    free(in);
}

Test(stream, output_of_64_mib_is_exact)
{
    const char *script =
        "yes 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,"
        " | head -c 67108864";
    struct outcome o = RUN(&s, "run", "--rm", "busybox", "sh", "-c", script);
    cr_expect_eq(o.status, 0, "%s", o.err);
    cr_assert_eq(o.out_len, BIG);
    for (size_t i = 0; i + 65 <= o.out_len; i += 65)
        cr_assert_arr_eq(
            o.out + i,
            "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,\n", 65,
            "at %zu", i);
    outcome_done(&o);
}

Test(stream, logs_are_what_was_written)
{
    struct outcome o = RUN(&s, "run", "--name", "x", "busybox", "sh", "-c",
                           "i=0; while [ $i -lt 2000 ]; do echo out $i; echo err $i >&2; "
                           "i=$((i+1)); done; printf end");
    cr_expect_eq(o.status, 0);
    struct outcome l = RUN(&s, "logs", "x");
    cr_expect_str_eq(l.out, o.out);
    cr_expect_str_eq(l.err, o.err);
    cr_expect(strstr(l.out, "out 1999\nend"), "the last bytes are there");
    outcome_done(&o);
    outcome_done(&l);
}

Test(stream, arguments_arrive_as_typed)
{
    struct outcome o = RUN(&s, "run", "--rm", "busybox", "sh", "-c",
                           "for a; do printf '[%s]' \"$a\"; done", "sh", "a b", "", "'q'",
                           "\"d\"", "$HOME", "back\\slash", "new\nline", "*");
    cr_expect_str_eq(o.out, "[a b][]['q'][\"d\"][$HOME][back\\slash][new\nline][*]");
    outcome_done(&o);
}

Test(stream, without_i_stdin_is_empty)
{
    struct outcome o = state_run_input(
        &s, "x", 1, (const char *const[]){"run", "--rm", "busybox", "wc", "-c", NULL});
    cr_expect_str_eq(o.out, "0\n");
    outcome_done(&o);
}

Test(stream, both_streams_stay_apart)
{
    struct outcome o =
        RUN(&s, "run", "--rm", "busybox", "sh", "-c", "echo o; echo e >&2");
    cr_expect_str_eq(o.out, "o\n");
    cr_expect_str_eq(o.err, "e\n");
    outcome_done(&o);
}
