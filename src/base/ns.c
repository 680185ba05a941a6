#include "base/ns.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static const char *const NAMES[] = {"user", "mnt", "pid",  "uts",
                                    "ipc",  "net", "time", "cgroup"};

int ns_open(pid_t pid)
{
    char path[32] = "/proc/self/ns";
    if (pid > 0)
        snprintf(path, sizeof(path), "/proc/%d/ns", (int)pid);
    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int ns_id(int dir, const char *name, char ret[NS_ID_SIZE])
{
    ssize_t n = readlinkat(dir, name, ret, NS_ID_SIZE - 1);
    if (n < 0)
        return -errno;
    ret[n] = '\0';
    return 0;
}

int ns_id_of(int fd, const char *name, char ret[NS_ID_SIZE])
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    snprintf(ret, NS_ID_SIZE, "%s:[%llu]", name, (unsigned long long)st.st_ino);
    return 0;
}

/* ENOENT: the kernel has no namespaces of this kind. */
int ns_ids(pid_t pid, const char *without, struct strv *ret)
{
    char id[NS_ID_SIZE];
    auto_fd int dir = ns_open(pid);
    int rc = dir < 0 ? dir : 0;
    for (size_t i = 0; i < ARRAY_SIZE(NAMES) && rc == 0; i++) {
        if (strstr(without, NAMES[i]))
            continue;
        rc = ns_id(dir, NAMES[i], id);
        if (rc == 0)
            rc = strv_add(ret, id);
        else if (rc == -ENOENT)
            rc = 0;
    }
    return rc;
}

int ns_loopback_up(void)
{
    auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq req = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    return fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) < 0 ? -errno : 0;
}
