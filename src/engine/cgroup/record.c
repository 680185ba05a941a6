/* The groups of a running container are in its record, because the host's hierarchies may
 * be mounted differently by the time they are needed. The v2 line names no controllers:
 * the group itself says which it has, and a record could be out of date. */

#include "engine/cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define V2_PREFIX "unified"

int cgroup_describe(const struct cgroup *c, struct strv *ret)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct cgroup_dir *d = &c->dirs[i];
        char line[4352];
        const char *names = d->v2 ? V2_PREFIX : d->names;
        if (snprintf(line, sizeof(line), "%s:%s", names, d->path) >= (int)sizeof(line))
            return -ENAMETOOLONG;
        int code = strv_add(ret, line);
        if (code < 0)
            return code;
    }
    return 0;
}

int cgroup_describe_at(const struct cgroup *host, const char *path, struct strv *ret)
{
    struct cgroup c = {0};
    int code = 0;
    for (size_t i = 0; i < host->n && code == 0; i++)
        code = cgroup_below(&c.dirs[c.n++], &host->dirs[i], path);
    if (code == 0)
        code = cgroup_describe(&c, ret);
    cgroup_done(&c);
    return code;
}

bool cgroup_line_has(const char *line, enum cgroup_controller which, bool *ret_v2)
{
    const char *colon = strchr(line, ':');
    char names[128];
    if (!colon || colon[1] != '/' || (size_t)(colon - line) >= sizeof(names))
        return false;
    snprintf(names, sizeof(names), "%.*s", (int)(colon - line), line);
    *ret_v2 = strcmp(names, V2_PREFIX) == 0;
    return *ret_v2 ? !cgroup_v2_names[which]
                   : cgroup_has_word(names, cgroup_v1_names[which]);
}

/* A group that does not exist keeps its place with fd -1: an older program made a cpuset's
 * when a limit asked for it, which is then at that path. */
static int open_recorded(struct cgroup *c, const char *line)
{
    const char *colon = strchr(line, ':');
    if (!colon || colon[1] != '/' || c->n == CGROUP_MAX_DIRS)
        return -EINVAL;
    struct cgroup_dir *d = &c->dirs[c->n];
    *d = (struct cgroup_dir){.fd = -1, .v2 = strncmp(line, V2_PREFIX ":", 8) == 0};
    c->n++;
    d->names = d->v2 ? NULL : strndup(line, (size_t)(colon - line));
    d->path = strdup(colon + 1);
    if (!d->path || (!d->v2 && !d->names))
        return -ENOMEM;
    d->controllers = d->v2 ? 0 : cgroup_v1_bits(d->names);
    d->fd = open(d->path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return d->fd >= 0 || errno == ENOENT ? 0 : -errno;
}

static void open_controllers(struct cgroup *c)
{
    char list[512] = "";
    const struct cgroup_dir *unified = cgroup_unified(c);
    if (unified &&
        fs_read_small_at(unified->fd, "cgroup.controllers", list, sizeof(list)) < 0)
        list[0] = '\0';
    cgroup_share(c, list);
}

int cgroup_open(struct cgroup *ret, const struct strv *recorded, struct mtd_error *err)
{
    struct cgroup c = {0};
    for (size_t i = 0; i < recorded->len; i++) {
        int code = open_recorded(&c, recorded->items[i]);
        if (code < 0) {
            cgroup_done(&c);
            return mtd_fail_errno(err, -code, "cannot open the control group \"%s\"",
                                  recorded->items[i]);
        }
    }
    open_controllers(&c);
    *ret = c;
    return 0;
}
