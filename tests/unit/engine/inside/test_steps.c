/* The table of steps inside the container: what it must be for both processes. */

#include <criterion/criterion.h>
#include <string.h>

#include "engine/inside/inside.h"
#include "engine/monitor/monitor.h"

/* A step of one process alone is about how that one came to be. Whatever confines the
 * command is a step of all: a step that is not listed here must be. */
static const struct {
    const char *name;
    enum inside_process process;
    const char *reason;
} ALONE[] = {
    {"inside", INSIDE_EXEC, "tells the front end its pid; the monitor has cloned init"},
    {"join", INSIDE_INITS, "exec's joiner is in the groups before it clones"},
    {"namespaces", INSIDE_BUNDLE, "a record has none by path; exec joins those of init"},
    {"inherited", INSIDE_BUNDLE,
     "the caller's descriptors; the monitor and exec have none"},
    {"tree", INSIDE_BUNDLE, "the list of a bundle; exec joins the finished mounts"},
    {"loopback", INSIDE_BUNDLE, "network, of a bundle"},
    {"mounted", INSIDE_BUNDLE, "for hooks of the runtime's, which others have not"},
    {"hooks", INSIDE_BUNDLE, "a record has no hooks"},
    {"names", INSIDE_BUNDLE, "hostname, of a bundle"},
    {"parameters", INSIDE_BUNDLE, "sysctl, of a bundle"},
    {"enter", INSIDE_BUNDLE, "pivot, of a bundle"},
    {"gate", INSIDE_BUNDLE, "only a bundle is created and started by two commands"},
    {"begin", INSIDE_BUNDLE, "a record has no hooks"},
    {"share", INSIDE_INIT, "exec's child joins the namespaces that init is in"},
    {"descriptors", INSIDE_INIT, "init is a copy of the monitor; exec's child is not"},
    {"rootfs", INSIDE_INIT, "exec joins the namespace with the finished mounts"},
    {"userns", INSIDE_INIT, "exec joins the namespace, in the constructor"},
    {"network", INSIDE_INIT, "exec joins the namespace, whose loopback is up"},
    {"go", INSIDE_INITS, "exec has no monitor"},
    {"cgroup", INSIDE_INIT, "exec joins the namespace, in the constructor"},
    {"hostname", INSIDE_INIT, "exec joins the namespace, which has its name"},
    {"sysctl", INSIDE_INIT, "exec joins the namespaces, whose parameters they are"},
    {"pivot", INSIDE_INIT, "exec joins the namespace, whose root it is"},
    {"console", INSIDE_INITS, "/dev/console is the terminal of the container"},
    {"follow", INSIDE_EXEC, "the container outlives its front end"},
};
#define N_ALONE (sizeof(ALONE) / sizeof(ALONE[0]))

static size_t find_alone(const char *name)
{
    size_t i = 0;
    while (i < N_ALONE && strcmp(ALONE[i].name, name) != 0)
        i++;
    return i;
}

Test(steps, are_for_both_processes_unless_there_is_a_reason)
{
    size_t alone = 0;
    for (size_t i = 0; inside_step_name(i); i++) {
        const char *name = inside_step_name(i);
        size_t at = find_alone(name);
        enum inside_process want = at < N_ALONE ? ALONE[at].process : INSIDE_ALL;
        cr_expect_eq(inside_step_process(i), want,
                     "step %s: of both processes, or listed with a reason", name);
        alone += at < N_ALONE;
    }
    cr_expect_eq(alone, N_ALONE, "a step listed here is not in the table");
}

Test(steps, names_are_unique)
{
    for (size_t i = 0; inside_step_name(i); i++)
        for (size_t j = 0; j < i; j++)
            cr_expect_str_neq(inside_step_name(i), inside_step_name(j));
    for (size_t i = 0; monitor_step_name(i); i++)
        for (size_t j = 0; j < i; j++)
            cr_expect_str_neq(monitor_step_name(i), monitor_step_name(j));
}

static size_t position(const char *name)
{
    size_t i = 0;
    while (inside_step_name(i) && strcmp(inside_step_name(i), name) != 0)
        i++;
    cr_assert_not_null(inside_step_name(i), "there is no step %s", name);
    return i;
}

/* What a step needs from an earlier one. */
Test(steps, are_in_the_kernels_order)
{
    static const struct {
        const char *first, *then;
    } ORDER[] = {
        {"hide", "go"},          /* nobody looks into it while it waits */
        {"join", "rootfs"},      /* what the mounts need is accounted */
        {"pivot", "user"},       /* the image's passwd */
        {"namespaces", "tree"},  /* whose mounts belong to them */
        {"tree", "go"},          /* what can fail is said by create */
        {"hooks", "enter"},      /* they see the host's tree */
        {"enter", "user"},       /* the root's passwd */
        {"program", "gate"},     /* a missing one is said by create */
        {"identity", "begin"},   /* a hook of the container has its rights */
        {"pivot", "stdio"},      /* the container's devpts and null */
        {"session", "stdio"},    /* only a leader gets a controlling terminal */
        {"user", "stdio"},       /* whose the terminal is */
        {"limits", "identity"},  /* CAP_SYS_RESOURCE */
        {"umask", "cwd"},        /* which may be made */
        {"identity", "program"}, /* looked up as the user it runs as */
        {"identity", "follow"},  /* a change of user clears the death signal */
        {"program", "close"},    /* nothing is opened afterwards */
        {"signals", "exec"},
        {"identity", "seccomp"},   /* what the filter forbids is done */
        {"privileges", "seccomp"}, /* or CAP_SYS_ADMIN, which identity leaves for it */
        {"close", "seccomp"},
    };
    for (size_t i = 0; i < sizeof(ORDER) / sizeof(ORDER[0]); i++)
        cr_expect_lt(position(ORDER[i].first), position(ORDER[i].then), "%s before %s",
                     ORDER[i].first, ORDER[i].then);
    cr_expect_eq(position("exec"), position("seccomp") + 1, "a profile may forbid it");
    cr_expect_null(inside_step_name(position("exec") + 1), "nothing comes after exec");
}
