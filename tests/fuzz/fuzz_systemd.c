/* Bytes as if systemd had answered: no message and no text leaves them. And as the annotation of a
 * bundle: what is refused adds nothing. */
#include <string.h>

#include "engine/systemd/message.h"
#include "fuzz.h"

static void answer(const uint8_t *data, size_t size)
{
    size_t said;
    struct message m;
    if (size < MESSAGE_HEADER || message_size(data, &said) < 0 || said > size ||
        message_decode(&m, data, said) < 0)
        return;
    const char *const texts[] = {m.path,  m.interface, m.member,
                                 m.error, m.sender,    m.signature};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        CHECK(strlen(texts[i]) < said);
    CHECK(m.body.start + m.body.len == data + said);
    message_read_u32(&m.body);
    for (int i = 0; i < 3; i++)
        CHECK(strlen(message_read_text(&m.body)) < said);
    CHECK(strlen(message_read_signature(&m.body)) < 256);
    CHECK(m.body.at <= m.body.len || m.body.bad);
}

static void annotation(const uint8_t *data, size_t size)
{
    char text[512];
    struct systemd_properties p = {0};
    if (size >= sizeof(text))
        return;
    memcpy(text, data, size);
    text[size] = '\0';
    int rc = systemd_add_parsed(&p, "TimeoutStopUSec", text, NULL);
    CHECK((rc == 0) == (p.bytes.len > 0));
    systemd_add_parsed(&p, "TimeoutStopSec", text, NULL);
    systemd_properties_done(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    answer(data, size);
    annotation(data, size);
    return 0;
}
