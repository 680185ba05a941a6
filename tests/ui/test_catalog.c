/* The screens of images and volumes: what they show at each size, and the commands that their
 * keys run. */

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ui/catalog/internal.h"
#include "ui/screen/jobs.h"
#include "uibox.h"

static void needs_root(void)
{
    if (geteuid() != 0)
        cr_skip("needs root");
}

TestSuite(catalog, .init = needs_root);

static struct catalog *catalog_of(struct uibox *b)
{
    return (struct catalog *)b->ui.pages[b->ui.page];
}

static const struct given {
    const char *key, *text[TABLE_COLUMNS];
    uint64_t size;
    bool used;
} IMAGES[] = {{"app:3",
               {"app:3", "1111aaaa2222", "210MB", "12", "api web", "3h"},
               210000000,
               true},
              {"postgres:16",
               {"postgres:16", "3333bbbb4444", "432MB", "14", "db", "12d"},
               432000000,
               true},
              {"registry.example:5000/a-team/a-long-name-of-an-image:2026.1",
               {"registry.example:5000/a-team/a-long-name-of-an-image:2026.1",
                "5555cccc6666", "1.2GB", "40", "", "5d"},
               1200000000},
              {"7777dddd8888",
               {"<none>", "7777dddd8888", "88MB", "3", "", "40d"},
               88000000}},
  VOLUMES[] = {
      {"data", {"data", "local", "1.2GB", "db", "tier=db", "12d"}, 1200000000, true},
      {"cache", {"cache", "local", "88MB", "", "", "3h"}, 88000000},
      {"0f3c9a", {"0f3c9a", "local", "4.1kB", "", "anonymous", "2m"}, 4100}};

static void fill(struct uibox *b, const struct given *rows, size_t n)
{
    struct catalog_table *t = &catalog_of(b)->table;
    catalog_table_begin(t);
    for (size_t i = 0; i < n; i++) {
        struct catalog_row *r = catalog_table_add(t, rows[i].key);
        for (size_t c = 0; c < t->n_columns; c++)
            catalog_table_set(r, c, rows[i].text[c], c == 2 ? rows[i].size : 0);
        r->size = rows[i].size;
        r->used = rows[i].used;
    }
    catalog_table_end(t);
}

static void make(struct uibox *b, int rows, int cols, bool ascii, bool volumes)
{
    uibox_make(b, rows, cols, ascii);
    uibox_fill(b);
    uibox_keys(b, volumes ? "v v" : "v");
    if (volumes)
        fill(b, VOLUMES, sizeof(VOLUMES) / sizeof(VOLUMES[0]));
    else
        fill(b, IMAGES, sizeof(IMAGES) / sizeof(IMAGES[0]));
    b->started[0] = '\0';
}

Test(catalog, at_every_size)
{
    static const int SIZES[][2] = {{24, 80}, {40, 120}, {60, 200}, {12, 40}, {1, 1}};
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++)
        for (int volumes = 0; volumes < 2; volumes++) {
            struct uibox b;
            char name[64];
            make(&b, SIZES[i][0], SIZES[i][1], false, volumes);
            snprintf(name, sizeof(name), "%s-%dx%d", volumes ? "volumes" : "images",
                     SIZES[i][1], SIZES[i][0]);
            uibox_golden(&b, name);
            uibox_done(&b);
        }
    struct uibox b;
    make(&b, 24, 80, true, false);
    uibox_golden(&b, "images-80x24-ascii");
    uibox_done(&b);
}

/* From each to the next, and back by Esc and q; the list of containers is as it was. */
Test(catalog, v_goes_round_and_esc_goes_back)
{
    struct uibox b;
    uibox_make(&b, 24, 80, false);
    uibox_fill(&b);
    char before[8192];
    snprintf(before, sizeof(before), "%s", uibox_text(&b));
    uibox_keys(&b, "v");
    cr_expect(uibox_shows(&b, "[Images]"));
    uibox_keys(&b, "v");
    cr_expect(uibox_shows(&b, "[Volumes]"));
    uibox_keys(&b, "v");
    cr_expect(uibox_shows(&b, "[Networks]"));
    uibox_keys(&b, "v");
    cr_expect_str_eq(uibox_text(&b), before);
    uibox_keys(&b, "v Esc");
    cr_expect_str_eq(uibox_text(&b), before);
    uibox_keys(&b, "v q");
    cr_expect_str_eq(uibox_text(&b), before);
    cr_expect_not(b.quit);
    uibox_done(&b);
}

