/* ansi: colours are obeyed, everything else a terminal would act on becomes text. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "ui/draw/ansi.h"

TestSuite(ansi);

static struct ansi ansi;

/* The text as it is shown; a style other than the base is written "{color,attrs}". */
static char *shown(const char *s, size_t n)
{
    static char out[4096];
    struct style last = STYLE(COLOR_TEXT);
    size_t at = 0, len = 0;
    ansi_init(&ansi, last);
    while (at < n || ansi_pending(&ansi)) {
        struct glyph g;
        struct style st;
        size_t used = ansi_next(&ansi, s + at, n - at, &g, &st);
        cr_assert(used > 0 || g.len > 0, "no progress at %zu", at);
        at += used;
        if (g.len == 0)
            continue;
        if (st.color != last.color || st.attrs != last.attrs)
            len += (size_t)snprintf(out + len, sizeof(out) - len, "{%d,%d}",
                                    (int)st.color - COLOR_ANSI, st.attrs);
        last = st;
        for (int i = 0; i < g.len; i++)
            cr_assert((unsigned char)g.bytes[i] >= 0x20 && g.bytes[i] != 0x7f);
        memcpy(out + len, g.bytes, g.len);
        len += g.len;
    }
    cr_assert_eq(at, n);
    out[len] = '\0';
    return out;
}

#define SHOWN(s) shown(s, sizeof(s) - 1)
#define EXPECT(s, text) cr_assert_str_eq(SHOWN(s), text, "%s", SHOWN(s))

static const char *base(void)
{
    static char text[20];
    snprintf(text, sizeof(text), "{%d,0}", COLOR_TEXT - COLOR_ANSI);
    return text;
}

/* Replaces "{}" by the base style. */
static void expect(const char *s, size_t n, const char *text)
{
    char want[1000] = "";
    for (const char *p = text; *p;) {
        size_t len = strlen(want);
        if (strncmp(p, "{}", 2) == 0) {
            snprintf(want + len, sizeof(want) - len, "%s", base());
            p += 2;
        } else {
            want[len] = *p++;
        }
    }
    cr_assert_str_eq(shown(s, n), want);
}
#define STYLED(s, text) expect(s, sizeof(s) - 1, text)

Test(ansi, plain_text_is_itself)
{
    EXPECT("hello, world", "hello, world");
    EXPECT("", "");
}

Test(ansi, the_sixteen_colours)
{
    STYLED("\033[31mred\033[0m plain", "{1,0}red{} plain");
    STYLED("\033[92mbright\033[39m plain", "{10,0}bright{} plain");
    STYLED("\033[mx", "x");
    STYLED("a\033[31;1mb\033[22mc\033[0md", "a{1,1}b{1,0}c{}d");
}

Test(ansi, attributes)
{
    char bold[30], dim[30], under[30];
    snprintf(bold, sizeof(bold), "{%d,1}b{}x", COLOR_TEXT - COLOR_ANSI);
    snprintf(dim, sizeof(dim), "{%d,2}b{}x", COLOR_TEXT - COLOR_ANSI);
    snprintf(under, sizeof(under), "{%d,4}b{}x", COLOR_TEXT - COLOR_ANSI);
    STYLED("\033[1mb\033[22mx", bold);
    STYLED("\033[2mb\033[0mx", dim);
    STYLED("\033[4mb\033[24mx", under);
    STYLED("\033[4:3mb\033[4:0mx", under); /* a kind of underline is one */
}

Test(ansi, a_background_is_the_colour_reversed)
{
    STYLED("\033[41mx\033[49my", "{1,8}x{}y");
    STYLED("\033[37;44mx\033[7my", "{4,8}x{4,0}y");
}

Test(ansi, more_colours_become_the_nearest_of_sixteen)
{
    STYLED("\033[38;5;196mx", "{9,0}x");
    STYLED("\033[38;5;3mx", "{3,0}x");
    STYLED("\033[38;2;0;250;5mx\033[0my", "{10,0}x{}y");
    STYLED("\033[38:5:196mx", "{9,0}x");
    STYLED("\033[38:2::0:250:5mx", "{10,0}x");
    STYLED("\033[48;5;21mx", "{4,8}x");
    STYLED("\033[38;5;232mx", "{0,0}x");
}

