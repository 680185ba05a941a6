/* confine: names of limits, the program's search, a directory inside. What
 * changes the process is tried in a child. */

#include "engine/confine/confine.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"

Test(confine, rlimits)
{
    struct mtd_rlimit two[] = {{"nofile", 100, 200}, {"core", 0, UINT64_MAX}};
    struct mtd_rlimit upside[] = {{"nofile", 200, 100}};
    struct mtd_rlimit unknown[] = {{"files", 1, 1}};
    struct rlimit now;
    cr_assert_eq(confine_rlimits(upside, 1, NULL), -EINVAL);
    cr_assert_eq(confine_rlimits(unknown, 1, NULL), -EINVAL);
    cr_assert_eq(confine_rlimits(two, 1, NULL), 0);
    getrlimit(RLIMIT_NOFILE, &now);
    cr_assert_eq(now.rlim_cur, 100);
    cr_assert_eq(now.rlim_max, 200);
}

/* ---- the program's search --------------------------------------------------------------- */

static char dir[64];
static struct strv env;

static void make_file(const char *path, mode_t mode)
{
    char full[128];
    snprintf(full, sizeof(full), "%s/%s", dir, path);
    int fd = open(full, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
    cr_assert_geq(fd, 0);
    fchmod(fd, mode);
    close(fd);
}

static void make_directory(const char *path)
{
    char full[128];
    snprintf(full, sizeof(full), "%s/%s", dir, path);
    cr_assert_eq(mkdir(full, 0755), 0);
}

static void make_tree(void)
{
    char path[256];
    snprintf(dir, sizeof(dir), "/tmp/mtd-confine-XXXXXX");
    cr_assert(mkdtemp(dir));
    make_directory("one");
    make_directory("two");
    make_directory("one/both");
    make_file("two/both", 0755);
    make_file("one/plain", 0644);
    make_file("two/tool", 0755);
    make_file("here", 0755);
    snprintf(path, sizeof(path), "PATH=%s/none:%s/one:%s/two", dir, dir, dir);
    cr_assert_eq(strv_add(&env, path), 0);
}

static void remove_tree(void)
{
    strv_done(&env);
    fs_remove_tree_at(AT_FDCWD, dir);
}

TestSuite(confine_program, .init = make_tree, .fini = remove_tree);

static void expect_program(const char *file, int code, const char *found)
{
    char path[256], full[256];
    struct mtd_error err = {0};
    int r = confine_find_program(file, &env, path, sizeof(path), &err);
    cr_expect_eq(r, -code, "%s: %d %s", file, r, err.text);
    if (code != 0)
        return;
    snprintf(full, sizeof(full), "%s/%s", dir, found);
    cr_expect_str_eq(path, found[0] == '.' ? found : full);
}

Test(confine_program, in_path)
{
    expect_program("tool", 0, "two/tool");
    expect_program("both", 0, "two/both"); /* a directory of that name is passed over */
    expect_program("plain", EACCES, NULL);
    expect_program("nosuch", ENOENT, NULL);
    expect_program("", ENOENT, NULL);
}

Test(confine_program, by_path)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/two/tool", dir);
    expect_program(path, 0, "two/tool");
    snprintf(path, sizeof(path), "%s/one", dir);
    expect_program(path, EACCES, NULL);
    snprintf(path, sizeof(path), "%s/one/plain", dir);
    expect_program(path, EACCES, NULL);
    expect_program("/nonexistent/tool", ENOENT, NULL);
    expect_program("/dev/null", EACCES, NULL);
}

Test(confine_program, empty_elements_are_here)
{
    cr_assert_eq(chdir(dir), 0);
    static const char *const PATHS[] = {"PATH=", "PATH=:", "PATH=/none:", "PATH=::/none"};
    for (size_t i = 0; i < sizeof(PATHS) / sizeof(PATHS[0]); i++) {
        cr_assert_eq(strv_env_set(&env, PATHS[i]), 0);
        expect_program("here", 0, "./here");
        expect_program("nosuch", ENOENT, NULL);
    }
}

Test(confine_program, a_name_too_long)
{
    char name[5000];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    expect_program(name, ENOENT, NULL);
    name[0] = '/';
    expect_program(name, ENAMETOOLONG, NULL);
}

Test(confine_program, says_it_in_dockers_words)
{
    char path[256];
    struct mtd_error err = {0};
    confine_find_program("nosuch", &env, path, sizeof(path), &err);
    cr_assert_str_eq(err.text, "exec: \"nosuch\": executable file not found in $PATH");
    mtd_error_clear(&err);
    confine_find_program("/tmp", &env, path, sizeof(path), &err);
    cr_assert_str_eq(err.text, "exec: \"/tmp\": is a directory");
}

/* ---- the directory ---------------------------------------------------------------------- */

Test(confine_program, directory)
{
    char path[128], now[PATH_MAX];
    cr_assert_eq(confine_chdir(NULL, false, NULL), 0);
    cr_assert_str_eq(getcwd(now, sizeof(now)), "/");
    cr_assert_eq(confine_chdir("relative", true, NULL), -EINVAL);
    snprintf(path, sizeof(path), "%s/a/b", dir);
    cr_assert_eq(confine_chdir(path, false, NULL), -ENOENT);
    cr_assert_eq(confine_chdir(path, true, NULL), 0);
    cr_assert_str_eq(getcwd(now, sizeof(now)), path);
    snprintf(path, sizeof(path), "%s/here", dir);
    cr_assert_eq(confine_chdir(path, true, NULL), -ENOTDIR);
}

/* ---- cleaning --------------------------------------------------------------------------- */

Test(confine, clean)
{
    sigset_t all, now;
    struct sigaction action;
    sigfillset(&all);
    int kept = open("/dev/null", O_RDONLY);
    int high = fcntl(kept, F_DUPFD, 200);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigprocmask(SIG_SETMASK, &all, NULL);
    cr_assert_eq(confine_signals(proc_ignored_signals()), 0);
    cr_assert_eq(confine_close(3), 0);
    sigprocmask(SIG_BLOCK, NULL, &now);
    for (int sig = 1; sig < NSIG; sig++)
        cr_expect_neq(sigismember(&now, sig), 1, "signal %d is blocked", sig);
    sigaction(SIGHUP, NULL, &action);
    cr_expect_eq(action.sa_handler, SIG_DFL);
    cr_expect_eq(proc_ignored_signals(), 0);
    cr_expect_eq(fcntl(kept, F_GETFD), FD_CLOEXEC);
    cr_expect_eq(fcntl(high, F_GETFD), FD_CLOEXEC);
    cr_expect_eq(fcntl(2, F_GETFD), 0);
}
