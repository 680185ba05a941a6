#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "tempdir.h"

static struct tempdir tmp;

static void setup(void)
{
    tempdir_make(&tmp);
}

static void teardown(void)
{
    tempdir_done(&tmp);
}

TestSuite(fs, .init = setup, .fini = teardown);

static void put(int dir_fd, const char *name, const char *text)
{
    cr_assert_eq(fs_replace_at(dir_fd, name, text, strlen(text), 0644, false), 0);
}

static void expect_text(int dir_fd, const char *name, const char *text)
{
    auto_done(buf_done) struct buf b = {0};
    cr_assert_eq(fs_read_at(dir_fd, name, 4096, &b), 0, "%s", name);
    cr_expect_str_eq(b.data, text);
}

/* A root with links of every bad kind, beside a "host" directory they aim at. */
static int make_evil_root(void)
{
    char target[128];
    cr_assert_eq(mkdirat(tmp.fd, "host", 0755), 0);
    cr_assert_eq(mkdirat(tmp.fd, "root", 0755), 0);
    int root = openat(tmp.fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    put(tmp.fd, "host/secret", "secret");
    snprintf(target, sizeof(target), "%s/host", tmp.path);
    symlinkat(target, root, "absolute");
    symlinkat("../host", root, "relative");
    symlinkat("/proc/self/fd", root, "magic");
    symlinkat("loop", root, "loop");
    symlinkat("/etc", root, "inside");
    mkdirat(root, "etc", 0755);
    put(root, "etc/passwd", "ours");
    return root;
}

Test(fs, reads_whole_files_and_no_more)
{
    auto_done(buf_done) struct buf b = {0};
    put(tmp.fd, "f", "0123456789");
    cr_expect_eq(fs_read_at(tmp.fd, "f", 10, &b), 0);
    cr_expect_eq(b.len, 10);
    cr_expect_str_eq(b.data, "0123456789");
    cr_expect_eq(fs_read_at(tmp.fd, "f", 9, &b), -EFBIG);
    cr_expect_eq(fs_read_at(tmp.fd, "none", 9, &b), -ENOENT);
    cr_expect_eq(fs_read_at(AT_FDCWD, "/proc/self/status", 1 << 20, &b), 0);
    cr_expect(b.len > 100);
    cr_expect_eq(fs_read_at(AT_FDCWD, "/proc/self/status", 10, &b), -EFBIG);
}

Test(fs, reads_only_regular_files, .timeout = 5)
{
    auto_done(buf_done) struct buf b = {0};
    put(tmp.fd, "f", "x");
    symlinkat("f", tmp.fd, "link");
    mkfifoat(tmp.fd, "fifo", 0600);
    cr_expect_eq(fs_read_at(tmp.fd, "link", 9, &b), -ELOOP);
    cr_expect_eq(fs_read_at(tmp.fd, "fifo", 9, &b), -EINVAL);
    cr_expect_eq(fs_read_at(AT_FDCWD, "/dev/zero", 9, &b), -EINVAL);
    cr_expect_eq(fs_read_at(tmp.fd, ".", 9, &b), -EINVAL);
}

Test(fs, small_reads_cut_one_newline)
{
    char out[4];
    put(tmp.fd, "f", "ab\n");
    cr_expect_eq(fs_read_small_at(tmp.fd, "f", out, sizeof(out)), 2);
    cr_expect_str_eq(out, "ab");
    put(tmp.fd, "f", "");
    cr_expect_eq(fs_read_small_at(tmp.fd, "f", out, sizeof(out)), 0);
    cr_expect_str_eq(out, "");
    put(tmp.fd, "f", "abcd");
    cr_expect_eq(fs_read_small_at(tmp.fd, "f", out, sizeof(out)), -EFBIG);
}

Test(fs, a_clean_path_is_one_spelling)
{
    static const char *const PATHS[][2] = {{"/", "/"},
                                           {"//", "/"},
                                           {"/.", "/"},
                                           {"/..", "/"},
                                           {"/a", "/a"},
                                           {"/a/", "/a"},
                                           {"//proc", "/proc"},
                                           {"/./proc/.", "/proc"},
                                           {"/a/../proc", "/proc"},
                                           {"/a/b/../../c", "/c"},
                                           {"/../../x", "/x"},
                                           {"/...", "/..."},
                                           {"/a/..b/.c", "/a/..b/.c"},
                                           {"/a//b///c//", "/a/b/c"},
                                           {"/a/b/..", "/a"}};
    for (size_t i = 0; i < ARRAY_SIZE(PATHS); i++) {
        char path[32];
        snprintf(path, sizeof(path), "%s", PATHS[i][0]);
        fs_clean_path(path);
        cr_expect_str_eq(path, PATHS[i][1], "%s is %s", PATHS[i][0], path);
    }
}

Test(fs, writes_only_what_exists)
{
    put(tmp.fd, "f", "old");
    symlinkat("f", tmp.fd, "link");
    cr_expect_eq(fs_write_at(tmp.fd, "f", "new"), 0);
    expect_text(tmp.fd, "f", "new");
    cr_expect_eq(fs_write_at(tmp.fd, "none", "x"), -ENOENT);
    cr_expect_eq(fs_write_at(tmp.fd, "link", "x"), -ELOOP);
}

Test(fs, replace_is_complete_and_leaves_nothing_else)
{
    put(tmp.fd, "f", "one");
    cr_expect_eq(fs_replace_at(tmp.fd, "f", "two", 3, 0600, true), 0);
    expect_text(tmp.fd, "f", "two");
    struct stat st;
    cr_expect_eq(fs_replace_at(tmp.fd, "g", "new", 3, 0640, true), 0);
    fstatat(tmp.fd, "g", &st, 0);
    cr_expect_eq(st.st_mode & 07777, 0640);
    cr_expect_eq(tempdir_count(tmp.fd, "."), 2);
}

/* What a killed process left under the temporary name is in nobody's way. */
Test(fs, replace_by_a_name_of_ones_own)
{
    for (int at_once = 0; at_once < 2; at_once++) {
        put(tmp.fd, "f", "one");
        put(tmp.fd, "temp", "longer than that");
        cr_expect_eq(fs_replace_by_at(tmp.fd, "temp", "f", "two", 3, true, at_once), 0);
        expect_text(tmp.fd, "f", "two");
        unlinkat(tmp.fd, "f", 0);
        cr_expect_eq(fs_replace_by_at(tmp.fd, "temp", "f", "new", 3, false, at_once), 0);
        expect_text(tmp.fd, "f", "new");
        cr_expect_eq(tempdir_count(tmp.fd, "."), 1);
    }
}

Test(fs, replace_by_way_of_a_swept_directory)
{
    put(tmp.fd, "f", "longer than that");
    mkdirat(tmp.fd, "swept", 0700);
    cr_expect_eq(fs_replace_swept_at(tmp.fd, "swept", "file", "f", "two", 3, true), 0);
    expect_text(tmp.fd, "f", "two");
    cr_expect_eq(fs_replace_swept_at(tmp.fd, "swept", "file", "g", "new", 3, false), 0);
    expect_text(tmp.fd, "g", "new");
    cr_expect_eq(fs_replace_swept_at(tmp.fd, "none", "file", "f", "x", 1, false),
                 -ENOENT);
    cr_expect_eq(fs_replace_swept_at(tmp.fd, "swept", "file", "no/f", "x", 1, false),
                 -ENOENT);
    cr_expect_eq(tempdir_count(tmp.fd, "swept"), 0);
}

Test(fs, a_full_disk_keeps_the_old_file)
{
    static char big[100000];
    put(tmp.fd, "f", "old");
    struct rlimit limit = {1000, 1000};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    cr_expect_eq(fs_replace_at(tmp.fd, "f", big, sizeof(big), 0600, true), -EFBIG);
    cr_expect_eq(fs_replace_by_at(tmp.fd, "temp", "f", big, sizeof(big), false, true),
                 -EFBIG);
    cr_expect_eq(fs_replace_swept_at(tmp.fd, ".", "file", "f", big, sizeof(big), false),
                 -EFBIG);
    expect_text(tmp.fd, "f", "old");
    cr_expect_eq(tempdir_count(tmp.fd, "."), 1);
}

Test(fs, mkdir_p_makes_all_parts_once)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/a//b/c/", tmp.path);
    cr_expect_eq(fs_mkdir_p(path, 0700), 0);
    cr_expect_eq(fs_mkdir_p(path, 0700), 0);
    cr_expect_eq(tempdir_count(tmp.fd, "a/b"), 1);
    put(tmp.fd, "file", "x");
    snprintf(path, sizeof(path), "%s/file/x", tmp.path);
    cr_expect_eq(fs_mkdir_p(path, 0700), -ENOTDIR);
    cr_expect_eq(fs_mkdir_p("", 0700), -ENOENT);
}

