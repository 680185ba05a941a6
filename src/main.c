/* main - dispatch only. The program is five programs, told apart by argv[0]: the command
 * line and screen a person starts, the monitor, the health checker, the command side of
 * exec (whose constructor has already joined the container), and the reaping pid 1 of
 * --init. */

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
