/* template: what templates print is what Go 1.24 prints for them (docker 28.2's `context
 * inspect --format`, over TREE); errors name their line and column. */

#include "cli/template/template.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

static const char TREE[] =
    "{\"Name\":\"default\",\"Metadata\":{},\"Endpoints\":{\"docker\":{"
    "\"Host\":\"unix:///var/run/docker.sock\",\"SkipTLSVerify\":false}},"
    "\"TLSMaterial\":{},\"Storage\":{\"MetadataPath\":\"<IN MEMORY>\",\"TLSPath\":null}}";
static const char *const MAPS[] = {"Endpoints", NULL};

static json_t *tree;
static struct template *t;
static struct buf out;
static struct mtd_error err;

static void make(void)
{
    tree = json_loads(TREE, 0, NULL);
}

static void forget(void)
{
    json_decref(tree);
    template_free(t);
    t = NULL;
    buf_done(&out);
}
TestSuite(template, .init = make, .fini = forget);

static int run(const char *text)
{
    struct template_data data = {.tree = tree, .maps = MAPS};
    template_free(t);
    t = NULL;
    out.len = 0;
    err = (struct mtd_error){0};
    int rc = template_parse(text, &t, &err);
    return rc < 0 ? rc : template_run(t, &data, &out, &err);
}

/* What it prints, or the error. */
static const char *result(const char *text)
{
    return run(text) < 0 ? err.text : out.len ? out.data : "";
}

struct expected {
    const char *template, *result;
};

static void expect_all(const struct expected *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *got = result(cases[i].template);
        cr_expect(strcmp(got, cases[i].result) == 0, "%s\n  gives    %s\n  expected %s",
                  cases[i].template, got, cases[i].result);
    }
}

static const struct expected OUTPUT[] = {
    {"{{\"text\"}} {{42}} {{-7}} {{1.5}} {{true}} {{'a'}}", "text 42 -7 1.5 true 97"},
    {"{{`raw \\n \"text\"`}}", "raw \\n \"text\""},
    {"{{\"\\t\\\"q\\\"\\\\ \\x41\\101\\u00e9\\U0001F600\"}}",
     "\t\"q\"\\ AA\xc3\xa9\xf0\x9f\x98\x80"},
    {"{{0x1F}} {{0o17}} {{017}} {{0b101}} {{1_000}} {{1e3}} {{.5}} {{0x1p4}} {{+1}}",
     "31 15 15 5 1000 1000 0.5 16 1"},
    {"{{'\\n'}} {{'\xc3\xa9'}} {{'\\''}} {{'\\x41'}}", "10 233 39 65"},
    {"{{1e6}} {{123456.0}} {{1234567.0}} {{0.0001}} {{0.00001}} {{-0.0}} {{0.1}} {{1e21}}",
     "1e+06 123456 1.234567e+06 0.0001 1e-05 -0 0.1 1e+21"},
    {"{{9223372036854775807}} {{-9223372036854775808}}",
     "9223372036854775807 -9223372036854775808"},
    {"{{.Name}} {{ .Name }} {{\t.Name\t}}", "default default default"},
    {"{{.Endpoints.docker.Host}} {{$.Name}} {{(.Endpoints).docker.SkipTLSVerify}}",
     "unix:///var/run/docker.sock default false"},
    {"{{.Endpoints.nope}}|{{.Endpoints.nope.at.all}}", "<no value>|<no value>"},
    {"a}}b{c{ {}", "a}}b{c{ {}"},
    {"{{print \"}}\"}}{{\"{{\"}}", "}}{{"},
};

Test(template, output)
{
    expect_all(OUTPUT, ARRAY_SIZE(OUTPUT));
}

static const struct expected TRIMMING[] = {
    {"a {{- 3}} b", "a3 b"},
    {"a {{3 -}} b", "a 3b"},
    {"a {{- 3 -}} b", "a3b"},
    {"{{-3}} {{- -3 -}} x", "-3-3x"},
    {"  {{- .Name -}}  ", "default"},
    {"a {{- /* comment */ -}} b", "ab"},
    {"x{{/* a comment with }} in it */}}y", "xy"},
    {"{{/* 1 */}} {{- /* 2 */}}{{3}}", "3"},
};

