/* Lines to systemd's journal, by its native protocol: a datagram of "NAME=value\n" for each. The
 * socket takes a datagram whole or not at all. A journal that does not read is waited for, for a
 * second; then the line is behind, and sent when there is more (mirror.c). */

#include "engine/log/internal.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

#define SOCKET "/run/systemd/journal/socket"

int log_journal_open(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = SOCKET};
    const struct timeval second = {.tv_sec = 1};
    auto_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second)) < 0)
        return -errno;
    return take_fd(&fd);
}

/* A value of several lines is written with its length in front. */
int log_journal_fields(const struct strv *pairs, struct buf *ret)
{
    int rc = 0;
    for (size_t i = 0; i < pairs->len && rc == 0; i++) {
        const char *name = pairs->items[i], *value = strchr(name, '=');
        if (!value)
            continue;
        uint64_t len = htole64(strlen(++value));
        if (!strchr(value, '\n')) {
            rc = buf_printf(ret, "%s\n", name);
            continue;
        }
        rc = buf_printf(ret, "%.*s\n", (int)(value - 1 - name), name);
        if (rc == 0)
            rc = buf_add(ret, &len, sizeof(len));
        if (rc == 0)
            rc = buf_printf(ret, "%s\n", value);
    }
    return rc;
}

#define PART(text, n)                              \
    {                                              \
        .iov_base = (void *)(text), .iov_len = (n) \
    }

int log_journal_send(int fd, const struct log_record *r, bool more, const char *fields,
                     size_t len)
{
    static const char PARTIAL[] = "CONTAINER_PARTIAL_MESSAGE=true\n";
    char head[96], time[LOG_TIME_LEN + 1];
    time[log_json_time(r->time, time)] = '\0';
    int n = snprintf(head, sizeof(head), "PRIORITY=%d\nSYSLOG_TIMESTAMP=%s\nMESSAGE=",
                     r->stream == LOG_STDERR ? 3 : 6, time);
    struct iovec parts[] = {PART(head, (size_t)n), PART(r->text, r->len), PART("\n", 1),
                            PART(PARTIAL, more ? sizeof(PARTIAL) - 1 : 0),
                            PART(fields, len)};
    struct msghdr message = {.msg_iov = parts,
                             .msg_iovlen = sizeof(parts) / sizeof(parts[0])};
    ssize_t rc;
    do
        rc = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}
