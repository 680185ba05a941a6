/* The containers whose namespaces a new one shares: named by the user, kept by id. Whether
 * they run is asked at every start. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/api/internal.h"
#include "engine/host/selinux.h"
#include "engine/idmap.h"
#include "engine/net/net.h"

/* *ref becomes the id. */
static int resolve(struct mtd_engine *e, char **ref, struct mtd_record *ret,
                   struct mtd_error *err)
{
    char id[MTD_ID_SIZE];
    int rc = store_resolve(&e->store, *ref, id, err);
    if (rc == 0)
        rc = store_load(&e->store, id, ret, err);
    if (rc < 0)
        return rc;
    free(*ref);
    *ref = strdup(id);
    return *ref ? 0 : mtd_fail(err, ENOMEM, "out of memory");
}

/* Processes that see each other's memory have one label, as in docker. */
static int share_label(struct mtd_spec *s, const struct mtd_spec *donor,
                       struct mtd_error *err)
{
    if (s->label_words.len || !donor->process.selinux || !selinux_is_enabled(-1))
        return 0;
    int rc = selinux_words_of(donor->process.selinux, &s->label_words);
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot take over the SELinux label") : 0;
}

static int share_pid(struct mtd_engine *e, struct mtd_spec *s, struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record donor;
    mtd_record_init(&donor);
    int rc = resolve(e, &s->pid_from, &donor, err);
    mtd_context(rc < 0 ? err : NULL, "cannot share a PID namespace");
    return rc < 0 ? rc : share_label(s, &donor.spec, err);
}

static int share_ipc(struct mtd_engine *e, struct mtd_spec *s, struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record donor;
    mtd_record_init(&donor);
    int rc = resolve(e, &s->ipc_from, &donor, err);
    mtd_context(rc < 0 ? err : NULL, "cannot share an IPC namespace");
    if (rc == 0 && donor.spec.ipc != MTD_IPC_SHAREABLE && donor.spec.ipc != MTD_IPC_HOST)
        return mtd_fail(err, EINVAL,
                        "can't join IPC of container %.12s: non-shareable IPC; create "
                        "that one with the IPC mode shareable",
                        s->ipc_from);
    return rc < 0 ? rc : share_label(s, &donor.spec, err);
}

static int share_network(struct mtd_engine *e, struct mtd_spec *s, struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record donor;
    mtd_record_init(&donor);
    int rc = resolve(e, &s->network_from, &donor, err);
    mtd_context(rc < 0 ? err : NULL, "cannot share a network");
    if (rc < 0)
        return rc;
    if (donor.spec.network == MTD_NET_CONTAINER || donor.spec.network == MTD_NET_HOST)
        return mtd_fail(err, EINVAL,
                        "container %.80s has no network of its own to share: its network "
                        "is %s",
                        donor.name,
                        donor.spec.network == MTD_NET_HOST ? "the host's"
                                                           : "another container's");
    if (mtd_idmap_is_set(&donor.spec) || s->userns != MTD_USERNS_HOST)
        return mtd_fail(err, EINVAL,
                        "a network cannot be shared with user ids of its own; run both "
                        "containers in the host's user namespace");
    if (!s->hostname && donor.spec.hostname &&
        !(s->hostname = strdup(donor.spec.hostname)))
        return mtd_fail(err, ENOMEM, "out of memory");
    return 0;
}

/* Also that addresses are free of what can be known now. */
static int check_networks(struct mtd_engine *e, struct mtd_spec *s, struct mtd_error *err)
{
    int rc = net_check_ports(s->ports, s->n_ports, err);
    for (size_t i = 0; i < s->n_joins && rc == 0; i++)
        rc = net_check_join(&e->store, &s->joins[i], err);
    return rc;
}

int api_share(struct mtd_engine *e, struct mtd_spec *s, struct mtd_error *err)
{
    int rc = s->pid_from ? share_pid(e, s, err) : 0;
    if (rc == 0 && s->network == MTD_NET_CONTAINER)
        rc = share_network(e, s, err);
    if (rc == 0 && s->network == MTD_NET_BRIDGE)
        rc = check_networks(e, s, err);
    return rc == 0 && s->ipc_from ? share_ipc(e, s, err) : rc;
}
