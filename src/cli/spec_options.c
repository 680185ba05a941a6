#include "cli/spec_options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"

#define FIELD(f) offsetof(struct run_values, f)
#define REFUSED_NET "publishing ports needs a network; only none and host are supported"
#define NOT_YET "not supported yet"

static int set_tty_stdin(void *field, const char *value, struct mtd_error *err)
{
    bool on = true;
    if (value && parse_bool(value, &on) < 0)
        return mtd_fail(err, EINVAL, "\"%.60s\" is not true or false", value);
    struct mtd_process *p = field;
    p->tty = p->open_stdin = on;
    return 0;
}

/* One option per line reads as the table it is. */
/* clang-format off */
const struct option_row RUN_OPTIONS[] = {
    {"attach", 'a', OPTION_LIST, FIELD(attach), NULL, "STREAM", "Show only these streams: stdin, stdout, stderr"},
    {"detach", 'd', OPTION_FLAG, FIELD(detach), NULL, NULL, "Run in the background and print the container's ID"},
    {"detach-keys", 0, OPTION_TEXT, FIELD(detach_keys), NULL, "KEYS", "Keys that detach (default ctrl-p,ctrl-q; \"\" = none)"},
    {"sig-proxy", 0, OPTION_FLAG, FIELD(sig_proxy), NULL, NULL, "Forward signals to the container (default true)"},
    OPTION_END,
};

