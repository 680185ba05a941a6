/* The member "linux" but for its resources. */

#include "engine/bundle/internal.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>

#include "base/cleanup.h"
#include "base/fs.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

const struct bundle_ns_kind BUNDLE_NAMESPACES[BUNDLE_NS_COUNT] = {
    [BUNDLE_NS_PID] = {"pid", "pid", CLONE_NEWPID},
    [BUNDLE_NS_NETWORK] = {"network", "net", CLONE_NEWNET},
    [BUNDLE_NS_IPC] = {"ipc", "ipc", CLONE_NEWIPC},
    [BUNDLE_NS_UTS] = {"uts", "uts", CLONE_NEWUTS},
    [BUNDLE_NS_MOUNT] = {"mount", "mnt", CLONE_NEWNS},
    [BUNDLE_NS_CGROUP] = {"cgroup", "cgroup", CLONE_NEWCGROUP},
    [BUNDLE_NS_USER] = {"user", "user", CLONE_NEWUSER},
    [BUNDLE_NS_TIME] = {"time", "time", CLONE_NEWTIME},
};

struct texts {
    char *type, *path;
};

static int read_namespace(json_t *item, const char *where, size_t i, void *to,
                          struct mtd_error *err)
{
    static const struct bundle_field FIELDS[] = {
        {"type", BUNDLE_TEXT, offsetof(struct texts, type), .required = true},
        {"path", BUNDLE_TEXT, offsetof(struct texts, path)},
        BUNDLE_END,
    };
    struct bundle *b = to;
    struct texts t = {0};
    (void)i;
    int rc = bundle_fields(item, where, FIELDS, &t, err);
    auto_free char *type = t.type, *path = t.path;
    if (rc < 0)
        return rc;
    size_t k = 0;
    while (k < BUNDLE_NS_COUNT && strcmp(BUNDLE_NAMESPACES[k].name, type) != 0)
        k++;
    if (k == BUNDLE_NS_COUNT)
        return bundle_bad(err, where, "type", "there is no such namespace");
    if (b->namespaces[k].listed)
        return bundle_bad(err, where, "type", "this namespace is listed twice");
    if (path && *path && *path != '/')
        return bundle_bad(err, where, "path", "must be an absolute path");
    b->namespaces[k].listed = true;
    b->namespaces[k].path = path && *path ? take_ptr(&path) : NULL;
    return 0;
}

struct device {
    char *path, *type;
    int64_t major, minor, mode, uid, gid;
};

static int read_device(json_t *item, const char *where, size_t i, void *to,
                       struct mtd_error *err)
{
    static const struct bundle_field FIELDS[] = {
        {"path", BUNDLE_TEXT, offsetof(struct device, path), .required = true},
        {"type", BUNDLE_TEXT, offsetof(struct device, type), .required = true},
        {"major", BUNDLE_NUMBER, offsetof(struct device, major), 0, 4095},
        {"minor", BUNDLE_NUMBER, offsetof(struct device, minor), 0, 1048575},
        {"fileMode", BUNDLE_NUMBER, offsetof(struct device, mode), 0, 0177777},
        {"uid", BUNDLE_NUMBER, offsetof(struct device, uid), 0, BUNDLE_ID_MAX},
        {"gid", BUNDLE_NUMBER, offsetof(struct device, gid), 0, BUNDLE_ID_MAX},
        BUNDLE_END,
    };
    struct bundle *b = to;
    struct device d = {.mode = 0666, .major = -1, .minor = -1};
    (void)i;
    int rc = bundle_fields(item, where, FIELDS, &d, err);
    auto_free char *path = d.path, *type = d.type;
    if (rc < 0)
        return rc;
    if (strlen(type) != 1 || !strchr("bcup", *type))
        return bundle_bad(err, where, "type", "must be b, c, u or p");
    if (*type != 'p' && (d.major < 0 || d.minor < 0))
        return bundle_bad(err, where, "major", "and minor are needed");
    if (*path != '/')
        return bundle_bad(err, where, "path", "must be an absolute path");
    struct bundle_device *one =
        bundle_grow((void **)&b->devices, &b->n_devices, sizeof(*one), err);
    if (!one)
        return -ENOMEM;
    fs_clean_path(path);
    *one = (struct bundle_device){take_ptr(&path), *type, d.major, d.minor,
                                  d.mode & 07777,  d.uid, d.gid};
    return 0;
}

