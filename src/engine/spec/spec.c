/* One table has all members of config.json, so that encoding, decoding and copying
 * cannot disagree. No label, and no member that is not in the table, has any
 * effect on the engine. */

#include "engine/spec/spec.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "engine/spec/internal.h"

#define COUNT_MAX 1000000000
#define AT(type, member) offsetof(type, member), sizeof(((type *)0)->member)
#define R(member) AT(struct mtd_record, member)

static const char *state_word(int v)
{
    return mtd_state_name((enum mtd_state)v);
}

static const char *mount_word(int v)
{
    static const char *const WORDS[] = {"bind", "tmpfs", "volume"};
    return WORDS[v];
}

static const char *origin_word(int v)
{
    static const char *const WORDS[] = {"volume", "mount", "image", "from"};
    return WORDS[v];
}

static const char *propagation_word(int v)
{
    return mtd_propagation_name((enum mtd_propagation)v);
}

static const char *recursion_word(int v)
{
    return mtd_recursion_name((enum mtd_recursion)v);
}

static const char *log_driver_word(int v)
{
    return mtd_log_driver_name((enum mtd_log_driver)v);
}

static const char *network_word(int v)
{
    return mtd_network_word((enum mtd_network)v);
}

static const char *ipc_word(int v)
{
    static const char *const WORDS[] = {"private", "shareable", "none", "host"};
    return WORDS[v];
}

static const char *restart_word(int v)
{
    static const char *const WORDS[] = {"no", "on-failure", "always", "unless-stopped"};
    return WORDS[v];
}

static const struct field MOUNT_FIELDS[] = {
    {"destination", FIELD_STRING, AT(struct mtd_mount, target), .always = true},
    {"type", FIELD_ENUM, AT(struct mtd_mount, type), .max = MTD_MOUNT_VOLUME,
     .name = mount_word, .always = true},
    {"source", FIELD_STRING, AT(struct mtd_mount, source)},
    {"options", FIELD_STRING, AT(struct mtd_mount, options)},
    {"readonly", FIELD_BOOL, AT(struct mtd_mount, read_only)},
    {"idmap", FIELD_BOOL, AT(struct mtd_mount, idmap)},
    {"anonymous", FIELD_BOOL, AT(struct mtd_mount, anonymous)},
    {"noCopy", FIELD_BOOL, AT(struct mtd_mount, no_copy)},
    {"propagation", FIELD_ENUM, AT(struct mtd_mount, propagation),
     .max = MTD_PROPAGATION_COUNT - 1, .name = propagation_word},
    {"recursive", FIELD_ENUM, AT(struct mtd_mount, recursion),
     .max = MTD_RECURSION_COUNT - 1, .name = recursion_word},
    {"subpath", FIELD_STRING, AT(struct mtd_mount, subpath)},
    {"mode", FIELD_STRING, AT(struct mtd_mount, mode)},
    {"volumeLabels", FIELD_LIST, AT(struct mtd_mount, volume_labels)},
    {"volumeOptions", FIELD_LIST, AT(struct mtd_mount, volume_options)},
    {"origin", FIELD_ENUM, AT(struct mtd_mount, origin), .max = MTD_ORIGIN_FROM,
     .name = origin_word},
};
static const struct field_table MOUNTS = {MOUNT_FIELDS, ARRAY_SIZE(MOUNT_FIELDS),
                                          sizeof(struct mtd_mount)};

static const struct field RLIMIT_FIELDS[] = {
    {"type", FIELD_CHARS, AT(struct mtd_rlimit, name), .always = true},
    {"soft", FIELD_INT, AT(struct mtd_rlimit, soft), INT64_MIN, INT64_MAX,
     .always = true},
    {"hard", FIELD_INT, AT(struct mtd_rlimit, hard), INT64_MIN, INT64_MAX,
     .always = true},
};
static const struct field_table RLIMITS = {RLIMIT_FIELDS, ARRAY_SIZE(RLIMIT_FIELDS),
                                           sizeof(struct mtd_rlimit)};

#define ID_MAX UINT32_MAX
static const struct field IDMAP_FIELDS[] = {
    {"containerID", FIELD_INT, AT(struct mtd_idrange, inside), 0, ID_MAX, .always = true},
    {"hostID", FIELD_INT, AT(struct mtd_idrange, host), 0, ID_MAX, .always = true},
    {"size", FIELD_INT, AT(struct mtd_idrange, count), 1, ID_MAX, .always = true},
};
static const struct field_table IDMAP = {IDMAP_FIELDS, ARRAY_SIZE(IDMAP_FIELDS),
                                         sizeof(struct mtd_idrange)};

