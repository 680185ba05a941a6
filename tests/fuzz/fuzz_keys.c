/* Bytes from a terminal: however they are cut into reads, they are the same keys. And what a
 * remap file may say. */
#include <string.h>

#include "fuzz.h"
#include "ui/term/input.h"

#define MOST 4096
static struct input_event whole[MOST], pieces[MOST];

static size_t take(struct input *in, struct input_event *out, size_t n)
{
    struct input_event e;
    while (input_next(in, &e)) {
        CHECK((e.key & ~KEY_ALT) >= 0 && (e.key & ~KEY_ALT) < KEY_LAST);
        if (n < MOST)
            out[n++] = e;
    }
    return n;
}

static size_t feed(struct input *in, const uint8_t *data, size_t size, size_t step,
                   struct input_event *out)
{
    size_t n = 0;
    while (size > 0) {
        size_t want = step < size ? step : size;
        size_t fed = input_feed(in, data, want);
        CHECK(fed <= want);
        n = take(in, out, n);
        CHECK(fed > 0 || input_pending(in));
        if (fed == 0)
            input_timeout(in);
        data += fed;
        size -= fed;
    }
    input_timeout(in);
    n = take(in, out, n);
    CHECK(!input_pending(in));
    return n;
}

static void remap(const uint8_t *data, size_t size)
{
    char text[64], name[16];
    int key;
    size_t n = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
    memcpy(text, data, n);
    text[n] = '\0';
    if (key_parse(text, &key) == 0) {
        int again;
        CHECK(key_parse(key_name(key, name), &again) == 0 && again == key);
    }
    struct keys k;
    if (keys_init(&k) == 0) {
        keys_remap(&k, "stop-start", text, NULL);
        keys_remap(&k, text, "ctrl-x", NULL);
        keys_done(&k);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct input in;
    if (size < 1)
        return 0;
    input_drop(&in);
    size_t n = feed(&in, data + 1, size - 1, 1024, whole);
    input_drop(&in);
    size_t m = feed(&in, data + 1, size - 1, 1 + data[0] % 7, pieces);
    CHECK(n == m && (size > 1000 || memcmp(whole, pieces, n * sizeof(whole[0])) == 0));
    remap(data + 1, size - 1);
    return 0;
}
