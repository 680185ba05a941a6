/* Which host it is. A container's interfaces and rules are in the network namespace that its monitor was
 * started in, and commands may come from another one: they would make bridges and published ports
 * there that lead nowhere. So the record names the namespace, and what is not here is left alone.
 * Several state roots may be used in one namespace; their elements of the one table are told apart
 * by the run root's directory. */

#include "engine/net/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK STORE_NETWORKS "/.host-%llu"
#define MARK_SIZE (sizeof(MARK) + 20)

uint64_t net_host(void)
{
    struct stat st;
    return stat("/proc/self/ns/net", &st) < 0 ? 0 : (uint64_t)st.st_ino;
}

bool net_is_here(const struct mtd_status *st)
{
    return !st->host_network || st->host_network == net_host();
}

int net_check_here(const struct mtd_record *r, struct mtd_error *err)
{
    if (net_is_here(&r->status))
        return 0;
    return mtd_fail(err, EXDEV,
                    "the networks of container %.80s are in another network namespace, "
                    "net:[%llu]; give the command there (process %d is in it)",
                    r->name, (unsigned long long)r->status.host_network,
                    (int)r->status.monitor_pid);
}

static void mark_of(char ret[MARK_SIZE])
{
    snprintf(ret, MARK_SIZE, MARK, (unsigned long long)net_host());
}

void net_host_note(struct store *s)
{
    char mark[MARK_SIZE];
    mark_of(mark);
    (void)mkdirat(s->run_fd, STORE_NETWORKS, 0700);
    int fd = openat(s->run_fd, mark, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd >= 0)
        close(fd);
}

bool net_host_is_noted(struct store *s)
{
    char mark[MARK_SIZE];
    mark_of(mark);
    return faccessat(s->run_fd, mark, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Neither the path, which differs between mount namespaces, nor a file, which would be lost together
 * with the elements' owners: another root in its place may remove what was theirs. */
void net_root_of(struct store *s, char ret[NET_ROOT_SIZE])
{
    struct stat st = {0};
    char text[40];
    (void)fstat(s->run_fd, &st);
    int len = snprintf(text, sizeof(text), "%llx.%llx", (unsigned long long)st.st_dev,
                       (unsigned long long)st.st_ino);
    int skip = len < NET_ROOT_SIZE ? 0 : len - (NET_ROOT_SIZE - 1);
    memset(ret, 0, NET_ROOT_SIZE);
    memcpy(ret, text + skip, (size_t)(len - skip));
}
