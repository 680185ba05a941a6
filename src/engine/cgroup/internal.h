/* cgroup/internal.h - what the files of cgroup share. */
#ifndef ENGINE_CGROUP_INTERNAL_H
#define ENGINE_CGROUP_INTERNAL_H

#include "engine/cgroup/cgroup.h"

#define CGROUP_BIT(controller) (1u << (controller))
#define CGROUP_PARENT "mytop-docker"

/* One controller's limit from the resources; c->fresh tells whether a default may be left
 * out. NULL in the table = the version has nothing to set there. */
typedef int (*cgroup_limit_fn)(const struct cgroup *c, const struct cgroup_dir *d,
                               const struct mtd_resources *r, struct mtd_error *err);

/* What differs between the versions. Every function works on one open directory. */
struct cgroup_ops {
    cgroup_limit_fn limit[CGROUP_CONTROLLERS];
    int (*devices)(const struct cgroup *c, const struct cgroup_dir *d, bool all,
                   struct mtd_error *err);
    int (*freeze)(const struct cgroup_dir *d, bool frozen); /* waits; -ETIMEDOUT */
    bool (*is_frozen)(const struct cgroup_dir *d);
    const char *freeze_file, *freeze_on, *freeze_off; /* for the impatient */
    /* Before the first process: what a new group needs (v1 cpuset: CPUs and nodes; v2:
     * controllers passed on by the groups above). Clears the bits of d that cannot be had. */
    int (*prepare)(struct cgroup_dir *d, struct mtd_error *err);
    const char *oom_file; /* holds "oom_kill N" */
    const char *self;     /* file to write "0" to for cgroup_enter */
};
extern const struct cgroup_ops cgroup_v1, cgroup_v2;

static inline const struct cgroup_ops *cgroup_ops_of(const struct cgroup_dir *d)
{
    return d->v2 ? &cgroup_v2 : &cgroup_v1;
}

extern const char *const cgroup_v1_names[CGROUP_CONTROLLERS];
/* NULL where v2 needs no controller for it. */
extern const char *const cgroup_v2_names[CGROUP_CONTROLLERS];

/* The directory that has the controller, made or not; NULL = no such controller here. */
struct cgroup_dir *cgroup_dir_of(const struct cgroup *c, enum cgroup_controller which);
/* The v2 directory when it is open, else NULL. */
const struct cgroup_dir *cgroup_unified(const struct cgroup *c);
/* One directory through which every process of the container is seen; NULL = none is left. */
const struct cgroup_dir *cgroup_witness(const struct cgroup *c);

/* Writes value; on failure err says "<path>/<file>: cannot write ...". */
int cgroup_put(const struct cgroup_dir *d, const char *file, const char *value,
               struct mtd_error *err);
int cgroup_put_u64(const struct cgroup_dir *d, const char *file, uint64_t value,
                   struct mtd_error *err);
/* The value of "key value" in a flat keyed file; -ENOENT also when the key is missing. */
int cgroup_get_keyed(const struct cgroup_dir *d, const char *file, const char *key,
                     uint64_t *ret);
/* Is the word in a blank-separated list? */
bool cgroup_has_word(const char *list, const char *word);

/* Makes d's group (path is set) under a parent made when missing, opens and prepares it. */
int cgroup_make_dir(struct cgroup_dir *d, struct mtd_error *err);
/* Removes the group at path and the groups below it, waiting for dying tasks until the
 * monotonic time. */
int cgroup_remove_tree(const char *path, int64_t deadline);
/* -EINVAL unless every CPU of the first list is in the second. */
int cgroup_check_cpuset(const char *wanted, const char *available, struct mtd_error *err);

/* The bytecode half of v2's device list. */
int cgroup_bpf_devices(int dir_fd, bool all);
struct cgroup_device_rule {
    char type;          /* 'c' 'b' */
    int major, minor;   /* -1 = any */
    const char *access; /* of "rwm" */
};
extern const struct cgroup_device_rule cgroup_device_rules[];
extern const size_t cgroup_n_device_rules;

#endif
