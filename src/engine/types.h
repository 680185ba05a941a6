/* types - the data that the engine, the command line and the dashboard share: plain
 * structs, with no code but names, init and done.
 * Units   bytes, nanoseconds, CPU in 1e-9 of a core; wall times since the epoch; never
 *         percent.
 * Errors  0 or -errno; err, where there is one, says what is wrong and what is allowed.
 * Owner   strings and arrays belong to the struct that has them as members, unless they
 *         are const; *_done frees, *_init zeroes and sets the documented defaults. A NULL
 *         string is not set.
 * Source  shaped like the OCI runtime-spec config.json, docker's words where OCI has
 *         none.
 */
#ifndef ENGINE_TYPES_H
#define ENGINE_TYPES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/proc.h"
#include "base/strv.h"

#define MTD_ID_LEN 64
#define MTD_SHORT_ID_LEN 12
#define MTD_ID_SIZE (MTD_ID_LEN + 1)

/* Names of containers and of volumes: [a-zA-Z0-9][a-zA-Z0-9_.-]*, at most 255. -EINVAL. */
int mtd_name_check(const char *name, struct mtd_error *err);
int mtd_volume_name_check(const char *name, struct mtd_error *err);
/* The name without the "/" that a user may type in front of it, as in docker. NULL stays
 * NULL. */
const char *mtd_name_bare(const char *typed);

/* What `ps` filters and prints; names are docker's. RUNNING and PAUSED are observed from
 * the kernel, never believed from the record. */
enum mtd_state {
    MTD_STATE_CREATED,
    MTD_STATE_RUNNING,
    MTD_STATE_PAUSED,
    MTD_STATE_RESTARTING,
    MTD_STATE_REMOVING,
    MTD_STATE_EXITED,
    MTD_STATE_DEAD,
    MTD_STATE_BROKEN, /* the record cannot be read; the summary's `error` says why */
    MTD_STATE_COUNT
};
const char *mtd_state_name(enum mtd_state s);               /* "running" */
int mtd_state_parse(const char *name, enum mtd_state *ret); /* -EINVAL */
bool mtd_state_is_live(enum mtd_state s);   /* has processes: running or paused */
bool mtd_state_is_active(enum mtd_state s); /* has a monitor: live or restarting */

/* Where a start failed: mtd_error.stage. The name is what a user reads. */
enum mtd_stage {
    MTD_STAGE_NONE,
    MTD_STAGE_CLAIM,
    MTD_STAGE_CGROUP,
    MTD_STAGE_STDIO,
    MTD_STAGE_CLONE,
    MTD_STAGE_LIMITS,
    MTD_STAGE_NETWORK,
    MTD_STAGE_ROOTFS,
    MTD_STAGE_MOUNT,
    MTD_STAGE_DEVICES,
    MTD_STAGE_PIVOT,
    MTD_STAGE_HOSTNAME,
    MTD_STAGE_USER,
    MTD_STAGE_CAPS,
    MTD_STAGE_CWD,
    MTD_STAGE_EXEC, /* ENOENT here = exit status 127, anything else 126 */
    MTD_STAGE_PUBLISH,
    MTD_STAGE_COUNT
};
const char *mtd_stage_name(enum mtd_stage s);

/* What an error is about, where the caller can change something: mtd_error.about. The
 * engine names no options; the caller knows what they are called in its interface. */
