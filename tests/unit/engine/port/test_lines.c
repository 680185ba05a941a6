/* The ports of a list as docker writes them, and as the dashboard's column does. */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "engine/port/port.h"

TestSuite(port_lines);

static const char *text_of(int (*make)(const struct strv *, struct buf *),
                           const char *lines)
{
    static struct buf out;
    struct strv v = {0};
    char copy[512], *save = NULL;
    buf_done(&out);
    out = (struct buf){0};
    strncpy(copy, lines, sizeof(copy) - 1);
    copy[sizeof(copy) - 1] = '\0';
    for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
        cr_assert_eq(strv_add(&v, w), 0);
    cr_assert_eq(make(&v, &out), 0);
    strv_done(&v);
    return out.data ? out.data : "";
}

Test(port_lines, read)
{
    struct mtd_port_line p;
    cr_assert_eq(mtd_port_line_read("0.0.0.0:8080->80/tcp", &p), 0);
    cr_expect(strcmp(p.address, "0.0.0.0") == 0 && p.host == 8080 && p.target == 80);
    cr_expect_str_eq(p.protocol, "tcp");
    cr_expect(mtd_port_line_is_public(&p));
    cr_assert_eq(mtd_port_line_read("[::1]:53->5353/udp", &p), 0);
    cr_expect(strcmp(p.address, "::1") == 0 && p.host == 53 && p.target == 5353);
    cr_expect(!mtd_port_line_is_public(&p));
    cr_assert_eq(mtd_port_line_read("127.0.0.2:1->2/tcp", &p), 0);
    cr_expect(!mtd_port_line_is_public(&p));
    cr_assert_eq(mtd_port_line_read("443/tcp", &p), 0);
    cr_expect(p.target == 443 && p.host == 0 && !mtd_port_line_is_public(&p));
    static const char *const BAD[] = {"", "/tcp", "x->1/tcp", "a:70000->1/tcp", "a:1->x"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        cr_expect_eq(mtd_port_line_read(BAD[i], &p), -EINVAL, "\"%s\"", BAD[i]);
}

/* The order and the ranges of docker's DisplayablePorts. */
Test(port_lines, text_is_dockers)
{
    static const char *const PAIRS[][2] = {
        {"", ""},
        {"80/tcp", "80/tcp"},
        {"0.0.0.0:8080->80/tcp [::]:8080->80/tcp",
         "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"},
        {"0.0.0.0:81->81/tcp 0.0.0.0:80->80/tcp 0.0.0.0:82->82/tcp",
         "0.0.0.0:80-82->80-82/tcp"},
        {"0.0.0.0:8081->81/tcp 0.0.0.0:8080->80/tcp",
         "0.0.0.0:8080->80/tcp, 0.0.0.0:8081->81/tcp"},
        {"0.0.0.0:80->80/tcp 443/tcp 444/tcp 0.0.0.0:90->9/tcp",
         "0.0.0.0:80->80/tcp, 443-444/tcp, 0.0.0.0:90->9/tcp"},
        {"80/tcp 80/udp 82/tcp", "80/tcp, 82/tcp, 80/udp"},
    };
    for (size_t i = 0; i < sizeof(PAIRS) / sizeof(PAIRS[0]); i++)
        cr_expect_str_eq(text_of(mtd_ports_text, PAIRS[i][0]), PAIRS[i][1]);
}

Test(port_lines, short_text_says_what_is_reachable)
{
    static const char *const PAIRS[][2] = {
        {"80/tcp", ""},
        {"0.0.0.0:8080->80/tcp [::]:8080->80/tcp", "*:8080->80"},
        {"0.0.0.0:8081->81/tcp 0.0.0.0:8080->80/tcp [::]:8080->80/tcp "
         "[::]:8081->81/tcp",
         "*:8080-8081->80-81"},
        {"127.0.0.1:53->53/udp 0.0.0.0:80->80/tcp [2001:db8::1]:90->80/tcp",
         "127.0.0.1:53->53/udp, *:80->80, [2001:db8::1]:90->80"},
    };
    for (size_t i = 0; i < sizeof(PAIRS) / sizeof(PAIRS[0]); i++)
        cr_expect_str_eq(text_of(mtd_ports_short, PAIRS[i][0]), PAIRS[i][1]);
}
