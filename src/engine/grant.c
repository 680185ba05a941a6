/* A kernel parameter without a namespace would change the host: only those on the list pass,
 * and only where the namespace is the container's own. */

#include "engine/grant.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

#define DEPTH_MAX 8

/* Letters of "rwm", each at most once. */
static bool is_access(const char *text)
{
    size_t n = strlen(text);
    if (n == 0 || n > 3 || strspn(text, "rwm") != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (strchr(text + i + 1, text[i]))
            return false;
    return true;
}

/* Copies a part that ends before len; false = it is empty or too long. */
static bool copy_part(char *to, size_t size, const char *from, size_t len)
{
    if (len == 0 || len >= size)
        return false;
    memcpy(to, from, len);
    to[len] = '\0';
    return true;
}

static bool split_device(const char *text, struct mtd_device *d)
{
    size_t len = strcspn(text, ":");
    const char *rest = text[len] ? text + len + 1 : NULL;
    if (!copy_part(d->source, sizeof(d->source), text, len))
        return false;
    memcpy(d->target, d->source, sizeof(d->target));
    memcpy(d->access, "rwm", 4);
    if (rest && !is_access(rest)) {
        len = strcspn(rest, ":");
        if (!copy_part(d->target, sizeof(d->target), rest, len))
            return false;
        rest = rest[len] ? rest + len + 1 : NULL;
    }
    return !rest || (is_access(rest) &&
                     copy_part(d->access, sizeof(d->access), rest, strlen(rest)));
}

static bool leaves(const char *path)
{
    size_t n = strlen(path);
    return strstr(path, "/../") || (n >= 3 && strcmp(path + n - 3, "/..") == 0);
}

int mtd_device_parse(const char *text, struct mtd_device *ret, struct mtd_error *err)
{
    struct mtd_device d;
    if (!split_device(text, &d))
        return mtd_fail(
            err, EINVAL,
            "device \"%.100s\" is not HOST[:CONTAINER][:ACCESS]; ACCESS is of "
            "the letters rwm",
            text);
    if (d.source[0] != '/' || d.target[0] != '/' || leaves(d.target) || !d.target[1])
        return mtd_fail(err, EINVAL, "device \"%.100s\": both paths must be absolute",
                        text);
    *ret = d;
    return 0;
}

struct walk {
    const char *access;
    mtd_device_fn fn;
    void *arg;
    struct mtd_error *err;
};

static bool is_device(const struct stat *st)
{
    return S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);
}

static int walk_directory(struct walk *w, int dir_fd, const char *target, int depth);

/* moby leaves these directories of /dev to the container's own mounts. */
static bool is_skipped(const char *name)
{
    static const char *const NAMES[] = {".",      "..", "pts",    "shm",
                                        "mqueue", "fd", "console"};
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
        if (strcmp(name, NAMES[i]) == 0)
            return true;
    return false;
}

