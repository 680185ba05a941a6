/* main - chooses by argv[0] which of seven programs this process is: the command line and
 * the dashboard, an OCI runtime, the monitor, the health checker, the command side of exec (whose
 * constructor has already joined the container), the reaping pid 1 of --init, or what compresses
 * logs. One executable, because the engine starts all of them by executing itself. */

#include <jansson.h>
#include <string.h>
#include <sys/random.h>

#include "cli/cli.h"
#include "cli/oci.h"
#include "engine/health/health.h"
#include "engine/inside/inside.h"
#include "engine/log/pack.h"
#include "engine/monitor/monitor.h"
#include "nsenter/nsenter.h"
#include "ui/ui.h"

static const struct {
    const char *name;
    int (*main)(int argc, char **argv);
} FACES[] = {
    {MONITOR_NAME, monitor_main},       {HEALTH_NAME, health_main},
    {NSENTER_NAME, inside_exec_main},   {INSIDE_REAPER_NAME, inside_reaper_main},
    {LOG_PACKER_NAME, log_packer_main},
};

/* jansson would read it from a file. */
static void seed_hashes(void)
{
    size_t seed = 0;
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) == sizeof(seed))
        json_object_seed(seed | 1); /* 0 asks for one */
}

int main(int argc, char **argv)
{
    seed_hashes();
    for (size_t i = 0; argc > 0 && i < sizeof(FACES) / sizeof(FACES[0]); i++)
        if (strcmp(argv[0], FACES[i].name) == 0)
            return FACES[i].main(argc, argv);
    if (argc > 0 && oci_is_name(argv[0]))
        return oci_main(argc, argv, argv);
    return cli_main(argc, argv, ui_main);
}