static const char *userns_word(int v)
{
    static const char *const WORDS[] = {"host", "auto", "ranges"};
    return WORDS[v];
}

static const struct field JOIN_FIELDS[] = {
    {"network", FIELD_STRING, AT(struct mtd_join, network), .always = true},
    {"address", FIELD_STRING, AT(struct mtd_join, address)},
    {"address6", FIELD_STRING, AT(struct mtd_join, address6)},
    {"mac", FIELD_STRING, AT(struct mtd_join, mac)},
    {"aliases", FIELD_LIST, AT(struct mtd_join, aliases)},
    {"linkLocals", FIELD_LIST, AT(struct mtd_join, link_locals)},
    {"ifname", FIELD_STRING, AT(struct mtd_join, ifname)},
    {"gwPriority", FIELD_INT, AT(struct mtd_join, gw_priority), INT32_MIN, INT32_MAX},
};
static const struct field_table JOINS = {JOIN_FIELDS, ARRAY_SIZE(JOIN_FIELDS),
                                         sizeof(struct mtd_join)};

static const struct field PORT_FIELDS[] = {
    {"address", FIELD_STRING, AT(struct mtd_port, address)},
    {"host", FIELD_INT, AT(struct mtd_port, host), 0, UINT16_MAX, .always = true},
    {"hostLast", FIELD_INT, AT(struct mtd_port, host_last), 0, UINT16_MAX},
    {"target", FIELD_INT, AT(struct mtd_port, target), 1, UINT16_MAX, .always = true},
    {"udp", FIELD_BOOL, AT(struct mtd_port, udp)},
};
static const struct field_table PORTS = {PORT_FIELDS, ARRAY_SIZE(PORT_FIELDS),
                                         sizeof(struct mtd_port)};

static const struct field ENDPOINT_FIELDS[] = {
    {"network", FIELD_STRING, AT(struct mtd_endpoint, network), .always = true},
    {"address", FIELD_STRING, AT(struct mtd_endpoint, address), .always = true},
    {"prefix", FIELD_INT, AT(struct mtd_endpoint, prefix), 0, 32},
    {"gateway", FIELD_STRING, AT(struct mtd_endpoint, gateway)},
    {"address6", FIELD_STRING, AT(struct mtd_endpoint, address6)},
    {"prefix6", FIELD_INT, AT(struct mtd_endpoint, prefix6), 0, 128},
    {"gateway6", FIELD_STRING, AT(struct mtd_endpoint, gateway6)},
    {"mac", FIELD_STRING, AT(struct mtd_endpoint, mac)},
    {"names", FIELD_LIST, AT(struct mtd_endpoint, names)},
    {"linkLocals", FIELD_LIST, AT(struct mtd_endpoint, link_locals)},
    {"ifname", FIELD_STRING, AT(struct mtd_endpoint, ifname)},
    {"gwPriority", FIELD_INT, AT(struct mtd_endpoint, gw_priority), INT32_MIN, INT32_MAX},
    {"direct", FIELD_BOOL, AT(struct mtd_endpoint, direct)},
};
static const struct field_table ENDPOINTS = {ENDPOINT_FIELDS, ARRAY_SIZE(ENDPOINT_FIELDS),
                                             sizeof(struct mtd_endpoint)};

