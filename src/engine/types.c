/* What the types need of code lives here, below all rooms, so that the command line and
 * the dashboard name a state, a stage or a capability exactly as the engine does. */

#include "engine/types.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/parse.h"

static const char *const STATES[MTD_STATE_COUNT] = {
    [MTD_STATE_CREATED] = "created",   [MTD_STATE_RUNNING] = "running",
    [MTD_STATE_PAUSED] = "paused",     [MTD_STATE_RESTARTING] = "restarting",
    [MTD_STATE_REMOVING] = "removing", [MTD_STATE_EXITED] = "exited",
    [MTD_STATE_DEAD] = "dead",         [MTD_STATE_BROKEN] = "broken",
};

static const char *const STAGES[MTD_STAGE_COUNT] = {
    [MTD_STAGE_NONE] = "",           [MTD_STAGE_CLAIM] = "claim",
    [MTD_STAGE_CGROUP] = "cgroup",   [MTD_STAGE_STDIO] = "stdio",
    [MTD_STAGE_CLONE] = "clone",     [MTD_STAGE_LIMITS] = "limits",
    [MTD_STAGE_NETWORK] = "network", [MTD_STAGE_ROOTFS] = "rootfs",
    [MTD_STAGE_MOUNT] = "mount",     [MTD_STAGE_DEVICES] = "devices",
    [MTD_STAGE_PIVOT] = "pivot",     [MTD_STAGE_HOSTNAME] = "hostname",
    [MTD_STAGE_USER] = "user",       [MTD_STAGE_CAPS] = "caps",
    [MTD_STAGE_CWD] = "cwd",         [MTD_STAGE_EXEC] = "exec",
    [MTD_STAGE_PUBLISH] = "publish",
};

#define NAME_RULE "use [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 255 characters"

int mtd_name_check(const char *name, struct mtd_error *err)
{
    return name_is_valid(name)
               ? 0
               : mtd_fail(err, EINVAL, "invalid container name \"%.80s\"; " NAME_RULE,
                          name);
}

int mtd_volume_name_check(const char *name, struct mtd_error *err)
{
    return name_is_valid(name) ? 0
                               : mtd_fail(err, EINVAL,
                                          "invalid volume name \"%.80s\"; " NAME_RULE
                                          "; a host path begins with / or .",
                                          name);
}

const char *mtd_name_bare(const char *typed)
{
    return typed && typed[0] == '/' ? typed + 1 : typed;
}

static const char *const LOG_DRIVERS[] = {
    [MTD_LOG_K8S_FILE] = "k8s-file",   [MTD_LOG_LOCAL] = "local",
    [MTD_LOG_JSON_FILE] = "json-file", [MTD_LOG_JOURNALD] = "journald",
    [MTD_LOG_NONE] = "none",
};

const char *mtd_log_driver_name(enum mtd_log_driver d)
{
    return LOG_DRIVERS[d];
}

int mtd_log_driver_parse(const char *name, enum mtd_log_driver *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(LOG_DRIVERS); i++)
        if (strcmp(name, LOG_DRIVERS[i]) == 0) {
            *ret = (enum mtd_log_driver)i;
            return 0;
        }
    return -EINVAL;
}

static int find_word(const char *const words[], size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(words[i], word) == 0)
            return (int)i;
    return -EINVAL;
}

static const char *const PROPAGATIONS[MTD_PROPAGATION_COUNT] = {
    [MTD_PROPAGATION_RPRIVATE] = "rprivate", [MTD_PROPAGATION_PRIVATE] = "private",
    [MTD_PROPAGATION_RSLAVE] = "rslave",     [MTD_PROPAGATION_SLAVE] = "slave",
    [MTD_PROPAGATION_RSHARED] = "rshared",   [MTD_PROPAGATION_SHARED] = "shared",
};

const char *mtd_propagation_name(enum mtd_propagation p)
{
    return PROPAGATIONS[p];
}

int mtd_propagation_parse(const char *name, enum mtd_propagation *ret)
{
    int i = find_word(PROPAGATIONS, MTD_PROPAGATION_COUNT, name);
    if (i >= 0)
        *ret = (enum mtd_propagation)i;
    return i < 0 ? i : 0;
}

