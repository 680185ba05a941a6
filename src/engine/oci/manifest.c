/* Manifests and indexes: lists of descriptors. What is written has the members that the
 * specification requires, in one line, so that its digest depends on its content alone. */

#include "engine/oci/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define REF_NAME "org.opencontainers.image.ref.name"
#define MAX_ENTRIES 65536
#define MAX_INDEX (64u << 20) /* of a store, which only local programs read */

static void descriptor_done(struct oci_descriptor *d)
{
    free(d->ref_name);
    d->ref_name = NULL;
}

static int decode_platform(const json_t *in, struct oci_platform *ret,
                           struct mtd_error *err)
{
    const json_t *p = json_object_get(in, "platform");
    int rc = oci_get_chars(p, "os", ret->os, sizeof(ret->os), err);
    if (rc == 0)
        rc = oci_get_chars(p, "architecture", ret->architecture,
                           sizeof(ret->architecture), err);
    return rc < 0 ? rc
                  : oci_get_chars(p, "variant", ret->variant, sizeof(ret->variant), err);
}

/* containerd, and docker with it, writes the tag alone as OCI's name. */
static int decode_name(const json_t *annotations, char **ret, struct mtd_error *err)
{
    int rc = oci_get_text(annotations, "io.containerd.image.name", ret, err);
    return rc < 0 || *ret ? rc : oci_get_text(annotations, REF_NAME, ret, err);
}

int oci_descriptor_decode(const json_t *in, struct oci_descriptor *ret,
                          struct mtd_error *err)
{
    struct oci_descriptor d = {0};
    const json_t *size = json_object_get(in, "size");
    if (!json_is_object(in))
        return oci_wrong("descriptor", "not an object", err);
    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return oci_wrong("size", "missing, or not a whole number", err);
    d.size = (uint64_t)json_integer_value(size);
    d.media = oci_media_of(json_string_value(json_object_get(in, "mediaType")));
    d.elsewhere = json_array_size(json_object_get(in, "urls")) > 0;
    int rc = oci_get_digest(in, "digest", d.digest, err);
    if (rc == 0)
        rc = decode_platform(in, &d.platform, err);
    if (rc == 0)
        rc = decode_name(json_object_get(in, "annotations"), &d.ref_name, err);
    if (rc < 0)
        return rc;
    *ret = d;
    return 0;
}

static int encode_platform(json_t *o, const struct oci_platform *p)
{
    if (!p->os[0] && !p->architecture[0])
        return 0;
    json_t *in = json_pack("{s:s, s:s}", "architecture", p->architecture, "os", p->os);
    if (!in || json_object_set_new(o, "platform", in) < 0)
        return -ENOMEM;
    return oci_set_text(in, "variant", p->variant);
}

json_t *oci_descriptor_encode(const struct oci_descriptor *d)
{
    auto_json json_t *o = json_object();
    char digest[8 + SHA256_HEX_SIZE];
    snprintf(digest, sizeof(digest), "sha256:%s", d->digest);
    if (!o || oci_set_text(o, "mediaType", oci_media_name(d->media)) < 0 ||
        oci_set_text(o, "digest", digest) < 0 ||
        json_object_set_new(o, "size", json_integer((json_int_t)d->size)) < 0 ||
        encode_platform(o, &d->platform) < 0)
        return NULL;
    if (d->ref_name && json_object_set_new(o, "annotations",
                                           json_pack("{s:s}", REF_NAME, d->ref_name)) < 0)
        return NULL;
    return take_ptr(&o);
}

/* A version that is not 2 is docker's first form, which has neither config nor layers. */
static int check_version(const json_t *o, const char *what, struct mtd_error *err)
{
    const json_t *version = json_object_get(o, "schemaVersion");
    if (json_is_integer(version) && json_integer_value(version) == 2)
        return 0;
    if (json_is_integer(version) && json_integer_value(version) == 1)
        return mtd_fail(err, ENOTSUP,
                        "an image %s of docker's schema 1, which nothing makes any more; "
                        "push it again with a current program",
                        what);
    return oci_wrong("schemaVersion", "not 2", err);
}

/* A document that is a manifest to one reader and an index to another shows each other files. */
static int check_kind(const json_t *o, bool index, struct mtd_error *err)
{
    static const char *const OF_MANIFEST[] = {"config", "layers"};
    if (!index)
        return json_object_get(o, "manifests")
                   ? oci_wrong("manifests", "not a member of an image manifest", err)
                   : 0;
    for (size_t i = 0; i < ARRAY_SIZE(OF_MANIFEST); i++)
        if (json_object_get(o, OF_MANIFEST[i]))
            return oci_wrong(OF_MANIFEST[i], "not a member of an image index", err);
    const char *said = json_string_value(json_object_get(o, "mediaType"));
    return !said || oci_media_is_index(oci_media_of(said))
               ? 0
               : mtd_fail(err, EINVAL, "not an image index but %.80s", said);
}

