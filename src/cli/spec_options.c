/* spec_options - from the parsed options to the spec. What depends on several options is
 * checked here, where a message can name them; the engine checks the spec as a whole. */

#include "cli/spec_options.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cli/spec_env.h"
#include "cli/spec_mounts.h"
#include "cli/spec_security.h"

int spec_defaults(struct mtd_defaults *d, struct mtd_error *err)
{
    return mtd_defaults_load(d, getuid() == 0 ? getenv("MYTOP_DOCKER_CONFIG") : NULL,
                             err);
}

void run_values_init(void *values)
{
    struct run_values *v = values;
    mtd_spec_init(&v->spec);
    mtd_defaults_init(&v->defaults);
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

/* moby's TweakCapabilities: ALL on one side replaces the default set. */
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

/* "NAME=SOFT[:HARD]" */
static int parse_rlimit(const char *text, struct mtd_rlimit *ret)
{
    struct mtd_rlimit r = {0};
    char soft[32] = "";
    const char *equals = strchr(text, '=');
    size_t len = equals ? (size_t)(equals - text) : 0;
    if (!equals || len >= sizeof(r.name))
        return -EINVAL;
    memcpy(r.name, text, len);
    size_t soft_len = strcspn(equals + 1, ":");
    if (soft_len >= sizeof(soft))
        return -EINVAL;
    memcpy(soft, equals + 1, soft_len);
    const char *hard = equals[1 + soft_len] ? equals + 2 + soft_len : soft;
    r.soft = r.hard = UINT64_MAX;
    if ((strcmp(soft, "-1") != 0 && parse_u64(soft, INT64_MAX, &r.soft) < 0) ||
        (strcmp(hard, "-1") != 0 && parse_u64(hard, INT64_MAX, &r.hard) < 0))
        return -EINVAL;
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
            return mtd_fail(err, -rc, "--ulimit: \"%.60s\" is not NAME=SOFT[:HARD]",
                            list->items[i]);
        rc = mtd_limit_rlimit(&p->rlimits[p->n_rlimits], err);
        if (rc < 0)
            return mtd_context(err, "--ulimit"), rc;
        p->n_rlimits++;
    }
    return 0;
}

static int set_command(struct run_values *v, const struct operands *o,
                       struct mtd_error *err)
{
    struct mtd_spec *s = &v->spec;
    if (o->len == 0 || !*o->items[0])
        return mtd_fail(err, EINVAL, "the image name is empty");
    int rc = value_copy(&s->image, o->items[0], err);
    for (size_t i = 1; i < o->len && rc == 0; i++)
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
    return rc < 0 ? rc : spec_security(&v->spec, &v->security, err);
}

/* ---- host, network, logs, health ---- */

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
    if (len == 0 || strcspn(text, " \t\n#") < len ||
        (!is_address(address) && strcmp(address, "host-gateway") != 0))
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

static int set_health(struct run_values *v, struct mtd_error *err)
{
    struct mtd_spec *s = &v->spec;
    if (v->no_healthcheck && v->health_cmd)
        return mtd_fail(err, EINVAL,
                        "conflicting options: --no-healthcheck and --health-cmd");
    if (v->no_healthcheck)
        return strv_add(&s->healthcheck.test, "NONE") < 0 ? out_of_memory(err) : 0;
    if (!v->health_cmd || !*v->health_cmd)
        return 0;
    if (strv_add(&s->healthcheck.test, "CMD-SHELL") < 0 ||
        strv_add(&s->healthcheck.test, v->health_cmd) < 0)
        return out_of_memory(err);
    return 0;
}

/* ---- what depends on several options ---- */

static int check_pull(const char *when, struct mtd_error *err)
{
    static const char *const WHEN[] = {"missing", "always", "never"};
    for (size_t i = 0; i < ARRAY_SIZE(WHEN); i++)
        if (!when || strcmp(when, WHEN[i]) == 0)
            return 0;
    return mtd_fail(err, EINVAL, "--pull: \"%.40s\" is not always, missing or never",
                    when);
}

