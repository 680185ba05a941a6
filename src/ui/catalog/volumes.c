/* Volumes. Their sizes take a walk through all of their files: another process makes it, and
 * until it is back a size is blank. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/size.h"
#include "base/words.h"
#include "ui/catalog/internal.h"
#include "ui/draw/format.h"

enum { VOLUME_NAME, VOLUME_DRIVER, VOLUME_SIZE, VOLUME_USED, VOLUME_LABELS, VOLUME_AGE };

static const struct catalog_column COLUMNS[] = {
    [VOLUME_NAME] = {"NAME", 0},
    [VOLUME_DRIVER] = {"DRIVER", 6, .need = 64},
    [VOLUME_SIZE] = {"SIZE", 8, true, true},
    [VOLUME_USED] = {"USED BY", 16, .need = 40},
    [VOLUME_LABELS] = {"LABELS", 20, .need = 100},
    [VOLUME_AGE] = {"AGE", 5, true, true, 32},
};

static void join(const struct strv *words, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < words->len && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? " " : "",
                                 words->items[i]);
}

static void set_size(struct catalog_row *r, uint64_t bytes)
{
    char text[SIZE_TEXT];
    catalog_table_set(r, VOLUME_SIZE, size_usage(bytes, text), bytes);
    r->size = bytes;
}

/* Known from before, until the sizes come again. */
static void keep_size(struct catalog *c, struct catalog_row *r, size_t n_old)
{
    for (size_t i = 0; i < n_old; i++)
        if (strcmp(c->table.rows[i].key, r->key) == 0 &&
            c->table.rows[i].text[VOLUME_SIZE])
            set_size(r, c->table.rows[i].size);
}

static void add_row(struct catalog *c, const struct mtd_volume *v, size_t n_old)
{
    const struct surroundings *around = c->view.around;
    char text[FORMAT_MAX], many[256];
    struct catalog_row *r = catalog_table_add(&c->table, v->name);
    if (!r)
        return;
    int64_t age = around->now(around->app) - v->created_at;
    catalog_table_set(r, VOLUME_NAME, v->name, 0);
    catalog_table_set(r, VOLUME_DRIVER, v->error ? "broken" : "local", 0);
    join(&v->used_by, many, sizeof(many));
    catalog_table_set(r, VOLUME_USED, many, v->used_by.len);
    join(&v->labels, many, sizeof(many));
    catalog_table_set(r, VOLUME_LABELS, v->anonymous ? "anonymous" : many, 0);
    catalog_table_set(r, VOLUME_AGE, v->created_at ? format_age(age, text) : "",
                      age > 0 ? (uint64_t)age : 0);
    r->used = v->used_by.len > 0;
    keep_size(c, r, n_old);
}

/* What size_usage() wrote: "4.258MB". */
static int read_size(const char *text, uint64_t *ret)
{
    static const char UNITS[] = "kMGTPE";
    char *end;
    double value = strtod(text, &end);
    const char *unit = *end ? strchr(UNITS, *end) : NULL;
    if (end == text || value < 0)
        return -EINVAL;
    for (long i = unit ? unit - UNITS + 1 : 0; i > 0; i--)
        value *= 1000;
    *ret = (uint64_t)value;
    return 0;
}

/* Lines of "NAME\tSIZE". */
static void take_sizes(void *arg, int status, const char *output)
{
    struct catalog *c = arg;
    (void)status;
    for (const char *line = output; *line;) {
        size_t len = strcspn(line, "\n"), name = strcspn(line, "\t");
        uint64_t bytes;
        char size[64];
        if (name < len) {
            snprintf(size, sizeof(size), "%.*s", (int)(len - name - 1), line + name + 1);
            for (size_t i = 0; i < c->table.len; i++)
                if (strlen(c->table.rows[i].key) == name &&
                    memcmp(c->table.rows[i].key, line, name) == 0 &&
                    read_size(size, &bytes) == 0)
                    set_size(&c->table.rows[i], bytes);
        }
        line += len + (line[len] == '\n');
    }
    c->view.around->changed(c->view.around->app);
}

static void ask_sizes(struct catalog *c)
{
    auto_done(strv_done) struct strv argv = {0};
    static const char *const WORDS[] = {"volume", "ls", "--format",
                                        "{{.Name}}\t{{.Size}}"};
    for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++)
        strv_add(&argv, WORDS[i]);
    c->view.around->capture(c->view.around->app, &argv, take_sizes, c);
}

static int volumes_load(struct catalog *c, struct mtd_error *err)
{
    auto_done(mtd_volume_list_done) struct mtd_volume_list list = {0};
    int rc = mtd_volumes(c->view.around->engine, false, &list, err);
    if (rc < 0)
        return rc;
    size_t n_old = c->table.len;
    catalog_table_begin(&c->table);
    for (size_t i = 0; i < list.len; i++)
        add_row(c, &list.items[i], n_old);
    catalog_table_end(&c->table);
    if (list.len)
        ask_sizes(c);
    return 0;
}