Test(fs, remove_tree_keeps_what_links_point_to)
{
    auto_fd int root = make_evil_root();
    put(root, "etc/x", "1");
    linkat(tmp.fd, "host/secret", root, "hardlink", 0);
    cr_expect_eq(fs_remove_tree_at(tmp.fd, "root"), 0);
    cr_expect_eq(faccessat(tmp.fd, "root", F_OK, 0), -1);
    expect_text(tmp.fd, "host/secret", "secret");
    cr_expect_eq(fs_remove_tree_at(tmp.fd, "root"), 0);
    symlinkat("host", tmp.fd, "link");
    cr_expect_eq(fs_remove_tree_at(tmp.fd, "link"), 0);
    expect_text(tmp.fd, "host/secret", "secret");
    cr_expect_eq(tempdir_count(tmp.fd, "."), 1);
}

/* A container can nest directories far deeper than a path, a stack or a descriptor table. In each
 * is a file of one byte. */
static void make_deep(int depth)
{
    auto_fd int dir = openat(tmp.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < depth; i++) {
        cr_assert_eq(mkdirat(dir, i == 0 ? "deep" : "directory", 0700), 0);
        int next = openat(dir, i == 0 ? "deep" : "directory", O_RDONLY | O_CLOEXEC);
        close(dir);
        dir = next;
        put(dir, "file", "x");
    }
}