const struct option_row SPEC_OPTIONS[] = {
    {"add-host", 0, OPTION_LIST, FIELD(add_hosts), NULL, "HOST:IP", "Add a line to the container's /etc/hosts"},
    {"blkio-weight", 0, OPTION_VALUE, FIELD(spec.resources.blkio_weight), value_weight, "N", "Block IO weight, 10 to 1000"},
    {"cap-add", 0, OPTION_LIST, FIELD(cap_add), NULL, "CAP", "Add a capability, or ALL"},
    {"cap-drop", 0, OPTION_LIST, FIELD(cap_drop), NULL, "CAP", "Drop a capability, or ALL"},
    {"cidfile", 0, OPTION_TEXT, FIELD(cidfile), NULL, "FILE", "Write the container's ID to a new file"},
    {"cpu-shares", 'c', OPTION_VALUE, FIELD(spec.resources.cpu_shares), value_shares, "N", "CPU weight, 2 to 262144 (1024 = normal)"},
    {"cpus", 0, OPTION_VALUE, FIELD(spec.resources.nano_cpus), value_cpus, "N", "Limit the number of CPUs (1.5)"},
    {"cpuset-cpus", 0, OPTION_VALUE, FIELD(spec.resources.cpuset_cpus), value_cpuset, "LIST", "Run on these CPUs only (0-1,3)"},
    {"dns", 0, OPTION_LIST, FIELD(dns), NULL, "IP", "Name servers for the container's resolv.conf"},
    {"entrypoint", 0, OPTION_TEXT, FIELD(entrypoint), NULL, "COMMAND", "Override the image's entrypoint (\"\" = none)"},
    {"env", 'e', OPTION_LIST, FIELD(env), NULL, "NAME[=VALUE]", "Set an environment variable; NAME alone copies the caller's"},
    {"env-file", 0, OPTION_LIST, FIELD(env_files), NULL, "FILE", "Read environment variables from a file"},
    {"health-cmd", 0, OPTION_TEXT, FIELD(health_cmd), NULL, "COMMAND", "Shell command that checks the container's health"},
    {"health-interval", 0, OPTION_VALUE, FIELD(spec.health_interval), value_duration, "TIME", "Time between health checks (default 30s)"},
    {"health-retries", 0, OPTION_VALUE, FIELD(spec.health_retries), value_count, "N", "Consecutive failures that make it unhealthy (default 3)"},
    {"health-start-period", 0, OPTION_VALUE, FIELD(spec.health_start_period), value_duration, "TIME", "Time after the start in which failures do not count"},
    {"health-timeout", 0, OPTION_VALUE, FIELD(spec.health_timeout), value_duration, "TIME", "Time after which a check counts as failed (default 30s)"},
    {"hostname", 'h', OPTION_VALUE, FIELD(spec.hostname), value_copy, "NAME", "The container's host name (default: its short ID)"},
    {"init", 0, OPTION_FLAG, FIELD(spec.process.init), NULL, NULL, "Run a small init as PID 1 that forwards signals and reaps processes"},
    {"interactive", 'i', OPTION_FLAG, FIELD(spec.process.open_stdin), NULL, NULL, "Keep stdin open"},
    {"label", 'l', OPTION_LIST, FIELD(labels), NULL, "KEY[=VALUE]", "Attach a label"},
    {"label-file", 0, OPTION_LIST, FIELD(label_files), NULL, "FILE", "Read labels from a file"},
    {"log-opt", 0, OPTION_LIST, FIELD(log_opts), NULL, "NAME=VALUE", "Log rotation: max-size=10m, max-file=3"},
    {"memory", 'm', OPTION_VALUE, FIELD(spec.resources.memory), value_memory, "SIZE", "Memory limit (512k, 100m, 2g)"},
    {"memory-swap", 0, OPTION_VALUE, FIELD(spec.resources.memory_swap), value_swap, "SIZE", "Limit of memory plus swap (default: twice the memory; -1 = no limit)"},
    {"mount", 0, OPTION_LIST, FIELD(mounts), NULL, "SPEC", "type=bind|volume|tmpfs,source=..,target=..[,readonly]"},
    {"name", 0, OPTION_TEXT, FIELD(name), NULL, "NAME", "The container's name (default: a random one)"},
    {"network", 0, OPTION_TEXT, FIELD(network), NULL, "MODE", "Network: none (the default, loopback only) or host"},
    {"no-healthcheck", 0, OPTION_FLAG, FIELD(no_healthcheck), NULL, NULL, "Disable the image's health check"},
    {"pids-limit", 0, OPTION_VALUE, FIELD(spec.resources.pids), value_pids, "N", "Limit the number of processes (-1 = no limit)"},
    {"privileged", 0, OPTION_FLAG, FIELD(spec.process.privileged), NULL, NULL, "Give it all capabilities and devices, mask no paths"},
    {"pull", 0, OPTION_TEXT, FIELD(pull), NULL, "WHEN", "missing or never; nothing is downloaded in either case"},
    {"read-only", 0, OPTION_FLAG, FIELD(spec.read_only), NULL, NULL, "Mount the root file system read-only"},
    {"restart", 0, OPTION_VALUE, FIELD(restart), value_restart, "POLICY", "Restart policy: no, on-failure[:TIMES], always or unless-stopped"},
    {"rm", 0, OPTION_FLAG, FIELD(spec.auto_remove), NULL, NULL, "Remove the container when it exits"},
    {"security-opt", 0, OPTION_LIST, FIELD(security), NULL, "OPTION", "Only no-new-privileges is supported"},
    {"stop-signal", 0, OPTION_VALUE, FIELD(spec.stop_signal), value_signal, "SIGNAL", "Signal that stop sends (default: the image's, or SIGTERM)"},
    {"stop-timeout", 0, OPTION_VALUE, FIELD(spec.stop_timeout), value_timeout, "SECONDS", "Seconds that stop waits before it kills (default 10; -1 = forever)"},
    {"tmpfs", 0, OPTION_LIST, FIELD(tmpfs), NULL, "PATH[:OPTIONS]", "Mount a tmpfs (size=64m,mode=1777)"},
    {"tty", 't', OPTION_FLAG, FIELD(spec.process.tty), NULL, NULL, "Give the container a terminal"},
    {"ulimit", 0, OPTION_LIST, FIELD(ulimits), NULL, "NAME=SOFT[:HARD]", "Resource limit (nofile=1024:2048; -1 = unlimited)"},
    {"user", 'u', OPTION_VALUE, FIELD(spec.process.user), value_copy, "USER[:GROUP]", "Run as this user"},
    {"volume", 'v', OPTION_LIST, FIELD(volumes), NULL, "SOURCE:TARGET[:ro]", "Mount a host path or a volume"},
    {"workdir", 'w', OPTION_VALUE, FIELD(spec.process.cwd), value_copy, "PATH", "The command's working directory"},
    /* values that are what happens anyway */
    {"pid", 0, OPTION_TEXT, FIELD(pid)},
    {"ipc", 0, OPTION_TEXT, FIELD(ipc)},
    {"uts", 0, OPTION_TEXT, FIELD(uts)},
    {"userns", 0, OPTION_TEXT, FIELD(userns)},
    {"cgroupns", 0, OPTION_TEXT, FIELD(cgroupns)},
    /* mydocker's spellings, and docker's second names */
    {"ti", 0, OPTION_MARK, FIELD(spec.process), set_tty_stdin},
    {"it", 0, OPTION_MARK, FIELD(spec.process), set_tty_stdin},
    {"mem", 0, OPTION_VALUE, FIELD(spec.resources.memory), value_memory},
    {"cpushare", 0, OPTION_VALUE, FIELD(spec.resources.cpu_shares), value_shares},
    {"cpuset", 0, OPTION_VALUE, FIELD(spec.resources.cpuset_cpus), value_cpuset},
    {"net", 0, OPTION_TEXT, FIELD(network)},
    {"imageName", 0, OPTION_FIRST},
    /* docker has them, nothing here does them: said, not ignored */
    {"publish", 'p', OPTION_REFUSE, 0, NULL, "PORTS", REFUSED_NET},
    {"publish-all", 'P', OPTION_REFUSE, 0, NULL, NULL, REFUSED_NET},
    {"expose", 0, OPTION_REFUSE, 0, NULL, "PORT", REFUSED_NET},
    {"ip", 0, OPTION_REFUSE, 0, NULL, "IP", NOT_YET "; only the networks none and host are supported"},
    {"link", 0, OPTION_REFUSE, 0, NULL, "NAME", NOT_YET "; only the networks none and host are supported"},
    {"network-alias", 0, OPTION_REFUSE, 0, NULL, "NAME", NOT_YET "; only the networks none and host are supported"},
    {"device", 0, OPTION_REFUSE, 0, NULL, "DEVICE", NOT_YET},
    {"device-cgroup-rule", 0, OPTION_REFUSE, 0, NULL, "RULE", NOT_YET},
    {"gpus", 0, OPTION_REFUSE, 0, NULL, "GPUS", NOT_YET},
    {"shm-size", 0, OPTION_REFUSE, 0, NULL, "SIZE", NOT_YET "; /dev/shm is always 64m; use --tmpfs /dev/shm:size=SIZE"},
    {"sysctl", 0, OPTION_REFUSE, 0, NULL, "NAME=VALUE", NOT_YET},
    {"volumes-from", 0, OPTION_REFUSE, 0, NULL, "CONTAINER", NOT_YET "; name the volumes with -v"},
    {"group-add", 0, OPTION_REFUSE, 0, NULL, "GROUP", NOT_YET},
    {"dns-search", 0, OPTION_REFUSE, 0, NULL, "DOMAIN", NOT_YET},
    {"dns-option", 0, OPTION_REFUSE, 0, NULL, "OPTION", NOT_YET},
    {"domainname", 0, OPTION_REFUSE, 0, NULL, "NAME", NOT_YET},
    {"mac-address", 0, OPTION_REFUSE, 0, NULL, "MAC", NOT_YET},
    {"memory-reservation", 0, OPTION_REFUSE, 0, NULL, "SIZE", NOT_YET},
    {"memory-swappiness", 0, OPTION_REFUSE, 0, NULL, "N", NOT_YET},
    {"kernel-memory", 0, OPTION_REFUSE, 0, NULL, "SIZE", NOT_YET},
    {"oom-score-adj", 0, OPTION_REFUSE, 0, NULL, "N", NOT_YET},
    {"oom-kill-disable", 0, OPTION_REFUSE, 0, NULL, NULL, NOT_YET},
    {"cpu-period", 0, OPTION_REFUSE, 0, NULL, "N", NOT_YET "; use --cpus"},
    {"cpu-quota", 0, OPTION_REFUSE, 0, NULL, "N", NOT_YET "; use --cpus"},
    {"cpuset-mems", 0, OPTION_REFUSE, 0, NULL, "LIST", NOT_YET},
    {"blkio-weight-device", 0, OPTION_REFUSE, 0, NULL, "DEVICE:N", NOT_YET},
    {"device-read-bps", 0, OPTION_REFUSE, 0, NULL, "DEVICE:RATE", NOT_YET},
    {"device-read-iops", 0, OPTION_REFUSE, 0, NULL, "DEVICE:RATE", NOT_YET},
    {"device-write-bps", 0, OPTION_REFUSE, 0, NULL, "DEVICE:RATE", NOT_YET},
    {"device-write-iops", 0, OPTION_REFUSE, 0, NULL, "DEVICE:RATE", NOT_YET},
    {"cgroup-parent", 0, OPTION_REFUSE, 0, NULL, "PATH", NOT_YET},
    {"runtime", 0, OPTION_REFUSE, 0, NULL, "NAME", "the only runtime is this program"},
    {"log-driver", 0, OPTION_REFUSE, 0, NULL, "NAME", "the only log driver is k8s-file, in container.log"},
    {"storage-opt", 0, OPTION_REFUSE, 0, NULL, "OPTION", NOT_YET},
    {"platform", 0, OPTION_REFUSE, 0, NULL, "PLATFORM", NOT_YET},
    OPTION_END,
};
/* clang-format on */

