/* What queries print, value by value as docker's. Needs root. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/fields.h"
#include "../support/state.h"
#include "base/cleanup.h"

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
    free(ASK(&s, "create", "--name", "web", "busybox", "sh", "-c", "echo 'a  b'"));
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(values, .init = set_up, .fini = tear_down, .timeout = 60);

static void expect_part(const char *text, const char *part)
{
    cr_expect(strstr(text, part), "\"%s\" is not in %s", part, text);
}

/* POSIX forms, which need no time zone files. */
Test(values, times_are_local)
{
    static const struct {
        const char *zone, *created, *event;
    } CASES[] = {{"AAA-5:30", " +0530 AAA", "+05:30 container create "},
                 {"UTC", " +0000 UTC", "Z container create "}};
    for (size_t i = 0; i < 2; i++) {
        setenv("TZ", CASES[i].zone, 1);
        auto_free char *ps = ASK(&s, "ps", "-a", "--format", "{{.CreatedAt}}");
        expect_part(ps, CASES[i].created);
        auto_free char *images = ASK(&s, "images", "--format", "{{.CreatedAt}}");
        expect_part(images, CASES[i].created);
        auto_free char *events = ASK(&s, "events", "--since", "1h", "--until", "0s");
        expect_part(events, CASES[i].event);
        /* What one command prints, another takes, without its zone. */
        ps[10] = 'T';
        ps[19] = '\0';
        auto_free char *until = ASK(&s, "events", "--since", "1h", "--until", ps);
        cr_expect_str_empty(until);
        auto_free char *since = ASK(&s, "events", "--since", ps, "--until", "0s");
        expect_part(since, CASES[i].event);
    }
}
