/* Messages of the attach socket: what does not say its own length, or says one that is not its
 * type's, is no message. No root. */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/wire/packet.h"

static int ends[2];
static char room[PACKET_MAX];

static void set_up(void)
{
    cr_assert_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
}

static void tear_down(void)
{
    close(ends[0]);
    close(ends[1]);
}

TestSuite(packet, .init = set_up, .fini = tear_down, .timeout = 10);

/* A message of `payload` bytes with this head, as another program could send it. */
static int received(uint32_t type, uint32_t len, size_t payload)
{
    static char text[PACKET_MAX + 64];
    struct packet_head head = {type, len};
    const void *data = NULL;
    size_t got = 0;
    memcpy(text, &head, sizeof(head));
    cr_assert_eq(send(ends[0], text, sizeof(head) + payload, 0),
                 (ssize_t)(sizeof(head) + payload));
    int rc = packet_recv(ends[1], room, MSG_DONTWAIT, &data, &got);
    if (rc > 0)
        cr_expect_eq(got, payload);
    return rc;
}

Test(packet, a_message_comes_as_it_was_sent)
{
    const struct packet_size size = {24, 80};
    const void *data = NULL;
    size_t len = 0;
    cr_assert_eq(packet_send(ends[0], PACKET_RESIZE, &size, sizeof(size), 0), 0);
    cr_expect_eq(packet_recv(ends[1], room, 0, &data, &len), PACKET_RESIZE);
    cr_expect_eq(len, sizeof(size));
    cr_expect_eq(memcmp(data, &size, sizeof(size)), 0);
    cr_expect_eq(received(PACKET_STDIN, 0, 0), PACKET_STDIN);
    cr_expect_eq(received(PACKET_STDIN, PACKET_DATA_MAX, PACKET_DATA_MAX), PACKET_STDIN);
}

Test(packet, a_length_that_is_not_the_messages_is_refused)
{
    static const uint32_t SAID[] = {0, 1, 9, 11, UINT32_MAX, UINT32_MAX - 7};
    for (size_t i = 0; i < sizeof(SAID) / sizeof(SAID[0]); i++)
        cr_expect_eq(received(PACKET_STDIN, SAID[i], 10), -EBADMSG, "%u", SAID[i]);
}

Test(packet, a_length_that_is_not_the_types_is_refused)
{
    const struct {
        uint32_t type;
        size_t len;
    } EXACT[] = {{PACKET_READY, sizeof(struct packet_ready)},
                 {PACKET_ERROR, sizeof(struct mtd_error)},
                 {PACKET_LOG, sizeof(uint64_t)},
                 {PACKET_EXIT, sizeof(struct packet_exit)},
                 {PACKET_RESIZE, sizeof(struct packet_size)},
                 {PACKET_STOPPING, 0},
                 {PACKET_SHUTDOWN, 0},
                 {PACKET_BEGIN, sizeof(struct packet_begin)},
                 {PACKET_NETWORK, sizeof(uint32_t)}};
    for (size_t i = 0; i < sizeof(EXACT) / sizeof(EXACT[0]); i++) {
        uint32_t len = (uint32_t)EXACT[i].len;
        cr_expect_eq(received(EXACT[i].type, len, len), (int)EXACT[i].type);
        cr_expect_eq(received(EXACT[i].type, len + 1, len + 1), -EBADMSG, "%u",
                     EXACT[i].type);
        if (len)
            cr_expect_eq(received(EXACT[i].type, len - 1, len - 1), -EBADMSG, "%u",
                         EXACT[i].type);
    }
}

Test(packet, a_type_that_is_none_is_refused)
{
    static const uint32_t TYPES[] = {0, PACKET_LIMIT, PACKET_LIMIT + 1, UINT32_MAX};
    for (size_t i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++)
        cr_expect_eq(received(TYPES[i], 0, 0), -EBADMSG, "%u", TYPES[i]);
}

Test(packet, less_than_a_head_and_more_than_there_is_room_for)
{
    const void *data;
    size_t len;
    cr_assert_eq(send(ends[0], "abc", 3, 0), 3);
    cr_expect_eq(packet_recv(ends[1], room, MSG_DONTWAIT, &data, &len), -EBADMSG);
    cr_expect_eq(received(PACKET_STDIN, PACKET_DATA_MAX + 1, PACKET_DATA_MAX + 1),
                 -EBADMSG);
    cr_expect_eq(packet_send(ends[0], PACKET_STDIN, room, PACKET_DATA_MAX + 1, 0),
                 -EMSGSIZE);
    close(ends[0]);
    cr_expect_eq(packet_recv(ends[1], room, 0, &data, &len), 0, "its peer is gone");
    ends[0] = dup(ends[1]);
}

/* They are the receiver's also where it refuses the message, which closes them. */
Test(packet, descriptors_of_a_refused_message_are_told)
{
    struct packet_fds fds = {.n = 0};
    const void *data;
    size_t len;
    cr_assert_eq(packet_send_fds(ends[0], PACKET_RESIZE, "x", 1, &ends[0], 1), 0);
    cr_expect_eq(packet_recv_fds(ends[1], room, 0, &data, &len, &fds), -EBADMSG);
    cr_assert_eq(fds.n, 1);
    cr_expect_eq(fcntl(fds.fds[0], F_GETFD), FD_CLOEXEC);
    packet_fds_close(&fds);
    cr_expect_eq(fds.n, 0);
}

/* The kernel says ECONNRESET first when a message to the one that closed was unread. */
Test(packet, what_was_said_before_a_reset_is_heard)
{
    const struct packet_exit end = {.code = 3};
    const void *data = NULL;
    size_t len = 0;
    cr_assert_eq(packet_send(ends[1], PACKET_STOPPING, NULL, 0, 0), 0);
    cr_assert_eq(packet_send(ends[0], PACKET_EXIT, &end, sizeof(end), 0), 0);
    close(ends[0]); /* the other's message is unread */
    cr_assert_eq(packet_recv(ends[1], room, 0, &data, &len), PACKET_EXIT);
    cr_expect_eq(memcmp(data, &end, sizeof(end)), 0);
    cr_expect_eq(packet_recv(ends[1], room, 0, &data, &len), 0);
    ends[0] = dup(ends[1]);
}
