/* passwd and group come from the image and cannot be trusted: they are read with limits,
 * a malformed line is skipped, and a number is a number. Rules and messages are docker's
 * (moby/sys/user), which however takes a number that does not fit an int for a name. */

#include "engine/confine/user.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"

#define USER_FILE_MAX (1u << 20)
#define USER_LINES_MAX 65536
#define USER_ID_MAX 4294967294u /* (uid_t)-1 means "do not change" to the kernel */
#define USER_FIELDS 7

/* One line, split at the colons. */
struct entry {
    char *field[USER_FIELDS];
    size_t n;
};

/* The position in the text of a file. */
struct lines {
    char *at, *end;
    unsigned seen;
};

static int read_regular(int fd, struct buf *ret)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EINVAL;
    if (st.st_size > USER_FILE_MAX)
        return -EFBIG;
    size_t size = (size_t)st.st_size;
    int rc = buf_reserve(ret, size);
    while (rc == 0 && ret->len < size) {
        ssize_t n = read(fd, ret->data + ret->len, size - ret->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : 0;
        ret->len += (size_t)n;
    }
    return rc;
}

/* A missing file counts as empty. */
static int load(int root_fd, const char *path, struct buf *ret, struct mtd_error *err)
{
    auto_fd int fd =
        fs_open_in_root(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);
    if (fd == -ENOENT || fd == -ENOTDIR)
        return 0;
    int rc = fd < 0 ? fd : read_regular(fd, ret);
    if (rc == -EINVAL)
        return mtd_fail(err, EINVAL, "%s of the container is not a regular file", path);
    if (rc == -EFBIG)
        return mtd_fail(err, EFBIG, "%s of the container is larger than 1 MiB", path);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot read %s of the container", path) : 0;
}

static bool next_entry(struct lines *l, struct entry *e)
{
    if (l->at >= l->end || ++l->seen > USER_LINES_MAX)
        return false;
    char *stop = memchr(l->at, '\n', (size_t)(l->end - l->at));
    if (!stop)
        stop = l->end;
    *stop = '\0';
    e->n = 0;
    char *rest = l->at;
    while (rest && e->n < USER_FIELDS)
        e->field[e->n++] = strsep(&rest, ":");
    l->at = stop + 1;
    return true;
}

static bool is_number(const char *s)
{
    return *s && s[strspn(s, "0123456789")] == '\0';
}

static int parse_id(const char *s, uint32_t *ret)
{
    uint64_t value;
    if (!is_number(s) || parse_u64(s, USER_ID_MAX, &value) < 0)
        return -ERANGE;
    *ret = (uint32_t)value;
    return 0;
}

/* The caller's "user:group", split. */
struct request {
    char text[512];
    char *user, *group; /* group: "" = not given */
};

static int parse_request(const char *spec, struct request *ret, struct mtd_error *err)
{
    static char none[] = "";
    if (snprintf(ret->text, sizeof(ret->text), "%s", spec) >= (int)sizeof(ret->text))
        return mtd_fail(err, EINVAL, "user: longer than %zu bytes",
                        sizeof(ret->text) - 1);
    char *rest = ret->text;
    ret->user = strsep(&rest, ":");
    ret->group = rest ? rest : none;
    if (strchr(ret->group, ':'))
        return mtd_fail(err, EINVAL, "user %s: user:group may have only one ':'", spec);
    return 0;
}

static void set_home(struct user *u, const char *home)
{
    if (home[0] != '/' ||
        snprintf(u->home, sizeof(u->home), "%s", home) >= (int)sizeof(u->home))
        snprintf(u->home, sizeof(u->home), "/");
}

/* Sets uid, gid and home from the first line that matches name or, if that is NULL,
 * u->uid. */
static bool find_user(struct buf *passwd, const char *name, struct user *u,
                      char **ret_name)
{
    struct lines l = {.at = passwd->data, .end = passwd->data + passwd->len};
    struct entry e;
    while (next_entry(&l, &e)) {
        uint32_t uid, gid;
        if (e.n < 4 || !e.field[0][0] || parse_id(e.field[2], &uid) < 0 ||
            parse_id(e.field[3], &gid) < 0)
            continue;
        if (name ? strcmp(e.field[0], name) != 0 : uid != u->uid)
            continue;
        u->uid = uid;
        u->gid = gid;
        set_home(u, e.n > 5 ? e.field[5] : "");
        *ret_name = e.field[0];
        return true;
    }
    return false;
}

