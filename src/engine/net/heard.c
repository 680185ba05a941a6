/* Whether somebody listens where a published port leads. The kernel lists sockets of a namespace, those
 * that listen first; no more is read. */

#include "engine/net/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/proc.h"

#define LISTENS 0x0a /* TCP_LISTEN */
#define WAITS 0x07   /* TCP_CLOSE: UDP that is not connected */

static bool is_loopback(const char *address)
{
    static const char SIX[] = "00000000000000000000000001000000",
                      MAPPED[] = "0000000000000000FFFF0000";
    size_t len = strlen(address);
    bool mapped = strncmp(address, MAPPED, strlen(MAPPED)) == 0;
    const char *four = len == 8 ? address : mapped ? address + strlen(MAPPED) : NULL;
    return strcmp(address, SIX) == 0 || (four && strcmp(four + 6, "7F") == 0);
}

/* "   0: 00000000:0050 00000000:0000 0A ..."; false = not a line of a socket. */
bool net_read_listener(const char *line, unsigned *ret_port, unsigned *ret_state,
                       bool *ret_loopback)
{
    char address[33];
    if (sscanf(line, " %*u: %32[0-9A-F]:%4X %*[0-9A-F]:%*X %2X", address, ret_port,
               ret_state) != 3)
        return false;
    *ret_loopback = is_loopback(address);
    return true;
}

static void note(const struct mtd_status *st, bool udp, unsigned port, bool *heard)
{
    for (size_t i = 0; i < st->n_ports; i++)
        if (st->ports[i].udp == udp && st->ports[i].target == port)
            heard[i] = true;
}

static int read_list(const struct mtd_status *st, const char *name, bool udp, bool *heard)
{
    char path[64];
    auto_free char *line = NULL;
    size_t cap = 0;
    unsigned port, state;
    bool loopback;
    snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)st->pid, name);
    auto_file FILE *f = fopen(path, "re");
    if (!f)
        return errno == ENOENT ? 0 : -errno; /* a kernel without IPv6 */
    while (getline(&line, &cap, f) >= 0) {
        if (!net_read_listener(line, &port, &state, &loopback))
            continue;
        if (!udp && state != LISTENS)
            return 0;
        if (!loopback && state == (udp ? WAITS : LISTENS))
            note(st, udp, port, heard);
    }
    return 0;
}

int net_heard(const struct mtd_status *st, bool *heard)
{
    static const struct {
        const char *name;
        bool udp;
    } LISTS[] = {{"tcp", false}, {"tcp6", false}, {"udp", true}, {"udp6", true}};
    int rc = 0;
    memset(heard, 0, st->n_ports * sizeof(*heard));
    if (st->pid <= 0 || !proc_is(st->pid, st->pid_start))
        return -ESRCH;
    for (size_t i = 0; i < ARRAY_SIZE(LISTS) && rc == 0; i++) {
        bool asked = false;
        for (size_t k = 0; k < st->n_ports; k++)
            asked |= st->ports[k].udp == LISTS[i].udp;
        if (asked)
            rc = read_list(st, LISTS[i].name, LISTS[i].udp, heard);
    }
    return rc;
}
