/* inspect_mounts - docker shows a mount once in Mounts and once more where it was asked for:
 * -v in Binds, --mount in HostConfig.Mounts, --tmpfs in Tmpfs, volumes without a name in
 * Config.Volumes. */

#include "cli/inspect.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"

static json_t *or_null(json_t *list)
{
    if (json_array_size(list))
        return list;
    json_decref(list);
    return json_null();
}

/* docker leaves these out when there are none. */
static void set_if_any(json_t *o, const char *member, json_t *all)
{
    if (json_object_size(all) + json_array_size(all))
        json_object_set(o, member, all);
    json_decref(all);
}

static bool is_bind(const struct mtd_mount *m)
{
    return m->origin == MTD_ORIGIN_VOLUME && m->type != MTD_MOUNT_TMPFS && m->source &&
           !m->anonymous;
}

/* Records of older versions do not have the words themselves. */
static const char *typed_mode(const struct mtd_mount *m)
{
    if (m->mode)
        return m->mode;
    if (m->idmap)
        return m->read_only ? "ro,idmap" : "idmap";
    return m->read_only ? "ro" : "";
}

static json_t *make_binds(const struct mtd_spec *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_mounts; i++) {
        const struct mtd_mount *m = &s->mounts[i];
        auto_free char *text = NULL;
        const char *mode = is_bind(m) ? typed_mode(m) : "";
        if (!is_bind(m) || asprintf(&text, "%s:%s%s%s", m->source, m->target,
                                    *mode ? ":" : "", mode) < 0)
            continue;
        json_array_append_new(list, inspect_text(text));
    }
    return or_null(list);
}

/* The number behind "NAME=" in a tmpfs's options, else 0. */
static json_int_t number_of(const char *options, const char *name, int base)
{
    const char *at = options ? strstr(options, name) : NULL;
    return at ? strtoll(at + strlen(name), NULL, base) : 0;
}

static json_t *make_tmpfs_options(const struct mtd_mount *m)
{
    json_int_t size = number_of(m->options, "size=", 10),
               mode = number_of(m->options, "mode=", 8);
    json_t *o = json_object();
    if (size)
        json_object_set_new(o, "SizeBytes", json_integer(size));
    if (mode)
        json_object_set_new(o, "Mode", json_integer(mode));
    return o;
}

static const char *type_name(enum mtd_mount_type type)
{
    static const char *const NAMES[] = {[MTD_MOUNT_BIND] = "bind",
                                        [MTD_MOUNT_TMPFS] = "tmpfs",
                                        [MTD_MOUNT_VOLUME] = "volume"};
    return NAMES[type];
}

/* Those that were asked for; docker leaves out what is the default. */
static json_t *make_bind_options(const struct mtd_mount *m)
{
    json_t *o = json_object();
    if (m->propagation != MTD_PROPAGATION_RPRIVATE)
        json_object_set_new(o, "Propagation",
                            json_string(mtd_propagation_name(m->propagation)));
    if (m->recursion == MTD_RECURSION_DISABLED)
        json_object_set_new(o, "NonRecursive", json_true());
    if (m->recursion == MTD_RECURSION_WRITABLE)
        json_object_set_new(o, "ReadOnlyNonRecursive", json_true());
    if (m->recursion == MTD_RECURSION_READONLY)
        json_object_set_new(o, "ReadOnlyForceRecursive", json_true());
    return o;
}

static json_t *make_volume_options(const struct mtd_mount *m)
{
    json_t *o = json_object();
    if (m->no_copy)
        json_object_set_new(o, "NoCopy", json_true());
    if (m->volume_labels.len)
        json_object_set_new(o, "Labels", inspect_labels(&m->volume_labels));
    if (m->subpath)
        json_object_set_new(o, "Subpath", inspect_text(m->subpath));
    if (m->volume_options.len)
        json_object_set_new(o, "DriverConfig",
                            json_pack("{s:s, s:o}", "Name", "local", "Options",
                                      inspect_labels(&m->volume_options)));
    return o;
}