Test(template, trimming)
{
    expect_all(TRIMMING, ARRAY_SIZE(TRIMMING));
}

static const struct expected VARIABLES[] = {
    {"{{$x := 1}}{{$x}}{{$x = 2}}{{$x}}", "12"},
    {"{{$x := 1}}{{if true}}{{$x = 2}}{{$x := 3}}{{$x}}{{end}}{{$x}}", "32"},
    {"{{$a := 1}}{{$b := $a}}{{$a = 5}}{{$a}}{{$b}}", "51"},
    {"{{if $x := 3}}{{$x}}{{end}}{{if $x := 0}}{{else}}{{$x}}{{end}}", "30"},
    {"{{with $y := \"a\"}}{{.}}{{$y}}{{end}}", "aa"},
    {"{{with 3}}{{$.Name}}{{.}}{{end}}", "default3"},
    {"{{$x := 3 | print | len}}{{$x}}{{$_y1:=4}}{{$_y1}}", "14"},
    {"{{$i := 9}}{{$e := 9}}{{range $i, $e = split \"a,b\" \",\"}}{{$i}}{{$e}}{{end}}{{$i}}{{$e}}",
     "0a1b1b"},
    {"{{$first := true}}{{range split \"a,b,c\" \",\"}}{{if not $first}}, {{end}}{{$first = false}}{{.}}{{end}}",
     "a, b, c"},
};

Test(template, variables)
{
    expect_all(VARIABLES, ARRAY_SIZE(VARIABLES));
}

static const struct expected CONDITIONS[] = {
    {"{{if .Name}}a{{else}}b{{end}}", "a"},
    {"{{if \"\"}}a{{else if 0}}b{{else if true}}c{{else}}d{{end}}", "c"},
    {"{{if 0}}1{{end}}{{if 0.0}}2{{end}}{{if false}}3{{end}}{{if .TLSMaterial}}4{{end}}{{if split \"\" \"\"}}5{{end}}{{if .Endpoints.nope}}6{{end}}",
     ""},
    {"{{if -1}}1{{end}}{{if 0.1}}2{{end}}{{if \"0\"}}3{{end}}{{if .Endpoints}}4{{end}}{{if split \"a\" \",\"}}5{{end}}",
     "12345"},
    {"{{with \"\"}}x{{else}}y{{end}}{{with 0}}x{{else with 3}}{{.}}{{end}}", "y3"},
    {"{{with 1}}{{with 2}}{{.}}{{end}}{{.}}{{end}}", "21"},
    {"{{and 1 0 2}} {{or 0 \"\" \"x\"}} {{and 1 2}} {{or 0 0}} {{not 1}} {{not \"\"}}",
     "0 x 2 0 false true"},
    {"{{true | and 1}} {{0 | and 0}} {{5 | or 0}}", "true 0 5"},
    {"{{and 0 (index nil 1)}} {{or 1 (index nil 1)}}", "0 1"},
    {"{{or nil}} {{and nil 1}}", "<no value> <no value>"},
};

Test(template, conditions)
{
    expect_all(CONDITIONS, ARRAY_SIZE(CONDITIONS));
}

static const struct expected RANGES[] = {
    {"{{range split \"a,b,c\" \",\"}}{{.}};{{end}}", "a;b;c;"},
    {"{{range $e := split \"a,b,c\" \",\"}}{{$e}}{{.}}{{end}}", "aabbcc"},
    {"{{range $i, $e := split \"a,b,c\" \",\"}}{{$i}}{{$e}} {{end}}", "0a 1b 2c "},
    {"{{range $k, $v := .Endpoints}}{{$k}}={{$v.Host}}{{end}}",
     "docker=unix:///var/run/docker.sock"},
    {"{{range split \"\" \"\"}}x{{else}}none{{end}} {{range .TLSMaterial}}x{{else}}none{{end}}",
     "none none"},
    {"{{range 3}}{{.}}{{end}} {{range $i := 3}}{{$i}}{{end}} {{range 0}}x{{else}}none{{end}} {{range -1}}x{{else}}none{{end}}",
     "012 012 none none"},
    {"{{range split \"a,b,c,d\" \",\"}}{{if eq . \"b\"}}{{continue}}{{end}}{{if eq . \"d\"}}{{break}}{{end}}{{.}}{{end}}",
     "ac"},
    {"{{range 2}}{{range 2}}{{.}}{{break}}{{end}}{{.}}{{end}}", "0001"},
    {"{{range $i, $e := split \"a,b\" \",\"}}{{if $i}}, {{end}}{{$e}}{{end}}", "a, b"},
};

