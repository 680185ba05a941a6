/* pack and unpack: what goes in comes out, for trees that nobody has thought of. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/archive/archive.h"
#include "seed.h"
#include "tempdir.h"

#define ENTRIES 60
#define TREES 12

static const struct archive_limits LIMITS = {64u << 20, 10000};

struct tree {
    struct tempdir dir;
    int from, to, tar;
    char dirs[ENTRIES][512], files[ENTRIES][512];
    size_t n_dirs, n_files;
    const char *letters; /* of its names; NULL = any bytes */
};

/* A name as an image may have it; none that a layer gives a meaning. */
static void pick_name(struct seed *s, const struct tree *t, char ret[512])
{
    char name[200] = "";
    while (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
           strncmp(name, ".wh.", 4) == 0) {
        seed_text(s, name, seed_below(s, 8) ? 12 : 150, t->letters);
        for (char *p = name; *p; p++)
            *p = *p == '/' ? '_' : *p;
    }
    snprintf(ret, 512, "%s/%s", t->dirs[seed_below(s, t->n_dirs)], name);
}

static const char *proc_path(int dir_fd, const char *name)
{
    static char path[600];
    snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fd, name);
    return path;
}

/* Of any bytes; where the file system has none there are none to compare. */
static void add_attributes(struct seed *s, const struct tree *t, const char *path)
{
    for (size_t n = seed_below(s, 4); n > 0; n--) {
        char name[40] = "user.", value[300];
        size_t len = seed_below(s, seed_below(s, 4) ? 8 : sizeof(value));
        seed_text(s, name + 5, 20, "abc._-:,/+@"); /* libarchive changes others: "%20" */
        for (size_t i = 0; i < len; i++)
            value[i] = (char)seed_next(s);
        (void)lsetxattr(proc_path(t->from, path), name, value, len, 0);
    }
}

/* With what is removed in it, or all that was below it. */
static void make_dir(struct seed *s, struct tree *t, const char *path)
{
    if (strlen(path) >= 300 || mkdirat(t->from, path, 0700) != 0)
        return;
    snprintf(t->dirs[t->n_dirs++], 512, "%s", path);
    add_attributes(s, t, path);
    if (geteuid() == 0 && seed_below(s, 3) == 0)
        (void)lsetxattr(proc_path(t->from, path), "trusted.overlay.opaque", "y", 1, 0);
}