enum mtd_about {
    MTD_ABOUT_NONE,
    MTD_ABOUT_MEMORY,
    MTD_ABOUT_SWAP,
    MTD_ABOUT_CPUS,
    MTD_ABOUT_CPU_SHARES,
    MTD_ABOUT_CPUSET,
    MTD_ABOUT_CPUSET_MEMS,
    MTD_ABOUT_CPU_PERIOD,
    MTD_ABOUT_CPU_QUOTA,
    MTD_ABOUT_RESERVATION,
    MTD_ABOUT_SWAPPINESS,
    MTD_ABOUT_BLKIO_DEVICE,
    MTD_ABOUT_BLKIO_WEIGHT,
    MTD_ABOUT_PIDS,
    MTD_ABOUT_SECCOMP,     /* the profile of system calls */
    MTD_ABOUT_AUTO_REMOVE, /* the container is to be removed when it exits */
    MTD_ABOUT_FORCE,       /* with force it would be done */
    MTD_ABOUT_BROKEN,      /* a record that cannot be read */
    MTD_ABOUT_ROOT,        /* the state directory */
    MTD_ABOUT_RUN_ROOT,
    MTD_ABOUT_USERNS,  /* the host's user namespace */
    MTD_ABOUT_LOGIN,   /* logging in at a registry */
    MTD_ABOUT_TLS,     /* a registry's certificate need not be trusted */
    MTD_ABOUT_NETWORK, /* on which networks it is */
    MTD_ABOUT_COUNT
};

enum mtd_mount_type { MTD_MOUNT_BIND, MTD_MOUNT_TMPFS, MTD_MOUNT_VOLUME };
/* How it was asked for; docker's inspect shows each kind in another place. */
enum mtd_mount_origin {
    MTD_ORIGIN_VOLUME, /* a path and its target, or a volume's name and its target */
    MTD_ORIGIN_MOUNT,  /* by its properties */
    MTD_ORIGIN_IMAGE,  /* the image has a volume there */
    MTD_ORIGIN_FROM    /* another container's */
};
/* Whether mounts that are made below it later on are seen on the other side: never, those of the
 * host in the container, or in both directions (mount_namespaces(7)). What was below it already
 * follows the same rule: docker's words without r have no effect of their own. */
enum mtd_propagation {
    MTD_PROPAGATION_RPRIVATE,
    MTD_PROPAGATION_PRIVATE,
    MTD_PROPAGATION_RSLAVE,
    MTD_PROPAGATION_SLAVE,
    MTD_PROPAGATION_RSHARED,
    MTD_PROPAGATION_SHARED,
    MTD_PROPAGATION_COUNT
};
const char *mtd_propagation_name(enum mtd_propagation p);               /* "rslave" */
int mtd_propagation_parse(const char *name, enum mtd_propagation *ret); /* -EINVAL */
bool mtd_propagation_is_private(enum mtd_propagation p);
bool mtd_propagation_is_shared(enum mtd_propagation p);

/* What becomes of mounts below a bind's source. */
enum mtd_recursion {
    MTD_RECURSION_ENABLED, /* they come along; read-only too, if the kernel can (Linux 5.12) */
    MTD_RECURSION_DISABLED, /* they are left out */
    MTD_RECURSION_WRITABLE, /* they come along, and stay writable */
    MTD_RECURSION_READONLY, /* they are read-only, or it is not mounted at all */
    MTD_RECURSION_COUNT
};
const char *mtd_recursion_name(enum mtd_recursion r);               /* "enabled" */
int mtd_recursion_parse(const char *name, enum mtd_recursion *ret); /* -EINVAL */

struct mtd_mount {
    enum mtd_mount_type type;
    char *source;  /* bind: absolute host path; volume: its name; tmpfs: NULL */
    char *target;  /* absolute path in the container */
    char *options; /* tmpfs: "size=64m,mode=1777"; else NULL */
    bool read_only;
    bool
        idmap; /* bind: its files' owners are the container's ids, as a volume's always */
    bool no_copy;   /* volume: not filled from the image when it is empty */
    bool anonymous; /* volume made by `-v /path` or the image; removed by rm -v / --rm */
    enum mtd_propagation propagation; /* bind */
    enum mtd_recursion recursion;     /* bind */
    char *subpath; /* volume: what of it is mounted, a path below it; NULL = all */
    char *mode;    /* "ro,z", as it was typed; for inspect; NULL = it was not */
    struct strv volume_labels, volume_options; /* of the volume, if it has to be made */
    enum mtd_mount_origin origin;
};