Test(template, ranges)
{
    expect_all(RANGES, ARRAY_SIZE(RANGES));
}

static const struct expected PIPELINES[] = {
    {"{{.Name | json}} {{.Name | upper | printf \"%s-%s\" \"x\"}} {{\"abc\" | len | printf \"%03d\"}}",
     "\"default\" x-DEFAULT 003"},
    {"{{print (print 1 2) ((print (1)))}}", "1 21"},
    {"{{(index .Endpoints \"docker\").Host}}", "unix:///var/run/docker.sock"},
    {"{{if and (eq .Name \"default\") (gt (len .Endpoints) 0)}}ok{{end}}", "ok"},
    {"{{and (eq 1 1) (or false (not true)) | not}}", "true"},
    {"{{1 |}}", "1"},
};

Test(template, pipelines)
{
    expect_all(PIPELINES, ARRAY_SIZE(PIPELINES));
}

static const struct expected COMPARISONS[] = {
    {"{{eq 1 1}} {{eq 1 2 3 1}} {{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt 1 2}} {{ge 2 2}}",
     "true true true true true false true"},
    {"{{eq \"a\" \"a\"}} {{eq \"a\" \"b\" \"a\"}} {{lt \"a\" \"b\"}} {{lt \"B\" \"a\"}} {{le \"a\" \"a\"}} {{gt \"ab\" \"a\"}}",
     "true true true true true true"},
    {"{{eq true true}} {{eq 1.5 1.5}} {{lt 1.5 2.5}} {{ge 1.5 2.5}}",
     "true true true false"},
    {"{{eq nil nil}} {{eq nil 1}} {{ne nil 1}} {{eq .Endpoints.nope nil}}",
     "true false true true"},
};

Test(template, comparisons)
{
    expect_all(COMPARISONS, ARRAY_SIZE(COMPARISONS));
}

static const struct expected VALUES[] = {
    {"{{len \"abc\"}} {{len \"\xc3\xa9\"}} {{len (split \"a,b,c\" \",\")}} {{len .Endpoints}} {{len \"\"}}",
     "3 2 3 1 0"},
    {"{{index (split \"a,b,c\" \",\") 1}} {{index \"abc\" 0}} {{index 3}}", "b 97 3"},
    {"{{slice \"abcdef\" 1 3}} {{slice \"abcdef\" 2}} {{slice \"abcdef\"}} {{slice (split \"a,b,c\" \",\") 1}} {{slice (split \"a,b,c\" \",\") 0 1 2}}",
     "bc cdef abcdef [b c] [a]"},
};

Test(template, values)
{
    expect_all(VALUES, ARRAY_SIZE(VALUES));
}

