/* The summaries of records at rest: right, never stale, and never needed. */

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fs.h"
#include "engine/store/internal.h"
#include "tempdir.h"

#define N 40 /* as many as are worth a cache */

static struct tempdir tmp;
static struct store store;
static struct mtd_error err;

/* Published on port 8080, and with an address of each family. */
static void give_network(struct mtd_status *st)
{
    st->endpoints = calloc(1, sizeof(*st->endpoints));
    st->endpoints[0] = (struct mtd_endpoint){.network = strdup("web"),
                                             .address = strdup("10.1.0.2"),
                                             .address6 = strdup("fd00::2"),
                                             .prefix = 16,
                                             .prefix6 = 64};
    st->n_endpoints = 1;
    st->ports = calloc(1, sizeof(*st->ports));
    st->ports[0] = (struct mtd_port){.host = 8080, .target = 80};
    st->n_ports = 1;
}

static bool are(const struct strv *v, const char *a, const char *b, const char *c)
{
    const char *const want[] = {a, b, c};
    bool same = v->len == 2 + (c != NULL);
    for (size_t i = 0; i < v->len && same; i++)
        same = strcmp(v->items[i], want[i]) == 0;
    return same;
}

static void create(int n, char ret_id[MTD_ID_SIZE])
{
    auto_done(mtd_record_done) struct mtd_record r;
    char text[32];
    mtd_record_init(&r);
    snprintf(text, sizeof(text), "name-%d", n);
    r.spec.image = strdup("busybox");
    strv_add(&r.spec.process.args, "/bin/sh");
    strv_add(&r.spec.labels, "a=b");
    strv_add(&r.spec.exposed, "80/tcp");
    strv_add(&r.spec.exposed, "443/tcp");
    give_network(&r.status);
    r.status.error = n % 2 ? strdup("why") : NULL;
    r.status.state = MTD_STATE_EXITED;
    r.status.exit_code = n;
    r.status.restart_count = (unsigned)n;
    r.status.oom_killed = n % 2;
    r.spec.resources.memory = 1 << 20;
    cr_assert_eq(store_create(&store, &r, text, &err), 0, "%s", err.text);
    memcpy(ret_id, r.id, MTD_ID_SIZE);
}

static void setup(void)
{
    char root[80], run[80];
    tempdir_make(&tmp);
    snprintf(root, sizeof(root), "%s/root", tmp.path);
    snprintf(run, sizeof(run), "%s/run", tmp.path);
    cr_assert_eq(store_open(&store, root, run, STORE_MAKE, &err), 0);
}

static void teardown(void)
{
    store_done(&store);
    tempdir_done(&tmp);
}

TestSuite(store_cache, .init = setup, .fini = teardown);

/* An hour from now all that is there rests. */
static void list(struct mtd_list *l)
{
    int64_t later = clock_wall_ns() + 3600 * NS_PER_SEC;
    cr_assert_eq(store_list_at(&store, later, l, &err), 0, "%s", err.text);
}

static bool is_cached(void)
{
    return faccessat(store.root_fd, "summaries", F_OK, 0) == 0;
}

static void create_all(char ids[N][MTD_ID_SIZE])
{
    for (int i = 0; i < N; i++)
        create(i, ids[i]);
}

static void expect_right(const struct mtd_list *l)
{
    cr_assert_eq(l->len, N);
    for (size_t i = 0; i < N; i++) {
        const struct mtd_summary *s = &l->items[i];
        char name[32];
        int n = N - 1 - (int)i;
        snprintf(name, sizeof(name), "name-%d", n);
        cr_expect_str_eq(s->name, name);
        cr_expect_str_eq(s->image, "busybox");
        cr_expect_str_eq(s->command, "/bin/sh");
        cr_expect_null(s->image_id);
        cr_expect_eq(s->state, MTD_STATE_EXITED);
        cr_expect_eq(s->exit_code, n);
        cr_expect_eq(s->restart_count, (unsigned)n);
        cr_expect_eq(s->oom_killed, n % 2);
        cr_expect_eq(s->memory_limit, 1 << 20);
        cr_expect((s->error != NULL) == n % 2);
        cr_expect(s->labels.len == 1 && strcmp(s->labels.items[0], "a=b") == 0);
        cr_expect(are(&s->ports, "0.0.0.0:8080->80/tcp", "[::]:8080->80/tcp", "443/tcp"));
        cr_expect(are(&s->addresses, "web 10.1.0.2/16", "web fd00::2/64", NULL));
        cr_expect(s->created_at > 0 && strlen(s->id) == MTD_ID_LEN);
    }
}