static int resolve_user(struct buf *passwd, const char *asked, struct user *u,
                        char **ret_name, struct mtd_error *err)
{
    const char *name = NULL;
    if (is_number(asked)) {
        if (parse_id(asked, &u->uid) < 0)
            return mtd_fail(err, EINVAL, "user %s: uids are between 0 and %u", asked,
                            USER_ID_MAX);
    } else if (*asked) {
        name = asked;
    }
    if (!find_user(passwd, name, u, ret_name) && name)
        return mtd_fail(err, ENOENT,
                        "unable to find user %s: no matching entries in passwd "
                        "file",
                        asked);
    return 0;
}

static bool is_member(char *members, const char *name)
{
    for (char *m = strsep(&members, ","); m; m = strsep(&members, ","))
        if (strcmp(m, name) == 0)
            return true;
    return false;
}

static int add_group(struct user *u, gid_t gid)
{
    for (size_t i = 0; i < u->n_groups; i++)
        if (u->groups[i] == gid)
            return 0;
    if (u->n_groups == USER_MAX_GROUPS)
        return -E2BIG;
    u->groups[u->n_groups++] = gid;
    return 0;
}

static int add_memberships(struct buf *group, const char *name, struct user *u,
                           struct mtd_error *err)
{
    struct lines l = {.at = group->data, .end = group->data + group->len};
    struct entry e;
    uint32_t gid;
    while (next_entry(&l, &e)) {
        if (e.n < 4 || parse_id(e.field[2], &gid) < 0 || !is_member(e.field[3], name))
            continue;
        if (add_group(u, gid) < 0)
            return mtd_fail(err, E2BIG, "user %s is in more than %d groups", name,
                            USER_MAX_GROUPS - 1);
    }
    return 0;
}

static int find_group(struct buf *group, const char *name, gid_t *ret,
                      struct mtd_error *err)
{
    struct lines l = {.at = group->data, .end = group->data + group->len};
    struct entry e;
    uint32_t gid;
    while (next_entry(&l, &e))
        if (e.n >= 3 && strcmp(e.field[0], name) == 0 &&
            parse_id(e.field[2], &gid) == 0) {
            *ret = gid;
            return 0;
        }
    return mtd_fail(err, ENOENT,
                    "unable to find group %s: no matching entries in group file", name);
}

/* The primary group is one of the supplementary groups as well, so that a process cannot
 * get rid of it by running a setgid program (CVE-2022-36109). */
static int resolve_groups(int root_fd, const char *asked, const char *name,
                          struct user *u, struct mtd_error *err)
{
    auto_done(buf_done) struct buf group = {0};
    if (is_number(asked)) {
        if (parse_id(asked, &u->gid) < 0)
            return mtd_fail(err, EINVAL, "group %s: gids are between 0 and %u", asked,
                            USER_ID_MAX);
        return add_group(u, u->gid);
    }
    int r = *asked || name ? load(root_fd, "/etc/group", &group, err) : 0;
    if (r == 0 && *asked)
        r = find_group(&group, asked, &u->gid, err);
    if (r == 0)
        r = add_group(u, u->gid);
    if (r == 0 && !*asked && name)
        r = add_memberships(&group, name, u, err);
    return r;
}

int user_resolve(int root_fd, const char *spec, struct user *ret, struct mtd_error *err)
{
    struct user u = {.home = "/"};
    struct request request;
    auto_done(buf_done) struct buf passwd = {0};
    char *name = NULL;
    int rc = parse_request(spec ? spec : "", &request, err);
    if (rc == 0)
        rc = load(root_fd, "/etc/passwd", &passwd, err);
    if (rc == 0)
        rc = resolve_user(&passwd, request.user, &u, &name, err);
    if (rc == 0)
        rc = resolve_groups(root_fd, request.group, name, &u, err);
    if (rc == 0)
        *ret = u;
    return rc;
}

static int add_one_group(int root_fd, const char *asked, struct user *u,
                         struct mtd_error *err)
{
    auto_done(buf_done) struct buf group = {0};
    uint32_t gid = 0;
    int r = 0;
    if (is_number(asked)) {
        if (parse_id(asked, &gid) < 0)
            return mtd_fail(err, EINVAL, "group %s: gids are between 0 and %u", asked,
                            USER_ID_MAX);
    } else {
        r = load(root_fd, "/etc/group", &group, err);
        if (r == 0)
            r = find_group(&group, asked, &gid, err);
    }
    if (r == 0 && add_group(u, gid) < 0)
        return mtd_fail(err, E2BIG, "the user is in more than %d groups",
                        USER_MAX_GROUPS - 1);
    return r;
}

int user_add_groups(int root_fd, const struct strv *groups, struct user *u,
                    struct mtd_error *err)
{
    int r = 0;
    for (size_t i = 0; i < groups->len && r == 0; i++)
        r = add_one_group(root_fd, groups->items[i], u, err);
    return r;
}