static const struct expected DOCKERS_FUNCTIONS[] = {
    {"{{split \"a,b,c\" \",\"}} {{len (split \"\" \",\")}} {{len (split \"\" \"\")}} {{split \"abc\" \"\"}} {{len (split \"a,\" \",\")}} {{split \"aXXbXXc\" \"XX\"}} {{len (split \"aXXX\" \"XX\")}}",
     "[a b c] 1 0 [a b c] 2 [a b c] 2"},
    {"{{join (split \"a,b,c\" \",\") \"-\"}}|{{join (split \"\" \"\") \"-\"}}|{{join nil \"-\"}}",
     "a-b-c||"},
    {"{{upper \"a\xc3\xa9-z\"}} {{lower \"A\xc3\x89-Z\"}} {{title \"hello big-world it's a_b 3x x.y \xc3\xa9t\xc3\xa9\"}} {{upper \"\xd0\xb6\xce\xbb\xc3\x9f\xc3\x97\"}}",
     "A\xc3\x89-Z a\xc3\xa9-z Hello Big-World It'S A_b 3x X.Y \xc3\x89t\xc3\xa9 \xd0\x96\xce\x9b\xc3\x9f\xc3\x97"},
    {"{{pad \"a\" 1 2}}|{{pad \"\" 3 3}}|{{truncate \"abcdef\" 3}}|{{truncate \"ab\" 3}}|{{truncate \"abc\" 0}}",
     " a  ||abc|ab|"},
    {"{{json .Endpoints}} {{json .Name}} {{json 3}} {{json 1.5}} {{json true}} {{json nil}} {{json (split \"a,b\" \",\")}}",
     "{\"docker\":{\"Host\":\"unix:///var/run/docker.sock\",\"SkipTLSVerify\":false}} \"default\" 3 1.5 true null [\"a\",\"b\"]"},
    {"{{json \"<&>\\\"\\\\\\n\\t\\r\\b\\f\\x01\xc3\xa9\\u2028\\x7f\\xff\"}}",
     "\"<&>\\\"\\\\\\n\\t\\r\\b\\f\\u0001\xc3\xa9\\u2028\x7f\\ufffd\""},
    {"{{json 1e21}} {{json 1e-7}} {{json 123456789.0}} {{json 0.000001}}",
     "1e+21 1e-7 123456789 0.000001"},
};

Test(template, dockers_functions)
{
    expect_all(DOCKERS_FUNCTIONS, ARRAY_SIZE(DOCKERS_FUNCTIONS));
}

static const struct expected PRINT[] = {
    {"{{print 1 2 \"a\" \"b\" 3 true}}|{{print \"a\" 1 2}}|{{print true false}}|{{print nil nil}}|{{print}}",
     "1 2ab3 true|a1 2|true false|<nil> <nil>|"},
    {"{{println 1 \"a\"}}|{{println}}|{{print (split \"a,b\" \",\") 3}}",
     "1 a\n|\n|[a b] 3"},
    {"{{html \"<a href=\\\"x\\\">'&\"}} {{html nil}} {{html 1 2 \"x\"}}",
     "&lt;a href=&#34;x&#34;&gt;&#39;&amp; &lt;no value&gt; 1 2x"},
    {"{{urlquery \"a b&c/d~\xc3\xa9+\"}} {{js \"it's <b> \\\"x\\\" & = \\n \\\\ \xc3\xa9\\u2028\"}}",
     "a+b%26c%2Fd~%C3%A9%2B it\\'s \\u003Cb\\u003E \\\"x\\\" \\u0026 \\u003D \\u000A \\\\ \xc3\xa9\\u2028"},
};

Test(template, print)
{
    expect_all(PRINT, ARRAY_SIZE(PRINT));
}

