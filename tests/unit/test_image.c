/* The image store in a directory of its own: finding, naming, importing, removing. */

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
#include "engine/image.h"
#include "tarfile.h"
#include "tempdir.h"

static struct tempdir dir;
static struct image_store store;

static void start(void)
{
    tempdir_make(&dir);
    store = (struct image_store){dir.path, dir.fd};
}

static void end(void)
{
    tempdir_done(&dir);
}

TestSuite(image, .init = start, .fini = end);

static void write_file(const char *path, const void *data, size_t len)
{
    int fd = openat(dir.fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert(fd >= 0);
    cr_assert_eq(fs_write_all(fd, data, len), 0);
    close(fd);
}

/* <root>/image/NAME.tar with one file. */
static void drop_tar(const char *name, const char *file, const char *content)
{
    const struct tar_item items[] = {{file, S_IFREG | 0755, content}, {0}};
    struct tarfile t;
    char path[64];
    snprintf(path, sizeof(path), "image/%s.tar", name);
    mkdirat(dir.fd, "image", 0700);
    tarfile_make(&t, items, "", "");
    write_file(path, t.data, t.len);
    tarfile_done(&t);
}

static char *import(const char *content, const char *name)
{
    const struct tar_item items[] = {{"f", S_IFREG | 0644, content}, {0}};
    struct tarfile t;
    struct mtd_error err = {0};
    struct mtd_image_config config = {.user = (char *)"me"};
    char *id = NULL;
    tarfile_make(&t, items, "gzip", "");
    write_file("import", t.data, t.len);
    tarfile_done(&t);
    int fd = openat(dir.fd, "import", O_RDONLY | O_CLOEXEC);
    cr_assert_eq(image_import(&store, fd, name, &config, &id, &err), 0, "%s", err.text);
    close(fd);
    return id;
}

static struct mtd_image find(const char *ref)
{
    struct mtd_image image = {0};
    struct mtd_error err = {0};
    cr_assert_eq(image_find(&store, ref, &image, &err), 0, "%s: %s", ref, err.text);
    return image;
}

static void expect_no_image(const char *ref, int code, const char *text)
{
    struct mtd_image image = {0};
    struct mtd_error err = {0};
    cr_expect_eq(image_find(&store, ref, &image, &err), -code, "%s: %s", ref, err.text);
    cr_expect(strstr(err.text, text), "%s", err.text);
}

static void expect_content(const struct mtd_image *i, const char *file,
                           const char *content)
{
    char path[256], text[64];
    snprintf(path, sizeof(path), "images/layers/%s/%s",
             i->layers.items[i->layers.len - 1], file);
    cr_assert(fs_read_small_at(dir.fd, path, text, sizeof(text)) >= 0, "%s", path);
    cr_expect_str_eq(text, content);
}

static int remove_image(const char *ref, bool force, const char *used,
                        struct strv *report, struct mtd_error *err)
{
    struct strv used_by = {0};
    *err = (struct mtd_error){0};
    if (used)
        cr_assert_eq(strv_add(&used_by, used), 0);
    int rc = image_remove(&store, ref, force, &used_by, report, err);
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

Test(image, the_embedded_busybox_is_unpacked_at_first_use)
{
    struct mtd_image first = find("busybox"),
                     again = find("docker.io/library/busybox:latest");
    char path[256];
    struct stat st;
    cr_expect_str_eq(first.names.items[0], "busybox:latest");
    cr_expect_str_eq(first.config.cmd.items[0], "sh");
    cr_expect_str_eq(first.id, again.id);
    cr_assert_eq(first.layers.len, 1);
    snprintf(path, sizeof(path), "images/layers/%s/bin/busybox", first.layers.items[0]);
    cr_assert_eq(fstatat(dir.fd, path, &st, 0), 0);
    cr_expect_eq(st.st_mode & 07777, 0755);
    cr_expect_eq(tempdir_count(dir.fd, "images/tmp"), 0);
    cr_assert_eq(fstatat(dir.fd, "images/layers", &st, 0), 0);
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
            int rc = image_find(&store, "busybox", &image, NULL);
            _exit(rc == 0 && image.layers.len == 1 ? 0 : 1);
        }
    }
    for (size_t i = 0; i < ARRAY_SIZE(pids); i++) {
        int status = -1;
        cr_expect(waitpid(pids[i], &status, 0) == pids[i] && status == 0);
    }
    cr_expect_eq(tempdir_count(dir.fd, "images/tmp"), 0);
    cr_expect_eq(tempdir_count(dir.fd, "images/layers"), 1);
    cr_expect_eq(tempdir_count(dir.fd, "images/config"), 1);
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
    cr_assert_eq(mkdirat(dir.fd, "images", 0700), 0);
    int lock = openat(dir.fd, "images/source.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert(lock >= 0 && flock(lock, LOCK_EX) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct mtd_image image = {0};
        close(lock);
        _exit(image_find(&store, "busybox", &image, NULL) == 0 ? 0 : 1);
    }
    while (!waits_in_flock(pid))
        cr_assert_eq(waitpid(pid, &status, WNOHANG), 0, "it did not wait");
    cr_expect_eq(tempdir_count(dir.fd, "images/layers"), 0);
    close(lock);
    cr_expect(waitpid(pid, &status, 0) == pid && status == 0);
}