/* ---- what is asked ------------------------------------------------------------------ */

static void create_answer(void *arg, const char *text)
{
    struct catalog *c = arg;
    const struct surroundings *around = c->view.around;
    auto_done(strv_done) struct strv words = {0};
    struct mtd_error err = {0};
    const char *argv[16] = {"volume", "create"};
    if (!text)
        return;
    if (words_split(text, &words, &err) < 0) {
        around->say(around->app, SAY_ERROR, err.text);
        return;
    }
    for (size_t i = 0; i < words.len && i + 3 < ARRAY_SIZE(argv); i++)
        argv[i + 2] = words.items[i];
    catalog_run(c, argv, false);
}

/* Who uses it must not be cut off by a long name; that of an anonymous one is an id. */
static void add_target(const struct catalog_row *r, struct buf *text)
{
    bool is_id = strlen(r->key) == MTD_ID_LEN && r->text[VOLUME_LABELS] &&
                 strcmp(r->text[VOLUME_LABELS], "anonymous") == 0;
    buf_printf(text, "%.*s  %s%s%s\n", is_id ? MTD_SHORT_ID_LEN : 64, r->key,
               r->text[VOLUME_SIZE] ? r->text[VOLUME_SIZE] : "",
               r->used ? "  used by " : "", r->used ? r->text[VOLUME_USED] : "");
}

static void remove_volumes(struct catalog *c)
{
    struct catalog_row *rows[64];
    auto_done(buf_done) struct buf text = {0};
    size_t n = catalog_table_targets(&c->table, rows, ARRAY_SIZE(rows)), used = 0;
    char title[64];
    for (size_t i = 0; i < n; i++) {
        used += rows[i]->used;
        add_target(rows[i], &text);
    }
    buf_puts(&text, used ? "\nWhat a container uses stays; remove the container first.\n"
                         : "\nTheir files are deleted.\n");
    snprintf(title, sizeof(title), "remove %zu %s?", n, n == 1 ? "volume" : "volumes");
    if (n > 0 && text.data)
        catalog_confirm(c, &(struct catalog_question){
                               .title = title,
                               .text = text.data,
                               .yes_label = "remove",
                               .yes = (const char *const[]){"volume", "rm", NULL},
                               .with_targets = true});
}

static void prune_volumes(struct catalog *c)
{
    auto_done(buf_done) struct buf text = {0};
    char size[SIZE_TEXT];
    uint64_t anonymous = 0, all = 0;
    size_t n_anonymous = 0, n_all = 0;
    for (size_t i = 0; i < c->table.len; i++) {
        const struct catalog_row *r = &c->table.rows[i];
        bool nameless =
            r->text[VOLUME_LABELS] && strcmp(r->text[VOLUME_LABELS], "anonymous") == 0;
        n_all += !r->used;
        n_anonymous += !r->used && nameless;
        all += r->used ? 0 : r->size;
        anonymous += r->used || !nameless ? 0 : r->size;
    }
    buf_printf(&text, "prune: anonymous volumes without a container: %zu, %s\n",
               n_anonymous, size_decimal(anonymous, size));
    buf_printf(&text, "all: every volume without a container: %zu, %s\n", n_all,
               size_decimal(all, size));
    buf_puts(&text, "\nTheir files are deleted.\n");
    if (text.data)
        catalog_confirm(
            c, &(struct catalog_question){
                   .title = "prune volumes?",
                   .text = text.data,
                   .yes_label = "prune",
                   .force_label = "all",
                   .yes = (const char *const[]){"volume", "prune", "-f", NULL},
                   .force = (const char *const[]){"volume", "prune", "-a", "-f", NULL}});
}

static bool volumes_command(struct catalog *c, enum command cmd)
{
    const struct catalog_row *r = catalog_table_selected(&c->table);
    switch (cmd) {
    case CMD_RUN:
        form_run_with(c->view.around, c->draft, NULL, r ? r->key : NULL);
        return true;
    case CMD_OPEN:
    case CMD_INSPECT:
        catalog_show(c, "inspect", (const char *const[]){"volume", "inspect", NULL});
        return true;
    case CMD_CREATE: catalog_ask(c, "create:", "", create_answer); return true;
    case CMD_REMOVE: remove_volumes(c); return true;
    case CMD_PRUNE: prune_volumes(c); return true;
    default: return false;
    }
}

static const struct catalog_kind VOLUMES = {
    .ops = CATALOG_OPS("Volumes", CONTEXT_VOLUMES),
    .columns = COLUMNS,
    .n_columns = ARRAY_SIZE(COLUMNS),
    .sort_size = VOLUME_SIZE,
    .sort_age = VOLUME_AGE,
    .empty = "no volumes yet",
    .one = "volume",
    .many = "volumes",
    .load = volumes_load,
    .command = volumes_command,
    .watched = "volumes",
};

struct view *volumes_view_new(const struct surroundings *around, struct run_draft *draft)
{
    return catalog_new(&VOLUMES, around, draft);
}
