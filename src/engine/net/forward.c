/* The host becomes a router for its containers, and for nobody else. */

#include "engine/net/internal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

#define FORWARD4 "/proc/sys/net/ipv4/ip_forward"
#define FORWARD6 "/proc/sys/net/ipv6/conf/all/forwarding"
/* A mark: the host was no router before. No network has such a name. */
#define CLOSED STORE_NETWORKS "/.closed"

static bool is_off(const char *path)
{
    char value[8];
    return fs_read_small_at(AT_FDCWD, path, value, sizeof(value)) > 0 &&
           strcmp(value, "0") == 0;
}

bool net_forwards(void)
{
    return !is_off(FORWARD4);
}

bool net_is_closed(struct store *s)
{
    return faccessat(s->run_fd, CLOSED, F_OK, 0) == 0;
}

/* A host that forwarded nothing does not become a router for its neighbours by this. */
void net_forwarding_on(struct store *s, const struct mtd_net *n, bool *ret_closed)
{
    if (is_off(FORWARD4)) {
        (void)mkdirat(s->run_fd, STORE_NETWORKS, 0700);
        int fd = openat(s->run_fd, CLOSED, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd >= 0)
            close(fd);
        (void)fs_write_at(AT_FDCWD, FORWARD4, "1");
    }
    if (n->subnet6 && is_off(FORWARD6))
        (void)fs_write_at(AT_FDCWD, FORWARD6, "1");
    *ret_closed = net_is_closed(s);
}
