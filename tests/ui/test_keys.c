/* Bytes to keys, keys to commands, and the remap line. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/cleanup.h"
#include "ui/term/input.h"
#include "ui/term/keys.h"

static int first_key(const char *bytes, size_t n)
{
    struct input in = {0};
    struct input_event ev = {0};
    input_feed(&in, bytes, n);
    if (input_next(&in, &ev))
        return ev.key;
    input_timeout(&in);
    return input_next(&in, &ev) ? ev.key : KEY_NONE;
}

Test(input, sequences)
{
    static const struct {
        const char *bytes;
        int key;
    } CASES[] = {
        {"a", 'a'},
        {"\r", KEY_ENTER},
        {"\n", KEY_ENTER},
        {"\t", KEY_TAB},
        {"\x7f", KEY_BACKSPACE},
        {"\b", KEY_BACKSPACE},
        {"\x03", KEY_CTRL('c')},
        {"\x1b", KEY_ESC},
        {"\x1b[A", KEY_UP},
        {"\x1bOA", KEY_UP},
        {"\x1b[5~", KEY_PGUP},
        {"\x1b[3~", KEY_DELETE},
        {"\x1b[H", KEY_HOME},
        {"\x1b[1~", KEY_HOME},
        {"\x1b[7~", KEY_HOME},
        {"\x1bOF", KEY_END},
        {"\x1bOP", KEY_F1},
        {"\x1b[11~", KEY_F1},
        {"\x1b[[A", KEY_F1},
        {"\x1b[[E", KEY_F1 + 4},
        {"\x1b[21~", KEY_F1 + 9},
        {"\x1b[24~", KEY_F12},
        {"\x1b[Z", KEY_BACKTAB},
        {"\x1b"
         "x",
         KEY_ALT | 'x'},
        {"\x1b[1;3A", KEY_ALT | KEY_UP},
        {"\x1b[1;5A", KEY_UP},
        {"\xc3\xa9", 0xe9},
        {"\xe6\xbc\xa2", 0x6f22},
        {"\x1b[200~", KEY_PASTE_BEGIN},
        {"\x1b[?1;2c", KEY_NONE},
        {"\x1b]0;title\a", KEY_NONE},
        {"\x1b[999;999;999x", KEY_NONE},
        {"\xff", KEY_NONE},
        {"\x1b\x1b", KEY_ESC},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++)
        cr_expect_eq(first_key(CASES[i].bytes, strlen(CASES[i].bytes)), CASES[i].key,
                     "case %zu gives %x", i,
                     (unsigned)first_key(CASES[i].bytes, strlen(CASES[i].bytes)));
}

Test(input, a_sequence_may_come_byte_by_byte)
{
    static const char BYTES[] = "\x1b[15~\xe6\xbc\xa2q";
    static const int WANT[] = {KEY_F1 + 4, 0x6f22, 'q'};
    struct input in = {0};
    struct input_event ev;
    size_t n = 0;
    for (size_t i = 0; i < sizeof(BYTES) - 1; i++) {
        input_feed(&in, BYTES + i, 1);
        while (input_next(&in, &ev))
            cr_assert_eq(ev.key, WANT[n++]);
    }
    cr_expect_eq(n, 3);
    cr_expect(!input_pending(&in));
}

Test(input, mouse)
{
    struct input in = {0};
    struct input_event ev = {0};
    input_feed(&in, "\x1b[<0;12;5M", 10);
    cr_assert(input_next(&in, &ev));
    cr_expect(ev.key == KEY_MOUSE && ev.button == MOUSE_LEFT && ev.col == 11 &&
              ev.row == 4);
    input_feed(&in, "\x1b[<0;12;5m\x1b[<65;1;1M", 20);
    cr_assert(input_next(&in, &ev));
    cr_expect_eq(ev.button, MOUSE_WHEEL_DOWN);
    cr_expect(!input_next(&in, &ev));
}

Test(input, rubbish_ends)
{
    struct input in = {0};
    struct input_event ev;
    unsigned seed = 99;
    for (int round = 0; round < 200000; round++) {
        seed = seed * 1103515245 + 12345;
        unsigned char byte = seed >> 16 & (round & 1 ? 0xff : 0x7f);
        if (round % 7 == 0)
            byte = 0x1b;
        cr_assert_eq(input_feed(&in, &byte, 1), 1, "the buffer never stays full");
        while (input_next(&in, &ev))
            cr_assert(ev.key > 0);
    }
    input_timeout(&in);
    while (input_next(&in, &ev))
        ;
    cr_expect(!input_pending(&in));
}

Test(keys, names_go_both_ways)
{
    static const char *const NAMES[] = {
        "a",   "Z",     "/",     "ctrl-c", "alt-x", "F1",       "F12",      "Up", "PgDn",
        "Tab", "Space", "Enter", "Esc",    "Del",   "\xc3\xa9", "alt-Left", "?"};
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++) {
        int key = 0;
        char out[16];
        cr_expect_eq(key_parse(NAMES[i], &key), 0, "%s", NAMES[i]);
        cr_expect_str_eq(key_name(key, out), NAMES[i]);
    }
    static const char *const BAD[] = {"",       "F13", "F0",   "ctrl-",
                                      "ctrl-1", "abc", "\xff", "alt-"};
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++) {
        int key;
        cr_expect_lt(key_parse(BAD[i], &key), 0, "%s", BAD[i]);
    }
}

/* A key means one thing in a context, every command has help, names are unique. */
Test(keys, the_table_is_sound)
{
    struct keys k;
    cr_assert_eq(keys_init(&k), 0);
    for (size_t i = 0; i < k.len; i++) {
        const struct binding *a = &k.table[i];
        cr_expect(a->name && a->help && a->help[0] && a->keys[0], "%zu", i);
        for (int n = 0; n < BINDING_KEYS && a->keys[n]; n++)
            cr_expect_eq(keys_find(&k, 1u << a->context, a->keys[n]), a, "%s", a->name);
        for (size_t j = 0; j < i; j++)
            cr_expect_str_neq(k.table[j].name, a->name);
    }
    keys_done(&k);
}

