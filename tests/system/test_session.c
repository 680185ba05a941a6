/* Whoever starts a container may be in the group of a login's session or of a service, which its
 * manager kills and limits: nothing that outlives the command stays there. Each test moves itself
 * into groups of its own in every hierarchy that is mounted, and looks at who else is in them.
 * Needs root. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/state.h"
#include "base/cleanup.h"
#include "base/fs.h"

#define MAX_GROUPS 16

static struct state s;

static struct {
    char group[512], home[512]; /* where the test was */
} groups[MAX_GROUPS];
static size_t n_groups;

static void put(const char *dir, const char *file, long value)
{
    char path[600], text[24];
    snprintf(path, sizeof(path), "%s/%s", dir, file);
    snprintf(text, sizeof(text), "%ld", value);
    cr_assert_eq(fs_write_at(AT_FDCWD, path, text), 0, "%s: cannot write %s", path, text);
}

static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p++)
        if ((p == list || p[-1] == ',') && (p[len] == ',' || p[len] == '\0'))
            return true;
    return false;
}

/* The test's own group in the hierarchy that is mounted with these options. */
static void find_home(char *ret, size_t size, const char *mount, const char *options,
                      bool v2)
{
    char line[512];
    auto_file FILE *f = fopen("/proc/self/cgroup", "re");
    while (f && fgets(line, sizeof(line), f)) {
        char names[128] = "", *path = strrchr(line, ':') + 1;
        line[strcspn(line, "\n")] = '\0';
        sscanf(line, "%*d:%127[^:]", names);
        if (v2 ? names[0] == '\0' : names[0] && has_word(options, names))
            snprintf(ret, size, "%s%s", mount, path);
    }
}

static void enter_all(void)
{
    char line[1024];
    auto_file FILE *f = fopen("/proc/self/mounts", "re");
    while (f && fgets(line, sizeof(line), f) && n_groups < MAX_GROUPS) {
        char mount[256], type[32], options[256];
        if (sscanf(line, "%*s %255s %31s %255s", mount, type, options) != 3 ||
            strncmp(type, "cgroup", 6) != 0 || strstr(options, "cpuset"))
            continue;
        char *group = groups[n_groups].group;
        snprintf(group, sizeof(groups[0].group), "%s/mtd-session-%d", mount,
                 (int)getpid());
        find_home(groups[n_groups].home, sizeof(groups[0].home), mount, options,
                  strcmp(type, "cgroup2") == 0);
        cr_assert_eq(mkdir(group, 0755), 0, "cannot make %s", group);
        n_groups++;
        put(group, "cgroup.procs", getpid());
    }
    cr_assert_gt(n_groups, 0);
}

static void leave_all(void)
{
    for (size_t i = 0; i < n_groups; i++) {
        put(groups[i].home, "cgroup.procs", getpid());
        cr_expect_eq(rmdir(groups[i].group), 0, "%s is not empty", groups[i].group);
    }
}

static void set_up(void)
{
    if (!is_root())
        cr_skip("needs root");
    if (!program_is_static())
        cr_skip("a dynamic program cannot run in a container");
    state_make(&s);
    enter_all();
}

static void tear_down(void)
{
    if (!s.dir.path[0])
        return;
    state_done(&s);
    leave_all();
}

TestSuite(session, .init = set_up, .fini = tear_down, .timeout = 60);

static void name_of(pid_t pid, char *ret, size_t size)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    if (fs_read_small_at(AT_FDCWD, path, ret, size) < 0)
        ret[0] = '\0';
}

/* The names of whom the groups hold beside this process. */
static const char *others(void)
{
    static char all[1024];
    size_t len = 0;
    all[0] = '\0';
    for (size_t i = 0; i < n_groups; i++) {
        char path[600], name[32];
        snprintf(path, sizeof(path), "%s/cgroup.procs", groups[i].group);
        auto_file FILE *f = fopen(path, "re");
        int pid;
        cr_assert_not_null(f, "%s", path);
        while (fscanf(f, "%d", &pid) == 1 && len < sizeof(all) - 64) {
            name_of(pid, name, sizeof(name));
            if (pid != getpid())
                len += (size_t)snprintf(all + len, sizeof(all) - len, "%s in %s\n", name,
                                        groups[i].group);
        }
    }
    return all;
}

static bool is_ours(pid_t pid)
{
    char path[64], line[4096];
    snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    int n = fs_read_small_at(AT_FDCWD, path, line, sizeof(line));
    return n > 0 && memmem(line, (size_t)n, s.dir.path, strlen(s.dir.path));
}

static bool is_running(const char *name)
{
    auto_dir DIR *d = opendir("/proc");
    for (struct dirent *e; d && (e = readdir(d));) {
        char is[32];
        pid_t pid = (pid_t)atol(e->d_name);
        name_of(pid, is, sizeof(is));
        if (strcmp(is, name) == 0 && is_ours(pid))
            return true;
    }
    return false;
}

static bool has_keeper(void *unused)
{
    (void)unused;
    return is_running("mtd:keeper");
}

static bool has_health(void *unused)
{
    (void)unused;
    return state_find(&s, "mtd:health") > 0;
}

/* A process that is about to execute another still has its parent's name. */
static bool is_killed(const char *name)
{
    pid_t pid = state_find(&s, name);
    if (pid > 0)
        kill(pid, SIGKILL);
    return pid == 0;
}

static bool has_no_health(void *unused)
{
    (void)unused;
    return is_killed("mtd:health");
}

static bool has_no_monitor(void *unused)
{
    (void)unused;
    return is_killed("mtd:monitor");
}

Test(session, holds_no_monitor_and_no_container)
{
    free(ASK(&s, "run", "-d", "--name", "a", "busybox", "sleep", "1000"));
    cr_expect_str_empty(others());
}

Test(session, holds_no_monitor_that_took_over)
{
    free(ASK(&s, "run", "-d", "--name", "a", "busybox", "sleep", "1000"));
    cr_assert(
        state_until(has_no_monitor, NULL)); /* it holds its claim until it is dead */
    free(ASK(&s, "ps"));
    cr_expect_gt(state_find(&s, "mtd:monitor"), 0);
    cr_expect_str_empty(others());
}

Test(session, holds_no_health_check)
{
    free(ASK(&s, "run", "-d", "--name", "a", "--health-cmd", "true", "busybox", "sleep",
             "1000"));
    cr_assert(state_until(has_health, NULL));
    cr_assert(state_until(has_no_health, NULL)); /* it holds its lock until it is dead */
    free(ASK(&s, "ps"));                         /* starts another */
    cr_assert(state_until(has_health, NULL));
    cr_expect_str_empty(others());
}

Test(session, holds_no_command_of_a_detached_exec)
{
    free(ASK(&s, "run", "-d", "--name", "a", "busybox", "sleep", "1000"));
    free(ASK(&s, "exec", "-d", "a", "sleep", "1000"));
    cr_expect(has_keeper(NULL));
    cr_expect_str_empty(others());
}

/* The front end itself is of the session. */
Test(session, holds_no_keeper_of_a_terminal)
{
    free(ASK(&s, "run", "-d", "--name", "a", "busybox", "sleep", "1000"));
    struct running r = BEGIN(&s, "exec", "-t", "a", "sleep", "1000");
    cr_assert(state_until(has_keeper, NULL));
    cr_expect_null(strstr(others(), "mtd:keeper"), "%s", others());
    kill(r.pid, SIGKILL);
    auto_done(outcome_done) struct outcome o = state_end(&r);
    cr_expect_eq(o.status, 137);
}