static int decode_list(const json_t *o, const char *member, size_t max,
                       struct oci_descriptor **ret, size_t *ret_n, struct mtd_error *err)
{
    const json_t *list = json_object_get(o, member);
    size_t n = json_array_size(list);
    if (!json_is_array(list))
        return oci_wrong(member, "missing, or not a list", err);
    if (n > max)
        return mtd_fail(err, EINVAL, "%s: more than %zu", member, max);
    struct oci_descriptor *items = calloc(n ? n : 1, sizeof(*items));
    if (!items)
        return oci_no_memory(err);
    *ret = items; /* the caller's, also after a failure */
    for (*ret_n = 0; *ret_n < n; (*ret_n)++) {
        int rc = oci_descriptor_decode(json_array_get(list, *ret_n), &items[*ret_n], err);
        if (rc < 0) {
            mtd_context(err, "%s[%zu]", member, *ret_n);
            return rc;
        }
    }
    return 0;
}

static json_t *encode_list(const struct oci_descriptor *items, size_t n)
{
    auto_json json_t *list = json_array();
    for (size_t i = 0; list && i < n; i++)
        if (json_array_append_new(list, oci_descriptor_encode(&items[i])) < 0)
            return NULL;
    return take_ptr(&list);
}

static void free_list(struct oci_descriptor *items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        descriptor_done(&items[i]);
    free(items);
}

void oci_manifest_done(struct oci_manifest *m)
{
    free_list(m->layers, m->n_layers);
    descriptor_done(&m->config);
    *m = (struct oci_manifest){0};
}

static int decode_manifest(const json_t *o, struct oci_manifest *m, struct mtd_error *err)
{
    int rc = check_version(o, "manifest", err);
    if (rc == 0)
        rc = check_kind(o, false, err);
    if (rc == 0)
        rc = oci_descriptor_decode(json_object_get(o, "config"), &m->config, err);
    if (rc == 0)
        rc = decode_list(o, "layers", OCI_MAX_LAYERS, &m->layers, &m->n_layers, err);
    if (rc == 0 && m->n_layers == 0)
        rc = oci_wrong("layers", "empty", err);
    for (size_t i = 0; i < m->n_layers && rc == 0; i++)
        if (!oci_media_is_layer(m->layers[i].media))
            rc =
                mtd_fail(err, ENOTSUP,
                         "layers[%zu]: not a tar, plain or compressed with gzip or zstd: "
                         "this is no image of a container",
                         i);
    return rc;
}

int oci_manifest_decode(const char *text, size_t len, struct oci_manifest *ret,
                        struct mtd_error *err)
{
    auto_json json_t *o = NULL;
    auto_done(oci_manifest_done) struct oci_manifest m = {.media = OCI_MANIFEST};
    int rc = oci_parse(text, len, "manifest", &o, err);
    if (rc < 0)
        return rc;
    const char *said = json_string_value(json_object_get(o, "mediaType"));
    if (said)
        m.media = oci_media_of(said);
    if (!oci_media_is_manifest(m.media))
        return mtd_fail(err, EINVAL, "not an image manifest but %.80s", said);
    rc = decode_manifest(o, &m, err);
    if (rc < 0)
        return rc;
    *ret = m;
    m = (struct oci_manifest){0};
    return 0;
}

int oci_manifest_encode(const struct oci_manifest *m, struct buf *ret,
                        struct mtd_error *err)
{
    json_t *config = oci_descriptor_encode(&m->config);
    json_t *layers = encode_list(m->layers, m->n_layers);
    auto_json json_t *o =
        json_pack("{s:i, s:s, s:o, s:o}", "schemaVersion", 2, "mediaType",
                  oci_media_name(m->media), "config", config, "layers", layers);
    return oci_print(o, OCI_MAX_BYTES, ret, err);
}

/* ---- indexes ---- */

void oci_index_done(struct oci_index *i)
{
    free_list(i->items, i->len);
    *i = (struct oci_index){0};
}

int oci_index_add(struct oci_index *i, const struct oci_descriptor *d)
{
    struct oci_descriptor *items = reallocarray(i->items, i->len + 1, sizeof(*items));
    if (!items)
        return -ENOMEM;
    i->items = items;
    items[i->len] = *d;
    items[i->len].ref_name = d->ref_name ? strdup(d->ref_name) : NULL;
    if (d->ref_name && !items[i->len].ref_name)
        return -ENOMEM;
    i->len++;
    return 0;
}