struct mtd_rlimit {
    char name[16];       /* "nofile": lower case, without RLIMIT_ */
    uint64_t soft, hard; /* UINT64_MAX = unlimited */
};

#define MTD_SECCOMP_BUILTIN "builtin"
#define MTD_SECCOMP_UNCONFINED "unconfined"
#define MTD_SECCOMP_MAX_BYTES (256u << 10) /* of a profile */

#define MTD_CAPS_DEFAULT 0xa80425fbULL /* docker's 14 */
#define MTD_CAPS_ALL UINT64_MAX
/* One capability to its bit, any case: NET_ADMIN, CAP_NET_ADMIN; ALL = MTD_CAPS_ALL. */
int mtd_cap_parse(const char *name, uint64_t *ret, struct mtd_error *err);
const char *mtd_cap_name(int cap); /* "CAP_CHOWN"; NULL = unknown */

struct mtd_process {
    struct strv args; /* full argv: entrypoint + command */
    /* "NAME=VALUE", complete but for HOME, which init adds from passwd */
    struct strv env;
    char *cwd;  /* absolute; NULL = "/" */
    char *user; /* "name|uid[:group|gid]"; NULL = root */
    bool tty;
    bool open_stdin;  /* -i: else stdin is /dev/null */
    bool keeps_stdin; /* the end of a client's input is not the container's (run -d -i) */
    bool no_new_privs;
    bool init;             /* --init: our reaper is pid 1, and the command its child */
    bool privileged;       /* all capabilities, nothing masked */
    uint64_t caps;         /* bounding set, bit n = capability n; root has all of it */
    int oom_score_adj;     /* -1000..1000 */
    struct strv group_add; /* further groups: names of the container, or gids */
    /* Which system calls it may make: a word below, or a profile's JSON text. NULL = none
     * if it is privileged, else the built-in policy. */
    char *seccomp;
    char *seccomp_made; /* what was made of it (syscalls.h); NULL = nothing */
    /* The AppArmor profile; NULL = the default one, where the host has AppArmor. */
    char *apparmor;
    /* SELinux's label; NULL = the container was made where there is no SELinux, "" = none. */
    char *selinux;
    struct mtd_rlimit *rlimits;
    size_t n_rlimits;
    /* Of a bundle's config.json: user is "UID:GID" and group_add are gids, all there are; nothing
     * of the image's is asked but HOME; caps is the bounding set, sets the others, for any user;
     * a working directory is not made. */
    bool exact;
    struct mtd_capsets {
        uint64_t effective, permitted, inheritable, ambient;
    } sets;
    bool sets_umask; /* else it is 022 */
    unsigned umask;
    unsigned preserve; /* descriptors 3 to 2 + preserve stay open */
    bool sets_personality;
    unsigned long personality;
};
void mtd_process_done(struct mtd_process *p);

/* Limits for one block device each, as "/dev/NAME:VALUE": a weight, bytes or operations a
 * second. */
enum mtd_blkio {
    MTD_BLKIO_WEIGHT,
    MTD_BLKIO_READ_BPS,
    MTD_BLKIO_WRITE_BPS,
    MTD_BLKIO_READ_IOPS,
    MTD_BLKIO_WRITE_IOPS,
    MTD_BLKIO_COUNT
};

