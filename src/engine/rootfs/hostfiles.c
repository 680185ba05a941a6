/* Copies rather than binds of the host's files: the container may change them, and the
 * host's must not change with them. */

#include "engine/rootfs/hostfiles.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/host/label.h"

#define HOST_FILE_MAX 65536

static const char LOCALHOST[] = "127.0.0.1\tlocalhost\n"
                                "::1\tlocalhost ip6-localhost ip6-loopback\n"
                                "fe00::\tip6-localnet\nff00::\tip6-mcastprefix\n"
                                "ff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";

int hostfiles_check_host(const char *entry, struct mtd_error *err)
{
    unsigned char address[16];
    const char *colon = strchr(entry, ':');
    if (colon && colon != entry && strcmp(colon + 1, HOSTFILES_GATEWAY) == 0 &&
        !strpbrk(entry, " \t\n"))
        return 0;
    if (!colon || colon == entry || strpbrk(entry, " \t\n") ||
        (inet_pton(AF_INET, colon + 1, address) != 1 &&
         inet_pton(AF_INET6, colon + 1, address) != 1))
        return mtd_fail(err, EINVAL, "invalid extra host \"%s\"; use NAME:IP", entry);
    return 0;
}

/* With systemd-resolved, resolv.conf is a link into /run. An unreadable
 * file counts as empty. */
static void read_host_file(const char *path, struct buf *out)
{
    if (fs_read_path(path, HOST_FILE_MAX, out) < 0)
        out->len = 0;
}

/* NULL = the container does not see the host. */
static const char *gateway_of(const struct mtd_record *r)
{
    for (size_t i = 0; i < r->status.n_endpoints; i++)
        if (r->status.endpoints[i].gateway)
            return r->status.endpoints[i].gateway;
    return r->spec.network == MTD_NET_HOST ? "127.0.0.1" : NULL;
}

/* As docker: the address, the full name if there is a domain, the name. */
static int own_lines(const struct mtd_record *r, struct buf *out)
{
    const struct mtd_spec *s = &r->spec;
    int rc = 0;
    for (size_t i = 0; i < r->status.n_endpoints && s->hostname; i++) {
        const struct mtd_endpoint *e = &r->status.endpoints[i];
        const char *addresses[] = {e->address, e->address6};
        for (size_t a = 0; a < ARRAY_SIZE(addresses) && rc == 0; a++)
            if (addresses[a] && s->domainname)
                rc = buf_printf(out, "%s\t%s.%s %s\n", addresses[a], s->hostname,
                                s->domainname, s->hostname);
            else if (addresses[a])
                rc = buf_printf(out, "%s\t%s\n", addresses[a], s->hostname);
    }
    return rc;
}

static int hosts(const struct mtd_record *r, struct buf *out)
{
    const struct mtd_spec *spec = &r->spec;
    if (spec->network == MTD_NET_HOST)
        read_host_file("/etc/hosts", out);
    if (out->len == 0 && buf_puts(out, LOCALHOST) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < spec->add_hosts.len; i++) {
        const char *entry = spec->add_hosts.items[i];
        const char *colon = strchr(entry, ':');
        bool gateway = colon && strcmp(colon + 1, HOSTFILES_GATEWAY) == 0;
        const char *address = gateway ? gateway_of(r) : colon ? colon + 1 : NULL;
        if (address &&
            buf_printf(out, "%s\t%.*s\n", address, (int)(colon - entry), entry) < 0)
            return -ENOMEM;
    }
    return own_lines(r, out);
}

static int hostname(const struct mtd_record *r, struct buf *out)
{
    const char *name = r->spec.hostname;
    return buf_printf(out, "%s\n", name ? name : "localhost");
}

static bool keeps(const struct mtd_spec *s, bool asks_monitor, const char *line)
{
    return !((s->dns.len || asks_monitor) && strncmp(line, "nameserver", 10) == 0) &&
           !(s->dns_search.len &&
             (strncmp(line, "search", 6) == 0 || strncmp(line, "domain", 6) == 0)) &&
           !(s->dns_options.len && strncmp(line, "options", 7) == 0);
}