void run_values_init(void *values)
{
    struct run_values *v = values;
    mtd_spec_init(&v->spec);
    v->sig_proxy = true;
}

void run_values_done(void *values)
{
    struct run_values *v = values;
    mtd_spec_done(&v->spec);
}

static int out_of_memory(struct mtd_error *err)
{
    return mtd_fail(err, ENOMEM, "out of memory");
}

/* ---- process ---- */

/* moby's TweakCapabilities: ALL on one side turns the default set over. */
static int set_caps(struct mtd_process *p, const struct run_values *v,
                    struct mtd_error *err)
{
    uint64_t add = 0, drop = 0, bits;
    for (size_t i = 0; i < v->cap_add.len; i++) {
        if (mtd_cap_parse(v->cap_add.items[i], &bits, err) < 0)
            return mtd_context(err, "--cap-add"), -EINVAL;
        add |= bits;
    }
    for (size_t i = 0; i < v->cap_drop.len; i++) {
        if (mtd_cap_parse(v->cap_drop.items[i], &bits, err) < 0)
            return mtd_context(err, "--cap-drop"), -EINVAL;
        drop |= bits;
    }
    if (p->privileged || (add == MTD_CAPS_ALL && drop == MTD_CAPS_ALL))
        p->caps = MTD_CAPS_ALL;
    else if (add == MTD_CAPS_ALL)
        p->caps = MTD_CAPS_ALL & ~drop;
    else if (drop == MTD_CAPS_ALL)
        p->caps = add;
    else
        p->caps = (MTD_CAPS_DEFAULT & ~drop) | add;
    return 0;
}

