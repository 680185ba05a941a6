/* The order is made when rows, filter or sort change; drawing only looks. */
#include "ui/catalog/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void catalog_table_init(struct catalog_table *t, const struct catalog_column *columns,
                        size_t n)
{
    *t = (struct catalog_table){.columns = columns, .n_columns = n};
}

static void free_row(struct catalog_row *r)
{
    free(r->key);
    for (size_t i = 0; i < TABLE_COLUMNS; i++)
        free(r->text[i]);
}

void catalog_table_done(struct catalog_table *t)
{
    for (size_t i = 0; i < t->len; i++)
        free_row(&t->rows[i]);
    free(t->rows);
    free(t->shown);
    if (t->has_regex)
        regfree(&t->regex);
    *t = (struct catalog_table){0};
}

/* The old rows stay behind the new ones until the end, for their marks. */
void catalog_table_begin(struct catalog_table *t)
{
    t->n_shown = t->len; /* for the time being: how many are old */
}

struct catalog_row *catalog_table_add(struct catalog_table *t, const char *key)
{
    if (t->len == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 32;
        struct catalog_row *rows = reallocarray(t->rows, cap, sizeof(*rows));
        if (!rows)
            return NULL;
        t->rows = rows;
        t->cap = cap;
    }
    struct catalog_row *r = &t->rows[t->len];
    *r = (struct catalog_row){.key = strdup(key)};
    if (!r->key)
        return NULL;
    for (size_t i = 0; i < t->n_shown; i++)
        if (strcmp(t->rows[i].key, key) == 0)
            r->marked = t->rows[i].marked;
    t->len++;
    return r;
}

void catalog_table_set(struct catalog_row *r, size_t column, const char *text,
                       uint64_t number)
{
    free(r->text[column]);
    r->text[column] = strdup(text);
    r->number[column] = number;
}

static const char *text_of(const struct catalog_row *r, size_t column)
{
    return r->text[column] ? r->text[column] : "";
}

static int compare(const void *a, const void *b, void *arg)
{
    const struct catalog_table *t = arg;
    const struct catalog_row *x = &t->rows[*(const size_t *)a],
                             *y = &t->rows[*(const size_t *)b];
    size_t s = t->sort;
    int rc = t->columns[s].by_number
                 ? (x->number[s] < y->number[s]) - (x->number[s] > y->number[s])
                 : strcmp(text_of(x, s), text_of(y, s));
    if (rc == 0)
        rc = strcmp(text_of(x, 0), text_of(y, 0));
    if (rc == 0)
        rc = strcmp(x->key, y->key);
    return t->reversed ? -rc : rc;
}

static bool passes(const struct catalog_table *t, const struct catalog_row *r)
{
    if (!t->has_regex || regexec(&t->regex, r->key, 0, NULL, 0) == 0)
        return true;
    for (size_t i = 0; i < t->n_columns; i++)
        if (regexec(&t->regex, text_of(r, i), 0, NULL, 0) == 0)
            return true;
    return false;
}

static void arrange(struct catalog_table *t)
{
    size_t *shown = reallocarray(t->shown, t->len + 1, sizeof(*shown));
    t->n_shown = 0;
    if (!shown)
        return;
    t->shown = shown;
    for (size_t i = 0; i < t->len; i++)
        if (passes(t, &t->rows[i]))
            shown[t->n_shown++] = i;
    qsort_r(shown, t->n_shown, sizeof(*shown), compare, t);
    for (size_t i = 0; i < t->n_shown; i++)
        if (strcmp(t->rows[shown[i]].key, t->at) == 0)
            t->scroll.at = i;
    if (t->scroll.at >= t->n_shown)
        t->scroll.at = t->n_shown ? t->n_shown - 1 : 0;
}

void catalog_table_end(struct catalog_table *t)
{
    size_t old = t->n_shown;
    for (size_t i = 0; i < old; i++)
        free_row(&t->rows[i]);
    if (old)
        memmove(t->rows, t->rows + old, (t->len - old) * sizeof(*t->rows));
    t->len -= old;
    arrange(t);
}

int catalog_table_filter(struct catalog_table *t, const char *text, struct mtd_error *err)
{
    regex_t fresh;
    if (*text && regcomp(&fresh, text, REG_EXTENDED | REG_ICASE | REG_NOSUB) != 0)
        return mtd_fail(err, EINVAL, "filter: \"%.60s\" is not a regular expression",
                        text);
    if (t->has_regex)
        regfree(&t->regex);
    t->has_regex = *text;
    if (*text)
        t->regex = fresh;
    snprintf(t->filter, sizeof(t->filter), "%s", text);
    arrange(t);
    return 0;
}

void catalog_table_sort(struct catalog_table *t, size_t column)
{
    t->reversed = t->sort == column && !t->reversed;
    t->sort = column;
    arrange(t);
}

