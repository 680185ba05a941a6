/* Documents of OCI layouts: what is read, what is written, and what is refused. */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/oci/oci.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define OCI "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."
#define MANIFEST(media, layer)                                                     \
    "{\"schemaVersion\":2,\"mediaType\":\"" media "\",\"unknown\":[1],"            \
    "\"config\":{\"mediaType\":\"x\",\"digest\":\"sha256:" HEX_A "\",\"size\":7}," \
    "\"layers\":[{\"mediaType\":\"" layer "\",\"digest\":\"sha256:" HEX_B "\","    \
    "\"size\":9}]}"

static int decode(const char *text, struct oci_manifest *m, struct mtd_error *err)
{
    *err = (struct mtd_error){0};
    *m = (struct oci_manifest){0};
    return oci_manifest_decode(text, strlen(text), m, err);
}

Test(oci, manifests_of_both_kinds_are_read)
{
    static const struct {
        const char *text;
        enum oci_media media, layer;
    } CASES[] = {
        {MANIFEST(OCI "manifest.v1+json", OCI "layer.v1.tar+gzip"), OCI_MANIFEST,
         OCI_LAYER_GZIP},
        {MANIFEST(OCI "manifest.v1+json", OCI "layer.v1.tar"), OCI_MANIFEST, OCI_LAYER},
        {MANIFEST(DOCKER "distribution.manifest.v2+json",
                  DOCKER "image.rootfs.diff.tar.gzip"),
         OCI_DOCKER_MANIFEST, OCI_DOCKER_LAYER_GZIP},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        struct oci_manifest m;
        struct mtd_error err;
        cr_assert_eq(decode(CASES[i].text, &m, &err), 0, "%s", err.text);
        cr_expect_eq(m.media, CASES[i].media);
        cr_expect_str_eq(m.config.digest, HEX_A);
        cr_expect_eq(m.config.size, 7);
        cr_assert_eq(m.n_layers, 1);
        cr_expect_eq(m.layers[0].media, CASES[i].layer);
        cr_expect_str_eq(m.layers[0].digest, HEX_B);
        oci_manifest_done(&m);
    }
}

