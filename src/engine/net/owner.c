/* Which process of the host has a port: the socket's inode from /proc/net, then who has it open. */

#include "engine/net/internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "base/parse.h"

/* Columns: number, local address:port, remote, state, ... the tenth is the inode. */
static unsigned long inode_in(const char *path, unsigned port)
{
    auto_free char *line = NULL;
    size_t cap = 0;
    auto_file FILE *f = fopen(path, "re");
    unsigned long inode = 0;
    while (f && !inode && getline(&line, &cap, f) >= 0) {
        unsigned at;
        unsigned long found;
        if (sscanf(line, " %*d: %*[0-9A-F]:%x %*s %*s %*s %*s %*s %*s %*s %lu", &at,
                   &found) == 2 &&
            at == port)
            inode = found;
    }
    return inode;
}

static unsigned long inode_of(const struct mtd_port *p)
{
    static const char *const FILES[2][2] = {{"/proc/net/tcp", "/proc/net/tcp6"},
                                            {"/proc/net/udp", "/proc/net/udp6"}};
    unsigned long inode = inode_in(FILES[p->udp][0], p->host);
    return inode ? inode : inode_in(FILES[p->udp][1], p->host);
}

static bool has_open(int proc, const char *pid, const char *wanted)
{
    char path[64], target[64];
    auto_done(fs_dir_done) struct fs_dir dir;
    snprintf(path, sizeof(path), "%.16s/fd", pid);
    fs_dir_init(&dir, openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (const struct dirent64 *d; dir.fd >= 0 && (d = fs_dir_next(&dir));) {
        ssize_t n = readlinkat(dir.fd, d->d_name, target, sizeof(target) - 1);
        target[n > 0 ? n : 0] = '\0';
        if (strcmp(target, wanted) == 0)
            return true;
    }
    return false;
}

static void describe(int proc, const char *pid, char *ret, size_t size)
{
    char path[64], name[64] = "?";
    snprintf(path, sizeof(path), "%.16s/comm", pid);
    (void)fs_read_small_at(proc, path, name, sizeof(name));
    snprintf(ret, size, "%.32s (pid %.16s)", name, pid);
}

void net_port_process(const struct mtd_port *p, char *ret, size_t size)
{
    char wanted[64];
    uint64_t number;
    auto_done(fs_dir_done) struct fs_dir dir;
    unsigned long inode = inode_of(p);
    ret[0] = '\0';
    snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
    fs_dir_init(&dir, inode ? open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1);
    for (const struct dirent64 *d; dir.fd >= 0 && !ret[0] && (d = fs_dir_next(&dir));)
        if (parse_u64(d->d_name, INT32_MAX, &number) == 0 &&
            has_open(dir.fd, d->d_name, wanted))
            describe(dir.fd, d->d_name, ret, size);
}
