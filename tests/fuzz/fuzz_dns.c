/* A container's question, and a server's answer to one: nothing is read or written beyond them. */
#include <string.h>

#include "engine/dns/dns.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct dns_answer a;
    static const unsigned char IP[16] = {1};
    struct dns_question q;
    char text[46];
    if (size > DNS_MESSAGE_MAX || dns_message_question(data, size, &q) < 0)
        return 0;
    CHECK(strlen(q.name) < sizeof(q.name) && q.end <= size);
    CHECK(q.room >= DNS_UDP_PLAIN && q.room <= DNS_MESSAGE_MAX);
    CHECK(!q.plain || !strchr(q.name, '/'));
    dns_message_reverse(q.name, text);
    dns_answer_begin(&a, data, &q, q.room);
    for (unsigned i = 0; i < (q.id & 0x1ff); i++)
        dns_answer_address(&a, IP, i & 1 ? 16 : 4);
    dns_answer_name(&a, q.name);
    dns_answer_end(&a, &q, DNS_OK);
    CHECK(a.len <= q.room);
    CHECK(dns_message_answers(a.data, a.len, q.id, &q));
    dns_message_answers(data, size, q.id, &q);
    return 0;
}
