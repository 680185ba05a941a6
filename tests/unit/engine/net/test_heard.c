#include <criterion/criterion.h>

#include "base/cleanup.h"
#include "engine/net/internal.h"

Test(net_heard, lines_of_sockets_are_read)
{
    static const struct {
        const char *line;
        unsigned port, state;
        bool loopback;
    } CASES[] = {
        {"   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000", 80, 10,
         false},
        {" 113: 0100007F:1F90 0200007F:D431 01 00000000:00000000", 8080, 1, true},
        {"   2: 00000000000000000000000000000000:0035 00000000000000000000000000000000:0000 07",
         53, 7, false},
        {"   2: 00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 0A",
         53, 10, true},
        {"   2: 0000000000000000FFFF00000100007F:0035 00000000000000000000000000000000:0000 0A",
         53, 10, true},
        {"   2: 0000000000000000FFFF000009004D0A:0035 00000000000000000000000000000000:0000 0A",
         53, 10, false},
    };
    unsigned port, state;
    bool loopback;
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        cr_assert(net_read_listener(CASES[i].line, &port, &state, &loopback), "%zu", i);
        cr_expect(port == CASES[i].port && state == CASES[i].state &&
                      loopback == CASES[i].loopback,
                  "%zu: %u %u %d", i, port, state, loopback);
    }
    cr_expect(!net_read_listener("  sl  local_address rem_address   st tx_queue", &port,
                                 &state, &loopback));
    cr_expect(!net_read_listener("", &port, &state, &loopback));
}
