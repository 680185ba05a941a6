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

static int get_label(const void *row, const char *key, struct buf *out)
{
    return buf_printf(out, "%s of %s", key, (const char *)row);
}

static const struct format_field FIELDS[] = {
    {"ID", "THE ID", get_id},
    {"Quote", "QUOTE", get_quote},
    {"Bytes", "BYTES", get_bytes},
    {"Label", NULL, NULL, get_label},
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
                   "\"F\":true,\"G\":{\"k\":\"v\",\"l\":1}},"
                   "\"Labels\":{\"k\":\"v\",\"a.b\":\"c\"}}",
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
    cr_expect_str_eq(row("{{json .Bytes}}"), "\"\\ufffd\\u001b\"");
    cr_expect_str_eq(row("json"), "{\"Bytes\":\"\\ufffd\\u001b\",\"ID\":\"abc\","
                                  "\"Quote\":\"a \\\"b\\\" <c>\\n\"}");
    cr_expect_str_eq(row("{{json .}}"), out.data);
}

Test(format, errors_say_where)
{
    static const char *const CASES[][2] = {
        {"{{.Nope}}",
         "template: 1:3: no field .Nope; the fields are ID Quote Bytes Label"},
        {"ab{{", "template: 1:5: unclosed action: \"}}\" is missing"},
        {"x{{range .ID}}", "template: 1:4: {{range}} without its {{end}}"},
        {"{{.ID | uper}}", "template: 1:9: unknown function \"uper\""},
        {"{{if true}}\n  {{.Nope}}{{end}}", "template: 2:5: no field .Nope; the fields"},
        {"{{with .ID}}{{$.Nope}}{{end}}", "template: 1:16: no field .Nope; the fields"},
        {"{{.ID.Sub}}", "template: 1:6: no field .Sub in a value of type string"},
        {"{{.Label}}", "template: 1:3: .Label needs an argument"},
        {"{{.Label 3}}", "template: 1:3: .Label expects a string; got int"},
        {"{{.ID 3}}", "template: 1:3: .ID expects a string; got int"},
        {"{{.ID \"x\"}}", "template: 1:3: .ID has arguments but is not a method"},
        {"{{.Label \"x\" \"y\"}}", "template: 1:3: too many arguments"},
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
    cr_expect(strncmp(row("\xc3\xa4\xc3\xb6{{.X}}"), "template: 1:5:", 14) == 0);
}

Test(format, methods)
{
    cr_expect_str_eq(row("{{.Label \"color\"}}"), "color of abc");
    cr_expect_str_eq(row("{{\"color\" | .Label | upper}}"), "COLOR OF ABC");
    cr_expect_str_eq(row("{{range split \"a,b\" \",\"}}{{$.Label .}};{{end}}"),
                     "a of abc;b of abc;");
}

Test(format, a_row_as_a_whole_has_no_methods)
{
    cr_expect_str_eq(row("{{range $name, $value := .}}{{$name}} {{end}}"),
                     "Bytes ID Quote ");
    cr_expect_str_eq(row("{{len .}} {{.}}"),
                     "3 map[Bytes:\xff\x1b ID:abc Quote:a \"b\" <c>\n]");
}

Test(format, names_the_fields_it_uses)
{
    row("{{if true}}{{with 3}}{{$.ID}}{{end}}{{end}}");
    cr_expect(format_uses(&f, "ID") && !format_uses(&f, "Quote"));
    row("{{range split (print .Quote) \"\"}}{{.}}{{end}}");
    cr_expect(format_uses(&f, "Quote") && !format_uses(&f, "ID"));
    row("json");
    cr_expect(!format_uses(&f, "ID"));
}

Test(format, trees_as_go_prints_them)
{
    cr_expect_str_eq(tree("{{.A.B}} {{.A.D}} {{.A.F}}"), "text 7 true");
    cr_expect_str_eq(tree("{{.A.C}}"), "[x y z]");
    cr_expect_str_eq(tree("{{.A.E}}"), "<nil>");
    cr_expect_str_eq(tree("{{.A.G}}"), "map[k:v l:1]");
    cr_expect_str_eq(tree("{{json .A.C}}"), "[\"x\",\"y z\"]");
    cr_expect_str_eq(tree("{{.A.X}}"), "template: 1:5: no field .X");
    cr_expect_str_eq(tree("{{.A.B.C}}"),
                     "template: 1:7: no field .C in a value of type string");
}

Test(format, kinds)
{
    row("");
    cr_expect_eq(f.kind, FORMAT_TABLE);
    row("table");
    cr_expect_eq(f.kind, FORMAT_TABLE);
    row("table {{.ID}}\\t{{.Quote}}");
    cr_expect_eq(f.kind, FORMAT_TABLE);
    row("json");
    cr_expect_eq(f.kind, FORMAT_JSON);
    row("{{.ID}}");
    cr_expect_eq(f.kind, FORMAT_TEMPLATE);
}

Test(format, keys_of_maps_may_be_missing)
{
    cr_expect_str_eq(tree("{{.Labels.k}} {{.Labels.nope}} {{.Labels.no.way}}"),
                     "v <no value> <no value>");
    cr_expect_str_eq(tree("{{if .Labels.nope}}yes{{else}}no{{end}}"), "no");
    cr_expect_str_eq(tree("{{index .Labels \"a.b\"}}{{index .Labels \"nope\"}}"), "c");
    cr_expect_str_eq(tree("{{with .Labels}}{{.nope}}{{end}}"), "<no value>");
}

static const char *inspect(const char *template)
{
    static const char CONTAINER[] =
        "{\"State\":{\"Status\":\"created\"},\"ExecIDs\":null,\"Nope\":null,"
        "\"Config\":{\"Cmd\":null,\"Labels\":null},"
        "\"Mounts\":[{\"Source\":\"/a\"},{\"Name\":\"v\",\"Source\":\"/b\"}],"
        "\"NetworkSettings\":{\"Networks\":{\"none\":{}}}}";
    json_t *root = json_loads(CONTAINER, 0, NULL);
    format_done(&f);
    out.len = 0;
    err = (struct mtd_error){0};
    int rc = format_compile(&f, template, NULL, NULL, &err);
    if (rc == 0)
        rc = format_json_row(&f, root, &out, &err);
    json_decref(root);
    return rc < 0 ? err.text : out.data ? out.data : "";
}

/* What docker 28.2 prints for such a container. */
Test(format, fields_that_json_leaves_out)
{
    cr_expect_str_eq(
        inspect("{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}"),
        "none");
    cr_expect_str_eq(inspect("{{.State.Health}} {{json .State.Health}}"), "<nil> null");
    cr_expect_str_eq(inspect("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}|"
                             "{{.NetworkSettings.IPAddress}}|"
                             "{{(index .NetworkSettings.Networks \"none\").Gateway}}|"
                             "{{.NetworkSettings.Networks.none.MacAddress}}"),
                     "|||");
    cr_expect_str_eq(inspect("{{range .Mounts}}{{.Name}}:{{.Source}} {{end}}"),
                     ":/a v:/b ");
    cr_expect_str_eq(inspect("{{(index .Mounts 0).Name}}|{{len .Mounts}}"), "|2");
    cr_expect_str_eq(inspect("{{.ExecIDs}} {{.Config.Cmd}} {{.Config.Labels}} "
                             "{{.Config.Volumes}} {{.NetworkSettings.Ports}}"),
                     "[] [] map[] map[] map[]");
    cr_expect_str_eq(inspect("{{json .Config.Cmd}} {{json .Config.Labels}} "
                             "{{len .Config.Cmd}} {{join .Config.Cmd \",\"}}"),
                     "null null 0 ");
    cr_expect_str_eq(inspect("{{index .Config.Labels \"x\"}}|{{.Config.Labels.x}}"),
                     "|<no value>");
    cr_expect_str_eq(inspect("{{range .Config.Cmd}}x{{else}}none{{end}}"), "none");
    cr_expect_str_eq(
        inspect("{{range index .NetworkSettings.Ports \"80/tcp\"}}x{{else}}-{{end}}"
                "{{index .NetworkSettings.Networks \"x\"}}"),
        "-<nil>");
    cr_expect_str_eq(inspect("{{.State.Health.Status}}"),
                     "template: 1:16: nil evaluating .Status");
    cr_expect_str_eq(inspect("{{.State.Name}}"), "template: 1:9: no field .Name");
    cr_expect_str_eq(inspect("{{.Nope}}"), "<nil>");
}

static const char *header(const char *template)
{
    row(template);
    out.len = 0;
    cr_assert_eq(format_header(&f, &out), 0);
    return out.data ? out.data : "";
}

Test(format, headers_are_the_titles)
{
    cr_expect_str_eq(header("table {{.ID}}\\t{{.Quote}}"), "THE ID\tQUOTE");
    cr_expect_str_eq(header("table {{lower .ID}}:{{truncate .Quote 2}}"), "THE ID:QUOTE");
    cr_expect_str_eq(header("table {{json .ID}} {{join (split .ID \",\") \" \"}}"),
                     "THE ID THE ID");
    cr_expect_str_eq(header("table {{.Label \"com.example.my-own_key\"}}"), "my own key");
    cr_expect_str_eq(header("table {{if eq .ID \"abc\"}}{{.ID}}{{else}}-{{end}}"), "-");
    cr_expect_str_eq(header("table {{.ID}} {{range .ID}}{{end}} {{.ID}}"), "THE ID ");
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
