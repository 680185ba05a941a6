#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "engine/spec/packed.h"
#include "engine/spec/sealed.h"
#include "engine/spec/spec.h"

static struct mtd_error err;

static void make_image(struct mtd_image *i)
{
    *i = (struct mtd_image){.id = strdup("sha256:01"), .size = 5};
    strv_add(&i->layers, "aa");
    strv_add(&i->layers, "bb");
    i->config.author = strdup("me");
}

/* The packed member stands for the rest of the text only as long as that is as it was. */
Test(packed, a_changed_image_config_is_read_as_it_is_now)
{
    auto_done(mtd_image_done) struct mtd_image image, copy = {0};
    auto_done(buf_done) struct buf text = {0};
    make_image(&image);
    cr_assert_eq(spec_encode_image(&image, &text, &err), 0, "%s", err.text);
    cr_assert(strstr(text.data, ",\n \"packed\": \""));
    char *author = strstr(text.data, "\"me\"");
    cr_assert(author);
    author[1] = 'w';
    cr_assert_eq(spec_decode_image(text.data, text.len, &copy, &err), 0, "%s", err.text);
    cr_expect_str_eq(copy.config.author, "we");
}

/* It is what is read, or the test above shows nothing. */
Test(packed, an_image_config_is_read_from_its_packed_member)
{
    auto_done(mtd_image_done) struct mtd_image image, copy = {0};
    auto_done(buf_done) struct buf text = {0}, bytes = {0};
    make_image(&image);
    cr_assert_eq(spec_encode_image(&image, &text, &err), 0, "%s", err.text);
    const char *hex = strstr(text.data, "\"packed\": \"") + strlen("\"packed\": \"");
    struct spec_seal seal = {.name = "packed"};
    for (int i = 0; i < 8; i++) {
        unsigned byte;
        cr_assert_eq(sscanf(hex + 2 * i, "%2x", &byte), 1);
        seal.layout |= (uint64_t)byte << 8 * i;
    }
    cr_assert_eq(spec_unseal(&seal, text.data, text.len, &bytes), 0);
    char *author = memmem(bytes.data, bytes.len, "\3\0\0\0me", 6);
    cr_assert(author);
    author[4] = 'w';
    text.len = (size_t)(strstr(text.data, ",\n \"packed\"") - text.data);
    cr_assert_eq(buf_puts(&text, "\n}\n"), 0);
    cr_assert_eq(spec_seal(&seal, &bytes, &text), 0);
    cr_assert_eq(spec_decode_image(text.data, text.len, &copy, &err), 0, "%s", err.text);
    cr_expect_str_eq(copy.config.author, "we");
}

/* Cut anywhere and sealed again, as no build would do it: an error or another image, but
 * nothing beyond the bytes is touched. */
Test(packed, packed_bytes_are_not_trusted)
{
    static const struct packed_member MEMBERS[] = {
        {PACKED_PLAIN, offsetof(struct mtd_image, size), sizeof(uint64_t)},
        {PACKED_STRING, offsetof(struct mtd_image, id)},
        {PACKED_LIST, offsetof(struct mtd_image, layers)},
    };
    struct mtd_image image;
    auto_done(buf_done) struct buf bytes = {0};
    make_image(&image);
    cr_assert_eq(spec_packed_put(MEMBERS, ARRAY_SIZE(MEMBERS), &image, &bytes), 0);
    for (size_t len = 0; len < bytes.len; len++) {
        struct mtd_image copy = {0};
        auto_free char *part = malloc(len + 1);
        memcpy(part, bytes.data, len);
        cr_expect_lt(spec_packed_take(MEMBERS, ARRAY_SIZE(MEMBERS), part, len, &copy), 0);
        mtd_image_done(&copy);
    }
    memset(bytes.data + sizeof(uint64_t), 0xff, 4);
    struct mtd_image copy = {0};
    cr_expect_eq(
        spec_packed_take(MEMBERS, ARRAY_SIZE(MEMBERS), bytes.data, bytes.len, &copy),
        -EBADMSG);
    mtd_image_done(&copy);
    mtd_image_done(&image);
}