struct catalog_row *catalog_table_selected(struct catalog_table *t)
{
    return t->scroll.at < t->n_shown ? &t->rows[t->shown[t->scroll.at]] : NULL;
}

size_t catalog_table_targets(struct catalog_table *t, struct catalog_row **ret,
                             size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_shown && n < max; i++)
        if (t->rows[t->shown[i]].marked)
            ret[n++] = &t->rows[t->shown[i]];
    if (n == 0 && max > 0 && catalog_table_selected(t))
        ret[n++] = catalog_table_selected(t);
    return n;
}

void catalog_table_mark_all(struct catalog_table *t, bool on)
{
    for (size_t i = 0; i < t->len; i++)
        t->rows[i].marked = false;
    for (size_t i = 0; i < t->n_shown && on; i++)
        t->rows[t->shown[i]].marked = true;
}

static void remember_place(struct catalog_table *t)
{
    const struct catalog_row *r = catalog_table_selected(t);
    snprintf(t->at, sizeof(t->at), "%s", r ? r->key : "");
}

static bool click(struct catalog_table *t, const struct key *k)
{
    size_t row = t->scroll.top + (size_t)(k->row > 0 ? k->row - 1 : 0);
    if (k->button != MOUSE_LEFT || k->row < 1)
        return false;
    if (row < t->n_shown)
        t->scroll.at = row;
    return true;
}

bool catalog_table_key(struct catalog_table *t, const struct key *k)
{
    struct catalog_row *r = catalog_table_selected(t);
    bool used = true;
    if (k->command == CMD_MARK && r) {
        r->marked = !r->marked;
        t->scroll.at += t->scroll.at + 1 < t->n_shown;
    } else if (k->command == CMD_MARK_ALL || k->command == CMD_UNMARK) {
        catalog_table_mark_all(t, k->command == CMD_MARK_ALL);
    } else {
        t->scroll.n = t->n_shown;
        used = (k->key == KEY_MOUSE && click(t, k)) || scroll_key(&t->scroll, k);
    }
    remember_place(t);
    return used;
}

/* ---- drawing ----------------------------------------------------------------------- */

static int width_of(const struct catalog_table *t, size_t column, int cols)
{
    const struct catalog_column *it = &t->columns[column];
    int left = cols - 2;
    if (it->need > cols)
        return 0;
    if (it->width)
        return it->width;
    for (size_t i = 0; i < t->n_columns; i++)
        if (i != column && t->columns[i].need <= cols)
            left -= t->columns[i].width + 1;
    return left > 4 ? left : 4;
}

static void draw_titles(const struct catalog_table *t, struct canvas *c, struct rect r)
{
    struct pen p = pen_at(c, r, 0, 2);
    for (size_t i = 0; i < t->n_columns; i++) {
        int cols = width_of(t, i, r.cols);
        unsigned char attr = i == t->sort ? ATTR_BOLD | ATTR_UNDERLINE : ATTR_BOLD;
        if (!cols)
            continue;
        pen_field(&p, cols, t->columns[i].right, STYLE_ATTR(COLOR_HEADING, attr),
                  t->columns[i].title);
        p.col++;
    }
}

static void draw_row(const struct catalog_table *t, const struct catalog_row *row,
                     bool on, struct canvas *c, struct rect r)
{
    enum color color = on ? COLOR_SELECTED : row->marked ? COLOR_MARKED : COLOR_TEXT;
    struct style st = STYLE(color);
    struct pen p = pen_at(c, r, 0, 2);
    canvas_fill(c, r, st);
    if (on)
        pen_shape(PEN(c, r, 0, 0), st, SHAPE_CURSOR);
    if (row->marked)
        pen_shape(PEN(c, r, 0, 1), st, SHAPE_MARK);
    for (size_t i = 0; i < t->n_columns; i++) {
        int cols = width_of(t, i, r.cols);
        if (!cols)
            continue;
        if (i == 0)
            pen_name(&p, cols, st, text_of(row, i));
        else
            pen_field(&p, cols, t->columns[i].right, st, text_of(row, i));
        p.col++;
    }
}

void catalog_table_draw(struct catalog_table *t, struct canvas *c, struct rect r)
{
    struct rect line = {r.row, r.col, 1, r.cols};
    if (r.rows < 1)
        return;
    draw_titles(t, c, line);
    scroll_fit(&t->scroll, t->n_shown, r.rows - 1);
    for (int i = 0; i + 1 < r.rows && t->scroll.top + (size_t)i < t->n_shown; i++) {
        size_t n = t->scroll.top + (size_t)i;
        line.row = r.row + 1 + i;
        draw_row(t, &t->rows[t->shown[n]], n == t->scroll.at, c, line);
    }
}
