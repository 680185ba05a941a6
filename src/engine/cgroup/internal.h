/* cgroup/internal.h - what the files of cgroup share.
 * Shape   find.c finds the hierarchies, cgroup.c makes and joins groups, leave.c leaves
 *         those of others, builds.c is the group of builds, record.c and list.c find them again, limit.c and kill.c work on them through the table of
 *         v1.c or v2.c, device.c is the device list, remove.c removes, stats.c reads.
 * Errors  0 or -errno, as in cgroup.h.
 */
#ifndef ENGINE_CGROUP_INTERNAL_H
#define ENGINE_CGROUP_INTERNAL_H

#include "engine/cgroup/cgroup.h"
#include "engine/grant.h"

#define CGROUP_BIT(controller) (1u << (controller))
#define CGROUP_PARENT "mytop-docker"
#define CGROUP_MONITORS "monitors" /* no container's id */
#define CGROUP_BUILDS "builds"     /* nor is this */

/* A mounted hierarchy; the texts are valid during the call only. */
struct cgroup_mount {
    const char *point, *type, *options;
    size_t depth; /* of the group that is mounted: 0 = the hierarchy's root */
};
typedef int (*cgroup_take_fn)(void *to,
                              const struct cgroup_mount *m); /* -errno ends it */
int cgroup_each_mount(const char *proc_dir, cgroup_take_fn take, void *to,
                      struct mtd_error *err);

/* Sets one controller's limits; in a fresh group the defaults need not be written. NULL
 * in the table = the version has nothing to set there. */
typedef int (*cgroup_limit_fn)(const struct cgroup *c, const struct cgroup_dir *d,
                               const struct mtd_resources *r, struct mtd_error *err);

/* What differs between v1 and v2. Every function works on one open directory. */
struct cgroup_rules {
    const struct mtd_device_rule *items;
    size_t n;
};

/* What differs between the versions. Every function works on one open directory. */
struct cgroup_ops {
    cgroup_limit_fn limit[CGROUP_CONTROLLERS];
    int (*devices)(const struct cgroup *c, const struct cgroup_dir *d, bool all,
                   const struct cgroup_rules *rules, struct mtd_error *err);
    int (*freeze)(const struct cgroup_dir *d, bool frozen); /* waits; -ETIMEDOUT */
    const char *frozen_file, *frozen_line; /* it is frozen when the file has that line */
    const char *freeze_file, *freeze_on, *freeze_off; /* to freeze without waiting */
    /* Gives a new group what it needs (v2: controllers enabled in the groups above). Clears
     * the bits of d that are not available. NULL = nothing. */
    int (*prepare)(struct cgroup_dir *d, struct mtd_error *err);
    const char *oom_file;  /* holds "oom_kill N" */
    const char *used_file; /* bytes of memory */
    const char *self;      /* file to write "0" to for cgroup_enter */
    /* Gives the group what it needs for its first process, when writing to `self` said
     * -ENOSPC (v1 cpuset: CPUs and nodes); NULL = nothing. */
    int (*fill)(const struct cgroup_dir *d, struct mtd_error *err);
};
extern const struct cgroup_ops cgroup_v1, cgroup_v2;

static inline const struct cgroup_ops *cgroup_ops_of(const struct cgroup_dir *d)
{
    return d->v2 ? &cgroup_v2 : &cgroup_v1;
}

extern const char *const cgroup_v1_names[CGROUP_CONTROLLERS];
/* NULL = v2 needs no controller for it. */
extern const char *const cgroup_v2_names[CGROUP_CONTROLLERS];

/* The directory at that path below a hierarchy of the host, neither made nor open. On failure
 * *ret is empty. */
int cgroup_below(struct cgroup_dir *ret, const struct cgroup_dir *host, const char *path);
/* The path of a container's group in each hierarchy. -EINVAL = no name for one. */
#define CGROUP_PATH_SIZE 300
int cgroup_path_of(const char *id, char *ret, size_t size, struct mtd_error *err);
void cgroup_dir_done(struct cgroup_dir *d); /* safe to call twice */
/* The directory that has the controller, even if not made yet; NULL = no such
 * controller. */
struct cgroup_dir *cgroup_dir_of(const struct cgroup *c, enum cgroup_controller which);
/* The v2 directory if it is open, else NULL. */
const struct cgroup_dir *cgroup_unified(const struct cgroup *c);
/* A directory that contains every process of the container; NULL = none is left. */
const struct cgroup_dir *cgroup_witness(const struct cgroup *c);

/* Divides the controllers between v1 and v2, once all hierarchies are known. list: what the v2
 * tree has, "cpu memory". */
void cgroup_share(struct cgroup *c, const char *list);
/* The bits of "cpu,cpuacct". */
unsigned cgroup_v1_bits(const char *names);
/* A line of a record: is the controller in that group? True also for v2 when it needs none for
 * it; where both have the freezer, v2's is used. */
bool cgroup_line_has(const char *line, enum cgroup_controller which, bool *ret_v2);

/* Writes value; on failure err says "<path>/<file>: cannot write ...". */
int cgroup_put(const struct cgroup_dir *d, const char *file, const char *value,
               struct mtd_error *err);
int cgroup_put_u64(const struct cgroup_dir *d, const char *file, uint64_t value,
                   struct mtd_error *err);
/* The value of "key value" in a flat keyed file; -ENOENT also when the key is missing. */
int cgroup_get_keyed(const struct cgroup_dir *d, const char *file, const char *key,
                     uint64_t *ret);
/* Is the word in a list separated by spaces or commas? */
bool cgroup_has_word(const char *list, const char *word);

int cgroup_make_parent(const char *path); /* the group above path, one that exists = 0 */
/* Makes the group at d->path, and its parent if needed, opens and prepares it. */
int cgroup_make_dir(struct cgroup_dir *d, struct mtd_error *err);
/* Removes the group at path and the groups below it; waits for dying tasks until deadline
 * (monotonic ns). */
int cgroup_remove_tree(const char *path, int64_t deadline);
/* -EINVAL unless all numbers of the first list are in the second. what: "CPUs" */
int cgroup_check_list(const char *what, const char *wanted, const char *available,
                      struct mtd_error *err);

/* "MAJOR:MINOR" of the block device in a limit for one, and its value. */
#define CGROUP_DEVICE_TEXT 32
int cgroup_blkio_device(enum mtd_blkio kind, const char *text,
                        char device[CGROUP_DEVICE_TEXT], uint64_t *ret_value,
                        struct mtd_error *err);
/* Writes each limit of kind as "MAJOR:MINOR <key>VALUE", a line a write; map: NULL = as it is. */
int cgroup_put_devices(const struct cgroup_dir *d, const char *file, const char *key,
                       enum mtd_blkio kind, const struct mtd_resources *r,
                       uint64_t (*map)(uint64_t), struct mtd_error *err);

/* Whether a v1 group has exactly as many rules as a container has by default. */
bool cgroup_has_default_devices(const struct cgroup_dir *d);
/* The bytecode half of v2's device list. */
int cgroup_bpf_devices(int dir_fd, bool all, const struct cgroup_rules *rules);

#endif
