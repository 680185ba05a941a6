/* pruned: what the prunes remove, by labels, and how they say it. Needs root. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../support/state.h"
#include "base/cleanup.h"

static struct state s;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    state_make(&s);
    free(ASK(&s, "create", "--name", "web", "busybox", "true"));
}

static void tear_down(void)
{
    if (s.dir.path[0])
        state_done(&s);
}

TestSuite(pruned, .init = set_up, .fini = tear_down, .timeout = 60);

static void expect_part(const char *text, const char *part)
{
    cr_expect(strstr(text, part), "\"%s\" is not in %s", part, text);
}

/* docker's words around what each prune deleted. */
Test(pruned, a_prune_says_what_it_deleted)
{
    auto_free char *want = NULL, *id = ASK(&s, "inspect", "-f", "{{.Id}}", "web");
    cr_assert_gt(
        asprintf(&want, "Deleted Containers:\n%s\n\nTotal reclaimed space: 0B", id), 0);
    auto_free char *containers = ASK(&s, "container", "prune", "-f");
    cr_expect_str_eq(containers, want);
    auto_free char *images = ASK(&s, "image", "prune", "-af");
    expect_part(images, "Deleted Images:\nuntagged: busybox:latest\ndeleted: sha256:");
    expect_part(images, "\n\nTotal reclaimed space: ");
    free(ASK(&s, "network", "create", "own"));
    auto_free char *networks = ASK(&s, "network", "prune", "-f");
    cr_expect_str_eq(networks, "Deleted Networks:\nown\n");
    auto_free char *none = ASK(&s, "network", "prune", "-f");
    cr_expect_str_empty(none);
}

Test(pruned, prunes_go_by_labels)
{
    free(ASK(&s, "create", "--name", "a", "--label", "k=v", "busybox", "true"));
    free(ASK(&s, "create", "--name", "b", "--label", "k=w", "busybox", "true"));
    free(ASK(&s, "network", "create", "--label", "k=v", "a"));
    free(ASK(&s, "network", "create", "b"));
    free(ASK(&s, "system", "prune", "-f", "--filter", "label=k=v"));
    auto_free char *left = ASK(&s, "ps", "-a", "--format", "{{.Names}}");
    cr_expect_str_eq(left, "b\nweb");
    auto_free char *networks =
        ASK(&s, "network", "ls", "--filter", "type=custom", "--format", "{{.Name}}");
    cr_expect_str_eq(networks, "b");
    free(ASK(&s, "container", "prune", "-f", "--filter", "label!=k"));
    auto_free char *labelled = ASK(&s, "ps", "-a", "--format", "{{.Names}}");
    cr_expect_str_eq(labelled, "b");
    free(ASK(&s, "system", "prune", "-f"));
    auto_free char *none = ASK(&s, "network", "ls", "--filter", "type=custom", "-q");
    cr_expect_str_empty(none);
}
