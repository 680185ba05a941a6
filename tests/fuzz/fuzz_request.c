/* What other processes hand us: a request to enter namespaces, a packet on an attach socket. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/wire/packet.h"
#include "fuzz.h"
#include "nsenter/nsenter.h"

static void request(const uint8_t *data, size_t size)
{
    struct nsenter_request r = {0}, again = {0};
    struct buf first = {0}, second = {0};
    if (nsenter_decode(data, size, &r) < 0)
        return;
    CHECK(nsenter_encode(&r, &first) == 0);
    CHECK(nsenter_decode(first.data, first.len, &again) == 0);
    CHECK(nsenter_encode(&again, &second) == 0);
    CHECK(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    buf_done(&first);
    buf_done(&second);
    nsenter_request_done(&r);
    nsenter_request_done(&again);
}

static void packet(const uint8_t *data, size_t size)
{
    static int fds[2] = {-1, -1};
    static char buf[PACKET_MAX];
    const void *payload = NULL;
    size_t len = 0;
    if (fds[0] < 0)
        CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
    if (size == 0 || size > PACKET_MAX)
        return;
    CHECK(send(fds[0], data, size, 0) == (ssize_t)size);
    int type = packet_recv(fds[1], buf, MSG_DONTWAIT, &payload, &len);
    CHECK(type < PACKET_LIMIT);
    if (type > 0)
        CHECK(len <= PACKET_DATA_MAX && (const char *)payload + len <= buf + sizeof(buf));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    request(data, size);
    packet(data, size);
    return 0;
}