Test(image, a_list_shows_sources_without_unpacking_them)
{
    struct mtd_image_list list = {0};
    drop_tar("alpine", "f", "1");
    drop_tar("Not A Name", "f", "1");
    cr_assert_eq(image_list(&store, &list, NULL), 0);
    cr_assert_eq(list.len, 2);
    for (size_t i = 0; i < list.len; i++) {
        const char *name = list.items[i].names.items[0];
        cr_expect(strcmp(name, "alpine:latest") == 0 ||
                  strcmp(name, "busybox:latest") == 0);
        cr_expect_eq(list.items[i].layers.len, 0);
    }
    cr_expect_eq(faccessat(dir.fd, "images", F_OK, 0), -1);
    struct mtd_image image = find("alpine");
    for (size_t i = 0; i < list.len; i++)
        if (strcmp(list.items[i].names.items[0], "alpine:latest") == 0)
            cr_expect_str_eq(list.items[i].id, image.id, "the id was known before");
    mtd_image_done(&image);
    mtd_image_list_done(&list);
}

Test(image, a_dropped_tar_is_an_image_and_a_changed_one_a_new_one)
{
    drop_tar("app", "bin/sh", "one");
    struct mtd_image first = find("app");
    expect_content(&first, "bin/sh", "one");
    cr_expect_str_eq(first.config.cmd.items[0], "sh");
    drop_tar("app", "f", "three");
    struct mtd_image second = find("app");
    expect_content(&second, "f", "three");
    cr_expect_eq(second.config.cmd.len, 0, "no shell, no command");
    cr_expect_str_neq(first.id, second.id);
    expect_content(&first, "bin/sh", "one"); /* a container may be using it */
    cr_assert_eq(unlinkat(dir.fd, "image/app.tar", 0), 0);
    struct mtd_image third = find("app");
    cr_expect_str_eq(third.id, second.id, "once unpacked the tar is not needed");
    mtd_image_done(&first);
    mtd_image_done(&second);
    mtd_image_done(&third);
}

Test(image, a_dropped_tar_may_have_a_tag_and_hide_the_embedded_one)
{
    drop_tar("app:1.2", "f", "1.2");
    drop_tar("busybox", "f", "mine");
    struct mtd_image image = find("app:1.2");
    expect_content(&image, "f", "1.2");
    mtd_image_done(&image);
    image = find("busybox");
    expect_content(&image, "f", "mine");
    mtd_image_done(&image);
    expect_no_image("app", ENOENT, "image \"app\" not found");
}

