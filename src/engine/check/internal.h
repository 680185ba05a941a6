/* check/internal.h - mtd_check(), which engine.h declares: compares records
 * with everything else.
 * Shape   check.c begins with the records, host.c with the host; both collect
 *         findings (finding.c). One that is not found again a moment later was an
 *         operation in progress.
 */
#ifndef ENGINE_CHECK_INTERNAL_H
#define ENGINE_CHECK_INTERNAL_H

#include "engine/container/container.h"

struct finding;
/* 0, or -errno = not repaired. NULL in a finding = it cannot be repaired
 * automatically. */
typedef int (*repair_fn)(struct mtd_engine *e, const struct finding *f);

struct finding {
    char id[MTD_ID_SIZE]; /* "" = none */
    char *object;         /* what the repair works on; "" = the container */
    char *text;
    repair_fn repair;
};

struct check {
    struct mtd_engine *e;
    struct cgroup host;
    struct strv groups;   /* ids that have control groups, of any root */
    struct strv networks; /* that were looked at */
    struct finding *items;
    size_t len, cap;
    bool out_of_memory;
};

void check_done(struct check *c);
void check_add(struct check *c, const char *id, const char *object, repair_fn repair,
               const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The same finding in c; NULL = it is not there. */
const struct finding *check_find(const struct check *c, const struct finding *like);

/* Drops what is not in again too. */
void check_keep_common(struct check *c, const struct check *again);

bool check_exists(struct mtd_engine *e, const char *id); /* in containers/ */
/* "PATH (3 processes)" of an id's groups, malloc'ed; NULL = there are none. */
char *check_groups_of(struct check *c, const char *id);

/* Groups and run directories without a container, mounts, monitors without a
 * container. */
void check_host(struct check *c);

/* Of a container that lives; and of the host. */
void check_network_of(struct check *c, const struct mtd_record *r);
void check_networks(struct check *c);

/* Removes the groups and the run directory, unless there is a monitor or the
 * container is locked. */
int check_clear(struct mtd_engine *e, const struct finding *f);

#endif
