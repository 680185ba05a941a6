/* A tree of objects would need a walk for every line drawn. A flat list of lines, in
 * which a container knows its end, is drawn by skipping. */
#include "ui/model/tree.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"

enum { MAX_DEPTH = 64 };

void tree_done(struct tree *t)
{
    for (size_t i = 0; i < t->len; i++)
        free(t->lines[i].text);
    free(t->lines);
    *t = (struct tree){0};
}

static int add(struct tree *t, const char *text, int depth, const char *key)
{
    if (t->len == t->cap) {
        size_t cap = t->cap ? t->cap * 2 : 64;
        struct tree_line *lines = reallocarray(t->lines, cap, sizeof(*lines));
        if (!lines)
            return -ENOMEM;
        t->lines = lines;
        t->cap = cap;
    }
    char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    t->lines[t->len] = (struct tree_line){.text = copy, .depth = depth};
    snprintf(t->lines[t->len++].key, sizeof(t->lines->key), "%s", key ? key : "");
    return 0;
}

/* What is before a value: its name, in an object. */
static const char *make_lead(const char *key, char *out, size_t size)
{
    out[0] = '\0';
    if (key)
        snprintf(out, size, "\"%s\": ", key);
    return out;
}

static int add_value(struct tree *t, json_t *v, const char *key, int depth, bool more);

static int add_members(struct tree *t, json_t *v, int depth)
{
    int rc = 0;
    const char *key;
    json_t *item;
    size_t i, n = json_object_size(v);
    if (json_is_object(v)) {
        json_object_foreach(v, key, item) rc =
            rc < 0 ? rc : add_value(t, item, key, depth, --n > 0);
        return rc;
    }
    json_array_foreach(v, i, item) rc =
        rc < 0 ? rc : add_value(t, item, NULL, depth, i + 1 < json_array_size(v));
    return rc;
}

static int add_container(struct tree *t, json_t *v, const char *key, int depth, bool more)
{
    char text[512], buf[256];
    const char *lead = make_lead(key, buf, sizeof(buf));
    bool object = json_is_object(v);
    size_t n = object ? json_object_size(v) : json_array_size(v), at = t->len;
    const char *comma = more ? "," : "";
    if (n == 0 || depth >= MAX_DEPTH) {
        snprintf(text, sizeof(text), "%s%s%s", lead, object ? "{}" : "[]", comma);
        return add(t, text, depth, key);
    }
    snprintf(text, sizeof(text), "%s%s", lead, object ? "{" : "[");
    int rc = add(t, text, depth, key);
    if (rc == 0)
        rc = add_members(t, v, depth + 1);
    snprintf(text, sizeof(text), "%s%s", object ? "}" : "]", comma);
    if (rc == 0)
        rc = add(t, text, depth, NULL);
    if (rc == 0)
        t->lines[at].end = t->len;
    return rc;
}

static int add_value(struct tree *t, json_t *v, const char *key, int depth, bool more)
{
    char lead[256];
    if (json_is_object(v) || json_is_array(v))
        return add_container(t, v, key, depth, more);
    auto_free char *value = json_dumps(v, JSON_ENCODE_ANY);
    auto_free char *text = NULL;
    if (!value || asprintf(&text, "%s%s%s", make_lead(key, lead, sizeof(lead)), value,
                           more ? "," : "") < 0)
        return -ENOMEM;
    return add(t, text, depth, key);
}

/* The n-th container of a name and depth keeps its fold: enough for a record that
 * grows. */
static void keep_folds(struct tree *t, const struct tree *old)
{
    size_t j = 0;
    for (size_t i = 0; i < t->len; i++) {
        struct tree_line *line = &t->lines[i];
        for (size_t k = j; line->end && k < old->len; k++)
            if (old->lines[k].end && old->lines[k].depth == line->depth &&
                strcmp(old->lines[k].key, line->key) == 0) {
                line->folded = old->lines[k].folded;
                j = k + 1;
                break;
            }
    }
}

int tree_parse(struct tree *t, const char *text)
{
    json_error_t error;
    json_t *v = json_loads(text, JSON_DECODE_ANY, &error);
    if (!v)
        return -EINVAL;
    json_t *top = json_is_array(v) && json_array_size(v) == 1 ? json_array_get(v, 0) : v;
    struct tree fresh = {0};
    int rc = add_value(&fresh, top, NULL, 0, false);
    json_decref(v);
    if (rc < 0) {
        tree_done(&fresh);
        return rc;
    }
    keep_folds(&fresh, t);
    tree_done(t);
    *t = fresh;
    return 0;
}

void tree_fold_all(struct tree *t, bool folded, int from_depth)
{
    for (size_t i = 0; i < t->len; i++)
        if (t->lines[i].end && t->lines[i].depth >= from_depth)
            t->lines[i].folded = folded;
}

static size_t next(const struct tree *t, size_t i)
{
    return t->lines[i].folded && t->lines[i].end ? t->lines[i].end : i + 1;
}

size_t tree_visible(const struct tree *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->len; i = next(t, i))
        n++;
    return n;
}

size_t tree_at(const struct tree *t, size_t visible)
{
    size_t i = 0;
    while (i < t->len && visible-- > 0)
        i = next(t, i);
    return i < t->len ? i : t->len ? t->len - 1 : 0;
}
