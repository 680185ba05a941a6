/* Images where the kernel's overlay and root's powers are needed. Mounts are made in a mount
 * namespace of the test's own process and go with it. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/archive/archive.h"
#include "engine/image/image.h"
#include "tarfile.h"
#include "tempdir.h"

static struct tempdir dir;
static struct image_store store;

static void start(void)
{
    if (geteuid() != 0)
        cr_skip_test("needs root: mounts, devices, owners");
    /* First of all: a descriptor opened before would lead into the old namespace. */
    cr_assert_eq(unshare(CLONE_NEWNS), 0);
    cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
    tempdir_make(&dir);
    store = (struct image_store){dir.path, dir.fd};
}

static char *path_of(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *out = paths[next++ % 4];
    snprintf(out, sizeof(paths[0]), "%s/%s", dir.path, name);
    return out;
}

static void end(void)
{
    if (geteuid() != 0)
        return;
    umount2(path_of("m/again"), MNT_DETACH); /* a failed test's */
    umount2(path_of("m"), MNT_DETACH);
    tempdir_done(&dir);
}

TestSuite(image_system, .init = start, .fini = end);

/* As the engine mounts them, on <dir>/m. */
static void mount_layers(const struct strv *layers, bool writable)
{
    char data[4096] = "lowerdir=";
    for (size_t i = layers->len; i-- > 0;)
        snprintf(data + strlen(data), sizeof(data) - strlen(data),
                 "%s/images/layers/%s%s", dir.path, layers->items[i], i ? ":" : "");
    if (layers->len == 1 && !writable) /* overlay wants two without an upper */
        snprintf(data + strlen(data), sizeof(data) - strlen(data), ":%s/empty", dir.path);
    mkdir(path_of("empty"), 0755);
    mkdir(path_of("m"), 0755);
    mkdir(path_of("upper"), 0755);
    mkdir(path_of("work"), 0755);
    if (writable)
        snprintf(data + strlen(data), sizeof(data) - strlen(data),
                 ",upperdir=%s/upper,workdir=%s/work", dir.path, dir.path);
    strcat(data, ",redirect_dir=off,metacopy=off,index=off");
    cr_assert_eq(mount("overlay", path_of("m"), "overlay", 0, data), 0, "%s: %s", data,
                 strerror(errno));
}

static void unmount_layers(void)
{
    cr_assert_eq(umount2(path_of("m"), 0), 0);
}

static void write_text(const char *path, const char *text)
{
    cr_assert_eq(fs_replace_at(dir.fd, path, text, strlen(text), 0644, false), 0, "%s",
                 path);
}

static void expect_text(const char *path, const char *text)
{
    char got[64];
    cr_expect(fs_read_small_at(dir.fd, path, got, sizeof(got)) >= 0, "%s is missing",
              path);
    cr_expect_str_eq(got, text, "%s", path);
}

static void expect_missing(const char *path)
{
    cr_expect_eq(faccessat(dir.fd, path, F_OK, AT_SYMLINK_NOFOLLOW), -1, "%s", path);
}

