/* The whole of a config.json, and what is wrong only between its parts. */

#include "engine/bundle/bundle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/bundle/internal.h"
#include "engine/limits.h"

static void mount_done(struct bundle_mount *m)
{
    free(m->destination);
    free(m->type);
    free(m->source);
    free(m->options);
    free(m->uids);
    free(m->gids);
}

static void hooks_done(struct bundle_hooks *h)
{
    for (size_t i = 0; i < h->len; i++) {
        free(h->items[i].path);
        strv_done(&h->items[i].args);
        strv_done(&h->items[i].env);
    }
    free(h->items);
}

static void write_done(struct bundle_write *w)
{
    free(w->controller);
    free(w->file);
    free(w->value);
    free(w->file2);
    free(w->value2);
}

void bundle_done(struct bundle *b)
{
    struct strv *const lists[] = {&b->masked,  &b->read_only_paths, &b->sysctls,
                                  &b->offsets, &b->annotations,     &b->warnings};
    char *const texts[] = {b->version,      b->root,       b->hostname,
                           b->domainname,   b->cpus_first, b->cpus,
                           b->cgroups_path, b->listener,   b->listener_metadata};
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
        strv_done(lists[i]);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        free(texts[i]);
    for (size_t i = 0; i < b->n_mounts; i++)
        mount_done(&b->mounts[i]);
    for (size_t i = 0; i < b->n_devices; i++)
        free(b->devices[i].path);
    for (size_t i = 0; i < b->n_writes; i++)
        write_done(&b->writes[i]);
    for (size_t i = 0; i < BUNDLE_NS_COUNT; i++)
        free(b->namespaces[i].path);
    for (size_t i = 0; i < BUNDLE_HOOK_KINDS; i++)
        hooks_done(&b->hooks[i]);
    free(b->mounts);
    free(b->devices);
    free(b->writes);
    free(b->rules);
    free(b->uids);
    free(b->gids);
    mtd_resources_done(&b->resources);
    mtd_process_done(&b->process);
    *b = (struct bundle){0};
}

bool bundle_is_new(const struct bundle *b, enum bundle_ns ns)
{
    return b->namespaces[ns].listed && !b->namespaces[ns].path;
}

/* ---- hooks ---- */

static int read_hook(json_t *item, const char *where, size_t i, void *to,
                     struct mtd_error *err)
{
    static const struct bundle_field HOOK[] = {
        {"path", BUNDLE_TEXT, offsetof(struct bundle_hook, path), .required = true},
        {"args", BUNDLE_STRINGS, offsetof(struct bundle_hook, args)},
        {"env", BUNDLE_STRINGS, offsetof(struct bundle_hook, env)},
        {"timeout", BUNDLE_NUMBER, offsetof(struct bundle_hook, timeout), 1, INT32_MAX},
        BUNDLE_END};
    struct bundle_hooks *h = to;
    (void)i;
    struct bundle_hook *one = bundle_grow((void **)&h->items, &h->len, sizeof(*one), err);
    if (!one)
        return -ENOMEM;
    int rc = bundle_fields(item, where, HOOK, one, err);
    if (rc == 0 && *one->path != '/')
        rc = bundle_bad(err, where, "path", "must be an absolute path");
    if (rc == 0 && one->args.len == 0 && strv_add(&one->args, one->path) < 0)
        rc = mtd_fail(err, ENOMEM, "out of memory");
    return rc;
}

static int read_hooks(json_t *o, struct bundle *b, struct mtd_error *err)
{
    json_t *hooks;
    int rc = bundle_member(o, "", "hooks", JSON_OBJECT, &hooks, err);
    for (size_t i = 0; i < BUNDLE_HOOK_KINDS && rc == 0; i++)
        rc = bundle_each(hooks, "hooks", BUNDLE_HOOK_NAMES[i], read_hook, &b->hooks[i],
                         err);
    return rc;
}

/* ---- the whole ---- */

static const struct bundle_field TOP[] = {
    {"ociVersion", BUNDLE_TEXT, offsetof(struct bundle, version), .required = true},
    {"hostname", BUNDLE_TEXT, offsetof(struct bundle, hostname)},
    {"domainname", BUNDLE_TEXT, offsetof(struct bundle, domainname)},
    {"annotations", BUNDLE_MAP, offsetof(struct bundle, annotations)},
    BUNDLE_END,
};

static const struct bundle_field ROOT[] = {
    {"path", BUNDLE_TEXT, offsetof(struct bundle, root), .required = true},
    {"readonly", BUNDLE_BOOL, offsetof(struct bundle, read_only)},
    BUNDLE_END,
};