static const struct field RECORD_FIELDS[] = {
    /* what a reader of mydocker's looks for; spec_encode() adds "command"
     * and "volume" after it */
    {"pid", FIELD_INT, R(status.pid), 0, INT_MAX, .always = true},
    {"id", FIELD_CHARS, R(id), .always = true},
    {"name", FIELD_STRING, R(name), .always = true},
    {"createdTime", FIELD_TIME, R(created_at), .always = true},
    {"status", FIELD_ENUM, R(status.state), .max = MTD_STATE_BROKEN, .name = state_word,
     .always = true},

    {"process.terminal", FIELD_BOOL, R(spec.process.tty)},
    {"process.user.username", FIELD_STRING, R(spec.process.user)},
    {"process.args", FIELD_LIST, R(spec.process.args)},
    {"process.env", FIELD_LIST, R(spec.process.env)},
    {"process.cwd", FIELD_STRING, R(spec.process.cwd)},
    {"process.rlimits", FIELD_STRUCTS, R(spec.process.rlimits), .items = &RLIMITS,
     .count_offset = offsetof(struct mtd_record, spec.process.n_rlimits)},
    {"process.noNewPrivileges", FIELD_BOOL, R(spec.process.no_new_privs)},
    {"process.oomScoreAdj", FIELD_INT, R(spec.process.oom_score_adj), -1000, 1000},
    {"root.readonly", FIELD_BOOL, R(spec.read_only)},
    {"hostname", FIELD_STRING, R(spec.hostname)},
    {"domainname", FIELD_STRING, R(spec.domainname)},
    {"annotations", FIELD_MAP, R(spec.annotations)},
    {"mounts", FIELD_STRUCTS, R(spec.mounts), .items = &MOUNTS,
     .count_offset = offsetof(struct mtd_record, spec.n_mounts)},
    {"linux.resources.memory.limit", FIELD_INT, R(spec.resources.memory), 0, INT64_MAX},
    {"linux.resources.memory.swap", FIELD_INT, R(spec.resources.memory_swap), -1,
     INT64_MAX},
    {"linux.resources.memory.reservation", FIELD_INT,
     R(spec.resources.memory_reservation), 0, INT64_MAX},
    {"linux.resources.memory.swappiness", FIELD_INT, R(spec.resources.swappiness), 0,
     100},
    {"linux.resources.memory.disableOOMKiller", FIELD_BOOL,
     R(spec.resources.oom_kill_disable)},
    {"linux.resources.cpu.shares", FIELD_INT, R(spec.resources.cpu_shares), 0, 262144},
    {"linux.resources.cpu.period", FIELD_INT, R(spec.resources.cpu_period), 0, INT64_MAX},
    {"linux.resources.cpu.quota", FIELD_INT, R(spec.resources.cpu_quota), -1, INT64_MAX},
    {"linux.resources.cpu.cpus", FIELD_STRING, R(spec.resources.cpuset_cpus)},
    {"linux.resources.cpu.mems", FIELD_STRING, R(spec.resources.cpuset_mems)},
    {"linux.resources.pids.limit", FIELD_INT, R(spec.resources.pids), -1, INT64_MAX},
    {"linux.resources.blockIO.weight", FIELD_INT, R(spec.resources.blkio_weight), 0,
     1000},
    {"linux.sysctl", FIELD_MAP, R(spec.sysctls)},
    /* of groups as well: linux.gidMappings would be the same */
    {"linux.uidMappings", FIELD_STRUCTS, R(spec.idmap), .items = &IDMAP,
     .count_offset = offsetof(struct mtd_record, spec.n_idmap)},
    {"linux.maskedPaths", FIELD_LIST, R(spec.mask)},
    {"mytop.unmask", FIELD_LIST, R(spec.unmask)},

    {"mytop.format", FIELD_INT, R(format), 0, INT_MAX, .always = true},
    {"mytop.image", FIELD_STRING, R(spec.image)},
    {"mytop.imageId", FIELD_STRING, R(spec.image_id)},
    {"mytop.layers", FIELD_LIST, R(spec.layers)},
    {"mytop.entrypoint", FIELD_LIST, R(spec.entrypoint)},
    {"mytop.cmd", FIELD_LIST, R(spec.cmd)},
    {"mytop.openStdin", FIELD_BOOL, R(spec.process.open_stdin)},
    {"mytop.keepsStdin", FIELD_BOOL, R(spec.process.keeps_stdin)},
    {"mytop.attachStdin", FIELD_BOOL, R(spec.attach[0])},
    {"mytop.attachStdout", FIELD_BOOL, R(spec.attach[1])},
    {"mytop.attachStderr", FIELD_BOOL, R(spec.attach[2])},
    {"mytop.init", FIELD_BOOL, R(spec.process.init)},
    {"mytop.privileged", FIELD_BOOL, R(spec.process.privileged)},
    {"process.apparmorProfile", FIELD_STRING, R(spec.process.apparmor)},
    {"process.selinuxLabel", FIELD_STRING, R(spec.process.selinux)},
    {"linux.mountLabel", FIELD_STRING, R(spec.mount_label)},
    {"mytop.labelOptions", FIELD_LIST, R(spec.label_words)},
    {"mytop.seccomp", FIELD_STRING, R(spec.process.seccomp)},
    {"mytop.seccompMade", FIELD_STRING, R(spec.process.seccomp_made)},
    {"mytop.capabilities", FIELD_MASK, R(spec.process.caps)},
    {"mytop.nanoCpus", FIELD_INT, R(spec.resources.nano_cpus), 0, INT64_MAX},
    {"mytop.network", FIELD_ENUM, R(spec.network), .max = MTD_NET_CONTAINER,
     .name = network_word},
    {"mytop.networks", FIELD_STRUCTS, R(spec.joins), .items = &JOINS,
     .count_offset = offsetof(struct mtd_record, spec.n_joins)},
    {"mytop.networkFrom", FIELD_STRING, R(spec.network_from)},
    {"mytop.ports", FIELD_STRUCTS, R(spec.ports), .items = &PORTS,
     .count_offset = offsetof(struct mtd_record, spec.n_ports)},
    {"mytop.publishAll", FIELD_BOOL, R(spec.publish_all)},
    {"mytop.ipc", FIELD_ENUM, R(spec.ipc), .max = MTD_IPC_HOST, .name = ipc_word},
    {"mytop.pidHost", FIELD_BOOL, R(spec.pid_host)},
    {"mytop.pidFrom", FIELD_STRING, R(spec.pid_from)},
    {"mytop.ipcFrom", FIELD_STRING, R(spec.ipc_from)},
    {"mytop.utsHost", FIELD_BOOL, R(spec.uts_host)},
    {"mytop.userns", FIELD_ENUM, R(spec.userns), .max = MTD_USERNS_RANGES,
     .name = userns_word},
    {"mytop.usernsSize", FIELD_INT, R(spec.userns_size), 0, ID_MAX},
    {"mytop.shmSize", FIELD_INT, R(spec.shm_size), 0, INT64_MAX},
    {"mytop.groupAdd", FIELD_LIST, R(spec.process.group_add)},
    {"mytop.devices", FIELD_LIST, R(spec.devices)},
    {"mytop.deviceRules", FIELD_LIST, R(spec.device_rules)},
    {"mytop.volumesFrom", FIELD_LIST, R(spec.volumes_from)},
    {"mytop.exposed", FIELD_LIST, R(spec.exposed)},
    {"mytop.setsSwappiness", FIELD_BOOL, R(spec.resources.sets_swappiness)},
    {"mytop.blkio.weight", FIELD_LIST, R(spec.resources.blkio[MTD_BLKIO_WEIGHT])},
    {"mytop.blkio.readBps", FIELD_LIST, R(spec.resources.blkio[MTD_BLKIO_READ_BPS])},
    {"mytop.blkio.writeBps", FIELD_LIST, R(spec.resources.blkio[MTD_BLKIO_WRITE_BPS])},
    {"mytop.blkio.readIops", FIELD_LIST, R(spec.resources.blkio[MTD_BLKIO_READ_IOPS])},
    {"mytop.blkio.writeIops", FIELD_LIST, R(spec.resources.blkio[MTD_BLKIO_WRITE_IOPS])},
    {"mytop.dns", FIELD_LIST, R(spec.dns)},
    {"mytop.dnsSearch", FIELD_LIST, R(spec.dns_search)},
    {"mytop.dnsOptions", FIELD_LIST, R(spec.dns_options)},
    {"mytop.addHosts", FIELD_LIST, R(spec.add_hosts)},
    {"mytop.stopSignal", FIELD_SIGNAL, R(spec.stop_signal)},
    {"mytop.stopTimeout", FIELD_INT, R(spec.stop_timeout), -1, INT64_MAX},
    {"mytop.startTimeout", FIELD_INT, R(spec.start_timeout), 1, MTD_START_TIMEOUT_MAX},
    {"mytop.setsStopTimeout", FIELD_BOOL, R(spec.sets_stop_timeout)},
    {"mytop.labels", FIELD_LIST, R(spec.labels)},
    {"mytop.envCmdline", FIELD_LIST, R(spec.env_cmdline)},
    {"mytop.autoRemove", FIELD_BOOL, R(spec.auto_remove)},
    {"mytop.restart", FIELD_ENUM, R(spec.restart), .max = MTD_RESTART_UNLESS_STOPPED,
     .name = restart_word},
    {"mytop.restartMax", FIELD_INT, R(spec.restart_max), 0, UINT_MAX},
    {"mytop.logDriver", FIELD_ENUM, R(spec.log_driver), .max = MTD_LOG_NONE,
     .name = log_driver_word},
    {"mytop.logMaxSize", FIELD_INT, R(spec.log_max_size), 0, INT64_MAX},
    {"mytop.logOpts", FIELD_LIST, R(spec.log_opts)},
    {"mytop.logMaxFile", FIELD_INT, R(spec.log_max_file), 1, COUNT_MAX},
    {"mytop.health.test", FIELD_LIST, R(spec.healthcheck.test)},
    {"mytop.health.interval", FIELD_INT, R(spec.healthcheck.interval), 0, INT64_MAX},
    {"mytop.health.timeout", FIELD_INT, R(spec.healthcheck.timeout), 0, INT64_MAX},
    {"mytop.health.startPeriod", FIELD_INT, R(spec.healthcheck.start_period), 0,
     INT64_MAX},
    {"mytop.health.startInterval", FIELD_INT, R(spec.healthcheck.start_interval), 0,
     INT64_MAX},
    {"mytop.health.retries", FIELD_INT, R(spec.healthcheck.retries), 0, UINT_MAX},

    {"state.pidStart", FIELD_INT, R(status.pid_start), INT64_MIN, INT64_MAX},
    {"state.bootId", FIELD_CHARS, R(status.boot_id)},
    {"state.monitorPid", FIELD_INT, R(status.monitor_pid), 0, INT_MAX},
    {"state.monitorStart", FIELD_INT, R(status.monitor_start), INT64_MIN, INT64_MAX},
    {"state.exitCode", FIELD_INT, R(status.exit_code), -1, 255},
    {"state.exitSignal", FIELD_INT, R(status.exit_signal), 0, 128},
    {"state.oomKilled", FIELD_BOOL, R(status.oom_killed)},
    {"state.stoppedByUser", FIELD_BOOL, R(status.stopped_by_user)},
    {"state.restartCount", FIELD_INT, R(status.restart_count), 0, UINT_MAX},
    {"state.startedAt", FIELD_TIME, R(status.started_at)},
    {"state.finishedAt", FIELD_TIME, R(status.finished_at)},
    {"state.nextStartAt", FIELD_TIME, R(status.next_start_at)},
    {"state.error", FIELD_STRING, R(status.error)},
    {"state.cgroups", FIELD_LIST, R(status.cgroups)},
    {"state.namespaces", FIELD_LIST, R(status.namespaces)},
    {"state.health", FIELD_STRING, R(status.health)},
    {"state.hostNetwork", FIELD_INT, R(status.host_network), 0, INT64_MAX},
    {"state.networks", FIELD_STRUCTS, R(status.endpoints), .items = &ENDPOINTS,
     .count_offset = offsetof(struct mtd_record, status.n_endpoints)},
    {"state.ports", FIELD_STRUCTS, R(status.ports), .items = &PORTS,
     .count_offset = offsetof(struct mtd_record, status.n_ports)},
};
static const struct field_table RECORD = {RECORD_FIELDS, ARRAY_SIZE(RECORD_FIELDS),
                                          sizeof(struct mtd_record)};

