/* The summary in a record: that of this very text, or not used. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fs.h"
#include "engine/spec/spec.h"
#include "engine/store/internal.h"
#include "tempdir.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct mtd_error err;

/* Each member that a list shows is set. */
static void fill(struct mtd_record *r)
{
    mtd_record_init(r);
    memcpy(r->id, ID, sizeof(ID));
    r->name = strdup("a-name");
    r->created_at = 1767323045000000001;
    r->spec.image = strdup("busybox");
    r->spec.image_id = strdup("sha256:0");
    strv_add(&r->spec.process.args, "sh");
    strv_add(&r->spec.process.args, "two words");
    strv_add(&r->spec.labels, "a=\xff\n\"");
    r->spec.network = MTD_NET_HOST;
    r->spec.process.tty = true;
    r->spec.resources.memory = 1 << 20;
    r->spec.resources.nano_cpus = 5;
    r->spec.mounts = calloc(1, sizeof(*r->spec.mounts));
    r->spec.n_mounts = 1;
    r->spec.mounts[0].source = strdup("/s");
    r->spec.mounts[0].target = strdup("/t");
    r->status.state = MTD_STATE_EXITED;
    r->status.exit_code = 3;
    r->status.exit_signal = 9;
    r->status.oom_killed = true;
    r->status.started_at = 7;
    r->status.finished_at = 8;
    r->status.restart_count = 2;
    r->status.error = strdup("why");
    r->status.health = strdup("unhealthy");
}

static void write_text(const struct mtd_record *r, struct buf *text)
{
    cr_assert_eq(spec_encode(r, text, &err), 0, "%s", err.text);
    store_listed_add(text, r);
}

/* Two summaries are the same if their bytes are. */
static void expect_same(const struct mtd_summary *a, const struct mtd_summary *b)
{
    auto_done(buf_done) struct buf x = {0}, y = {0};
    cr_assert_eq(store_summary_put(&x, a), 0);
    cr_assert_eq(store_summary_put(&y, b), 0);
    cr_expect_str_eq(a->id, b->id);
    cr_expect(x.len == y.len && memcmp(x.data, y.data, x.len) == 0);
}

Test(store_listed, is_what_the_record_says)
{
    auto_done(mtd_record_done) struct mtd_record r, back;
    auto_done(mtd_summary_done) struct mtd_summary listed = {0}, made = {0};
    auto_done(buf_done) struct buf text = {0};
    fill(&r);
    mtd_record_init(&back);
    write_text(&r, &text);
    cr_assert_eq(store_listed_find(&text, ID, &listed), 0);
    cr_assert_eq(spec_decode(text.data, text.len, &back, &err), 0, "%s", err.text);
    cr_assert_eq(store_summary_make(&back, &made), 0);
    expect_same(&listed, &made);
    cr_expect_str_eq(listed.command, "sh 'two words'");
}

Test(store_listed, any_other_byte_and_it_is_not_used)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(buf_done) struct buf text = {0};
    struct mtd_summary s = {0};
    fill(&r);
    write_text(&r, &text);
    for (size_t i = 0; i < text.len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            text.data[i] ^= (char)(1 << bit);
            cr_assert_eq(store_listed_find(&text, ID, &s), -ENOENT, "byte %zu", i);
            text.data[i] ^= (char)(1 << bit);
        }
    }
    cr_expect_eq(store_listed_find(&text, OTHER, &s), -ENOENT);
}

Test(store_listed, nor_is_a_part_of_it)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(buf_done) struct buf text = {0};
    struct mtd_summary s = {0};
    fill(&r);
    write_text(&r, &text);
    for (size_t len = text.len; text.len-- > 0;)
        cr_assert_eq(store_listed_find(&text, ID, &s), -ENOENT, "%zu of %zu", text.len,
                     len);
    struct buf nothing = {0};
    cr_expect_eq(store_listed_find(&nothing, ID, &s), -ENOENT);
}

