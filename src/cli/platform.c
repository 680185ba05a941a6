#include "cli/platform.h"

#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"

/* Where it is not the kernel's name. */
static const char *const NAMES[][2] = {
    {"x86_64", "amd64"},        {"aarch64", "arm64"}, {"armv7l", "arm"},
    {"armv6l", "arm"},          {"i686", "386"},      {"i386", "386"},
    {"loongarch64", "loong64"},
};

const char *platform_architecture(void)
{
    static struct utsname host;
    if (uname(&host) < 0)
        return "";
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
        if (strcmp(host.machine, NAMES[i][0]) == 0)
            return NAMES[i][1];
    return host.machine;
}
