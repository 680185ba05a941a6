/* verb_build - build: a Dockerfile becomes an image, by buildah. */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/output.h"
#include "cli/print.h"
#include "cli/registry.h"
#include "cli/report.h"
#include "cli/secret.h"
#include "cli/values.h"
#include "engine/limits.h"

struct build_values {
    struct option_list tags, build_args, labels, hosts, ulimits, secrets;
    const char *file, *target, *platform, *iidfile, *network;
    struct mtd_resources limits;
    int64_t shm_size;
    bool no_cache, pull, quiet, tls_verify;
    enum progress_mode progress;
};

#define ALWAYS_REMOVED "ignored; intermediate containers are always removed"
#define FIELD(f) offsetof(struct build_values, f)
static const struct option_row BUILD_OPTIONS[] = {
    {"add-host", 0, OPTION_LIST, FIELD(hosts), NULL, "NAME:IP",
     "A line of /etc/hosts for RUN"},
    {"build-arg", 0, OPTION_LIST, FIELD(build_args), NULL, "NAME[=VALUE]",
     "Set an ARG of the Dockerfile"},
    {"cpu-period", 0, OPTION_VALUE, FIELD(limits.cpu_period), value_period,
     "MICROSECONDS", "Period of the CPU quota (default 100000)"},
    {"cpu-quota", 0, OPTION_VALUE, FIELD(limits.cpu_quota), value_quota, "MICROSECONDS",
     "CPU time of the build in a period (-1 = no limit)"},
    {"cpu-shares", 'c', OPTION_VALUE, FIELD(limits.cpu_shares), value_shares, "N",
     "CPU weight of the build, 2 to 262144 (1024 = normal)"},
    {"cpuset-cpus", 0, OPTION_VALUE, FIELD(limits.cpuset_cpus), value_cpuset, "LIST",
     "Build on these CPUs only (0-1,3)"},
    {"cpuset-mems", 0, OPTION_VALUE, FIELD(limits.cpuset_mems), value_mems, "LIST",
     "Use these memory nodes only (0-1,3)"},
    {"file", 'f', OPTION_TEXT, FIELD(file), NULL, "FILE",
     "The Dockerfile (default CONTEXT/Dockerfile; - = stdin)"},
    {"force-rm", 0, OPTION_IGNORE, 0, NULL, NULL, ALWAYS_REMOVED},
    {"iidfile", 0, OPTION_TEXT, FIELD(iidfile), NULL, "FILE",
     "Write the image's ID to it"},
    {"label", 0, OPTION_LIST, FIELD(labels), NULL, "KEY=VALUE", "Set a label"},
    {"memory", 'm', OPTION_VALUE, FIELD(limits.memory), value_memory, "SIZE",
     "Memory limit of the build (512k, 100m, 2g)"},
    {"memory-swap", 0, OPTION_VALUE, FIELD(limits.memory_swap), value_swap, "SIZE",
     "Limit of memory plus swap (default: twice the memory; -1 = no limit)"},
    {"network", 0, OPTION_TEXT, FIELD(network), NULL, "host|none",
     "The network of RUN (default host)"},
    {"no-cache", 0, OPTION_FLAG, FIELD(no_cache), NULL, NULL,
     "Do not use what earlier builds have made"},
    {"platform", 0, OPTION_TEXT, FIELD(platform), NULL, "OS/ARCH[/VARIANT]",
     "Build for another platform than this machine's"},
    PROGRESS_OPTION(FIELD(progress)),
    {"pull", 0, OPTION_FLAG, FIELD(pull), NULL, NULL,
     "Pull the images of FROM even if they are here"},
    {"quiet", 'q', OPTION_FLAG, FIELD(quiet), NULL, NULL, "Print only the image's ID"},
    {"rm", 0, OPTION_IGNORE, 0, NULL, NULL, ALWAYS_REMOVED},
    {"secret", 0, OPTION_LIST, FIELD(secrets), NULL, "id=NAME[,src=FILE|,env=VARIABLE]",
     "A file that RUN --mount=type=secret,id=NAME sees, and no layer holds"},
    {"shm-size", 0, OPTION_VALUE, FIELD(shm_size), value_shm, "SIZE",
     "Size of RUN's /dev/shm (default 64m)"},
    {"ssh", 0, OPTION_REFUSE, 0, NULL, "ID[=SOCKET]",
     "not supported: RUN reaches no socket of the host's; give a key by --secret"},
    {"tag", 't', OPTION_LIST, FIELD(tags), NULL, "NAME[:TAG]", "Name the image"},
    {"target", 0, OPTION_TEXT, FIELD(target), NULL, "STAGE", "Stop after this stage"},
    TLS_OPTION(FIELD(tls_verify)),
    {"ulimit", 0, OPTION_LIST, FIELD(ulimits), NULL, "NAME=SOFT[:HARD]",
     "A resource limit for RUN"},
    {"cache-from", 0, OPTION_IGNORE, 0, NULL, "IMAGE",
     "ignored; the cache is what was built here"},
    {"cgroup-parent", 0, OPTION_IGNORE, 0, NULL, "GROUP",
     "ignored; each build has a group below that of all builds"},
    {"compress", 0, OPTION_IGNORE},
    {"disable-content-trust", 0, OPTION_IGNORE},
    {"isolation", 0, OPTION_IGNORE, 0, NULL, "KIND", "ignored; for Windows only"},
    {"security-opt", 0, OPTION_REFUSE, 0, NULL, "OPTION",
     "not supported; RUN is always confined as a container is"},
    {"squash", 0, OPTION_REFUSE, 0, NULL, NULL,
     "not supported; import of an export has one layer"},
    OPTION_END,
};