static const struct expected PRINTF[] = {
    {"{{printf \"%d %5d|%-5d|%05d|%+d|% d|%x|%X|%o|%O|%b|%c|%q|%U\" 1 2 3 4 5 6 255 255 8 8 5 65 65 65}}",
     "1     2|3    |00004|+5| 6|ff|FF|10|0o10|101|A|'A'|U+0041"},
    {"{{printf \"%#x %#X %#o %#b %#U\" 255 255 8 5 233}} {{printf \"%6.2d|%06d|%+06d|% 05d|%.0d|%5.0d|%.3d|%-05d\" 5 -5 5 7 0 0 -7 3}}",
     "0xff 0XFF 010 0b101 U+00E9 '\xc3\xa9'     05|-00005|+00005| 0007||     |-007|3    "},
    {"{{printf \"%s|%5s|%-5s|%.2s|%05s|%q|%x|% X|%#x\" \"ab\" \"ab\" \"ab\" \"abc\" \"ab\" \"a\\\"b\" \"hi\" \"hi\" \"hi\"}}",
     "ab|   ab|ab   |ab|000ab|\"a\\\"b\"|6869|68 69|0x6869"},
    {"{{printf \"%6s|%-6s|%.1s|\" \"\xc3\xa9\xe4\xb8\x96\" \"\xc3\xa9\xe4\xb8\x96\" \"\xc3\xa9\xe4\xb8\x96\"}}",
     "    \xc3\xa9\xe4\xb8\x96|\xc3\xa9\xe4\xb8\x96    |\xc3\xa9|"},
    {"{{printf \"%q %+q %#q %#q %q\" \"\xc3\xa9\\n\\x00\\xff\" \"\xc3\xa9\xf0\x9f\x98\x80\" \"ab\" \"a`b\" \"\\u200b\\u00a0\"}}",
     "\"\xc3\xa9\\n\\x00\\xff\" \"\\u00e9\\U0001f600\" `ab` \"a`b\" \"\\u200b\\u00a0\""},
    {"{{printf \"%f %.2f %8.2f|%-8.1f|%08.2f|%+.1f|%e|%E|%g|%G\" 1.5 3.14159 3.14159 2.5 -3.14159 1.0 123456.789 0.00012 1e21 1e-7}}",
     "1.500000 3.14     3.14|2.5     |-0003.14|+1.0|1.234568e+05|1.200000E-04|1e+21|1E-07"},
    {"{{printf \"%v %g %.3g %x %b\" 1234567.0 100000.0 1234.5 1.5 1.5}}",
     "1.234567e+06 100000 1.23e+03 0x1.8p+00 6755399441055744p-52"},
    {"{{printf \"%t %v %5t\" true false true}} {{printf \"%v %v %v\" (split \"a,b\" \",\") nil 3}}",
     "true false  true [a b] <nil> 3"},
    {"{{printf \"%T %T %T %T %T\" 1 1.0 \"a\" true nil}}",
     "int float64 string bool <nil>"},
    {"{{printf \"%*d|%-*d|%.*f|%*d\" 5 3 5 3 2 1.234 -4 7}} {{printf \"%[2]d %[1]d\" 1 2}} {{printf \"%[2]*[1]d\" 1 5}}",
     "    3|3    |1.23|7    2 1     1"},
    {"{{printf \"%d%% %v\" 5 \"x\"}} {{printf \"%#v %#v %+v\" \"a\" (split \"a,b\" \",\") \"x\"}}",
     "5% x \"a\" []string{\"a\", \"b\"} x"},
    {"{{printf \"%q %x %5v|\" (split \"ab,cd\" \",\") (split \"ab,cd\" \",\") (split \"a,b\" \",\")}}",
     "[\"ab\" \"cd\"] [6162 6364] [    a     b]|"},
};

Test(template, printf)
{
    expect_all(PRINTF, ARRAY_SIZE(PRINTF));
}

static const struct expected PRINTF_MISMATCHES[] = {
    {"{{printf \"%d|%5d|%-5d|%s|%d\" \"hi\" \"hi\" \"hi\" 3 true}}",
     "%!d(string=hi)|%!d(string=   hi)|%!d(string=hi   )|%!s(int=3)|%!d(bool=true)"},
    {"{{printf \"%s %d\" nil 1.5}} {{printf \"%d\" (split \"a,b\" \",\")}} {{printf \"%z %\xc3\xa9\" 1 2}}",
     "%!s(<nil>) %!d(float64=1.5) [%!d(string=a) %!d(string=b)] %!z(int=1) %!\xc3\xa9(int=2)"},
    {"{{printf \"%d\"}} {{printf \"%!\" 1}} {{printf \"%d %\" 1}}",
     "%!d(MISSING) %!!(int=1) 1 %!(NOVERB)"},
    {"{{printf \"x\" 1 \"a\" nil}} {{printf \"%d\" 1 2.5}}",
     "x%!(EXTRA int=1, string=a, <nil>) 1%!(EXTRA float64=2.5)"},
    {"{{printf \"%*d\" \"a\" 3}} {{printf \"%.*d\" -1 3}} {{printf \"%[3]d|%[x]d|%[1d\" 1}}",
     "%!(BADWIDTH)3 %!(BADPREC)3 %!d(BADINDEX)|%!d(BADINDEX)|%!d(BADINDEX)"},
};

Test(template, printf_mismatches)
{
    expect_all(PRINTF_MISMATCHES, ARRAY_SIZE(PRINTF_MISMATCHES));
}