struct mtd_resources {
    int64_t memory;      /* bytes; 0 = no limit */
    int64_t memory_swap; /* memory + swap, bytes; 0 = twice the memory; -1 = no limit */
    int64_t memory_reservation; /* bytes kept when memory is short; 0 = none */
    bool sets_swappiness;
    bool oom_kill_disable;
    unsigned swappiness;   /* 0..100; valid with sets_swappiness */
    int64_t nano_cpus;     /* 1e9 = one core; 0 = no limit */
    int64_t cpu_period;    /* microseconds; 0 = default, 100 ms */
    int64_t cpu_quota;     /* microseconds in a period; 0 = default, -1 = no limit */
    uint64_t cpu_shares;   /* 2..262144; 0 = default */
    uint64_t blkio_weight; /* 10..1000; 0 = default */
    int64_t pids;          /* 0 = default (no limit), -1 = no limit */
    char *cpuset_cpus;     /* "0-1"; NULL = all */
    char *cpuset_mems;     /* memory nodes; NULL = all */
    struct strv blkio[MTD_BLKIO_COUNT];
};
void mtd_resources_done(struct mtd_resources *r);

/* Where output is kept. What is attached shows it in any case. */
enum mtd_log_driver {
    MTD_LOG_K8S_FILE,  /* container.log */
    MTD_LOG_LOCAL,     /* the same, by docker's word for "your own format" */
    MTD_LOG_JSON_FILE, /* and <id>-json.log beside it, in docker's format */
    MTD_LOG_JOURNALD,  /* and in systemd's journal */
    MTD_LOG_NONE       /* nowhere: only until who is attached has read it */
};
#define MTD_LOG_DRIVERS "k8s-file, local, json-file, journald and none"
#define MTD_JSON_LOG "-json.log"                        /* behind the container's ID */
const char *mtd_log_driver_name(enum mtd_log_driver d); /* "json-file" */
int mtd_log_driver_parse(const char *name, enum mtd_log_driver *ret); /* -EINVAL */

/* BRIDGE: the networks it joins; CONTAINER: another container's interfaces. */
enum mtd_network { MTD_NET_NONE, MTD_NET_HOST, MTD_NET_BRIDGE, MTD_NET_CONTAINER };
const char *mtd_network_word(enum mtd_network n); /* "bridge" */
#define MTD_NET_DEFAULT "bridge" /* the network that is there without being made */

/* A network that a container joins, and what it asks for there. */
struct mtd_join {
    char *network;                  /* its name */
    char *address, *address6, *mac; /* NULL = any */
    struct strv aliases;            /* further names of the container */
    struct strv link_locals;        /* further addresses, 169.254.0.0/16 and fe80::/10 */
    char *ifname;                   /* of its interface; NULL = eth0 and so on */
    int64_t gw_priority; /* the way out is by the greatest; of several the first one's */
};
/* A port of the container that is reached by one of the host's. */
struct mtd_port {
    char *address;      /* of the host; NULL = all of them */
    unsigned host;      /* 0 = one that is free */
    unsigned host_last; /* 0 = that one; or the first free one from host to this */
    unsigned target;
    bool udp;
};
/* What a container has in a network while it runs. */
struct mtd_endpoint {
    char *network, *address, *gateway, *mac;
    char *address6, *gateway6; /* NULL = the network has no IPv6 */
    unsigned prefix, prefix6;
    struct strv names; /* by which others find it */
    struct strv link_locals;
    char *ifname;
    int64_t gw_priority;
    bool direct; /* without the host in between, so nothing is published by it */
};

/* How its containers are connected. BRIDGE: by an interface of the host's, which routes for them.
 * MACVLAN: by one of the host's with further addresses of hardware; the host has no part in it. */
enum mtd_net_driver { MTD_NET_DRIVER_BRIDGE, MTD_NET_DRIVER_MACVLAN };
const char *mtd_net_driver_word(enum mtd_net_driver d); /* "bridge" */

