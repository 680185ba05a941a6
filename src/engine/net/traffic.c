/* Which interface is whose network's is read from the container's routes: an interface has its name
 * from the kernel, and it is not noted anywhere. A container that may change its routes can only
 * spoil its own figures. */

#include "engine/net/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"

#define FILE_MAX (1u << 20)

static int read_file(pid_t pid, const char *name, struct buf *ret)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)pid, name);
    int rc = fs_read_at(AT_FDCWD, path, FILE_MAX, ret);
    return rc == 0 && !ret->data ? -ENOENT : rc;
}

static const char *next_line(const char *p)
{
    p += strcspn(p, "\n");
    return p + (*p == '\n');
}

/* "eth0 0000010A 00000000 0001 0 0 0 0000FFFF ...": what is on the link itself has no gateway. */
static int find_interface(pid_t pid, const struct net_subnet *s, char ret[NET_TEXT])
{
    auto_done(buf_done) struct buf text = {0};
    uint32_t wanted;
    memcpy(&wanted, s->base.bytes, sizeof(wanted));
    int rc = read_file(pid, "route", &text);
    for (const char *p = rc < 0 ? "" : text.data; *p; p = next_line(p)) {
        char name[NET_TEXT];
        unsigned to, gateway, mask;
        if (sscanf(p, " %15s %8X %8X %*X %*d %*d %*d %8X", name, &to, &gateway, &mask) ==
                4 &&
            mask && !gateway && (wanted & mask) == to &&
            s->prefix == (unsigned)__builtin_popcount(mask)) {
            snprintf(ret, NET_TEXT, "%s", name);
            return 0;
        }
    }
    return rc < 0 ? rc : -ENOENT;
}

/* "  eth0: RXBYTES and 7 more TXBYTES ..."; the two lines of titles have no colon. */
static int add_interfaces(pid_t pid, const char *only, uint64_t *rx, uint64_t *tx)
{
    auto_done(buf_done) struct buf text = {0};
    bool found = false;
    int rc = read_file(pid, "dev", &text);
    for (const char *p = rc < 0 ? "" : text.data; *p; p = next_line(p)) {
        char name[NET_TEXT];
        unsigned long long in, out;
        if (sscanf(p, " %15[^:\n]: %llu %*u %*u %*u %*u %*u %*u %*u %llu", name, &in,
                   &out) != 3)
            continue;
        if (only ? strcmp(name, only) != 0 : strcmp(name, "lo") == 0)
            continue;
        found = true;
        *rx += in;
        *tx += out;
    }
    return rc < 0 ? rc : found ? 0 : -ENOENT;
}

int net_traffic(pid_t pid, const char *address, uint64_t *ret_rx, uint64_t *ret_tx)
{
    char name[NET_TEXT] = "", bare[NET_TEXT];
    struct net_subnet s = {.prefix = 0};
    uint64_t rx = 0, tx = 0;
    int rc = 0;
    if (address) {
        unsigned prefix = 0;
        if (sscanf(address, "%45[^/]/%u", bare, &prefix) != 2 ||
            net_address_parse(bare, &s.base) < 0 || s.base.len != 4)
            return -EINVAL;
        s.prefix = prefix;
        rc = find_interface(pid, &s, name);
    }
    if (rc == 0)
        rc = add_interfaces(pid, address ? name : NULL, &rx, &tx);
    if (rc < 0)
        return rc;
    *ret_rx = rx;
    *ret_tx = tx;
    return 0;
}
