/* Where the hierarchies are is known only from mountinfo, which every start reads: so it
 * is read in pieces into a fixed buffer, and a line is parsed only if it contains " -
 * cgroup". A host may have hundreds of mounts. */

#include "engine/cgroup/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define READ_SIZE 16384
#define NAMES_SIZE 128
#define MARK " - cgroup"

const char *const cgroup_v1_names[CGROUP_CONTROLLERS] = {
    [CGROUP_CPU] = "cpu",         [CGROUP_CPUACCT] = "cpuacct",
    [CGROUP_CPUSET] = "cpuset",   [CGROUP_MEMORY] = "memory",
    [CGROUP_DEVICES] = "devices", [CGROUP_FREEZER] = "freezer",
    [CGROUP_BLKIO] = "blkio",     [CGROUP_PIDS] = "pids",
};
const char *const cgroup_v2_names[CGROUP_CONTROLLERS] = {
    [CGROUP_CPU] = "cpu",  [CGROUP_CPUSET] = "cpuset", [CGROUP_MEMORY] = "memory",
    [CGROUP_BLKIO] = "io", [CGROUP_PIDS] = "pids",
};

bool cgroup_has_word(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = list; *p;) {
        size_t n = strcspn(p, " ,\n");
        if (n == len && memcmp(p, word, n) == 0)
            return true;
        p += n;
        p += strspn(p, " ,\n");
    }
    return false;
}

