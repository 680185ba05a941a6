/* The runtime is killed at each of its steps. Needs root and fault points. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../support/ocibox.h"
#include "../support/stopped.h"

TestSuite(oci_killed, .init = ocibox_make, .fini = ocibox_done, .timeout = 60);

static bool has_faults(void)
{
#ifdef MTD_FAULTS
    return true;
#else
    return false;
#endif
}

/* Its init is there already, and listens. */
Test(oci_killed, until_create_has_succeeded_it_is_creating)
{
    if (!has_faults())
        cr_skip("needs fault points");
    ocibox_script("sleep 1000");
    ocibox_save();
    box.state.fault = "oci.release:stop";
    struct running create = BEGIN(&box.state, "oci", "--root", box.root, "create",
                                  "--bundle", box.bundle, box.id);
    box.state.fault = NULL;
    cr_assert_eq(stopped_await(create.pid), create.pid);
    cr_expect(ocibox_is("creating"));
    ocibox_refused(OCI("start", box.id), 1, "that is being created");
    ocibox_refused(OCI("delete", box.id), 1, "that is not stopped: creating");
    kill(create.pid, SIGKILL);
    struct outcome o = state_end(&create);
    outcome_done(&o);
    cr_expect(state_until(ocibox_has_stopped, NULL), "its init has no more to wait for");
    EXPECT_OK("delete", box.id);
    ocibox_nothing_left("a killed create");
}

/* Whatever has been made by then, a deletion by force finds it. */
Test(oci_killed, killed_at_each_step_it_can_be_deleted, .timeout = 120)
{
    static const char *const POINTS[] = {
        "oci.config",       "oci.prepare",   "oci.claim",         "oci.gate",
        "oci.cgroup",       "oci.clone",     "oci.runtimehooks",  "oci.publish",
        "oci.release",      "oci.announce",  "create.hide",       "create.join",
        "create.inherited", "create.tree",   "create.mounted",    "create.go",
        "create.hooks",     "create.names",  "create.parameters", "create.enter",
        "create.session",   "create.stdio",  "create.identity",   "create.program",
        "create.gate",      "delete.killed", "delete.groups",     "delete.hooks",
    };
    if (!has_faults())
        cr_skip("needs fault points");
    ocibox_script("sleep 1000");
    ocibox_hook("prestart", "true");
    ocibox_save();
    for (size_t i = 0; i < sizeof(POINTS) / sizeof(POINTS[0]); i++) {
        char fault[64];
        snprintf(fault, sizeof(fault), "%s:kill", POINTS[i]);
        box.state.fault = fault;
        struct outcome o = OCI("create", "--bundle", box.bundle, box.id);
        bool created = o.status == 0;
        outcome_done(&o);
        o = OCI("delete", "--force", box.id); /* is killed as well at its own points */
        outcome_done(&o);
        box.state.fault = NULL;
        EXPECT_OK("delete", "--force", box.id);
        ocibox_nothing_left(POINTS[i]);
        cr_expect_eq(created, strncmp(POINTS[i], "delete", 6) == 0, "%s", POINTS[i]);
        if (!created) {
            EXPECT_OK("create", "--bundle", box.bundle, box.id);
            EXPECT_OK("delete", "--force", box.id);
        }
    }
}
