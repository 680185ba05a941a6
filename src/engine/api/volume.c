/* Volumes for themselves. That one is in use is asked of the records and of the notes of containers
 * that are being made, while nobody can add to either (store_hold_volumes). */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/fs.h"
#include "base/parse.h"
#include "base/utf8.h"
#include "engine/api/internal.h"
#include "engine/volume/volume.h"

char *mtd_volume_path(struct mtd_engine *e, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/volumes/%s/" VOLUME_DATA, e->store.root, name) < 0 ? NULL
                                                                                  : path;
}

uint64_t mtd_volume_size(struct mtd_engine *e, const char *name)
{
    auto_fd int all =
        name_is_valid(name) ? fs_open_dir_at(e->store.root_fd, "volumes") : -1;
    auto_fd int one = all < 0 ? -1 : fs_open_dir_at(all, name);
    return one < 0 ? 0 : fs_size_at(one, VOLUME_DATA);
}

static int add_users(struct mtd_volume *v, const struct mtd_list *all)
{
    int rc = 0;
    for (size_t i = 0; i < all->len && rc == 0; i++)
        if (store_volume_is_of(&all->items[i], v->name))
            rc = strv_add(&v->used_by, all->items[i].name);
    return rc;
}

int mtd_volumes(struct mtd_engine *e, bool sizes, struct mtd_volume_list *ret,
                struct mtd_error *err)
{
    auto_done(mtd_list_done) struct mtd_list containers = {0};
    auto_done(mtd_volume_list_done) struct mtd_volume_list list = {0};
    int rc = store_list_volumes(&e->store, &list, err);
    if (rc == 0 && list.len)
        rc = mtd_list(e, &containers, err);
    for (size_t i = 0; i < list.len && rc == 0; i++) {
        rc = add_users(&list.items[i], &containers);
        if (sizes)
            list.items[i].size = mtd_volume_size(e, list.items[i].name);
    }
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot list the volumes");
    *ret = list;
    list = (struct mtd_volume_list){0};
    return 0;
}

int mtd_volume_find(struct mtd_engine *e, const char *name, struct mtd_volume *ret,
                    struct mtd_error *err)
{
    return store_load_volume(&e->store, name, ret, err);
}

int mtd_volume_options_check(const struct strv *options, struct mtd_error *err)
{
    auto_done(volume_source_done) struct volume_source source = {0};
    return volume_source_parse(options, &source, err);
}

/* Everything is kept in JSON. */
static int check_words(const struct strv *words, const char *what, struct mtd_error *err)
{
    for (size_t i = 0; words && i < words->len; i++) {
        const char *word = words->items[i];
        if (*word == '=' || !*word)
            return mtd_fail(err, EINVAL, "%s \"%.60s\" has no name", what, word);
        if (!utf8_is_valid(word))
            return mtd_fail(err, EINVAL, "%s \"%.60s\" is not UTF-8", what, word);
    }
    return 0;
}

/* docker's rule: relative, and nothing of it leads upwards. */
static int check_subpath(const char *path, struct mtd_error *err)
{
    bool local = *path && *path != '/';
    for (const char *p = path; local && *p;) {
        size_t n = strcspn(p, "/");
        local = !(n == 2 && p[0] == '.' && p[1] == '.');
        p += n + (p[n] == '/');
    }
    return local ? 0
                 : mtd_fail(err, EINVAL,
                            "volume-subpath \"%.80s\" must be a relative path within "
                            "the volume",
                            path);
}

/* What an existing one, or one to be made, has for a device. */
static int check_source(const char *name, const struct strv *options,
                        struct mtd_error *err)
{
    auto_done(volume_source_done) struct volume_source s = {0};
    struct stat st;
    int rc = volume_source_parse(options, &s, err);
    bool path = s.kind == VOLUME_BIND || (s.kind == VOLUME_FS && s.device[0] == '/');
    if (rc == 0 && path && stat(s.device, &st) < 0)
        rc = mtd_fail(err, errno, "device %.120s: %s", s.device, strerror(errno));
    if (rc < 0)
        mtd_context(err, "volume %.60s", name ? name : "without a name");
    return rc;
}

