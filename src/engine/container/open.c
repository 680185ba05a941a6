/* There is no daemon that would clean up, so opening the state does: it repairs what
 * killed processes and a reboot have left. */

#include "engine/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/inherit.h"
#include "engine/container/container.h"
#include "engine/host/apparmor.h"
#include "engine/host/selinux.h"
#include "engine/net/net.h"
#include "engine/syscalls/syscalls.h"

#define DEFAULT_ROOT "/var/lib/mytop-docker"
#define DEFAULT_RUN_ROOT "/run/mytop-docker"

static int open_store(struct store *s, const struct mtd_options *o, struct mtd_error *err)
{
    int r = store_open(s, o->root ? o->root : DEFAULT_ROOT,
                       o->run_root ? o->run_root : DEFAULT_RUN_ROOT,
                       o->read_only || o->existing ? STORE_READ_ONLY : STORE_MAKE, err);
    if (r < 0 || o->read_only || !o->existing || s->root_fd < 0)
        return r;
    r = store_make(s, err);
    if (r < 0)
        store_done(s);
    return r;
}

/* Of a container whose image is there the layers are the image's. */
static int used_layers(void *arg, const struct strv *images, struct strv *ret)
{
    struct mtd_engine *e = arg;
    auto_done(mtd_list_done) struct mtd_list all = {0};
    int rc = store_list(&e->store, &all, NULL);
    if (rc == 0)
        rc = image_newer_ids(&e->images, &all);
    for (size_t i = 0; i < all.len && rc == 0; i++) {
        auto_done(mtd_record_done) struct mtd_record r;
        const char *id = all.items[i].image_id;
        mtd_record_init(&r);
        if (id && strncmp(id, "sha256:", 7) == 0 && strv_contains(images, id + 7))
            continue;
        rc = store_load(&e->store, all.items[i].id, &r, NULL);
        if (rc == 0)
            rc = strv_add_all(ret, &r.spec.layers);
        rc = rc == -ENOENT ? 0 : rc;
    }
    return rc;
}

int mtd_open(struct mtd_engine **ret, const struct mtd_options *o, struct mtd_error *err)
{
    struct mtd_engine *e = calloc(1, sizeof(*e));
    if (!e)
        return mtd_fail(err, ENOMEM, "out of memory");
    if (!o->read_only)
        inherit_raise_file_size();
    int r = open_store(&e->store, o, err);
    if (r < 0) {
        free(e);
        return r;
    }
    e->making_fd = e->ahead.fd = -1;
    e->images = (struct image_store){.root = e->store.root,
                                     .root_fd = e->store.root_fd,
                                     .used_layers = used_layers,
                                     .arg = e};
    proc_boot_id(e->boot_id);
    if (!o->as_found) {
        container_settle_all(e);
        container_sweep(e);
    }
    *ret = e;
    return 0;
}

int container_make_roots(struct mtd_engine *e, struct mtd_error *err)
{
    int rc = store_make(&e->store, err);
    e->images.root_fd = e->store.root_fd;
    if (rc == 0)
        container_settle_all(e); /* nothing: but it is of this boot now */
    return rc;
}

void mtd_close(struct mtd_engine *e)
{
    if (!e)
        return;
    if (e->making_fd >= 0)
        close(e->making_fd);
    container_launch_drop(e);
    store_done(&e->store);
    free(e);
}

const char *mtd_root(const struct mtd_engine *e)
{
    return e->store.root;
}

const char *mtd_run_root(const struct mtd_engine *e)
{
    return e->store.run_root;
}

char *container_dir(struct mtd_engine *e, const char *id, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%s/containers/%s%s%s", e->store.root, id, *name ? "/" : "",
                 name) < 0)
        return NULL;
    return path;
}

char *mtd_path(struct mtd_engine *e, const char *id, const char *what)
{
    static const char *const NAMES[][2] = {
        {"dir", ""},
        {"log", "container.log"},
        {"config", "config.json"},
        {"hosts", "hosts"},
        {"resolv.conf", "resolv.conf"},
        {"hostname", "hostname"},
        {"upper", "upper"},
        {"work", "work"},
        {"rootfs", "rootfs"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
        if (strcmp(NAMES[i][0], what) == 0)
            return container_dir(e, id, NAMES[i][1]);
    return NULL;
}

int mtd_host_info(struct mtd_engine *e, struct mtd_info *ret, struct mtd_error *err)
{
    (void)e;
    auto_done(cgroup_done) struct cgroup host = {0};
    struct utsname uts;
    struct sysinfo mem;
    int r = cgroup_discover(&host, "/proc", err);
    if (r < 0)
        return r;
    if (uname(&uts) < 0 || sysinfo(&mem) < 0)
        return mtd_fail_errno(err, errno,
                              "cannot read the host's kernel version and memory size");
    *ret = (struct mtd_info){.cpus = mtd_host_cpus(),
                             .memory = (uint64_t)mem.totalram * mem.mem_unit,
                             .apparmor = apparmor_is_enabled(NULL),
                             .selinux = selinux_is_enabled(-1),
                             .forwards = net_forwards(),
                             .seccomp = syscalls_supported()};
    snprintf(ret->cgroup_version, sizeof(ret->cgroup_version), "%s",
             cgroup_version(&host));
    snprintf(ret->kernel, sizeof(ret->kernel), "%.64s", uts.release);
    snprintf(ret->machine, sizeof(ret->machine), "%.64s", uts.machine);
    return 0;
}