/* Members for readers only: derived from others and never read back. */
struct reader_view {
    char *command, *volume;
};
static const struct field READER_FIELDS[] = {
    {"command", FIELD_STRING, AT(struct reader_view, command), .always = true},
    {"volume", FIELD_STRING, AT(struct reader_view, volume), .always = true},
};
static const struct field_table READER = {READER_FIELDS, ARRAY_SIZE(READER_FIELDS),
                                          sizeof(struct reader_view)};

/* What is derived from the rest is not foreign: it is made again. "listed" is the store's. */
static const struct field LISTED_FIELDS[] = {{"listed", FIELD_STRING}};
static const struct field_table LISTED = {LISTED_FIELDS, ARRAY_SIZE(LISTED_FIELDS), 0};
static const struct field_table *const ALL[] = {&RECORD, &READER, &LISTED};

static int join_args(const struct strv *args, struct buf *ret)
{
    int rc = buf_puts(ret, "");
    for (size_t i = 0; rc == 0 && i < args->len; i++)
        rc = buf_printf(ret, "%s%s", i ? " " : "", args->items[i]);
    return rc;
}

static int join_volumes(const struct mtd_spec *s, struct buf *ret)
{
    int rc = buf_puts(ret, "");
    for (size_t i = 0; rc == 0 && i < s->n_mounts; i++)
        if (s->mounts[i].source && s->mounts[i].target)
            rc = buf_printf(ret, "%s%s:%s", ret->len ? "," : "", s->mounts[i].source,
                            s->mounts[i].target);
    return rc;
}