/* A network: how it is made, its addresses and what is let through. */
struct mtd_net {
    char id[MTD_ID_SIZE];
    char *name;
    int64_t created_at;
    enum mtd_net_driver driver;
    char *bridge;           /* BRIDGE: the interface; else NULL */
    char *parent;           /* MACVLAN: the host's interface */
    bool owns_parent;       /* that was made for it, and leads nowhere */
    char *mode;             /* MACVLAN: "bridge" "private" "vepa" "passthru" */
    char *subnet, *gateway; /* "172.18.0.0/16", "172.18.0.1" */
    char *range;            /* a part of the subnet that addresses are from; NULL = all */
    char *subnet6, *gateway6; /* NULL = no IPv6 */
    bool internal;            /* no way out of it */
    bool isolated;            /* its containers do not reach each other */
    unsigned mtu;             /* 0 = the kernel's */
    struct strv labels;       /* "key=value" */
    struct strv options;      /* as they were given, for inspect */
};
void mtd_net_done(struct mtd_net *n);
struct mtd_net_list {
    struct mtd_net *items;
    size_t len;
};
void mtd_net_list_done(struct mtd_net_list *l);

/* Whose System V IPC, message queues and /dev/shm. SHAREABLE is PRIVATE under docker's other
 * name; NONE is without a /dev/shm. */
enum mtd_ipc { MTD_IPC_PRIVATE, MTD_IPC_SHAREABLE, MTD_IPC_NONE, MTD_IPC_HOST };
/* Whose user and group ids: the host's; a range of the host's of its own, chosen when the
 * container is created; the ranges given. */
enum mtd_userns { MTD_USERNS_HOST, MTD_USERNS_AUTO, MTD_USERNS_RANGES };
struct mtd_idrange {
    uint64_t inside, host, count; /* first id in the container, on the host; how many */
};
enum mtd_restart {
    MTD_RESTART_NO,
    MTD_RESTART_ON_FAILURE,
    MTD_RESTART_ALWAYS,
    MTD_RESTART_UNLESS_STOPPED
};

/* docker's health check: ["CMD", ...] or ["CMD-SHELL", "..."]; empty = none, ["NONE"] = not even
 * that of the image. */
struct mtd_healthcheck {
    struct strv test;
    int64_t interval, timeout, start_period; /* ns; 0 = default: 30 s, 30 s, none */
    int64_t start_interval; /* ns; 0 = default: 5 s, or the interval if it is less */
    unsigned retries;       /* 0 = default: 3 */
};