Test(store_listed, a_record_of_a_container_that_runs_has_none)
{
    static const enum mtd_state LIVE[] = {MTD_STATE_RUNNING, MTD_STATE_PAUSED};
    for (size_t i = 0; i < ARRAY_SIZE(LIVE); i++) {
        auto_done(mtd_record_done) struct mtd_record r;
        auto_done(buf_done) struct buf text = {0};
        struct mtd_summary s = {0};
        fill(&r);
        r.status.state = LIVE[i];
        write_text(&r, &text);
        cr_expect_eq(store_listed_find(&text, ID, &s), -ENOENT);
    }
}

/* ---- through the store ---- */

static struct tempdir tmp;
static struct store store;
static char id[MTD_ID_SIZE], path[MTD_ID_SIZE + 16];

static void setup(void)
{
    char root[80], run[80];
    auto_done(mtd_record_done) struct mtd_record r;
    tempdir_make(&tmp);
    snprintf(root, sizeof(root), "%s/root", tmp.path);
    snprintf(run, sizeof(run), "%s/run", tmp.path);
    cr_assert_eq(store_open(&store, root, run, STORE_MAKE, &err), 0);
    fill(&r);
    cr_assert_eq(store_create(&store, &r, "first", &err), 0, "%s", err.text);
    memcpy(id, r.id, sizeof(id));
    snprintf(path, sizeof(path), "%s/config.json", id);
}

static void teardown(void)
{
    store_done(&store);
    tempdir_done(&tmp);
}

TestSuite(store_lists, .init = setup, .fini = teardown);

static void expect_name(const char *name)
{
    struct mtd_list l = {0};
    cr_assert_eq(store_list(&store, &l, &err), 0, "%s", err.text);
    cr_assert_eq(l.len, 1);
    cr_expect_str_eq(l.items[0].name, name);
    mtd_list_done(&l);
}

static void read_text(struct buf *text)
{
    cr_assert_eq(fs_read_at(store.containers_fd, path, SPEC_MAX_BYTES, text), 0);
}

static void replace_text(const struct buf *text)
{
    cr_assert_eq(fs_replace_at(store.containers_fd, path, text->data, text->len, 0600, 0),
                 0);
}

/* The summary of a record of another name, with the right checksum: the list shows that
 * name, so it did not read the rest. */
Test(store_lists, a_list_reads_the_summary_alone)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(buf_done) struct buf text = {0};
    mtd_record_init(&r);
    cr_assert_eq(store_load(&store, id, &r, &err), 0);
    cr_assert_eq(spec_encode(&r, &text, &err), 0);
    free(r.name);
    r.name = strdup("second");
    store_listed_add(&text, &r);
    replace_text(&text);
    expect_name("second");
}

Test(store_lists, a_record_changed_by_hand_is_read)
{
    auto_done(buf_done) struct buf text = {0};
    read_text(&text);
    char *name = strstr(text.data, "\"first\"");
    cr_assert(name);
    memcpy(name, "\"other\"", 7);
    replace_text(&text);
    expect_name("other");
}

Test(store_lists, a_record_of_a_version_without_summaries_is_read)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(buf_done) struct buf text = {0};
    mtd_record_init(&r);
    cr_assert_eq(store_load(&store, id, &r, &err), 0);
    cr_assert_eq(spec_encode(&r, &text, &err), 0);
    replace_text(&text);
    expect_name("first");
}

Test(store_lists, a_saved_record_has_the_new_summary)
{
    auto_done(mtd_record_done) struct mtd_record r;
    auto_done(mtd_summary_done) struct mtd_summary s = {0};
    auto_done(buf_done) struct buf text = {0};
    mtd_record_init(&r);
    cr_assert_eq(store_load(&store, id, &r, &err), 0);
    r.status.exit_code = 77;
    cr_assert_eq(store_save(&store, &r, false, &err), 0);
    read_text(&text);
    cr_assert_eq(store_listed_find(&text, id, &s), 0);
    cr_expect_eq(s.exit_code, 77);
}
