/* The list is replaced as a whole: what belongs to a container for longer than one
 * reading of the state directory lives in its track, found again by id. */
#include "ui/model/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/words.h"

void model_init(struct model *m)
{
    *m = (struct model){0};
}

static void track_free(struct track *t)
{
    free(t->history);
    free(t->note);
    free(t);
}

void model_done(struct model *m)
{
    mtd_list_done(&m->list);
    for (size_t i = 0; i < m->n_tracks; i++)
        track_free(m->tracks[i]);
    free(m->tracks);
    free(m->rows);
    free(m->shown);
    filter_done(&m->filter);
    *m = (struct model){0};
}

static int compare_id(const void *key, const void *item)
{
    return strcmp(key, (*(struct track *const *)item)->id);
}

static int compare_tracks(const void *a, const void *b)
{
    return strcmp((*(struct track *const *)a)->id, (*(struct track *const *)b)->id);
}

static struct track *find_track(struct track **tracks, size_t n, const char *id)
{
    struct track **at =
        n ? bsearch(id, tracks, n, sizeof(struct track *), compare_id) : NULL;
    return at ? *at : NULL;
}

/* The tracks of the new list: known ones are kept, others made; sorted by id. */
static struct track **make_tracks(struct model *m, const struct mtd_list *list)
{
    struct track **tracks = calloc(list->len + 1, sizeof(struct track *));
    for (size_t i = 0; tracks && i < list->len; i++) {
        struct track *t = find_track(m->tracks, m->n_tracks, list->items[i].id);
        if (!t)
            t = calloc(1, sizeof(*t));
        if (!t) {
            free(tracks);
            return NULL;
        }
        snprintf(t->id, sizeof(t->id), "%s", list->items[i].id);
        t->alive = true;
        tracks[i] = t;
    }
    return tracks;
}

static void drop_dead_tracks(struct model *m)
{
    for (size_t i = 0; i < m->n_tracks; i++)
        if (!m->tracks[i]->alive)
            track_free(m->tracks[i]);
    free(m->tracks);
}

int model_take(struct model *m, struct mtd_list *list)
{
    struct row *rows = calloc(list->len + 1, sizeof(*rows));
    struct row **shown = calloc(list->len + 1, sizeof(struct row *));
    for (size_t i = 0; i < m->n_tracks; i++)
        m->tracks[i]->alive = false;
    struct track **tracks = rows && shown ? make_tracks(m, list) : NULL;
    if (!tracks) {
        free(rows);
        free(shown);
        return -ENOMEM;
    }
    drop_dead_tracks(m);
    mtd_list_done(&m->list);
    free(m->rows);
    free(m->shown);
    m->list = *list;
    *list = (struct mtd_list){0};
    m->rows = rows;
    m->shown = shown;
    m->tracks = tracks;
    m->n_tracks = m->list.len;
    for (size_t i = 0; i < m->list.len; i++)
        rows[i] = (struct row){&m->list.items[i], tracks[i]};
    qsort(tracks, m->n_tracks, sizeof(struct track *), compare_tracks);
    model_arrange(m);
    return 0;
}

int model_refresh(struct model *m, struct mtd_engine *e)
{
    struct mtd_list list = {0};
    struct mtd_error err = {0};
    int rc = mtd_list(e, &list, &err);
    if (rc < 0) {
        snprintf(m->problem, sizeof(m->problem), "%s",
                 err.text[0] ? err.text : strerror(-rc));
        return rc;
    }
    m->problem[0] = '\0';
    m->stale = false;
    rc = model_take(m, &list);
    mtd_list_done(&list);
    return rc;
}

const struct row *model_find(const struct model *m, const char *id)
{
    for (size_t i = 0; i < m->list.len; i++)
        if (strcmp(m->rows[i].s->id, id) == 0)
            return &m->rows[i];
    return NULL;
}

const char *model_common_image(const struct model *m)
{
    const char *image = m->list.len > 1 ? m->list.items[0].image : NULL;
    for (size_t i = 1; image && i < m->list.len; i++) {
        const char *other = m->list.items[i].image;
        if (!other || strcmp(image, other) != 0)
            return NULL;
    }
    return image;
}

int model_words(const struct model *m, const struct strv *argv, struct buf *ret)
{
    auto_done(strv_done) struct strv words = {0};
    for (size_t i = 0; i < argv->len; i++) {
        const char *w = argv->items[i];
        const struct row *r = strlen(w) == MTD_ID_LEN ? model_find(m, w) : NULL;
        int rc = strv_add(&words, r && r->s->name ? r->s->name : w);
        if (rc < 0)
            return rc;
    }
    return words_join(&words, ret);
}

int model_filter(struct model *m, const char *text, struct mtd_error *err)
{
    int rc = filter_set(&m->filter, text, err);
    if (rc == 0)
        model_arrange(m);
    return rc;
}

size_t model_marked(const struct model *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n_tracks; i++)
        n += m->tracks[i]->marked;
    return n;
}

size_t model_marked_shown(const struct model *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n_shown; i++)
        n += m->shown[i]->t->marked;
    return n;
}

void model_mark_all(struct model *m, bool on)
{
    for (size_t i = 0; on && i < m->n_shown; i++)
        m->shown[i]->t->marked = true;
    for (size_t i = 0; !on && i < m->n_tracks; i++)
        m->tracks[i]->marked = false;
}

size_t model_targets(const struct model *m, const struct row **ret, size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n_shown && n < max; i++)
        if (m->shown[i]->t->marked)
            ret[n++] = m->shown[i];
    const struct row *one = model_selected(m);
    if (n == 0 && one && max && !model_marked(m))
        ret[n++] = one;
    return n;
}
