#include "cli/spec_network.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "engine/port/port.h"

static struct mtd_port *ports;
static size_t n;
static struct mtd_join *joins;
static size_t n_joins;
static struct mtd_error err;

static int parse(const char *text)
{
    mtd_ports_done(&ports, &n);
    mtd_error_clear(&err);
    return mtd_port_parse(text, "", &ports, &n, &err);
}

static void expect_port(size_t i, const char *address, unsigned host, unsigned target,
                        bool udp)
{
    cr_assert_lt(i, n);
    cr_expect_str_eq(ports[i].address ? ports[i].address : "", address);
    cr_expect_eq(ports[i].host, host);
    cr_expect_eq(ports[i].target, target);
    cr_expect_eq(ports[i].udp, udp);
}

Test(spec_network, ports_as_docker_writes_them)
{
    static const struct {
        const char *text, *address;
        unsigned host, target;
        bool udp;
    } CASES[] = {
        {"80", "", 0, 80, false},
        {"8080:80", "", 8080, 80, false},
        {"8080:80/udp", "", 8080, 80, true},
        {"127.0.0.1:8080:80", "127.0.0.1", 8080, 80, false},
        {"127.0.0.1::80/tcp", "127.0.0.1", 0, 80, false},
        {"0.0.0.0:8080:80", "0.0.0.0", 8080, 80, false},
        {"[::1]:8080:80", "::1", 8080, 80, false},
        {"[::]:8080:80", "::", 8080, 80, false},
        {"[fd00::1]::80/udp", "fd00::1", 0, 80, true},
        {":80", "", 0, 80, false},
        {"65535:1", "", 65535, 1, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        cr_assert_eq(parse(CASES[i].text), 0, "%s: %s", CASES[i].text, err.text);
        cr_expect_eq(n, 1, "%s", CASES[i].text);
        expect_port(0, CASES[i].address, CASES[i].host, CASES[i].target, CASES[i].udp);
    }
}

Test(spec_network, ranges_are_one_port_each)
{
    cr_assert_eq(parse("127.0.0.1:9000-9002:90-92/udp"), 0, "%s", err.text);
    cr_assert_eq(n, 3);
    expect_port(2, "127.0.0.1", 9002, 92, true);
    cr_assert_eq(parse("90-91"), 0);
    cr_assert_eq(n, 2);
    expect_port(1, "", 0, 91, false);
}

Test(spec_network, a_range_to_one_port_is_a_choice)
{
    cr_assert_eq(parse("127.0.0.1:8000-9000:80/udp"), 0, "%s", err.text);
    cr_assert_eq(n, 1);
    expect_port(0, "127.0.0.1", 8000, 80, true);
    cr_expect_eq(ports[0].host_last, 9000);
    cr_assert_eq(parse("8000-8000:80"), 0);
    cr_expect_eq(ports[0].host_last, 0);
    cr_assert_eq(parse("8000-8001:80-81"), 0);
    cr_expect_eq(ports[1].host_last, 0);
    cr_expect_lt(parse("8000-8002:80-81"), 0);
    cr_expect_lt(parse("8001-8000:80"), 0);
    cr_expect_lt(parse("8000:80-81"), 0);
}

Test(spec_network, the_default_address_is_for_ports_that_name_none)
{
    cr_assert_eq(mtd_port_parse("80:80", "127.0.0.1", &ports, &n, &err), 0);
    cr_assert_eq(mtd_port_parse("0.0.0.0:81:81", "127.0.0.1", &ports, &n, &err), 0);
    expect_port(0, "127.0.0.1", 80, 80, false);
    expect_port(1, "0.0.0.0", 81, 81, false);
}

Test(spec_network, what_is_no_port_is_refused)
{
    static const char *const CASES[] = {"",
                                        "0",
                                        "70000",
                                        "80:0",
                                        "80:70000",
                                        "-1",
                                        "80-",
                                        "90-80",
                                        "a:80",
                                        "80:a",
                                        "80/icmp",
                                        "1:2:3:4",
                                        "[::1:80",
                                        "[::1]80:80",
                                        "300.1.1.1:80:80",
                                        "80:80/sctp",
                                        "8000-8002:80-81",
                                        "80:80-81",
                                        "[zz]:80:80",
                                        "1.2.3.4:80",
                                        "1-65535"};
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        cr_expect_lt(parse(CASES[i]), 0, "%s", CASES[i]);
        cr_expect(err.text[0] && !strchr(err.text, '\n'), "%s", CASES[i]);
    }
}

static int join(const char *text)
{
    mtd_joins_done(&joins, &n_joins);
    mtd_error_clear(&err);
    return network_parse_join(text, &joins, &n_joins, &err);
}

Test(spec_network, both_long_forms_of_a_network)
{
    static const char *const CASES[] = {
        "name=web,ip=172.18.0.9,ip6=fd00::9,mac-address=02:42:ac:12:00:09,alias=a,alias=b",
        "web:ip=172.18.0.9,ip=fd00::9,mac=02:42:ac:12:00:09,alias=a,alias=b"};
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        cr_assert_eq(join(CASES[i]), 0, "%s", err.text);
        cr_expect_str_eq(joins[0].network, "web");
        cr_expect_str_eq(joins[0].address, "172.18.0.9");
        cr_expect_str_eq(joins[0].address6, "fd00::9");
        cr_expect_str_eq(joins[0].mac, "02:42:ac:12:00:09");
        cr_assert_eq(joins[0].aliases.len, 2);
        cr_expect_str_eq(joins[0].aliases.items[1], "b");
    }
}

Test(spec_network, what_is_no_network_is_refused)
{
    static const char *const CASES[] = {"a/b",
                                        "../x",
                                        "name=../x",
                                        "ip=1.2.3.4",
                                        "name=x,ip=y",
                                        "name=x,ip6=1.2.3.4",
                                        "name=x,mac=1:2",
                                        "name=x,mac=01:00:00:00:00:00",
                                        "name=x,alias=a b",
                                        "name=x,foo=1",
                                        "name=x,ip"};
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        cr_expect_lt(join(CASES[i]), 0, "%s", CASES[i]);
        cr_expect(err.text[0] && !strchr(err.text, '\n'), "%s", CASES[i]);
    }
}