Test(image, a_bad_tar_is_an_error_and_leaves_nothing)
{
    mkdirat(dir.fd, "image", 0700);
    write_file("image/bad.tar", "this is no tar", 14);
    expect_no_image("bad", EBADMSG, "image/bad.tar: not a good tar");
    drop_tar("evil", "../../evil", "x");
    expect_no_image("evil", EBADMSG, "\"../../evil\": \"..\" is refused");
    cr_expect_eq(tempdir_count(dir.fd, "images/tmp"), 0);
    cr_expect_eq(tempdir_count(dir.fd, "images/layers"), 0);
    cr_expect_eq(tempdir_count(dir.fd, "images/refs"), 0);
    cr_assert_eq(mkfifoat(dir.fd, "image/fifo.tar", 0600), 0);
    expect_no_image("fifo", ENOENT, "not found"); /* and does not hang */
}

Test(image, unknown_images_are_told_what_there_is)
{
    drop_tar("alpine", "f", "1");
    drop_tar("alpine:edge", "f", "1");
    expect_no_image(
        "alpin", ENOENT,
        "image \"alpin\" not found; local images: alpine, alpine:edge, busybox");
    expect_no_image("Alpine", EINVAL, "invalid image name \"Alpine\"");
    expect_no_image("sha256:00ff", ENOENT, "not found");
    expect_no_image("", EINVAL, "invalid image name");
}

Test(image, imported_images_have_config_name_and_size)
{
    auto_free char *id = import("hello", "me/app:1");
    struct mtd_image image = find("me/app:1");
    cr_expect_str_eq(image.id, id);
    cr_expect_str_eq(image.config.user, "me");
    cr_expect_eq(image.size, 5);
    cr_expect_gt(image.created_at, 0);
    expect_content(&image, "f", "hello");
    mtd_image_done(&image);
    cr_expect_eq(tempdir_count(dir.fd, "images/tmp"), 0);
}

Test(image, an_id_finds_by_unique_prefix)
{
    auto_free char *id = import("1", "one"), *second = import("2", "two");
    char prefix[20], both[128];
    snprintf(prefix, sizeof(prefix), "%.12s", id + 7);
    struct mtd_image image = find(prefix);
    cr_expect_str_eq(image.id, id);
    cr_expect_str_eq(image.names.items[0], "one:latest");
    mtd_image_done(&image);
    image = find(id);
    cr_expect_str_eq(image.id, id);
    mtd_image_done(&image);
    snprintf(both, sizeof(both), "whatever@%s", second);
    image = find(both);
    cr_expect_str_eq(image.id, second);
    mtd_image_done(&image);
}

Test(image, an_ambiguous_id_lists_the_candidates)
{
    static const char HEX[] =
        "aaaa567890123456789012345678901234567890123456789012345678901";
    mkdirat(dir.fd, "images", 0700);
    mkdirat(dir.fd, "images/config", 0700);
    for (int i = 0; i < 2; i++) {
        char path[128];
        snprintf(path, sizeof(path), "images/config/%s%03d.json", HEX, i);
        write_file(path, "{}", 2);
    }
    expect_no_image("aaaa", ENOTUNIQ,
                    "image id \"aaaa\" is ambiguous: aaaa56789012, aaaa");
}

Test(image, a_name_moves_and_the_old_image_stays)
{
    auto_free char *first = import("1", "app"), *second = import("2", "app");
    struct mtd_image image = find("app");
    struct mtd_image_list list = {0};
    cr_expect_str_eq(image.id, second);
    mtd_image_done(&image);
    image = find(first);
    cr_expect_eq(image.names.len, 0);
    mtd_image_done(&image);
    cr_assert_eq(image_list(&store, &list, NULL), 0);
    cr_expect_eq(list.len, 3);
    cr_expect_eq(list.items[0].created_at >= list.items[1].created_at, true);
    mtd_image_list_done(&list);
}

