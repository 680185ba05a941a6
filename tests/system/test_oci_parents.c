/* Groups that a bundle asks for and others use as well, as buildah's --cgroup-parent. Needs root. */

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../support/ocibox.h"

TestSuite(oci_parents, .init = ocibox_make, .fini = ocibox_done, .timeout = 60);

static pid_t sleep_below(const char *dir)
{
    char command[600];
    snprintf(
        command, sizeof(command),
        "mkdir -p %s/theirs; "
        "sh -c 'echo $$ >%s/theirs/cgroup.procs; exec sleep 1000' >/dev/null 2>&1 & echo $!",
        dir, dir);
    FILE *f = popen(command, "re");
    int pid = 0;
    cr_assert(f && fscanf(f, "%d", &pid) == 1);
    pclose(f);
    return pid;
}

static bool is_below(void *arg)
{
    char path[64], text[4096] = "";
    snprintf(path, sizeof(path), "/proc/%d/cgroup", *(pid_t *)arg);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    return strstr(text, "/theirs") != NULL;
}

static const char *a_hierarchy(char ret[300])
{
    static const char *const ROOTS[] = {"pids", "memory", "."};
    for (size_t i = 0; i < sizeof(ROOTS) / sizeof(ROOTS[0]); i++) {
        snprintf(ret, 300, "/sys/fs/cgroup/%s/cgroup.procs", ROOTS[i]);
        if (access(ret, F_OK) != 0)
            continue;
        snprintf(ret, 300, "/sys/fs/cgroup/%s/oci-tests/%s", ROOTS[i], box.id);
        return ret;
    }
    return NULL;
}

static void end_theirs(pid_t theirs, const char *dir)
{
    char command[700];
    kill(theirs, SIGKILL);
    snprintf(
        command, sizeof(command),
        "i=0; until rmdir %s/theirs && rmdir %s; do i=$((i+1)); [ $i -lt 4000 ] || exit 1;"
        " sleep 0.01; done 2>/dev/null; for d in /sys/fs/cgroup/*/oci-tests/%s; do"
        " rmdir $d 2>/dev/null; done; rmdir /sys/fs/cgroup/oci-tests/%s 2>/dev/null; true",
        dir, dir, box.id, box.id);
    cr_expect_eq(system(command), 0, "groups are left");
}

/* As buildah's --cgroup-parent, which is the cgroupsPath as it stands. */
Test(oci_parents, what_others_have_in_its_group_is_left_alone)
{
    char dir[300], command[700];
    cr_assert_not_null(a_hierarchy(dir));
    pid_t theirs = sleep_below(dir);
    cr_assert(state_until(is_below, &theirs));
    ocibox_script("sleep 1000");
    ocibox_create();
    EXPECT_OK("start", box.id);
    EXPECT_OK("kill", "--all", box.id, "KILL");
    cr_expect(state_until(ocibox_has_stopped, NULL));
    EXPECT_OK("kill", "--all", box.id, "KILL");
    EXPECT_OK("delete", box.id);
    EXPECT_OK("create", "--bundle", box.bundle, box.id);
    EXPECT_OK("delete", "--force", box.id);
    cr_expect_eq(kill(theirs, 0), 0, "somebody else's process was killed");
    snprintf(command, sizeof(command), "! ls -d %s/%s 2>/dev/null", dir, box.id);
    cr_expect_eq(system(command), 0, "its own group is left");
    end_theirs(theirs, dir);
    ocibox_nothing_left("a parent");
}

/* Somebody moves in later. */
static pid_t who_moves_in(char dir[300])
{
    cr_assert_not_null(a_hierarchy(dir));
    ocibox_script("sleep 1000");
    ocibox_create();
    pid_t theirs = sleep_below(dir);
    cr_assert(state_until(is_below, &theirs));
    return theirs;
}

Test(oci_parents, who_moves_into_its_group_outlives_it)
{
    char dir[300];
    pid_t theirs = who_moves_in(dir);
    EXPECT_OK("delete", "--force", box.id);
    cr_expect_eq(kill(theirs, 0), 0, "somebody else's process was killed");
    end_theirs(theirs, dir);
    ocibox_nothing_left("a parent");
}

Test(oci_parents, who_moves_in_outlives_a_kill_of_all)
{
    char dir[300];
    pid_t theirs = who_moves_in(dir);
    EXPECT_OK("kill", "--all", box.id, "KILL");
    cr_expect(state_until(ocibox_has_stopped, NULL));
    cr_expect_eq(kill(theirs, 0), 0, "somebody else's process was killed");
    EXPECT_OK("delete", box.id);
    end_theirs(theirs, dir);
    ocibox_nothing_left("a parent");
}
