/* From what the user typed to a complete spec. Everything that can be refused is refused
 * here, before a name is claimed or a directory made. */

#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "engine/api/internal.h"
#include "engine/confine/confine.h"
#include "engine/host/apparmor.h"
#include "engine/host/init_program.h"
#include "engine/host/kernel.h"
#include "engine/host/selinux.h"
#include "engine/rootfs/hostfiles.h"
#include "engine/spec/spec.h"
#include "engine/store/events.h"
#include "engine/syscalls/syscalls.h"

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define OUT_OF_MEMORY(err) mtd_fail(err, ENOMEM, "out of memory")

/* ---- merging the image's config ---------------------------------------------------- */

static int merge_args(struct mtd_spec *s, const struct mtd_image_config *c,
                      bool entrypoint_set)
{
    bool typed = s->process.args.len > 0;
    int r = 0;
    strv_done(&s->cmd);
    s->cmd = s->process.args;
    s->process.args = (struct strv){0};
    if (!entrypoint_set)
        r = strv_copy(&s->entrypoint, &c->entrypoint);
    if (r == 0 && !entrypoint_set && !typed)
        r = strv_copy(&s->cmd, &c->cmd);
    if (r == 0)
        r = strv_add_all(&s->process.args, &s->entrypoint);
    return r < 0 ? r : strv_add_all(&s->process.args, &s->cmd);
}

static bool is_set(const struct strv *env, const char *assignment)
{
    size_t len = strcspn(assignment, "=");
    for (size_t i = 0; i < env->len; i++)
        if (strncmp(env->items[i], assignment, len) == 0 && env->items[i][len] == '=')
            return true;
    return false;
}

/* In docker's order: the start's own, the user's, the image's; a later one takes the place of
 * one of the first. */
static int merge_env(struct mtd_spec *s, const struct mtd_image_config *c)
{
    auto_done(strv_done) struct strv user = s->process.env;
    struct strv *env = &s->process.env;
    char hostname[300];
    *env = (struct strv){0};
    snprintf(hostname, sizeof(hostname), "HOSTNAME=%s", s->hostname);
    int r = strv_add(env, DEFAULT_PATH);
    if (r == 0)
        r = strv_add(env, hostname);
    if (r == 0 && s->process.tty)
        r = strv_add(env, "TERM=xterm");
    for (size_t i = 0; r == 0 && i < user.len; i++)
        r = strv_env_set(env, user.items[i]);
    for (size_t i = 0; r == 0 && i < c->env.len; i++)
        if (!is_set(&user, c->env.items[i]))
            r = strv_env_set(env, c->env.items[i]);
    return r;
}