static int parse_rlimit(const char *text, struct mtd_rlimit *ret)
{
    static const char *const NAMES[] = {
        "as",   "core",   "cpu",   "data", "fsize",  "locks",  "memlock",    "msgqueue",
        "nice", "nofile", "nproc", "rss",  "rtprio", "rttime", "sigpending", "stack"};
    struct mtd_rlimit r = {0};
    char soft[32] = "";
    const char *equals = strchr(text, '=');
    size_t len = equals ? (size_t)(equals - text) : 0;
    if (!equals || len >= sizeof(r.name))
        return -EINVAL;
    memcpy(r.name, text, len);
    size_t i = 0;
    while (i < ARRAY_SIZE(NAMES) && strcmp(NAMES[i], r.name) != 0)
        i++;
    size_t soft_len = strcspn(equals + 1, ":");
    if (i == ARRAY_SIZE(NAMES) || soft_len >= sizeof(soft))
        return -EINVAL;
    memcpy(soft, equals + 1, soft_len);
    const char *hard = equals[1 + soft_len] ? equals + 2 + soft_len : soft;
    r.soft = r.hard = UINT64_MAX;
    if ((strcmp(soft, "-1") != 0 && parse_u64(soft, INT64_MAX, &r.soft) < 0) ||
        (strcmp(hard, "-1") != 0 && parse_u64(hard, INT64_MAX, &r.hard) < 0) ||
        r.soft > r.hard)
        return -ERANGE;
    *ret = r;
    return 0;
}

static int set_rlimits(struct mtd_process *p, const struct option_list *list,
                       struct mtd_error *err)
{
    if (list->len == 0)
        return 0;
    p->rlimits = calloc(list->len, sizeof(*p->rlimits));
    if (!p->rlimits)
        return out_of_memory(err);
    for (size_t i = 0; i < list->len; i++) {
        int rc = parse_rlimit(list->items[i], &p->rlimits[p->n_rlimits]);
        if (rc < 0)
            return mtd_fail(
                err, -rc,
                "--ulimit: \"%.60s\" is not NAME=SOFT[:HARD] with a known name and "
                "soft <= hard",
                list->items[i]);
        p->n_rlimits++;
    }
    return 0;
}

