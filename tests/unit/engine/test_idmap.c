/* Ranges of ids: what is one, and what they are on the host. */

#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "engine/idmap.h"

static struct mtd_error err;

static int parse_all(struct mtd_spec *s, const char *const *texts)
{
    int rc = 0;
    mtd_spec_init(s);
    mtd_error_clear(&err);
    for (size_t i = 0; texts[i] && rc == 0; i++)
        rc = mtd_userns_parse(texts[i], s, &err);
    return rc < 0 ? rc : mtd_idmap_check(s, &err);
}

#define PARSE(s, ...) parse_all(s, (const char *const[]){__VA_ARGS__, NULL})

Test(idmap, words)
{
    struct mtd_spec s;
    cr_expect_eq(PARSE(&s, "host"), 0);
    cr_expect_eq(s.userns, MTD_USERNS_HOST);
    cr_expect_str_eq(mtd_userns_name(&s), "");
    cr_expect_eq(PARSE(&s, "auto"), 0);
    cr_expect_eq(s.userns, MTD_USERNS_AUTO);
    cr_expect_eq(s.userns_size, MTD_IDMAP_SIZE);
    cr_expect_eq(PARSE(&s, "auto:size=7"), 0);
    cr_expect_eq(s.userns_size, 7);
    cr_expect_str_eq(mtd_userns_name(&s), "auto");
}

Test(idmap, bad_words_are_refused_in_one_line)
{
    static const char *const BAD[] = {"",
                                      "x",
                                      "hosts",
                                      "autos",
                                      "auto:",
                                      "auto:size=",
                                      "auto:size=0",
                                      "auto:size=4294967296",
                                      "auto:size=-1",
                                      "auto:uidmapping=1",
                                      "keep",
                                      "keep-id",
                                      "0:1",
                                      "0:1:",
                                      ":1:2",
                                      "0:1:2:3",
                                      "0:0x1:2",
                                      "0:-1:5",
                                      "0:1:0",
                                      "0:1:4294967296",
                                      "0:4294967295:1",
                                      "4294967295:0:1",
                                      "0:4294967294:2",
                                      "4294967294:0:2",
                                      "0:1:99999999999999999999",
                                      "5:100000:10" /* no id 0 */};
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++) {
        struct mtd_spec s;
        cr_expect_lt(PARSE(&s, BAD[i]), 0, "\"%s\" was taken", BAD[i]);
        cr_expect(err.text[0] && !strchr(err.text, '\n'), "%s: %s", BAD[i], err.text);
        mtd_spec_done(&s);
    }
}

Test(idmap, ranges_that_overlap_are_refused)
{
    struct mtd_spec s;
    cr_expect_eq(PARSE(&s, "0:1000:10", "9:5000:10"), -EINVAL);
    mtd_spec_done(&s);
    cr_expect_eq(PARSE(&s, "0:1000:10", "10:1009:1"), -EINVAL);
    mtd_spec_done(&s);
    cr_expect_eq(PARSE(&s, "10:1010:10", "0:1000:10"), 0, "%s", err.text);
    mtd_spec_done(&s);
    cr_expect_eq(PARSE(&s, "0:0:4294967295"), 0, "%s", err.text);
    mtd_spec_done(&s);
}

Test(idmap, at_most_32_ranges)
{
    struct mtd_spec s;
    mtd_spec_init(&s);
    for (unsigned i = 0; i <= MTD_IDMAP_RANGES; i++) {
        char text[64];
        snprintf(text, sizeof(text), "%u:%u:1", i, 1000 + i);
        cr_expect_eq(mtd_userns_parse(text, &s, &err), i < MTD_IDMAP_RANGES ? 0 : -E2BIG);
    }
    mtd_spec_done(&s);
}

static int64_t to_host(const struct mtd_spec *s, uint32_t id)
{
    uint32_t host;
    return mtd_idmap_to_host(s, id, &host) ? (int64_t)host : -1;
}

Test(idmap, ids_become_the_hosts)
{
    struct mtd_spec s;
    cr_assert_eq(PARSE(&s, "0:100000:10", "1000:7:1"), 0);
    cr_expect_eq(to_host(&s, 0), 100000);
    cr_expect_eq(to_host(&s, 9), 100009);
    cr_expect_eq(to_host(&s, 10), -1);
    cr_expect_eq(to_host(&s, 999), -1);
    cr_expect_eq(to_host(&s, 1000), 7);
    cr_expect_eq(to_host(&s, 1001), -1);
    mtd_spec_done(&s);
    mtd_spec_init(&s);
    cr_expect_eq(to_host(&s, 77), 77, "without a map an id is its own");
}