static struct mtd_image import(const struct tar_item *items, const char *name)
{
    struct tarfile t;
    struct mtd_image image = {0};
    struct mtd_error err = {0};
    auto_free char *id = NULL;
    tarfile_make(&t, items, "", "");
    int fd = open(path_of("import"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    cr_assert(fd >= 0 && fs_write_all(fd, t.data, t.len) == 0 &&
              lseek(fd, 0, SEEK_SET) == 0);
    cr_assert_eq(image_import(&store, fd, &(struct image_new){.name = name}, &id, &err),
                 0, "%s", err.text);
    cr_assert_eq(image_find(&store, id, &image, &err), 0, "%s", err.text);
    close(fd);
    tarfile_done(&t);
    return image;
}

static struct mtd_image commit(const struct mtd_image *base, const char *name)
{
    struct mtd_image image = {0};
    struct mtd_error err = {0};
    auto_free char *id = NULL;
    auto_fd int upper = fs_open_dir_at(dir.fd, "upper");
    cr_assert_eq(image_commit(&store, upper,
                              &(struct image_new){.base = &base->layers,
                                                  .config = &base->config,
                                                  .name = name},
                              &id, &err),
                 0, "%s", err.text);
    cr_assert_eq(image_find(&store, name, &image, &err), 0, "%s", err.text);
    cr_expect_str_eq(image.id, id);
    return image;
}

static const struct tar_item BASE[] = {
    {"keep", S_IFREG | 0644, "old"},     {"gone", S_IFREG | 0644, "x"},
    {"changed", S_IFREG | 0644, "old"},  {"d/", S_IFDIR | 0755},
    {"d/one", S_IFREG | 0644, "1"},      {"d/two", S_IFREG | 0644, "2"},
    {"again/", S_IFDIR | 0755},          {"again/old", S_IFREG | 0644, "x"},
    {"file", S_IFREG | 0644, "x"},       {"tree/", S_IFDIR | 0755},
    {"tree/a/b/c", S_IFREG | 0644, "x"}, {0}};

/* All an upper directory can say, written by the kernel's own overlay. */
static void change_tree(void)
{
    const struct timespec times[2] = {{5, 0}, {1111111111, 222222222}};
    cr_assert_eq(unlink(path_of("m/gone")), 0);
    write_text("m/changed", "new");
    cr_assert_eq(unlink(path_of("m/d/one")), 0);
    cr_assert_eq(unlink(path_of("m/again/old")), 0);
    cr_assert_eq(rmdir(path_of("m/again")), 0);
    cr_assert_eq(mkdir(path_of("m/again"), 0751), 0);
    write_text("m/again/new", "n");
    cr_assert_eq(unlink(path_of("m/file")), 0);
    cr_assert_eq(mkdir(path_of("m/file"), 0755), 0);
    auto_fd int m = fs_open_dir_at(dir.fd, "m");
    cr_assert_eq(fs_remove_tree_at(m, "tree"), 0);
    write_text("m/tree", "now a file");
    write_text("m/hard", "h");
    cr_assert_eq(link(path_of("m/hard"), path_of("m/d/hard too")), 0);
    cr_assert_eq(chown(path_of("m/hard"), 1234, 5678), 0);
    cr_assert_eq(chmod(path_of("m/hard"), 04711), 0);
    cr_assert_eq(setxattr(path_of("m/hard"), "user.note", "hello", 5, 0), 0);
    cr_assert_eq(utimensat(AT_FDCWD, path_of("m/hard"), times, 0), 0);
    cr_assert_eq(mknod(path_of("m/null"), S_IFCHR | 0620, makedev(1, 3)), 0);
}

static void expect_changed_tree(void)
{
    struct stat st, other;
    char value[16];
    expect_text("m/keep", "old");
    expect_text("m/changed", "new");
    expect_missing("m/gone");
    expect_missing("m/d/one");
    expect_text("m/d/two", "2");
    expect_missing("m/again/old");
    expect_text("m/again/new", "n");
    expect_text("m/tree", "now a file");
    cr_expect_eq(tempdir_count(dir.fd, "m/file"), 0);
    cr_assert_eq(stat(path_of("m/again"), &st), 0);
    cr_expect_eq(st.st_mode & 07777, 0751);
    cr_assert(stat(path_of("m/hard"), &st) == 0 &&
              stat(path_of("m/d/hard too"), &other) == 0);
    cr_expect_eq(st.st_ino, other.st_ino);
    cr_expect(st.st_uid == 1234 && st.st_gid == 5678 && (st.st_mode & 07777) == 04711);
    cr_expect(st.st_mtim.tv_sec == 1111111111 && st.st_mtim.tv_nsec == 222222222);
    cr_expect_eq(getxattr(path_of("m/hard"), "user.note", value, sizeof(value)), 5);
    cr_assert_eq(stat(path_of("m/null"), &st), 0);
    cr_expect(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
    cr_expect_eq(tempdir_count(dir.fd, "m"), 8);
}

Test(image_system, commit_shows_exactly_what_the_container_saw)
{
    struct mtd_image base = import(BASE, "base");
    mount_layers(&base.layers, true);
    change_tree();
    expect_changed_tree();
    unmount_layers();
    struct mtd_image image = commit(&base, "changed");
    cr_assert_eq(image.layers.len, 2);
    cr_expect_gt(image.size, base.size);
    mount_layers(&image.layers, false);
    expect_changed_tree();
    unmount_layers();
    mtd_image_done(&image);
    mtd_image_done(&base);
}

/* Names of trusted.overlay.* below the newest layer, but for the directory meant. */
static int count_overlay_xattrs(const struct mtd_image *i, const char *name)
{
    char list[4096], path[256];
    int n = 0;
    snprintf(path, sizeof(path), "images/layers/%s/%s",
             i->layers.items[i->layers.len - 1], name);
    ssize_t len = llistxattr(path_of(path), list, sizeof(list));
    for (ssize_t at = 0; at < len; at += (ssize_t)strlen(list + at) + 1)
        n += strncmp(list + at, "trusted.overlay.", 16) == 0;
    return n;
}

Test(image_system, of_overlays_attributes_only_opaque_gets_into_the_layer)
{
    struct mtd_image base = import(BASE, "base");
    mount_layers(&base.layers, true);
    change_tree();
    unmount_layers();
    struct mtd_image image = commit(&base, "changed");
    cr_expect_eq(count_overlay_xattrs(&image, "again"), 1);
    cr_expect_eq(count_overlay_xattrs(&image, "d"), 0);
    cr_expect_eq(count_overlay_xattrs(&image, "changed"), 0);
    cr_expect_eq(count_overlay_xattrs(&image, "."), 0);
    mtd_image_done(&image);
    mtd_image_done(&base);
}

Test(image_system, committing_twice_stacks_and_sharing_layers_outlives_removal)
{
    struct strv report = {0};
    struct mtd_image base = import(BASE, "base");
    mount_layers(&base.layers, true);
    change_tree();
    unmount_layers();
    struct mtd_image second = commit(&base, "second");
    struct mtd_image third = commit(&second, "third"); /* the same changes again */
    cr_expect_eq(third.layers.len, 3);
    cr_expect_eq(image_remove(&store, "base", false, NULL, &report, NULL), 0);
    cr_expect_eq(image_remove(&store, "second", false, NULL, &report, NULL), 0);
    cr_expect_eq(tempdir_count(dir.fd, "images/layers"), 3);
    mount_layers(&third.layers, false);
    expect_changed_tree();
    unmount_layers();
    cr_expect_eq(image_remove(&store, "third", false, NULL, &report, NULL), 0);
    cr_expect_eq(tempdir_count(dir.fd, "images/layers"), 0);
    strv_done(&report);
    mtd_image_done(&base);
    mtd_image_done(&second);
    mtd_image_done(&third);
}

Test(image_system, a_layer_that_is_gone_cannot_be_committed_on)
{
    struct strv report = {0};
    struct mtd_error err = {0};
    auto_free char *id = NULL;
    struct mtd_image base = import(BASE, "base");
    cr_assert_eq(image_remove(&store, "base", true, NULL, &report, NULL), 0);
    cr_assert_eq(mkdir(path_of("upper"), 0755), 0);
    auto_fd int upper = fs_open_dir_at(dir.fd, "upper");
    int rc = image_commit(
        &store, upper,
        &(struct image_new){.base = &base.layers, .config = &base.config, .name = "x"},
        &id, &err);
    cr_expect_eq(rc, -ENOENT, "%s", err.text);
    cr_expect_eq(tempdir_count(dir.fd, "images/layers"), 0);
    cr_expect_eq(tempdir_count(dir.fd, "images/tmp"), 0);
    strv_done(&report);
    mtd_image_done(&base);
}

Test(image_system, layers_from_tars_hide_what_they_say)
{
    static const struct tar_item UPPER[] = {
        {".wh.gone", S_IFREG | 0644},       {"d/", S_IFDIR | 0755},
        {"d/.wh..wh..opq", S_IFREG | 0644}, {"d/new", S_IFREG | 0644, "n"},
        {".wh.again", S_IFREG | 0644},      {"again/", S_IFDIR | 0755},
        {"again/new", S_IFREG | 0644, "n"}, {0}};
    struct mtd_image base = import(BASE, "base"), upper = import(UPPER, "upper");
    struct strv both = {0};
    cr_assert_eq(strv_add(&both, base.layers.items[0]), 0);
    cr_assert_eq(strv_add(&both, upper.layers.items[0]), 0);
    mount_layers(&both, false);
    expect_missing("m/gone");
    expect_text("m/keep", "old");
    cr_expect_eq(tempdir_count(dir.fd, "m/d"), 1);
    cr_expect_eq(tempdir_count(dir.fd, "m/again"), 1,
                 "a whiteout replaced by a directory");
    unmount_layers();
    strv_done(&both);
    mtd_image_done(&base);
    mtd_image_done(&upper);
}

Test(image_system, owners_capabilities_and_devices_come_out_of_tars)
{
    static const char CAPS[] = "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    static const struct tar_item ITEMS[] = {
        {"d/", S_IFDIR | 02775, .uid = 77},
        {"d/f", S_IFREG | 06755, "x", .uid = 4294967294LL},
        {"d/b", S_IFBLK | 0660, .major = 4095, .minor = 1048575},
        {"d/l", S_IFLNK | 0777, "nowhere", .uid = 5},
        {0}};
    struct stat st;
    struct mtd_image image = import(ITEMS, "app");
    mount_layers(&image.layers, true);
    cr_assert_eq(stat(path_of("m/d/f"), &st), 0);
    cr_expect(st.st_uid == 4294967294u && st.st_gid == 0 &&
              (st.st_mode & 07777) == 06755);
    cr_assert_eq(lstat(path_of("m/d/l"), &st), 0);
    cr_expect_eq(st.st_uid, 5);
    cr_assert_eq(stat(path_of("m/d/b"), &st), 0);
    cr_expect_eq(st.st_rdev, makedev(4095, 1048575));
    cr_assert_eq(setxattr(path_of("m/d/f"), "security.capability", CAPS, 20, 0), 0);
    unmount_layers();
    struct mtd_image second = commit(&image, "caps");
    mount_layers(&second.layers, false);
    char got[64];
    cr_expect_eq(getxattr(path_of("m/d/f"), "security.capability", got, sizeof(got)), 20);
    cr_expect_arr_eq(got, CAPS, 20);
    unmount_layers();
    mtd_image_done(&image);
    mtd_image_done(&second);
}

Test(image_system, a_directorys_group_is_not_passed_on)
{
    static const struct tar_item ITEMS[] = {
        {"a", S_IFLNK | 0777, "x"},         {"./", S_IFDIR | 02755, .gid = 77},
        {"b", S_IFLNK | 0777, "x"},         {"d/f", S_IFLNK | 0777, "x"},
        {"d/", S_IFDIR | 02755, .gid = 78}, {"d/g", S_IFREG | 0644, "x"},
        {"d/l", S_IFLNK | 0777, "x"},       {0}};
    static const char *const NAMES[] = {"a", "b", "d/f", "d/g", "d/l"};
    struct mtd_image image = import(ITEMS, "app");
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++) {
        char path[256];
        struct stat st;
        snprintf(path, sizeof(path), "images/layers/%s/%s", image.layers.items[0],
                 NAMES[i]);
        cr_assert_eq(lstat(path_of(path), &st), 0);
        cr_expect_eq(st.st_gid, 0, "%s", NAMES[i]);
    }
    mtd_image_done(&image);
}

Test(image_system, a_redirect_is_refused_rather_than_lost)
{
    struct mtd_error err = {0};
    auto_free char *id = NULL;
    struct mtd_image base = import(BASE, "base");
    cr_assert_eq(mkdir(path_of("upper"), 0755), 0);
    cr_assert_eq(mkdir(path_of("upper/d"), 0755), 0);
    cr_assert_eq(setxattr(path_of("upper/d"), "trusted.overlay.redirect", "/x", 2, 0), 0);
    auto_fd int upper = fs_open_dir_at(dir.fd, "upper");
    int rc = image_commit(
        &store, upper,
        &(struct image_new){.base = &base.layers, .config = &base.config, .name = "x"},
        &id, &err);
    cr_expect_eq(rc, -ENOTSUP, "%s", err.text);
    cr_expect(strstr(err.text, "\"d\": only a reference to a lower layer"), "%s",
              err.text);
    mtd_image_done(&base);
}

Test(image_system, export_shows_the_merged_tree_without_what_is_mounted_in_it)
{
    struct mtd_error err = {0};
    struct archive_unpacked got;
    struct archive_limits limits = {1u << 20, 100};
    struct mtd_image base = import(BASE, "base");
    mount_layers(&base.layers, true);
    write_text("m/new", "n");
    cr_assert_eq(mount("tmpfs", path_of("m/again"), "tmpfs", 0, NULL), 0);
    write_text("m/again/secret", "s");
    auto_fd int tree = fs_open_dir_at(dir.fd, "m");
    auto_fd int tar = open(path_of("tar"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_eq(image_export(tree, "app", tar, NULL, &err), 0, "%s", err.text);
    cr_assert_eq(mkdir(path_of("out"), 0700), 0);
    auto_fd int out = fs_open_dir_at(dir.fd, "out");
    struct archive_tar in = {.fd = tar};
    cr_assert_eq(lseek(tar, 0, SEEK_SET), 0);
    cr_assert_eq(archive_unpack(out, &in, &limits, &got, &err), 0, "%s", err.text);
    expect_text("out/new", "n");
    expect_text("out/tree/a/b/c", "x");
    cr_expect_eq(tempdir_count(dir.fd, "out/again"), 0);
    cr_expect_eq(tempdir_count(dir.fd, "out"), tempdir_count(dir.fd, "m"));
    close(take_fd(&tree));
    cr_assert_eq(umount2(path_of("m/again"), 0), 0);
    unmount_layers();
    mtd_image_done(&base);
}

/* The tar comes slowly, through a pipe, and its reader is killed in the middle. */
Test(image_system, a_killed_import_leaves_nothing)
{
    static const struct tar_item ITEMS[] = {
        {"f", S_IFREG | 0644, "x"}, {"g", S_IFREG | 0644, "y"}, {0}};
    struct tarfile t;
    int pipe_fds[2], status;
    tarfile_make(&t, ITEMS, "", "");
    cr_assert_eq(pipe2(pipe_fds, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char *id = NULL;
        close(pipe_fds[1]);
        _exit(image_import(&store, pipe_fds[0], &(struct image_new){.name = "app"}, &id,
                           NULL) == 0
                  ? 0
                  : 1);
    }
    close(pipe_fds[0]);
    cr_assert_eq(fs_write_all(pipe_fds[1], t.data, 1536), 0);
    while (tempdir_count(dir.fd, "images/tmp") < 1)
        sched_yield();
    cr_assert_eq(kill(pid, SIGKILL), 0);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    close(pipe_fds[1]);
    cr_expect_eq(tempdir_count(dir.fd, "images/layers"), 0);
    cr_expect_eq(tempdir_count(dir.fd, "images/refs"), 0);
    cr_expect_eq(tempdir_count(dir.fd, "images/config"), 0);
    struct mtd_image image = import(ITEMS, "app");
    cr_expect_eq(tempdir_count(dir.fd, "images/tmp"), 0, "the next one sweeps");
    mtd_image_done(&image);
    tarfile_done(&t);
}