#define MTD_START_TIMEOUT 60
#define MTD_START_TIMEOUT_MAX 86400
/* What was asked for, complete: the image's config is already merged in. */
struct mtd_spec {
    char *image;        /* the reference as typed */
    char *image_id;     /* "sha256:..." */
    struct strv layers; /* chain ids, lowest first: directories under images/layers/ */
    struct strv entrypoint, cmd; /* what argv was made from, for inspect and commit */
    struct mtd_process process;
    char *hostname, *domainname;
    bool read_only;           /* root file system */
    struct mtd_mount *mounts; /* the user's; the default ones are a table in rootfs.c */
    size_t n_mounts;
    struct mtd_resources resources;
    enum mtd_network network;
    struct mtd_join *joins; /* BRIDGE: the first one's gateway is the way out */
    size_t n_joins;
    char *network_from;     /* CONTAINER: as pid_from */
    struct mtd_port *ports; /* to be published */
    size_t n_ports;
    bool publish_all; /* every exposed port on a free one of the host's */
    enum mtd_ipc ipc;
    bool pid_host, uts_host; /* the host's namespace instead of one of its own */
    /* Or that of another container, which then must run: its id (before it is created, what
     * the user typed). NULL = as above. */
    char *pid_from, *ipc_from;
    enum mtd_userns userns;
    uint64_t userns_size;      /* AUTO: how many ids */
    struct mtd_idrange *idmap; /* of users and groups alike; none = the host's ids */
    size_t n_idmap;
    int64_t shm_size; /* bytes of /dev/shm; 0 = default, 64 MiB */
    struct strv dns, dns_search, dns_options, add_hosts;
    struct strv sysctls; /* "net.core.somaxconn=128"; only what has a namespace */
    struct strv devices; /* "/dev/host:/dev/inside:rwm", the host's nodes made inside */
    struct strv device_rules; /* "c 189:* rwm", what else may be opened */
    struct strv volumes_from; /* containers whose volumes it has too: "name[:ro]" */
    struct strv mask;         /* further paths to hide, see kernel_files.h */
    struct strv unmask;       /* paths and patterns, or "ALL", not to hide */
    struct strv label_words;  /* of SELinux, as given: "type:x", "disable", "nested" */
    char *mount_label;        /* SELinux's, of the container's files; NULL = none */
    struct strv exposed;      /* "80/tcp"; for inspect */
    struct strv annotations;  /* "key=value"; for inspect */
    char *stop_signal;        /* as given: "SIGINT", "INT", "2"; NULL = SIGTERM */
    int64_t stop_timeout;     /* seconds; -1 = wait forever */
    unsigned start_timeout;   /* seconds until the command runs, >= 1 */
    bool sets_stop_timeout;   /* it was asked for, it is not the default */
    bool attach[3];           /* stdin, stdout, stderr of its first client; for inspect */
    struct strv labels;       /* "key=value", sorted */
    /* reserved: read and written with the record, used nowhere */
    struct strv env_cmdline;
    bool auto_remove; /* --rm */
    enum mtd_restart restart;
    unsigned restart_max; /* on-failure:N; 0 = no bound */
    enum mtd_log_driver log_driver;
    uint64_t log_max_size; /* bytes; 0 = no rotation */
    unsigned log_max_file; /* >= 1 */
    struct strv log_opts;  /* the driver's other options: "tag={{.Name}}" */
    struct mtd_healthcheck healthcheck;
};
void mtd_mount_done(struct mtd_mount *m);
/* A copy that owns its strings. */
int mtd_mount_copy(struct mtd_mount *ret, const struct mtd_mount *from);
void mtd_spec_init(struct mtd_spec *s);
void mtd_spec_done(struct mtd_spec *s);
int mtd_stop_signal(const struct mtd_spec *s); /* its number */

/* What became of the container. Written by one process at a time, under the container's
 * lock. */
struct mtd_status {
    enum mtd_state state; /* last written; observe before believing RUNNING */
    pid_t pid;            /* host pid of the container's pid 1; 0 = none */
    uint64_t pid_start;   /* its start time, see proc_start_time() */
    char boot_id[BOOT_ID_LEN + 1];
    pid_t monitor_pid;
    uint64_t monitor_start;
    int exit_code;   /* 0..255, 128+n for signal n; -1 = not known */
    int exit_signal; /* 0 = not killed by a signal */
    bool oom_killed;
    bool stopped_by_user; /* stop or kill: the restart policy is suspended */
    unsigned restart_count;
    int64_t started_at, finished_at; /* wall ns; 0 = never */
    int64_t next_start_at; /* while restarting: when the policy starts it again */
    char *error;           /* why the last start failed, one line */
    struct strv cgroups;   /* "controllers:/absolute/host/dir", "unified:" for v2 */
    /* what pid 1 had before the command ran, as in base/ns.h; exec joins no others. Those
     * that init makes itself are missing: of the cgroups with v1, most with a map of ids. */
    struct strv namespaces;
    char *health; /* "starting" "healthy" "unhealthy"; NULL = no check */
    /* The host's network namespace in which its interfaces and rules are: the number of its file in
     * /proc, in this boot. 0 = a version wrote it that did not note it: taken for one's own. */
    uint64_t host_network;
    struct mtd_endpoint *endpoints; /* while it runs */
    size_t n_endpoints;
    struct mtd_port *ports; /* that are published, with the host's numbers */
    size_t n_ports;
};
void mtd_joins_done(struct mtd_join **joins, size_t *n); /* *joins becomes NULL, *n 0 */
void mtd_ports_done(struct mtd_port **ports, size_t *n);
void mtd_endpoints_done(struct mtd_endpoint **endpoints, size_t *n);

