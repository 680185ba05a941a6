/* spec_host - what these options may mean the engine knows (engine/grant.h, limits.h); here
 * the message gets the option's name. */

#include "cli/spec_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cli/platform.h"

static int out_of_memory(struct mtd_error *err)
{
    return mtd_fail(err, ENOMEM, "out of memory");
}

/* Copies a list of an option into the spec; check may be NULL. */
typedef int (*check_fn)(const char *text, const struct run_values *v,
                        struct mtd_error *err);

static int copy_list(struct strv *to, const struct option_list *from, const char *option,
                     check_fn check, const struct run_values *v, struct mtd_error *err)
{
    for (size_t i = 0; i < from->len; i++) {
        int rc = check ? check(from->items[i], v, err) : 0;
        if (rc < 0)
            return mtd_context(err, "--%s", option), rc;
        if (strv_add(to, from->items[i]) < 0)
            return out_of_memory(err);
    }
    return 0;
}

static int check_device(const char *text, const struct run_values *v,
                        struct mtd_error *err)
{
    struct mtd_device device;
    (void)v;
    if (strchr(text, '=') && text[0] != '/')
        return mtd_fail(err, EOPNOTSUPP,
                        "\"%.80s\": devices by a CDI name are not supported; name their "
                        "files in /dev",
                        text);
    return mtd_device_parse(text, &device, err);
}

static int check_rule(const char *text, const struct run_values *v, struct mtd_error *err)
{
    struct mtd_device_rule rule;
    (void)v;
    return mtd_device_rule_parse(text, &rule, err);
}

static int check_sysctl(const char *text, const struct run_values *v,
                        struct mtd_error *err)
{
    return mtd_sysctl_check(text, &v->spec, err);
}

static int check_annotation(const char *text, const struct run_values *v,
                            struct mtd_error *err)
{
    (void)v;
    return strchr(text, '=') && text[0] != '='
               ? 0
               : mtd_fail(err, EINVAL, "\"%.80s\" is not NAME=VALUE", text);
}

static int check_group(const char *text, const struct run_values *v,
                       struct mtd_error *err)
{
    (void)v;
    return *text ? 0 : mtd_fail(err, EINVAL, "the group is empty");
}

/* A domain, or "." for none at all. */
static int check_search(const char *text, const struct run_values *v,
                        struct mtd_error *err)
{
    (void)v;
    return *text && !strpbrk(text, " \t\n")
               ? 0
               : mtd_fail(err, EINVAL, "\"%.80s\" is not a domain", text);
}

static int check_dns_option(const char *text, const struct run_values *v,
                            struct mtd_error *err)
{
    (void)v;
    return *text && !strpbrk(text, " \t\n")
               ? 0
               : mtd_fail(err, EINVAL, "\"%.80s\" is not an option of resolv.conf", text);
}

