/* The steps of a build. Of buildah's directories only its storage outlives one: that is
 * the cache. What it notes about mounts lies in the build's own directory, because each
 * call has mounts of its own, which are gone with it. */

#include "engine/transfer/build.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "engine/cgroup/cgroup.h"
#include "engine/transfer/build_steps.h"

/* ---- the storage ---- */

static int open_lock(const struct image_store *s)
{
    if (mkdirat(s->root_fd, "build", 0700) < 0 && errno != EEXIST)
        return -errno;
    int fd =
        openat(s->root_fd, "build/lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : fd;
}

/* buildah makes the list before a container's directory, and empties it after. */
static bool has_containers(const struct image_store *s)
{
    static const char *const LISTS[] = {
        "build/storage/overlay-containers/containers.json",
        "build/storage/vfs-containers/containers.json"};
    bool any = false;
    for (size_t i = 0; i < ARRAY_SIZE(LISTS) && !any; i++) {
        auto_fd int fd =
            openat(s->root_fd, LISTS[i], O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        json_t *list = fd < 0 ? NULL : json_loadfd(fd, 0, NULL);
        any = fd >= 0 && (!list || json_array_size(list) > 0);
        json_decref(list);
    }
    return any;
}

/* Its global options. */
static int add_globals(struct strv *args)
{
    return skopeo_args(args, "--root", BUILD_BOX_STORAGE, "--runroot",
                       BUILD_BOX_DIR "/run", NULL);
}

static int drop_containers(struct build *b)
{
    auto_done(strv_done) struct strv args = {0};
    if (add_globals(&args) < 0 || skopeo_args(&args, "rm", "--all", NULL) < 0)
        return -ENOMEM;
    (void)build_call(b, &args, NULL, NULL);
    return 0;
}

/* Whoever has the lock for itself is alone, so what containers there are a killed build has
 * left. */
static int open_storage(struct build *b, struct mtd_error *err)
{
    const struct image_store *s = b->store;
    snprintf(b->storage, sizeof(b->storage), "%s/build/storage", s->root);
    snprintf(b->run, sizeof(b->run), "%s/run", b->dir.path);
    auto_fd int lock = open_lock(s);
    if (lock < 0)
        return mtd_fail_errno(err, -lock, "cannot make %s/build", s->root);
    bool alone = flock(lock, LOCK_EX | LOCK_NB) == 0;
    if (alone && has_containers(s) && drop_containers(b) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    if (alone)
        build_sweep(s);
    while (flock(lock, LOCK_SH) < 0)
        if (errno != EINTR)
            return mtd_fail_errno(err, errno, "cannot lock %s/build", s->root);
    if (mkdirat(s->root_fd, "build/storage", 0700) < 0 && errno != EEXIST)
        return mtd_fail_errno(err, errno, "cannot make %s", b->storage);
    b->lock = take_fd(&lock);
    return 0;
}

/* On a full disk buildah may leave what it was making. Once more: the first time makes room. */
static void clean_up(struct build *b)
{
    if (b->lock < 0 || flock(b->lock, LOCK_EX | LOCK_NB) < 0)
        return; /* the next build that is alone does it */
    for (int i = 0; i < 2 && has_containers(b->store); i++)
        if (drop_containers(b) < 0)
            return;
    build_sweep(b->store);
}

int transfer_drop_builds(const struct image_store *s, struct mtd_error *err)
{
    struct stat st;
    if (s->root_fd < 0 || fstatat(s->root_fd, "build/storage", &st, 0) < 0)
        return 0;
    auto_fd int lock = open_lock(s);
    if (lock < 0)
        return mtd_fail_errno(err, -lock, "cannot open %s/build", s->root);
    if (flock(lock, LOCK_EX | LOCK_NB) < 0)
        return mtd_fail(err, EBUSY, "an image is being built; its cache stays");
    struct transfer_dir dir = {.fd = -1};
    int rc = transfer_dir_open(s, "builds", &dir, err);
    if (rc == 0 && renameat(s->root_fd, "build/storage", dir.fd, "storage") < 0)
        rc = mtd_fail_errno(err, errno, "cannot remove %s/build/storage", s->root);
    if (rc == 0)
        (void)fault_point("build.drop");
    transfer_dir_done(&dir);
    return rc;
}

/* ---- buildah ---- */

#define REASON "Error: "

/* How much of it goes on at once: whole lines, but for a last one that is the reason why the build
 * failed, as it seems: the caller tells that in its own way. */
static size_t done_with(const struct buf *said)
{
    const char *end = memrchr(said->data, '\n', said->len), *begin;
    if (!end)
        return 0;
    begin = memrchr(said->data, '\n', (size_t)(end - said->data));
    begin = begin ? begin + 1 : said->data;
    bool waits =
        end + 1 == said->data + said->len && strncmp(begin, REASON, strlen(REASON)) == 0;
    return (size_t)((waits ? begin : end + 1) - said->data);
}

static void pass_on(void *arg, int stream, const char *text, size_t len)
{
    struct build *b = arg;
    const struct mtd_build *asked = b->asked;
    if (stream == 1) {
        asked->wrote(asked->arg, 1, text, len);
        return;
    }
    if (buf_add(&b->last, text, len) < 0)
        return;
    size_t done = done_with(&b->last);
    if (done == 0)
        return;
    asked->wrote(asked->arg, 2, b->last.data, done);
    memmove(b->last.data, b->last.data + done, b->last.len - done + 1);
    b->last.len -= done;
}

static int explain(struct build *b, struct tool_result *r, struct mtd_error *err)
{
    const char *said = r->said.data ? r->said.data : "", *line;
    size_t end = strlen(said);
    while (end > 0 && said[end - 1] == '\n')
        end--;
    line = memrchr(said, '\n', end);
    line = line ? line + 1 : said;
    if (strncmp(line, REASON, strlen(REASON)) == 0)
        line += strlen(REASON);
    struct tool_result reason = {.status = r->status};
    (void)buf_add(&reason.said, line, (size_t)(said + end - line));
    b->last.len = 0;
    int rc = tool_fail(&reason, NULL, err);
    tool_result_done(&reason);
    return rc;
}

int build_call(struct build *b, const struct strv *args, bool *ret_told,
               struct mtd_error *err)
{
    struct tool_result result;
    bool tells = ret_told && b->asked->wrote;
    const struct tool_run run = {.tool = TOOL_BUILDAH,
                                 .args = args,
                                 .env = b->how->env,
                                 .tmp = BUILD_BOX_DIR,
                                 .in = -1,
                                 .wrote = tells ? pass_on : NULL,
                                 .inside = build_box_enter,
                                 .arg = b};
    int rc = tool_run(&run, &result, err);
    if (rc < 0)
        return rc;
    if (result.status != 0)
        rc = explain(b, &result, err);
    if (tells && b->last.len > 0)
        b->asked->wrote(b->asked->arg, 2, b->last.data, b->last.len);
    b->last.len = 0;
    tool_result_done(&result);
    return rc;
}

static int add_each(struct strv *args, const char *option, const struct strv *values)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && values && i < values->len; i++)
        rc = skopeo_args(args, option, values->items[i], NULL);
    return rc;
}

static bool has_limit(const struct strv *ulimits, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; ulimits && i < ulimits->len; i++)
        if (strncmp(ulimits->items[i], name, len) == 0 && ulimits->items[i][len] == '=')
            return true;
    return false;
}