/* The keys of containers do nothing to the one that is selected behind. */
Test(catalog, no_key_reaches_the_containers_behind)
{
    struct uibox b;
    make(&b, 24, 80, false, true);
    for (size_t i = 0; i < b.ui.keys.len; i++) {
        const struct binding *k = &b.ui.keys.table[i];
        struct input_event ev = {.key = k->keys[0]};
        if (k->context != CONTEXT_CONTAINER ||
            keys_find(&b.ui.keys, ui_contexts(&b.ui), k->keys[0]))
            continue;
        ui_key(&b.ui, &ev);
        cr_expect_null(b.ui.modal, "%s", k->name);
        cr_expect_str_eq(b.started, "", "%s: %s", k->name, b.started);
        cr_expect(uibox_shows(&b, "[Volumes]"), "%s", k->name);
    }
    uibox_done(&b);
}

static void expect_started(struct uibox *b, const char *line)
{
    char want[512];
    snprintf(want, sizeof(want), "mytop-docker --batch %s\n", line);
    cr_expect_str_eq(b->started, want);
    b->started[0] = '\0';
}

Test(catalog, rows_are_moved_in_filtered_sorted_and_marked)
{
    struct uibox b;
    make(&b, 24, 80, false, false);
    struct catalog_table *t = &catalog_of(&b)->table;
    uibox_keys(&b, "M");
    cr_expect_str_eq(catalog_table_selected(t)->key,
                     IMAGES[3].key); /* it stays selected */
    uibox_keys(&b, "g");
    cr_expect_str_eq(catalog_table_selected(t)->key, IMAGES[2].key);
    uibox_keys(&b, "M g");
    cr_expect_str_eq(catalog_table_selected(t)->key, IMAGES[3].key);
    uibox_keys(&b, "N /");
    uibox_type(&b, "^post");
    uibox_keys(&b, "Enter");
    cr_expect_eq(t->n_shown, 1);
    uibox_keys(&b, "/");
    uibox_type(&b, "[");
    cr_expect(uibox_shows(&b, "not a regular expression") || t->n_shown == 1);
    uibox_keys(&b, "Esc Esc");
    uibox_keys(&b, "Esc");
    uibox_done(&b);
}

Test(catalog, images_are_acted_on)
{
    struct uibox b;
    make(&b, 24, 80, false, false);
    uibox_keys(&b, "G T"); /* registry.example... is the last by name */
    uibox_type(&b, "x");
    uibox_keys(&b, "Enter");
    expect_started(&b, "tag registry.example:5000/a-team/a-long-name-of-an-image:2026.1 "
                       "registry.example:5000/a-team/a-long-name-of-an-image:2026.1x");
    uibox_keys(&b, "g d");
    cr_expect(uibox_shows(&b, "remove 1 image?"), "%s", uibox_text(&b));
    uibox_keys(&b, "y");
    expect_started(&b, "rmi 7777dddd8888");
    uibox_keys(&b, "j d");
    cr_expect(uibox_shows(&b, "used by api web"), "%s", uibox_text(&b));
    uibox_keys(&b, "f");
    expect_started(&b, "rmi -f app:3");
    uibox_keys(&b, "X");
    uibox_golden(&b, "images-prune");
    uibox_keys(&b, "y");
    expect_started(&b, "image prune -f");
    uibox_keys(&b, "n");
    cr_expect(uibox_shows(&b, "app:3"), "%s", uibox_text(&b));
    cr_expect(uibox_shows(&b, "run a container"));
    uibox_keys(&b, "Esc Enter");
    cr_expect(uibox_shows(&b, "layers of app:3"), "%s", uibox_text(&b));
    uibox_done(&b);
}