static void make_file(struct seed *s, struct tree *t, const char *path)
{
    char text[5000];
    mode_t mode = (mode_t)seed_below(s, 010000);
    int fd = openat(t->from, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    seed_text(s, text, sizeof(text), NULL);
    cr_assert_eq(fs_write_all(fd, text, strlen(text)), 0);
    if (seed_below(s, 6) == 0) /* a hole */
        cr_assert_eq(ftruncate(fd, (off_t)seed_below(s, 100000)), 0);
    for (size_t n = seed_below(s, 3); n > 1; n--) /* data behind one */
        cr_assert_eq(pwrite(fd, text, 100, (off_t)seed_below(s, 900000)), 100);
    cr_assert_eq(fchmod(fd, mode), 0);
    close(fd);
    snprintf(t->files[t->n_files++], 512, "%s", path);
    add_attributes(s, t, path);
    if (geteuid() == 0 && seed_below(s, 3) == 0) {
        cr_assert_eq(fchownat(t->from, path, (uid_t)seed_below(s, 70000),
                              (gid_t)seed_below(s, 3000000000u), 0),
                     0);
        cr_assert_eq(fchmodat(t->from, path, mode, 0), 0); /* chown took setuid away */
    }
}

static void make_entry(struct seed *s, struct tree *t)
{
    char path[512], target[100];
    pick_name(s, t, path);
    switch (seed_below(s, 7)) {
    case 0: make_dir(s, t, path); break;
    case 1:
        seed_text(s, target, sizeof(target), NULL);
        (void)symlinkat(*target ? target : "x", t->from, path);
        break;
    case 2: (void)mkfifoat(t->from, path, 0640); break;
    case 6: (void)mknodat(t->from, path, S_IFCHR, 0); break; /* removed */
    case 3:
        if (t->n_files > 0)
            (void)linkat(t->from, t->files[seed_below(s, t->n_files)], t->from, path, 0);
        break;
    default: make_file(s, t, path);
    }
    struct timespec times[2] = {
        {1, 1}, {(time_t)seed_below(s, 4000000000u), (long)seed_below(s, 1000000000)}};
    (void)utimensat(t->from, path, times, AT_SYMLINK_NOFOLLOW);
}

static void make_tree(struct seed *s, struct tree *t)
{
    *t = (struct tree){.n_dirs = 1, .letters = seed_below(s, 2) ? "abc. -\n" : NULL};
    tempdir_make(&t->dir);
    cr_assert(mkdirat(t->dir.fd, "from", 0755) == 0 &&
              mkdirat(t->dir.fd, "to", 0700) == 0);
    t->from = fs_open_dir_at(t->dir.fd, "from");
    t->to = fs_open_dir_at(t->dir.fd, "to");
    t->tar = openat(t->dir.fd, "tar", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    snprintf(t->dirs[0], 512, ".");
    for (size_t i = 0; i < ENTRIES - 1; i++)
        make_entry(s, t);
    for (size_t i = t->n_dirs; i-- > 1;) /* the deepest last made, the first changed */
        cr_assert_eq(
            fchmodat(t->from, t->dirs[i], 0700 | (mode_t)seed_below(s, 010000), 0), 0);
}

static void drop_tree(struct tree *t)
{
    close(t->from);
    close(t->to);
    close(t->tar);
    tempdir_done(&t->dir);
}

static void compare(int a_dir, int b_dir, const char *name);

static void compare_content(int a_dir, int b_dir, const char *name, const struct stat *st)
{
    char a_link[PATH_MAX] = "", b_link[PATH_MAX] = "";
    if (S_ISLNK(st->st_mode)) {
        cr_expect_gt(readlinkat(a_dir, name, a_link, sizeof(a_link) - 1), 0);
        cr_expect_gt(readlinkat(b_dir, name, b_link, sizeof(b_link) - 1), 0);
        cr_expect_str_eq(a_link, b_link);
    } else if (S_ISREG(st->st_mode)) {
        auto_done(buf_done) struct buf a = {0}, b = {0};
        cr_assert_eq(fs_read_at(a_dir, name, 1 << 20, &a), 0);
        cr_assert_eq(fs_read_at(b_dir, name, 1 << 20, &b), 0);
        cr_expect(a.len == b.len && memcmp(a.data, b.data, a.len) == 0, "content");
    }
}

static size_t compare_entries(int a_dir, int b_dir)
{
    size_t n = 0;
    auto_dir DIR *d = fdopendir(fcntl(a_dir, F_DUPFD_CLOEXEC, 0));
    for (struct dirent *e; d && (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            compare(a_dir, b_dir, e->d_name);
            n++;
        }
    return n;
}

static size_t count_entries(int dir_fd)
{
    size_t n = 0;
    auto_dir DIR *d = fdopendir(fcntl(dir_fd, F_DUPFD_CLOEXEC, 0));
    for (struct dirent *e; d && (e = readdir(d));)
        n++;
    return n - 2;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted; the labels of security modules are the file system's own. */
static size_t attributes_of(int dir_fd, const char *name, char list[8192], char *ret[64])
{
    size_t n = 0;
    ssize_t len = llistxattr(proc_path(dir_fd, name), list, 8192);
    for (char *p = list; p < list + (len > 0 ? len : 0) && n < 64; p += strlen(p) + 1)
        if (strncmp(p, "security.", 9) != 0)
            ret[n++] = p;
    qsort(ret, n, sizeof(*ret), by_text);
    return n;
}

static void compare_attributes(int a_dir, int b_dir, const char *name)
{
    static char a_list[8192], b_list[8192], a_value[512], b_value[512];
    char *a[64], *b[64];
    size_t n = attributes_of(a_dir, name, a_list, a);
    cr_assert_eq(attributes_of(b_dir, name, b_list, b), n, "attributes");
    for (size_t i = 0; i < n; i++) {
        ssize_t len = lgetxattr(proc_path(a_dir, name), a[i], a_value, sizeof(a_value));
        cr_expect_str_eq(a[i], b[i]);
        cr_expect_eq(lgetxattr(proc_path(b_dir, name), b[i], b_value, sizeof(b_value)),
                     len, "%s", a[i]);
        cr_expect(len >= 0 && memcmp(a_value, b_value, (size_t)len) == 0, "%s", a[i]);
    }
}

static void compare(int a_dir, int b_dir, const char *name)
{
    struct stat a, b;
    cr_assert_eq(fstatat(a_dir, name, &a, AT_SYMLINK_NOFOLLOW), 0);
    cr_assert_eq(fstatat(b_dir, name, &b, AT_SYMLINK_NOFOLLOW), 0, "a name is missing");
    if (S_ISCHR(a.st_mode)) {
        cr_expect(S_ISCHR(b.st_mode) && b.st_rdev == 0, "what is removed");
        return;
    }
    compare_attributes(a_dir, b_dir, name);
    cr_expect(a.st_uid == b.st_uid && a.st_gid == b.st_gid, "owner");
    cr_expect_eq(a.st_mode, b.st_mode, "%o, not %o", b.st_mode, a.st_mode);
    cr_expect(S_ISDIR(a.st_mode) || (a.st_size == b.st_size && a.st_nlink == b.st_nlink),
              "size or links");
    cr_expect(a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
                  a.st_mtim.tv_nsec == b.st_mtim.tv_nsec,
              "time of a %o: %lld.%09ld, not %lld.%09ld", a.st_mode,
              (long long)b.st_mtim.tv_sec, b.st_mtim.tv_nsec, (long long)a.st_mtim.tv_sec,
              a.st_mtim.tv_nsec);
    if (!S_ISDIR(a.st_mode)) {
        compare_content(a_dir, b_dir, name, &a);
        return;
    }
    auto_fd int a_fd = openat(a_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_fd int b_fd = openat(b_dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert(a_fd >= 0 && b_fd >= 0);
    size_t n = compare_entries(a_fd, b_fd);
    lseek(b_fd, 0, SEEK_SET);
    cr_expect_eq(count_entries(b_fd), n, "a name too many");
}

Test(archive_identity, random_trees_come_back)
{
    struct seed s = seed_of("random_trees_come_back");
    static struct tree t;
    for (int i = 0; i < TREES; i++) {
        struct mtd_error err = {0};
        struct archive_unpacked got;
        make_tree(&s, &t);
        struct archive_tar tar = {.fd = t.tar};
        cr_assert_eq(archive_pack(t.from, ARCHIVE_PACK_LAYER, t.tar, NULL, &err), 0, "%s",
                     err.text);
        cr_assert_eq(lseek(t.tar, 0, SEEK_SET), 0);
        cr_assert_eq(archive_unpack(t.to, &tar, &LIMITS, &got, &err), 0, "%s", err.text);
        size_t n = compare_entries(t.from, t.to);
        lseek(t.to, 0, SEEK_SET);
        cr_expect_eq(count_entries(t.to), n);
        drop_tree(&t);
    }
}
