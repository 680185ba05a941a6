/* The room image knows no containers: so here it is found out which images they use, and
 * a container becomes an image. Its tree is read through a detached overlay, so nothing
 * is mounted on the host. */

#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "engine/api/internal.h"
#include "engine/api/lower.h"
#include "engine/api/own.h"
#include "engine/image/compose.h"
#include "engine/oci/oci.h"
#include "engine/rootfs/rootfs.h"
#include "engine/store/alive.h"
#include "engine/store/events.h"

int mtd_images(struct mtd_engine *e, struct mtd_image_list *ret, struct mtd_error *err)
{
    return image_list(&e->images, ret, err);
}

int mtd_image_find(struct mtd_engine *e, const char *ref, struct mtd_image *ret,
                   struct mtd_error *err)
{
    int rc = image_find(&e->images, ref, ret, err);
    if (rc != -EROFS || e->store.root_fd >= 0)
        return rc;
    /* It comes with the program, and is unpacked at its first use. */
    mtd_error_clear(err);
    rc = container_make_roots(e, err);
    return rc < 0 ? rc : image_find(&e->images, ref, ret, err);
}

int container_need_image(struct mtd_engine *e, const char *ref, struct mtd_error *err)
{
    auto_done(mtd_image_done) struct mtd_image image = {0};
    return e->store.root_fd >= 0 ? 0 : mtd_image_find(e, ref, &image, err);
}

int mtd_image_history(struct mtd_engine *e, const char *ref, struct mtd_history_list *ret,
                      struct mtd_error *err)
{
    return image_history(&e->images, ref, ret, err);
}

uint64_t mtd_layer_size(struct mtd_engine *e, const char *chain)
{
    return image_layer_size(&e->images, chain);
}

int mtd_image_drop_blobs(struct mtd_engine *e, bool only_count,
                         const struct mtd_progress *progress, struct mtd_dropped *ret,
                         struct mtd_error *err)
{
    if (e->store.root_fd < 0)
        return 0;
    return image_drop_blobs(&e->images, only_count, progress, ret, err);
}

/* docker's name of the image in an event: what was given or taken, or the id again. */
static void note_image(struct mtd_engine *e, const char *action, const char *id,
                       const char *name)
{
    const struct event event = {.type = "image",
                                .action = action,
                                .id = id,
                                .name = name ? name : id,
                                .exit_code = -1};
    events_append(e->store.root_fd, &event);
}

int mtd_image_tag(struct mtd_engine *e, const char *ref, const char *name,
                  struct mtd_error *err)
{
    auto_done(mtd_image_done) struct mtd_image image = {0};
    int code = container_need_image(e, ref, err);
    if (code == 0)
        code = image_tag(&e->images, ref, name, err);
    if (code == 0 && image_find(&e->images, name, &image, NULL) == 0)
        note_image(e, "tag", image.id, name);
    return code;
}

/* Layers are deleted, too; they have no events. */
static bool is_image(const struct mtd_image_list *l, const char *id)
{
    for (size_t i = 0; i < l->len; i++)
        if (strcmp(l->items[i].id, id) == 0)
            return true;
    return false;
}

static const char *id_of_name(const struct mtd_image_list *l, const char *name)
{
    for (size_t i = 0; i < l->len; i++)
        if (strv_contains(&l->items[i].names, name))
            return l->items[i].id;
    return NULL;
}

/* One line of image_remove()'s report; before: the images it found. */
static void note_removal(struct mtd_engine *e, const char *line,
                         const struct mtd_image_list *before)
{
    static const char UNTAGGED[] = "Untagged: ", DELETED[] = "Deleted: ";
    const char *id = NULL;
    if (strncmp(line, UNTAGGED, strlen(UNTAGGED)) == 0)
        id = id_of_name(before, line + strlen(UNTAGGED));
    if (id)
        note_image(e, "untag", id, NULL);
    if (strncmp(line, DELETED, strlen(DELETED)) == 0 &&
        is_image(before, line + strlen(DELETED)))
        note_image(e, "delete", line + strlen(DELETED), NULL);
}

/* "sha256:... running container 0123456789ab (web)" */
static int list_users(const struct mtd_list *list, struct strv *ret)
{
    int rc = 0;
    for (size_t i = 0; i < list->len && rc == 0; i++) {
        const struct mtd_summary *s = &list->items[i];
        char *line;
        if (!s->image_id)
            continue;
        if (asprintf(&line, "%s %s container %.12s (%s)", s->image_id,
                     mtd_state_is_active(s->state) ? "running" : "stopped", s->id,
                     s->name) < 0)
            return -ENOMEM;
        rc = strv_take(ret, line);
    }
    return rc;
}