Test(oci, what_is_no_manifest_is_refused_with_the_member)
{
    static const struct {
        const char *text, *says;
        int code;
    } CASES[] = {
        {"", "not an image manifest", EINVAL},
        {"[]", "not an object", EINVAL},
        {"{\"schemaVersion\":2,\"schemaVersion\":2}", "not an image manifest", EINVAL},
        {"{\"schemaVersion\":1}", "schema 1", ENOTSUP},
        {"{\"schemaVersion\":2}", "descriptor: not an object", EINVAL},
        {MANIFEST(OCI "index.v1+json", OCI "layer.v1.tar"), "not an image manifest",
         EINVAL},
        {MANIFEST(OCI "manifest.v1+json", "application/x-helm"), "layers[0]: not a tar",
         ENOTSUP},
        {"{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:../../etc\",\"size\":1},"
         "\"layers\":[]}",
         "digest: not sha256:", EINVAL},
        {"{\"schemaVersion\":2,\"config\":{\"digest\":\"sha512:00\",\"size\":1},"
         "\"layers\":[]}",
         "only sha256", ENOTSUP},
        {"{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:" HEX_A
         "\",\"size\":-1},\"layers\":[]}",
         "size: ", EINVAL},
        {"{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:" HEX_A
         "\",\"size\":1},\"layers\":[]}",
         "layers: empty", EINVAL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        struct oci_manifest m;
        struct mtd_error err;
        cr_expect_eq(decode(CASES[i].text, &m, &err), -CASES[i].code, "%zu: %s", i,
                     err.text);
        cr_expect(strstr(err.text, CASES[i].says), "%zu: %s", i, err.text);
    }
}

/* Whoever reads it as the one runs other files than who reads it as the other. */
Test(oci, a_document_of_two_kinds_is_refused)
{
    static const struct {
        const char *type, *members;
    } CASES[] = {
        {"", "\"layers\":[],\"manifests\":[]"},
        {"\"mediaType\":\"" OCI "index.v1+json\",", "\"layers\":[],\"manifests\":[]"},
        {"\"mediaType\":\"" OCI "manifest.v1+json\",", "\"layers\":[],\"manifests\":[]"},
        {"", "\"config\":{},\"manifests\":[]"},
        {"\"mediaType\":\"" OCI "manifest.v1+json\",", "\"manifests\":[]"},
    };
    static const char CONFIG[] =
        "\"config\":{\"digest\":\"sha256:" HEX_A "\",\"size\":7},"
        "\"layers\":[{\"mediaType\":\"" OCI "layer.v1.tar\",\"digest\":\"sha256:" HEX_B
        "\",\"size\":9}],\"manifests\":[]";
    for (size_t i = 0; i <= ARRAY_SIZE(CASES); i++) {
        struct oci_manifest m = {0};
        struct oci_index index = {0};
        struct mtd_error err = {0};
        char text[1024];
        snprintf(text, sizeof(text), "{\"schemaVersion\":2,%s%s}",
                 i < ARRAY_SIZE(CASES) ? CASES[i].type : "",
                 i < ARRAY_SIZE(CASES) ? CASES[i].members : CONFIG);
        cr_expect_eq(decode(text, &m, &err), -EINVAL, "%s", text);
        err = (struct mtd_error){0};
        cr_expect_eq(oci_index_decode(text, strlen(text), &index, &err), -EINVAL, "%s",
                     text);
        cr_expect(*err.text, "%s", text);
    }
}

Test(oci, counts_and_sizes_are_bounded)
{
    struct oci_manifest m;
    struct mtd_error err;
    auto_done(buf_done) struct buf text = {0};
    buf_puts(&text, "{\"schemaVersion\":2,\"config\":{\"digest\":\"sha256:" HEX_A
                    "\",\"size\":1},\"layers\":[");
    for (int i = 0; i < OCI_MAX_LAYERS + 1; i++)
        buf_printf(&text, "%s{}", i ? "," : "");
    buf_puts(&text, "]}");
    cr_expect_eq(decode(text.data, &m, &err), -EINVAL);
    cr_expect(strstr(err.text, "layers: more than 500"), "%s", err.text);
    auto_free char *big = calloc(1, OCI_MAX_BYTES + 1);
    cr_expect_eq(oci_manifest_decode(big, OCI_MAX_BYTES + 1, &m, &err), -EINVAL);
    err = (struct mtd_error){0};
    cr_expect_eq(oci_manifest_decode(big, OCI_MAX_BYTES + 1, &m, &err), -EINVAL);
    cr_expect(strstr(err.text, "more than 4 MB"), "%s", err.text);
}

Test(oci, a_manifest_is_written_as_it_is_read)
{
    struct oci_manifest m;
    struct mtd_error err;
    auto_done(buf_done) struct buf once = {0}, twice = {0};
    cr_assert_eq(
        decode(MANIFEST(OCI "manifest.v1+json", OCI "layer.v1.tar+zstd"), &m, &err), 0);
    m.config.media = OCI_CONFIG;
    cr_assert_eq(oci_manifest_encode(&m, &once, &err), 0);
    oci_manifest_done(&m);
    cr_assert_eq(decode(once.data, &m, &err), 0, "%s", err.text);
    cr_assert_eq(oci_manifest_encode(&m, &twice, &err), 0);
    cr_expect_str_eq(once.data, twice.data);
    oci_manifest_done(&m);
}

#define CONFIG                                                                           \
    "{\"created\":\"2024-01-02T03:04:05.678Z\",\"author\":\"me\",\"architecture\":"      \
    "\"arm64\",\"os\":\"linux\",\"variant\":\"v8\",\"docker_version\":\"1\",\"x\":{},"   \
    "\"config\":{\"User\":\"u\",\"Env\":[\"A=b\"],\"Cmd\":[\"sh\"],\"Entrypoint\":null," \
    "\"Labels\":{\"k\":\"v\"},\"Volumes\":{\"/v\":{}},\"ExposedPorts\":{\"80/tcp\":{}}," \
    "\"WorkingDir\":\"/w\",\"StopSignal\":\"SIGINT\",\"Healthcheck\":{\"Test\":["        \
    "\"NONE\"]}},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:" HEX_A          \
    "\"]},\"history\":[{\"created_by\":\"ADD\"},{\"empty_layer\":true,"                  \
    "\"comment\":\"c\",\"created\":\"2024-01-02T03:04:05.678Z\"}]}"

Test(oci, a_config_is_read)
{
    struct oci_config c = {0};
    struct mtd_error err = {0};
    cr_assert_eq(oci_config_decode(CONFIG, strlen(CONFIG), &c, &err), 0, "%s", err.text);
    cr_expect_str_eq(c.config.user, "u");
    cr_expect_str_eq(c.config.env.items[0], "A=b");
    cr_expect_str_eq(c.config.labels.items[0], "k=v");
    cr_expect_str_eq(c.config.volumes.items[0], "/v");
    cr_expect_str_eq(c.config.exposed.items[0], "80/tcp");
    cr_expect_str_eq(c.config.stop_signal, "SIGINT");
    cr_expect_str_eq(c.config.comment, "c");
    cr_expect_str_eq(c.platform.variant, "v8");
    cr_expect_str_eq(c.diff_ids.items[0], HEX_A);
    cr_expect_eq(c.created_at, 1704164645678000000LL);
    cr_assert_eq(c.n_history, 2);
    cr_expect_str_eq(c.history[0].created_by, "ADD");
    cr_expect(!c.history[0].empty_layer && c.history[1].empty_layer);
    oci_config_done(&c);
}

Test(oci, what_is_not_known_of_a_config_is_kept_in_the_next_one)
{
    struct oci_config c = {0};
    struct mtd_error err = {0};
    auto_done(buf_done) struct buf out = {0};
    cr_assert_eq(oci_config_decode(CONFIG, strlen(CONFIG), &c, &err), 0);
    free(c.config.user);
    c.config.user = strdup("other");
    strv_done(&c.config.env);
    cr_assert_eq(oci_config_encode(&c, CONFIG, strlen(CONFIG), &out, &err), 0);
    cr_expect(strstr(out.data, "\"Healthcheck\":{\"Test\":[\"NONE\"]}"), "%s", out.data);
    cr_expect(strstr(out.data, "\"User\":\"other\""), "%s", out.data);
    cr_expect(strstr(out.data, "\"empty_layer\":true"), "%s", out.data);
    cr_expect(!strstr(out.data, "\"Env\"") && !strstr(out.data, "docker_version"), "%s",
              out.data);
    oci_config_done(&c);
}

Test(oci, a_config_without_layers_or_with_a_false_member_is_refused)
{
    static const struct {
        const char *text, *says;
    } CASES[] = {
        {"{}", "rootfs.diff_ids: missing"},
        {"{\"rootfs\":{\"diff_ids\":[\"../x\"]}}", "rootfs.diff_ids: not digests"},
        {"{\"rootfs\":{\"diff_ids\":[\"sha256:" HEX_A "\"]},\"config\":{\"Env\":7}}",
         "Env: not a list"},
        {"{\"rootfs\":{\"diff_ids\":[\"sha256:" HEX_A
         "\"]},\"config\":{\"StopSignal\":\"NOPE\"}}",
         "StopSignal: not a signal"},
        {"{\"created\":\"yesterday\"}", "created: not a time"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        struct oci_config c = {0};
        struct mtd_error err = {0};
        cr_expect_eq(oci_config_decode(CASES[i].text, strlen(CASES[i].text), &c, &err),
                     -EINVAL);
        cr_expect(strstr(err.text, CASES[i].says), "%s", err.text);
    }
}

static void add(struct oci_index *i, const char *platform)
{
    struct oci_descriptor d = {.media = OCI_MANIFEST, .digest = HEX_A, .size = 1};
    struct mtd_error err = {0};
    if (platform)
        cr_assert_eq(oci_platform_parse(platform, &d.platform, &err), 0, "%s", err.text);
    cr_assert_eq(oci_index_add(i, &d), 0);
}

Test(oci, an_index_gives_the_manifest_of_a_platform)
{
    static const struct {
        const char *asked, *got;
    } CASES[] = {
        {"linux/amd64", "linux/amd64"}, {"linux/arm64/v8", "linux/arm64/v8"},
        {"arm64", "linux/arm64/v8"},    {"linux/arm/v7", "linux/arm/v6"},
        {"linux/s390x", NULL},          {"linux/arm/v5", NULL},
    };
    struct oci_index index = {0};
    add(&index, "linux/amd64");
    add(&index, "linux/arm/v6");
    add(&index, "linux/arm64/v8");
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        struct oci_platform p;
        const struct oci_descriptor *d = NULL;
        struct mtd_error err = {0};
        char text[100];
        cr_assert_eq(oci_platform_parse(CASES[i].asked, &p, &err), 0);
        int rc = oci_index_select(&index, &p, &d, &err);
        cr_assert_eq(rc, CASES[i].got ? 0 : -ENOENT, "%s: %s", CASES[i].asked, err.text);
        if (CASES[i].got) {
            oci_platform_format(&d->platform, text);
            cr_expect_str_eq(text, CASES[i].got);
        } else {
            cr_expect(
                strstr(err.text, "there are: linux/amd64, linux/arm/v6, linux/arm64/v8"),
                "%s", err.text);
        }
    }
    oci_index_done(&index);
}

/* As docker: the order of the index decides between those that fit alike. */
Test(oci, of_two_that_fit_alike_the_first_is_taken)
{
    struct oci_index index = {0};
    struct oci_platform p;
    const struct oci_descriptor *got = NULL;
    struct mtd_error err = {0};
    add(&index, "linux/arm64");
    add(&index, "linux/amd64");
    add(&index, "linux/amd64");
    cr_assert_eq(oci_platform_parse("linux/amd64", &p, &err), 0);
    cr_assert_eq(oci_index_select(&index, &p, &got, &err), 0, "%s", err.text);
    cr_expect_eq(got, &index.items[1]);
    oci_index_done(&index);
}

Test(oci, an_index_is_written_with_names_and_read_again)
{
    struct oci_index index = {0}, again = {0};
    struct mtd_error err = {0};
    auto_done(buf_done) struct buf text = {0};
    struct oci_descriptor d = {.media = OCI_MANIFEST,
                               .digest = HEX_B,
                               .size = 3,
                               .ref_name = (char *)"docker.io/library/mine:1"};
    cr_assert_eq(oci_index_add(&index, &d), 0);
    cr_assert_eq(oci_index_encode(&index, &text, &err), 0);
    cr_expect_eq(oci_kind_of(text.data, text.len), OCI_INDEX);
    cr_assert_eq(oci_index_decode(text.data, text.len, &again, &err), 0, "%s", err.text);
    cr_assert_eq(again.len, 1);
    cr_expect_str_eq(again.items[0].ref_name, "docker.io/library/mine:1");
    cr_expect_str_eq(again.items[0].digest, HEX_B);
    oci_index_done(&index);
    oci_index_done(&again);
}