int oci_index_decode(const char *text, size_t len, struct oci_index *ret,
                     struct mtd_error *err)
{
    auto_json json_t *o = NULL;
    auto_done(oci_index_done) struct oci_index index = {0};
    int rc = oci_parse(text, len, "index", &o, err);
    if (rc == 0)
        rc = check_version(o, "index", err);
    if (rc == 0)
        rc = check_kind(o, true, err);
    if (rc == 0)
        rc = decode_list(o, "manifests", MAX_ENTRIES, &index.items, &index.len, err);
    if (rc < 0)
        return rc;
    *ret = index;
    memset(&index, 0, sizeof(index));
    return 0;
}

int oci_index_encode(const struct oci_index *i, struct buf *ret, struct mtd_error *err)
{
    auto_json json_t *o =
        json_pack("{s:i, s:s, s:o}", "schemaVersion", 2, "mediaType",
                  oci_media_name(OCI_INDEX), "manifests", encode_list(i->items, i->len));
    return oci_print(o, MAX_INDEX, ret, err);
}

/* An index without platforms, as of a layout with one image, fits all. */
static int fitness(const struct oci_platform *have, const struct oci_platform *want)
{
    if (!have->os[0] && !have->architecture[0])
        return 1;
    if (strcmp(have->os, want->os) != 0 ||
        strcmp(have->architecture, want->architecture) != 0)
        return 0;
    if (strcmp(have->variant, want->variant) == 0)
        return 4;
    bool arm64 = strcmp(want->architecture, "arm64") == 0; /* v8 is what it means */
    if (arm64 && (!want->variant[0] || strcmp(want->variant, "v8") == 0) &&
        (!have->variant[0] || strcmp(have->variant, "v8") == 0))
        return 3;
    if (!have->variant[0] || !want->variant[0])
        return 2;
    /* An arm machine runs what was built for an older one. */
    bool older = strcmp(want->architecture, "arm") == 0 &&
                 strcmp(have->variant, want->variant) < 0;
    return older ? 1 : 0;
}

bool oci_is_attestation(const struct oci_descriptor *d)
{
    return strcmp(d->platform.os, "unknown") == 0 &&
           strcmp(d->platform.architecture, "unknown") == 0;
}

static bool same_name(const struct oci_descriptor *a, const struct oci_descriptor *b)
{
    return a->ref_name && b->ref_name ? strcmp(a->ref_name, b->ref_name) == 0
                                      : a->ref_name == b->ref_name;
}

bool oci_index_is_second_choice(const struct oci_index *i, const struct oci_descriptor *d,
                                const struct oci_platform *p)
{
    struct oci_platform host;
    oci_platform_host(&host);
    int fit = fitness(&d->platform, p ? p : &host);
    for (size_t n = 0; n < i->len; n++)
        if (same_name(&i->items[n], d) && !oci_is_attestation(&i->items[n]) &&
            fitness(&i->items[n].platform, p ? p : &host) > fit)
            return true;
    return false;
}

static int no_platform(const struct oci_index *i, const struct oci_platform *want,
                       struct mtd_error *err)
{
    auto_done(buf_done) struct buf list = {0};
    char text[100];
    for (size_t n = 0; n < i->len; n++) {
        oci_platform_format(&i->items[n].platform, text);
        if (strncmp(text, "unknown", 7) == 0) /* not said, or an attestation */
            continue;
        if (list.len > 110) {
            (void)buf_puts(&list, ", ...");
            break;
        }
        (void)buf_printf(&list, "%s%s", list.len ? ", " : "", text);
    }
    oci_platform_format(want, text);
    return mtd_fail(err, ENOENT, "there is no image for %.50s; there are: %s", text,
                    list.data ? list.data : "none");
}

int oci_index_select(const struct oci_index *i, const struct oci_platform *p,
                     const struct oci_descriptor **ret, struct mtd_error *err)
{
    struct oci_platform host;
    const struct oci_descriptor *best = NULL;
    int best_fit = 0;
    oci_platform_host(&host);
    for (size_t n = 0; n < i->len; n++) {
        const struct oci_descriptor *d = &i->items[n];
        bool usable = oci_media_is_manifest(d->media) || oci_media_is_index(d->media);
        int fit = usable ? fitness(&d->platform, p ? p : &host) : 0;
        if (fit > best_fit) {
            best = d;
            best_fit = fit;
        }
    }
    if (!best)
        return no_platform(i, p ? p : &host, err);
    *ret = best;
    return 0;
}
