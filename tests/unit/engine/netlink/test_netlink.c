#include "engine/netlink/netlink.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* "ip link set dev lo up" as iproute2 6.1 sends it (strace), with our flags. */
static const unsigned char LO_UP[] = {
    0x20, 0, 0, 0, 0x10, 0, 0x05, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* nlmsghdr, seq 0 */
    0,    0, 0, 0, 1,    0, 0,    0, 1, 0, 0, 0, 1, 0, 0, 0, /* ifinfomsg: 1, up */
};

Test(netlink, a_message_is_what_other_programs_send)
{
    static struct netlink_request r;
    struct ifinfomsg up = {.ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    netlink_request_init(&r);
    netlink_message(&r, RTM_NEWLINK, 0, &up, sizeof(up));
    cr_assert_eq(r.len, sizeof(LO_UP));
    cr_expect_arr_eq(r.data, LO_UP, sizeof(LO_UP));
}

Test(netlink, attributes_are_padded_and_nested)
{
    static const unsigned char WANT[] = {
        20, 0, 1, 0x80,                 /* the nest, with its flag */
        5,  0, 2, 0,    7,   0,   0, 0, /* u8 */
        8,  0, 3, 0,    0,   0,   1, 2, /* be32 */
        7,  0, 4, 0,    'a', 'b', 0, 0, /* a text behind the nest */
    };
    static struct netlink_request r;
    netlink_request_init(&r);
    netlink_message(&r, 16, 0, NULL, 0);
    size_t nest = netlink_nest(&r, 1);
    netlink_put_u8(&r, 2, 7);
    netlink_put_be32(&r, 3, 0x102);
    netlink_nest_end(&r, nest);
    netlink_put_text(&r, 4, "ab");
    cr_assert_eq(r.len, 16 + sizeof(WANT));
    cr_expect_arr_eq(r.data + 16, WANT, sizeof(WANT));
    cr_expect_eq(r.data[0], r.len);
    cr_expect(!r.full);
}

Test(netlink, what_does_not_fit_is_never_sent)
{
    static struct netlink_request r;
    static const unsigned char MUCH[NETLINK_REQUEST_MAX];
    struct netlink n = NETLINK_NONE;
    netlink_request_init(&r);
    netlink_message(&r, 16, 0, NULL, 0);
    netlink_put(&r, 1, MUCH, sizeof(MUCH));
    netlink_put_u32(&r, 2, 1);
    cr_expect(r.full);
    cr_expect_leq(r.len, sizeof(r.data));
    cr_expect_eq(netlink_send(&n, &r, NULL), -EMSGSIZE);
}

Test(netlink, an_attribute_that_leaves_its_message_ends_the_reading)
{
    static const unsigned char BAD[] = {8, 0, 1, 0, 1, 0, 0, 0, 200, 0, 2, 0, 9, 9, 9, 9};
    struct netlink_span s = {BAD, sizeof(BAD)};
    struct netlink_attribute a;
    cr_assert(netlink_next_attribute(&s, &a));
    cr_expect_eq(a.type, 1);
    cr_expect_eq(netlink_u32(a.value), 1);
    cr_expect(!netlink_next_attribute(&s, &a));
    static const unsigned char SHORT[] = {2, 0, 1, 0};
    s = (struct netlink_span){SHORT, sizeof(SHORT)};
    cr_expect(!netlink_next_attribute(&s, &a));
}

Test(netlink, an_answer_that_leaves_its_packet_is_none)
{
    unsigned char packet[32] = {64, 0, 0, 0, 16};
    struct netlink_span s = {packet, sizeof(packet)};
    struct netlink_answer a;
    cr_expect(!netlink_next_answer(&s, &a));
    packet[0] = 12;
    s = (struct netlink_span){packet, sizeof(packet)};
    cr_expect(!netlink_next_answer(&s, &a));
    packet[0] = 32;
    s = (struct netlink_span){packet, sizeof(packet)};
    cr_assert(netlink_next_answer(&s, &a));
    cr_expect_eq(a.body.left, 16);
    cr_expect_eq(s.left, 0);
}

Test(netlink, a_text_without_an_end_is_none)
{
    char name[8];
    cr_expect(!netlink_text((struct netlink_span){(const void *)"abc", 3}, name, 8));
    cr_expect(!netlink_text((struct netlink_span){(const void *)"abcdefgh", 9}, name, 8));
    cr_expect(netlink_text((struct netlink_span){(const void *)"abc", 4}, name, 8));
    cr_expect_str_eq(name, "abc");
}

/* ---- with the kernel, in a network namespace of the test's own ---- */

static bool enter_namespace(void)
{
    if (unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)
        return true;
    fprintf(stderr, "[SKIP] no network namespace can be made here\n");
    return false;
}

static void get_link(struct netlink_request *r, const char *name)
{
    struct ifinfomsg any = {0};
    netlink_request_init(r);
    netlink_message(r, RTM_GETLINK, name ? 0 : NLM_F_DUMP, &any, sizeof(any));
    if (name)
        netlink_put_text(r, IFLA_IFNAME, name);
}

static int note_link(const struct netlink_answer *a, void *arg)
{
    struct netlink_span s = a->body, name;
    struct ifinfomsg link;
    char text[IFNAMSIZ];
    netlink_take_header(&s, &link, sizeof(link));
    if (netlink_find(s, IFLA_IFNAME, &name) && netlink_text(name, text, sizeof(text)) &&
        strcmp(text, "lo") == 0)
        *(unsigned *)arg = link.ifi_flags | 0x80000000u;
    return 0;
}

Test(netlink, the_kernel_is_asked_and_changed)
{
    static struct netlink_request r;
    if (!enter_namespace())
        cr_skip_test();
    auto_done(netlink_close) struct netlink n = NETLINK_NONE;
    unsigned flags = 0;
    cr_assert_eq(netlink_open(&n, NETLINK_ROUTE), 0);
    get_link(&r, "lo");
    cr_assert_eq(netlink_ask(&n, &r, note_link, &flags), 0);
    cr_expect_eq(flags & (0x80000000u | IFF_UP), 0x80000000u);
    struct ifinfomsg up = {.ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    netlink_request_init(&r);
    netlink_message(&r, RTM_NEWLINK, 0, &up, sizeof(up));
    cr_assert_eq(netlink_send(&n, &r, NULL), 0);
    get_link(&r, NULL); /* a dump ends by itself */
    flags = 0;
    cr_assert_eq(netlink_ask(&n, &r, note_link, &flags), 0);
    cr_expect_eq(flags & (0x80000000u | IFF_UP), 0x80000000u | IFF_UP);
}

Test(netlink, the_message_that_failed_is_named)
{
    static struct netlink_request r;
    if (!enter_namespace())
        cr_skip_test();
    auto_done(netlink_close) struct netlink n = NETLINK_NONE;
    struct ifinfomsg up = {.ifi_index = 1, .ifi_flags = IFF_UP, .ifi_change = IFF_UP},
                     gone = {.ifi_index = 4711};
    unsigned failed = 9;
    cr_assert_eq(netlink_open(&n, NETLINK_ROUTE), 0);
    netlink_request_init(&r);
    netlink_message(&r, RTM_NEWLINK, 0, &up, sizeof(up));
    netlink_message(&r, RTM_NEWLINK, 0, &gone, sizeof(gone));
    cr_expect_eq(netlink_send(&n, &r, &failed), -ENODEV);
    cr_expect_eq(failed, 1);
    /* and the next request is not confused by what was left */
    netlink_request_init(&r);
    netlink_message(&r, RTM_NEWLINK, 0, &up, sizeof(up));
    cr_expect_eq(netlink_send(&n, &r, &failed), 0);
}
