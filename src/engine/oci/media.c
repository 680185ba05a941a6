/* The kinds of documents and layers, by the names that registries and archives use. */

#include "engine/oci/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"

#define OCI "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."

/* The first name of a kind is the one that is written. */
static const struct {
    enum oci_media media;
    const char *name;
} NAMES[] = {
    {OCI_MANIFEST, OCI "manifest.v1+json"},
    {OCI_INDEX, OCI "index.v1+json"},
    {OCI_CONFIG, OCI "config.v1+json"},
    {OCI_LAYER, OCI "layer.v1.tar"},
    {OCI_LAYER_GZIP, OCI "layer.v1.tar+gzip"},
    {OCI_LAYER_ZSTD, OCI "layer.v1.tar+zstd"},
    {OCI_LAYER, OCI "layer.nondistributable.v1.tar"},
    {OCI_LAYER_GZIP, OCI "layer.nondistributable.v1.tar+gzip"},
    {OCI_LAYER_ZSTD, OCI "layer.nondistributable.v1.tar+zstd"},
    {OCI_DOCKER_MANIFEST, DOCKER "distribution.manifest.v2+json"},
    {OCI_DOCKER_LIST, DOCKER "distribution.manifest.list.v2+json"},
    {OCI_DOCKER_CONFIG, DOCKER "container.image.v1+json"},
    {OCI_DOCKER_LAYER, DOCKER "image.rootfs.diff.tar"},
    {OCI_DOCKER_LAYER_GZIP, DOCKER "image.rootfs.diff.tar.gzip"},
    {OCI_DOCKER_LAYER_ZSTD, DOCKER "image.rootfs.diff.tar.zstd"},
    {OCI_DOCKER_LAYER_GZIP, DOCKER "image.rootfs.foreign.diff.tar.gzip"},
};

const char *oci_media_name(enum oci_media m)
{
    for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
        if (NAMES[i].media == m)
            return NAMES[i].name;
    return "";
}

enum oci_media oci_media_of(const char *name)
{
    for (size_t i = 0; name && i < ARRAY_SIZE(NAMES); i++)
        if (strcmp(NAMES[i].name, name) == 0)
            return NAMES[i].media;
    return OCI_OTHER;
}

bool oci_media_is_manifest(enum oci_media m)
{
    return m == OCI_MANIFEST || m == OCI_DOCKER_MANIFEST;
}

bool oci_media_is_index(enum oci_media m)
{
    return m == OCI_INDEX || m == OCI_DOCKER_LIST;
}

bool oci_media_is_layer(enum oci_media m)
{
    return (m >= OCI_LAYER && m <= OCI_LAYER_ZSTD) || m >= OCI_DOCKER_LAYER;
}

enum oci_media oci_kind_of(const char *text, size_t len)
{
    auto_json json_t *o = NULL;
    if (oci_parse(text, len, "document", &o, NULL) < 0)
        return OCI_OTHER;
    enum oci_media said =
        oci_media_of(json_string_value(json_object_get(o, "mediaType")));
    if (said != OCI_OTHER)
        return said;
    if (json_is_array(json_object_get(o, "manifests")))
        return OCI_INDEX;
    if (json_is_array(json_object_get(o, "layers")))
        return OCI_MANIFEST;
    return json_is_object(json_object_get(o, "rootfs")) ? OCI_CONFIG : OCI_OTHER;
}

/* ---- platforms ---- */

static const struct {
    const char *machine, *architecture, *variant;
} MACHINES[] = {
    {"x86_64", "amd64", ""},        {"aarch64", "arm64", ""}, {"armv7l", "arm", "v7"},
    {"armv6l", "arm", "v6"},        {"i686", "386", ""},      {"i386", "386", ""},
    {"loongarch64", "loong64", ""},
};

void oci_platform_host(struct oci_platform *ret)
{
    struct utsname host;
    *ret = (struct oci_platform){.os = "linux"};
    if (uname(&host) < 0)
        return;
    snprintf(ret->architecture, sizeof(ret->architecture), "%.31s", host.machine);
    for (size_t i = 0; i < ARRAY_SIZE(MACHINES); i++)
        if (strcmp(host.machine, MACHINES[i].machine) == 0) {
            snprintf(ret->architecture, sizeof(ret->architecture), "%s",
                     MACHINES[i].architecture);
            snprintf(ret->variant, sizeof(ret->variant), "%s", MACHINES[i].variant);
        }
}

static bool part_is_valid(const char *s, size_t len)
{
    return len > 0 && len < sizeof(((struct oci_platform *)0)->os) &&
           strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_.-") >= len;
}

int oci_platform_parse(const char *text, struct oci_platform *ret, struct mtd_error *err)
{
    struct oci_platform p = {.os = "linux"};
    char *const parts[] = {p.os, p.architecture, p.variant};
    size_t n = 0;
    const char *rest = text;
    if (!strchr(text, '/'))
        n = strcmp(text, "linux") == 0 ? 0 : 1;
    for (; n < ARRAY_SIZE(parts) && rest; n++) {
        size_t len = strcspn(rest, "/");
        if (!part_is_valid(rest, len))
            break;
        snprintf(parts[n], sizeof(p.os), "%.*s", (int)len, rest);
        rest = rest[len] ? rest + len + 1 : NULL;
    }
    if (rest)
        return mtd_fail(err, EINVAL,
                        "\"%.60s\" is not a platform such as linux/amd64 or linux/arm/v7",
                        text);
    if (!p.architecture[0]) {
        struct oci_platform host;
        oci_platform_host(&host);
        memcpy(p.architecture, host.architecture, sizeof(p.architecture));
    }
    *ret = p;
    return 0;
}

void oci_platform_format(const struct oci_platform *p, char out[100])
{
    snprintf(out, 100, "%s/%s%s%s", p->os[0] ? p->os : "unknown",
             p->architecture[0] ? p->architecture : "unknown", p->variant[0] ? "/" : "",
             p->variant);
}
