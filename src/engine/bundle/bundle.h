/* bundle - what a config.json of the OCI runtime specification asks for, as one structure that
 * the steps inside a container take (inside/steps.c), beside the record of `run`.
 * Shape   read strictly: a member that is there has the type the specification gives it, or
 *         the whole is refused. Unknown members are ignored, as it demands. What is known and
 *         cannot be done is refused by name, or, where other runtimes ignore it and callers rely
 *         on that, noted in `warnings`; never left out silently.
 * Limits  BUNDLE_MAX_BYTES of JSON; counts of mounts, rules and the like by BUNDLE_MAX_ITEMS.
 * Errors  -EINVAL with "config.json: MEMBER: what is wrong"; -ENOENT, -EFBIG, -ENOMEM.
 * Owner   bundle_done frees all of it.
 * Process any.
 * Source  OCI runtime-spec 1.3, config.md and config-linux.md; runc's words for mount options.
 */
#ifndef ENGINE_BUNDLE_BUNDLE_H
#define ENGINE_BUNDLE_BUNDLE_H

#include "base/schedule.h"
#include "engine/grant.h"
#include "engine/types.h"

#define BUNDLE_MAX_BYTES (8u << 20)
#define BUNDLE_MAX_ITEMS 4096u
#define BUNDLE_CONFIG "config.json"

enum bundle_ns {
    BUNDLE_NS_PID,
    BUNDLE_NS_NETWORK,
    BUNDLE_NS_IPC,
    BUNDLE_NS_UTS,
    BUNDLE_NS_MOUNT,
    BUNDLE_NS_CGROUP,
    BUNDLE_NS_USER,
    BUNDLE_NS_TIME,
    BUNDLE_NS_COUNT
};
struct bundle_namespace {
    bool listed; /* else it is the caller's */
    char *path;  /* of one that is there; NULL = a new one */
};
extern const struct bundle_ns_kind {
    const char *name; /* the specification's word */
    const char *file; /* below /proc/PID/ns */
    int flag;         /* CLONE_NEW* */
} BUNDLE_NAMESPACES[BUNDLE_NS_COUNT];

struct bundle_mount {
    char *destination;             /* absolute and clean */
    char *type, *source, *options; /* options: the file system's own; NULL = none */
    bool bind, recursive;          /* bind, rbind */
    bool remount;                  /* of what is mounted there: its attributes alone */
    uint64_t set, clear;           /* MOUNT_ATTR_* of the mount */
    uint64_t all_set, all_clear;   /* of all mounts below it as well (rro) */
    unsigned long flags;           /* MS_* of the file system (sync) */
    unsigned long
        propagation[4];  /* MS_SHARED ..., with MS_REC, in their order; 0 = end */
    bool copy_up;        /* a tmpfs begins with what is there (tmpcopyup) */
    bool maps, maps_all; /* idmap, ridmap */
    struct mtd_idrange *uids, *gids; /* for the map; none = the container's */
    size_t n_uids, n_gids;
};
struct bundle_device {
    char *path;
    char type; /* b c u p */
    int64_t major, minor, mode, uid, gid;
};
/* A value for a file of a controller's: what resources have that `run` has no options for.
 * controller: v1's, "hugetlb"; NULL = v2 alone. file2, value2: the same for v2; NULL = it has
 * none. */
struct bundle_write {
    char *controller, *file, *value, *file2, *value2;
};

enum bundle_hook_kind {
    BUNDLE_PRESTART,
    BUNDLE_CREATE_RUNTIME,
    BUNDLE_CREATE_CONTAINER,
    BUNDLE_START_CONTAINER,
    BUNDLE_POSTSTART,
    BUNDLE_POSTSTOP,
    BUNDLE_HOOK_KINDS
};
struct bundle_hook {
    char *path;
    struct strv args, env;
    int64_t timeout; /* seconds; 0 = none */
};
struct bundle_hooks {
    struct bundle_hook *items;
    size_t len;
};

struct bundle {
    char *version; /* ociVersion */
    struct mtd_process process;
    bool has_process, sets_oom_score;
    struct schedule schedule;
    /* Of exec alone: on which CPUs it begins, and on which its command runs; NULL = as it is. */
    char *cpus_first, *cpus;
    int64_t rows, cols;
    char *root; /* root.path, as it stands there */
    bool read_only;
    char *hostname, *domainname;
    struct bundle_mount *mounts;
    size_t n_mounts;
    struct bundle_namespace namespaces[BUNDLE_NS_COUNT];
    unsigned long propagation; /* rootfsPropagation as MS_*; 0 = not set */
    struct bundle_device *devices;
    size_t n_devices;
    struct mtd_device_rule *rules; /* resources.devices, in their order */
    size_t n_rules;
    struct strv masked, read_only_paths;
    struct strv sysctls; /* "name=value" */
    struct mtd_resources resources;
    struct bundle_write *writes;
    size_t n_writes;
    char *cgroups_path;
    struct mtd_idrange *uids, *gids;
    size_t n_uids, n_gids;
    struct strv offsets;     /* of the time namespace, lines for timens_offsets */
    struct strv annotations; /* a key, its value, a key, ... */
    char *listener, *listener_metadata; /* linux.seccomp's; NULL = none */
    bool checks_usage;                  /* no memory limit below what is used */
    struct strv warnings; /* what is asked for and ignored, a sentence each */
    struct bundle_hooks hooks[BUNDLE_HOOK_KINDS];
};
void bundle_done(struct bundle *b);

/* text: a whole config.json. */
int bundle_parse(struct bundle *ret, const char *text, size_t len, struct mtd_error *err);
/* A process alone, as `exec --process` has it, into b->process. */
int bundle_parse_process(struct bundle *b, const char *text, size_t len,
                         struct mtd_error *err);
/* resources alone, as `update` has them: what is not named stays. Devices are left out: an
 * update is not about them, and callers send a rule that denies all. */
int bundle_parse_resources(struct bundle *b, const char *text, size_t len,
                           struct mtd_error *err);
/* What only a container as a whole can be asked: namespaces against mounts, sysctls and ids. */
int bundle_check(const struct bundle *b, struct mtd_error *err);

/* Adds the words that a mount's options may have, besides those of its file system. -ENOMEM */
int bundle_mount_words(struct strv *ret);

bool bundle_is_new(const struct bundle *b, enum bundle_ns ns); /* one of its own */

/* What hooks have on their stdin. */
struct bundle_hook_state {
    int pid;
    const char *status; /* "creating" */
    const char *rest;   /* the JSON after these two: "\"id\":...}" */
};
/* hook.c: runs them one after the other in the namespaces of the caller. The first that fails ends
 * it: -ECANCELED, or -ETIMEDOUT. */
int bundle_run_hooks(const struct bundle *b, enum bundle_hook_kind kind,
                     const struct bundle_hook_state *state, struct mtd_error *err);
extern const char *const BUNDLE_HOOK_NAMES[BUNDLE_HOOK_KINDS];

#endif