Test(keys, the_inner_context_wins)
{
    struct keys k;
    cr_assert_eq(keys_init(&k), 0);
    unsigned list = 1u << CONTEXT_LIST | 1u << CONTEXT_CONTAINER;
    unsigned logs = 1u << CONTEXT_LOG | 1u << CONTEXT_CONTAINER;
    cr_expect_eq(keys_find(&k, list, 'n')->command, CMD_RUN);
    cr_expect_eq(keys_find(&k, logs, 'n')->command, CMD_SEARCH_NEXT);
    cr_expect_eq(keys_find(&k, logs, 's')->command, CMD_STOP_START);
    cr_expect_null(keys_find(&k, logs, '~'));
    keys_done(&k);
}

Test(keys, remap_lists)
{
    static const struct {
        const char *list;
        int keys[3];
    } CASES[] = {
        {"s,ctrl-x", {'s', KEY_CTRL('x')}},
        {"s, ctrl-x", {'s', KEY_CTRL('x')}},
        {"s ctrl-x", {'s', KEY_CTRL('x')}},
        {",", {','}},
        {"a,,", {'a', ','}},
        {"F2 ,", {KEY_F1 + 1, ','}},
        {"x,", {'x'}},
        {"", {0}},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct keys k;
        struct mtd_error err = {0};
        cr_assert_eq(keys_init(&k), 0);
        cr_expect_eq(keys_remap(&k, "restart", CASES[i].list, &err), 0, "%s: %s",
                     CASES[i].list, err.text);
        const struct binding *b = keys_of(&k, 1u << CONTEXT_CONTAINER, CMD_RESTART);
        for (int j = 0; j < 3 && (j == 0 || CASES[i].keys[j - 1]); j++)
            cr_expect_eq(j < BINDING_KEYS ? b->keys[j] : 0, CASES[i].keys[j], "%s: %d",
                         CASES[i].list, j);
        keys_done(&k);
    }
}

Test(keys, remap_takes_the_key_away)
{
    struct keys k;
    struct mtd_error err = {0};
    cr_assert_eq(keys_init(&k), 0);
    unsigned list = 1u << CONTEXT_LIST | 1u << CONTEXT_CONTAINER;
    cr_expect_eq(keys_remap(&k, "restart", "s, ctrl-x", &err), 0);
    cr_expect_eq(keys_find(&k, list, 's')->command, CMD_RESTART);
    cr_expect_eq(keys_find(&k, list, KEY_CTRL('x'))->command, CMD_RESTART);
    cr_expect_null(keys_find(&k, list, 'r'));
    cr_expect_lt(keys_remap(&k, "nonsense", "s", &err), 0);
    mtd_error_clear(&err);
    cr_expect_lt(keys_remap(&k, "restart", "s, bogus-key", &err), 0);
    cr_expect(strstr(err.text, "bogus-key"), "%s", err.text);
    keys_done(&k);
}

Test(keys, prints_every_command)
{
    struct keys k;
    struct buf out = {0};
    cr_assert_eq(keys_init(&k), 0);
    keys_print(&k, true, &out);
    for (size_t i = 0; i < k.len; i++)
        cr_expect(strstr(out.data, k.table[i].name), "%s", k.table[i].name);
    buf_done(&out);
    keys_done(&k);
}
