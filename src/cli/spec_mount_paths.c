/* spec_mount_paths - sources and targets, as -v and --mount give them. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "cli/spec_mounts.h"

/* "/a/./b/../c//" -> "/a/c"; relative to the working directory. */
static int set_path(char **field, const char *path, struct mtd_error *err)
{
    auto_free char *all = NULL;
    int rc = fs_absolute(path, &all);
    if (rc == 0) {
        fs_clean_path(all);
        free(*field);
        *field = take_ptr(&all);
        return 0;
    }
    if (rc == -ENOENT)
        mtd_fail(err, ENOENT, "\"%.80s\": " FS_NO_CWD, path);
    else
        mtd_fail_errno(err, rc < 0 ? -rc : ENOMEM, "\"%.80s\"", path);
    return rc < 0 ? rc : -ENOMEM;
}

int spec_mount_target(struct mtd_mount *m, const char *target, struct mtd_error *err)
{
    if (*target != '/')
        return mtd_fail(err, EINVAL,
                        "\"%.80s\" must be an absolute path in the container", target);
    int rc = set_path(&m->target, target, err);
    if (rc < 0)
        return rc;
    if (strcmp(m->target, "/") == 0)
        return mtd_fail(err, EINVAL, "the target cannot be \"/\"");
    return 0;
}

int spec_mount_source(struct mtd_mount *m, const char *source, struct mtd_error *err)
{
    struct stat st;
    bool path = *source == '/' || *source == '.';
    int rc = path ? 0 : mtd_volume_name_check(source, err);
    if (rc < 0)
        return rc;
    m->type = path ? MTD_MOUNT_BIND : MTD_MOUNT_VOLUME;
    rc = path ? set_path(&m->source, source, err) : 0;
    if (rc == 0 && !path && !(m->source = strdup(source)))
        return mtd_fail(err, ENOMEM, "out of memory");
    if (rc < 0)
        return rc;
    if (path && stat(m->source, &st) < 0)
        return mtd_fail(err, errno, "host path %.120s: %s%s", m->source, strerror(errno),
                        errno == ENOENT ? "; create it first" : "");
    return 0;
}