Test(image, tags_are_names_of_the_same_image)
{
    auto_free char *id = import("1", "app");
    struct mtd_error err = {0};
    cr_expect_eq(image_tag(&store, "app", "reg.example.com:5000/x/app:v1", &err), 0, "%s",
                 err.text);
    cr_expect_eq(image_tag(&store, id, "third", &err), 0, "%s", err.text);
    struct mtd_image image = find("reg.example.com:5000/x/app:v1");
    cr_expect_str_eq(image.id, id);
    mtd_image_done(&image);
    image = find(id);
    cr_expect_eq(image.names.len, 3);
    mtd_image_done(&image);
    cr_expect_eq(image_tag(&store, "app", "Bad", &err), -EINVAL);
    mtd_error_clear(&err);
    cr_expect_eq(image_tag(&store, "nope", "x", &err), -ENOENT);
}

Test(image, removing_a_name_keeps_the_image_until_the_last_one)
{
    struct strv report = {0};
    struct mtd_error err;
    auto_free char *id = import("1", "app");
    cr_assert_eq(image_tag(&store, "app", "other", NULL), 0);
    cr_expect_eq(remove_image("app", false, NULL, &report, &err), 0);
    cr_expect_eq(report.len, 1);
    cr_expect_str_eq(report.items[0], "Untagged: app:latest");
    cr_expect_eq(tempdir_count(dir.fd, "images/layers"), 1);
    strv_done(&report);
    cr_expect_eq(remove_image("other", false, NULL, &report, &err), 0, "%s", err.text);
    cr_expect_eq(report.len, 3);
    cr_expect_str_eq(report.items[0], "Untagged: other:latest");
    cr_expect(strncmp(report.items[1], "Deleted: sha256:", 16) == 0);
    cr_expect_str_eq(report.items[1] + 9, id);
    cr_expect_eq(tempdir_count(dir.fd, "images/layers"), 0);
    cr_expect_eq(tempdir_count(dir.fd, "images/config"), 0);
    cr_expect_eq(tempdir_count(dir.fd, "images/refs"), 0);
    cr_expect_eq(tempdir_count(dir.fd, "images/tmp"), 0);
    strv_done(&report);
}

Test(image, removing_by_id_with_several_names_needs_force)
{
    struct strv report = {0};
    struct mtd_error err;
    auto_free char *id = import("1", "app");
    cr_assert_eq(image_tag(&store, "app", "other", NULL), 0);
    cr_expect_eq(remove_image(id, false, NULL, &report, &err), -EBUSY);
    cr_expect(strstr(err.text, "app:latest, other:latest"), "%s", err.text);
    cr_expect_eq(remove_image(id, true, NULL, &report, &err), 0, "%s", err.text);
    cr_expect_eq(report.len, 4);
    strv_done(&report);
}

Test(image, a_layer_that_another_image_has_stays)
{
    auto_free char *first = import("same", "one"), *second = import("same", "two");
    cr_expect_str_neq(first, second);
    cr_expect_eq(tempdir_count(dir.fd, "images/layers"), 1);
    must_remove("one");
    struct mtd_image image = find("two");
    expect_content(&image, "f", "same");
    mtd_image_done(&image);
    must_remove("two");
    cr_expect_eq(tempdir_count(dir.fd, "images/layers"), 0);
}

Test(image, what_a_container_uses_never_goes)
{
    struct strv report = {0};
    struct mtd_error err;
    auto_free char *id = import("1", "app");
    cr_expect_eq(remove_image("app", false, id, &report, &err), -EBUSY);
    cr_expect(strstr(err.text, "image \"app\" is used by a container"), "%s", err.text);
    cr_expect_eq(remove_image("app", true, id, &report, &err), 0, "%s", err.text);
    cr_expect_eq(report.len, 1, "with force it only loses its name");
    struct mtd_image image = find(id);
    expect_content(&image, "f", "1");
    mtd_image_done(&image);
    cr_expect_eq(remove_image(id, true, id, &report, &err), -EBUSY);
    cr_expect_eq(remove_image(id, false, NULL, &report, &err), 0, "%s", err.text);
    strv_done(&report);
}