Test(ansi, broken_colour_sequences_do_no_harm)
{
    STYLED("\033[38mx", "x");
    STYLED("\033[38;5mx", "x");
    STYLED("\033[38;2;1mx", "x");
    STYLED("\033[999999999999mx", "x");
    STYLED("\033[;;;mx", "x");
    EXPECT("\033[31", "^[[31");
    EXPECT("\033[", "^[[");
    EXPECT("\033", "^[");
}

Test(ansi, a_sequence_that_is_too_long_is_text)
{
    char s[200] = "\033[";
    memset(s + 2, '1', 150);
    s[152] = 'm';
    cr_assert_eq(strncmp(shown(s, 153), "^[[111", 6), 0);
}

/* One of every class a terminal knows. */
Test(ansi, every_other_escape_is_shown)
{
    EXPECT("\033[2J", "^[[2J");         /* CSI: erase */
    EXPECT("\033[1;1H", "^[[1;1H");     /* CSI: move */
    EXPECT("\033[?1049h", "^[[?1049h"); /* CSI: private mode */
    EXPECT("\033[6n", "^[[6n");         /* CSI: report */
    EXPECT("\033[>c", "^[[>c");
    EXPECT("\033[ q", "^[[ q");               /* CSI with intermediate */
    EXPECT("\033[?31m", "^[[?31m");           /* not SGR although it ends with m */
    EXPECT("\033]0;title\a", "^[]0;title^G"); /* OSC, BEL */
    EXPECT("\033]52;c;aGk=\033\\", "^[]52;c;aGk=^[\\"); /* OSC 52, ST */
    EXPECT("\033]8;;http://x\033\\", "^[]8;;http://x^[\\");
    EXPECT("\033P+q544e\033\\", "^[P+q544e^[\\");       /* DCS */
    EXPECT("\033_Gf=24;\033\\", "^[_Gf=24;^[\\");       /* APC */
    EXPECT("\033^x\033\\", "^[^x^[\\");                 /* PM */
    EXPECT("\033Xx\033\\", "^[Xx^[\\");                 /* SOS */
    EXPECT("\033c\033(0\033#8\0337", "^[c^[(0^[#8^[7"); /* Fs, charset, DEC */
    EXPECT("\016\017\b\r\v\f", "^N^O^H^M^K^L");         /* C0 */
    EXPECT("\177", "^?");
}

Test(ansi, c1_controls_are_no_controls)
{
    EXPECT("\x9b\x32J", "?2J");     /* an 8-bit CSI is no valid UTF-8 */
    EXPECT("\xc2\x9b\x32J", "?2J"); /* U+009B */
    EXPECT("\xc2\x9d\x30;x\xc2\x9c", "?0;x?");
    EXPECT("\x80\x84\x90\x9f", "????");
}

Test(ansi, bytes_that_are_no_text)
{
    static const char nuls[] = "a\0\0b";
    cr_assert_str_eq(shown(nuls, 4), "a^@^@b");
    EXPECT("\xff\xfe", "??");
    EXPECT("\xc3(", "?(");
    EXPECT("\xe2\x82", "??");
    EXPECT("\xc0\xaf", "??");      /* overlong */
    EXPECT("\xed\xa0\x80", "???"); /* surrogate */
    EXPECT("\xe2\x80\xae"
           "abc",
           "?abc"); /* right-to-left override */
    EXPECT("\xe6\xbc\xa2", "\xe6\xbc\xa2");
}

Test(ansi, every_byte_after_an_escape)
{
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            char s[4] = {'\033', (char)a, (char)b, 'm'};
            shown(s, sizeof(s)); /* it asserts that no control byte comes out */
        }
}

Test(ansi, tabs_stop_at_eight)
{
    EXPECT("\tx", "        x");
    EXPECT("abc\tx", "abc     x");
    EXPECT("12345678\tx", "12345678        x");
    EXPECT("\033[31m\033[39m\tx", "        x");
}

Test(ansi, skipping_plain_text_counts_columns)
{
    struct ansi a;
    ansi_init(&a, STYLE(COLOR_TEXT));
    cr_assert_eq(ansi_skip(&a, "hello\033[0m", 9, 100), 5);
    cr_assert_eq(a.column, 5);
    cr_assert_eq(ansi_skip(&a, "hello", 5, 3), 3);
    cr_assert_eq(ansi_skip(&a, "he\xcc\x81", 4, 100),
                 1); /* the accent belongs to the e */
}
