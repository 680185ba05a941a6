/* The limits of a container's groups, whoever has made these. */

#include "engine/runtime/internal.h"

#include <errno.h>

int runtime_set_limits(struct cgroup *g, const struct bundle *b, struct mtd_error *err)
{
    int rc = cgroup_limit(g, &b->resources, err);
    for (size_t i = 0; i < b->n_writes && rc == 0; i++) {
        const struct bundle_write *w = &b->writes[i];
        const struct cgroup_file f = {w->controller, w->file, w->value, w->file2,
                                      w->value2};
        rc = cgroup_set_file(g, &f, err);
    }
    return rc;
}

/* In another user namespace than the host's nobody may load a program for devices; there is no node
 * to be made there either. */
static int set_devices(struct runtime_creation *c, struct mtd_error *err)
{
    struct mtd_error why = {0};
    int rc = cgroup_device_rules(&c->cgroup, c->bundle.rules, c->bundle.n_rules, &why);
    if (rc == -EPERM && !runtime_is_hosts())
        return 0;
    if (rc < 0)
        *err = why;
    return rc;
}

int runtime_limit_groups(struct runtime_creation *c, struct mtd_error *err)
{
    int rc = runtime_set_limits(&c->cgroup, &c->bundle, err);
    if (rc == 0)
        rc = runtime_give_groups(c, err);
    if (rc == 0)
        rc = set_devices(c, err);
    int described = rc == 0 ? cgroup_describe(&c->cgroup, &c->record.cgroups) : 0;
    return described < 0 ? mtd_fail_errno(err, -described, "cannot note the groups") : rc;
}