static int read_propagation(json_t *o, struct bundle *b, struct mtd_error *err)
{
    static const struct bundle_field FIELDS[] = {{"rootfsPropagation", BUNDLE_TEXT, 0},
                                                 BUNDLE_END};
    auto_free char *word = NULL;
    int rc = bundle_fields(o, "linux", FIELDS, &word, err);
    if (rc < 0 || !word || !*word)
        return rc;
    return bundle_propagation(word, &b->propagation) < 0
               ? bundle_bad(err, "linux", "rootfsPropagation", "there is no such word")
               : 0;
}

static int read_personality(json_t *o, struct bundle *b, struct mtd_error *err)
{
    static const struct {
        const char *name;
        unsigned long value;
    } DOMAINS[] = {{"LINUX", PER_LINUX}, {"LINUX32", PER_LINUX32}};
    static const struct bundle_field FIELDS[] = {
        {"domain", BUNDLE_TEXT, 0, .required = true},
        {"flags", BUNDLE_REFUSED, .why = "no flags are supported"},
        BUNDLE_END};
    json_t *p;
    auto_free char *domain = NULL;
    int rc = bundle_member(o, "linux", "personality", JSON_OBJECT, &p, err);
    if (rc < 0 || !p)
        return rc;
    rc = bundle_fields(p, "linux.personality", FIELDS, &domain, err);
    for (size_t i = 0; i < ARRAY_SIZE(DOMAINS) && rc == 0; i++)
        if (strcmp(DOMAINS[i].name, domain) == 0) {
            b->process.sets_personality = true;
            b->process.personality = DOMAINS[i].value;
            return 0;
        }
    return rc < 0 ? rc
                  : bundle_bad(err, "linux.personality", "domain",
                               "must be LINUX or LINUX32");
}

struct offset {
    int64_t secs, nanosecs;
};

static int read_offsets(json_t *o, struct bundle *b, struct mtd_error *err)
{
    static const char *const CLOCKS[] = {"monotonic", "boottime"};
    static const struct bundle_field FIELDS[] = {
        {"secs", BUNDLE_NUMBER, offsetof(struct offset, secs), INT32_MIN * 4LL,
         INT32_MAX * 4LL},
        {"nanosecs", BUNDLE_NUMBER, offsetof(struct offset, nanosecs), 0, 999999999},
        BUNDLE_END};
    json_t *all, *one;
    int rc = bundle_member(o, "linux", "timeOffsets", JSON_OBJECT, &all, err);
    for (size_t i = 0; i < ARRAY_SIZE(CLOCKS) && rc == 0; i++) {
        struct offset t = {0};
        char line[80];
        rc = bundle_member(all, "linux.timeOffsets", CLOCKS[i], JSON_OBJECT, &one, err);
        if (rc < 0 || !one)
            continue;
        rc = bundle_fields(one, "linux.timeOffsets", FIELDS, &t, err);
        snprintf(line, sizeof(line), "%s %lld %lld", CLOCKS[i], (long long)t.secs,
                 (long long)t.nanosecs);
        if (rc == 0 && strv_add(&b->offsets, line) < 0)
            rc = mtd_fail(err, ENOMEM, "out of memory");
    }
    return rc;
}

static const struct bundle_field LISTENER[] = {
    {"listenerPath", BUNDLE_TEXT, offsetof(struct bundle, listener)},
    {"listenerMetadata", BUNDLE_TEXT, offsetof(struct bundle, listener_metadata)},
    BUNDLE_END,
};