static const struct expected ERRORS[] = {
    {"{{foo}}", "template: 1:3: unknown function \"foo\""},
    {"{{.Foo}}", "template: 1:3: no field .Foo"},
    {"{{.Name.Foo}}", "template: 1:8: no field .Foo in a value of type string"},
    {"{{.Name", "template: 1:8: unclosed action: \"}}\" is missing"},
    {"{{", "template: 1:3: unclosed action: \"}}\" is missing"},
    {"{{\"unterminated}}", "template: 1:3: unterminated quoted string"},
    {"{{`raw}}", "template: 1:3: unterminated raw quoted string"},
    {"{{'ab'}}", "template: 1:3: malformed character constant"},
    {"{{'a}}", "template: 1:3: unterminated character constant"},
    {"{{\"\\q\"}}", "template: 1:4: unknown escape sequence \"\\q\""},
    {"{{\"\\400\"}}", "template: 1:4: unknown escape sequence \"\\4\""},
    {"{{08}}", "template: 1:3: bad number syntax: \"08\""},
    {"{{1_}}", "template: 1:3: bad number syntax: \"1_\""},
    {"{{1a}}", "template: 1:3: bad number syntax: \"1a\""},
    {"{{9223372036854775808}}",
     "template: 1:3: integer overflow: \"9223372036854775808\""},
    {"{{}}", "template: 1:3: missing value for command"},
    {"{{|}}", "template: 1:3: unexpected | in command"},
    {"{{1 | 2}}", "template: 1:7: non executable command in pipeline stage 2"},
    {"{{3 4}}", "template: 1:3: can't give argument to non-function 3"},
    {"{{.Name 3}}", "template: 1:3: .Name has arguments but is not a method"},
    {"{{nil}}", "template: 1:3: nil is not a command"},
    {"{{(3}}", "template: 1:5: unclosed left paren"},
    {"{{3)}}", "template: 1:4: unexpected right paren"},
    {"{{()}}", "template: 1:4: missing value for parenthesized pipeline"},
    {"{{print\"x\"}}", "template: 1:8: bad character '\"'"},
    {"{{\"a\"\"b\"}}", "template: 1:6: unexpected \"b\" in operand"},
    {"{{print \"a\"3}}", "template: 1:12: unexpected 3 in operand"},
    {"{{.Name.}}", "template: 1:8: unexpected . in operand"},
    {"{{\"a\".Name}}", "template: 1:6: unexpected <.Name> after a constant"},
    {"{{$x}}", "template: 1:3: undefined variable \"$x\""},
    {"{{$x = 1}}", "template: 1:3: undefined variable \"$x\""},
    {"{{$a, $b := 3}}", "template: 1:5: too many declarations in command"},
    {"{{range $i, 3}}{{end}}", "template: 1:13: range can only initialize variables"},
    {"{{range $i, $j, $k := 3}}{{end}}",
     "template: 1:15: too many declarations in range"},
    {"{{$x : 3}}", "template: 1:6: expected :="},
    {"{{if}}x{{end}}", "template: 1:5: missing value for if"},
    {"{{if true}}", "template: 1:3: {{if}} without its {{end}}"},
    {"{{end}}", "template: 1:3: unexpected {{end}}"},
    {"{{else}}", "template: 1:3: unexpected {{else}}"},
    {"{{if true}}a{{else}}b{{else}}c{{end}}",
     "template: 1:24: expected end; found {{else}}"},
    {"{{if true}}x{{end 3}}", "template: 1:19: unexpected 3 in end"},
    {"{{if true}}x{{else 3}}{{end}}", "template: 1:20: unexpected 3 in else"},
    {"{{break}}", "template: 1:3: {{break}} outside {{range}}"},
    {"{{range 1}}{{else}}{{continue}}{{end}}",
     "template: 1:22: {{continue}} outside {{range}}"},
    {"{{/* unclosed", "template: 1:3: unclosed comment"},
    {"{{/* x */ }}", "template: 1:3: comment ends before closing delimiter"},
    {"{{@}}", "template: 1:3: unexpected '@' in an action"},
    {"{{#}}", "template: 1:3: unexpected '#' in an action"},
    {"{{print 3, 4}}", "template: 1:10: unexpected , in operand"},
    {"{{range \"abc\"}}{{end}}",
     "template: 1:9: range can't iterate over a value of type string"},
    {"{{range true}}{{end}}",
     "template: 1:9: range can't iterate over a value of type bool"},
    {"{{range $i, $e := 3}}{{end}}",
     "template: 1:3: can't use 3 to iterate over more than one variable"},
    {"{{eq 1 1.0}}",
     "template: 1:3: eq: incompatible types for comparison: int and float64"},
    {"{{eq 1 \"1\"}}",
     "template: 1:3: eq: incompatible types for comparison: int and string"},
    {"{{eq 1}}", "template: 1:3: wrong number of args for eq: want at least 2 got 1"},
    {"{{ne 1 2 3}}", "template: 1:3: wrong number of args for ne: want 2 got 3"},
    {"{{lt true false}}", "template: 1:3: lt: invalid type for comparison"},
    {"{{lt 1 \"a\"}}",
     "template: 1:3: lt: incompatible types for comparison: int and string"},
    {"{{eq .Endpoints .Endpoints}}",
     "template: 1:3: eq: non-comparable type map[string]interface {}"},
    {"{{len 3}}", "template: 1:3: len: a value of type int has no length"},
    {"{{len nil}}", "template: 1:3: len: a value of type nil has no length"},
    {"{{len}}", "template: 1:3: wrong number of args for len: want 1 got 0"},
    {"{{index (split \"a,b\" \",\") 2}}", "template: 1:3: index: index out of range: 2"},
    {"{{index (split \"a,b\" \",\") -1}}",
     "template: 1:3: index: index out of range: -1"},
    {"{{index (split \"a,b\" \",\") \"x\"}}",
     "template: 1:3: index: cannot index slice/array with type string"},
    {"{{index .Endpoints 1}}",
     "template: 1:3: index: value has type int; should be string"},
    {"{{index 3 1}}", "template: 1:3: index: can't index item of type int"},
    {"{{index nil 1}}", "template: 1:3: index: index of untyped nil"},
    {"{{slice \"abc\" 1 2 3}}", "template: 1:3: slice: cannot 3-index slice a string"},
    {"{{slice \"abc\" 2 1}}", "template: 1:3: slice: invalid slice index: 2 > 1"},
    {"{{slice \"abc\" 4}}", "template: 1:3: slice: index out of range: 4"},
    {"{{slice 3}}", "template: 1:3: slice: can't slice item of type int"},
    {"{{upper 3}}", "template: 1:3: upper: argument 1 must be a string and is int"},
    {"{{join \"a\" \"b\"}}",
     "template: 1:3: join: argument 1 must be a list of strings and is string"},
    {"{{pad \"a\" -1 0}}", "template: 1:3: pad: negative width"},
    {"{{truncate \"abc\" -1}}", "template: 1:3: truncate: negative length"},
    {"{{printf 3}}", "template: 1:3: printf: argument 1 must be a string and is int"},
    {"{{or}}", "template: 1:3: wrong number of args for or: want at least 1 got 0"},
    {"{{call 3}}", "template: 1:3: call: no value here is a function"},
    {"{{and 1 (index nil 1)}}", "template: 1:10: index: index of untyped nil"},
    {"{{if true}}\n  {{.Name}}\n  {{ foo }}\n{{end}}",
     "template: 3:6: unknown function \"foo\""},
    {"\xc3\xa9\n \xc3\xa9{{.Foo}}", "template: 2:5: no field .Foo"},
};