int api_check_volume(struct mtd_engine *e, const struct mtd_mount *m,
                     struct mtd_error *err)
{
    auto_done(mtd_volume_done) struct mtd_volume v = {0};
    int rc = m->source ? mtd_volume_name_check(m->source, err) : 0;
    if (rc == 0 && m->subpath)
        rc = check_subpath(m->subpath, err);
    if (rc == 0)
        rc = check_words(&m->volume_labels, "label", err);
    if (rc == 0)
        rc = check_words(&m->volume_options, "option", err);
    if (rc < 0 || !m->source)
        return rc < 0 ? rc : check_source(NULL, &m->volume_options, err);
    rc = store_load_volume(&e->store, m->source, &v, NULL);
    if (rc < 0 && rc != -ENOENT)
        return store_load_volume(&e->store, m->source, &v, err);
    return check_source(m->source, rc == 0 ? &v.options : &m->volume_options, err);
}

int mtd_volume_create(struct mtd_engine *e, const struct mtd_volume_create *c,
                      char **ret_name, struct mtd_error *err)
{
    static const struct strv NONE;
    char id[MTD_ID_SIZE] = "";
    struct store_volume want = {.name = c->name,
                                .labels = c->labels,
                                .options = c->options,
                                .anonymous = !c->name,
                                .durable = true};
    int rc = check_words(c->labels, "label", err);
    if (rc == 0)
        rc = check_words(c->options, "option", err);
    if (rc == 0)
        rc = mtd_volume_options_check(c->options ? c->options : &NONE, err);
    if (rc < 0)
        return rc;
    if (!c->name) {
        rc = store_new_id(id);
        want.name = id;
    }
    auto_free char *name = strdup(want.name);
    auto_fd int hold = -1;
    if (rc < 0 || !name)
        return mtd_fail(err, ENOMEM, "cannot create a name");
    rc = store_hold_volumes(&e->store, false, &hold, err);
    if (rc == 0)
        rc = store_make_volume(&e->store, &want, err);
    if (rc >= 0)
        *ret_name = take_ptr(&name);
    return rc;
}

/* "web (running), db (exited)" */
static int list_users(const struct mtd_list *all, const char *name, struct buf *ret)
{
    int rc = 0;
    for (size_t i = 0; i < all->len && rc == 0; i++) {
        const struct mtd_summary *s = &all->items[i];
        if (store_volume_is_of(s, name))
            rc = buf_printf(ret, "%s%s (%s)", ret->len ? ", " : "", s->name,
                            mtd_state_name(s->state));
    }
    return rc;
}

static int refuse_used(struct mtd_engine *e, const char *name, struct mtd_error *err)
{
    auto_done(mtd_list_done) struct mtd_list all = {0};
    auto_done(buf_done) struct buf users = {0};
    int rc = mtd_list(e, &all, err);
    if (rc == 0)
        rc = list_users(&all, name, &users);
    if (rc < 0)
        return rc;
    if (users.len)
        return mtd_fail(err, EBUSY,
                        "volume %.60s is in use by %.110s%s; remove them first", name,
                        users.data, users.len > 110 ? " ..." : "");
    if (store_making_has(&e->store, name, true))
        return mtd_fail(err, EBUSY,
                        "volume %.80s is in use by a container that is being created",
                        name);
    return 0;
}

int mtd_volume_remove(struct mtd_engine *e, const char *name, struct mtd_error *err)
{
    auto_fd int hold = -1;
    if (!name_is_valid(name))
        return store_no_such_volume(name, err);
    int rc = store_hold_volumes(&e->store, true, &hold, err);
    if (rc == 0)
        rc = refuse_used(e, name, err);
    if (rc == 0)
        rc = fault_point("volume.remove");
    return rc < 0 ? rc : store_remove_volume(&e->store, name, err);
}
