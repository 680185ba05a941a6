/* A tree packed and unpacked is the same tree. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/archive/archive.h"
#include "tempdir.h"

static const struct archive_limits LIMITS = {64u << 20, 1000};

struct world {
    struct tempdir dir; /* holds from/ and to/ */
    int from, to, tar;
};

static void world_make(struct world *w)
{
    tempdir_make(&w->dir);
    cr_assert_eq(mkdirat(w->dir.fd, "from", 0755), 0);
    cr_assert_eq(mkdirat(w->dir.fd, "to", 0700), 0);
    w->from = fs_open_dir_at(w->dir.fd, "from");
    w->to = fs_open_dir_at(w->dir.fd, "to");
    w->tar = openat(w->dir.fd, "tar", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert(w->from >= 0 && w->to >= 0 && w->tar >= 0);
}

static void world_done(struct world *w)
{
    close(w->from);
    close(w->to);
    close(w->tar);
    tempdir_done(&w->dir);
}

static void put_file(struct world *w, const char *path, const char *text, mode_t mode)
{
    int fd = openat(w->from, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    cr_assert(fd >= 0, "%s", path);
    cr_assert_eq(fs_write_all(fd, text, strlen(text)), 0);
    cr_assert_eq(fchmod(fd, mode), 0);
    close(fd);
}

static int pack(struct world *w, enum archive_pack_form form, struct mtd_error *err)
{
    return archive_pack(w->from, form, w->tar, NULL, err);
}

static void round_trip(struct world *w, enum archive_pack_form form,
                       struct archive_unpacked *ret)
{
    struct mtd_error err = {0};
    struct archive_tar tar = {.fd = w->tar};
    cr_assert_eq(pack(w, form, &err), 0, "%s", err.text);
    cr_assert_eq(lseek(w->tar, 0, SEEK_SET), 0);
    cr_assert_eq(archive_unpack(w->to, &tar, &LIMITS, ret, &err), 0, "%s", err.text);
}

static struct stat stat_of(int dir_fd, const char *path)
{
    struct stat st = {0};
    cr_expect_eq(fstatat(dir_fd, path, &st, AT_SYMLINK_NOFOLLOW), 0, "%s", path);
    return st;
}

static void expect_same(struct world *w, const char *path)
{
    struct stat a = stat_of(w->from, path), b = stat_of(w->to, path);
    cr_expect_eq(a.st_mode, b.st_mode, "%s: mode", path);
    cr_expect(a.st_uid == b.st_uid && a.st_gid == b.st_gid, "%s: owner", path);
    cr_expect(S_ISDIR(a.st_mode) || a.st_nlink == b.st_nlink, "%s: links", path);
    cr_expect(S_ISDIR(a.st_mode) || a.st_size == b.st_size, "%s: size", path);
    cr_expect_eq(a.st_rdev, b.st_rdev, "%s: device", path);
    cr_expect_eq(a.st_mtim.tv_sec, b.st_mtim.tv_sec, "%s: time", path);
    cr_expect_eq(a.st_mtim.tv_nsec, b.st_mtim.tv_nsec, "%s: nanoseconds", path);
}

Test(archive_pack, every_kind_of_file_comes_back)
{
    static const char *const PATHS[] = {
        ".",   "d",    "d/f",    "d/empty",      "su",       "hard",
        "lnk", "fifo", "sticky", "h\xc3\xa9llo", "lat\xe9in"};
    const struct timespec times[2] = {{1, 1}, {1234567890, 987654321}};
    struct world w;
    struct archive_unpacked got;
    world_make(&w);
    cr_assert_eq(mkdirat(w.from, "d", 0700), 0);
    put_file(&w, "d/f", "content", 0640);
    put_file(&w, "d/empty", "", 0);
    put_file(&w, "su", "x", 06755);
    put_file(&w, "h\xc3\xa9llo", "x", 0644);
    put_file(&w, "lat\xe9in", "x", 0644);
    cr_assert_eq(linkat(w.from, "d/f", w.from, "hard", 0), 0);
    cr_assert_eq(symlinkat("../nowhere \xe9", w.from, "lnk"), 0);
    cr_assert_eq(mkfifoat(w.from, "fifo", 0620), 0);
    cr_assert_eq(mkdirat(w.from, "sticky", 0700), 0);
    cr_assert_eq(fchmodat(w.from, "sticky", 01777, 0), 0);
    for (size_t i = 1; i < ARRAY_SIZE(PATHS); i++)
        cr_assert_eq(utimensat(w.from, PATHS[i], times, AT_SYMLINK_NOFOLLOW), 0);
    round_trip(&w, ARCHIVE_PACK_LAYER, &got);
    for (size_t i = 0; i < ARRAY_SIZE(PATHS); i++)
        expect_same(&w, PATHS[i]);
    cr_expect_eq(stat_of(w.to, "hard").st_ino, stat_of(w.to, "d/f").st_ino);
    cr_expect_eq(got.size, 10);
    world_done(&w);
}

Test(archive_pack, long_names_and_links_come_back)
{
    char path[4096] = "", name[256];
    struct world w;
    struct archive_unpacked got;
    world_make(&w);
    memset(name, 'n', 255);
    name[255] = '\0';
    for (int i = 0; i < 8; i++) {
        snprintf(path + strlen(path), sizeof(path) - strlen(path), "%s%s", i ? "/" : "",
                 name);
        cr_assert_eq(mkdirat(w.from, path, 0755), 0);
    }
    cr_assert_eq(symlinkat(path, w.from, "lnk"), 0);
    round_trip(&w, ARCHIVE_PACK_TREE, &got);
    expect_same(&w, path);
    expect_same(&w, "lnk");
    world_done(&w);
}

static char *proc_path(int dir_fd, const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fd, name);
    return path;
}

Test(archive_pack, extended_attributes_come_back_but_not_overlays)
{
    struct world w;
    struct archive_unpacked got;
    char value[16];
    world_make(&w);
    put_file(&w, "f", "x", 0644);
    if (setxattr(proc_path(w.from, "f"), "user.a", "1\0\n2", 4, 0) < 0 &&
        errno == ENOTSUP) {
        world_done(&w);
        cr_skip_test("/tmp has no extended attributes");
    }
    setxattr(proc_path(w.from, "f"), "user.overlay.opaque", "y", 1, 0);
    setxattr(proc_path(w.from, "."), "user.dir", "d", 1, 0);
    round_trip(&w, ARCHIVE_PACK_LAYER, &got);
    cr_expect_eq(getxattr(proc_path(w.to, "f"), "user.a", value, sizeof(value)), 4);
    cr_expect_arr_eq(value, "1\0\n2", 4);
    cr_expect_eq(getxattr(proc_path(w.to, "."), "user.dir", value, sizeof(value)), 1);
    cr_expect_eq(getxattr(proc_path(w.to, "f"), "user.overlay.opaque", value, 16), -1);
    world_done(&w);
}

Test(archive_pack, holes_stay_holes)
{
    struct world w;
    struct archive_unpacked got;
    char block[4096], back[4096];
    world_make(&w);
    memset(block, 'b', sizeof(block));
    put_file(&w, "sparse", "start", 0644);
    put_file(&w, "hole", "", 0644);
    int fd = openat(w.from, "sparse", O_RDWR | O_CLOEXEC);
    cr_assert_eq(pwrite(fd, block, sizeof(block), 3LL << 30), (ssize_t)sizeof(block));
    cr_assert_eq(ftruncate(fd, 5LL << 30), 0);
    close(fd);
    fd = openat(w.from, "hole", O_RDWR | O_CLOEXEC);
    cr_assert_eq(ftruncate(fd, 1LL << 40), 0);
    close(fd);
    round_trip(&w, ARCHIVE_PACK_LAYER, &got);
    expect_same(&w, "sparse");
    expect_same(&w, "hole");
    cr_expect_lt(stat_of(w.to, "sparse").st_blocks, 64);
    cr_expect_eq(stat_of(w.to, "hole").st_blocks, 0);
    fd = openat(w.to, "sparse", O_RDONLY | O_CLOEXEC);
    cr_expect_eq(pread(fd, back, sizeof(back), 3LL << 30), (ssize_t)sizeof(back));
    cr_expect_arr_eq(back, block, sizeof(block));
    cr_expect_eq(pread(fd, back, 6, 0), 6);
    cr_expect_arr_eq(back, "start\0", 6);
    close(fd);
    world_done(&w);
}

/* A whiteout may be made by anybody; overlay links all of a mount's to one inode. */
Test(archive_pack, removed_files_come_back_as_removed)
{
    struct world w;
    struct archive_unpacked got;
    world_make(&w);
    cr_assert_eq(mkdirat(w.from, "d", 0755), 0);
    cr_assert_eq(mknodat(w.from, "gone", S_IFCHR, 0), 0);
    cr_assert_eq(linkat(w.from, "gone", w.from, "d/gone too", 0), 0);
    round_trip(&w, ARCHIVE_PACK_LAYER, &got);
    struct stat st = stat_of(w.to, "gone");
    cr_expect(S_ISCHR(st.st_mode) && st.st_rdev == 0);
    st = stat_of(w.to, "d/gone too");
    cr_expect(S_ISCHR(st.st_mode) && st.st_rdev == 0);
    cr_expect_eq(tempdir_count(w.to, "."), 2);
    world_done(&w);
}

Test(archive_pack, the_same_tree_gives_the_same_bytes)
{
    struct world w;
    struct archive_unpacked first, second;
    world_make(&w);
    put_file(&w, "b", "1", 0644);
    put_file(&w, "a", "2", 0644);
    cr_assert_eq(mkdirat(w.from, "c", 0755), 0);
    round_trip(&w, ARCHIVE_PACK_LAYER, &first);
    cr_assert_eq(ftruncate(w.tar, 0), 0);
    cr_assert_eq(lseek(w.tar, 0, SEEK_SET), 0);
    close(w.from);
    w.from = fs_open_dir_at(w.dir.fd, "to");
    cr_assert_eq(mkdirat(w.dir.fd, "third", 0700), 0);
    close(w.to);
    w.to = fs_open_dir_at(w.dir.fd, "third");
    round_trip(&w, ARCHIVE_PACK_LAYER, &second);
    cr_expect_str_eq(first.diff_id, second.diff_id);
    world_done(&w);
}

Test(archive_pack, sockets_are_left_out)
{
    struct world w;
    struct archive_unpacked got;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    world_make(&w);
    snprintf(a.sun_path, sizeof(a.sun_path), "%s/from/s", w.dir.path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    round_trip(&w, ARCHIVE_PACK_LAYER, &got);
    cr_expect_eq(tempdir_count(w.to, "."), 0);
    close(fd);
    world_done(&w);
}

static void expect_not_packed(struct world *w, const char *reason)
{
    struct mtd_error err = {0};
    cr_expect_eq(pack(w, ARCHIVE_PACK_LAYER, &err), -ENOTSUP);
    cr_expect(strstr(err.text, reason), "%s", err.text);
}

Test(archive_pack, a_file_that_would_become_a_whiteout_is_refused)
{
    struct world w;
    world_make(&w);
    put_file(&w, ".wh..wh..opq", "", 0644);
    expect_not_packed(&w, "\".wh..wh..opq\": a name that begins with .wh.");
    world_done(&w);
}

Test(archive_pack, a_tree_too_deep_is_refused)
{
    struct world w;
    world_make(&w);
    int dir = dup(w.from);
    for (int i = 0; i < 300; i++) {
        cr_assert_eq(mkdirat(dir, "d", 0755), 0);
        int next = openat(dir, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
        close(dir);
        dir = next;
    }
    close(dir);
    expect_not_packed(&w, "256 directories deep");
    world_done(&w);
}

Test(archive_pack, a_full_disk_is_an_error)
{
    struct mtd_error err = {0};
    struct world w;
    world_make(&w);
    put_file(&w, "f", "x", 0644);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    cr_assert(full >= 0);
    cr_expect_eq(archive_pack(w.from, ARCHIVE_PACK_TREE, full, NULL, &err), -ENOSPC);
    cr_expect(strstr(err.text, "cannot write the tar archive"), "%s", err.text);
    close(full);
    world_done(&w);
}