Test(template, errors_name_their_place)
{
    expect_all(ERRORS, ARRAY_SIZE(ERRORS));
    for (size_t i = 0; i < ARRAY_SIZE(ERRORS); i++)
        cr_expect(run(ERRORS[i].template) == -EINVAL && err.code == EINVAL, "%s",
                  ERRORS[i].template);
}

/* docker has structs where JSON has objects only: they print and range as maps do. */
Test(template, trees)
{
    static const struct expected CASES[] = {
        {"{{.Endpoints.docker}}",
         "map[Host:unix:///var/run/docker.sock SkipTLSVerify:false]"},
        {"{{range $k, $v := .Storage}}{{$k}}={{$v}};{{end}}",
         "MetadataPath=<IN MEMORY>;TLSPath=<nil>;"},
        {"{{.Storage.TLSPath}} {{json .Storage}}",
         "<nil> {\"MetadataPath\":\"<IN MEMORY>\",\"TLSPath\":null}"},
        {"{{printf \"%#v\" .Storage}}",
         "map[string]interface {}{\"MetadataPath\":\"<IN MEMORY>\", \"TLSPath\":<nil>}"},
        {"{{.Storage.TLSPath.X}}", "template: 1:19: nil evaluating .X"},
        {"{{.Storage.Nope}}", "template: 1:11: no field .Nope"},
        {"{{index .Storage \"Nope\"}}|{{index .Endpoints \"nope\"}}", "<no value>|"},
        {"{{if .Storage.TLSPath}}x{{else}}none{{end}}", "none"},
    };
    expect_all(CASES, ARRAY_SIZE(CASES));
}

