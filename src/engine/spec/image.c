/* Members of image configs have docker's names, so that readers of `docker
 * inspect` know them. */

#include "engine/spec/spec.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/spec/internal.h"
#include "engine/spec/packed.h"
#include "engine/spec/sealed.h"

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
    {"Config.OnBuild", FIELD_LIST, I(config.on_build)},
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

/* The last member, "packed", is all of it as bytes: a command that looks at each of hundreds
 * of images parses none. */
static void list_members(struct packed_member out[ARRAY_SIZE(FIELDS)])
{
    for (size_t i = 0; i < ARRAY_SIZE(FIELDS); i++) {
        enum field_kind k = FIELDS[i].kind;
        bool is_text = k == FIELD_STRING || k == FIELD_SIGNAL,
             is_list = k == FIELD_LIST || k == FIELD_MAP || k == FIELD_SET;
        out[i] = (struct packed_member){is_text   ? PACKED_STRING
                                        : is_list ? PACKED_LIST
                                                  : PACKED_PLAIN,
                                        FIELDS[i].offset, FIELDS[i].size};
    }
}

/* Another build may have other members, or other places for them. */
static struct spec_seal seal_of(const struct packed_member members[ARRAY_SIZE(FIELDS)])
{
    uint64_t sum = 0;
    for (size_t i = 0; i < ARRAY_SIZE(FIELDS); i++) {
        const size_t numbers[] = {members[i].kind, members[i].offset, members[i].size};
        sum = spec_checksum(sum, FIELDS[i].path, strlen(FIELDS[i].path));
        sum = spec_checksum(sum, numbers, sizeof(numbers));
    }
    return (struct spec_seal){"packed", sum, 0};
}

static int parse(const char *text, size_t len, struct mtd_image *ret,
                 struct mtd_error *err)
{
    auto_json json_t *in = NULL;
    int rc = spec_codec_parse(text, len, SPEC_MAX_BYTES, &in, err);
    return rc < 0 ? rc : spec_codec_decode(&IMAGE, in, ret, err);
}

/* Of what the text says, which may be less than what was encoded. A failure is harmless. */
static void add_packed(struct buf *text)
{
    auto_done(mtd_image_done) struct mtd_image same = {0};
    auto_done(buf_done) struct buf bytes = {0};
    struct packed_member members[ARRAY_SIZE(FIELDS)];
    list_members(members);
    const struct spec_seal s = seal_of(members);
    if (parse(text->data, text->len, &same, NULL) == 0 &&
        spec_packed_put(members, ARRAY_SIZE(FIELDS), &same, &bytes) == 0 &&
        text->len + 2 * bytes.len + 128 <= SPEC_MAX_BYTES)
        spec_seal(&s, &bytes, text);
}

static int take_packed(const char *text, size_t len, struct mtd_image *ret)
{
    auto_done(buf_done) struct buf bytes = {0};
    struct packed_member members[ARRAY_SIZE(FIELDS)];
    list_members(members);
    const struct spec_seal s = seal_of(members);
    int rc = spec_unseal(&s, text, len, &bytes);
    return rc < 0 ? rc
                  : spec_packed_take(members, ARRAY_SIZE(FIELDS), bytes.data, bytes.len,
                                     ret);
}

int spec_encode_image(const struct mtd_image *i, struct buf *ret, struct mtd_error *err)
{
    struct mtd_image defaults = {0};
    auto_json json_t *out = json_object();
    if (!out)
        return mtd_fail(err, ENOMEM, "out of memory");
    int rc = spec_codec_encode(&IMAGE, i, &defaults, out, err);
    if (rc == 0)
        rc = spec_codec_print(out, SPEC_MAX_BYTES, ret, err);
    if (rc == 0)
        add_packed(ret);
    return rc;
}

int spec_decode_image(const char *text, size_t len, struct mtd_image *ret,
                      struct mtd_error *err)
{
    mtd_image_done(ret);
    if (take_packed(text, len, ret) == 0)
        return 0;
    mtd_image_done(ret);
    int rc = parse(text, len, ret, err);
    if (rc < 0)
        mtd_image_done(ret);
    return rc;
}