static int encode_reader_view(const struct mtd_record *r, json_t *out,
                              struct mtd_error *err)
{
    auto_done(buf_done) struct buf command = {0};
    auto_done(buf_done) struct buf volume = {0};
    if (join_args(&r->spec.process.args, &command) < 0 ||
        join_volumes(&r->spec, &volume) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    struct reader_view view = {command.data, volume.data}, none = {0};
    return spec_codec_encode(&READER, &view, &none, out, err);
}

int spec_check(const struct mtd_record *r, struct mtd_error *err)
{
    return spec_codec_check(&RECORD, r, err);
}

int spec_encode(const struct mtd_record *r, struct buf *ret, struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record defaults;
    auto_json json_t *out = json_object();
    mtd_record_init(&defaults);
    if (!out)
        return mtd_fail(err, ENOMEM, "out of memory");
    struct field_table head = {RECORD_FIELDS, 5, RECORD.struct_size};
    struct field_table rest = {RECORD_FIELDS + 5, RECORD.n_fields - 5,
                               RECORD.struct_size};
    int rc = spec_codec_encode(&head, r, &defaults, out, err);
    if (rc == 0)
        rc = encode_reader_view(r, out, err);
    if (rc == 0)
        rc = spec_codec_encode(&rest, r, &defaults, out, err);
    if (rc == 0)
        rc = spec_foreign_add(r->foreign, out, err);
    return rc < 0 ? rc : spec_codec_print(out, SPEC_MAX_BYTES, ret, err);
}

/* All other code relies on these without a check of its own: they are used in paths, and
 * compared. */
static int check_identity(const struct mtd_record *r, struct mtd_error *err)
{
    if (!hex_is_valid(r->id, MTD_ID_LEN))
        return mtd_fail(err, EINVAL, "id: not %d hexadecimal digits", MTD_ID_LEN);
    if (!r->name || !name_is_valid(r->name))
        return mtd_fail(err, EINVAL, "name: not a container name");
    for (size_t i = 0; i < r->spec.n_mounts; i++)
        if (!r->spec.mounts[i].target || r->spec.mounts[i].target[0] != '/')
            return mtd_fail(err, EINVAL, "mounts: destination: not an absolute path");
    for (size_t i = 0; i < r->spec.n_joins; i++)
        if (!r->spec.joins[i].network)
            return mtd_fail(err, EINVAL, "mytop.networks: network: missing");
    for (size_t i = 0; i < r->status.n_endpoints; i++)
        if (!r->status.endpoints[i].network)
            return mtd_fail(err, EINVAL, "state.networks: network: missing");
    return 0;
}

/* A later version may have written values of a known member that are not known here. */
static int explain(const json_t *in, int rc, struct mtd_error *err)
{
    json_int_t format =
        json_integer_value(json_object_get(json_object_get(in, "mytop"), "format"));
    if (format <= MTD_FORMAT)
        return rc;
    mtd_error_clear(err);
    return mtd_fail(err, EPROTO,
                    "written by a later mytop-docker (format %lld, this one knows %d)",
                    (long long)format, MTD_FORMAT);
}

int spec_decode(const char *text, size_t len, struct mtd_record *ret,
                struct mtd_error *err)
{
    auto_json json_t *in = NULL;
    mtd_record_done(ret);
    int rc = spec_codec_parse(text, len, SPEC_MAX_BYTES, &in, err);
    if (rc < 0)
        return rc;
    mtd_record_init(ret);
    ret->format = 1; /* unless it says so */
    rc = spec_codec_decode(&RECORD, in, ret, err);
    if (rc == 0)
        rc = check_identity(ret, err);
    if (rc < 0)
        rc = explain(in, rc, err);
    else
        rc = spec_foreign_take(ALL, ARRAY_SIZE(ALL), in, &ret->foreign, err);
    if (rc < 0)
        mtd_record_done(ret);
    return rc;
}

int spec_copy(struct mtd_record *ret, const struct mtd_record *from,
              struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    int rc = spec_encode(from, &text, err);
    return rc < 0 ? rc : spec_decode(text.data, text.len, ret, err);
}
