/* Documents of an image layout, which registries and archives send: what is accepted comes back
 * the same after writing it, and what it says is within its bounds. */
#include <string.h>

#include "engine/oci/oci.h"
#include "fuzz.h"

static bool is_digest(const char *s)
{
    return strlen(s) == SHA256_HEX_SIZE - 1 && s[strspn(s, "0123456789abcdef")] == '\0';
}

static void check_failed(const struct mtd_error *err)
{
    CHECK(err->code != 0 && err->text[0] != '\0');
    CHECK(memchr(err->text, '\0', sizeof(err->text)));
}

static void check_same(const struct buf *a, const struct buf *b)
{
    CHECK(a->len == b->len && memcmp(a->data, b->data, a->len) == 0);
}

static void try_manifest(const char *text, size_t len)
{
    struct oci_manifest m = {0}, again = {0};
    struct buf first = {0}, second = {0};
    struct mtd_error err = {0};
    if (oci_manifest_decode(text, len, &m, &err) < 0) {
        check_failed(&err);
        return;
    }
    CHECK(oci_media_is_manifest(m.media) && m.n_layers <= OCI_MAX_LAYERS);
    CHECK(is_digest(m.config.digest));
    for (size_t i = 0; i < m.n_layers; i++)
        CHECK(is_digest(m.layers[i].digest) && oci_media_is_layer(m.layers[i].media));
    CHECK(oci_manifest_encode(&m, &first, &err) == 0);
    CHECK(oci_manifest_decode(first.data, first.len, &again, &err) == 0);
    CHECK(oci_manifest_encode(&again, &second, &err) == 0);
    check_same(&first, &second);
    buf_done(&first);
    buf_done(&second);
    oci_manifest_done(&m);
    oci_manifest_done(&again);
}

static void try_select(const struct oci_index *i)
{
    struct oci_platform arm;
    struct mtd_error err = {0};
    const struct oci_descriptor *found = NULL;
    CHECK(oci_platform_parse("linux/arm64/v8", &arm, &err) == 0);
    if (oci_index_select(i, &arm, &found, &err) < 0)
        check_failed(&err);
    else
        CHECK(found >= i->items && found < i->items + i->len && is_digest(found->digest));
}

static void try_index(const char *text, size_t len)
{
    struct oci_index i = {0}, again = {0};
    struct buf first = {0}, second = {0};
    struct mtd_error err = {0};
    if (oci_index_decode(text, len, &i, &err) < 0) {
        check_failed(&err);
        return;
    }
    try_select(&i);
    CHECK(oci_index_encode(&i, &first, &err) == 0);
    CHECK(oci_index_decode(first.data, first.len, &again, &err) == 0);
    CHECK(oci_index_encode(&again, &second, &err) == 0);
    check_same(&first, &second);
    buf_done(&first);
    buf_done(&second);
    oci_index_done(&i);
    oci_index_done(&again);
}

static void try_config(const char *text, size_t len)
{
    struct oci_config c = {0}, again = {0};
    struct buf first = {0}, second = {0};
    struct mtd_error err = {0};
    if (oci_config_decode(text, len, &c, &err) < 0) {
        check_failed(&err);
        return;
    }
    CHECK(c.diff_ids.len <= OCI_MAX_LAYERS);
    for (size_t i = 0; i < c.diff_ids.len; i++)
        CHECK(is_digest(c.diff_ids.items[i]));
    if (oci_config_encode(&c, text, len, &first, &err) == 0) {
        CHECK(oci_config_decode(first.data, first.len, &again, &err) == 0);
        CHECK(oci_config_encode(&again, first.data, first.len, &second, &err) == 0);
        check_same(&first, &second);
    } else {
        check_failed(&err);
    }
    buf_done(&first);
    buf_done(&second);
    oci_config_done(&c);
    oci_config_done(&again);
}

static void try_platform(const char *text, size_t len)
{
    char word[128], out[100];
    struct oci_platform p, again;
    if (len >= sizeof(word))
        return;
    memcpy(word, text, len);
    word[len] = '\0';
    if (oci_platform_parse(word, &p, NULL) < 0)
        return;
    oci_platform_format(&p, out);
    CHECK(oci_platform_parse(out, &again, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    (void)oci_kind_of(text, size);
    try_manifest(text, size);
    try_index(text, size);
    try_config(text, size);
    try_platform(text, size);
    return 0;
}