Test(fs, size_of_a_tree_of_any_depth)
{
    struct rlimit few = {300, 300};
    make_deep(1000);
    setrlimit(RLIMIT_NOFILE, &few);
    cr_expect_eq(fs_size_at(tmp.fd, "deep"), 1000);
}

Test(fs, remove_tree_of_any_depth)
{
    struct rlimit few = {100, 100};
    make_deep(500);
    setrlimit(RLIMIT_NOFILE, &few);
    cr_expect_eq(fs_remove_tree_at(tmp.fd, "deep"), 0);
    cr_expect_eq(tempdir_count(tmp.fd, "."), 0);
}

Test(fs, links_in_a_root_stay_in_the_root)
{
    auto_fd int root = make_evil_root();
    static const struct {
        const char *path;
        int rc;
    } CASES[] = {
        {"/etc/passwd", 0},
        {"etc/passwd", 0},
        {"inside/passwd", 0},
        {"../../../etc/passwd", 0},
        {"etc/../../etc/passwd", 0},
        {"absolute/secret", -ENOENT},
        {"relative/secret", -ENOENT},
        {"magic/0", -ENOENT}, /* root/proc does not exist */
        {"loop", -ELOOP},
        {"", -ENOENT},
        {"etc/passwd/x", -ENOTDIR},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        auto_fd int fd = fs_open_in_root(root, CASES[i].path, O_RDONLY, 0);
        cr_expect_eq(fd < 0 ? fd : 0, CASES[i].rc, "%s: %d", CASES[i].path, fd);
        if (fd >= 0)
            cr_expect(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    }
}

Test(fs, magic_links_are_refused)
{
    auto_fd int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    auto_fd int fd = fs_open_in_root(root, "proc/self/root/etc", O_PATH, 0);
    cr_expect_eq(fd, -ELOOP);
}

Test(fs, creating_follows_links_inside_only)
{
    auto_fd int root = make_evil_root();
    auto_fd int fd = fs_open_in_root(root, "inside/new", O_CREAT | O_WRONLY, 0644);
    cr_assert(fd >= 0);
    cr_expect_eq(faccessat(root, "etc/new", F_OK, 0), 0);
    auto_fd int out = fs_open_in_root(root, "relative/new", O_CREAT | O_WRONLY, 0644);
    cr_expect_eq(out, -ENOENT);
    cr_expect_eq(tempdir_count(tmp.fd, "host"), 1);
}

Test(fs, mkdir_in_root_never_leaves_it)
{
    auto_fd int root = make_evil_root();
    static const struct {
        const char *path, *seen_at; /* seen_at: below root */
    } CASES[] = {
        {"/a/b/c", "a/b/c"},
        {"../../d", "d"},
        {"etc/../e/./f//g", "e/f/g"},
        {"inside/h", "etc/h"},
        {"relative/i", "host/i"}, /* what ../host means from inside */
        {"/", "."},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        auto_fd int fd = fs_mkdir_in_root(root, CASES[i].path, 0755);
        struct stat made, seen;
        cr_assert(fd >= 0, "%s: %d", CASES[i].path, fd);
        fstat(fd, &made);
        cr_assert_eq(fstatat(root, CASES[i].seen_at, &seen, 0), 0, "%s", CASES[i].path);
        cr_expect_eq(made.st_ino, seen.st_ino, "%s", CASES[i].path);
    }
    cr_expect_eq(tempdir_count(tmp.fd, "host"), 1);
    cr_expect_eq(tempdir_count(tmp.fd, "."), 2);
    cr_expect_eq(fs_mkdir_in_root(root, "etc/passwd/x", 0755), -ENOTDIR);
    cr_expect_eq(fs_mkdir_in_root(root, "etc/passwd", 0755), -ENOTDIR);
    cr_expect_eq(fs_mkdir_in_root(root, "loop/x", 0755), -ELOOP);
}

Test(fs, mkdir_in_root_makes_the_target_of_a_dangling_absolute_link)
{
    auto_fd int root = make_evil_root();
    symlinkat("/run/x", root, "dangling");
    auto_fd int fd = fs_mkdir_in_root(root, "dangling/y", 0755);
    cr_assert(fd >= 0, "%d", fd);
    cr_expect_eq(faccessat(root, "run/x/y", F_OK, 0), 0);
}

/* What a kernel before 5.6 says to openat2. */
static void forbid_openat2(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {ARRAY_SIZE(code), code};
    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

Test(fs, old_kernels_refuse_links_instead)
{
    auto_fd int root = make_evil_root();
    forbid_openat2();
    auto_fd int good = fs_open_in_root(root, "/etc/passwd", O_RDONLY, 0);
    cr_expect(good >= 0);
    auto_fd int top = fs_open_in_root(root, "/", O_PATH | O_DIRECTORY, 0);
    cr_expect(top >= 0);
    static const struct {
        const char *path;
        int flags, rc;
    } CASES[] = {
        {"relative/secret", O_RDONLY, -ENOTDIR},
        {"inside/passwd", O_RDONLY, -ENOTDIR},
        {"../host/secret", O_RDONLY, -EXDEV},
        {"etc/..", O_RDONLY, -EXDEV},
        {"relative", O_PATH, -ELOOP},
        {"absolute", O_RDONLY, -ELOOP},
        {"none", O_RDONLY, -ENOENT},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++)
        cr_expect_eq(fs_open_in_root(root, CASES[i].path, CASES[i].flags, 0), CASES[i].rc,
                     "%s", CASES[i].path);
    auto_fd int made = fs_mkdir_in_root(root, "/a/b", 0755);
    cr_expect(made >= 0);
    cr_expect_eq(fs_remove_tree_at(tmp.fd, "root"), 0);
}
