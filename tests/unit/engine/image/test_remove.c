/* Removing images: names, layers, what is used and what is damaged. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "imagestore.h"

TestSuite(image_remove, .init = imagestore_start, .fini = imagestore_end);

static int remove_image(const char *ref, bool force, const char *used,
                        struct strv *report, struct mtd_error *err)
{
    struct strv used_by = {0};
    *err = (struct mtd_error){0};
    if (used)
        cr_assert_eq(strv_add(&used_by, used), 0);
    int rc = image_remove(&imagestore, ref, force, &used_by, report, err);
    strv_done(&used_by);
    return rc;
}

static void must_remove(const char *ref)
{
    struct strv report = {0};
    struct mtd_error err;
    cr_expect_eq(remove_image(ref, false, NULL, &report, &err), 0, "%s: %s", ref,
                 err.text);
    strv_done(&report);
}

Test(image_remove, removing_a_name_keeps_the_image_until_the_last_one)
{
    struct strv report = {0};
    struct mtd_error err;
    auto_free char *id = imagestore_import("1", "app");
    cr_assert_eq(image_tag(&imagestore, "app", "other", NULL), 0);
    cr_expect_eq(remove_image("app", false, NULL, &report, &err), 0);
    cr_expect_eq(report.len, 1);
    cr_expect_str_eq(report.items[0], "Untagged: app:latest");
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/layers"), 1);
    strv_done(&report);
    cr_expect_eq(remove_image("other", false, NULL, &report, &err), 0, "%s", err.text);
    cr_expect_eq(report.len, 3);
    cr_expect_str_eq(report.items[0], "Untagged: other:latest");
    cr_expect(strncmp(report.items[1], "Deleted: sha256:", 16) == 0);
    cr_expect_str_eq(report.items[1] + 9, id);
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/layers"), 0);
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/config"), 0);
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/refs"), 0);
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/tmp"), 0);
    strv_done(&report);
}

Test(image_remove, removing_by_id_with_several_names_needs_force)
{
    struct strv report = {0};
    struct mtd_error err;
    auto_free char *id = imagestore_import("1", "app");
    cr_assert_eq(image_tag(&imagestore, "app", "other", NULL), 0);
    cr_expect_eq(remove_image(id, false, NULL, &report, &err), -EBUSY);
    cr_expect(strstr(err.text, "app:latest, other:latest"), "%s", err.text);
    cr_expect_eq(remove_image(id, true, NULL, &report, &err), 0, "%s", err.text);
    cr_expect_eq(report.len, 4);
    strv_done(&report);
}

Test(image_remove, a_layer_that_another_image_has_stays)
{
    auto_free char *first = imagestore_import("same", "one"),
                   *second = imagestore_import("same", "two");
    cr_expect_str_neq(first, second);
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/layers"), 1);
    must_remove("one");
    struct mtd_image image = imagestore_find("two");
    imagestore_expect_content(&image, "f", "same");
    mtd_image_done(&image);
    must_remove("two");
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/layers"), 0);
}

Test(image_remove, what_a_container_uses_never_goes)
{
    struct strv report = {0};
    struct mtd_error err;
    auto_free char *id = imagestore_import("1", "app");
    cr_expect_eq(remove_image("app", false, id, &report, &err), -EBUSY);
    cr_expect(strstr(err.text, "it is being used by a container"), "%s", err.text);
    cr_expect_eq(remove_image("app", true, id, &report, &err), 0, "%s", err.text);
    cr_expect_eq(report.len, 1, "with force it only loses its name");
    struct mtd_image image = imagestore_find(id);
    imagestore_expect_content(&image, "f", "1");
    mtd_image_done(&image);
    cr_expect_eq(remove_image(id, true, id, &report, &err), -EBUSY);
    cr_expect_eq(remove_image(id, false, NULL, &report, &err), 0, "%s", err.text);
    strv_done(&report);
}

Test(image_remove, a_source_that_is_not_unpacked_says_so_when_removed)
{
    struct strv report = {0};
    struct mtd_error err;
    imagestore_drop_tar("alpine", "f", "1");
    cr_expect_eq(remove_image("alpine", false, NULL, &report, &err), -ENOENT);
    cr_expect(strstr(err.text, "image/alpine.tar"), "%s", err.text);
    cr_expect_eq(remove_image("busybox", false, NULL, &report, &err), -ENOENT);
    cr_expect(strstr(err.text, "embedded"), "%s", err.text);
    cr_expect_eq(remove_image("nope", false, NULL, &report, &err), -ENOENT);
    cr_expect(strstr(err.text, "local images: alpine, busybox"), "%s", err.text);
    struct mtd_image image = imagestore_find("busybox");
    mtd_image_done(&image);
    must_remove("busybox");
    image = imagestore_find("busybox");
    cr_expect_eq(image.layers.len, 1, "and is unpacked again when used again");
    mtd_image_done(&image);
    strv_done(&report);
}

/* A config that cannot be read may need any layer: then none goes. */
Test(image_remove, a_damaged_config_hides_one_image_and_keeps_all_layers)
{
    struct mtd_image_list list = {0};
    auto_free char *id = imagestore_import("1", "app"),
                   *other = imagestore_import("2", "other");
    char path[128];
    snprintf(path, sizeof(path), "images/config/%s.json", id + 7);
    imagestore_write(path, "{\"Layers\": [\"../../..\"]}", 24);
    imagestore_expect_none("app", EINVAL, "is damaged");
    cr_assert_eq(image_list(&imagestore, &list, NULL), 0);
    cr_expect_eq(list.len, 2);
    mtd_image_list_done(&list);
    must_remove("other");
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/layers"), 2);
    must_remove("app");
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/refs"), 0);
    cr_expect(other);
}