static int set_security(struct mtd_process *p, const struct option_list *list,
                        struct mtd_error *err)
{
    static const char *const ALREADY[] = {"apparmor=unconfined", "apparmor:unconfined",
                                          "label=disable", "label:disable"};
    for (size_t i = 0; i < list->len; i++) {
        const char *text = list->items[i];
        bool known = false;
        if (strncmp(text, "no-new-privileges", 17) == 0 &&
            (!text[17] || text[17] == '=' || text[17] == ':')) {
            p->no_new_privs = true;
            known = !text[17] || parse_bool(text + 18, &p->no_new_privs) == 0;
        }
        for (size_t k = 0; k < ARRAY_SIZE(ALREADY); k++)
            known = known || strcmp(text, ALREADY[k]) == 0;
        if (!known)
            return mtd_fail(
                err, EOPNOTSUPP,
                "--security-opt: \"%.80s\" is not supported; only no-new-privileges is",
                text);
    }
    return 0;
}

/* `run IMAGE -- COMMAND` as mydocker's readers type it. */
static int set_command(struct run_values *v, const struct operands *o,
                       struct mtd_error *err)
{
    struct mtd_spec *s = &v->spec;
    size_t first = o->len > 1 && strcmp(o->items[1], "--") == 0 ? 2 : 1;
    if (o->len == 0 || !*o->items[0])
        return mtd_fail(err, EINVAL, "the image name is empty");
    int rc = value_copy(&s->image, o->items[0], err);
    for (size_t i = first; i < o->len && rc == 0; i++)
        rc = strv_add(&s->process.args, o->items[i]);
    if (rc == 0 && v->entrypoint && *v->entrypoint)
        rc = strv_add(&s->entrypoint, v->entrypoint);
    return rc < 0 ? out_of_memory(err) : 0;
}

static int set_process(struct run_values *v, struct mtd_error *err)
{
    struct mtd_process *p = &v->spec.process;
    if (p->cwd && p->cwd[0] != '/')
        return mtd_fail(err, EINVAL, "--workdir: \"%.80s\" must be an absolute path",
                        p->cwd);
    int rc = spec_env(&p->env, &v->env_files, &v->env, err);
    if (rc == 0)
        rc = set_caps(p, v, err);
    if (rc == 0)
        rc = set_rlimits(p, &v->ulimits, err);
    return rc < 0 ? rc : set_security(p, &v->security, err);
}

/* ---- host, network, logs, health ---- */

static int set_network(struct run_values *v, struct mtd_error *err)
{
    if (!v->network || strcmp(v->network, "none") == 0)
        v->spec.network = MTD_NET_NONE;
    else if (strcmp(v->network, "host") == 0)
        v->spec.network = MTD_NET_HOST;
    else
        return mtd_fail(
            err, EOPNOTSUPP,
            "--network: \"%.60s\" is not supported yet; only none and host are",
            v->network);
    return 0;
}

/* Namespaces that every container gets anyway may be asked for; sharing one may not. */
static int check_namespaces(const struct run_values *v, struct mtd_error *err)
{
    const struct {
        const char *option, *value, *accepted;
    } ROWS[] = {{"pid", v->pid, "private"},
                {"ipc", v->ipc, "private"},
                {"uts", v->uts, "private"},
                {"userns", v->userns, "host"},
                {"cgroupns", v->cgroupns, "private"}};
    for (size_t i = 0; i < ARRAY_SIZE(ROWS); i++)
        if (ROWS[i].value && *ROWS[i].value &&
            strcmp(ROWS[i].value, ROWS[i].accepted) != 0)
            return mtd_fail(err, EOPNOTSUPP,
                            "--%s: \"%.60s\" is not supported yet; only %s is",
                            ROWS[i].option, ROWS[i].value, ROWS[i].accepted);
    return 0;
}

static bool is_address(const char *text)
{
    unsigned char out[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, out) == 1 || inet_pton(AF_INET6, text, out) == 1;
}

/* "name:1.2.3.4", "name:::1", "name=1.2.3.4", "name:[::1]"; kept as NAME:IP. */
static int add_host(struct strv *ret, const char *text, struct mtd_error *err)
{
    size_t len = strcspn(text, ":=");
    auto_free char *address = strdup(text + len + (text[len] != '\0'));
    auto_free char *line = NULL;
    if (!address)
        return out_of_memory(err);
    size_t n = strlen(address);
    if (n > 1 && address[0] == '[' && address[n - 1] == ']') {
        address[n - 1] = '\0';
        memmove(address, address + 1, n - 1);
    }
    if (len == 0 || strcspn(text, " \t\n#") < len || !is_address(address))
        return mtd_fail(err, EINVAL, "--add-host: \"%.80s\" is not NAME:ADDRESS", text);
    if (asprintf(&line, "%.*s:%s", (int)len, text, address) < 0 ||
        strv_add(ret, line) < 0)
        return out_of_memory(err);
    return 0;
}

