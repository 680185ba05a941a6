/* <root>/<id>/ is made by one mkdir, which claims the id, and its state.json replaced by renames.
 * What a killed process leaves: a directory without a state, when nothing else was made yet; a
 * state without a pid, when there may be groups and an init that is about to end by itself. */

#include "engine/runtime/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/trust.h"

#define STATE_MAX (8u << 20)
#define LOCK_WAIT (10 * NS_PER_SEC)
#define ID_MAX 255

static const char *const STATUS[] = {"creating", "created", "running", "paused",
                                     "stopped"};

const char *runtime_status_name(enum runtime_status s)
{
    return STATUS[s];
}

void runtime_record_done(struct runtime_record *s)
{
    char *const texts[] = {s->id,           s->version,   s->bundle,
                           s->rootfs,       s->created,   s->cgroup,
                           s->seccomp_made, s->resources, s->unit};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        free(texts[i]);
    strv_done(&s->cgroups);
    strv_done(&s->namespaces);
    strv_done(&s->annotations);
    *s = (struct runtime_record){0};
}

void runtime_close(struct container *c)
{
    cleanup_fd(&c->dir_fd);
    c->dir_fd = -1;
    runtime_record_done(&c->record);
}

int runtime_id_check(const char *id, struct mtd_error *err)
{
    static const char LETTERS[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+.-";
    size_t n = strlen(id);
    if (n == 0 || n > ID_MAX || id[strspn(id, LETTERS)] || strcmp(id, ".") == 0 ||
        strcmp(id, "..") == 0)
        return mtd_fail(err, EINVAL, "invalid container ID format: \"%.80s\"", id);
    return 0;
}

/* What is in it decides what root runs: hooks, and which groups are killed. */
static int refuse_root(const char *path, const char *why, struct mtd_error *err)
{
    return mtd_fail(err, EPERM,
                    "state directory \"%s\" is refused: %s; mend that or choose another",
                    path, why);
}

int runtime_open_root(const struct runtime *r, bool make, struct mtd_error *err)
{
    struct mtd_error why = {0};
    mode_t mode;
    int rc = trust_path(r->root, &mode, &why);
    if (rc == -EPERM)
        return refuse_root(r->root, why.text, err);
    rc = make ? fs_mkdir_p(r->root, 0711) : 0;
    int fd = rc < 0 ? rc : open(r->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (rc == 0 && fd < 0)
        fd = -errno;
    if (fd == -ENOENT && !make)
        return -ENOENT;
    return fd < 0
               ? mtd_fail_errno(err, -fd, "cannot open the state directory %s", r->root)
               : fd;
}

/* ---- state.json ---- */

static json_t *list_of(const struct strv *v)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < v->len; i++)
        json_array_append_new(list, json_string(v->items[i]));
    return list;
}

static int take_list(json_t *o, const char *key, struct strv *ret)
{
    json_t *one;
    size_t i;
    json_array_foreach(json_object_get(o, key), i, one)
    {
        if (!json_is_string(one) || strv_add(ret, json_string_value(one)) < 0)
            return -EINVAL;
    }
    return 0;
}

struct text_row {
    const char *key;
    size_t offset;
};
static const struct text_row TEXTS[] = {
    {"id", offsetof(struct runtime_record, id)},
    {"ociVersion", offsetof(struct runtime_record, version)},
    {"bundle", offsetof(struct runtime_record, bundle)},
    {"rootfs", offsetof(struct runtime_record, rootfs)},
    {"created", offsetof(struct runtime_record, created)},
    {"cgroup", offsetof(struct runtime_record, cgroup)},
    {"unit", offsetof(struct runtime_record, unit)},
    {"seccompMade", offsetof(struct runtime_record, seccomp_made)},
    {"resources", offsetof(struct runtime_record, resources)},
};
static const struct text_row FLAGS[] = {
    {"creating", offsetof(struct runtime_record, creating)},
    {"hooked", offsetof(struct runtime_record, hooked)},
    {"ownPids", offsetof(struct runtime_record, own_pids)},
    {"usersUnit", offsetof(struct runtime_record, users_unit)},
};
static const struct text_row LISTS[] = {
    {"cgroups", offsetof(struct runtime_record, cgroups)},
    {"namespaces", offsetof(struct runtime_record, namespaces)},
    {"annotations", offsetof(struct runtime_record, annotations)},
};