static int walk_entry(struct walk *w, int dir_fd, const char *name, const char *target,
                      int depth)
{
    char path[512];
    struct stat st;
    if (is_skipped(name) || fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return 0;
    if (snprintf(path, sizeof(path), "%s/%s", target, name) >= (int)sizeof(path))
        return mtd_fail(w->err, ENAMETOOLONG, "device %.100s/%.100s", target, name);
    if (is_device(&st))
        return w->fn(path, &st, w->access, w->arg, w->err);
    if (!S_ISDIR(st.st_mode) || depth >= DEPTH_MAX)
        return 0;
    auto_fd int fd =
        openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? 0 : walk_directory(w, fd, path, depth + 1);
}

/* An entry that is gone again, or cannot be opened, is none. */
static int walk_directory(struct walk *w, int dir_fd, const char *target, int depth)
{
    int own = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
    auto_dir DIR *dir = own < 0 ? NULL : fdopendir(own);
    if (!dir) {
        int code = errno;
        if (own >= 0)
            close(own);
        return mtd_fail_errno(w->err, code, "device directory %s", target);
    }
    int rc = 0;
    for (struct dirent *e; rc == 0 && (e = readdir(dir));)
        rc = walk_entry(w, dir_fd, e->d_name, target, depth);
    return rc;
}

int mtd_device_each(const char *text, mtd_device_fn fn, void *arg, struct mtd_error *err)
{
    struct mtd_device d;
    struct stat st;
    int rc = mtd_device_parse(text, &d, err);
    if (rc < 0)
        return rc;
    if (stat(d.source, &st) < 0)
        return mtd_fail(err, errno, "device %s: %s", d.source, strerror(errno));
    if (is_device(&st))
        return fn(d.target, &st, d.access, arg, err);
    if (!S_ISDIR(st.st_mode))
        return mtd_fail(err, ENODEV, "%s is not a device", d.source);
    struct walk w = {d.access, fn, arg, err};
    auto_fd int fd = open(d.source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? mtd_fail_errno(err, errno, "device directory %s", d.source)
                  : walk_directory(&w, fd, d.target, 0);
}

static int parse_number(const char *text, size_t len, int *ret)
{
    char part[16];
    uint64_t value;
    if (!copy_part(part, sizeof(part), text, len))
        return -EINVAL;
    *ret = -1;
    if (strcmp(part, "*") == 0)
        return 0;
    if (parse_u64(part, INT32_MAX, &value) < 0)
        return -EINVAL;
    *ret = (int)value;
    return 0;
}

int mtd_device_rule_parse(const char *text, struct mtd_device_rule *ret,
                          struct mtd_error *err)
{
    struct mtd_device_rule r = {.type = text[0]};
    size_t major = 0, minor = 0;
    bool ok = text[0] && strchr("abc", text[0]) && text[1] == ' ';
    if (ok) {
        major = strcspn(text + 2, ":");
        minor = text[2 + major] ? strcspn(text + 3 + major, " ") : 0;
        ok = minor && text[3 + major + minor] == ' ' &&
             parse_number(text + 2, major, &r.major) == 0 &&
             parse_number(text + 3 + major, minor, &r.minor) == 0 &&
             is_access(text + 4 + major + minor);
    }
    if (!ok)
        return mtd_fail(err, EINVAL,
                        "device rule \"%.60s\" is not TYPE MAJOR:MINOR ACCESS, such as "
                        "\"c 189:* rwm\"",
                        text);
    snprintf(r.access, sizeof(r.access), "%s", text + 4 + major + minor);
    *ret = r;
    return 0;
}

/* ---- kernel parameters ---- */

enum needs { NEEDS_NET, NEEDS_IPC, NEEDS_UTS };

static const struct {
    const char *key; /* one that ends in a dot is a prefix */
    enum needs needs;
} SYSCTLS[] = {
    {"net.", NEEDS_NET},
    {"fs.mqueue.", NEEDS_IPC},
    {"kernel.msgmax", NEEDS_IPC},
    {"kernel.msgmnb", NEEDS_IPC},
    {"kernel.msgmni", NEEDS_IPC},
    {"kernel.sem", NEEDS_IPC},
    {"kernel.shmall", NEEDS_IPC},
    {"kernel.shmmax", NEEDS_IPC},
    {"kernel.shmmni", NEEDS_IPC},
    {"kernel.shm_rmid_forced", NEEDS_IPC},
    {"kernel.domainname", NEEDS_UTS},
};

static const char *host_namespace(enum needs needs, const struct mtd_spec *s)
{
    if (needs == NEEDS_NET && s->network == MTD_NET_HOST)
        return "network";
    if (needs == NEEDS_NET && s->network == MTD_NET_CONTAINER)
        return "network (of another container, that is)";
    if (needs == NEEDS_IPC && s->ipc == MTD_IPC_HOST)
        return "IPC";
    return needs == NEEDS_UTS && s->uts_host ? "UTS" : NULL;
}

const char *mtd_sysctl_split(const char *text, char *path, size_t size)
{
    size_t len = strcspn(text, "=");
    if (!text[len] || !copy_part(path, size, text, len))
        return NULL;
    /* Written with slashes, dots belong to names: net/ipv4/conf/eth0.1/... */
    if (path[strcspn(path, "./")] != '/')
        for (char *p = path; *p; p++)
            *p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
    return text + len + 1;
}

static bool matches(const char *key, const char *path)
{
    size_t n = strlen(key);
    for (size_t i = 0; i < n; i++)
        if (path[i] != (key[i] == '.' ? '/' : key[i]))
            return false;
    return key[n - 1] == '.' ? path[n] != '\0' : path[n] == '\0';
}

int mtd_sysctl_check(const char *text, const struct mtd_spec *spec, struct mtd_error *err)
{
    char path[256];
    if (!mtd_sysctl_split(text, path, sizeof(path)))
        return mtd_fail(err, EINVAL, "sysctl \"%.100s\" is not NAME=VALUE", text);
    size_t i = 0;
    while (i < ARRAY_SIZE(SYSCTLS) && !matches(SYSCTLS[i].key, path))
        i++;
    int len = (int)strcspn(text, "=");
    if (i == ARRAY_SIZE(SYSCTLS) || strstr(path, "..") || strstr(path, "//"))
        return mtd_fail(err, EINVAL,
                        "sysctl \"%.*s\" is not allowed: it has no namespace; net.*, "
                        "fs.mqueue.*, kernel.shm*, kernel.msg*, kernel.sem and "
                        "kernel.domainname are",
                        len > 60 ? 60 : len, text);
    const char *host = host_namespace(SYSCTLS[i].needs, spec);
    return host ? mtd_fail(err, EINVAL,
                           "sysctl \"%.*s\" is not allowed in the host's %s namespace",
                           len > 100 ? 100 : len, text, host)
                : 0;
}
