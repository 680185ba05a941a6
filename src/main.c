/* main - chooses by argv[0] which of five programs this process is: the command line and
 * the dashboard, the monitor, the health checker, the command side of exec (whose
 * constructor has already joined the container), or the reaping pid 1 of --init. One
 * executable, because the engine starts all of them by executing itself. */

#include <string.h>

#include "cli/cli.h"
#include "engine/health/health.h"
#include "engine/inside/inside.h"
#include "engine/monitor/monitor.h"
#include "nsenter/nsenter.h"
#include "ui/ui.h"

static const struct {
    const char *name;
    int (*main)(int argc, char **argv);
} FACES[] = {
    {MONITOR_NAME, monitor_main},
    {HEALTH_NAME, health_main},
    {NSENTER_NAME, inside_exec_main},
    {INSIDE_REAPER_NAME, inside_reaper_main},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 0 && i < sizeof(FACES) / sizeof(FACES[0]); i++)
        if (strcmp(argv[0], FACES[i].name) == 0)
            return FACES[i].main(argc, argv);
    return cli_main(argc, argv, ui_main);
}
