/* Images: what each name is, how big, and by how many containers it is used. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/size.h"
#include "base/words.h"
#include "ui/catalog/internal.h"
#include "ui/draw/format.h"

enum { IMAGE_NAME, IMAGE_ID, IMAGE_SIZE, IMAGE_LAYERS, IMAGE_USED, IMAGE_AGE };

static const struct catalog_column COLUMNS[] = {
    [IMAGE_NAME] = {"NAME", 0},
    [IMAGE_ID] = {"ID", 12, .need = 50},
    [IMAGE_SIZE] = {"SIZE", 8, true, true},
    [IMAGE_LAYERS] = {"LAYERS", 6, true, true, 64},
    [IMAGE_USED] = {"USED BY", 14, .need = 40},
    [IMAGE_AGE] = {"AGE", 5, true, true, 32},
};

/* Names of the containers that have it. */
static size_t list_users(const struct model *m, const char *id, char *out, size_t size)
{
    size_t n = 0, used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < m->list.len; i++) {
        const struct mtd_summary *s = &m->list.items[i];
        if (!s->image_id || strcmp(s->image_id, id) != 0)
            continue;
        n++;
        if (used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "",
                                     s->name ? s->name : "");
    }
    return n;
}

/* An image of several names counts once. */
static void add_row(struct catalog *c, const struct mtd_image *image, const char *name,
                    bool counts)
{
    const struct surroundings *around = c->view.around;
    char text[FORMAT_MAX], users[256], size[SIZE_TEXT];
    const char *hex = strchr(image->id, ':');
    hex = hex ? hex + 1 : image->id;
    struct catalog_row *r = catalog_table_add(&c->table, name ? name : hex);
    if (!r)
        return;
    int64_t age = around->now(around->app) - image->created_at;
    size_t n = list_users(around->model, image->id, users, sizeof(users));
    catalog_table_set(r, IMAGE_NAME, name ? name : "<none>", 0);
    snprintf(text, sizeof(text), "%.12s", hex);
    catalog_table_set(r, IMAGE_ID, text, 0);
    catalog_table_set(r, IMAGE_SIZE, size_decimal(image->size, size), image->size);
    snprintf(text, sizeof(text), "%zu", image->layers.len);
    catalog_table_set(r, IMAGE_LAYERS, image->layers.len ? text : "", image->layers.len);
    catalog_table_set(r, IMAGE_USED, users, n);
    catalog_table_set(r, IMAGE_AGE, image->created_at ? format_age(age, text) : "",
                      age > 0 ? (uint64_t)age : 0);
    r->size = counts ? image->size : 0;
    r->used = n > 0;
}

static int images_load(struct catalog *c, struct mtd_error *err)
{
    auto_done(mtd_image_list_done) struct mtd_image_list list = {0};
    int rc = mtd_images(c->view.around->engine, &list, err);
    if (rc < 0)
        return rc;
    catalog_table_begin(&c->table);
    for (size_t i = 0; i < list.len; i++) {
        const struct mtd_image *image = &list.items[i];
        for (size_t j = 0; j < image->names.len; j++)
            add_row(c, image, image->names.items[j], j == 0);
        if (image->names.len == 0)
            add_row(c, image, NULL, true);
    }
    catalog_table_end(&c->table);
    return 0;
}

/* ---- what is asked ------------------------------------------------------------------ */

static void tag_answer(void *arg, const char *text)
{
    struct catalog *c = arg;
    const struct catalog_row *r = catalog_table_selected(&c->table);
    if (text && *text && r)
        catalog_run(c, (const char *const[]){"tag", r->key, text, NULL}, false);
}

/* A verb, what was typed as words, and the targets for those that take some. */
static void transfer(struct catalog *c, const char *const verb[], const char *typed,
                     bool with_targets)
{
    auto_done(strv_done) struct strv argv = {0};
    struct mtd_error err = {0};
    const struct surroundings *around = c->view.around;
    struct catalog_row *rows[64];
    if (!typed || !*typed)
        return;
    for (size_t i = 0; verb[i]; i++)
        strv_add(&argv, verb[i]);
    if (words_split(typed, &argv, &err) < 0) {
        around->say(around->app, SAY_ERROR, err.text);
        return;
    }
    size_t n =
        with_targets ? catalog_table_targets(&c->table, rows, ARRAY_SIZE(rows)) : 0;
    for (size_t i = 0; i < n; i++)
        strv_add(&argv, rows[i]->key);
    transfer_start(c, &argv);
}

static void pull_answer(void *arg, const char *text)
{
    transfer(arg, (const char *const[]){"pull", NULL}, text, false);
}

static void load_answer(void *arg, const char *text)
{
    transfer(arg, (const char *const[]){"load", "-i", NULL}, text, false);
}

static void save_answer(void *arg, const char *text)
{
    transfer(arg, (const char *const[]){"save", "-o", NULL}, text, true);
}

static void build_answer(void *arg, const char *text)
{
    transfer(arg, (const char *const[]){"build", NULL}, text, false);
}