/* What buildah gives RUN, 2^20 of each, but no more than we have: later versions insist, which
 * without CAP_SYS_RESOURCE (a build in a container) fails. */
static int add_limits(const struct mtd_build *a, struct strv *args)
{
    static const struct {
        const char *name;
        int resource;
    } LIMITS[] = {{"nofile", RLIMIT_NOFILE}, {"nproc", RLIMIT_NPROC}};
    int rc = add_each(args, "--ulimit", a->ulimits);
    for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(LIMITS); i++) {
        struct rlimit own;
        char text[64];
        if (has_limit(a->ulimits, LIMITS[i].name) ||
            getrlimit(LIMITS[i].resource, &own) < 0 || own.rlim_max >= 1 << 20)
            continue;
        unsigned long long most = own.rlim_max;
        snprintf(text, sizeof(text), "%s=%llu:%llu", LIMITS[i].name, most, most);
        rc = skopeo_args(args, "--ulimit", text, NULL);
    }
    return rc;
}

/* docker's form has what OCI's lacks: HEALTHCHECK, SHELL, ONBUILD. */
static int build_line(const struct build *b, const struct strv *secrets,
                      struct strv *args)
{
    const struct mtd_build *a = b->asked;
    char file[PATH_MAX + 32];
    snprintf(file, sizeof(file), BUILD_BOX_FILES "%s", strrchr(b->file, '/'));
    int rc = add_globals(args);
    if (rc == 0)
        rc = skopeo_args(args, "build", "--isolation", "chroot", "--network", "host",
                         "--cap-drop", "CAP_SYS_CHROOT", "--format", "docker", "--layers",
                         "--force-rm", "--pull=false", "--identity-label=false",
                         "--iidfile", BUILD_BOX_DIR "/iid", NULL);
    if (rc == 0 && a->no_cache)
        rc = strv_add(args, "--no-cache");
    if (rc == 0 && b->how->tls_verify == 0)
        rc = strv_add(args, "--tls-verify=false");
    if (rc == 0 && a->target)
        rc = skopeo_args(args, "--target", a->target, NULL);
    if (rc == 0 && a->platform)
        rc = skopeo_args(args, "--platform", a->platform, NULL);
    if (rc == 0)
        rc = add_each(args, "--build-arg", a->build_args);
    if (rc == 0)
        rc = add_each(args, "--label", a->labels);
    if (rc == 0)
        rc = add_each(args, "--add-host", a->hosts);
    if (rc == 0)
        rc = add_limits(a, args);
    if (rc == 0)
        rc = strv_add_all(args, secrets);
    return rc == 0 ? skopeo_args(args, "--file", file, BUILD_BOX_CONTEXT, NULL) : rc;
}

