#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/output.h"
#include "tempdir.h"

static struct tempdir tmp;

static void setup(void)
{
    tempdir_make(&tmp);
    cr_assert_eq(chdir(tmp.path), 0);
    umask(022);
}

static void teardown(void)
{
    tempdir_done(&tmp);
}

TestSuite(output, .init = setup, .fini = teardown);

static int write_out(const char *path, enum output_flags flags, const char *text,
                     struct mtd_error *err)
{
    auto_done(output_done) struct output o;
    int rc = output_open(&o, path, 0644, flags, err);
    if (rc == 0)
        rc = fs_write_all(o.fd, text, strlen(text));
    return rc < 0 ? rc : output_commit(&o, false, err);
}

static void expect_text(const char *name, const char *text)
{
    auto_done(buf_done) struct buf b = {0};
    cr_assert_eq(fs_read_at(tmp.fd, name, 4096, &b), 0, "%s", name);
    cr_expect_str_eq(b.data ? b.data : "", text);
}

static struct stat look(const char *name)
{
    struct stat st = {0};
    cr_expect_eq(lstat(name, &st), 0, "%s", name);
    return st;
}

Test(output, makes_a_file_with_the_mode_asked_for)
{
    cr_expect_eq(write_out("a", OUTPUT_REPLACE, "text", NULL), 0);
    expect_text("a", "text");
    cr_expect_eq(look("a").st_mode, S_IFREG | 0644);
    cr_expect_eq(tempdir_count(tmp.fd, "."), 1);
}

Test(output, replaces_a_file_and_keeps_its_mode_and_owner)
{
    tempdir_put(&tmp, "a", "old text");
    chmod("a", 02640);
    bool root = geteuid() == 0;
    if (root)
        cr_assert_eq(chown("a", 4321, 1234), 0);
    cr_expect_eq(write_out("a", OUTPUT_REPLACE, "new", NULL), 0);
    expect_text("a", "new");
    struct stat st = look("a");
    cr_expect_eq(st.st_mode & 0777, 0640);
    cr_expect(!root || (st.st_uid == 4321 && st.st_gid == 1234));
    cr_expect_eq(tempdir_count(tmp.fd, "."), 1);
}

Test(output, nothing_is_seen_before_the_commit)
{
    tempdir_put(&tmp, "a", "old");
    struct output o;
    cr_assert_eq(output_open(&o, "a", 0644, OUTPUT_REPLACE, NULL), 0);
    cr_expect_eq(fs_write_all(o.fd, "new", 3), 0);
    expect_text("a", "old");
    cr_expect_eq(tempdir_count(tmp.fd, "."), 1);
    output_done(&o);
    expect_text("a", "old");
}

Test(output, follows_links_and_leaves_them)
{
    mkdir("d", 0755);
    tempdir_put(&tmp, "d/file", "old");
    cr_assert_eq(symlink("file", "d/link"), 0);
    cr_assert_eq(symlink("d/link", "link"), 0);
    cr_assert_eq(symlink("d/gone", "dangling"), 0);
    cr_expect_eq(write_out("link", OUTPUT_REPLACE, "new", NULL), 0);
    cr_expect_eq(write_out("dangling", OUTPUT_REPLACE, "made", NULL), 0);
    expect_text("d/file", "new");
    expect_text("d/gone", "made");
    cr_expect(S_ISLNK(look("link").st_mode) && S_ISLNK(look("d/link").st_mode) &&
              S_ISLNK(look("dangling").st_mode));
}

static void make_socket(const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", name);
    cr_assert_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
}

/* docker export: "cannot write to a character device file" and so on. */
Test(output, refuses_what_is_not_a_regular_file_and_leaves_it)
{
    if (geteuid() != 0)
        cr_skip("needs root to make devices");
    static const struct {
        const char *name, *why;
        mode_t mode;
    } CASES[] = {{"null", "a character device", S_IFCHR},
                 {"disk", "a block device", S_IFBLK},
                 {"fifo", "a FIFO", S_IFIFO},
                 {"socket", "a socket", S_IFSOCK},
                 {"dir", "a directory", S_IFDIR}};
    cr_assert_eq(mknod("null", S_IFCHR | 0666, makedev(1, 3)), 0);
    cr_assert_eq(mknod("disk", S_IFBLK | 0600, makedev(7, 250)), 0);
    cr_assert_eq(mkfifo("fifo", 0600), 0);
    make_socket("socket");
    mkdir("dir", 0700);
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        struct mtd_error err = {0};
        unlink("link");
        cr_assert_eq(symlink(CASES[i].name, "link"), 0);
        cr_expect_lt(write_out(CASES[i].name, OUTPUT_REPLACE, "x", &err), 0);
        cr_expect(strstr(err.text, CASES[i].why), "%s: %s", CASES[i].name, err.text);
        cr_expect_lt(write_out("link", OUTPUT_REPLACE, "x", NULL), 0);
        cr_expect_eq(look(CASES[i].name).st_mode & S_IFMT, CASES[i].mode);
        cr_expect(S_ISLNK(look("link").st_mode));
    }
    cr_expect_eq(tempdir_count(tmp.fd, "."), 6);
}

