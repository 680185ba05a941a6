/* The config file: what it changes, and what is said about wrong lines. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "ui/model/columns.h"
#include "ui/model/config.h"

static void parse(struct config *c, struct keys *k, const char *text)
{
    char copy[2048];
    snprintf(copy, sizeof(copy), "%s", text);
    unsetenv("NO_COLOR");
    config_init(c);
    cr_assert_eq(keys_init(k), 0);
    config_parse(c, k, "file", copy);
}

Test(config, everything)
{
    struct config c;
    struct keys k;
    parse(
        &c, &k,
        "# a comment\n\nscheme = high-contrast\ncolumns = cpu, memory\r\nsort = cpu\n"
        "refresh = 0.5\n mouse = no\n[keys]\nquit = Q, F12\n[colors]\nrunning = green bold on 17\n");
    cr_expect_eq(c.wrong, 0, "%s", c.problem.text);
    cr_expect_eq(c.sort, SORT_CPU);
    cr_expect_eq(c.refresh_ns, NS_PER_SEC / 2);
    cr_expect(!c.mouse);
    cr_expect(c.columns & 1u << COLUMN_MEMORY && !(c.columns & 1u << COLUMN_IMAGE));
    cr_expect_eq(keys_find(&k, 1u << CONTEXT_GLOBAL, 'Q')->command, CMD_QUIT);
    cr_expect_null(keys_find(&k, 1u << CONTEXT_GLOBAL, 'q'));
    const struct look *look = &c.theme.looks[COLOR_RUNNING];
    cr_expect(look->fg == 2 && look->bg == 17 && look->attrs == ATTR_BOLD);
    keys_done(&k);
}

/* Written with an editor of Windows. */
Test(config, a_byte_order_mark_and_crlf)
{
    struct config c;
    struct keys k;
    parse(&c, &k, "\xEF\xBB\xBFsort = cpu\r\n\r\n[keys]\r\nquit = Q\r\nnonsense\r\n");
    cr_expect_eq(c.sort, SORT_CPU);
    cr_expect_eq(keys_find(&k, 1u << CONTEXT_GLOBAL, 'Q')->command, CMD_QUIT);
    cr_expect_eq(c.wrong, 1);
    cr_expect_str_eq(c.problem.text, "file line 5: \"nonsense\": no \"=\" in it");
    keys_done(&k);
}

Test(config, wrong_lines_are_named_and_ignored)
{
    static const struct {
        const char *text, *why;
    } CASES[] = {
        {"sort = cpu\nnonsense\n", "file line 2: \"nonsense\": no \"=\""},
        {"colour = blue\n", "file line 1: unknown setting \"colour\""},
        {"refresh = 0\n", "refresh: \"0\" is not seconds"},
        {"refresh = soon\n", "refresh"},
        {"scheme = pretty\n", "is not default, monochrome"},
        {"[keys\n", "no \"]\""},
        {"[extras]\n", "unknown section [extras]"},
        {"[keys]\nfly = f\n", "file line 2: unknown command \"fly\""},
        {"[keys]\nquit = nokey\n", "\"nokey\" is not a key"},
        {"[colors]\nrunning = greenish\n", "running: \"greenish\" is not a colour"},
        {"[colors]\nsky = blue\n", "is not a colour"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct config c;
        struct keys k;
        parse(&c, &k, CASES[i].text);
        cr_expect_eq(c.wrong, 1, "%s", CASES[i].text);
        cr_expect(strstr(c.problem.text, CASES[i].why), "\"%s\": %s", CASES[i].text,
                  c.problem.text);
        keys_done(&k);
    }
}

/* What the manual shows can be copied. */
Test(config, the_example_of_the_manual)
{
    struct config c;
    struct keys k;
    struct buf text = {0};
    cr_assert_eq(
        fs_read_at(AT_FDCWD, MTD_TESTS_DIR "/../docs/dashboard.md", 1u << 20, &text), 0);
    char *from = strstr(text.data, "```ini\n"),
         *to = from ? strstr(from, "\n```\n") : NULL;
    cr_assert(from && to);
    *to = '\0';
    parse(&c, &k, from + strlen("```ini\n"));
    cr_expect_eq(c.wrong, 0, "%s", c.problem.text);
    cr_expect_eq(c.sort, SORT_CPU);
    cr_expect_eq(keys_find(&k, 1u << CONTEXT_CONTAINER, KEY_CTRL('x'))->command,
                 CMD_STOP_START);
    keys_done(&k);
    buf_done(&text);
}

Test(config, a_hash_is_a_key_too)
{
    struct config c;
    struct keys k;
    parse(&c, &k, "[keys]\nmark = Space,#   # two of them\n");
    cr_expect_eq(c.wrong, 0, "%s", c.problem.text);
    cr_expect_eq(keys_find(&k, 1u << CONTEXT_LIST, '#')->command, CMD_MARK);
    keys_done(&k);
}

Test(config, no_color_beats_the_scheme)
{
    struct config c;
    struct keys k;
    char text[] = "scheme = default\n";
    setenv("NO_COLOR", "1", 1);
    config_init(&c);
    cr_assert_eq(keys_init(&k), 0);
    config_parse(&c, &k, "file", text);
    for (int i = 0; i < COLOR_COUNT; i++)
        cr_expect(c.theme.looks[i].fg == -1 && c.theme.looks[i].bg == -1);
    keys_done(&k);
}
