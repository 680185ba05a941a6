/* format: docker's templates, their errors with positions; the aligned table. */

#include "cli/format.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "cli/table.h"

static int get_id(const void *row, struct buf *out)
{
    return buf_printf(out, "%s", (const char *)row);
}

static int get_quote(const void *row, struct buf *out)
{
    (void)row;
    return buf_puts(out, "a \"b\" <c>\n");
}

static int get_bytes(const void *row, struct buf *out)
{
    (void)row;
    return buf_puts(out, "\xff\x1b");
}

static const struct format_field FIELDS[] = {
    {"ID", "THE ID", get_id},
    {"Quote", "QUOTE", get_quote},
    {"Bytes", "BYTES", get_bytes},
    FORMAT_FIELDS_END,
};

static struct format f;
static struct buf out;
static struct mtd_error err;

static const char *row(const char *template)
{
    format_done(&f);
    out.len = 0;
    err = (struct mtd_error){0};
    if (format_compile(&f, template, FIELDS, "{{.ID}}", &err) < 0 ||
        format_row(&f, "abc", &out, &err) < 0)
        return err.text;
    return out.data ? out.data : "";
}

static const char *tree(const char *template)
{
    json_t *root =
        json_loads("{\"A\":{\"B\":\"text\",\"C\":[\"x\",\"y z\"],\"D\":7,\"E\":null,"
                   "\"F\":true,\"G\":{\"k\":\"v\",\"l\":1}}}",
                   0, NULL);
    format_done(&f);
    out.len = 0;
    err = (struct mtd_error){0};
    int rc = format_compile(&f, template, NULL, NULL, &err);
    if (rc == 0)
        rc = format_json_row(&f, root, &out, &err);
    json_decref(root);
    return rc < 0 ? err.text : out.data ? out.data : "";
}

static void forget(void)
{
    format_done(&f);
    buf_done(&out);
}
TestSuite(format, .fini = forget);

Test(format, fields_and_text)
{
    cr_expect_str_eq(row("{{.ID}}"), "abc");
    cr_expect_str_eq(row("x {{ .ID }} y{{.ID}}"), "x abc yabc");
    cr_expect_str_eq(row("no field"), "no field");
    cr_expect_str_eq(row("a}}b{c"), "a}}b{c");
}

Test(format, only_tab_and_newline_are_escapes)
{
    cr_expect_str_eq(row("a\\tb\\nc\\x\\\\"), "a\tb\nc\\x\\\\");
}

Test(format, json)
{
    cr_expect_str_eq(row("{{json .Quote}}"), "\"a \\\"b\\\" <c>\\n\"");
    cr_expect_str_eq(row("{{json .Bytes}}"), "\"M-^?^[\"");
    cr_expect_str_eq(row("json"), "{\"Bytes\":\"M-^?^[\",\"ID\":\"abc\","
                                  "\"Quote\":\"a \\\"b\\\" <c>\\n\"}");
    cr_expect_str_eq(row("{{json .}}"), out.data);
}

Test(format, errors_say_where)
{
    static const char *const CASES[][2] = {
        {"{{.Nope}}",
         "template position 3: no field .Nope; the fields are ID Quote Bytes"},
        {"ab{{", "template position 3: \"{{\" is never closed"},
        {"{{.ID", "template position 1: \"{{\" is never closed"},
        {"x{{range .ID}}", "template position 4: \"range\": only "},
        {"{{.ID | upper}}", "template position 7: unexpected \"| upper\"; only "},
        {"{{}}", "template position 3: expected a field such as .ID; only "},
        {"{{json}}", "template position 7: expected a field such as .ID; only "},
        {"{{\"x\"}}", "template position 3: expected a field such as .ID; only "},
        {"{{.ID.}}", "template position 3: expected a field such as .ID; only "},
        {"{{.1}}", "template position 4: unexpected \"1\"; only "},
        {"{{.ID.Sub}}", "template position 3: no field .ID.Sub; the fields are"},
        {"{{- .ID}}", "template position 3: expected a field such as .ID; only "},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        const char *said = row(CASES[i][0]);
        cr_expect(err.code == EINVAL, "%s", CASES[i][0]);
        cr_expect(strncmp(said, CASES[i][1], strlen(CASES[i][1])) == 0, "%s: %s",
                  CASES[i][0], said);
    }
}

Test(format, positions_count_characters)
{
    cr_expect(strncmp(row("\xc3\xa4\xc3\xb6{{.X}}"), "template position 5:", 20) == 0);
}

Test(format, trees_as_go_prints_them)
{
    cr_expect_str_eq(tree("{{.A.B}} {{.A.D}} {{.A.F}}"), "text 7 true");
    cr_expect_str_eq(tree("{{.A.C}}"), "[x y z]");
    cr_expect_str_eq(tree("{{.A.E}}"), "<nil>");
    cr_expect_str_eq(tree("{{.A.G}}"), "map[k:v l:1]");
    cr_expect_str_eq(tree("{{json .A.C}}"), "[\"x\",\"y z\"]");
    cr_expect_str_eq(tree("{{.A.X}}"), "template position 3: no field .A.X");
    cr_expect_str_eq(tree("{{.A.B.C}}"), "template position 3: no field .A.B.C");
}

Test(format, kinds)
{
    row("");
    cr_expect_eq(f.kind, FORMAT_TABLE);
    row("table");
    cr_expect_eq(f.kind, FORMAT_TABLE);
    cr_expect_eq(f.n_pieces, 1);
    row("table {{.ID}}\\t{{.Quote}}");
    cr_expect_eq(f.kind, FORMAT_TABLE);
    cr_expect_eq(f.n_pieces, 3);
    row("json");
    cr_expect_eq(f.kind, FORMAT_JSON);
    row("{{.ID}}");
    cr_expect_eq(f.kind, FORMAT_TEMPLATE);
}

static const char *align(const char *text)
{
    out.len = 0;
    cr_assert_eq(table_align(text, strlen(text), &out), 0);
    return out.data;
}

Test(format, columns_have_ten_at_least_and_three_between)
{
    cr_expect_str_eq(align("A\tB\n1\t2\n"), "A         B\n1         2\n");
    cr_expect_str_eq(align("LONGER THAN\tB\n1\t2\n"),
                     "LONGER THAN   B\n1             2\n");
    cr_expect_str_eq(align("A\t\tC\n"), "A                   C\n");
}

Test(format, columns_count_characters_not_bytes)
{
    cr_expect_str_eq(align("12345678\tB\n1234567\xe2\x80\xa6\tB\n"),
                     "12345678   B\n1234567\xe2\x80\xa6   B\n");
}

Test(format, a_cell_cannot_break_the_table)
{
    struct table t;
    cr_assert_eq(table_init(&t, "table {{.ID}}\\t{{.Quote}}", FIELDS, "", NULL), 0);
    cr_assert_eq(table_add(&t, "a\tb\n\033[31m", NULL), 0);
    cr_expect_str_eq(t.text.data, "a^Ib^J^[[31m\ta \"b\" <c>^J\n");
    table_done(&t);
}