static void init_build(void *values)
{
    ((struct build_values *)values)->tls_verify = true;
}

static void done_build(void *values)
{
    mtd_resources_done(&((struct build_values *)values)->limits);
}

static bool is_stdin(const char *text)
{
    return text && strcmp(text, "-") == 0;
}

/* What it is not given it must not believe to have. */
static int check_network(const char *mode, struct mtd_error *err)
{
    static const char *const KNOWN[] = {"default", "host", "none"};
    for (size_t i = 0; mode && i < ARRAY_SIZE(KNOWN); i++)
        if (strcmp(KNOWN[i], mode) == 0)
            return 0;
    return mode ? mtd_fail(err, EINVAL,
                           "--network: \"%.40s\" is neither host nor none; RUN can have "
                           "no other network",
                           mode)
                : 0;
}

static bool has_file(const char *directory, const char *name)
{
    auto_free char *path = NULL;
    return asprintf(&path, "%s/%s", directory, name) >= 0 && access(path, F_OK) == 0;
}

/* buildah's second name is told by it alone. */
static int check_file(const struct build_values *v, const char *context,
                      struct mtd_error *err)
{
    if (is_stdin(v->file) || (v->file && access(v->file, F_OK) == 0))
        return 0;
    if (v->file ? v->file[0] != '/' && has_file(context, v->file)
                : has_file(context, "Dockerfile") || has_file(context, "Containerfile"))
        return 0;
    return v->file ? mtd_fail(err, ENOENT,
                              "no Dockerfile: %.80s is neither here nor in %.80s",
                              v->file, context)
                   : mtd_fail(err, ENOENT, "%.150s has no Dockerfile", context);
}

static int check_build(void *values, const struct operands *o, struct mtd_error *err)
{
    const struct build_values *v = values;
    struct mtd_image_name name;
    struct stat st;
    const char *context = o->items[0];
    if (check_network(v->network, err) < 0)
        return -EINVAL;
    int limits = mtd_limits_check(&v->limits, err);
    if (limits < 0)
        return limits;
    for (size_t i = 0; i < v->tags.len; i++) {
        int rc = mtd_image_name(v->tags.items[i], &name, err);
        if (rc == 0 && name.has_digest)
            rc = mtd_fail(err, EINVAL, "--tag: an image cannot be named by digest");
        if (rc < 0)
            return rc;
    }
    if (is_stdin(context))
        return is_stdin(v->file)
                   ? mtd_fail(err, EINVAL, "stdin cannot be both context and Dockerfile")
                   : 0;
    if (strstr(context, "://") || strncmp(context, "git@", 4) == 0)
        return mtd_fail(
            err, EOPNOTSUPP,
            "\"%.80s\": nothing is downloaded; clone it and give the directory", context);
    if (stat(context, &st) < 0)
        return mtd_fail_errno(err, errno, "context %.120s", context);
    return S_ISDIR(st.st_mode)
               ? check_file(v, context, err)
               : mtd_fail(err, ENOTDIR,
                          "context %.120s is not a directory; give a tar as - on stdin",
                          context);
}

struct told {
    struct registry *registry;
    bool quiet;
};

static void wrote(void *arg, int stream, const char *text, size_t len)
{
    const struct told *t = arg;
    registry_pause(t->registry);
    if (!t->quiet)
        print_fd(stream, text, len);
}

static int copy_list(struct strv *ret, const struct option_list *list)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < list->len; i++)
        rc = strv_add(ret, list->items[i]);
    return rc;
}

/* Paths are the caller's, and buildah runs elsewhere. docker takes FILE from here, or out of
 * the context. */
