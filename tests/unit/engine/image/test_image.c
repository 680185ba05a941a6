/* The image store in a directory of its own: finding, naming, importing. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "imagestore.h"

TestSuite(image, .init = imagestore_start, .fini = imagestore_end);

Test(image, the_embedded_busybox_is_unpacked_at_first_use)
{
    struct mtd_image first = imagestore_find("busybox"),
                     again = imagestore_find("docker.io/library/busybox:latest");
    char path[256];
    struct stat st;
    cr_expect_str_eq(first.names.items[0], "busybox:latest");
    cr_expect_str_eq(first.config.cmd.items[0], "sh");
    cr_expect_str_eq(first.id, again.id);
    cr_assert_eq(first.layers.len, 1);
    snprintf(path, sizeof(path), "images/layers/%s/bin/busybox", first.layers.items[0]);
    cr_assert_eq(fstatat(imagestore_dir.fd, path, &st, 0), 0);
    cr_expect_eq(st.st_mode & 07777, 0755);
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/tmp"), 0);
    cr_assert_eq(fstatat(imagestore_dir.fd, "images/layers", &st, 0), 0);
    cr_expect_eq(st.st_mode & 07777, 0700, "layers are nobody else's business");
    mtd_image_done(&first);
    mtd_image_done(&again);
}

Test(image, twenty_first_uses_at_once_all_find_it)
{
    pid_t pids[20];
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct mtd_image image = {0};
            int rc = image_find(&imagestore, "busybox", &image, NULL);
            _exit(rc == 0 && image.layers.len == 1 ? 0 : 1);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
        int status = -1;
        cr_expect(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
    }
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/tmp"), 0);
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/layers"), 1);
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/config"), 1);
}

/* Seen from outside: the child sits in flock(2) and has not gone past it. */
static bool waits_in_flock(pid_t pid)
{
    char path[32], want[16], text[128] = "";
    snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
    snprintf(want, sizeof(want), "%d ", SYS_flock);
    return fs_read_small_at(AT_FDCWD, path, text, sizeof(text)) > 0 &&
           strncmp(text, want, strlen(want)) == 0;
}