static json_t *make_request(const struct mtd_mount *m)
{
    json_t *o = json_pack("{s:s}", "Type", type_name(m->type));
    if (m->source && !m->anonymous)
        json_object_set_new(o, "Source", inspect_text(m->source));
    json_object_set_new(o, "Target", inspect_text(m->target));
    if (m->read_only)
        json_object_set_new(o, "ReadOnly", json_true());
    if (m->type == MTD_MOUNT_TMPFS && m->options)
        json_object_set_new(o, "TmpfsOptions", make_tmpfs_options(m));
    if (m->type == MTD_MOUNT_BIND)
        set_if_any(o, "BindOptions", make_bind_options(m));
    if (m->type == MTD_MOUNT_VOLUME)
        set_if_any(o, "VolumeOptions", make_volume_options(m));
    return o;
}

void inspect_add_mounts(json_t *host_config, const struct mtd_spec *s)
{
    json_t *tmpfs = json_object(), *requests = json_array();
    for (size_t i = 0; i < s->n_mounts; i++) {
        const struct mtd_mount *m = &s->mounts[i];
        if (m->origin == MTD_ORIGIN_MOUNT)
            json_array_append_new(requests, make_request(m));
        else if (m->type == MTD_MOUNT_TMPFS)
            json_object_set_new(tmpfs, m->target, inspect_text(m->options));
    }
    json_object_set_new(host_config, "Binds", make_binds(s));
    set_if_any(host_config, "Mounts", requests);
    set_if_any(host_config, "Tmpfs", tmpfs);
    if (s->volumes_from.len)
        json_object_set_new(host_config, "VolumesFrom",
                            inspect_strings(&s->volumes_from));
}

void inspect_add_volumes(json_t *config, const struct mtd_spec *s)
{
    json_t *volumes = json_object();
    for (size_t i = 0; i < s->n_mounts; i++) {
        const struct mtd_mount *m = &s->mounts[i];
        bool shown = m->origin == MTD_ORIGIN_VOLUME || m->origin == MTD_ORIGIN_IMAGE;
        if (m->anonymous && shown)
            json_object_set_new(volumes, m->target, json_object());
    }
    set_if_any(config, "Volumes", volumes);
}

/* As typed. docker marks a volume with a name for SELinux, whether there is one or not. */
static const char *mode_of(const struct mtd_mount *m)
{
    const char *mode = m->origin == MTD_ORIGIN_MOUNT ? "" : typed_mode(m);
    return !*mode && m->type == MTD_MOUNT_VOLUME && !m->anonymous ? "z" : mode;
}

static json_t *make_mount(struct mtd_engine *e, const struct mtd_mount *m)
{
    bool volume = m->type == MTD_MOUNT_VOLUME && m->source;
    auto_free char *path = NULL;
    if (volume && asprintf(&path, "%s/volumes/%s/_data", mtd_root(e), m->source) < 0)
        return NULL;
    json_t *o = json_pack("{s:s}", "Type", type_name(m->type));
    if (volume)
        json_object_set_new(o, "Name", inspect_text(m->source));
    json_object_set_new(o, "Source", inspect_text(volume ? path : m->source));
    json_object_set_new(o, "Destination", inspect_text(m->target));
    if (volume)
        json_object_set_new(o, "Driver", json_string("local"));
    json_object_set_new(o, "Mode", json_string(mode_of(m)));
    json_object_set_new(o, "RW", json_boolean(!m->read_only));
    json_object_set_new(o, "Propagation",
                        json_string(m->type == MTD_MOUNT_BIND
                                        ? mtd_propagation_name(m->propagation)
                                        : ""));
    return o;
}

json_t *inspect_mounts(struct mtd_engine *e, const struct mtd_spec *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->n_mounts; i++) {
        const struct mtd_mount *m = &s->mounts[i];
        if (m->type != MTD_MOUNT_TMPFS || m->origin == MTD_ORIGIN_MOUNT)
            json_array_append_new(list, make_mount(e, m));
    }
    return list;
}