Test(catalog, volumes_are_acted_on)
{
    struct uibox b;
    make(&b, 24, 80, false, true);
    uibox_keys(&b, "c");
    uibox_type(&b, "--label a=b fresh");
    uibox_keys(&b, "Enter");
    expect_started(&b, "volume create --label a=b fresh");
    uibox_keys(&b, "* d");
    cr_expect(uibox_shows(&b, "What a container uses stays"), "%s", uibox_text(&b));
    uibox_keys(&b, "y");
    expect_started(&b, "volume rm 0f3c9a cache data");
    uibox_keys(&b, "X");
    uibox_golden(&b, "volumes-prune");
    uibox_keys(&b, "f");
    expect_started(&b, "volume prune -a -f");
    uibox_keys(&b, "j n");
    cr_expect(uibox_shows(&b, "cache:/data"), "%s", uibox_text(&b));
    uibox_keys(&b, "Esc i");
    cr_expect(uibox_shows(&b, "inspect cache"), "%s", uibox_text(&b));
    uibox_done(&b);
}

/* Its name is as wide as the screen. */
Test(catalog, who_uses_an_anonymous_volume_is_seen)
{
    static const char ID[] =
        "303ed04c8c26b9d6bdc5b0b9f71f59e3852c9d72f97853e068fb3485058f83d9";
    struct uibox b;
    make(&b, 24, 80, false, true);
    const struct given row = {ID, {ID, "local", "0B", "web", "anonymous", "1m"}, 0, true};
    fill(&b, &row, 1);
    uibox_keys(&b, "d");
    cr_expect(uibox_shows(&b, "303ed04c8c26  0B  used by web"), "%s", uibox_text(&b));
    uibox_keys(&b, "y");
    char expected[100];
    snprintf(expected, sizeof(expected), "volume rm %s", ID);
    expect_started(&b, expected);
    uibox_done(&b);
}

/* ---- transfers ---- */

static struct job *begun;

static int keep_job(void *app, struct job *j)
{
    (void)app;
    begun = j;
    return 0;
}

static struct platform with_start(const struct uibox *b)
{
    struct platform p = *b->ui.platform;
    p.start = keep_job;
    return p;
}

Test(catalog, a_transfer_shows_how_far_it_is_and_can_be_cancelled)
{
    static const char STEPS[] =
        "{\"id\":\"0123456789ab\",\"what\":\"Downloading\",\"done\":30000000,"
        "\"total\":60000000,\"rate\":2000000,\"finished\":false}\n{\"id\":";
    struct uibox b;
    make(&b, 24, 80, false, false);
    const struct platform platform = with_start(&b);
    b.ui.platform = &platform;
    uibox_keys(&b, "p");
    uibox_type(&b, "alpine");
    uibox_keys(&b, "Enter");
    cr_assert_not_null(begun);
    cr_expect_str_eq(begun->argv.items[0], "pull");
    cr_expect_str_eq(begun->argv.items[1], "--progress=json");
    cr_expect_str_eq(begun->argv.items[2], "alpine");
    job_output(begun, STEPS, strlen(STEPS));
    b.ui.message.text[0] = '\0';
    uibox_golden(&b, "images-transfer");
    uibox_keys(&b, "x");
    cr_expect_eq(b.cancelled, begun);
    job_output(begun, "1}\nan error\n", strlen("1}\nan error\n"));
    cr_expect_str_eq(begun->output.data, "{\"id\":1}\nan error\n");
    begun->done(begun, 130);
    cr_expect_not(uibox_shows(&b, "Downloading"));
    cr_expect(uibox_shows(&b, "cancelled  pull alpine"), "%s", uibox_text(&b));
    uibox_keys(&b, "x");
    cr_expect(uibox_shows(&b, "nothing is under way"));
    uibox_done(&b);
}
