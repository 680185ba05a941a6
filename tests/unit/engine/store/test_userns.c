/* Ids of the host for containers that have their own: where from, and never twice. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/idmap.h"
#include "engine/store/idpool.h"
#include "storebox.h"

#define OWN_FIRST 1879048192u
#define OWN_END 2147352576u

TestSuite(userns, .init = storebox_setup, .fini = storebox_teardown);

static int etc_fd = -1;

/* A directory like /etc with these files; NULL = missing. */
static void make_etc(const char *subuid, const char *subgid, const char *passwd)
{
    const char *const names[] = {"subuid", "subgid", "passwd"}, *const texts[] = {subuid,
                                                                                  subgid,
                                                                                  passwd};
    if (etc_fd < 0) {
        cr_assert_eq(mkdirat(storebox_dir.fd, "etc", 0755), 0);
        etc_fd = fs_open_dir_at(storebox_dir.fd, "etc");
    }
    cr_assert_geq(etc_fd, 0);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        unlinkat(etc_fd, names[i], 0);
        if (texts[i])
            cr_assert_eq(
                fs_replace_at(etc_fd, names[i], texts[i], strlen(texts[i]), 0644, false),
                0);
    }
}

static int claim(const char *id_digit, const char *how, struct mtd_record *r)
{
    mtd_record_init(r);
    mtd_error_clear(&storebox_err);
    memset(r->id, id_digit[0], MTD_ID_LEN);
    char path[MTD_ID_SIZE + 16];
    snprintf(path, sizeof(path), "%s", r->id);
    (void)!mkdirat(storebox.containers_fd, path, 0700); /* the container is there */
    cr_assert_eq(mtd_userns_parse(how, &r->spec, &storebox_err), 0);
    return store_userns_claim(&storebox, etc_fd, r, &storebox_err);
}

static uint64_t claim_first(const char *id_digit, const char *how)
{
    struct mtd_record r;
    cr_assert_eq(claim(id_digit, how, &r), 0, "%s", storebox_err.text);
    cr_assert_eq(r.spec.n_idmap, 1);
    cr_expect_eq(r.spec.idmap[0].inside, 0);
    cr_expect_eq(r.spec.idmap[0].count, r.spec.userns_size);
    uint64_t first = r.spec.idmap[0].host;
    mtd_record_done(&r);
    return first;
}

Test(userns, without_an_entry_it_is_our_own_range)
{
    make_etc(NULL, NULL, "root:x:0:0::/:/bin/sh\n");
    uint64_t first = claim_first("a", "auto");
    cr_expect(first >= OWN_FIRST && first + MTD_IDMAP_SIZE <= OWN_END, "%llu",
              (unsigned long long)first);
}

Test(userns, an_entry_of_the_user_containers_is_what_there_is)
{
    make_etc("u:100000:65536\ncontainers:500000:100\n", "containers:500000:100\n", NULL);
    cr_expect_eq(claim_first("a", "auto:size=60"), 500000);
    struct mtd_record r;
    cr_expect_eq(claim("b", "auto:size=60", &r), -ENOSPC);
    cr_expect(strstr(storebox_err.text, "no 60 ids in a row are free"), "%s",
              storebox_err.text);
    mtd_record_done(&r);
    cr_expect_eq(claim_first("b", "auto:size=40"), 500060);
}

Test(userns, only_what_users_and_groups_have_in_common)
{
    make_etc("containers:1000000:100\n", "containers:1000050:100\n", NULL);
    cr_expect_eq(claim_first("a", "auto:size=50"), 1000050);
    struct mtd_record r;
    cr_expect_eq(claim("b", "auto:size=1", &r), -ENOSPC);
    mtd_record_done(&r);
}

Test(userns, entries_that_do_not_fit_are_refused)
{
    static const struct {
        const char *subuid, *subgid, *says;
    } BAD[] = {
        {"containers:1:2\n", NULL, "no ids in common"},
        {NULL, "containers:1:2\n", "no ids in common"},
        {"containers:100:10\n", "containers:110:10\n", "no ids in common"},
        {"containers:x:2\n", "containers:1:2\n", "/etc/subuid: the line of containers"},
        {"containers:1:2\n", "containers:1\n", "/etc/subgid: the line of containers"},
        {"containers:1:4294967295\n", "containers:1:2\n", "/etc/subuid: the line"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(BAD); i++) {
        struct mtd_record r;
        make_etc(BAD[i].subuid, BAD[i].subgid, NULL);
        cr_expect_lt(claim("a", "auto", &r), 0, "%zu", i);
        cr_expect(strstr(storebox_err.text, BAD[i].says), "%s", storebox_err.text);
        mtd_record_done(&r);
    }
}

Test(userns, ids_of_users_groups_and_others_ranges_are_left_out)
{
    make_etc("containers:1000:100\n", "containers:1000:100\n",
             "a:x:1005:1005::/:/\nb:x:1050:5::/:/\n");
    cr_expect_eq(claim_first("a", "auto:size=40"), 1006);
    struct mtd_record r;
    cr_expect_eq(claim("b", "auto:size=50", &r), -ENOSPC);
    mtd_record_done(&r);
    cr_expect_eq(claim_first("b", "auto:size=49"), 1051);
    /* In our own range, what is given to others. */
    make_etc("u:1879048192:268304000\n", NULL, NULL);
    cr_expect_eq(claim_first("c", "auto:size=384"), OWN_END - 384);
}

Test(userns, no_range_is_given_twice_until_its_container_is_gone)
{
    make_etc(NULL, NULL, NULL);
    uint64_t a = claim_first("a", "auto"), b = claim_first("b", "auto:size=5");
    cr_expect(b >= a + MTD_IDMAP_SIZE || b + 5 <= a);
    cr_expect_eq(claim_first("a", "auto"), a, "the same container keeps its place");
    char id[MTD_ID_SIZE] = "";
    memset(id, 'a', MTD_ID_LEN);
    cr_assert_eq(unlinkat(storebox.containers_fd, id, AT_REMOVEDIR), 0);
    cr_expect_eq(claim_first("c", "auto"), a, "what is gone is free");
}

Test(userns, given_ranges_may_be_shared_but_not_with_chosen_ones)
{
    char text[64];
    struct mtd_record r;
    make_etc(NULL, NULL, NULL);
    uint64_t a = claim_first("a", "auto:size=10");
    snprintf(text, sizeof(text), "0:%llu:5", (unsigned long long)a + 9);
    cr_expect_eq(claim("b", text, &r), -EBUSY);
    cr_expect(strstr(storebox_err.text, "are those of container aaaaaaaaaaaa"), "%s",
              storebox_err.text);
    mtd_record_done(&r);
    snprintf(text, sizeof(text), "0:%llu:5", (unsigned long long)a + 10);
    cr_expect_eq(claim("b", text, &r), 0, "%s", storebox_err.text);
    mtd_record_done(&r);
    cr_expect_eq(claim("c", text, &r), 0, "%s", storebox_err.text);
    mtd_record_done(&r);
    cr_expect_eq(claim_first("d", "auto:size=5"), a + 15,
                 "chosen ones keep off given ones");
}