static int set_hosts(struct run_values *v, struct mtd_error *err)
{
    for (size_t i = 0; i < v->dns.len; i++) {
        if (!is_address(v->dns.items[i]))
            return mtd_fail(err, EINVAL, "--dns: \"%.60s\" is not an IP address",
                            v->dns.items[i]);
        if (strv_add(&v->spec.dns, v->dns.items[i]) < 0)
            return out_of_memory(err);
    }
    for (size_t i = 0; i < v->add_hosts.len; i++) {
        int rc = add_host(&v->spec.add_hosts, v->add_hosts.items[i], err);
        if (rc < 0)
            return rc;
    }
    const char *name = v->spec.hostname;
    if (name && (strlen(name) > 64 || !*name || strspn(name, "-.") ||
                 name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789-._")]))
        return mtd_fail(err, EINVAL,
                        "--hostname: \"%.80s\" is not a host name (at most 64 "
                        "letters, digits, - . _)",
                        name);
    return 0;
}

static int set_log_options(struct run_values *v, struct mtd_error *err)
{
    for (size_t i = 0; i < v->log_opts.len; i++) {
        const char *text = v->log_opts.items[i];
        uint64_t files;
        int rc = -EOPNOTSUPP;
        if (strncmp(text, "max-size=", 9) == 0) {
            rc = parse_size(text + 9, &v->spec.log_max_size);
        } else if (strncmp(text, "max-file=", 9) == 0) {
            rc = parse_u64(text + 9, 1000, &files);
            if (rc == 0 && files == 0)
                rc = -ERANGE;
            if (rc == 0)
                v->spec.log_max_file = (unsigned)files;
        }
        if (rc < 0)
            return mtd_fail(err, -rc,
                            "--log-opt: \"%.80s\" is not max-size=SIZE or max-file=N",
                            text);
    }
    if (v->spec.log_max_file > 1 && v->spec.log_max_size == 0)
        return mtd_fail(err, EINVAL, "--log-opt: max-file needs max-size");
    return 0;
}

static int set_health(struct run_values *v, struct mtd_error *err)
{
    struct mtd_spec *s = &v->spec;
    if (v->no_healthcheck && v->health_cmd)
        return mtd_fail(err, EINVAL,
                        "conflicting options: --no-healthcheck and --health-cmd");
    if (!v->health_cmd || !*v->health_cmd)
        return 0;
    if (strv_add(&s->health_test, "CMD-SHELL") < 0 ||
        strv_add(&s->health_test, v->health_cmd) < 0)
        return out_of_memory(err);
    return 0;
}

/* ---- what depends on several options ---- */

static int check_pull(const char *when, struct mtd_error *err)
{
    if (!when || strcmp(when, "missing") == 0 || strcmp(when, "never") == 0)
        return 0;
    return mtd_fail(
        err, EOPNOTSUPP,
        "--pull: \"%.40s\" is not supported: there is no registry client yet; use "
        "missing or never",
        when);
}

static int set_restart(struct run_values *v, struct mtd_error *err)
{
    v->spec.restart = v->restart.policy;
    v->spec.restart_max = v->restart.max;
    if (v->spec.auto_remove && v->restart.policy != MTD_RESTART_NO)
        return mtd_fail(err, EINVAL, "conflicting options: --restart and --rm");
    return 0;
}

int spec_from_values(struct run_values *v, const struct operands *o,
                     struct mtd_error *err)
{
    typedef int (*step_fn)(struct run_values *, struct mtd_error *);
    static const step_fn STEPS[] = {set_process, set_network,     set_hosts,
                                    set_health,  set_log_options, set_restart};
    int rc = set_command(v, o, err);
    for (size_t i = 0; i < ARRAY_SIZE(STEPS) && rc == 0; i++)
        rc = STEPS[i](v, err);
    if (rc == 0)
        rc = check_namespaces(v, err);
    if (rc == 0)
        rc = mtd_limits_check(&v->spec.resources, err);
    if (rc == 0)
        rc = check_pull(v->pull, err);
    if (rc == 0)
        rc = v->name ? mtd_name_check(mtd_name_bare(v->name), err) : 0;
    if (rc == 0)
        rc = spec_labels(&v->spec.labels, &v->label_files, &v->labels, err);
    return rc < 0 ? rc : spec_mounts(&v->spec, v, err);
}