Test(image, a_second_first_use_waits_for_the_first)
{
    int status = -1;
    cr_assert_eq(mkdirat(imagestore_dir.fd, "images", 0700), 0);
    int lock = openat(imagestore_dir.fd, "images/source.lock",
                      O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert(lock >= 0 && flock(lock, LOCK_EX) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct mtd_image image = {0};
        close(lock);
        _exit(image_find(&imagestore, "busybox", &image, NULL) == 0 ? 0 : 1);
    }
    while (!waits_in_flock(pid))
        cr_assert_eq(waitpid(pid, &status, WNOHANG), 0, "it did not wait");
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/layers"), 0);
    close(lock);
    cr_expect(waitpid(pid, &status, 0) == pid && status == 0);
}

Test(image, a_list_shows_sources_without_unpacking_them)
{
    struct mtd_image_list list = {0};
    imagestore_drop_tar("alpine", "f", "1");
    imagestore_drop_tar("Not A Name", "f", "1");
    cr_assert_eq(image_list(&imagestore, &list, NULL), 0);
    cr_assert_eq(list.len, 2);
    for (size_t i = 0; i < list.len; i++) {
        const char *name = list.items[i].names.items[0];
        cr_expect(strcmp(name, "alpine:latest") == 0 ||
                  strcmp(name, "busybox:latest") == 0);
        cr_expect_eq(list.items[i].layers.len, 0);
    }
    cr_expect_eq(faccessat(imagestore_dir.fd, "images", F_OK, 0), -1);
    mtd_image_list_done(&list);
}

/* The list's only image. Ends the test when there are several. */
static void expect_listed(const char *id, size_t names)
{
    struct mtd_image_list list = {0};
    cr_assert_eq(image_list(&imagestore, &list, NULL), 0);
    cr_assert_eq(list.len, 1);
    cr_expect_str_eq(list.items[0].id, id);
    cr_expect_eq(list.items[0].names.len, names);
    mtd_image_list_done(&list);
}

Test(image, busybox_has_one_id_before_and_after_its_first_use)
{
    struct mtd_image_list list = {0};
    cr_assert_eq(image_list(&imagestore, &list, NULL), 0);
    cr_assert_eq(list.len, 1);
    const char *id = list.items[0].id;
    struct mtd_image image = imagestore_find(id);
    cr_expect_str_eq(image.id, id);
    cr_expect_eq(image.size, list.items[0].size);
    expect_listed(id, 1);
    cr_assert_eq(image_tag(&imagestore, id, "mine", NULL), 0);
    struct strv report = {0};
    cr_assert_eq(image_remove(&imagestore, "busybox", false, NULL, &report, NULL), 0);
    strv_done(&report);
    expect_listed(id, 2); /* one image: mine, and busybox, which the program has */
    mtd_image_done(&image);
    mtd_image_list_done(&list);
}

Test(image, a_tar_has_no_id_before_its_first_use)
{
    struct mtd_image_list list = {0};
    imagestore_drop_tar("busybox", "f", "1");
    imagestore_drop_tar("alpine", "f", "1");
    cr_assert_eq(image_list(&imagestore, &list, NULL), 0);
    cr_assert_eq(list.len, 2);
    for (size_t i = 0; i < list.len; i++)
        cr_expect_str_eq(list.items[i].id, "");
    mtd_image_list_done(&list);
}

Test(image, a_dropped_tar_is_an_image_and_a_changed_one_a_new_one)
{
    imagestore_drop_tar("app", "bin/sh", "one");
    struct mtd_image first = imagestore_find("app");
    imagestore_expect_content(&first, "bin/sh", "one");
    cr_expect_str_eq(first.config.cmd.items[0], "sh");
    imagestore_drop_tar("app", "f", "three");
    struct mtd_image second = imagestore_find("app");
    imagestore_expect_content(&second, "f", "three");
    cr_expect_eq(second.config.cmd.len, 0, "no shell, no command");
    cr_expect_str_neq(first.id, second.id);
    imagestore_expect_content(&first, "bin/sh", "one"); /* a container may be using it */
    cr_assert_eq(unlinkat(imagestore_dir.fd, "image/app.tar", 0), 0);
    struct mtd_image third = imagestore_find("app");
    cr_expect_str_eq(third.id, second.id, "once unpacked the tar is not needed");
    mtd_image_done(&first);
    mtd_image_done(&second);
    mtd_image_done(&third);
}

Test(image, a_dropped_tar_may_have_a_tag_and_hide_the_embedded_one)
{
    imagestore_drop_tar("app:1.2", "f", "1.2");
    imagestore_drop_tar("busybox", "f", "mine");
    struct mtd_image image = imagestore_find("app:1.2");
    imagestore_expect_content(&image, "f", "1.2");
    mtd_image_done(&image);
    image = imagestore_find("busybox");
    imagestore_expect_content(&image, "f", "mine");
    mtd_image_done(&image);
    imagestore_expect_none("app", ENOENT, "image \"app\" not found");
}

Test(image, a_bad_tar_is_an_error_and_leaves_nothing)
{
    mkdirat(imagestore_dir.fd, "image", 0700);
    imagestore_write("image/bad.tar", "this is no tar", 14);
    imagestore_expect_none("bad", EBADMSG, "image/bad.tar: not a valid tar archive");
    imagestore_drop_tar("evil", "../../evil", "x");
    imagestore_expect_none("evil", EBADMSG, "\"../../evil\": \"..\" is refused");
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/tmp"), 0);
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/layers"), 0);
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/refs"), 0);
    cr_assert_eq(mkfifoat(imagestore_dir.fd, "image/fifo.tar", 0600), 0);
    imagestore_expect_none("fifo", ENOENT, "not found"); /* and does not hang */
}

Test(image, unknown_images_are_told_what_there_is)
{
    imagestore_drop_tar("alpine", "f", "1");
    imagestore_drop_tar("alpine:edge", "f", "1");
    imagestore_expect_none(
        "alpin", ENOENT,
        "image \"alpin\" not found; local images: alpine, alpine:edge, busybox");
    imagestore_expect_none("Alpine", EINVAL, "invalid image name \"Alpine\"");
    imagestore_expect_none("sha256:00ff", ENOENT, "not found");
    imagestore_expect_none("", EINVAL, "invalid image name");
}

Test(image, imported_images_have_config_name_and_size)
{
    auto_free char *id = imagestore_import("hello", "me/app:1");
    struct mtd_image image = imagestore_find("me/app:1");
    cr_expect_str_eq(image.id, id);
    cr_expect_str_eq(image.config.user, "me");
    cr_expect_eq(image.size, 5);
    cr_expect_gt(image.created_at, 0);
    imagestore_expect_content(&image, "f", "hello");
    mtd_image_done(&image);
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/tmp"), 0);
}

Test(image, an_id_finds_by_unique_prefix)
{
    auto_free char *id = imagestore_import("1", "one"),
                   *second = imagestore_import("2", "two");
    char prefix[20], both[128];
    snprintf(prefix, sizeof(prefix), "%.12s", id + 7);
    struct mtd_image image = imagestore_find(prefix);
    cr_expect_str_eq(image.id, id);
    cr_expect_str_eq(image.names.items[0], "one:latest");
    mtd_image_done(&image);
    image = imagestore_find(id);
    cr_expect_str_eq(image.id, id);
    mtd_image_done(&image);
    snprintf(both, sizeof(both), "whatever@%s", second);
    image = imagestore_find(both);
    cr_expect_str_eq(image.id, second);
    mtd_image_done(&image);
}

Test(image, an_ambiguous_id_lists_the_candidates)
{
    static const char HEX[] =
        "aaaa567890123456789012345678901234567890123456789012345678901";
    mkdirat(imagestore_dir.fd, "images", 0700);
    mkdirat(imagestore_dir.fd, "images/config", 0700);
    for (int i = 0; i < 2; i++) {
        char path[128];
        snprintf(path, sizeof(path), "images/config/%s%03d.json", HEX, i);
        imagestore_write(path, "{}", 2);
    }
    imagestore_expect_none("aaaa", ENOTUNIQ,
                           "image id \"aaaa\" is ambiguous: aaaa56789012, aaaa");
}

Test(image, a_name_moves_and_the_old_image_stays)
{
    auto_free char *first = imagestore_import("1", "app"),
                   *second = imagestore_import("2", "app");
    struct mtd_image image = imagestore_find("app");
    struct mtd_image_list list = {0};
    cr_expect_str_eq(image.id, second);
    mtd_image_done(&image);
    image = imagestore_find(first);
    cr_expect_eq(image.names.len, 0);
    mtd_image_done(&image);
    cr_assert_eq(image_list(&imagestore, &list, NULL), 0);
    cr_expect_eq(list.len, 3);
    cr_expect_eq(list.items[0].created_at >= list.items[1].created_at, true);
    mtd_image_list_done(&list);
}

Test(image, tags_are_names_of_the_same_image)
{
    auto_free char *id = imagestore_import("1", "app");
    struct mtd_error err = {0};
    cr_expect_eq(image_tag(&imagestore, "app", "reg.example.com:5000/x/app:v1", &err), 0,
                 "%s", err.text);
    cr_expect_eq(image_tag(&imagestore, id, "third", &err), 0, "%s", err.text);
    struct mtd_image image = imagestore_find("reg.example.com:5000/x/app:v1");
    cr_expect_str_eq(image.id, id);
    mtd_image_done(&image);
    image = imagestore_find(id);
    cr_expect_eq(image.names.len, 3);
    mtd_image_done(&image);
    cr_expect_eq(image_tag(&imagestore, "app", "Bad", &err), -EINVAL);
    mtd_error_clear(&err);
    cr_expect_eq(image_tag(&imagestore, "nope", "x", &err), -ENOENT);
}

Test(image, a_source_whose_layer_was_lost_is_unpacked_again)
{
    struct mtd_image image = imagestore_find("busybox");
    auto_fd int layers = fs_open_dir_at(imagestore_dir.fd, "images/layers");
    cr_assert_eq(fs_remove_tree_at(layers, image.layers.items[0]), 0);
    mtd_image_done(&image);
    image = imagestore_find("busybox");
    cr_expect_eq(tempdir_count(layers, image.layers.items[0]) > 5, true);
    mtd_image_done(&image);
}

Test(image, a_lost_layer_of_another_image_is_named)
{
    auto_free char *id = imagestore_import("1", "app");
    struct mtd_image image = imagestore_find(id);
    auto_fd int layers = fs_open_dir_at(imagestore_dir.fd, "images/layers");
    cr_assert_eq(fs_remove_tree_at(layers, image.layers.items[0]), 0);
    mtd_image_done(&image);
    imagestore_expect_none("app", ENOENT, "is missing");
}

Test(image, what_a_killed_process_left_is_swept)
{
    cr_assert_eq(mkdirat(imagestore_dir.fd, "images", 0700), 0);
    cr_assert_eq(mkdirat(imagestore_dir.fd, "images/tmp", 0700), 0);
    cr_assert_eq(mkdirat(imagestore_dir.fd, "images/tmp/layer-dead", 0755), 0);
    cr_assert_eq(mkdirat(imagestore_dir.fd, "images/tmp/layer-dead/d", 0755), 0);
    cr_assert_eq(symlinkat("x", imagestore_dir.fd, "images/tmp/ref-dead"), 0);
    auto_free char *id = imagestore_import("1", "app");
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/tmp"), 0);
    cr_expect(id);
}

Test(image, names_and_removals_at_once_leave_a_whole_store)
{
    enum { WORKERS = 6, ROUNDS = 5 };
    pid_t pids[WORKERS];
    for (int w = 0; w < WORKERS; w++) {
        pids[w] = fork();
        if (pids[w] != 0)
            continue;
        for (int i = 0; i < ROUNDS; i++) {
            struct mtd_image image = {0};
            struct strv report = {0};
            struct mtd_error err = {0};
            int rc = image_find(&imagestore, "busybox", &image, &err);
            if (w % 2)
                image_remove(&imagestore, "busybox", false, NULL, &report, NULL);
            if (rc != 0 && rc != -EINVAL && rc != -ENOENT && rc != -EAGAIN)
                _exit(1);
            mtd_image_done(&image);
            strv_done(&report);
        }
        _exit(0);
    }
    for (int w = 0; w < WORKERS; w++) {
        int status = -1;
        cr_expect(waitpid(pids[w], &status, 0) == pids[w] && status == 0, "%d", status);
    }
    struct mtd_image image = imagestore_find("busybox");
    cr_expect_eq(image.layers.len, 1);
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/tmp"), 0);
    cr_expect_eq(tempdir_count(imagestore_dir.fd, "images/layers"), 1);
    mtd_image_done(&image);
}
