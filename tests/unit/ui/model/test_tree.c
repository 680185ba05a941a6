/* What is folded stays so when the record is read again. */

#include <criterion/criterion.h>
#include <string.h>

#include "ui/model/tree.h"

static struct tree t;

static void tear_down(void)
{
    tree_done(&t);
}

TestSuite(tree, .fini = tear_down);

/* The folds of the n-th line with that key, of all that have an end. */
static bool *fold_of(const char *key, size_t n)
{
    for (size_t i = 0; i < t.len; i++)
        if (t.lines[i].end && strcmp(t.lines[i].key, key) == 0 && n-- == 0)
            return &t.lines[i].folded;
    cr_assert_fail("no such line: %s", key);
    return NULL;
}

/* Mounts and networks are lists: their objects have the same name, none. */
Test(tree, each_of_several_of_one_name_keeps_its_own_fold)
{
    static const char TEXT[] = "{\"Mounts\": [{\"a\": 1}, {\"b\": 2}, {\"c\": 3}]}";
    for (size_t folded = 1; folded <= 3; folded++) { /* 0 = the whole */
        cr_assert_eq(tree_parse(&t, TEXT), 0);
        tree_fold_all(&t, false, 0);
        *fold_of("", folded) = true;
        cr_assert_eq(tree_parse(&t, TEXT), 0);
        for (size_t i = 1; i <= 3; i++)
            cr_expect_eq(*fold_of("", i), i == folded, "%zu of %zu", i, folded);
    }
}

Test(tree, a_record_that_grows_keeps_its_folds)
{
    cr_assert_eq(tree_parse(&t, "{\"A\": {\"x\": 1}, \"B\": {\"y\": 2}}"), 0);
    *fold_of("B", 0) = true;
    cr_assert_eq(
        tree_parse(&t, "{\"A\": {\"x\": 1, \"N\": {\"z\": 3}}, \"B\": {\"y\": 2}}"), 0);
    cr_expect(*fold_of("B", 0));
    cr_expect(!*fold_of("A", 0));
    cr_expect(!*fold_of("N", 0));
    cr_expect_eq(tree_visible(&t), 9);
}
