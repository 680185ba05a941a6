/* A PATH could name a program of anybody's; so could a directory that others may write
 * to. */

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/trust.h"
#include "engine/tool/internal.h"

static const char *const NAMES[] = {[TOOL_SKOPEO] = "skopeo", [TOOL_BUILDAH] = "buildah"};
static const char *const PLACES[] = {"/usr/bin", "/usr/local/bin", "/bin"};

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

int tool_find(enum tool t, char ret[TOOL_PATH_SIZE], struct mtd_error *err)
{
    mode_t mode;
    for (size_t i = 0; i < ARRAY_SIZE(PLACES); i++) {
        snprintf(ret, TOOL_PATH_SIZE, "%s/%s", PLACES[i], NAMES[t]);
        if (is_program(ret))
            return trust_path(ret, &mode, err);
    }
    return mtd_fail(err, ENOENT, "%s is not installed; apt install %s", NAMES[t],
                    NAMES[t]);
}

int tool_check(enum tool t, struct mtd_error *err)
{
    char path[TOOL_PATH_SIZE];
    return tool_find(t, path, err);
}
