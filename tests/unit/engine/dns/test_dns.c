#include "engine/dns/dns.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"

/* "www.db" A IN, recursion wanted, with EDNS for 1232 bytes. */
static const unsigned char QUESTION[] = {
    0x12, 0x34, 1, 0, 0, 1, 0, 0, 0,  0, 0,    1, 3, 'W', 'w', 'w', 2, 'd',
    'b',  0,    0, 1, 0, 1, 0, 0, 41, 4, 0xd0, 0, 0, 0,   0,   0,   0};

static struct dns_question ask(void)
{
    struct dns_question q;
    cr_assert_eq(dns_message_question(QUESTION, sizeof(QUESTION), &q), 0);
    return q;
}

Test(dns, a_question_is_read)
{
    struct dns_question q = ask();
    cr_expect_eq(q.id, 0x1234);
    cr_expect_eq(q.type, DNS_A);
    cr_expect_str_eq(q.name, "www.db");
    cr_expect(q.plain && q.recursion && q.edns);
    cr_expect_eq(q.room, 1232);
    cr_expect_eq(q.end, 24);
}

Test(dns, what_is_no_question_is_refused)
{
    struct dns_question q;
    for (size_t len = 0; len < 24; len++)
        cr_expect_lt(dns_message_question(QUESTION, len, &q), 0, "%zu bytes", len);
    static const struct {
        size_t at;
        unsigned char value;
    } CASES[] = {
        {2, 0x81},  /* an answer */
        {2, 0x09},  /* another operation */
        {5, 2},     /* two questions */
        {12, 64},   /* a label that is too long */
        {12, 0xc0}, /* a jump */
        {12, 40},   /* beyond the end */
        {23, 3},    /* another class */
    };
    for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
        unsigned char m[sizeof(QUESTION)];
        memcpy(m, QUESTION, sizeof(m));
        m[CASES[i].at] = CASES[i].value;
        cr_expect_lt(dns_message_question(m, sizeof(m), &q), 0, "case %zu", i);
    }
}

Test(dns, a_label_with_a_dot_or_a_slash_is_no_name_of_a_file)
{
    unsigned char m[sizeof(QUESTION)];
    struct dns_question q;
    static const unsigned char ODD[] = {'.', '/', 0, ' ', 0xff};
    for (size_t i = 0; i < sizeof(ODD); i++) {
        memcpy(m, QUESTION, sizeof(m));
        m[14] = ODD[i];
        cr_assert_eq(dns_message_question(m, sizeof(m), &q), 0);
        cr_expect(!q.plain, "%02x", ODD[i]);
    }
}

Test(dns, an_answer_has_the_addresses_and_lives_for_no_time)
{
    static const unsigned char WANT[] = {
        0x12, 0x34, 0x81, 0x80, 0,  1,   0,   1, 0, 0, 0, 1, /* one answer, and EDNS */
        3,    'W',  'w',  'w',  2,  'd', 'b', 0, 0, 1, 0, 1,   0xc0,
        12,   0,    1,    0,    1,  0,   0,   0, 0, 0, 4, 172, 18,
        0,    2,    0,    0,    41, 16,  0,   0, 0, 0, 0, 0,   0};
    static struct dns_answer a;
    static const unsigned char IP[] = {172, 18, 0, 2};
    struct dns_question q = ask();
    dns_answer_begin(&a, QUESTION, &q, q.room);
    dns_answer_address(&a, IP, 4);
    dns_answer_end(&a, &q, DNS_OK);
    cr_assert_eq(a.len, sizeof(WANT));
    cr_expect_arr_eq(a.data, WANT, sizeof(WANT));
}

Test(dns, what_does_not_fit_is_cut_and_said)
{
    static struct dns_answer a;
    static const unsigned char IP[16] = {0xfd};
    struct dns_question q = ask();
    dns_answer_begin(&a, QUESTION, &q, q.room);
    for (int i = 0; i < 60; i++)
        dns_answer_address(&a, IP, 16);
    dns_answer_end(&a, &q, DNS_OK);
    cr_expect_leq(a.len, q.room);
    cr_expect(a.data[2] & 2);
    cr_expect_eq(a.count, (q.room - q.end - 11) / 28); /* as many as fit */
    cr_expect_eq(a.data[7], a.count);
    dns_answer_begin(&a, QUESTION, &q, DNS_STREAM_MAX);
    for (int i = 0; i < 1000; i++)
        dns_answer_address(&a, IP, 16);
    dns_answer_end(&a, &q, DNS_OK);
    cr_expect_eq(a.count, 1000);
    cr_expect_eq(a.data[2] & 2, 0);
}

Test(dns, reverse_names)
{
    char text[46];
    cr_assert(dns_message_reverse("2.0.18.172.in-addr.arpa", text));
    cr_expect_str_eq(text, "172.18.0.2");
    cr_assert(
        dns_message_reverse("2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.7.7.0.0."
                            "0.0.d.f.ip6.arpa",
                            text));
    cr_expect_str_eq(text, "fd00:77::2");
    static const char *const BAD[] = {"",
                                      "2.0.18.in-addr.arpa",
                                      "256.0.18.172.in-addr.arpa",
                                      "2.0.18.172.in-addr.arpa.x",
                                      "g.0.ip6.arpa",
                                      "ip6.arpa"};
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++)
        cr_expect(!dns_message_reverse(BAD[i], text), "%s", BAD[i]);
}

Test(dns, an_answer_must_repeat_number_and_question)
{
    unsigned char m[sizeof(QUESTION)];
    struct dns_question q = ask();
    memcpy(m, QUESTION, sizeof(m));
    cr_expect(!dns_message_answers(m, sizeof(m), 0x1234, &q), "a question");
    m[2] |= 0x80;
    cr_expect(dns_message_answers(m, sizeof(m), 0x1234, &q));
    cr_expect(!dns_message_answers(m, sizeof(m), 0x1235, &q), "another number");
    m[13] = 'x';
    cr_expect(!dns_message_answers(m, sizeof(m), 0x1234, &q), "another name");
    m[13] = 'w';
    m[21] = DNS_AAAA;
    cr_expect(!dns_message_answers(m, sizeof(m), 0x1234, &q), "another type");
    cr_expect(!dns_message_answers(m, 20, 0x1234, &q), "cut");
}
