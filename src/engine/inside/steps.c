/* The steps from the clone to execve, in order. A row for one or two of the processes is
 * about how that process came to be; what confines a command is a row for all, which
 * tests/unit/engine/inside/test_steps.c enforces.
 *
 * Order: init's mounts and the pivot come before everything that is looked up inside
 * (user, terminal, program). Raising limits needs CAP_SYS_RESOURCE, so they come before
 * the identity; so does the working directory, as in docker. The program is looked up as
 * the user it runs as. The filter of system calls comes last. A bundle's init waits for `start`
 * when all that can fail for the bundle's sake is done, so that `create` says it. */

#include "engine/inside/internal.h"

#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"

static const struct {
    const char *name;
    enum inside_process process;
    enum mtd_stage stage;
    inside_step *run;
} STEPS[] = {
    {"inside", INSIDE_EXEC, MTD_STAGE_CLONE, inside_exec_announce},
    {"hide", INSIDE_ALL, MTD_STAGE_CLONE, inside_hide},
    {"label", INSIDE_ALL, MTD_STAGE_CAPS, inside_label},
    {"join", INSIDE_INITS, MTD_STAGE_CGROUP, inside_init_groups},
    {"namespaces", INSIDE_BUNDLE, MTD_STAGE_CLONE, inside_bundle_namespaces},
    {"inherited", INSIDE_BUNDLE, MTD_STAGE_STDIO, inside_bundle_descriptors},
    {"share", INSIDE_INIT, MTD_STAGE_CLONE, inside_init_share},
    {"descriptors", INSIDE_INIT, MTD_STAGE_STDIO, inside_init_descriptors},
    {"rootfs", INSIDE_INIT, MTD_STAGE_ROOTFS, inside_init_rootfs},
    {"tree", INSIDE_BUNDLE, MTD_STAGE_ROOTFS, inside_bundle_tree},
    {"userns", INSIDE_INIT, MTD_STAGE_CLONE, inside_init_userns},
    {"network", INSIDE_INIT, MTD_STAGE_NETWORK, inside_init_network},
    {"loopback", INSIDE_BUNDLE, MTD_STAGE_NETWORK, inside_bundle_loopback},
    {"mounted", INSIDE_BUNDLE, MTD_STAGE_CLONE, inside_bundle_mounted},
    {"go", INSIDE_INITS, MTD_STAGE_CLONE, inside_init_go},
    {"hooks", INSIDE_BUNDLE, MTD_STAGE_CLONE, inside_bundle_hooks},
    {"names", INSIDE_BUNDLE, MTD_STAGE_HOSTNAME, inside_bundle_names},
    {"parameters", INSIDE_BUNDLE, MTD_STAGE_LIMITS, inside_bundle_sysctls},
    {"enter", INSIDE_BUNDLE, MTD_STAGE_PIVOT, inside_bundle_enter},
    {"cgroup", INSIDE_INIT, MTD_STAGE_CGROUP, inside_init_cgroup_namespace},
    {"hostname", INSIDE_INIT, MTD_STAGE_HOSTNAME, inside_init_hostname},
    {"sysctl", INSIDE_INIT, MTD_STAGE_LIMITS, inside_init_sysctls},
    {"pivot", INSIDE_INIT, MTD_STAGE_PIVOT, inside_init_pivot},
    {"session", INSIDE_ALL, MTD_STAGE_STDIO, inside_session},
    {"keyring", INSIDE_ALL, MTD_STAGE_CAPS, inside_keyring},
    {"user", INSIDE_ALL, MTD_STAGE_USER, inside_user},
    {"stdio", INSIDE_ALL, MTD_STAGE_STDIO, inside_stdio},
    {"console", INSIDE_INITS, MTD_STAGE_STDIO, inside_console},
    {"limits", INSIDE_ALL, MTD_STAGE_LIMITS, inside_limits},
    {"oom", INSIDE_ALL, MTD_STAGE_LIMITS, inside_oom_score},
    {"personality", INSIDE_ALL, MTD_STAGE_LIMITS, inside_personality},
    {"scheduling", INSIDE_ALL, MTD_STAGE_LIMITS, inside_scheduling},
    {"umask", INSIDE_ALL, MTD_STAGE_CWD, inside_umask},
    {"cwd", INSIDE_ALL, MTD_STAGE_CWD, inside_directory},
    {"identity", INSIDE_ALL, MTD_STAGE_CAPS, inside_identity},
    {"follow", INSIDE_EXEC, MTD_STAGE_CLONE, inside_exec_follow},
    {"privileges", INSIDE_ALL, MTD_STAGE_CAPS, inside_privileges},
    {"program", INSIDE_ALL, MTD_STAGE_EXEC, inside_program},
    {"gate", INSIDE_BUNDLE, MTD_STAGE_CLONE, inside_bundle_gate},
    {"begin", INSIDE_BUNDLE, MTD_STAGE_CLONE, inside_bundle_begin},
    {"signals", INSIDE_ALL, MTD_STAGE_CLONE, inside_signals},
    {"close", INSIDE_ALL, MTD_STAGE_STDIO, inside_close},
    {"seccomp", INSIDE_ALL, MTD_STAGE_CAPS, inside_seccomp},
    {"exec", INSIDE_ALL, MTD_STAGE_EXEC, inside_command},
};

static int take_step(struct inside *c, size_t i, struct mtd_error *err)
{
    int rc = fault_step(c->ops->name, STEPS[i].name);
    if (rc < 0)
        mtd_fail_errno(err, -rc, "%s.%s", c->ops->name, STEPS[i].name);
    else
        rc = STEPS[i].run(c, err);
    if (rc < 0 && err->stage == MTD_STAGE_NONE)
        err->stage = (int)STEPS[i].stage;
    return rc;
}

/* The last step returns only if it fails, so the loop ends with an error or never. */
void inside_run(struct inside *c)
{
    struct mtd_error err = {0};
    int rc = 0;
    for (size_t i = 0; i < ARRAY_SIZE(STEPS) && rc == 0; i++)
        if (STEPS[i].process & c->ops->process)
            rc = take_step(c, i, &err);
    c->ops->send_error(c, &err);
    _exit(125);
}

const char *inside_step_name(size_t i)
{
    return i < ARRAY_SIZE(STEPS) ? STEPS[i].name : NULL;
}

enum inside_process inside_step_process(size_t i)
{
    return i < ARRAY_SIZE(STEPS) ? STEPS[i].process : 0;
}
