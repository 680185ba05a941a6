/* Members of image configs have docker's names, so that readers of `docker
 * inspect` know them. */

#include "engine/spec/spec.h"

#include <errno.h>
#include <limits.h>

#include "base/cleanup.h"
#include "engine/spec/internal.h"

#define I(member) \
    offsetof(struct mtd_image, member), sizeof(((struct mtd_image *)0)->member)

static const struct field FIELDS[] = {
    {"Id", FIELD_STRING, I(id), .always = true},
    {"RepoTags", FIELD_LIST, I(names)},
    {"Created", FIELD_TIME, I(created_at), .always = true},
    {"Size", FIELD_INT, I(size), 0, INT64_MAX, .always = true},
    {"Author", FIELD_STRING, I(config.author)},
    {"Comment", FIELD_STRING, I(config.comment)},
    {"Layers", FIELD_LIST, I(layers)},
    {"DiffIds", FIELD_LIST, I(diff_ids)},
    {"RepoDigests", FIELD_LIST, I(digests)},
    {"Manifest", FIELD_STRING, I(manifest)},
    {"ManifestType", FIELD_STRING, I(manifest_type)},
    {"ConfigDigest", FIELD_STRING, I(config_digest)},
    {"Os", FIELD_STRING, I(os)},
    {"Architecture", FIELD_STRING, I(architecture)},
    {"Variant", FIELD_STRING, I(variant)},
    {"Config.User", FIELD_STRING, I(config.user)},
    {"Config.ExposedPorts", FIELD_SET, I(config.exposed)},
    {"Config.Env", FIELD_LIST, I(config.env)},
    {"Config.Cmd", FIELD_LIST, I(config.cmd)},
    {"Config.Volumes", FIELD_SET, I(config.volumes)},
    {"Config.WorkingDir", FIELD_STRING, I(config.working_dir)},
    {"Config.Entrypoint", FIELD_LIST, I(config.entrypoint)},
    {"Config.Labels", FIELD_MAP, I(config.labels)},
    {"Config.StopSignal", FIELD_SIGNAL, I(config.stop_signal)},
    {"Config.Healthcheck.Test", FIELD_LIST, I(config.healthcheck.test)},
    {"Config.Healthcheck.Interval", FIELD_INT, I(config.healthcheck.interval), 0,
     INT64_MAX},
    {"Config.Healthcheck.Timeout", FIELD_INT, I(config.healthcheck.timeout), 0,
     INT64_MAX},
    {"Config.Healthcheck.StartPeriod", FIELD_INT, I(config.healthcheck.start_period), 0,
     INT64_MAX},
    {"Config.Healthcheck.StartInterval", FIELD_INT, I(config.healthcheck.start_interval),
     0, INT64_MAX},
    {"Config.Healthcheck.Retries", FIELD_INT, I(config.healthcheck.retries), 0, UINT_MAX},
};
static const struct field_table IMAGE = {FIELDS, ARRAY_SIZE(FIELDS),
                                         sizeof(struct mtd_image)};

int spec_encode_image(const struct mtd_image *i, struct buf *ret, struct mtd_error *err)
{
    struct mtd_image defaults = {0};
    auto_json json_t *out = json_object();
    if (!out)
        return mtd_fail(err, ENOMEM, "out of memory");
    int rc = spec_codec_encode(&IMAGE, i, &defaults, out, err);
    return rc < 0 ? rc : spec_codec_print(out, SPEC_MAX_BYTES, ret, err);
}

int spec_decode_image(const char *text, size_t len, struct mtd_image *ret,
                      struct mtd_error *err)
{
    auto_json json_t *in = NULL;
    mtd_image_done(ret);
    int rc = spec_codec_parse(text, len, SPEC_MAX_BYTES, &in, err);
    if (rc == 0)
        rc = spec_codec_decode(&IMAGE, in, ret, err);
    if (rc < 0)
        mtd_image_done(ret);
    return rc;
}