static int check_listener(struct bundle *b, struct mtd_error *err)
{
    if (b->listener && !*b->listener)
        free(take_ptr(&b->listener));
    if (b->listener_metadata && !*b->listener_metadata)
        free(take_ptr(&b->listener_metadata));
    if (b->listener && *b->listener != '/')
        return bundle_bad(err, "linux.seccomp", "listenerPath",
                          "must be an absolute path");
    if (b->listener_metadata && !b->listener)
        return bundle_bad(err, "linux.seccomp", "listenerMetadata",
                          "is for a listener: listenerPath is missing");
    return 0;
}

/* The profile goes on as the text it is, which is syscalls.h's to read, without what differs
 * from container to container. */
static int read_seccomp(json_t *o, struct bundle *b, struct mtd_error *err)
{
    json_t *profile;
    int rc = bundle_member(o, "linux", "seccomp", JSON_OBJECT, &profile, err);
    if (rc == 0)
        rc = bundle_fields(profile, "linux.seccomp", LISTENER, b, err);
    if (rc == 0)
        rc = check_listener(b, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; profile && LISTENER[i].key; i++)
        json_object_del(profile, LISTENER[i].key);
    free(b->process.seccomp);
    b->process.seccomp =
        profile ? json_dumps(profile, JSON_COMPACT) : strdup(MTD_SECCOMP_UNCONFINED);
    return b->process.seccomp ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

static const struct bundle_field LINUX[] = {
    {"cgroupsPath", BUNDLE_TEXT, offsetof(struct bundle, cgroups_path)},
    {"maskedPaths", BUNDLE_STRINGS, offsetof(struct bundle, masked)},
    {"readonlyPaths", BUNDLE_STRINGS, offsetof(struct bundle, read_only_paths)},
    {"sysctl", BUNDLE_PAIRS, offsetof(struct bundle, sysctls)},
    {"mountLabel", BUNDLE_REFUSED, .why = "labels of SELinux are not supported"},
    {"intelRdt", BUNDLE_REFUSED, .why = "resctrl is not supported"},
    {"netDevices", BUNDLE_REFUSED, .why = "moving network devices is not supported"},
    {"memoryPolicy", BUNDLE_REFUSED, .why = "is not supported"},
    BUNDLE_END,
};

static int check_paths(const struct strv *paths, const char *key, struct mtd_error *err)
{
    for (size_t i = 0; i < paths->len; i++) {
        if (paths->items[i][0] != '/')
            return bundle_bad(err, "linux", key, "each must be an absolute path");
        fs_clean_path(paths->items[i]);
    }
    return 0;
}

int bundle_linux(json_t *o, struct bundle *b, struct mtd_error *err)
{
    json_t *resources = NULL;
    int rc = bundle_fields(o, "linux", LINUX, b, err);
    if (rc == 0)
        rc = check_paths(&b->masked, "maskedPaths", err);
    if (rc == 0)
        rc = check_paths(&b->read_only_paths, "readonlyPaths", err);
    if (rc == 0)
        rc = bundle_each(o, "linux", "namespaces", read_namespace, b, err);
    if (rc == 0)
        rc = bundle_id_maps(o, "linux", "uidMappings", &b->uids, &b->n_uids, err);
    if (rc == 0)
        rc = bundle_id_maps(o, "linux", "gidMappings", &b->gids, &b->n_gids, err);
    if (rc == 0)
        rc = bundle_each(o, "linux", "devices", read_device, b, err);
    if (rc == 0)
        rc = read_propagation(o, b, err);
    if (rc == 0)
        rc = read_personality(o, b, err);
    if (rc == 0)
        rc = read_offsets(o, b, err);
    if (rc == 0)
        rc = read_seccomp(o, b, err);
    if (rc == 0)
        rc = bundle_member(o, "linux", "resources", JSON_OBJECT, &resources, err);
    return rc == 0 ? bundle_resources(resources, b, true, err) : rc;
}
