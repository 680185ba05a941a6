/* Who we are the other end hears from the kernel: the authentication names nobody, so that it also
 * works where our user has another number than outside. */

#include "engine/systemd/bus.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define LINE_MAX_BYTES 512
#define READ_BYTES 4096

void systemd_close(struct systemd *s)
{
    if (s->fd > 0)
        close(s->fd);
    buf_done(&s->in);
    *s = (struct systemd){0};
}

/* ---- reading ---- */

static int await(const struct systemd *s, int64_t deadline)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN};
    for (;;) {
        int64_t left = (deadline - clock_mono_ns()) / NS_PER_MS;
        int n = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (n > 0)
            return 0;
        if (n == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

/* Until there are so many bytes that are not used yet. */
static int fill(struct systemd *s, size_t wanted, int64_t deadline)
{
    if (s->used) {
        memmove(s->in.data, s->in.data + s->used, s->in.len - s->used);
        s->in.len -= s->used;
        s->used = 0;
    }
    while (s->in.len < wanted) {
        char part[READ_BYTES];
        int rc = await(s, deadline);
        ssize_t n = rc < 0 ? rc : recv(s->fd, part, sizeof(part), MSG_DONTWAIT);
        if (rc == 0 && n < 0)
            rc = errno == EINTR || errno == EAGAIN ? 0 : -errno;
        else if (rc == 0)
            rc = n == 0 ? -EPIPE : buf_add(&s->in, part, (size_t)n);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int bus_receive(struct systemd *s, int64_t deadline, struct message *ret)
{
    size_t size = 0;
    int rc = fill(s, MESSAGE_HEADER, deadline);
    if (rc == 0)
        rc = message_size((const unsigned char *)s->in.data, &size);
    if (rc == 0)
        rc = fill(s, size, deadline);
    if (rc == 0)
        rc = message_decode(ret, (const unsigned char *)s->in.data, size);
    s->used = rc == 0 ? size : 0;
    return rc;
}

/* ---- writing ---- */

static int send_all(const struct systemd *s, const char *data, size_t n)
{
    while (n) {
        ssize_t done = send(s->fd, data, n, MSG_NOSIGNAL);
        if (done < 0 && errno != EINTR)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        if (done > 0) {
            data += done;
            n -= (size_t)done;
        }
    }
    return 0;
}

int bus_send(struct systemd *s, const struct message_call *c,
             const struct systemd_properties *body, uint32_t *ret_serial)
{
    auto_done(systemd_properties_done) struct systemd_properties m = {0};
    *ret_serial = ++s->serial;
    message_encode(&m, c, s->serial, body);
    return m.rc < 0 ? m.rc : send_all(s, m.bytes.data, m.bytes.len);
}

int bus_call(struct systemd *s, const struct message_call *c,
             const struct systemd_properties *body, int64_t deadline, struct message *ret)
{
    uint32_t serial;
    int rc = bus_send(s, c, body, &serial);
    while (rc == 0) {
        rc = bus_receive(s, deadline, ret);
        if (rc < 0 || ret->reply_to != serial)
            continue;
        if (ret->type == MESSAGE_RETURN)
            return 0;
        if (ret->type == MESSAGE_ERROR)
            return -EREMOTEIO;
    }
    return rc;
}

/* ---- who is asked ---- */

/* A line of the authentication, without its end. */
static int read_line(struct systemd *s, int64_t deadline, char line[LINE_MAX_BYTES])
{
    size_t n = 0;
    for (;;) {
        int rc = fill(s, n + 2, deadline);
        if (rc < 0)
            return rc;
        if (s->in.data[n] == '\r' && s->in.data[n + 1] == '\n')
            break;
        if (++n == LINE_MAX_BYTES)
            return -EPROTO;
    }
    memcpy(line, s->in.data, n);
    line[n] = '\0';
    s->used = n + 2;
    return 0;
}

static int ask_line(struct systemd *s, int64_t deadline, const char *text, size_t n,
                    char line[LINE_MAX_BYTES])
{
    int rc = send_all(s, text, n);
    return rc < 0 ? rc : read_line(s, deadline, line);
}

/* Some ask once more for a name. BEGIN goes with the answer to that: systemd, which reads what there
 * is, would let a call lie that came together with it, until something more came. */
static int authenticate(struct systemd *s, int64_t deadline)
{
    static const char AUTH[] = "\0AUTH EXTERNAL\r\n", DATA[] = "DATA\r\nBEGIN\r\n";
    char line[LINE_MAX_BYTES];
    int rc = ask_line(s, deadline, AUTH, sizeof(AUTH) - 1, line);
    bool asked = rc == 0 && strcmp(line, "DATA") == 0;
    if (asked)
        rc = ask_line(s, deadline, DATA, sizeof(DATA) - 1, line);
    if (rc == 0 && strncmp(line, "REJECTED", 8) == 0)
        rc = -EACCES;
    else if (rc == 0 && strncmp(line, "OK ", 3) != 0)
        rc = -EPROTO;
    return rc < 0 || asked ? rc : send_all(s, "BEGIN\r\n", 7);
}

/* A bus has names for all that are on it, and passes on what is asked for alone. */
static int enter_bus(struct systemd *s, int64_t deadline)
{
    static const char BUS[] = "org.freedesktop.DBus", PATH[] = "/org/freedesktop/DBus";
    static const struct message_call HELLO = {BUS, PATH, BUS, "Hello", NULL, false};
    static const struct message_call MATCH = {BUS, PATH, BUS, "AddMatch", "s", false};
    auto_done(systemd_properties_done) struct systemd_properties rule = {0};
    struct message m;
    message_text(&rule, "type='signal',sender='org.freedesktop.systemd1',"
                        "path='/org/freedesktop/systemd1',"
                        "interface='org.freedesktop.systemd1.Manager',"
                        "member='JobRemoved'");
    int rc = bus_call(s, &HELLO, NULL, deadline, &m);
    return rc < 0 ? rc : bus_call(s, &MATCH, &rule, deadline, &m);
}

/* "path=/run/x,guid=..." to a socket's address; %20 is a space. */
static int parse_address(const char *text, size_t n, struct sockaddr_un *ret,
                         socklen_t *ret_len)
{
    bool abstract = strncmp(text, "unix:abstract=", 14) == 0;
    size_t at = abstract ? 14 : 10, len = abstract ? 1 : 0;
    if (!abstract && strncmp(text, "unix:path=", 10) != 0)
        return -EPROTONOSUPPORT;
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    for (; at < n && text[at] != ','; at++) {
        char hex[3] = {0};
        if (len >= sizeof(ret->sun_path) - 1)
            return -ENAMETOOLONG;
        if (text[at] == '%' && at + 2 < n) {
            memcpy(hex, text + at + 1, 2);
            at += 2;
        }
        ret->sun_path[len++] = *hex ? (char)strtoul(hex, NULL, 16) : text[at];
    }
    *ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + !abstract);
    return len > (size_t)abstract ? 0 : -EINVAL;
}

static int connect_to(const struct sockaddr_un *a, socklen_t len, int timeout_ms)
{
    struct timeval limit = {timeout_ms / 1000, timeout_ms % 1000 * 1000};
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
        connect(fd, (const struct sockaddr *)a, len) < 0)
        return errno == EAGAIN ? -ETIMEDOUT : -errno;
    return take_fd(&fd);
}

/* Of several addresses the first one that answers. */
static int dial(const char *address, int timeout_ms)
{
    int rc = -EINVAL;
    for (const char *one = address; one; one = strchr(one, ';')) {
        struct sockaddr_un a;
        socklen_t len;
        one += *one == ';';
        rc = parse_address(one, strcspn(one, ";"), &a, &len);
        if (rc == 0)
            rc = connect_to(&a, len, timeout_ms);
        if (rc >= 0)
            break;
    }
    return rc;
}

int systemd_connect(struct systemd *ret, const char *address, bool bus, int timeout_ms,
                    struct mtd_error *err)
{
    struct systemd s = {.timeout_ms = timeout_ms};
    int64_t deadline = clock_mono_ns() + timeout_ms * NS_PER_MS;
    int rc = s.fd = dial(address, timeout_ms);
    if (rc >= 0)
        rc = authenticate(&s, deadline);
    if (rc >= 0 && bus)
        rc = enter_bus(&s, deadline);
    if (rc < 0) {
        systemd_close(&s);
        return mtd_fail_errno(err, -rc, "cannot speak with systemd at %.100s", address);
    }
    *ret = s;
    return 0;
}

/* ---- where it is ---- */

static bool is_set(const char *text)
{
    return text && *text;
}

static int open_users(struct systemd *ret, const struct systemd_places *at,
                      struct mtd_error *err)
{
    char address[256];
    if (is_set(at->users))
        return systemd_connect(ret, at->users, true, SYSTEMD_TIMEOUT_MS, err);
    if (!is_set(at->runtime_dir))
        return mtd_fail(err, ENOTCONN,
                        "no service manager of this user's is known: neither "
                        "DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set; log in "
                        "anew, or use cgroupfs");
    snprintf(address, sizeof(address), "unix:path=%.100s/systemd/private",
             at->runtime_dir);
    return systemd_connect(ret, address, false, SYSTEMD_TIMEOUT_MS, err);
}

int systemd_open(struct systemd *ret, const struct systemd_places *at, bool users,
                 struct mtd_error *err)
{
    static const char OWN[] = "unix:path=/run/systemd/private",
                      BUS[] = "unix:path=/run/dbus/system_bus_socket";
    if (users)
        return open_users(ret, at, err);
    if (is_set(at->host))
        return systemd_connect(ret, at->host, true, SYSTEMD_TIMEOUT_MS, err);
    if (access("/run/systemd/system", F_OK) < 0)
        return mtd_fail(err, ENOTCONN,
                        "systemd not running on this host, cannot use systemd cgroups "
                        "manager");
    bool own = access(OWN + sizeof("unix:path=") - 1, F_OK) == 0;
    return systemd_connect(ret, own ? OWN : BUS, !own, SYSTEMD_TIMEOUT_MS, err);
}
