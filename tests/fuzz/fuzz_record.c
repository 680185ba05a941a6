/* Records and images from disk: what is accepted comes back the same after writing it. */
#include <string.h>

#include "engine/spec/spec.h"
#include "fuzz.h"

static void record(const char *text, size_t size)
{
    struct mtd_record r, again;
    struct mtd_error err = {0};
    struct buf first = {0}, second = {0};
    mtd_record_init(&r);
    if (spec_decode(text, size, &r, &err) < 0) {
        CHECK(err.code != 0 && err.text[0] != '\0');
        CHECK(memchr(err.text, '\0', sizeof(err.text)));
        return;
    }
    mtd_record_init(&again);
    CHECK(spec_encode(&r, &first, NULL) == 0);
    CHECK(spec_decode(first.data, first.len, &again, &err) == 0);
    CHECK(spec_encode(&again, &second, NULL) == 0);
    CHECK(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    buf_done(&first);
    buf_done(&second);
    mtd_record_done(&r);
    mtd_record_done(&again);
}

static void image(const char *text, size_t size)
{
    struct mtd_image i = {0};
    if (spec_decode_image(text, size, &i, NULL) == 0)
        mtd_image_done(&i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    record((const char *)data, size);
    image((const char *)data, size);
    return 0;
}
