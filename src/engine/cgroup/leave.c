/* A monitor would stay in the groups of whoever started it: a unit's, or those of the
 * session of somebody who logs out, and all that is in them is counted, limited and killed
 * as that unit or session. What outlives its starter goes to a group beside the
 * containers' instead. A process in a hierarchy's root group is nobody's, and stays. */

#include "engine/cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

/* A hierarchy to leave the group of. */
struct departure {
    const char *names; /* "cpu,cpuacct", "name=systemd"; "" = v2 */
    char *mount;       /* NULL = it is not mounted where we see it */
    size_t depth;
};
struct departures {
    struct departure items[PLACE_MAX];
    size_t n;
};

static void departures_done(struct departures *all)
{
    for (size_t i = 0; i < all->n; i++)
        free(all->items[i].mount);
}

/* The cpuset says only where a process may run, and its groups take none before they are
 * given CPUs. */
static bool must_leave(const char *names, const char *path)
{
    static const char OURS[] = "/" CGROUP_PARENT "/" CGROUP_MONITORS;
    size_t len = strlen(path);
    bool there =
        len >= sizeof(OURS) - 1 && strcmp(path + len - (sizeof(OURS) - 1), OURS) == 0;
    return strcmp(path, "/") != 0 && !there && strcmp(names, "cpuset") != 0;
}

/* text: /proc/PID/cgroup, lines as "4:memory:/x"; cut up in place. */
static void find_departures(struct departures *ret, char *text)
{
    char *state = NULL;
    for (char *line = strtok_r(text, "\n", &state); line && ret->n < PLACE_MAX;
         line = strtok_r(NULL, "\n", &state)) {
        char *names = strchr(line, ':');
        char *path = names ? strchr(names + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        if (must_leave(names + 1, path))
            ret->items[ret->n++] = (struct departure){.names = names + 1};
    }
}

static bool is_of(const struct cgroup_mount *m, const char *names)
{
    if (names[0] == '\0' || strcmp(m->type, "cgroup2") == 0)
        return names[0] == '\0' && strcmp(m->type, "cgroup2") == 0;
    char first[64];
    snprintf(first, sizeof(first), "%.*s", (int)strcspn(names, ","), names);
    return strcmp(m->type, "cgroup") == 0 && cgroup_has_word(m->options, first);
}

static int take_mount(void *to, const struct cgroup_mount *m)
{
    struct departures *all = to;
    for (size_t i = 0; i < all->n; i++) {
        struct departure *d = &all->items[i];
        if (!is_of(m, d->names) || (d->mount && m->depth > d->depth))
            continue;
        free(d->mount);
        d->mount = strdup(m->point);
        d->depth = m->depth;
        if (!d->mount)
            return -ENOMEM;
    }
    return 0;
}

static int open_group(const char *group, bool v2)
{
    char path[4400];
    snprintf(path, sizeof(path), "%s%s", group, v2 ? "" : "/tasks");
    int fd = open(path, (v2 ? O_PATH | O_DIRECTORY : O_WRONLY) | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* Made once, and never removed. */
static int make_group(const char *group)
{
    int rc = cgroup_make_parent(group);
    if (rc < 0)
        return rc;
    return mkdir(group, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

static int add_group(struct group_place *p, const struct departure *d,
                     struct mtd_error *err)
{
    char group[4352];
    bool v2 = d->names[0] == '\0';
    snprintf(group, sizeof(group), "%s/" CGROUP_PARENT "/" CGROUP_MONITORS, d->mount);
    int fd = open_group(group, v2);
    if (fd == -ENOENT) {
        int rc = make_group(group);
        fd = rc < 0 ? rc : open_group(group, v2);
    }
    if (fd < 0)
        return mtd_fail_errno(err, -fd, "cannot create the control group %s", group);
    if (v2)
        p->into = fd;
    else
        p->join[p->n++] = fd;
    return 0;
}

int cgroup_leave(struct group_place *ret, const char *proc_dir, struct mtd_error *err)
{
    char path[256], text[16384]; /* a line has a path */
    auto_done(departures_done) struct departures all = {0};
    auto_done(place_done) struct group_place p = PLACE_HERE;
    snprintf(path, sizeof(path), "%s/self/cgroup", proc_dir);
    int rc = fs_read_small_at(AT_FDCWD, path, text, sizeof(text));
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot read %s", path);
    find_departures(&all, text);
    rc = all.n ? cgroup_each_mount(proc_dir, take_mount, &all, err) : 0;
    for (size_t i = 0; i < all.n && rc == 0; i++)
        if (all.items[i].mount)
            rc = add_group(&p, &all.items[i], err);
    if (rc < 0)
        return rc;
    *ret = p;
    p = (struct group_place)PLACE_HERE;
    return 0;
}
