/* inspect_host - the members of HostConfig for what a container asks of the host. */

#include "cli/inspect.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"

static json_t *list_or_null(const struct strv *v)
{
    return v->len ? inspect_strings(v) : json_null();
}

/* "/dev/sda:1048576": docker has Path and the value under its own name. */
static json_t *make_blkio(const struct strv *limits, const char *member)
{
    json_t *list = json_array();
    for (size_t i = 0; i < limits->len; i++) {
        const char *text = limits->items[i], *colon = strrchr(text, ':');
        uint64_t value = 0;
        if (!colon || parse_u64(colon + 1, UINT64_MAX, &value) < 0)
            continue;
        auto_free char *path = strndup(text, (size_t)(colon - text));
        json_array_append_new(list, json_pack("{s:o, s:I}", "Path", inspect_text(path),
                                              member, (json_int_t)value));
    }
    return list;
}

static json_t *make_devices(const struct strv *devices)
{
    json_t *list = json_array();
    for (size_t i = 0; i < devices->len; i++) {
        struct mtd_device d;
        if (mtd_device_parse(devices->items[i], &d, NULL) < 0)
            continue;
        json_array_append_new(list, json_pack("{s:o, s:o, s:s}", "PathOnHost",
                                              inspect_text(d.source), "PathInContainer",
                                              inspect_text(d.target), "CgroupPermissions",
                                              d.access));
    }
    return list;
}

/* podman's member and form: "inside:host:count", of users and of groups. */
static json_t *make_idmap(const struct mtd_spec *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_idmap; i++)
        json_array_append_new(list, json_sprintf("%llu:%llu:%llu",
                                                 (unsigned long long)s->idmap[i].inside,
                                                 (unsigned long long)s->idmap[i].host,
                                                 (unsigned long long)s->idmap[i].count));
    return json_pack("{s:O, s:o}", "UidMap", list, "GidMap", list);
}

static void add_limits(json_t *o, const struct mtd_resources *r)
{
    static const struct {
        const char *member, *value;
    } BLKIO[MTD_BLKIO_COUNT] = {
        [MTD_BLKIO_WEIGHT] = {"BlkioWeightDevice", "Weight"},
        [MTD_BLKIO_READ_BPS] = {"BlkioDeviceReadBps", "Rate"},
        [MTD_BLKIO_WRITE_BPS] = {"BlkioDeviceWriteBps", "Rate"},
        [MTD_BLKIO_READ_IOPS] = {"BlkioDeviceReadIOps", "Rate"},
        [MTD_BLKIO_WRITE_IOPS] = {"BlkioDeviceWriteIOps", "Rate"},
    };
    json_object_set_new(o, "MemoryReservation", json_integer(r->memory_reservation));
    json_object_set_new(o, "MemorySwappiness",
                        r->sets_swappiness ? json_integer(r->swappiness) : json_null());
    json_object_set_new(o, "OomKillDisable", json_boolean(r->oom_kill_disable));
    json_object_set_new(o, "CpuPeriod", json_integer(r->cpu_period));
    json_object_set_new(o, "CpuQuota", json_integer(r->cpu_quota));
    json_object_set_new(o, "CpusetMems", inspect_text(r->cpuset_mems));
    for (size_t i = 0; i < MTD_BLKIO_COUNT; i++)
        json_object_set_new(o, BLKIO[i].member, make_blkio(&r->blkio[i], BLKIO[i].value));
}

static const char *ipc_name(enum mtd_ipc ipc)
{
    static const char *const NAMES[] = {"private", "shareable", "none", "host"};
    return NAMES[ipc];
}

/* from: the container whose namespace it is, or NULL. */
static json_t *make_mode(const char *from, const char *otherwise)
{
    return from ? json_sprintf("container:%s", from) : json_string(otherwise);
}

/* docker has no list at all where nothing is confined. */
static json_t *make_paths(const struct mtd_spec *s, int rc, const struct strv *paths)
{
    return rc < 0 || s->process.privileged ? json_null() : inspect_strings(paths);
}

static void add_kernel_files(json_t *o, const struct mtd_spec *s)
{
    auto_done(strv_done) struct strv masked = {0}, read_only = {0};
    int rc = mtd_masked_paths(s, "/sys", &masked);
    json_object_set_new(o, "MaskedPaths", make_paths(s, rc, &masked));
    rc = mtd_readonly_paths(s, &read_only);
    json_object_set_new(o, "ReadonlyPaths", make_paths(s, rc, &read_only));
}

#define SHM_DEFAULT (64 << 20)

void inspect_add_host(json_t *o, const struct mtd_spec *s)
{
    add_limits(o, &s->resources);
    add_kernel_files(o, s);
    json_object_set_new(o, "Devices", make_devices(&s->devices));
    json_object_set_new(o, "DeviceCgroupRules", list_or_null(&s->device_rules));
    json_object_set_new(o, "DnsSearch", inspect_strings(&s->dns_search));
    json_object_set_new(o, "DnsOptions", inspect_strings(&s->dns_options));
    json_object_set_new(o, "PortBindings", inspect_port_bindings(s));
    json_object_set_new(o, "PublishAllPorts", json_boolean(s->publish_all));
    json_object_set_new(o, "GroupAdd", list_or_null(&s->process.group_add));
    json_object_set_new(o, "IpcMode", make_mode(s->ipc_from, ipc_name(s->ipc)));
    json_object_set_new(o, "PidMode", make_mode(s->pid_from, s->pid_host ? "host" : ""));
    json_object_set_new(o, "UTSMode", json_string(s->uts_host ? "host" : ""));
    json_object_set_new(o, "UsernsMode", json_string(mtd_userns_name(s)));
    if (s->n_idmap)
        json_object_set_new(o, "IDMappings", make_idmap(s));
    json_object_set_new(o, "OomScoreAdj", json_integer(s->process.oom_score_adj));
    json_object_set_new(o, "ShmSize",
                        json_integer(s->shm_size ? s->shm_size : SHM_DEFAULT));
    if (s->sysctls.len)
        json_object_set_new(o, "Sysctls", inspect_labels(&s->sysctls));
    if (s->annotations.len)
        json_object_set_new(o, "Annotations", inspect_labels(&s->annotations));
}

void inspect_add_exposed(json_t *config, const struct mtd_spec *s)
{
    json_t *ports = s->exposed.len ? json_object() : NULL;
    for (size_t i = 0; i < s->exposed.len; i++)
        json_object_set_new(ports, s->exposed.items[i], json_object());
    if (ports)
        json_object_set_new(config, "ExposedPorts", ports);
    json_object_set_new(config, "Domainname", inspect_text(s->domainname));
}
