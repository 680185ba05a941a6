/* inspect_image - the JSON object of an image, in docker's order of members. */

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "cli/inspect.h"
#include "cli/inspect_zero.h"
#include "cli/platform.h"

/* {"80/tcp": {}, ...} */
static json_t *make_set(const struct strv *v)
{
    json_t *map = json_object();
    for (size_t i = 0; i < v->len; i++)
        json_object_set_new(map, v->items[i], json_object());
    return map;
}

static json_t *make_config(const struct mtd_image_config *c)
{
    json_t *o =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "User", inspect_text(c->user), "Env",
                  inspect_strings(&c->env), "Cmd",
                  c->cmd.len ? inspect_strings(&c->cmd) : json_null(), "WorkingDir",
                  inspect_text(c->working_dir), "Entrypoint",
                  c->entrypoint.len ? inspect_strings(&c->entrypoint) : json_null(),
                  "Labels", inspect_labels(&c->labels));
    if (!o)
        return NULL;
    if (c->exposed.len)
        json_object_set_new(o, "ExposedPorts", make_set(&c->exposed));
    if (c->volumes.len)
        json_object_set_new(o, "Volumes", make_set(&c->volumes));
    if (c->on_build.len)
        json_object_set_new(o, "OnBuild", inspect_strings(&c->on_build));
    if (c->stop_signal)
        json_object_set_new(o, "StopSignal", inspect_text(c->stop_signal));
    if (c->healthcheck.test.len)
        json_object_set_new(o, "Healthcheck", inspect_healthcheck(&c->healthcheck));
    return inspect_over_zero(ZERO_CONFIG, o);
}

/* docker's "sha256:..." of each layer's own contents. */
static json_t *make_layers(const struct mtd_image *i)
{
    const struct strv *ids = i->diff_ids.len ? &i->diff_ids : &i->layers;
    json_t *list = json_array();
    for (size_t n = 0; n < ids->len; n++)
        json_array_append_new(list, json_sprintf("sha256:%s", ids->items[n]));
    return list;
}

/* docker's members: the top layer is the upper one. */
static json_t *make_driver(const struct mtd_engine *e, const struct mtd_image *i)
{
    auto_done(buf_done) struct buf lower = {0};
    const char *root = mtd_root(e);
    size_t n = i->layers.len;
    if (n == 0)
        return json_pack("{s:n, s:s}", "Data", "Name", "overlay2");
    json_t *data = json_object();
    for (size_t k = n - 1; k-- > 0;)
        (void)buf_printf(&lower, "%s%s/images/layers/%s", lower.len ? ":" : "", root,
                         i->layers.items[k]);
    if (lower.len)
        json_object_set_new(data, "LowerDir", json_string(lower.data));
    json_object_set_new(
        data, "UpperDir",
        json_sprintf("%s/images/layers/%s", root, i->layers.items[n - 1]));
    return json_pack("{s:o, s:s}", "Data", data, "Name", "overlay2");
}

json_t *inspect_image(const struct mtd_engine *e, const struct mtd_image *i)
{
    json_t *o = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:I, s:o, s:{s:s, s:o}}", "Id",
        inspect_text(i->id), "RepoTags", inspect_strings(&i->names), "RepoDigests",
        inspect_strings(&i->digests), "Comment", inspect_text(i->config.comment),
        "Created", inspect_time(i->created_at), "Author", inspect_text(i->config.author),
        "Config", make_config(&i->config), "Architecture",
        i->architecture ? i->architecture : platform_architecture(), "Os",
        i->os ? i->os : "linux", "Size", (json_int_t)i->size, "GraphDriver",
        make_driver(e, i), "RootFS", "Type", "layers", "Layers", make_layers(i));
    if (o && i->variant)
        json_object_set_new(o, "Variant", json_string(i->variant));
    return inspect_over_zero(ZERO_IMAGE, o);
}