bool mtd_propagation_is_private(enum mtd_propagation p)
{
    return p == MTD_PROPAGATION_RPRIVATE || p == MTD_PROPAGATION_PRIVATE;
}

bool mtd_propagation_is_shared(enum mtd_propagation p)
{
    return p == MTD_PROPAGATION_SHARED || p == MTD_PROPAGATION_RSHARED;
}

static const char *const RECURSIONS[MTD_RECURSION_COUNT] = {
    [MTD_RECURSION_ENABLED] = "enabled",
    [MTD_RECURSION_DISABLED] = "disabled",
    [MTD_RECURSION_WRITABLE] = "writable",
    [MTD_RECURSION_READONLY] = "readonly",
};

const char *mtd_recursion_name(enum mtd_recursion r)
{
    return RECURSIONS[r];
}

int mtd_recursion_parse(const char *name, enum mtd_recursion *ret)
{
    int i = find_word(RECURSIONS, MTD_RECURSION_COUNT, name);
    if (i >= 0)
        *ret = (enum mtd_recursion)i;
    return i < 0 ? i : 0;
}

const char *mtd_state_name(enum mtd_state s)
{
    return (unsigned)s < MTD_STATE_COUNT ? STATES[s] : "?";
}

int mtd_state_parse(const char *name, enum mtd_state *ret)
{
    for (unsigned i = 0; i < MTD_STATE_COUNT; i++)
        if (strcmp(name, STATES[i]) == 0) {
            *ret = (enum mtd_state)i;
            return 0;
        }
    return -EINVAL;
}

bool mtd_state_is_live(enum mtd_state s)
{
    return s == MTD_STATE_RUNNING || s == MTD_STATE_PAUSED;
}

bool mtd_state_is_active(enum mtd_state s)
{
    return mtd_state_is_live(s) || s == MTD_STATE_RESTARTING;
}

const char *mtd_stage_name(enum mtd_stage s)
{
    return (unsigned)s < MTD_STAGE_COUNT ? STAGES[s] : "?";
}

/* The index is the capability's number in linux/capability.h. */
static const char *const CAPS[] = {
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
};

int mtd_cap_parse(const char *name, uint64_t *ret, struct mtd_error *err)
{
    if (strcasecmp(name, "ALL") == 0) {
        *ret = MTD_CAPS_ALL;
        return 0;
    }
    const char *bare = strncasecmp(name, "CAP_", 4) == 0 ? name + 4 : name;
    for (size_t i = 0; i < ARRAY_SIZE(CAPS); i++)
        if (strcasecmp(CAPS[i] + 4, bare) == 0) {
            *ret = UINT64_C(1) << i;
            return 0;
        }
    return mtd_fail(err, EINVAL, "\"%.60s\" is not a capability; write NET_ADMIN or ALL",
                    name);
}

const char *mtd_cap_name(int cap)
{
    return cap >= 0 && (size_t)cap < ARRAY_SIZE(CAPS) ? CAPS[cap] : NULL;
}

void mtd_process_done(struct mtd_process *p)
{
    strv_done(&p->args);
    strv_done(&p->env);
    free(p->cwd);
    free(p->seccomp);
    free(p->seccomp_made);
    free(p->apparmor);
    free(p->selinux);
    free(p->user);
    strv_done(&p->group_add);
    free(p->rlimits);
}

void mtd_mount_done(struct mtd_mount *m)
{
    char *strings[] = {m->source, m->target, m->options, m->subpath, m->mode};
    for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
        free(strings[i]);
    strv_done(&m->volume_labels);
    strv_done(&m->volume_options);
    *m = (struct mtd_mount){0};
}

static int copy_string(char **ret, const char *from)
{
    *ret = from ? strdup(from) : NULL;
    return from && !*ret ? -ENOMEM : 0;
}

int mtd_mount_copy(struct mtd_mount *ret, const struct mtd_mount *from)
{
    auto_done(mtd_mount_done) struct mtd_mount m = *from;
    m.source = m.target = m.options = m.subpath = m.mode = NULL;
    m.volume_labels = m.volume_options = (struct strv){0};
    if (copy_string(&m.source, from->source) < 0 ||
        copy_string(&m.target, from->target) < 0 ||
        copy_string(&m.options, from->options) < 0 ||
        copy_string(&m.subpath, from->subpath) < 0 ||
        copy_string(&m.mode, from->mode) < 0 ||
        strv_copy(&m.volume_labels, &from->volume_labels) < 0 ||
        strv_copy(&m.volume_options, &from->volume_options) < 0)
        return -ENOMEM;
    *ret = m;
    memset(&m, 0, sizeof(m));
    return 0;
}