/* Decodes "\040" and its like, in place. */
static void unescape(char *s)
{
    char *out = s;
    for (; *s; out++) {
        bool octal = s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' &&
                     s[2] <= '7' && s[3] >= '0' && s[3] <= '7';
        *out = octal ? (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0')) : *s;
        s += octal ? 4 : 1;
    }
    *out = '\0';
}

/* "34 31 0:31 ROOT POINT opts [tags] - TYPE source OPTIONS", cut up in place. */
static bool parse_line(char *line, char *mark, struct cgroup_mount *ret)
{
    *mark = '\0';
    char *state = NULL;
    char *field[5];
    for (size_t i = 0; i < ARRAY_SIZE(field); i++) {
        field[i] = strtok_r(i == 0 ? line : NULL, " ", &state);
        if (!field[i])
            return false;
    }
    ret->point = field[4];
    ret->type = strtok_r(mark + 3, " ", &state);
    if (!strtok_r(NULL, " ", &state))
        return false;
    ret->options = strtok_r(NULL, " ", &state);
    unescape(field[4]);
    ret->depth = strcmp(field[3], "/") == 0 ? 0 : strlen(field[3]);
    return ret->options != NULL;
}

unsigned cgroup_v1_bits(const char *names)
{
    unsigned bits = 0;
    for (int i = 0; i < CGROUP_CONTROLLERS; i++)
        if (cgroup_has_word(names, cgroup_v1_names[i]))
            bits |= CGROUP_BIT(i);
    return bits;
}

/* All that v1 ever had: other options of the mount ("xattr", "seclabel") are no names. */
static bool is_hierarchy_name(const char *word)
{
    static const char *const MORE[] = {"hugetlb", "net_cls", "net_prio", "perf_event",
                                       "rdma",    "misc",    "dmem",     "debug"};
    bool known = strncmp(word, "name=", 5) == 0 || cgroup_v1_bits(word) != 0;
    for (size_t i = 0; i < ARRAY_SIZE(MORE); i++)
        known |= strcmp(word, MORE[i]) == 0;
    return known;
}

/* "rw,xattr,name=systemd" to "name=systemd". */
static void take_names(const char *options, char *ret, size_t size)
{
    char word[NAMES_SIZE];
    size_t used = 0;
    ret[0] = '\0';
    for (const char *p = options; *p; p += *p == ',') {
        size_t n = strcspn(p, ",");
        snprintf(word, sizeof(word), "%.*s", (int)n, p);
        p += n;
        if (is_hierarchy_name(word) && used + n + 2 <= size)
            used +=
                (size_t)snprintf(ret + used, size - used, "%s%s", used ? "," : "", word);
    }
}

static bool is_same(const struct cgroup_dir *d, bool v2, const char *names)
{
    return d->v2 == v2 && (v2 || strcmp(d->names, names) == 0);
}

struct found {
    struct cgroup host;
    size_t depths[CGROUP_MAX_DIRS]; /* parallel to host.dirs */
};

/* A hierarchy may be mounted several times: the mount that shows most of it wins, and
 * among equals the last, which may be on top of the others. */
static int take_mount(void *to, const struct cgroup_mount *m)
{
    struct cgroup *ret = &((struct found *)to)->host;
    size_t *depths = ((struct found *)to)->depths;
    bool v2 = strcmp(m->type, "cgroup2") == 0;
    char names[NAMES_SIZE] = "";
    if (!v2 && strcmp(m->type, "cgroup") == 0)
        take_names(m->options, names, sizeof(names));
    if (!v2 && !*names)
        return 0;
    size_t i = 0;
    while (i < ret->n && !is_same(&ret->dirs[i], v2, names))
        i++;
    if (i < ret->n && m->depth > depths[i])
        return 0;
    if (i == CGROUP_MAX_DIRS)
        return -E2BIG;
    struct cgroup_dir *d = &ret->dirs[i];
    auto_free char *path = strdup(m->point);
    if (i == ret->n)
        *d = (struct cgroup_dir){.controllers = cgroup_v1_bits(names),
                                 .v2 = v2,
                                 .names = v2 ? NULL : strdup(names),
                                 .fd = -1};
    ret->n += i == ret->n;
    if (!path || (!v2 && !d->names))
        return -ENOMEM;
    free(d->path);
    d->path = take_ptr(&path);
    depths[i] = m->depth;
    return 0;
}

static int take_line(char *line, cgroup_take_fn take, void *to)
{
    struct cgroup_mount m;
    char *mark = strstr(line, MARK);
    return mark && parse_line(line, mark, &m) ? take(to, &m) : 0;
}

/* Calls take_line for each whole line. One longer than the buffer, an overlay's, is
 * dropped. */
static int scan(int fd, cgroup_take_fn take, void *to)
{
    char buf[READ_SIZE];
    size_t have = 0;
    ssize_t n;
    while ((n = read(fd, buf + have, sizeof(buf) - have)) > 0) {
        have += (size_t)n;
        char *line = buf, *end;
        while ((end = memchr(line, '\n', have - (size_t)(line - buf)))) {
            *end = '\0';
            int code = take_line(line, take, to);
            if (code < 0)
                return code;
            line = end + 1;
        }
        have -= (size_t)(line - buf);
        memmove(buf, line, have);
        if (have == sizeof(buf))
            have = 0;
    }
    return n < 0 ? -errno : 0;
}

/* What v2 does without a controller, on every kernel that this runs on. */
#define V2_ITSELF (CGROUP_BIT(CGROUP_FREEZER) | CGROUP_BIT(CGROUP_CPUACCT))

void cgroup_share(struct cgroup *c, const char *list)
{
    unsigned v1 = 0;
    struct cgroup_dir *unified = NULL;
    for (size_t i = 0; i < c->n; i++) {
        if (c->dirs[i].v2)
            unified = &c->dirs[i];
        else
            v1 |= c->dirs[i].controllers;
    }
    if (!unified)
        return;
    for (size_t i = 0; i < c->n; i++)
        if (!c->dirs[i].v2)
            c->dirs[i].controllers &= ~V2_ITSELF;
    unified->controllers |= V2_ITSELF;
    for (int i = 0; i < CGROUP_CONTROLLERS; i++)
        if (!cgroup_v2_names[i] || cgroup_has_word(list, cgroup_v2_names[i]))
            unified->controllers |= CGROUP_BIT(i) & ~v1;
}

static void find_v2_controllers(struct cgroup *host)
{
    char list[512] = "", path[PATH_MAX];
    for (size_t i = 0; i < host->n; i++) {
        if (!host->dirs[i].v2)
            continue;
        snprintf(path, sizeof(path), "%s/cgroup.controllers", host->dirs[i].path);
        if (fs_read_small_at(AT_FDCWD, path, list, sizeof(list)) < 0)
            list[0] = '\0';
    }
    cgroup_share(host, list);
}

static bool has_any_controller(const struct cgroup *host)
{
    bool any = false;
    for (size_t i = 0; i < host->n; i++)
        any |= host->dirs[i].v2 || host->dirs[i].controllers;
    return any;
}

int cgroup_each_mount(const char *proc_dir, cgroup_take_fn take, void *to,
                      struct mtd_error *err)
{
    char path[READ_SIZE / 4];
    snprintf(path, sizeof(path), "%s/self/mountinfo", proc_dir);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return mtd_fail_errno(err, errno, "cannot read %s/self/mountinfo", proc_dir);
    int code = scan(fd, take, to);
    if (code == -E2BIG)
        return mtd_fail(err, E2BIG, "more than %d cgroup hierarchies are mounted",
                        CGROUP_MAX_DIRS);
    return code < 0
               ? mtd_fail_errno(err, -code, "cannot read %s/self/mountinfo", proc_dir)
               : 0;
}

int cgroup_discover(struct cgroup *ret, const char *proc_dir, struct mtd_error *err)
{
    struct found found = {0};
    int code = cgroup_each_mount(proc_dir, take_mount, &found, err);
    if (code == 0 && !has_any_controller(&found.host))
        code = mtd_fail(err, EOPNOTSUPP,
                        "no cgroup file system with a controller is mounted");
    if (code < 0) {
        cgroup_done(&found.host);
        return code;
    }
    find_v2_controllers(&found.host);
    *ret = found.host;
    return 0;
}

const char *cgroup_version(const struct cgroup *host)
{
    bool v1 = false, v2 = false;
    for (size_t i = 0; i < host->n; i++) {
        v1 |= !host->dirs[i].v2;
        v2 |= host->dirs[i].v2;
    }
    return v1 && v2 ? "hybrid" : v2 ? "2" : "1";
}