/* The link's text, "…/a (deleted)", would be the name of a new file. */
Test(output, refuses_a_file_that_has_no_name)
{
    char path[64];
    auto_fd int fd = open("a", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cr_assert_eq(unlink("a"), 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    cr_expect_eq(write_out(path, OUTPUT_REPLACE, "x", NULL), -ELOOP);
    cr_expect_eq(tempdir_count(tmp.fd, "."), 0);
}

Test(output, new_means_new_even_at_the_end)
{
    struct mtd_error err = {0};
    tempdir_put(&tmp, "a", "old");
    cr_assert_eq(symlink("gone", "dangling"), 0);
    cr_expect_eq(write_out("a", OUTPUT_NEW, "x", &err), -EEXIST);
    cr_expect(strstr(err.text, "cannot write a: File exists"), "%s", err.text);
    cr_expect_eq(write_out("dangling", OUTPUT_NEW, "x", NULL), -EEXIST);
    auto_done(output_done) struct output o;
    cr_assert_eq(output_open(&o, "b", 0644, OUTPUT_NEW, NULL), 0);
    tempdir_put(&tmp, "b", "another's");
    cr_expect_eq(output_commit(&o, false, NULL), -EEXIST);
    expect_text("b", "another's");
    expect_text("a", "old");
    cr_expect_eq(tempdir_count(tmp.fd, "."), 3);
}

Test(output, says_which_path_cannot_be_written)
{
    struct mtd_error err = {0};
    cr_expect_eq(write_out("no/such", OUTPUT_REPLACE, "x", &err), -ENOENT);
    cr_expect_str_eq(err.text, "cannot write no/such: No such file or directory");
    cr_expect_eq(write_out("", OUTPUT_REPLACE, "x", NULL), -ENOENT);
    cr_assert_eq(symlink("loop", "loop"), 0);
    cr_expect_eq(write_out("loop", OUTPUT_REPLACE, "x", NULL), -ELOOP);
}

/* The name of a temporary file, "" = there is none. */
static const char *find_temp(void)
{
    static char name[256];
    auto_dir DIR *d = opendir(".");
    name[0] = '\0';
    for (const struct dirent *e; d && (e = readdir(d));)
        if (strncmp(e->d_name, ".mytop-", 7) == 0)
            snprintf(name, sizeof(name), "%s", e->d_name);
    return name;
}

/* As on a file system without O_TMPFILE. */
static void forbid_unnamed_files(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, O_TMPFILE & ~O_DIRECTORY, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {ARRAY_SIZE(code), code};
    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

Test(output, without_unnamed_files_a_temporary_name_does)
{
    tempdir_put(&tmp, "a", "old");
    forbid_unnamed_files();
    cr_expect_eq(write_out("a", OUTPUT_REPLACE, "new", NULL), 0);
    cr_expect_eq(write_out("b", OUTPUT_NEW, "b", NULL), 0);
    cr_expect_eq(write_out("a", OUTPUT_NEW, "x", NULL), -EEXIST);
    expect_text("a", "new");
    expect_text("b", "b");
    cr_expect_eq(tempdir_count(tmp.fd, "."), 2);
    struct output o, second;
    cr_assert_eq(output_open(&o, "a", 0644, OUTPUT_REPLACE, NULL), 0);
    cr_expect_str_neq(find_temp(), "");
    cr_expect_eq(output_open(&second, "a", 0644, OUTPUT_REPLACE, NULL), -EBUSY);
    output_done(&o);
    cr_expect_eq(tempdir_count(tmp.fd, "."), 2);
}

/* Killed while it writes, its lock went with it. */
Test(output, what_a_killed_process_left_goes_with_the_next_output)
{
    tempdir_put(&tmp, "a", "old");
    pid_t pid = fork();
    if (pid == 0) {
        struct output o;
        forbid_unnamed_files();
        if (output_open(&o, "a", 0644, OUTPUT_REPLACE, NULL) == 0)
            raise(SIGKILL);
        _exit(1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    cr_assert(WIFSIGNALED(status));
    cr_assert_str_neq(find_temp(), "");
    cr_expect_eq(write_out("a", OUTPUT_REPLACE, "new", NULL), 0);
    expect_text("a", "new");
    cr_expect_eq(tempdir_count(tmp.fd, "."), 1);
}

#ifdef MTD_FAULTS
static void kill_at(const char *point)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        setenv("MTD_FAULT", point, 1);
        _exit(write_out("a", OUTPUT_REPLACE, "new", NULL) == 0 ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    cr_expect(WIFSIGNALED(status), "%s", point);
}

Test(output, killed_at_any_point_the_old_file_or_the_new_one_is_there)
{
    kill_at("output.opened:kill");
    cr_expect_eq(tempdir_count(tmp.fd, "."), 0);
    kill_at("output.linked:kill");
    expect_text("a", "new");
    tempdir_put(&tmp, "a", "old");
    kill_at("output.opened:kill");
    cr_expect_eq(tempdir_count(tmp.fd, "."), 1);
    kill_at("output.linked:kill");
    expect_text("a", "old");
    cr_expect_str_neq(find_temp(), "");
    cr_expect_eq(write_out("a", OUTPUT_REPLACE, "third", NULL), 0);
    expect_text("a", "third");
    cr_expect_eq(tempdir_count(tmp.fd, "."), 1);
}
#endif