Test(image, a_source_that_is_not_unpacked_says_so_when_removed)
{
    struct strv report = {0};
    struct mtd_error err;
    drop_tar("alpine", "f", "1");
    cr_expect_eq(remove_image("alpine", false, NULL, &report, &err), -ENOENT);
    cr_expect(strstr(err.text, "image/alpine.tar"), "%s", err.text);
    cr_expect_eq(remove_image("busybox", false, NULL, &report, &err), -ENOENT);
    cr_expect(strstr(err.text, "embedded"), "%s", err.text);
    cr_expect_eq(remove_image("nope", false, NULL, &report, &err), -ENOENT);
    cr_expect(strstr(err.text, "local images: alpine, busybox"), "%s", err.text);
    struct mtd_image image = find("busybox");
    mtd_image_done(&image);
    must_remove("busybox");
    image = find("busybox");
    cr_expect_eq(image.layers.len, 1, "and is unpacked again when used again");
    mtd_image_done(&image);
    strv_done(&report);
}

Test(image, a_source_whose_layer_was_lost_is_unpacked_again)
{
    struct mtd_image image = find("busybox");
    auto_fd int layers = fs_open_dir_at(dir.fd, "images/layers");
    cr_assert_eq(fs_remove_tree_at(layers, image.layers.items[0]), 0);
    mtd_image_done(&image);
    image = find("busybox");
    cr_expect_eq(tempdir_count(layers, image.layers.items[0]) > 5, true);
    mtd_image_done(&image);
}

Test(image, a_lost_layer_of_another_image_is_named)
{
    auto_free char *id = import("1", "app");
    struct mtd_image image = find(id);
    auto_fd int layers = fs_open_dir_at(dir.fd, "images/layers");
    cr_assert_eq(fs_remove_tree_at(layers, image.layers.items[0]), 0);
    mtd_image_done(&image);
    expect_no_image("app", ENOENT, "is missing");
}

/* A config that cannot be read may need any layer: then none goes. */
Test(image, a_damaged_config_hides_one_image_and_keeps_all_layers)
{
    struct mtd_image_list list = {0};
    auto_free char *id = import("1", "app"), *other = import("2", "other");
    char path[128];
    snprintf(path, sizeof(path), "images/config/%s.json", id + 7);
    write_file(path, "{\"Layers\": [\"../../..\"]}", 24);
    expect_no_image("app", EINVAL, "is damaged");
    cr_assert_eq(image_list(&store, &list, NULL), 0);
    cr_expect_eq(list.len, 2);
    mtd_image_list_done(&list);
    must_remove("other");
    cr_expect_eq(tempdir_count(dir.fd, "images/layers"), 2);
    must_remove("app");
    cr_expect_eq(tempdir_count(dir.fd, "images/refs"), 0);
    cr_expect(other);
}

Test(image, what_a_killed_process_left_is_swept)
{
    cr_assert_eq(mkdirat(dir.fd, "images", 0700), 0);
    cr_assert_eq(mkdirat(dir.fd, "images/tmp", 0700), 0);
    cr_assert_eq(mkdirat(dir.fd, "images/tmp/layer-dead", 0755), 0);
    cr_assert_eq(mkdirat(dir.fd, "images/tmp/layer-dead/d", 0755), 0);
    cr_assert_eq(symlinkat("x", dir.fd, "images/tmp/ref-dead"), 0);
    auto_free char *id = import("1", "app");
    cr_expect_eq(tempdir_count(dir.fd, "images/tmp"), 0);
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
            int rc = image_find(&store, "busybox", &image, &err);
            if (w % 2)
                image_remove(&store, "busybox", false, NULL, &report, NULL);
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
    struct mtd_image image = find("busybox");
    cr_expect_eq(image.layers.len, 1);
    cr_expect_eq(tempdir_count(dir.fd, "images/tmp"), 0);
    cr_expect_eq(tempdir_count(dir.fd, "images/layers"), 1);
    mtd_image_done(&image);
}