int runtime_save(int dir_fd, const struct runtime_record *s, struct mtd_error *err)
{
    json_t *o = json_pack("{s:i, s:I, s:s, s:I}", "pid", (int)s->pid, "pidStart",
                          (json_int_t)s->pid_start, "bootId", s->boot_id, "owner",
                          (json_int_t)s->owner);
    for (size_t i = 0; o && i < ARRAY_SIZE(TEXTS); i++) {
        const char *text = *(char *const *)((const char *)s + TEXTS[i].offset);
        if (text)
            json_object_set_new(o, TEXTS[i].key, json_string(text));
    }
    for (size_t i = 0; o && i < ARRAY_SIZE(FLAGS); i++)
        if (*(const bool *)((const char *)s + FLAGS[i].offset))
            json_object_set_new(o, FLAGS[i].key, json_true());
    for (size_t i = 0; o && i < ARRAY_SIZE(LISTS); i++)
        json_object_set_new(
            o, LISTS[i].key,
            list_of((const struct strv *)((const char *)s + LISTS[i].offset)));
    auto_free char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    int rc = text ? fs_replace_by_at(dir_fd, RUNTIME_STATE ".new", RUNTIME_STATE, text,
                                     strlen(text), false, true)
                  : -ENOMEM;
    return rc < 0 ? mtd_fail_errno(err, -rc, "cannot write the container's state") : 0;
}

static int decode(json_t *o, struct runtime_record *s)
{
    json_int_t pid = json_integer_value(json_object_get(o, "pid"));
    const char *boot = json_string_value(json_object_get(o, "bootId"));
    if (!json_is_object(o) || pid < 0 || pid > INT32_MAX || !boot ||
        strlen(boot) > BOOT_ID_LEN)
        return -EINVAL;
    s->pid = (pid_t)pid;
    s->pid_start = (uint64_t)json_integer_value(json_object_get(o, "pidStart"));
    s->owner = (uid_t)json_integer_value(json_object_get(o, "owner"));
    for (size_t i = 0; i < ARRAY_SIZE(FLAGS); i++)
        *(bool *)((char *)s + FLAGS[i].offset) =
            json_is_true(json_object_get(o, FLAGS[i].key));
    s->hooked |= !s->creating; /* as in a state that an earlier version has written */
    memcpy(s->boot_id, boot, strlen(boot) + 1);
    for (size_t i = 0; i < ARRAY_SIZE(TEXTS); i++) {
        const char *text = json_string_value(json_object_get(o, TEXTS[i].key));
        char **to = (char **)((char *)s + TEXTS[i].offset);
        if (text && !(*to = strdup(text)))
            return -ENOMEM;
    }
    int rc = s->id && s->bundle ? 0 : -EINVAL;
    for (size_t i = 0; i < ARRAY_SIZE(LISTS) && rc == 0; i++)
        rc = take_list(o, LISTS[i].key, (struct strv *)((char *)s + LISTS[i].offset));
    return rc;
}

static int load(int dir_fd, struct runtime_record *ret, struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    int rc = fs_read_own_at(dir_fd, RUNTIME_STATE, STATE_MAX, &text);
    if (rc < 0)
        return rc == -ENOENT
                   ? rc
                   : mtd_fail_errno(err, -rc, "cannot read the container's state");
    json_t *o = json_loadb(text.data ? text.data : "", text.len, 0, NULL);
    rc = decode(o, ret);
    json_decref(o);
    return rc < 0 ? mtd_fail(err, EINVAL, "the container's state is damaged") : 0;
}

int runtime_open(const struct runtime *r, const char *id, struct container *ret,
                 struct mtd_error *err)
{
    *ret = (struct container){.dir_fd = -1};
    int rc = runtime_id_check(id, err);
    auto_fd int root = rc < 0 ? rc : runtime_open_root(r, false, err);
    if (root < 0 && root != -ENOENT)
        return root;
    rc = root < 0 ? root : fs_open_dir_at(root, id);
    if (rc == -ENOENT)
        return mtd_fail(err, ENOENT, "container does not exist");
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot open the state of %s", id);
    ret->dir_fd = rc;
    rc = load(ret->dir_fd, &ret->record, err);
    ret->half = rc == -ENOENT;
    return ret->half ? 0 : rc;
}

