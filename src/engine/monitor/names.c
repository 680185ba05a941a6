/* Names for the container: its monitor answers at 127.0.0.11. What it has to know is in files, looked at
 * for each question, so that containers that come, go and join need tell nobody. */

#include "engine/monitor/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"

#define NOTE_MAX 4096
#define RESOLV_MAX 4096

struct note {
    char text[NOTE_MAX];
    char *rest;
};

static void open_note(const struct monitor *m, struct note *n)
{
    if (fs_read_small_at(m->run_fd, NET_NOTE, n->text, sizeof(n->text)) < 0)
        n->text[0] = '\0';
    n->rest = n->text;
}

/* The value of the next line of that key. */
static const char *next_line(struct note *n, const char *key)
{
    size_t len = strlen(key);
    for (char *line; (line = strsep(&n->rest, "\n"));)
        if (strncmp(line, key, len) == 0 && (line[len] == ' ' || !line[len]))
            return line[len] ? line + len + 1 : line + len;
    return NULL;
}

static int find_addresses(void *arg, const char *name,
                          void (*fn)(const char *address, void *to), void *to)
{
    const struct monitor *m = arg;
    struct note n;
    int found = 0;
    open_note(m, &n);
    for (const char *network; (network = next_line(&n, "network"));)
        found += net_find_name(m->store.run_fd, network, name, fn, to);
    return found ? found : -ENOENT;
}

static int find_name(void *arg, const char *address, char ret[DNS_NAME_MAX])
{
    const struct monitor *m = arg;
    struct note n;
    int rc = -ENOENT;
    open_note(m, &n);
    for (const char *network; rc < 0 && (network = next_line(&n, "network"));)
        rc = net_find_address(m->store.run_fd, network, address, ret);
    return rc;
}

static size_t add_server(const char *text, size_t n, char ret[DNS_SERVERS][46])
{
    size_t len = strcspn(text, " \t%");
    if (n < DNS_SERVERS && len > 0 && len < 46)
        snprintf(ret[n++], 46, "%.*s", (int)len, text);
    return n;
}

static size_t hosts_servers(char ret[DNS_SERVERS][46])
{
    static const char KEY[] = "nameserver";
    char text[RESOLV_MAX];
    size_t n = 0;
    if (fs_read_small_at(AT_FDCWD, "/etc/resolv.conf", text, sizeof(text)) < 0)
        return 0;
    char *rest = text;
    for (char *line; (line = strsep(&rest, "\n"));) {
        if (strncmp(line, KEY, strlen(KEY)) == 0)
            n = add_server(line + strlen(KEY) + strspn(line + strlen(KEY), " \t"), n,
                           ret);
    }
    return n;
}

static size_t find_servers(void *arg, char ret[DNS_SERVERS][46])
{
    const struct monitor *m = arg;
    struct note n;
    size_t found = 0;
    open_note(m, &n);
    if (next_line(&n, "inside"))
        return 0;
    open_note(m, &n);
    for (const char *server; (server = next_line(&n, "dns"));)
        found = add_server(server, found, ret);
    return found ? found : hosts_servers(ret);
}

bool monitor_answer(struct monitor *m)
{
    struct dns_source s = {find_addresses, find_name, find_servers, m};
    return dns_server_turn(&m->dns, &s);
}

/* Init does the same a moment later. Until the interface is up its addresses are nobody's, and a
 * socket that is bound to one all the same answers from another. */
static void raise_loopback(void)
{
    struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    auto_fd int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        (void)ioctl(fd, SIOCSIFFLAGS, &up);
}

/* Without it the container starts all the same: it may have a server of its own. */
void monitor_open_names(struct monitor *m, int ns_fd)
{
    dns_server_close(&m->dns);
    auto_fd int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (own < 0 || setns(ns_fd, CLONE_NEWNET) < 0)
        return;
    raise_loopback();
    (void)dns_server_open(&m->dns);
    if (setns(own, CLONE_NEWNET) < 0) /* it would go on in the container's */
        _exit(125);
}
