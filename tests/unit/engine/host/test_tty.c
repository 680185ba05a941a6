/* console: the detach keys' matcher, and a terminal that is always given back. */

#include "engine/host/tty.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Feeds text in pieces of the given size; what came through stands in out. */
static bool feed(struct tty_keys *k, const char *text, size_t piece, char *out)
{
    size_t len = strlen(text), used = 0;
    for (size_t i = 0; i < len; i += piece) {
        size_t n = len - i < piece ? len - i : piece, got;
        if (tty_keys_feed(k, text + i, n, out + used, &got)) {
            out[used + got] = '\0';
            return true;
        }
        used += got;
    }
    out[used] = '\0';
    return false;
}

static void expect(const char *keys, const char *text, bool detach, const char *passed)
{
    for (size_t piece = 1; piece <= 4; piece++) {
        struct tty_keys k;
        char out[256];
        cr_assert_eq(tty_keys_parse(&k, keys), 0);
        cr_expect_eq(feed(&k, text, piece, out), detach, "%s", text);
        cr_expect_str_eq(out, passed, "pieces of %zu", piece);
    }
}

Test(console, keys_as_docker_writes_them)
{
    struct tty_keys k;
    cr_assert_eq(tty_keys_parse(&k, NULL), 0);
    cr_assert_eq(k.len, 2);
    cr_assert_eq(memcmp(k.seq, "\x10\x11", 2), 0);
    cr_assert_eq(tty_keys_parse(&k, "ctrl-@,ctrl-a,ctrl-z,ctrl-[,ctrl-\\,ctrl-],ctrl-^,"
                                    "ctrl-_,x,Q"),
                 0);
    cr_assert_eq(k.len, 10);
    cr_assert_eq(memcmp(k.seq, "\0\1\x1a\x1b\x1c\x1d\x1e\x1fxQ", 10), 0);
    cr_assert_eq(tty_keys_parse(&k, ""), 0);
    cr_assert_eq(k.len, 0);
}

Test(console, keys_that_are_none)
{
    static const char *const BAD[] = {"ctrl-",
                                      "ctrl-A",
                                      "ctrl-1",
                                      "ab",
                                      ",",
                                      "a,",
                                      ",a",
                                      "ctrl-ab",
                                      "CTRL-a",
                                      "a,,b",
                                      "shift-a",
                                      "ctrl-?",
                                      "1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct tty_keys k = {.len = 3};
        cr_expect_eq(tty_keys_parse(&k, BAD[i]), -EINVAL, "%s", BAD[i]);
        cr_expect_eq(k.len, 3, "%s: touched on failure", BAD[i]);
    }
}

Test(console, a_prefix_is_held_back_and_passed_on)
{
    expect(NULL, "abc", false, "abc");
    expect(NULL, "a\x10", false, "a");
    expect(NULL, "a\x10z", false, "a\x10z");
    expect(NULL, "a\x10\x10z", false, "a\x10\x10z");
    expect(NULL, "a\x10\x11z", true, "a");
    expect(NULL, "\x10\x10\x11", true, "\x10");
    expect("", "\x10\x11", false, "\x10\x11");
    expect("x", "abx", true, "ab");
}

/* A sequence that repeats itself: what was held back may be its beginning again. */
Test(console, overlapping_sequences)
{
    expect("a,a,b", "aaab", true, "a");
    expect("a,b,a,b,c", "abababc", true, "ab");
    expect("a,b,a,c", "ababac", true, "ab");
    expect("a,b,a,c", "abab", false, "ab");
    expect("a,a,a", "aabaaa", true, "aab");
}

static void make_pty(int *master, int *slave)
{
    char name[64];
    *master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    cr_assert(grantpt(*master) == 0 && unlockpt(*master) == 0);
    cr_assert_eq(ptsname_r(*master, name, sizeof(name)), 0);
    *slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    cr_assert_geq(*slave, 0);
}

Test(console, raw_and_back)
{
    int master, slave;
    struct termios before, now;
    struct console c;
    make_pty(&master, &slave);
    cr_assert_eq(tcgetattr(slave, &before), 0);
    cr_assert_eq(tty_raw(&c, slave), 0);
    cr_assert_eq(tcgetattr(slave, &now), 0);
    cr_assert_eq(now.c_lflag & (ICANON | ECHO | ISIG), 0);
    tty_restore(&c);
    tty_restore(&c);
    cr_assert_eq(tcgetattr(slave, &now), 0);
    cr_assert_eq(now.c_lflag, before.c_lflag);
    cr_assert_eq(now.c_iflag, before.c_iflag);
    cr_assert_eq(now.c_oflag, before.c_oflag);
    cr_assert_eq(c.fd, -1);
}

Test(console, not_a_terminal)
{
    struct console c;
    unsigned short rows, cols;
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    cr_assert_eq(tty_raw(&c, fd), -ENOTTY);
    cr_assert_eq(c.fd, -1);
    tty_restore(&c);
    cr_assert_lt(tty_size(fd, &rows, &cols), 0);
}

Test(console, size)
{
    int master, slave;
    unsigned short rows, cols;
    make_pty(&master, &slave);
    cr_assert_eq(tty_resize(master, 33, 101), 0);
    cr_assert_eq(tty_size(slave, &rows, &cols), 0);
    cr_assert_eq(rows, 33);
    cr_assert_eq(cols, 101);
}

/* An image can put anything at /dev/pts/ptmx. */
Test(console, a_faked_ptmx)
{
    int slave = -1;
    cr_assert_eq(tty_open_pty("/dev/null", &slave), -ENXIO);
    cr_assert_eq(tty_open_pty("/dev/zero", &slave), -ENXIO);
    cr_assert_lt(tty_open_pty("/proc/version", &slave), 0);
    cr_assert_eq(slave, -1);
}
