/* A test that is killed, as by its time limit, leaves nothing, whoever is killed with it. Needs
 * root. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../support/fields.h"
#include "../support/state.h"
#include "base/cleanup.h"
#include "guard.h"

/* What the test that is killed says. */
static struct said {
    char dir[64], id[80];
    pid_t container, monitor, helper;
    volatile int ready;
} * said;

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    said = mmap(NULL, sizeof(*said), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                -1, 0);
}
TestSuite(guard, .init = set_up, .timeout = 60);

static bool has_said(void *arg)
{
    (void)arg;
    return said->ready;
}

static void do_what_tests_do(void)
{
    struct state s;
    char path[96];
    state_make(&s);
    strcpy(said->dir, s.dir.path);
    auto_free char *id = ASK(&s, "run", "-d", "--name", "c", "--restart", "always",
                             "busybox", "sleep", "100000");
    strcpy(said->id, id);
    said->container = pid_of(&s, "c");
    said->monitor = monitor_of(&s, "c");
    free(ASK(&s, "pause", "c"));
    snprintf(path, sizeof(path), "%s/mounted", s.dir.path);
    tempdir_put(&s.dir, "mounted/x", "");
    (void)mount("tmpfs", path, "tmpfs", 0, NULL);
    said->helper = fork();
    if (said->helper == 0) {
        execlp("sleep", "sleep", "100000", NULL);
        _exit(99);
    }
    said->ready = 1;
    pause();
}

/* A process of its own, so that this one's end is not the end of this test. */
static pid_t begin_test(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setenv("MYTOP_DOCKER_CONFIG", "", 1);
        do_what_tests_do();
        _exit(0);
    }
    cr_assert(state_until(has_said, NULL));
    return pid;
}

static void end_test(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static bool has_group(void)
{
    char path[640];
    auto_dir DIR *d = opendir("/sys/fs/cgroup");
    for (struct dirent *e; d && (e = readdir(d));) {
        snprintf(path, sizeof(path), "/sys/fs/cgroup/%s/mytop-docker/%s", e->d_name,
                 said->id);
        if (access(path, F_OK) == 0)
            return true;
    }
    return false;
}

/* A zombie has no arguments; whoever inherits it may take its time. */
static bool lives(pid_t pid)
{
    char path[64], text[8];
    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && read(fd, text, sizeof(text)) > 0;
}

static const char *what_is_left(void)
{
    static char config[80];
    snprintf(config, sizeof(config), "%s.config", said->dir);
    return lives(said->container)         ? "its container"
           : lives(said->monitor)         ? "its monitor"
           : lives(said->helper)          ? "its child"
           : has_group()                  ? "a group"
           : access(said->dir, F_OK) == 0 ? said->dir
           : access(config, F_OK) == 0    ? config
                                          : NULL;
}

static bool is_gone(void *arg)
{
    (void)arg;
    return !what_is_left();
}

Test(guard, a_killed_test_leaves_nothing)
{
    pid_t pid = begin_test();
    cr_assert(lives(said->container) && has_group());
    end_test(pid);
    cr_expect(state_until(is_gone, NULL), "%s is left", what_is_left());
}

static pid_t guard_of(pid_t test)
{
    char want[48];
    pid_t pid = 0;
    snprintf(want, sizeof(want), "mtd-guard.%d-", (int)test);
    auto_dir DIR *d = opendir("/dev/shm");
    for (struct dirent *e; d && (e = readdir(d));) {
        if (strncmp(e->d_name, want, strlen(want)) != 0)
            continue;
        auto_fd int fd = openat(dirfd(d), e->d_name, O_RDONLY | O_CLOEXEC);
        (void)!read(fd, &pid, sizeof(pid));
    }
    return pid;
}

Test(guard, the_next_one_does_what_a_killed_one_could_not)
{
    pid_t pid = begin_test(), guard = guard_of(pid);
    cr_assert_gt(guard, 0);
    kill_and_wait(guard);
    end_test(pid);
    cr_expect(!is_gone(NULL));
    pid_t next = fork(); /* a test that does nothing */
    if (next == 0) {
        guard_start();
        _exit(0);
    }
    waitpid(next, NULL, 0);
    cr_expect(state_until(is_gone, NULL), "%s is left", what_is_left());
}
