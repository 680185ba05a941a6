#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/strv.h"

Test(strv, is_always_terminated)
{
    struct strv v = {0};
    for (size_t i = 0; i < 300; i++) {
        cr_assert_eq(strv_add(&v, "x"), 0);
        cr_assert_eq(v.len, i + 1);
        cr_assert_null(v.items[v.len]);
    }
    strv_done(&v);
    cr_expect_eq(v.len, 0);
    cr_expect_null(v.items);
}

Test(strv, adds_parts_and_owned_strings)
{
    struct strv v = {0};
    strv_add_n(&v, "abcdef", 3);
    strv_take(&v, strdup("own"));
    cr_expect(strv_take(&v, NULL) < 0);
    cr_expect_eq(v.len, 2);
    cr_expect_str_eq(v.items[0], "abc");
    cr_expect(strv_contains(&v, "own"));
    cr_expect_not(strv_contains(&v, "ow"));
    strv_done(&v);
}

Test(strv, copies_are_independent)
{
    struct strv v = {0}, copy = {0};
    strv_add(&v, "a");
    strv_add(&v, "b");
    cr_assert_eq(strv_copy(&copy, &v), 0);
    cr_assert_eq(strv_add_all(&copy, &v), 0);
    strv_done(&v);
    cr_expect_eq(copy.len, 4);
    cr_expect_str_eq(copy.items[3], "b");
    strv_done(&copy);
}

Test(strv, adding_a_list_to_itself_ends)
{
    struct strv v = {0};
    strv_add(&v, "a");
    cr_assert_eq(strv_add_all(&v, &v), 0);
    cr_expect_eq(v.len, 2);
    strv_done(&v);
}

Test(strv, environment_entries_are_replaced_by_name)
{
    struct strv env = {0};
    strv_env_set(&env, "A=1");
    strv_env_set(&env, "AB=2");
    strv_env_set(&env, "A=3=4");
    strv_env_set(&env, "EMPTY=");
    cr_expect_eq(env.len, 3);
    cr_expect_str_eq(env.items[0], "A=3=4");
    cr_expect_str_eq(strv_env_get(&env, "A"), "3=4");
    cr_expect_str_eq(strv_env_get(&env, "AB"), "2");
    cr_expect_str_eq(strv_env_get(&env, "EMPTY"), "");
    cr_expect_null(strv_env_get(&env, "B"));
    strv_done(&env);
}

Test(strv, a_variable_is_not_the_beginning_of_another)
{
    struct strv env = {0};
    cr_assert_eq(strv_add(&env, "HOMEX=1"), 0);
    cr_assert_eq(strv_add(&env, "HOM=2"), 0);
    cr_expect_null(strv_env_get(&env, "HOME"));
    cr_assert_eq(strv_env_set(&env, "HOME=3"), 0);
    cr_expect_eq(env.len, 3);
    cr_expect_str_eq(strv_env_get(&env, "HOME"), "3");
    strv_done(&env);
}