static int set_restart(struct run_values *v, struct mtd_error *err)
{
    v->spec.start_timeout = v->defaults.start_timeout;
    v->spec.restart = v->restart.policy;
    v->spec.restart_max = v->restart.max;
    if (v->spec.auto_remove && v->restart.policy != MTD_RESTART_NO)
        return mtd_fail(err, EINVAL, "conflicting options: --restart and --rm");
    return 0;
}

static bool lists(const struct option_list *streams, const char *name)
{
    for (size_t i = 0; i < streams->len; i++)
        if (strcasecmp(streams->items[i], name) == 0)
            return true;
    return false;
}

/* The end of its first client's input is the container's, if that client has one. */
static int set_attach(struct run_values *v, struct mtd_error *err)
{
    static const char *const STREAMS[] = {"stdin", "stdout", "stderr"};
    struct mtd_process *p = &v->spec.process;
    (void)err;
    for (size_t i = 0; i < ARRAY_SIZE(STREAMS); i++)
        v->spec.attach[i] = !v->detach && (v->attach.len ? lists(&v->attach, STREAMS[i])
                                                         : i > 0 || p->open_stdin);
    p->keeps_stdin = p->open_stdin && !v->spec.attach[0];
    return 0;
}

static int copy_names(struct run_values *v, struct mtd_error *err)
{
    for (size_t i = 0; i < v->volumes_from.len; i++)
        if (strv_add(&v->spec.volumes_from, v->volumes_from.items[i]) < 0)
            return out_of_memory(err);
    return 0;
}

/* podman's, which it has by default; docker has none. What is asked for there is kept. */
static int add_read_only_tmpfs(struct run_values *v, struct mtd_error *err)
{
    static const char *const TMPFS[] = {"/run:exec,mode=755", "/tmp:exec,mode=1777",
                                        "/var/tmp:exec,mode=1777"};
    struct mtd_spec *s = &v->spec;
    int rc = 0;
    for (size_t i = 0; i < ARRAY_SIZE(TMPFS) && rc == 0; i++) {
        const char *text = TMPFS[i];
        size_t len = strcspn(text, ":");
        bool taken = false;
        for (size_t k = 0; k < s->n_mounts; k++)
            taken |= strncmp(s->mounts[k].target, text, len) == 0 &&
                     s->mounts[k].target[len] == '\0';
        struct option_list one = {.items = &text, .len = 1};
        rc = taken ? 0 : spec_tmpfs(s, &one, err);
    }
    return rc;
}

int spec_from_values(struct run_values *v, const struct operands *o,
                     struct mtd_error *err)
{
    typedef int (*step_fn)(struct run_values *, struct mtd_error *);
    static const step_fn STEPS[] = {set_process, set_attach, spec_network, set_hosts,
                                    set_health,  spec_log,   set_restart,  copy_names};
    int rc = set_command(v, o, err);
    for (size_t i = 0; i < ARRAY_SIZE(STEPS) && rc == 0; i++)
        rc = STEPS[i](v, err);
    if (rc == 0)
        rc = spec_host(v, err);
    if (rc == 0)
        rc = mtd_limits_check(&v->spec.resources, err);
    if (rc == 0)
        rc = check_pull(v->pull, err);
    if (rc == 0)
        rc = v->name && *v->name ? mtd_name_check(mtd_name_bare(v->name), err) : 0;
    if (rc == 0)
        rc = spec_labels(&v->spec.labels, &v->label_files, &v->labels, err);
    if (rc == 0)
        rc = spec_volumes(&v->spec, &v->volumes, err);
    if (rc == 0)
        rc = spec_mounts(&v->spec, &v->mounts, err);
    if (rc == 0)
        rc = spec_tmpfs(&v->spec, &v->tmpfs, err);
    return rc == 0 && v->spec.read_only && v->read_only_tmpfs
               ? add_read_only_tmpfs(v, err)
               : rc;
}
