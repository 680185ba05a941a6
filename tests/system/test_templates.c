/* Templates as users of docker type them, over real records. Needs root. */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../support/fields.h"
#include "../support/state.h"

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
    free(ASK(&s, "create", "--name", "web", "--label", "a.b=c", "--label", "tier=front",
             "-e", "X=two words", "-v", "/etc:/host:ro", "-v", "keep:/data", "busybox",
             "echo", "hi"));
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(templates, .init = set_up, .fini = tear_down, .timeout = 60);

Test(templates, of_lists)
{
    EXPECT_OUTPUT(&s, 0, "NAMES     STATUS\nweb       Created\n", "ps", "-a", "--format",
                  "table {{.Names}}\\t{{.Status}}");
    EXPECT_OUTPUT(&s, 0, "NAMES     b         STATE\nweb       c         CREATED\n", "ps",
                  "-a", "--format",
                  "table {{.Names}}\\t{{.Label \"a.b\"}}\\t{{upper .State}}");
    EXPECT_OUTPUT(
        &s, 0, "web: 0=/etc 1=keep\n", "ps", "-a", "--format",
        "{{.Names}}:{{range $i, $m := split .Mounts \",\"}} {{$i}}={{$m}}{{end}}");
    EXPECT_OUTPUT(&s, 0, "new \"web\"\n", "ps", "-a", "--format",
                  "{{if eq .State \"running\"}}up{{else}}new{{end}} {{json .Names}}");
    EXPECT_OUTPUT(&s, 0, "busybox:latest\n", "images", "--format",
                  "{{.Repository}}:{{.Tag}}");
}

Test(templates, of_a_container)
{
    static const char *const CASES[][2] = {
        {"{{range $k, $v := .Config.Labels}}{{$k}}={{$v}}{{println}}{{end}}",
         "a.b=c\ntier=front\n\n"},
        {"{{range .Mounts}}{{.Name}}:{{.Destination}} {{end}}", ":/host keep:/data \n"},
        {"{{if .State.Running}}up{{else}}down{{end}}", "down\n"},
        {"{{index .Config.Labels \"a.b\"}}{{index .Config.Labels \"no\"}}", "c\n"},
        {"{{.Config.Labels.no}}", "<no value>\n"},
        {"{{range .Config.Env}}{{if eq (slice . 0 2) \"X=\"}}{{.}}{{end}}{{end}}",
         "X=two words\n"},
        {"{{join .Config.Cmd \" \"}}{{\"\\n\"}}{{json .Config.Cmd}}",
         "echo hi\n[\"echo\",\"hi\"]\n"},
        {"{{with .State.Health}}{{.Status}}{{else}}none{{end}}", "none\n"},
        {"{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", "\n"},
        {"{{printf \"%-5s|%03d\" .State.Status .State.ExitCode}}", "created|000\n"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
        EXPECT_OUTPUT(&s, 0, CASES[i][1], "inspect", "-f", CASES[i][0], "web");
}

Test(templates, mistakes_have_a_place_and_print_nothing)
{
    EXPECT_OUTPUT(&s, 1, "", "inspect", "-f", "{{.State.Nope}}", "web");
    EXPECT_OUTPUT(&s, 1, "", "ps", "-a", "--format", "{{.Names}} {{.Nope}}");
    struct outcome o = RUN(&s, "inspect", "-f", "x\n{{uper .Name}}", "web");
    cr_expect(o.status == 1 && strstr(o.err, "template: 2:3: unknown function \"uper\""),
              "%s", o.err);
    outcome_done(&o);
}
