/* What a container wrote, read while it changes it. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "ui/view/tabs.h"
#include "uibox.h"

#define MANY 3000 /* entries: more than are read at once */

static struct uibox box;

static void setup(void)
{
    if (geteuid() != 0)
        cr_skip("needs root");
    uibox_make(&box, 24, 80, false);
}

static void teardown(void)
{
    if (geteuid() == 0)
        uibox_done(&box);
}

TestSuite(diff_view, .init = setup, .fini = teardown);

/* <root>/containers/<id>/upper with swap/b and much else in swap; beside it what is not the
 * container's. Returns the upper directory. */
static int make_tree(const struct mtd_summary *s, char outside[700])
{
    char path[700];
    snprintf(path, sizeof(path), "%s/containers", box.root);
    (void)mkdir(path, 0700);
    snprintf(path, sizeof(path), "%s/containers/%s", box.root, s->id);
    cr_assert_eq(mkdir(path, 0700), 0);
    strcat(path, "/upper");
    cr_assert_eq(mkdir(path, 0755), 0);
    int upper = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert(upper >= 0 && mkdirat(upper, "swap", 0755) == 0 &&
              mkdirat(upper, "swap/b", 0755) == 0);
    for (int i = 0; i < MANY; i++) {
        snprintf(path, sizeof(path), "swap/%d", i);
        cr_assert_eq(mknodat(upper, path, S_IFREG | 0600, 0), 0);
    }
    snprintf(outside, 700, "%s/outside", box.dir.path);
    snprintf(path, sizeof(path), "%s/b", outside);
    cr_assert(mkdir(outside, 0700) == 0 && mkdir(path, 0700) == 0);
    strcat(path, "/hidden");
    int hidden = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    cr_assert(hidden >= 0 && ftruncate(hidden, 99999) == 0);
    close(hidden);
    return upper;
}

/* The biggest file comes first. */
static void expect_first(struct view *v, const char *text, bool there)
{
    auto_done(buf_done) struct buf shown = {0};
    canvas_fill(&box.canvas, (struct rect){0, 0, 24, 80}, STYLE(COLOR_TEXT));
    v->ops->draw(v, &box.canvas, (struct rect){0, 0, 24, 80}, false);
    cr_assert_eq(canvas_dump(&box.canvas, &shown), 0);
    cr_expect_eq(strstr(shown.data, text) != NULL, there, "%s", shown.data);
}

Test(diff_view, a_directory_that_became_a_link_is_not_followed)
{
    char outside[700];
    struct mtd_summary s = uibox_summary('7', "evil", "busybox", MTD_STATE_RUNNING);
    auto_fd int upper = make_tree(&s, outside);
    struct view *v = diff_view_new(&box.ui.around);
    v->ops->show(v, true);
    v->ops->select(v, &s);
    cr_assert(v->ops->work(v), "all was read at once");
    cr_assert(renameat(upper, "swap", upper, "real") == 0 &&
              symlinkat(outside, upper, "swap") == 0);
    while (v->ops->work(v))
        ;
    expect_first(v, "hidden", false);
    expect_first(v, "/swap/", true);
    view_free(v);
}
