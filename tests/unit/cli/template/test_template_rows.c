/* template: rows, whose fields are made when they are asked for. */

#include "cli/template/template.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

static struct template *t;
static struct buf out;
static struct mtd_error err;

static void forget(void)
{
    template_free(t);
    t = NULL;
    buf_done(&out);
}
TestSuite(template_rows, .fini = forget);

static int asked[3];

static const char *get_name(const void *data, size_t i)
{
    static const char *const NAMES[] = {"Name", "State", "Label", NULL};
    return NAMES[i];
}

static int get_value(const void *data, size_t i, const char *argument, struct buf *text)
{
    asked[i]++;
    if (i == 2)
        return argument ? buf_printf(text, "<%s>", argument) : -EINVAL;
    return argument ? -ENOENT : buf_printf(text, "%s%zu", (const char *)data, i);
}

static const char *row(const char *text)
{
    struct template_row r = {"row", get_name, get_value};
    struct template_data data = {.row = &r};
    memset(asked, 0, sizeof(asked));
    template_free(t);
    t = NULL;
    out.len = 0;
    err = (struct mtd_error){0};
    int rc = template_parse(text, &t, &err);
    if (rc == 0)
        rc = template_run(t, &data, &out, &err);
    return rc < 0 ? err.text : out.len ? out.data : "";
}

Test(template_rows, rows_make_only_what_is_asked_for)
{
    cr_expect_str_eq(row("{{.Name}}{{if false}}{{.State}}{{end}}"), "row0");
    cr_expect(asked[0] == 1 && asked[1] == 0 && asked[2] == 0);
    cr_expect_str_eq(row("{{json .}} {{len .}}"),
                     "{\"Name\":\"row0\",\"State\":\"row1\"} 2");
    cr_expect(asked[0] == 1 && asked[1] == 1);
}

Test(template_rows, rows_have_methods)
{
    cr_expect_str_eq(row("{{.Label \"x\"}} {{slice \"abc\" 0 1 | .Label}}"), "<x> <a>");
    cr_expect_str_eq(row("{{with 3}}{{$.Label \"y\"}}{{end}}"), "<y>");
    cr_expect_str_eq(row("{{.Label}}"), "template: 1:3: .Label needs an argument");
    cr_expect_str_eq(row("{{.Nope}}"), "template: 1:3: no field .Nope");
}

static int count_field(const struct template *of, const char *name, size_t at, void *arg,
                       struct mtd_error *e)
{
    return buf_printf(arg, "%s@%zu ", name, at);
}

Test(template_rows, fields_of_the_dot_are_known_before_a_run)
{
    auto_done(buf_done) struct buf names = {0};
    cr_assert_eq(
        template_parse("{{.A}}{{if .B.X}}{{.C}}{{end}}{{range .D}}{{.No}}{{$.E}}"
                       "{{else}}{{.F}}{{end}}{{print (len .G) | printf \"%s\" .H}}",
                       &t, &err),
        0);
    cr_assert_eq(template_each_field(t, count_field, &names, NULL), 0);
    cr_expect_str_eq(names.data, "A@2 B@11 C@19 D@38 E@52 F@66 G@90 H@108 ");
}