int runtime_lock(const struct container *c, struct mtd_error *err)
{
    int64_t until = clock_mono_ns() + LOCK_WAIT;
    while (flock(c->dir_fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return mtd_fail_errno(err, errno, "cannot lock the container's state");
        if (clock_mono_ns() > until)
            return mtd_fail(err, EBUSY, "the container is still being made or removed");
        usleep(2000);
    }
    return 0;
}

int runtime_config(const struct container *c, struct bundle *ret, struct mtd_error *err)
{
    auto_done(buf_done) struct buf text = {0};
    int rc = fs_read_own_at(c->dir_fd, RUNTIME_CONFIG, BUNDLE_MAX_BYTES, &text);
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot read the container's configuration");
    rc = bundle_parse(ret, text.data ? text.data : "", text.len, err);
    if (rc == 0 && c->record.resources)
        rc = bundle_parse_resources(ret, c->record.resources, strlen(c->record.resources),
                                    err);
    if (rc == 0 && c->record.seccomp_made)
        ret->process.seccomp_made = strdup(c->record.seccomp_made);
    return rc;
}

int runtime_warn(const struct runtime *r, const struct bundle *b, struct mtd_error *err)
{
    return r->warnings && strv_add_all(r->warnings, &b->warnings) < 0
               ? mtd_fail(err, ENOMEM, "out of memory")
               : 0;
}

/* ---- what it is ---- */

bool runtime_is_alive(const struct runtime_record *s)
{
    char boot[BOOT_ID_LEN + 1];
    return s->pid > 0 && proc_boot_id(boot) == 0 && strcmp(boot, s->boot_id) == 0 &&
           proc_is(s->pid, s->pid_start);
}

enum runtime_status runtime_observe(const struct container *c)
{
    if (c->half || (c->record.pid == 0 && c->record.cgroups.len == 0))
        return RUNTIME_CREATING;
    if (!runtime_is_alive(&c->record))
        return RUNTIME_STOPPED;
    if (c->record.creating)
        return RUNTIME_CREATING; /* its init may wait at the gate already, or die with `create` */
    if (cgroup_recorded_is_frozen(&c->record.cgroups))
        return RUNTIME_PAUSED;
    return runtime_knock(c->dir_fd) == 0 ? RUNTIME_CREATED : RUNTIME_RUNNING;
}

int runtime_groups(const struct runtime_record *s, struct cgroup *ret,
                   struct mtd_error *err)
{
    auto_done(cgroup_done) struct cgroup host = {0};
    if (!s->cgroup)
        return 0;
    if (s->cgroups.len)
        return cgroup_open(ret, &s->cgroups, err);
    int rc = cgroup_discover(&host, "/proc", err);
    return rc < 0 ? rc : cgroup_open_at(ret, &host, s->cgroup, err);
}

static json_t *map_of(const struct strv *v)
{
    json_t *o = json_object();
    for (size_t i = 0; o && i + 1 < v->len; i += 2)
        json_object_set_new(o, v->items[i], json_string(v->items[i + 1]));
    return o;
}

json_t *runtime_state_object(const struct runtime_record *s, enum runtime_status status)
{
    int pid = status == RUNTIME_STOPPED ? 0 : (int)s->pid;
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:o, s:s}", "ociVersion",
                     s->version ? s->version : RUNTIME_OCI_VERSION, "id", s->id, "pid",
                     pid, "status", STATUS[status], "bundle", s->bundle, "rootfs",
                     s->rootfs ? s->rootfs : "", "created", s->created ? s->created : "",
                     "annotations", map_of(&s->annotations), "owner", "");
}

char *runtime_state_rest(const struct runtime_record *s)
{
    json_t *o = json_pack("{s:s, s:s, s:s, s:o}", "ociVersion",
                          s->version ? s->version : RUNTIME_OCI_VERSION, "id", s->id,
                          "bundle", s->bundle, "annotations", map_of(&s->annotations));
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (text)
        memmove(text, text + 1, strlen(text)); /* without its brace */
    return text;
}