/* "80", "80/udp", "8000-8010/tcp"; docker keeps "80/tcp" each. */
static int add_exposed(struct strv *to, const char *text)
{
    char number[16];
    size_t len = strcspn(text, "/"), first_len = strcspn(text, "-/");
    const char *protocol = text[len] ? text + len + 1 : "tcp";
    uint64_t first, last;
    if (first_len >= sizeof(number) || len - first_len >= sizeof(number) ||
        (strcmp(protocol, "tcp") != 0 && strcmp(protocol, "udp") != 0 &&
         strcmp(protocol, "sctp") != 0))
        return -EINVAL;
    snprintf(number, sizeof(number), "%.*s", (int)first_len, text);
    if (parse_u64(number, UINT16_MAX, &first) < 0 || first == 0)
        return -EINVAL;
    last = first;
    snprintf(number, sizeof(number), "%.*s",
             (int)(len > first_len ? len - first_len - 1 : 0), text + first_len + 1);
    if (len > first_len && (parse_u64(number, UINT16_MAX, &last) < 0 || last < first))
        return -EINVAL;
    for (; first <= last; first++) {
        char port[32];
        snprintf(port, sizeof(port), "%llu/%s", (unsigned long long)first, protocol);
        if (strv_add(to, port) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int set_exposed(struct run_values *v, struct mtd_error *err)
{
    for (size_t i = 0; i < v->exposes.len; i++) {
        int rc = add_exposed(&v->spec.exposed, v->exposes.items[i]);
        if (rc == -ENOMEM)
            return out_of_memory(err);
        if (rc < 0)
            return mtd_fail(err, EINVAL,
                            "--expose: \"%.60s\" is not PORT[-PORT][/tcp|/udp|/sctp]",
                            v->exposes.items[i]);
    }
    return 0;
}

/* Kept with the rate in bytes, so that a record has one form. */
static int set_blkio(struct run_values *v, struct mtd_error *err)
{
    static const char *const OPTIONS[] = {
        [MTD_BLKIO_WEIGHT] = "blkio-weight-device",
        [MTD_BLKIO_READ_BPS] = "device-read-bps",
        [MTD_BLKIO_WRITE_BPS] = "device-write-bps",
        [MTD_BLKIO_READ_IOPS] = "device-read-iops",
        [MTD_BLKIO_WRITE_IOPS] = "device-write-iops",
    };
    for (unsigned kind = 0; kind < MTD_BLKIO_COUNT; kind++)
        for (size_t i = 0; i < v->blkio[kind].len; i++) {
            char path[256];
            uint64_t value;
            auto_free char *text = NULL;
            int rc = mtd_limit_blkio((enum mtd_blkio)kind, v->blkio[kind].items[i], path,
                                     sizeof(path), &value, err);
            if (rc < 0)
                return mtd_context(err, "--%s", OPTIONS[kind]), rc;
            if (asprintf(&text, "%s:%llu", path, (unsigned long long)value) < 0 ||
                strv_add(&v->spec.resources.blkio[kind], text) < 0)
                return out_of_memory(err);
        }
    return 0;
}

/* ---- namespaces ---- */

static int fail_mode(struct mtd_error *err, const char *option, const char *value,
                     const char *known)
{
    const char *other = strncmp(value, "container:", 10) == 0
                            ? "sharing another container's is not supported"
                            : "it is not a mode";
    return mtd_fail(err, EOPNOTSUPP, "--%s: \"%.60s\": %s; use %s", option, value, other,
                    known);
}

static bool given(const char *value)
{
    return value && *value;
}

/* "private" or "host". */
static int set_host(const char *option, const char *value, bool *ret,
                    struct mtd_error *err)
{
    *ret = given(value) && strcmp(value, "host") == 0;
    if (!given(value) || *ret || strcmp(value, "private") == 0)
        return 0;
    return fail_mode(err, option, value, "host, or leave it out");
}

/* "container:NAME": 1, and *ret is the name. */
static int take_container(const char *option, const char *value, char **ret,
                          struct mtd_error *err)
{
    static const char WORD[] = "container:";
    if (!given(value) || strncmp(value, WORD, strlen(WORD)) != 0)
        return 0;
    value += strlen(WORD);
    if (!*value)
        return mtd_fail(err, EINVAL, "--%s: container: names no container", option);
    free(*ret);
    *ret = strdup(value);
    return *ret ? 1 : out_of_memory(err);
}

static int set_pid(struct run_values *v, struct mtd_error *err)
{
    int rc = take_container("pid", v->pid, &v->spec.pid_from, err);
    return rc ? (rc < 0 ? rc : 0) : set_host("pid", v->pid, &v->spec.pid_host, err);
}

static int set_ipc(struct run_values *v, struct mtd_error *err)
{
    static const char *const MODES[] = {"private", "shareable", "none", "host"};
    int rc = take_container("ipc", v->ipc, &v->spec.ipc_from, err);
    if (rc || !given(v->ipc))
        return rc < 0 ? rc : 0;
    for (size_t i = 0; i < ARRAY_SIZE(MODES); i++)
        if (strcmp(v->ipc, MODES[i]) == 0)
            return v->spec.ipc = (enum mtd_ipc)i, 0;
    return fail_mode(err, "ipc", v->ipc,
                     "private, shareable, none, host or container:NAME");
}

static int default_userns(struct run_values *v, struct mtd_error *err)
{
    if (v->defaults.userns_wrong)
        return mtd_fail(
            err, EINVAL,
            "the config file's value is not one, and host is not taken for it; "
            "correct that line, or say which");
    v->spec.userns = v->defaults.userns;
    v->spec.userns_size = v->defaults.userns_size;
    return 0;
}

/* Ranges may be repeated; a word is alone. */
static int set_userns(struct run_values *v, struct mtd_error *err)
{
    struct mtd_spec *s = &v->spec;
    int rc = 0;
    size_t n = 0;
    for (size_t i = 0; i < v->userns.len && rc == 0; i++) {
        if (given(v->userns.items[i])) {
            rc = mtd_userns_parse(v->userns.items[i], s, err);
            n++;
        }
    }
    if (rc == 0 && n > 1 && s->n_idmap != n)
        rc = mtd_fail(err, EINVAL, "only ranges can be given more than once");
    if (rc == 0 && n == 0)
        rc = default_userns(v, err);
    if (rc == 0)
        rc = mtd_idmap_check(s, err);
    return rc < 0 ? (mtd_context(err, "--userns"), rc) : 0;
}

/* In the host's namespace a container reads where the host keeps all the others' groups, and a
 * hierarchy that it may mount shows them. */
static int check_cgroupns(const char *mode, struct mtd_error *err)
{
    if (given(mode) && strcmp(mode, "host") == 0)
        return mtd_fail(err, EOPNOTSUPP,
                        "--cgroupns: \"host\": a container always has a cgroup namespace "
                        "of its own here; leave it out");
    return !given(mode) || strcmp(mode, "private") == 0
               ? 0
               : fail_mode(err, "cgroupns", mode, "private, or leave it out");
}

static int set_namespaces(struct run_values *v, struct mtd_error *err)
{
    struct mtd_spec *s = &v->spec;
    int rc = set_pid(v, err);
    if (rc == 0)
        rc = set_host("uts", v->uts, &s->uts_host, err);
    if (rc == 0)
        rc = set_ipc(v, err);
    if (rc == 0)
        rc = set_userns(v, err);
    if (rc == 0)
        rc = check_cgroupns(v->cgroupns, err);
    if (rc == 0 && s->uts_host && (s->hostname || s->domainname))
        return mtd_fail(err, EINVAL, "conflicting options: --%s and --uts host",
                        s->hostname ? "hostname" : "domainname");
    return rc;
}

/* ---- the rest ---- */

/* "linux", "amd64", "linux/amd64", "linux/arm64/v8". */
static int check_platform(const struct run_values *v, struct mtd_error *err)
{
    struct utsname host;
    const char *p = v->platform;
    if (!given(p) || uname(&host) < 0)
        return 0;
    const char *name = platform_architecture();
    size_t n = strlen(name);
    if (strncmp(p, "linux", 5) == 0 && (!p[5] || p[5] == '/'))
        p += p[5] ? 6 : 5;
    bool own = strncmp(p, name, n) == 0 && (!p[n] || p[n] == '/');
    if (!*p || own || strcmp(p, host.machine) == 0)
        return 0;
    return mtd_fail(err, EOPNOTSUPP,
                    "--platform: \"%.60s\": this machine is linux/%s and runs no other",
                    v->platform, name);
}

static int check_names(const struct run_values *v, struct mtd_error *err)
{
    if (given(v->isolation) && strcmp(v->isolation, "default") != 0)
        return mtd_fail(err, EOPNOTSUPP,
                        "--isolation: \"%.40s\" is for Windows; use default",
                        v->isolation);
    if (given(v->volume_driver) && strcmp(v->volume_driver, "local") != 0)
        return mtd_fail(err, EOPNOTSUPP,
                        "--volume-driver: \"%.40s\" is not supported; only local is",
                        v->volume_driver);
    if (given(v->spec.domainname) &&
        (strlen(v->spec.domainname) > 64 || strpbrk(v->spec.domainname, " \t\n/")))
        return mtd_fail(err, EINVAL, "--domainname: \"%.80s\" is not a domain",
                        v->spec.domainname);
    return 0;
}

int spec_host(struct run_values *v, struct mtd_error *err)
{
    struct mtd_spec *s = &v->spec;
    const struct {
        struct strv *to;
        const struct option_list *from;
        const char *option;
        check_fn check;
    } LISTS[] = {{&s->devices, &v->devices, "device", check_device},
                 {&s->device_rules, &v->device_rules, "device-cgroup-rule", check_rule},
                 {&s->sysctls, &v->sysctls, "sysctl", check_sysctl},
                 {&s->annotations, &v->annotations, "annotation", check_annotation},
                 {&s->process.group_add, &v->group_add, "group-add", check_group},
                 {&s->dns_search, &v->dns_search, "dns-search", check_search},
                 {&s->dns_options, &v->dns_options, "dns-option", check_dns_option}};
    int rc = set_namespaces(v, err);
    for (size_t i = 0; i < ARRAY_SIZE(LISTS) && rc == 0; i++)
        rc = copy_list(LISTS[i].to, LISTS[i].from, LISTS[i].option, LISTS[i].check, v,
                       err);
    typedef int (*step_fn)(struct run_values *, struct mtd_error *);
    static const step_fn STEPS[] = {set_exposed, set_blkio};
    for (size_t i = 0; i < ARRAY_SIZE(STEPS) && rc == 0; i++)
        rc = STEPS[i](v, err);
    if (rc == 0)
        rc = check_platform(v, err);
    if (rc == 0)
        rc = spec_ports(v, err);
    return rc < 0 ? rc : check_names(v, err);
}