struct mtd_record {
    char id[MTD_ID_SIZE];
    char *name;
    int64_t created_at; /* wall ns */
    struct mtd_spec spec;
    struct mtd_status status;
    int format;    /* MTD_FORMAT, or more: written by a later version */
    char *foreign; /* members only a later version knows, as JSON; NULL = none */
};
/* The format of records that this version makes; a record keeps that of the version which
 * made it. It is raised when a version that does not know a new member would run a container
 * otherwise than was asked for; such a version refuses to (mtd_record_check). 1 = of 0.1.0,
 * which writes no format and looks for none. */
#define MTD_FORMAT 2
/* -EPROTO = a later version wrote it, so nothing may be run by it. */
int mtd_record_check(const struct mtd_record *r, struct mtd_error *err);
void mtd_record_init(struct mtd_record *r);
void mtd_record_done(struct mtd_record *r);

/* A container as a list shows it, without the rest of the record. */
struct mtd_summary {
    char id[MTD_ID_SIZE];
    char *name, *image, *image_id;
    char *command; /* argv joined with spaces, for reading only */
    int64_t created_at, started_at, finished_at;
    enum mtd_state state; /* observed */
    int exit_code;
    int exit_signal;
    bool oom_killed, tty;
    pid_t pid; /* 0 unless running or paused */
    /* As in mtd_status; observing the state needs them. */
    uint64_t pid_start;
    char boot_id[BOOT_ID_LEN + 1];
    pid_t monitor_pid;
    uint64_t monitor_start;
    unsigned restart_count;
    int64_t next_start_at; /* wall ns; of any use while restarting only */
    char *health, *error;
    struct strv labels, mounts, cgroups; /* mounts: "source:target" */
    struct strv networks;                /* names; of "none" and "host" as well */
    struct strv ports;     /* "0.0.0.0:8080->80/tcp", "80/tcp"; see port.h */
    struct strv addresses; /* "NETWORK ADDRESS/PREFIX", while it runs */
    enum mtd_network network;
    int64_t memory_limit, nano_cpus;
};
void mtd_summary_done(struct mtd_summary *s);

struct mtd_list {
    struct mtd_summary *items;
    size_t len;
};
void mtd_list_done(struct mtd_list *l);

/* A container's figures at one moment. Counters only grow; a figure the kernel does not
 * give is MTD_STAT_NONE, never 0. */
#define MTD_STAT_NONE UINT64_MAX
struct mtd_stats {
    int64_t taken_at; /* monotonic ns */
    uint64_t cpu_ns;  /* used since start */
    uint64_t throttled_ns, periods, throttled_periods;
    uint64_t memory;       /* usage minus inactive page cache, as docker counts */
    uint64_t memory_limit; /* MTD_STAT_NONE = none */
    uint64_t memory_cache;
    uint64_t oom_kills;
    uint64_t pids, pids_limit;
    uint64_t blk_read, blk_write;                  /* bytes */
    uint64_t net_rx, net_tx;                       /* bytes, all interfaces but lo */
    uint64_t psi_cpu_us, psi_memory_us, psi_io_us; /* "some" totals */
};

/* The configuration an image has for its containers. */
struct mtd_image_config {
    struct strv cmd, entrypoint, env, labels, exposed, volumes;
    struct strv on_build; /* instructions for builds on top of it */
    char *working_dir, *user, *author, *comment;
    char *stop_signal; /* as in mtd_spec; NULL = not set */
    struct mtd_healthcheck healthcheck;
};
void mtd_image_config_done(struct mtd_image_config *c);

