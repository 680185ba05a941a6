/* One line of a log, from its record to glyphs: nothing that comes out is a control byte. */
#include <string.h>

#include "engine/log/log.h"
#include "fuzz.h"
#include "ui/draw/ansi.h"

static int columns_by_glyph(const char *s, size_t n)
{
    struct ansi a;
    int columns = 0;
    ansi_init(&a, STYLE(COLOR_STDERR));
    for (size_t at = 0; at < n || ansi_pending(&a);) {
        struct glyph g;
        struct style st;
        size_t used = ansi_next(&a, s + at, n - at, &g, &st);
        CHECK(used > 0 || g.len > 0);
        CHECK(used <= n - at);
        CHECK(g.len <= 4 && g.width <= 2 && st.color < COLOR_COUNT);
        for (int i = 0; i < g.len; i++)
            CHECK((unsigned char)g.bytes[i] >= 0x20 && g.bytes[i] != 0x7f);
        CHECK(g.len != 2 || (unsigned char)g.bytes[0] != 0xc2 ||
              (unsigned char)g.bytes[1] >= 0xa0); /* C1 */
        at += used;
        columns += g.width;
    }
    return columns;
}

/* Passing over plain text gives the same width. */
static int columns_by_skip(const char *s, size_t n)
{
    struct ansi a;
    int columns = 0;
    ansi_init(&a, STYLE(COLOR_STDERR));
    for (size_t at = 0; at < n || ansi_pending(&a);) {
        struct glyph g;
        struct style st;
        size_t used = ansi_skip(&a, s + at, n - at, 7);
        at += used;
        columns += (int)used;
        if (at < n || ansi_pending(&a)) {
            at += ansi_next(&a, s + at, n - at, &g, &st);
            columns += g.width;
        }
    }
    return columns;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct log_record r;
    if (log_parse(text, size, &r) == 0) {
        CHECK(r.text + r.len == text + size);
        log_time(&r);
    }
    CHECK(columns_by_glyph(text, size) == columns_by_skip(text, size));
    return 0;
}