static void list_and_expect_right(void)
{
    struct mtd_list l = {0};
    list(&l);
    expect_right(&l);
    mtd_list_done(&l);
}

Test(store_cache, gives_what_the_records_say)
{
    char ids[N][MTD_ID_SIZE];
    create_all(ids);
    list_and_expect_right();
    cr_assert(is_cached());
    list_and_expect_right();
}

Test(store_cache, a_touched_record_is_read_again)
{
    char ids[N][MTD_ID_SIZE], path[128];
    struct mtd_list l = {0};
    create_all(ids);
    list_and_expect_right();
    for (int i = 0; i < N; i++) {
        snprintf(path, sizeof(path), "%s/config.json", ids[i]);
        cr_assert_eq(fs_write_at(store.containers_fd, path, "x"), 0);
    }
    list(&l);
    cr_expect_eq(l.items[0].state, MTD_STATE_BROKEN);
    mtd_list_done(&l);
}

Test(store_cache, follows_every_change)
{
    char ids[N][MTD_ID_SIZE];
    struct mtd_list l = {0};
    create_all(ids);
    list_and_expect_right();
    auto_done(mtd_record_done) struct mtd_record r;
    mtd_record_init(&r);
    cr_assert_eq(store_load(&store, ids[N - 1], &r, &err), 0);
    r.status.exit_code = 77;
    cr_assert_eq(store_save(&store, &r, false, &err), 0);
    cr_assert_eq(store_remove(&store, ids[0], &err), 0);
    list(&l);
    cr_expect_eq(l.len, N - 1);
    cr_expect_eq(l.items[0].exit_code, 77);
    mtd_list_done(&l);
}

Test(store_cache, does_not_trust_files_that_just_changed)
{
    char ids[N][MTD_ID_SIZE];
    struct mtd_list l = {0};
    create_all(ids);
    cr_assert_eq(store_list(&store, &l, &err), 0);
    mtd_list_done(&l);
    auto_done(buf_done) struct buf cache = {0};
    cr_assert(!is_cached() || fs_read_at(store.root_fd, "summaries", 40, &cache) == 0,
              "it holds no entry");
}

Test(store_cache, damage_and_loss_are_harmless)
{
    char ids[N][MTD_ID_SIZE];
    auto_done(buf_done) struct buf good = {0};
    create_all(ids);
    list_and_expect_right();
    cr_assert_eq(fs_read_at(store.root_fd, "summaries", 1 << 20, &good), 0);
    for (size_t i = 0; i < good.len; i += i < 32 ? 3 : 911) {
        good.data[i] ^= 0x41;
        cr_assert_eq(
            fs_replace_at(store.root_fd, "summaries", good.data, good.len, 0600, false),
            0);
        list_and_expect_right();
        good.data[i] ^= 0x41;
    }
    for (size_t len = 0; len < good.len; len += 2011) {
        cr_assert_eq(
            fs_replace_at(store.root_fd, "summaries", good.data, len, 0600, false), 0);
        list_and_expect_right();
    }
    unlinkat(store.root_fd, "summaries", 0);
    list_and_expect_right();
}

Test(store_cache, a_writer_that_was_killed_is_no_obstacle)
{
    char ids[N][MTD_ID_SIZE];
    cr_assert_eq(fs_replace_at(store.root_fd, "summaries.new", "torn", 4, 0600, false),
                 0);
    create_all(ids);
    list_and_expect_right();
    cr_expect(is_cached());
    cr_expect_eq(faccessat(store.root_fd, "summaries.new", F_OK, 0), -1);
    list_and_expect_right();
}

Test(store_cache, goes_with_the_containers)
{
    char ids[N][MTD_ID_SIZE];
    struct mtd_list l = {0};
    create_all(ids);
    list_and_expect_right();
    for (int i = 0; i < N; i++)
        cr_assert_eq(store_remove(&store, ids[i], &err), 0);
    list(&l);
    cr_expect_eq(l.len, 0);
    mtd_list_done(&l);
    cr_expect_not(is_cached());
}