static int put_words(struct buf *out, const char *key, const struct strv *words)
{
    int rc = words->len ? buf_puts(out, key) : 0;
    for (size_t i = 0; rc == 0 && i < words->len; i++)
        rc = buf_printf(out, " %s", words->items[i]);
    return rc == 0 && words->len ? buf_putc(out, '\n') : rc;
}

/* On a network the servers are asked by the monitor, and here stands only that. */
static int put_servers(const struct mtd_spec *s, bool asks_monitor, struct buf *out)
{
    int rc = asks_monitor ? buf_puts(out, "nameserver " HOSTFILES_SERVER "\n") : 0;
    for (size_t i = 0; !asks_monitor && rc == 0 && i < s->dns.len; i++)
        rc = buf_printf(out, "nameserver %s\n", s->dns.items[i]);
    return rc;
}

/* The host's lines, but for the kinds that were given. The domain "." means none at all. */
static int resolv(const struct mtd_record *r, struct buf *out)
{
    const struct mtd_spec *s = &r->spec;
    bool asks_monitor = r->status.n_endpoints > 0;
    auto_done(buf_done) struct buf host = {0};
    bool none = s->dns_search.len == 1 && strcmp(s->dns_search.items[0], ".") == 0;
    int rc = 0;
    read_host_file("/etc/resolv.conf", &host);
    if (!asks_monitor && !s->dns.len && !s->dns_search.len && !s->dns_options.len)
        return host.len ? buf_add(out, host.data, host.len) : 0;
    char *rest = host.len ? host.data : NULL;
    for (char *line; rc == 0 && (line = strsep(&rest, "\n"));)
        if (*line && keeps(s, asks_monitor, line))
            rc = buf_printf(out, "%s\n", line);
    if (rc == 0)
        rc = put_servers(s, asks_monitor, out);
    if (rc == 0 && !none)
        rc = put_words(out, "search", &s->dns_search);
    if (rc == 0 && asks_monitor && !s->dns_options.len)
        rc = buf_puts(out, "options ndots:0\n"); /* names of containers have no dot */
    return rc < 0 ? rc : put_words(out, "options", &s->dns_options);
}

static const struct {
    const char *name;
    int (*make)(const struct mtd_record *r, struct buf *out);
} FILES[] = {{"hosts", hosts}, {"hostname", hostname}, {"resolv.conf", resolv}};

/* In another container's network its files apply. */
static int make(int dir_fd, const struct mtd_record *r, size_t i, struct buf *ret)
{
    char path[MTD_ID_SIZE + 32];
    if (r->spec.network != MTD_NET_CONTAINER)
        return FILES[i].make(r, ret);
    snprintf(path, sizeof(path), "../%s/%s", r->spec.network_from, FILES[i].name);
    return fs_read_at(dir_fd, path, HOST_FILE_MAX, ret);
}

static int write_all(int dir_fd, const struct mtd_record *r, struct mtd_error *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(FILES); i++) {
        auto_done(buf_done) struct buf text = {0};
        int rc = make(dir_fd, r, i, &text);
        auto_fd int fd =
            rc < 0 ? -1
                   : openat(dir_fd, FILES[i].name,
                            O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (rc == 0 && fd < 0)
            rc = -errno;
        if (rc == 0)
            rc = fs_write_all(fd, text.data ? text.data : "", text.len);
        if (rc == 0)
            rc = selinux_label_fd(fd, label_of_files(&r->spec));
        if (rc < 0)
            return mtd_fail_errno(err, -rc, "cannot write the container's /etc/%s",
                                  FILES[i].name);
    }
    return 0;
}

/* Everybody in the container may read them. */
int hostfiles_write(int dir_fd, const struct mtd_record *r, struct mtd_error *err)
{
    mode_t old = umask(022);
    int rc = write_all(dir_fd, r, err);
    umask(old);
    return rc;
}