static int find_paths(const struct build_values *v, const char *operand, char **context,
                      char **file, struct mtd_error *err)
{
    bool from_stdin = is_stdin(operand);
    int rc = from_stdin ? 0 : fs_absolute(operand, context);
    if (rc == 0 && v->file && !is_stdin(v->file)) {
        if (from_stdin)
            rc = (*file = strdup(v->file)) ? 0 : -ENOMEM;
        else if (access(v->file, F_OK) == 0 || v->file[0] == '/')
            rc = fs_absolute(v->file, file);
        else
            rc = asprintf(file, "%s/%s", *context, v->file) < 0 ? -ENOMEM : 0;
    }
    return rc < 0 ? mtd_fail_errno(err, -rc, "%.120s", operand) : 0;
}

static int write_iidfile(const char *path, const char *id, struct mtd_error *err)
{
    auto_done(output_done) struct output out;
    int rc = output_open(&out, path, 0644, OUTPUT_REPLACE, err);
    if (rc < 0)
        return rc;
    rc = fs_write_all(out.fd, id, strlen(id));
    mtd_fail_errno(rc < 0 ? err : NULL, -rc, "cannot write %.120s", path);
    return rc < 0 ? rc : output_commit(&out, false, err);
}

/* docker's last words. */
static int tell_built(const struct build_values *v, const char *id, struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    struct mtd_image_name name;
    if (v->quiet)
        return print_line(id, err);
    int rc = buf_printf(&text, "Successfully built %.12s\n", id + strlen("sha256:"));
    for (size_t i = 0; rc == 0 && i < v->tags.len; i++)
        if ((rc = mtd_image_name(v->tags.items[i], &name, err)) == 0)
            rc = buf_printf(&text, "Successfully tagged %s\n", name.text);
    return rc < 0 ? rc : print_out(&text, err);
}

static int build(struct cli *c, const struct build_values *v, const char *operand,
                 char **id, struct mtd_error *err)
{
    auto_free char *context = NULL, *file = NULL;
    auto_done(strv_done) struct strv names = {0}, args = {0}, labels = {0};
    auto_done(strv_done) struct strv hosts = {0}, ulimits = {0};
    auto_done(secret_list_done) struct secret_list secrets = {0};
    struct registry r;
    struct told told = {&r, v->quiet};
    int rc = find_paths(v, operand, &context, &file, err);
    if (rc == 0)
        rc = secret_list_read(&v->secrets, &secrets, err);
    if (rc < 0)
        return rc;
    if (copy_list(&names, &v->tags) < 0 || copy_list(&args, &v->build_args) < 0 ||
        copy_list(&labels, &v->labels) < 0 || copy_list(&hosts, &v->hosts) < 0 ||
        copy_list(&ulimits, &v->ulimits) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    const struct mtd_build b = {
        .context = context,
        .in = is_stdin(operand) || is_stdin(v->file) ? STDIN_FILENO : -1,
        .file = file,
        .names = &names,
        .build_args = &args,
        .labels = &labels,
        .hosts = &hosts,
        .ulimits = &ulimits,
        .secrets = secrets.items,
        .n_secrets = secrets.len,
        .target = v->target,
        .platform = v->platform,
        .no_cache = v->no_cache,
        .pull = v->pull,
        .limits = v->limits,
        .shm_size = v->shm_size,
        .no_network = v->network && strcmp(v->network, "none") == 0,
        .wrote = wrote,
        .arg = &told};
    rc =
        registry_open(&r, v->progress, v->tls_verify, v->quiet ? -1 : STDERR_FILENO, err);
    if (rc < 0)
        return rc;
    rc = mtd_build(c->engine, &b, &r.how, id, err);
    registry_close(&r);
    return rc;
}

static int run_build(struct cli *c, void *values, const struct operands *o)
{
    const struct build_values *v = values;
    struct mtd_error err = {0};
    auto_free char *id = NULL;
    int rc = build(c, v, o->items[0], &id, &err);
    if (rc == 0 && v->iidfile && id)
        rc = write_iidfile(v->iidfile, id, &err);
    if (rc == 0)
        rc = tell_built(v, id, &err);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot build");
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

const struct verb VERBS_BUILD[] = {
    {.name = "build",
     .operands = "CONTEXT|-",
     .summary = "Build an image from a Dockerfile",
     .group = GROUP_IMAGE,
     .flags = VERB_EXISTING,
     .options = {{BUILD_OPTIONS}},
     .values_size = sizeof(struct build_values),
     .min = 1,
     .max = 1,
     .init = init_build,
     .done = done_build,
     .check = check_build,
     .run = run_build},
    VERB_END,
};
