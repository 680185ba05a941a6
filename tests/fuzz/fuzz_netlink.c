/* A packet as if the kernel had sent it: no message and no attribute leaves it, at any depth. */
#include <string.h>

#include "engine/netlink/netlink.h"
#include "fuzz.h"

static void walk(struct netlink_span s, int depth)
{
    const unsigned char *end = s.at + s.left;
    struct netlink_attribute a;
    char text[32];
    while (netlink_next_attribute(&s, &a)) {
        CHECK(a.value.at <= end && a.value.left <= (size_t)(end - a.value.at));
        netlink_be32(a.value);
        if (netlink_text(a.value, text, sizeof(text)))
            CHECK(strlen(text) < a.value.left);
        if (depth < 8)
            walk(a.value, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct netlink_span s = {data, size};
    struct netlink_answer a;
    while (netlink_next_answer(&s, &a)) {
        uint32_t header[4];
        CHECK(a.body.at >= data && a.body.left <= (size_t)(data + size - a.body.at));
        netlink_take_header(&a.body, header, sizeof(header));
        walk(a.body, 0);
    }
    return 0;
}