static void mounts_done(struct mtd_mount *mounts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        mtd_mount_done(&mounts[i]);
    free(mounts);
}

void mtd_resources_done(struct mtd_resources *r)
{
    free(r->cpuset_cpus);
    free(r->cpuset_mems);
    for (size_t i = 0; i < MTD_BLKIO_COUNT; i++)
        strv_done(&r->blkio[i]);
    *r = (struct mtd_resources){0};
}

const char *mtd_network_word(enum mtd_network n)
{
    static const char *const WORDS[] = {"none", "host", "bridge", "container"};
    return WORDS[n];
}

void mtd_joins_done(struct mtd_join **joins, size_t *n)
{
    for (size_t i = 0; i < *n; i++) {
        free((*joins)[i].network);
        free((*joins)[i].address);
        free((*joins)[i].address6);
        free((*joins)[i].mac);
        free((*joins)[i].ifname);
        strv_done(&(*joins)[i].aliases);
        strv_done(&(*joins)[i].link_locals);
    }
    free(*joins);
    *joins = NULL;
    *n = 0;
}

void mtd_ports_done(struct mtd_port **ports, size_t *n)
{
    for (size_t i = 0; i < *n; i++)
        free((*ports)[i].address);
    free(*ports);
    *ports = NULL;
    *n = 0;
}

static void endpoint_done(struct mtd_endpoint *e)
{
    char *strings[] = {e->network,  e->address,  e->gateway, e->mac,
                       e->address6, e->gateway6, e->ifname};
    for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
        free(strings[i]);
    strv_done(&e->names);
    strv_done(&e->link_locals);
}

void mtd_endpoints_done(struct mtd_endpoint **endpoints, size_t *n)
{
    for (size_t i = 0; i < *n; i++)
        endpoint_done(&(*endpoints)[i]);
    free(*endpoints);
    *endpoints = NULL;
    *n = 0;
}

const char *mtd_net_driver_word(enum mtd_net_driver d)
{
    static const char *const WORDS[] = {"bridge", "macvlan"};
    return WORDS[d];
}

void mtd_net_done(struct mtd_net *n)
{
    char *strings[] = {n->name,    n->bridge, n->parent,  n->mode,    n->subnet,
                       n->gateway, n->range,  n->subnet6, n->gateway6};
    for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
        free(strings[i]);
    strv_done(&n->labels);
    strv_done(&n->options);
    *n = (struct mtd_net){0};
}

void mtd_net_list_done(struct mtd_net_list *l)
{
    for (size_t i = 0; i < l->len; i++)
        mtd_net_done(&l->items[i]);
    free(l->items);
    *l = (struct mtd_net_list){0};
}

void mtd_spec_init(struct mtd_spec *s)
{
    *s = (struct mtd_spec){
        .process.caps = MTD_CAPS_DEFAULT,
        .stop_timeout = 10,
        .start_timeout = MTD_START_TIMEOUT,
        .log_max_file = 1,
    };
}

void mtd_spec_done(struct mtd_spec *s)
{
    char *strings[] = {s->image,       s->image_id,     s->hostname,
                       s->domainname,  s->pid_from,     s->ipc_from,
                       s->stop_signal, s->network_from, s->mount_label};
    struct strv *lists[] = {
        &s->layers,       &s->entrypoint, &s->cmd,         &s->dns,
        &s->add_hosts,    &s->labels,     &s->env_cmdline, &s->healthcheck.test,
        &s->log_opts,     &s->dns_search, &s->dns_options, &s->volumes_from,
        &s->sysctls,      &s->mask,       &s->unmask,      &s->devices,
        &s->device_rules, &s->exposed,    &s->annotations, &s->label_words};
    for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
        free(strings[i]);
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        strv_done(lists[i]);
    mtd_process_done(&s->process);
    mtd_resources_done(&s->resources);
    mounts_done(s->mounts, s->n_mounts);
    mtd_joins_done(&s->joins, &s->n_joins);
    mtd_ports_done(&s->ports, &s->n_ports);
    free(s->idmap);
    *s = (struct mtd_spec){0};
}

