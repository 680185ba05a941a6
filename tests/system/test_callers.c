/* Those who start containers through an OCI runtime, with this program below them: a script of
 * tests/callers each, in namespaces of its own. Needs root and the caller. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/ocibox.h"

#define SKIPPED 77

/* What its containers were in, which are callers' to make, and the parent of these. */
static bool groups_are_gone(void *arg)
{
    char command[300];
    (void)arg;
    snprintf(command, sizeof(command),
             "for d in $(ls -d /sys/fs/cgroup/oci-tests/%s /sys/fs/cgroup/*/oci-tests/%s "
             "2>/dev/null); do find $d -depth -type d -exec rmdir {} + 2>/dev/null; done;"
             "! ls -d /sys/fs/cgroup/oci-tests/%s /sys/fs/cgroup/*/oci-tests/%s "
             ">/dev/null 2>&1",
             box.id, box.id, box.id, box.id);
    return system(command) == 0;
}

static void tear_down(void)
{
    if (box.state.dir.path[0])
        cr_expect(state_until(groups_are_gone, NULL), "groups are left");
    ocibox_done();
}

/* What they do takes a minute of two processors, and is mostly their own work. */
static void set_up(void)
{
#ifdef __SANITIZE_ADDRESS__
    cr_skip("the release runs these; podman's and the OCI suites run here too");
#endif
    ocibox_make();
}

TestSuite(callers, .init = set_up, .fini = tear_down, .timeout = 600);

/* All processes end with the first one of their PID namespace. */
static struct outcome call(const char *script, const char *dir)
{
    struct running r = {.out = memfd_create("out", MFD_CLOEXEC),
                        .err = memfd_create("err", MFD_CLOEXEC)};
    char root[200], path[200];
    snprintf(root, sizeof(root), "%s/rootfs", box.bundle);
    snprintf(path, sizeof(path), "%s/callers/%s", MTD_TESTS_DIR, script);
    r.pid = fork();
    if (r.pid == 0) {
        dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
        dup2(r.out, 1);
        dup2(r.err, 2);
        execlp("unshare", "unshare", "-n", "-m", "-p", "-f", "--kill-child",
               "--mount-proc", "--propagation", "private", path, MTD_PROGRAM, root, dir,
               box.id, NULL);
        _exit(127);
    }
    return state_end(&r);
}

static void try(const char *script)
{
    char dir[160], link[200];
    snprintf(dir, sizeof(dir), "%s/%s", box.state.dir.path, script);
    snprintf(link, sizeof(link), "%s/mytop-runc", dir);
    cr_assert_eq(mkdir(dir, 0755), 0);
    cr_assert_eq(symlink(MTD_PROGRAM, link), 0);
    struct outcome o = call(script, dir);
    const char *said = o.out;
    if (o.status == SKIPPED)
        cr_skip("%s", said);
    cr_expect(o.status == 0 && strcmp(said, "done\n") == 0, "%d\n%s%s", o.status, said,
              o.err);
    outcome_done(&o);
}

Test(callers, dockerd_has_it_as_its_default)
{
    try("dockerd");
}

Test(callers, conmon_alone_has_the_pid_and_the_status)
{
    try("conmon");
}

Test(callers, ctr_runs_and_looks_at_tasks)
{
    try("ctr");
}

Test(callers, a_kubelet_makes_pods_by_containerds_cri)
{
    try("cri");
}

Test(callers, pods_have_a_network_of_their_own_by_cni)
{
    try("cri-net");
}

Test(callers, an_ordinary_users_podman_has_a_range_of_ids)
{
    try("podman-rootless");
}

Test(callers, buildah_builds_below_a_group)
{
    try("buildah");
}
