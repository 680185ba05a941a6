/* A start's error says in which stage it failed, and one step of init, "rootfs", has
 * several: so the files of this room set the stage along with the sentence. */

#include "engine/rootfs/internal.h"

#include <stdarg.h>
#include <stdio.h>

int rootfs_fail(struct mtd_error *err, enum mtd_stage stage, int code, const char *fmt,
                ...)
{
    char text[sizeof(err->text)];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    int rc = mtd_fail_errno(err, code, "%s", text);
    if (err && err->stage == MTD_STAGE_NONE)
        err->stage = (int)stage;
    return rc;
}
