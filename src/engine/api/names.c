/* What a directory of a running container holds, for completion: looked at from outside, nothing
 * of the container's runs. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/api/internal.h"
#include "engine/api/tree.h"

#define MAX_NAMES 4096

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list(const struct api_tree *tree, const char *path, struct strv *ret,
                struct mtd_error *err)
{
    char name[NAME_MAX + 2];
    auto_done(fs_dir_done) struct fs_dir dir;
    int fd =
        fs_open_in_root(tree->root_fd, path[0] ? path : "/", O_RDONLY | O_DIRECTORY, 0);
    fs_dir_init(&dir, fd < 0 ? -1 : fd);
    int rc = fd < 0 ? fd : 0;
    for (const struct dirent64 *d; rc == 0 && (d = fs_dir_next(&dir));) {
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        snprintf(name, sizeof(name), "%s%s", d->d_name, d->d_type == DT_DIR ? "/" : "");
        rc = ret->len < MAX_NAMES ? strv_add(ret, name) : -E2BIG;
    }
    rc = rc == 0 ? dir.error : rc;
    if (ret->len > 1)
        qsort(ret->items, ret->len, sizeof(*ret->items), compare);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot list %.200s", path) : 0;
}

int mtd_names(struct mtd_engine *e, const char *ref, const char *path, struct strv *ret,
              struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    struct api_tree tree = {-1, -1};
    mtd_record_init(&r);
    int rc = container_load(e, ref, &r, NULL, err);
    if (rc == 0 && r.status.state != MTD_STATE_RUNNING)
        rc = mtd_fail(err, ESRCH, "%s is not running", r.name);
    if (rc == 0)
        rc = api_tree_open(e, &r, false, &tree, err);
    if (rc == 0)
        rc = list(&tree, path, ret, err);
    api_tree_close(&tree);
    return rc;
}