Test(template, text_has_two_escapes)
{
    static const struct expected CASES[] = {
        {"a\\tb\\nc\\x\\\\", "a\tb\nc\\x\\\\"},
        {"a\\n{{- 3 -}}\\t\\n b", "a3b"},
        {"{{\"\\\\t\"}}\\t", "\\t\t"},
        {"{{define \"a\"}}{{end}}", "template: 1:3: {{define}} is not supported"},
    };
    expect_all(CASES, ARRAY_SIZE(CASES));
}

/* Go's own of these would take all memory, or hours. */
Test(template, bounds)
{
    static const struct expected CASES[] = {
        {"{{range 3000}}{{range 3000}}{{end}}{{end}}",
         "template: 1:17: needs more than 1000000 steps"},
        {"{{$x := printf \"%900000d\" 1}}{{range 10}}{{$x}}{{end}}",
         "template: 1:44: the result is larger than 8 MB"},
        {"{{range 100000}}{{$x := printf \"%1000d\" .}}{{end}}",
         "template: 1:25: needs more than 16 MB of memory"},
        {"{{pad \"a\" 9223372036854775807 0}}",
         "template: 1:3: pad: the result is larger than 1 MB"},
        {"{{printf \"%9000000d\" 1}}",
         "template: 1:3: printf: the result is larger than 1 MB"},
        {"{{$x := \"0123456789\"}}{{range 40}}{{$x = print $x $x}}{{end}}",
         "template: 1:42: print: the result is larger than 1 MB"},
    };
    expect_all(CASES, ARRAY_SIZE(CASES));
}

static const char *nested(const char *open, const char *inside, const char *close, int n)
{
    auto_done(buf_done) struct buf text = {0};
    for (int i = 0; i < n; i++)
        buf_puts(&text, open);
    buf_puts(&text, inside);
    for (int i = 0; i < n; i++)
        buf_puts(&text, close);
    return result(text.data);
}

Test(template, depth_is_bounded)
{
    cr_expect_str_eq(nested("{{if 1}}", "x", "{{end}}", TEMPLATE_DEPTH_MAX), "x");
    cr_expect(strstr(nested("{{if 1}}", "x", "{{end}}", TEMPLATE_DEPTH_MAX + 1),
                     "nested deeper than 100"));
    cr_expect(
        strstr(nested("{{if 1}}", "x", "{{end}}", 100000), "nested deeper than 100"));
    cr_expect(
        strstr(nested("{{with 0}}{{else ", "with 1}}x", "{{end}}", 3), "unexpected"));
    auto_done(buf_done) struct buf parens = {0};
    buf_puts(&parens, "{{");
    for (int i = 0; i < 100000; i++)
        buf_putc(&parens, '(');
    cr_expect(strstr(result(parens.data), "nested deeper than 100"));
}

Test(template, size_costs_in_proportion)
{
    auto_done(buf_done) struct buf text = {0};
    for (int i = 0; i < 20000; i++)
        buf_puts(&text, "{{/* c */}}{{$x := \"a\"}}{{$x}}\n");
    cr_expect(strstr(result(text.data), "more than 1000 variables"));
    text.len = 0;
    for (int i = 0; i < 20000; i++)
        buf_puts(&text, "{{/* c */}}{{print \"a\"}}\n");
    cr_assert_eq(run(text.data), 0);
    cr_expect_eq(out.len, 40000);
}