int mtd_image_remove(struct mtd_engine *e, const char *ref, bool force,
                     struct strv *ret_report, struct mtd_error *err)
{
    auto_done(mtd_list_done) struct mtd_list list = {0};
    auto_done(strv_done) struct strv used = {0};
    bool nowhere = e->store.root_fd < 0;
    auto_fd int hold = nowhere ? -1 : image_hold(&e->images, true, err);
    int r = hold < 0 && !nowhere ? hold : store_list(&e->store, &list, err);
    if (r == 0 &&
        (image_newer_ids(&e->images, &list) < 0 || list_users(&list, &used) < 0))
        r = mtd_fail(err, ENOMEM, "out of memory");
    auto_done(mtd_image_list_done) struct mtd_image_list before = {0};
    size_t reported = ret_report->len;
    if (r == 0)
        r = image_list(&e->images, &before, err);
    if (r == 0)
        r = image_remove(&e->images, ref, force, &used, ret_report, err);
    for (size_t i = reported; i < ret_report->len; i++)
        note_removal(e, ret_report->items[i], &before);
    return r;
}

static int set_text(char **slot, const char *text)
{
    if (!text)
        return 0;
    char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    free(*slot);
    *slot = copy;
    return 0;
}

static int apply_meta(struct mtd_image_config *c, const struct mtd_commit *meta,
                      struct mtd_error *err)
{
    int r = set_text(&c->author, meta->author);
    if (r == 0)
        r = set_text(&c->comment, meta->message);
    if (r < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    return meta->changes ? image_apply_changes(c, meta->changes, err) : 0;
}

int mtd_import(struct mtd_engine *e, int tar_fd, const struct mtd_commit *meta,
               char **ret_id, struct mtd_error *err)
{
    auto_done(mtd_image_config_done) struct mtd_image_config config = {0};
    struct image_new image = {
        .config = &config, .name = meta->name, .progress = meta->progress};
    struct oci_platform platform;
    int r = apply_meta(&config, meta, err);
    if (r == 0 && meta->platform) {
        r = oci_platform_parse(meta->platform, &platform, err);
        image.platform = &platform;
    }
    if (r == 0)
        r = image_import(&e->images, tar_fd, &image, ret_id, err);
    if (r == 0 && meta->name)
        note_image(e, "tag", *ret_id, meta->name);
    if (r == 0)
        note_image(e, "import", *ret_id, NULL);
    return r;
}

/* Variables that create added for this container do not belong into the image. */
static bool is_own_variable(const char *assignment)
{
    return strncmp(assignment, "HOSTNAME=", 9) == 0 ||
           strncmp(assignment, "TERM=", 5) == 0;
}

/* The image runs what the container ran. */
static int config_of(const struct mtd_spec *s, struct mtd_image_config *c)
{
    int r = strv_copy(&c->cmd, &s->cmd);
    if (r == 0)
        r = strv_copy(&c->entrypoint, &s->entrypoint);
    if (r == 0)
        r = strv_copy(&c->labels, &s->labels);
    for (size_t i = 0; r == 0 && i < s->process.env.len; i++)
        if (!is_own_variable(s->process.env.items[i]))
            r = strv_add(&c->env, s->process.env.items[i]);
    if (r == 0)
        r = set_text(&c->working_dir, s->process.cwd);
    if (r == 0)
        r = set_text(&c->user, s->process.user);
    if (r == 0)
        r = set_text(&c->stop_signal, s->stop_signal);
    c->healthcheck = s->healthcheck;
    c->healthcheck.test = (struct strv){0};
    return r < 0 ? r : strv_copy(&c->healthcheck.test, &s->healthcheck.test);
}

static int list_own(struct mtd_engine *e, const struct mtd_record *r, int upper_fd,
                    struct strv *ret)
{
    auto_done(lower_done) struct lower root = {0};
    auto_fd int layers = fs_open_dir_at(e->store.root_fd, "images/layers");
    int code = lower_open(&root, layers, &r->spec.layers);
    return code < 0 ? code : container_own_paths(upper_fd, &root, ret);
}

/* What a record does not hold is the image's still: what it exposes, its volumes, its history
 * and what we do not know of. Without the image's config one is made all the same. */
static int read_base(struct mtd_engine *e, const struct mtd_record *r,
                     struct mtd_image_config *c, struct buf *ret)
{
    char digest[SHA256_HEX_SIZE];
    auto_done(mtd_image_done) struct mtd_image image = {0};
    if (!r->spec.image_id ||
        image_find_unnamed(&e->images, r->spec.image_id, &image, NULL) < 0)
        return 0;
    if (image_config_of(&e->images, r->spec.image_id, ret, digest, NULL) < 0)
        buf_done(ret);
    int rc = strv_copy(&c->exposed, &image.config.exposed);
    return rc < 0 ? rc : strv_copy(&c->volumes, &image.config.volumes);
}

static int join(const struct strv *words, struct buf *ret)
{
    int rc = 0;
    for (size_t i = 0; i < words->len && rc == 0; i++)
        rc = buf_printf(ret, "%s%s", i ? " " : "", words->items[i]);
    return rc;
}

static int pack_upper(struct mtd_engine *e, const struct mtd_record *r,
                      const struct mtd_commit *c, char **ret_id, struct mtd_error *err)
{
    auto_done(mtd_image_config_done) struct mtd_image_config config = {0};
    auto_free char *path = container_dir(e, r->id, "upper");
    auto_done(buf_done) struct buf base = {0}, command = {0};
    if (!path || config_of(&r->spec, &config) < 0 ||
        read_base(e, r, &config, &base) < 0 || join(&r->spec.process.args, &command) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    int code = apply_meta(&config, c, err);
    if (code < 0)
        return code;
    auto_fd int upper = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (upper < 0 && errno != ENOENT)
        return mtd_fail_errno(err, errno, "cannot open %s", path);
    if (upper < 0)
        return mtd_fail(err, EBUSY,
                        "container %s was never started; there is nothing to commit",
                        r->name);
    auto_done(strv_done) struct strv own = {0};
    code = list_own(e, r, upper, &own);
    if (code < 0)
        return mtd_fail_errno(err, -code, "cannot read what %s wrote", r->name);
    struct image_new image = {.base = &r->spec.layers,
                              .config = &config,
                              .name = c->name,
                              .created_by = command.data,
                              .base_json = base.data,
                              .base_len = base.len,
                              .skip = &own,
                              .progress = c->progress};
    return image_commit(&e->images, upper, &image, ret_id, err);
}

struct freeze {
    struct cgroup group;
    struct alive alive;
};

/* Leaves a note in the run directory first: if this process is killed, container_sweep()
 * finds it and thaws the container, which no user has paused. */
static int freeze_noted(struct mtd_engine *e, const struct mtd_record *r,
                        struct freeze *f, struct mtd_error *err)
{
    struct cgroup *group = &f->group;
    auto_fd int run = store_open_run(&e->store, r->id, false, err);
    int code = run < 0 ? run : cgroup_open(group, &r->status.cgroups, err);
    if (code == 0)
        code = alive_enter(&e->store, &f->alive, err);
    if (code < 0)
        return code;
    auto_fd int note =
        openat(run, CONTAINER_FROZEN, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (note < 0)
        return mtd_fail_errno(err, errno, "cannot pause %s", r->name);
    fault_point("commit.freeze");
    code = cgroup_freeze(group, true, err);
    if (code != -ESRCH)
        return code;
    mtd_error_clear(err); /* the container has ended, so its files no longer change */
    return 0;
}

static void thaw_noted(struct mtd_engine *e, const char *id, struct freeze *f)
{
    auto_fd int run = store_open_run(&e->store, id, false, NULL);
    fault_point("commit.thaw");
    cgroup_freeze(&f->group, false, NULL);
    if (run < 0 || unlinkat(run, CONTAINER_FROZEN, 0) == 0 || errno == ENOENT)
        alive_leave(&f->alive);
}

int mtd_commit(struct mtd_engine *e, const char *ref, const struct mtd_commit *c,
               char **ret_id, struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    struct freeze f = {0};
    mtd_record_init(&r);
    auto_fd int lock = -1;
    int code = container_load(e, ref, &r, &lock, err);
    if (code < 0)
        return code;
    bool freeze = c->pause && r.status.state == MTD_STATE_RUNNING;
    if (freeze)
        code = freeze_noted(e, &r, &f, err);
    fault_point("commit.frozen");
    if (code == 0)
        code = pack_upper(e, &r, c, ret_id, err);
    if (freeze)
        thaw_noted(e, r.id, &f);
    cgroup_done(&f.group);
    if (code == 0 && c->name)
        note_image(e, "tag", *ret_id, c->name);
    if (code == 0)
        events_note_with(e->store.root_fd, &r, "commit", "imageID", *ret_id);
    return code;
}

static int open_tree_of(struct mtd_engine *e, const struct mtd_record *r,
                        struct mtd_error *err)
{
    auto_free char *dir = container_dir(e, r->id, "");
    auto_free char *images = NULL;
    if (!dir || asprintf(&images, "%s/images", e->store.root) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    struct rootfs tree = {.record = r, .dir = dir, .images_dir = images};
    return rootfs_open_tree(&tree, err);
}

int mtd_export(struct mtd_engine *e, const char *ref, int out_fd,
               const struct mtd_progress *progress, struct mtd_error *err)
{
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    int code = container_load(e, ref, &r, NULL, err);
    if (code < 0)
        return code;
    auto_fd int tree = open_tree_of(e, &r, err);
    code = tree < 0 ? tree : image_export(tree, r.name, out_fd, progress, err);
    if (code == 0)
        events_note(e->store.root_fd, &r, "export");
    return code;
}