struct mtd_image {
    char *id; /* "sha256:<64 hex>"; "" = known at first use, of <root>/image/NAME.tar */
    struct strv names; /* "busybox:latest"; may be empty (dangling) */
    int64_t created_at;
    uint64_t size;      /* bytes unpacked, all layers */
    struct strv layers; /* chain ids, lowest first */
    /* OCI's diff ids of the same layers; empty = not known, of an image that an older version
     * made of several */
    struct strv diff_ids;
    struct mtd_image_config config;
    struct strv
        digests; /* docker's RepoDigests: "busybox@sha256:..", of what was pulled */
    /* 64 hex digits; NULL = the image has no blobs yet. config_digest is the id, but of images
     * that were made from a source or by an older version. */
    char *manifest, *config_digest;
    char *manifest_type;               /* a media type; NULL = OCI's */
    char *os, *architecture, *variant; /* Go's names; NULL = the host's */
};
void mtd_image_done(struct mtd_image *i);

/* One step in the making of an image. */
struct mtd_history {
    int64_t created_at;         /* 0 = not known */
    char *created_by, *comment; /* NULL = not known */
    bool empty_layer;           /* it changed the config alone */
    uint64_t size;              /* bytes in the layer's files */
};
struct mtd_history_list {
    struct mtd_history *items; /* oldest first */
    size_t len;
};
void mtd_history_list_done(struct mtd_history_list *l);

/* What dropping layers' blobs freed. */
struct mtd_dropped {
    size_t blobs, kept; /* kept: cannot be made again */
    uint64_t bytes;
};

struct mtd_image_list {
    struct mtd_image *items;
    size_t len;
};
void mtd_image_list_done(struct mtd_image_list *l);

/* A volume: a directory that outlives containers. */
#define MTD_VOLUME_ANONYMOUS \
    "com.docker.volume.anonymous" /* the label of one without a name */
#define MTD_VOLUME_NO_SIZE UINT64_MAX
struct mtd_volume {
    char *name;
    int64_t created_at;          /* wall ns */
    struct strv labels, options; /* "key=value", sorted; options: those of its driver */
    struct strv used_by;         /* names of containers; filled by mtd_volumes() only */
    bool anonymous; /* it has that label; its name is 64 hexadecimal digits */
    uint64_t size;  /* bytes of its files; MTD_VOLUME_NO_SIZE = not asked for */
    char *error; /* its file cannot be read: why; nothing mounts it. NULL = all is well */
};
void mtd_volume_done(struct mtd_volume *v);

struct mtd_volume_list {
    struct mtd_volume *items; /* by name */
    size_t len;
};
void mtd_volume_list_done(struct mtd_volume_list *l);

/* In place of an exit status: the user typed the detach keys. */
#define MTD_DETACHED (-1)

/* One more command in a running container. */
struct mtd_exec {
    struct strv args, env;  /* env: added to the container's, replaces the same names */
    const char *cwd, *user; /* as in mtd_process; NULL = the container's */
    bool tty, with_stdin, detach, privileged;
    bool keep_signals;       /* signals end the session instead of being passed on */
    int64_t timeout_ns;      /* then its process group is killed: -ETIMEDOUT; 0 = none */
    const char *detach_keys; /* NULL = "ctrl-p,ctrl-q", "" = none */
    int in, out, err;        /* fds, normally 0 1 2 */
};

/* A session of exec whose command still runs. */
#define MTD_EXEC_COMMAND_MAX 256
struct mtd_exec_info {
    char id[MTD_ID_SIZE];
    pid_t pid; /* on the host; also the kernel's session id (getsid) */
    uint64_t pid_start;
    /* argv joined with spaces, truncated; for reading only */
    char command[MTD_EXEC_COMMAND_MAX];
};

/* The latest results of a running container's health checks. */
#define MTD_HEALTH_LOG 5
#define MTD_HEALTH_OUTPUT 4096
struct mtd_health {
    unsigned failing_streak;
    unsigned n; /* results, oldest first */
    struct mtd_health_result {
        int64_t start, end; /* wall ns */
        int exit_code;      /* -1 = timed out or could not be run */
        char output[MTD_HEALTH_OUTPUT + 4];
    } log[MTD_HEALTH_LOG];
};

#endif