int mtd_stop_signal(const struct mtd_spec *s)
{
    int sig = SIGTERM;
    return s->stop_signal && parse_signal(s->stop_signal, &sig) < 0 ? SIGTERM : sig;
}

void mtd_record_init(struct mtd_record *r)
{
    *r = (struct mtd_record){.format = MTD_FORMAT};
    mtd_spec_init(&r->spec);
}

int mtd_record_check(const struct mtd_record *r, struct mtd_error *err)
{
    if (r->format <= MTD_FORMAT)
        return 0;
    return mtd_fail(
        err, EPROTO,
        "container %s: a later mytop-docker wrote its record (format %d, this one "
        "knows %d), so it may not run as was asked for; use that one",
        r->name, r->format, MTD_FORMAT);
}

void mtd_record_done(struct mtd_record *r)
{
    free(r->name);
    free(r->foreign);
    mtd_spec_done(&r->spec);
    free(r->status.error);
    free(r->status.health);
    strv_done(&r->status.cgroups);
    strv_done(&r->status.namespaces);
    mtd_endpoints_done(&r->status.endpoints, &r->status.n_endpoints);
    mtd_ports_done(&r->status.ports, &r->status.n_ports);
    *r = (struct mtd_record){0};
}

void mtd_summary_done(struct mtd_summary *s)
{
    char *strings[] = {s->name, s->image, s->image_id, s->command, s->health, s->error};
    for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
        free(strings[i]);
    strv_done(&s->labels);
    strv_done(&s->mounts);
    strv_done(&s->cgroups);
    strv_done(&s->networks);
    strv_done(&s->ports);
    strv_done(&s->addresses);
    *s = (struct mtd_summary){0};
}

void mtd_list_done(struct mtd_list *l)
{
    for (size_t i = 0; i < l->len; i++)
        mtd_summary_done(&l->items[i]);
    free(l->items);
    *l = (struct mtd_list){0};
}

void mtd_image_config_done(struct mtd_image_config *c)
{
    struct strv *lists[] = {&c->cmd,      &c->entrypoint,      &c->env,
                            &c->labels,   &c->exposed,         &c->volumes,
                            &c->on_build, &c->healthcheck.test};
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        strv_done(lists[i]);
    free(c->working_dir);
    free(c->user);
    free(c->author);
    free(c->comment);
    free(c->stop_signal);
    *c = (struct mtd_image_config){0};
}

void mtd_image_done(struct mtd_image *i)
{
    free(i->id);
    strv_done(&i->names);
    strv_done(&i->layers);
    strv_done(&i->diff_ids);
    mtd_image_config_done(&i->config);
    strv_done(&i->digests);
    char *const texts[] = {i->manifest, i->config_digest, i->manifest_type,
                           i->os,       i->architecture,  i->variant};
    for (size_t n = 0; n < ARRAY_SIZE(texts); n++)
        free(texts[n]);
    *i = (struct mtd_image){0};
}

void mtd_history_list_done(struct mtd_history_list *l)
{
    for (size_t i = 0; i < l->len; i++) {
        free(l->items[i].created_by);
        free(l->items[i].comment);
    }
    free(l->items);
    *l = (struct mtd_history_list){0};
}

void mtd_image_list_done(struct mtd_image_list *l)
{
    for (size_t i = 0; i < l->len; i++)
        mtd_image_done(&l->items[i]);
    free(l->items);
    *l = (struct mtd_image_list){0};
}

void mtd_volume_done(struct mtd_volume *v)
{
    free(v->name);
    free(v->error);
    strv_done(&v->labels);
    strv_done(&v->options);
    strv_done(&v->used_by);
    *v = (struct mtd_volume){0};
}

void mtd_volume_list_done(struct mtd_volume_list *l)
{
    for (size_t i = 0; i < l->len; i++)
        mtd_volume_done(&l->items[i]);
    free(l->items);
    *l = (struct mtd_volume_list){0};
}