static void ask_save(struct catalog *c)
{
    char path[200];
    const struct catalog_row *r = catalog_table_selected(&c->table);
    if (!r)
        return;
    snprintf(path, sizeof(path), "./%.150s.tar", r->key);
    for (char *at = path + 2; *at; at++)
        if (strchr("/:@", *at))
            *at = '-';
    catalog_ask(c, "save to:", path, save_answer);
}

static void push(struct catalog *c)
{
    const struct catalog_row *r = catalog_table_selected(&c->table);
    if (r)
        transfer(c, (const char *const[]){"push", NULL}, r->key, false);
}

static void remove_images(struct catalog *c)
{
    struct catalog_row *rows[64];
    auto_done(buf_done) struct buf text = {0};
    size_t n = catalog_table_targets(&c->table, rows, ARRAY_SIZE(rows)), used = 0;
    char title[64];
    for (size_t i = 0; i < n; i++) {
        used += rows[i]->used;
        buf_printf(&text, "%s  %s  %s%s%s\n", rows[i]->text[IMAGE_NAME],
                   rows[i]->text[IMAGE_ID], rows[i]->text[IMAGE_SIZE],
                   rows[i]->used ? "  used by " : "",
                   rows[i]->used ? rows[i]->text[IMAGE_USED] : "");
    }
    buf_puts(&text, used ? "\nForced, a used image loses its name; its layers stay.\n"
                         : "\nLayers that nothing else has are deleted.\n");
    snprintf(title, sizeof(title), "remove %zu %s?", n, n == 1 ? "image" : "images");
    if (n > 0 && text.data)
        catalog_confirm(
            c, &(struct catalog_question){
                   .title = title,
                   .text = text.data,
                   .yes_label = "remove",
                   .force_label = "force",
                   .yes = used ? NULL : (const char *const[]){"rmi", NULL},
                   .force = used ? (const char *const[]){"rmi", "-f", NULL} : NULL,
                   .with_targets = true});
}

static void prune_images(struct catalog *c)
{
    auto_done(buf_done) struct buf text = {0};
    char size[SIZE_TEXT];
    uint64_t dangling = 0, unused = 0;
    size_t n_dangling = 0, n_unused = 0;
    for (size_t i = 0; i < c->table.len; i++) {
        const struct catalog_row *r = &c->table.rows[i];
        bool named = strcmp(r->text[IMAGE_NAME], "<none>") != 0;
        n_unused += !r->used;
        n_dangling += !r->used && !named;
        unused += r->used ? 0 : r->size;
        dangling += r->used || named ? 0 : r->size;
    }
    buf_printf(&text, "prune: images without a name and without a container: %zu, %s\n",
               n_dangling, size_decimal(dangling, size));
    buf_printf(&text, "all: every image without a container: %zu, at most %s\n", n_unused,
               size_decimal(unused, size));
    buf_puts(&text, "\nLayers that other images have are not freed.\n");
    if (text.data)
        catalog_confirm(
            c, &(struct catalog_question){
                   .title = "prune images?",
                   .text = text.data,
                   .yes_label = "prune",
                   .force_label = "all",
                   .yes = (const char *const[]){"image", "prune", "-f", NULL},
                   .force = (const char *const[]){"image", "prune", "-a", "-f", NULL}});
}

static bool images_command(struct catalog *c, enum command cmd)
{
    const struct catalog_row *r = catalog_table_selected(&c->table);
    switch (cmd) {
    case CMD_RUN:
        form_run_with(c->view.around, c->draft, r ? r->key : NULL, NULL);
        return true;
    case CMD_OPEN:
        catalog_show(c, "layers of", (const char *const[]){"history", NULL});
        return true;
    case CMD_INSPECT:
        catalog_show(c, "inspect", (const char *const[]){"image", "inspect", NULL});
        return true;
    case CMD_TAG: catalog_ask(c, "tag as:", r ? r->key : "", tag_answer); return true;
    case CMD_REMOVE: remove_images(c); return true;
    case CMD_PRUNE: prune_images(c); return true;
    case CMD_PULL: catalog_ask(c, "pull:", "", pull_answer); return true;
    case CMD_PUSH: push(c); return true;
    case CMD_LOAD: catalog_ask(c, "load from:", "", load_answer); return true;
    case CMD_SAVE_IMAGE: ask_save(c); return true;
    case CMD_BUILD: catalog_ask(c, "build:", "-t NAME .", build_answer); return true;
    default: return false;
    }
}

static const struct catalog_kind IMAGES = {
    .ops = CATALOG_OPS("Images", CONTEXT_IMAGES),
    .columns = COLUMNS,
    .n_columns = ARRAY_SIZE(COLUMNS),
    .sort_size = IMAGE_SIZE,
    .sort_age = IMAGE_AGE,
    .empty = "no images yet",
    .one = "image",
    .many = "images",
    .load = images_load,
    .command = images_command,
    .watched = "images/refs",
};

struct view *images_view_new(const struct surroundings *around, struct run_draft *draft)
{
    return catalog_new(&IMAGES, around, draft);
}