static int compare_labels(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int merge_labels(struct mtd_spec *s, const struct mtd_image_config *c)
{
    auto_done(strv_done) struct strv user = s->labels;
    s->labels = (struct strv){0};
    int r = strv_copy(&s->labels, &c->labels);
    for (size_t i = 0; r == 0 && i < user.len; i++)
        r = strv_env_set(&s->labels, user.items[i]);
    if (s->labels.len > 1)
        qsort(s->labels.items, s->labels.len, sizeof(char *), compare_labels);
    return r;
}

static int default_string(char **slot, const char *value)
{
    if (*slot || !value || !*value)
        return 0;
    *slot = strdup(value);
    return *slot ? 0 : -ENOMEM;
}

/* The words are the image's: they are cleaned before they are compared with the user's. */
static int add_image_volume(struct mtd_spec *s, const char *word, struct mtd_error *err)
{
    auto_free char *target = strdup(word);
    if (!target)
        return OUT_OF_MEMORY(err);
    if (*target == '/')
        fs_clean_path(target);
    for (size_t i = 0; i < s->n_mounts; i++)
        if (strcmp(s->mounts[i].target, target) == 0)
            return 0;
    int r = mtd_mount_target_check(target, true, err);
    if (r < 0)
        return r;
    struct mtd_mount *all = reallocarray(s->mounts, s->n_mounts + 1, sizeof(*all));
    if (!all)
        return OUT_OF_MEMORY(err);
    s->mounts = all;
    all[s->n_mounts++] = (struct mtd_mount){.type = MTD_MOUNT_VOLUME,
                                            .target = take_ptr(&target),
                                            .anonymous = true,
                                            .origin = MTD_ORIGIN_IMAGE};
    return 0;
}

static void clean_targets(struct mtd_spec *s)
{
    for (size_t i = 0; i < s->n_mounts; i++)
        if (s->mounts[i].target && s->mounts[i].target[0] == '/')
            fs_clean_path(s->mounts[i].target);
}

static int add_image_volumes(struct mtd_spec *s, const struct strv *volumes,
                             struct mtd_error *err)
{
    int r = 0;
    clean_targets(s);
    for (size_t i = 0; r == 0 && i < volumes->len; i++)
        r = add_image_volume(s, volumes->items[i], err);
    return r;
}

static void default_time(int64_t *slot, int64_t value)
{
    if (*slot == 0)
        *slot = value;
}

/* What the user did not say is the image's, each part for itself. */
static int merge_healthcheck(struct mtd_healthcheck *h,
                             const struct mtd_healthcheck *image)
{
    if (h->test.len == 0 && strv_copy(&h->test, &image->test) < 0)
        return -ENOMEM;
    default_time(&h->interval, image->interval);
    default_time(&h->timeout, image->timeout);
    default_time(&h->start_period, image->start_period);
    default_time(&h->start_interval, image->start_interval);
    if (h->retries == 0)
        h->retries = image->retries;
    if (h->test.len && strcmp(h->test.items[0], "NONE") == 0)
        strv_done(&h->test);
    return 0;
}

static int merge_image(struct mtd_spec *s, const struct mtd_image *image,
                       bool entrypoint_set, struct mtd_error *err)
{
    const struct mtd_image_config *c = &image->config;
    int r = merge_args(s, c, entrypoint_set);
    if (r == 0)
        r = merge_env(s, c);
    if (r == 0)
        r = merge_labels(s, c);
    if (r == 0)
        r = default_string(&s->process.cwd, c->working_dir);
    if (r == 0)
        r = default_string(&s->process.user, c->user);
    if (r == 0)
        r = default_string(&s->image_id, image->id);
    if (r == 0)
        r = strv_copy(&s->layers, &image->layers);
    if (r == 0)
        r = default_string(&s->stop_signal, c->stop_signal);
    if (r == 0)
        r = merge_healthcheck(&s->healthcheck, &c->healthcheck);
    return r < 0 ? OUT_OF_MEMORY(err) : add_image_volumes(s, &c->volumes, err);
}

/* ---- refusing ---------------------------------------------------------------------- */

int api_check_resources(const struct mtd_resources *r, struct mtd_error *err)
{
    int code = mtd_limits_check(r, err);
    if (code == 0 && r->cpuset_cpus)
        code = mtd_about(err, MTD_ABOUT_CPUSET, mtd_limit_cpuset(r->cpuset_cpus, err));
    if (code == 0 && r->cpuset_mems)
        code = mtd_about(err, MTD_ABOUT_CPUSET_MEMS, mtd_limit_mems(r->cpuset_mems, err));
    return code;
}

static int check_mount(struct mtd_engine *e, const struct mtd_mount *m,
                       struct mtd_error *err)
{
    struct stat st;
    int r = mtd_mount_target_check(m->target, false, err);
    if (r < 0)
        return r;
    if (m->type == MTD_MOUNT_BIND && m->source[0] != '/')
        return mtd_fail(err, EINVAL, "volume source \"%s\" must be an absolute path",
                        m->source);
    if (m->type == MTD_MOUNT_BIND && stat(m->source, &st) < 0)
        return mtd_fail(err, errno, "volume source %s: %s; create it first", m->source,
                        strerror(errno));
    return m->type == MTD_MOUNT_VOLUME ? api_check_volume(e, m, err) : 0;
}

static int check_process(const struct mtd_process *p, struct mtd_error *err)
{
    int r = p->init ? init_program_check(err) : 0;
    if (r < 0)
        return r;
    r = p->apparmor ? apparmor_name_check(p->apparmor, err) : 0;
    if (r < 0)
        return r;
    if (p->args.len == 0)
        return mtd_fail(err, EINVAL, "no command specified, and the image has none");
    if (p->cwd && p->cwd[0] != '/')
        return mtd_fail(err, EINVAL, "working directory \"%s\" must be an absolute path",
                        p->cwd);
    for (size_t i = 0; i < p->n_rlimits; i++) {
        r = mtd_limit_rlimit(&p->rlimits[i], err);
        if (r < 0)
            return r;
    }
    return 0;
}

static int check_hostname(const char *name, struct mtd_error *err)
{
    if (name && (!*name || strlen(name) > 64 || strpbrk(name, " \t\n/")))
        return mtd_fail(err, EINVAL, "invalid hostname \"%s\"", name);
    return 0;
}

static int is_there(const char *target, const struct stat *st, const char *access,
                    void *arg, struct mtd_error *err)
{
    (void)target, (void)st, (void)access, (void)arg, (void)err;
    return 0;
}

static int check_grants(const struct mtd_spec *s, struct mtd_error *err)
{
    struct mtd_device_rule rule;
    int r = 0;
    for (size_t i = 0; r == 0 && i < s->devices.len; i++)
        r = mtd_device_each(s->devices.items[i], is_there, NULL, err);
    for (size_t i = 0; r == 0 && i < s->device_rules.len; i++)
        r = mtd_device_rule_parse(s->device_rules.items[i], &rule, err);
    for (size_t i = 0; r == 0 && i < s->sysctls.len; i++)
        r = mtd_sysctl_check(s->sysctls.items[i], s, err);
    return r;
}

/* As in docker: its rights would be none, on devices and files that are the host's. */
static int check_userns(const struct mtd_spec *s, struct mtd_error *err)
{
    if (s->userns != MTD_USERNS_HOST && s->process.privileged)
        return mtd_about(err, MTD_ABOUT_USERNS,
                         mtd_fail(err, EINVAL,
                                  "privileged mode is incompatible with user namespaces; "
                                  "run the container in the host's user namespace"));
    for (size_t i = 0; s->userns != MTD_USERNS_HOST && i < s->n_mounts; i++)
        if (mtd_propagation_is_shared(s->mounts[i].propagation))
            return mtd_fail(err, EINVAL,
                            "a mount in a user namespace cannot spread to the host: "
                            "%.80s can be slave, not shared",
                            s->mounts[i].target);
    return mtd_idmap_check(s, err);
}

/* disable asks for what there is then. */
static int check_labels(const struct mtd_spec *s, struct mtd_error *err)
{
    int r = 0;
    for (size_t i = 0; i < s->label_words.len && r == 0; i++) {
        const char *word = s->label_words.items[i];
        r = selinux_word_check(word, err);
        if (r == 0 && strcmp(word, "disable") != 0 && !selinux_is_enabled(-1))
            r = mtd_fail(err, EOPNOTSUPP,
                         "label=%.80s: SELinux is not enabled on this host", word);
    }
    return r;
}

static int check_spec(struct mtd_engine *e, struct mtd_spec *s, struct mtd_error *err)
{
    int r = check_process(&s->process, err);
    if (r == 0 && s->process.seccomp)
        r = syscalls_check(s->process.seccomp, syscalls_caps(&s->process), false,
                           &s->process.seccomp_made, err);
    if (r == 0)
        r = api_check_resources(&s->resources, err);
    for (size_t i = 0; r == 0 && i < s->n_mounts; i++)
        r = check_mount(e, &s->mounts[i], err);
    for (size_t i = 0; r == 0 && i < s->add_hosts.len; i++)
        r = hostfiles_check_host(s->add_hosts.items[i], err);
    if (r == 0)
        r = check_userns(s, err);
    if (r == 0)
        r = check_labels(s, err);
    if (r == 0)
        r = mtd_limit_health(&s->healthcheck, err);
    if (r == 0)
        r = check_grants(s, err);
    if (r == 0)
        r = mtd_log_opts_check(s, err);
    if (r == 0 && s->auto_remove && s->restart != MTD_RESTART_NO)
        r = mtd_about(err, MTD_ABOUT_AUTO_REMOVE,
                      mtd_fail(err, EINVAL,
                               "a container with a restart policy cannot be removed "
                               "when it ends"));
    return r;
}

/* ---- volumes ----------------------------------------------------------------------- */

static int name_volume(struct mtd_mount *m, struct mtd_error *err)
{
    char name[MTD_ID_SIZE] = "";
    if (m->type != MTD_MOUNT_VOLUME || m->source)
        return 0;
    int r = store_new_id(name);
    m->anonymous = true;
    m->source = r < 0 ? NULL : strdup(name);
    return m->source ? 0 : OUT_OF_MEMORY(err);
}

static bool has_volumes(const struct mtd_spec *s)
{
    bool has = false;
    for (size_t i = 0; i < s->n_mounts && !has; i++)
        has = s->mounts[i].type == MTD_MOUNT_VOLUME;
    return has;
}

/* The note comes first: who removes a volume looks for it. held: the caller holds them all. */
static int make_noted(struct mtd_engine *e, struct mtd_record *r, bool held,
                      struct mtd_error *err)
{
    auto_fd int hold = -1;
    int code = held ? 0 : store_hold_volumes(&e->store, false, &hold, err);
    for (size_t i = 0; code >= 0 && i < r->spec.n_mounts; i++) {
        const struct mtd_mount *m = &r->spec.mounts[i];
        const struct store_volume want = {.name = m->source,
                                          .labels = &m->volume_labels,
                                          .options = &m->volume_options,
                                          .anonymous = m->anonymous};
        if (m->type == MTD_MOUNT_VOLUME)
            code = store_make_volume(&e->store, &want, err);
    }
    return code < 0 ? code : 0;
}

static int make_volumes(struct mtd_engine *e, const struct mtd_create *c,
                        struct mtd_record *r, bool held, struct mtd_error *err)
{
    int code = 0;
    for (size_t i = 0; code == 0 && i < r->spec.n_mounts; i++)
        code = name_volume(&r->spec.mounts[i], err);
    if (code == 0)
        code = container_making_begin(e, r, c->to_run && r->spec.auto_remove, err);
    if (code == 0 && has_volumes(&r->spec))
        code = make_noted(e, r, held, err);
    return code < 0 ? code : container_fill_volumes(e, r, err);
}

/* A mount below another one must come after it; otherwise the user's order is kept. */
static size_t depth(const char *path)
{
    size_t n = 0;
    for (; *path; path++)
        n += path[0] == '/' && path[1] != '/' && path[1] != '\0';
    return n;
}

static void sort_mounts(struct mtd_spec *s)
{
    for (size_t i = 1; i < s->n_mounts; i++) {
        struct mtd_mount m = s->mounts[i];
        size_t j = i;
        for (; j > 0 && depth(s->mounts[j - 1].target) > depth(m.target); j--)
            s->mounts[j] = s->mounts[j - 1];
        s->mounts[j] = m;
    }
}

/* ---- the record -------------------------------------------------------------------- */

/* As in docker: the short id or, in the host's network, the host's name. */
static void default_hostname(const struct mtd_spec *s, const char *id, char out[65])
{
    snprintf(out, 65, "%.12s", id);
    if ((s->network == MTD_NET_HOST || s->uts_host) && gethostname(out, 65) < 0)
        snprintf(out, 65, "%.12s", id);
    out[64] = '\0';
}

int api_check_kernel(struct mtd_engine *e, struct mtd_error *err)
{
    int code = e->kernel_suits ? 0 : kernel_check(err);
    e->kernel_suits = code == 0;
    return code;
}

static int prepare(struct mtd_engine *e, struct mtd_create *c, struct mtd_record *r,
                   struct mtd_error *err)
{
    auto_done(mtd_image_done) struct mtd_image image = {0};
    struct mtd_spec *s = c->spec;
    char own[65];
    int code = image_find(&e->images, s->image, &image, err);
    if (code == 0)
        code = check_hostname(s->hostname, err);
    if (code < 0)
        return code;
    if ((code = store_new_id(r->id)) < 0)
        return mtd_fail_errno(err, -code, "cannot create an id");
    default_hostname(s, r->id, own);
    code = api_add_volumes_from(e, s, err);
    if (code == 0)
        code = api_share(e, s, err);
    if (code < 0)
        return code;
    if (default_string(&s->hostname, own) < 0)
        return OUT_OF_MEMORY(err);
    code = merge_image(s, &image, c->entrypoint_set, err);
    if (code < 0)
        return code;
    sort_mounts(s);
    return check_spec(e, s, err);
}

int mtd_create(struct mtd_engine *e, struct mtd_create *c, char ret_id[MTD_ID_SIZE],
               struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    int code = c->name ? mtd_name_check(mtd_name_bare(c->name), err) : 0;
    if (code == 0)
        code = api_check_kernel(e, err);
    if (code == 0)
        code = container_need_image(e, c->spec->image, err);
    auto_fd int hold = code < 0 ? code : image_hold(&e->images, false, err);
    auto_fd int volumes = -1; /* from reading another's record until it is our own */
    code = hold < 0 ? hold : 0;
    if (code == 0 && c->spec->volumes_from.len)
        code = store_hold_volumes(&e->store, true, &volumes, err);
    if (code == 0)
        code = prepare(e, c, &r, err);
    if (code < 0)
        return code;
    (void)fault_point("create.prepared");
    mtd_spec_done(&r.spec);
    r.spec = *c->spec;
    mtd_spec_init(c->spec);
    code = spec_check(&r, err); /* with all that the image adds */
    if (code < 0)
        return code;
    if (c->to_run) /* nothing is left to be refused */
        container_launch_ahead(e, r.id);
    code = make_volumes(e, c, &r, volumes >= 0, err);
    if (code == 0)
        code = fault_point("create.volumes");
    if (code == 0)
        code = store_create(&e->store, &r, c->name, err);
    if (code < 0)
        store_remove_volumes(&e->store, &r);
    if (code < 0 || !c->to_run || !r.spec.auto_remove)
        container_making_end(e, r.id);
    if (code < 0) {
        container_launch_drop(e);
        return code;
    }
    fault_point("create.done");
    events_note(e->store.root_fd, &r, "create");
    snprintf(ret_id, MTD_ID_SIZE, "%s", r.id);
    return 0;
}