static int read_all(json_t *o, struct bundle *b, struct mtd_error *err)
{
    json_t *root, *process, *kernel;
    int rc = bundle_fields(o, "", TOP, b, err);
    if (rc == 0 && strncmp(b->version, "1.", 2) != 0)
        rc = bundle_bad(err, "ociVersion", NULL, "only 1.x is supported");
    if (rc == 0)
        rc = bundle_member(o, "", "root", JSON_OBJECT, &root, err);
    if (rc == 0)
        rc = bundle_fields(root, "root", ROOT, b, err);
    if (rc == 0)
        rc = bundle_member(o, "", "process", JSON_OBJECT, &process, err);
    if (rc == 0 && !process)
        rc = bundle_bad(err, "process", NULL, "is missing");
    if (rc == 0)
        rc = bundle_process(process, b, err);
    if (rc == 0)
        rc = bundle_mounts(o, b, err);
    if (rc == 0)
        rc = read_hooks(o, b, err);
    if (rc == 0)
        rc = bundle_member(o, "", "linux", JSON_OBJECT, &kernel, err);
    return rc == 0 ? bundle_linux(kernel, b, err) : rc;
}

int bundle_parse(struct bundle *ret, const char *text, size_t len, struct mtd_error *err)
{
    auto_done(bundle_done) struct bundle b = {0};
    json_t *o = NULL;
    int rc = bundle_load(text, len, BUNDLE_CONFIG, &o, err);
    if (rc == 0)
        rc = read_all(o, &b, err);
    json_decref(o);
    if (rc < 0)
        return rc;
    *ret = b;
    b = (struct bundle){0};
    return 0;
}

int bundle_parse_process(struct bundle *b, const char *text, size_t len,
                         struct mtd_error *err)
{
    struct mtd_process before = b->process;
    json_t *o = NULL;
    b->process = (struct mtd_process){0};
    int rc = bundle_load(text, len, "process.json", &o, err);
    if (rc == 0)
        rc = bundle_process(o, b, err);
    json_decref(o);
    b->process.seccomp = take_ptr(&before.seccomp);
    b->process.seccomp_made = take_ptr(&before.seccomp_made);
    b->process.sets_personality = before.sets_personality;
    b->process.personality = before.personality;
    if (rc == 0 && !b->process.apparmor)
        b->process.apparmor = take_ptr(&before.apparmor);
    mtd_process_done(&before);
    return rc;
}

int bundle_parse_resources(struct bundle *b, const char *text, size_t len,
                           struct mtd_error *err)
{
    json_t *o = NULL;
    int rc = bundle_load(text, len, "resources", &o, err);
    if (rc == 0)
        rc = bundle_resources(o, b, false, err);
    json_decref(o);
    return rc;
}

/* ---- what is wrong between the parts ---- */

/* The namespaces as `run` has them, for the rules about sysctls. */
static struct mtd_spec as_spec(const struct bundle *b)
{
    bool net = b->namespaces[BUNDLE_NS_NETWORK].listed;
    bool ipc = b->namespaces[BUNDLE_NS_IPC].listed;
    return (struct mtd_spec){.network = net ? MTD_NET_NONE : MTD_NET_HOST,
                             .ipc = ipc ? MTD_IPC_PRIVATE : MTD_IPC_HOST,
                             .uts_host = !b->namespaces[BUNDLE_NS_UTS].listed};
}

static int check_sysctls(const struct bundle *b, struct mtd_error *err)
{
    struct mtd_spec s = as_spec(b);
    int rc = 0;
    for (size_t i = 0; i < b->sysctls.len && rc == 0; i++)
        rc = mtd_sysctl_check(b->sysctls.items[i], &s, err);
    return rc;
}

static bool has_root(const struct mtd_idrange *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (ranges[i].inside == 0)
            return true;
    return false;
}

static int check_users(const struct bundle *b, struct mtd_error *err)
{
    const struct bundle_namespace *user = &b->namespaces[BUNDLE_NS_USER];
    if (b->n_uids && !user->listed)
        return bundle_bad(err, "linux", "uidMappings",
                          "need a user namespace in linux.namespaces");
    if (user->listed && !user->path && (!b->n_uids || !b->n_gids))
        return bundle_bad(err, "linux", "uidMappings",
                          "a new user namespace needs them, and gidMappings");
    if (user->listed && !user->path &&
        (!has_root(b->uids, b->n_uids) || !has_root(b->gids, b->n_gids)))
        return bundle_bad(err, "linux", "uidMappings",
                          "and gidMappings must map the container's id 0");
    return 0;
}

int bundle_check(const struct bundle *b, struct mtd_error *err)
{
    if (!b->root)
        return bundle_bad(err, "root", NULL, "is missing");
    if (!b->namespaces[BUNDLE_NS_MOUNT].listed)
        return bundle_bad(
            err, "linux", "namespaces",
            "a mount namespace is needed; without it the host's would change");
    if ((b->hostname || b->domainname) && !b->namespaces[BUNDLE_NS_UTS].listed)
        return bundle_bad(err, b->hostname ? "hostname" : "domainname", NULL,
                          "needs a UTS namespace; it is the host's otherwise");
    if (b->offsets.len && !bundle_is_new(b, BUNDLE_NS_TIME))
        return bundle_bad(err, "linux", "timeOffsets", "need a new time namespace");
    int rc = check_users(b, err);
    if (rc == 0)
        rc = check_sysctls(b, err);
    if (rc == 0)
        rc = mtd_limits_check(&b->resources, err);
    return rc;
}
