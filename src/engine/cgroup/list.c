/* check and sweep look for groups that no record mentions, so these are found by name
 * alone. */

#include "engine/cgroup/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"

static int list_dir(const char *mount, struct strv *ret)
{
    char path[4352];
    snprintf(path, sizeof(path), "%s/" CGROUP_PARENT, mount);
    int fd = fs_open_dir_at(AT_FDCWD, path);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    auto_dir DIR *dir = fdopendir(fd);
    int code = 0;
    for (const struct dirent *e; code == 0 && dir && (e = readdir(dir));)
        if (hex_is_valid(e->d_name, MTD_ID_LEN) && !strv_contains(ret, e->d_name))
            code = strv_add(ret, e->d_name);
    return code;
}

int cgroup_list(const struct cgroup *host, struct strv *ret)
{
    int code = 0;
    for (size_t i = 0; i < host->n && code == 0; i++)
        code = list_dir(host->dirs[i].path, ret);
    return code;
}

/* Goes through the lines of a record: a v2 group that is alone does more than one next to
 * v1 groups, and cgroup_open() works that out. */
int cgroup_open_at(struct cgroup *ret, const struct cgroup *host, const char *path,
                   struct mtd_error *err)
{
    auto_done(strv_done) struct strv lines = {0};
    auto_done(cgroup_done) struct cgroup found = {0};
    for (size_t i = 0; i < host->n; i++) {
        struct cgroup_dir *d = &found.dirs[found.n];
        int code = cgroup_below(d, &host->dirs[i], path);
        if (code < 0)
            return mtd_fail_errno(err, -code, "cannot name the group %s", path);
        if (faccessat(AT_FDCWD, d->path, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
            found.n++;
        else
            cgroup_dir_done(d);
    }
    int code = cgroup_describe(&found, &lines);
    if (code < 0)
        return mtd_fail_errno(err, -code, "cannot search for the control groups %s",
                              path);
    return cgroup_open(ret, &lines, err);
}

int cgroup_open_id(struct cgroup *ret, const struct cgroup *host, const char *id,
                   struct mtd_error *err)
{
    char path[CGROUP_PATH_SIZE];
    int code = cgroup_path_of(id, path, sizeof(path), err);
    return code < 0 ? code : cgroup_open_at(ret, host, path, err);
}