/* Files of the build's own directory, which goes with it. */
static int put_secrets(const struct build *b, struct strv *args, struct mtd_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < b->asked->n_secrets && rc == 0; i++) {
        const struct mtd_secret *secret = &b->asked->secrets[i];
        char name[32], text[256];
        snprintf(name, sizeof(name), "secret.%zu", i);
        snprintf(text, sizeof(text), "id=%s,src=" BUILD_BOX_DIR "/%s", secret->id, name);
        rc = fs_replace_at(b->dir.fd, name, secret->data, secret->len, 0600, false);
        if (rc == 0)
            rc = skopeo_args(args, "--secret", text, NULL);
    }
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot write %s", b->dir.path) : 0;
}

static int run_buildah(struct build *b, struct mtd_error *err)
{
    auto_done(strv_done) struct strv args = {0}, secrets = {0};
    bool told;
    int rc = put_secrets(b, &secrets, err);
    if (rc < 0)
        return rc;
    if (build_line(b, &secrets, &args) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    return build_call(b, &args, &told, err);
}

/* ---- all of it ---- */

static int do_build(struct build *b, char **ret_id, struct mtd_error *err)
{
    static int (*const STEPS[])(struct build *, struct mtd_error *) = {
        open_storage, build_take_context, build_bring_images, run_buildah, build_export};
    static const char *const POINTS[] = {"build.storage", "build.context", "build.images",
                                         "build.built", "build.exported"};
    int rc = transfer_dir_open(b->store, "build", &b->dir, err);
    for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(STEPS); i++) {
        rc = STEPS[i](b, err);
        if (rc == 0)
            rc = fault_point(POINTS[i]);
    }
    return rc < 0 ? rc : build_compose(b, ret_id, err);
}

int transfer_build(const struct image_store *s, const struct mtd_registry *how,
                   const struct mtd_build *asked, char **ret_id, struct mtd_error *err)
{
    struct image_transfer transfer;
    struct build b = {
        .store = s, .how = how, .asked = asked, .dir = {.fd = -1}, .lock = -1};
    int rc = tool_check(TOOL_BUILDAH, err);
    if (rc == 0)
        rc = tool_check(TOOL_SKOPEO, err);
    if (rc == 0)
        rc = image_transfer_begin(s, &transfer, err);
    if (rc < 0)
        return rc;
    rc = do_build(&b, ret_id, err);
    if (rc < 0)
        clean_up(&b);
    if (b.dir.fd >= 0)
        cgroup_drop_build(b.dir.name);
    transfer_dir_done(&b.dir);
    if (b.lock >= 0)
        close(b.lock);
    buf_done(&b.text);
    buf_done(&b.last);
    image_transfer_end(&transfer);
    if (rc == -EIO)
        mtd_fail(err, EIO, "failed"); /* a fault point has no sentence */
    return rc;
}
