/* A filter is a row of a table: its key, what its value must be, and whether an image has it. */

#include "cli/image_filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cli/labels.h"
#include "cli/values.h"

const char *image_filter_tag(const char *name)
{
    const char *colon = strrchr(name, ':');
    return colon && !strchr(colon, '/') ? colon : NULL;
}

bool image_filter_reference(const char *name, const char *pattern)
{
    if (!name)
        return false;
    const char *colon = image_filter_tag(name);
    auto_free char *repository =
        strndup(name, colon ? (size_t)(colon - name) : strlen(name));
    return fnmatch(pattern, name, 0) == 0 ||
           (repository && fnmatch(pattern, repository, 0) == 0);
}

static bool match_label(const struct mtd_image *i, const char *value)
{
    return labels_have(&i->config.labels, value);
}

enum key { REFERENCE, DANGLING, LABEL, NOT_LABEL, BEFORE, SINCE, UNTIL, NONE };
#define IN(what) (1u << IMAGE_FILTER_##what)
static const struct {
    const char *text;
    enum key key;
    unsigned in;
} KEYS[] = {
    {"reference=", REFERENCE, IN(LIST)},
    {"dangling=", DANGLING, IN(LIST) | IN(PRUNE)},
    {"label=", LABEL, IN(LIST) | IN(PRUNE)},
    {"label!=", NOT_LABEL, IN(PRUNE)},
    {"before=", BEFORE, IN(LIST)},
    {"since=", SINCE, IN(LIST)},
    {"until=", UNTIL, IN(LIST) | IN(PRUNE)},
};

static enum key key_of(const char *text, enum image_filter_for what, const char **value)
{
    for (size_t i = 0; i < ARRAY_SIZE(KEYS); i++)
        if (strncmp(text, KEYS[i].text, strlen(KEYS[i].text)) == 0) {
            *value = text + strlen(KEYS[i].text);
            return KEYS[i].in & (1u << what) ? KEYS[i].key : NONE;
        }
    return NONE;
}

int image_filter_check(const struct option_list *filters, enum image_filter_for what,
                       struct mtd_error *err)
{
    static const char *const ARE[] = {
        [IMAGE_FILTER_LIST] = "reference, dangling, label, before, since or until",
        [IMAGE_FILTER_PRUNE] = "until, label, label! or dangling"};
    for (size_t i = 0; i < filters->len; i++) {
        const char *value, *text = filters->items[i];
        int64_t moment;
        bool on;
        enum key key = key_of(text, what, &value);
        if (key == NONE)
            return mtd_fail(err, EINVAL,
                            "--filter: \"%.60s\" is not KEY=VALUE with %s as the key",
                            text, ARE[what]);
        if (key == DANGLING && parse_bool(value, &on) < 0)
            return mtd_fail(err, EINVAL, "--filter: \"%.60s\": true or false is expected",
                            text);
        if (key == UNTIL && value_moment(&moment, value, err) < 0)
            return mtd_context(err, "--filter"), -EINVAL;
    }
    return 0;
}

int image_filter_dangling(const struct option_list *filters)
{
    int ret = -1;
    for (size_t i = 0; i < filters->len; i++) {
        const char *value;
        bool on = false;
        if (key_of(filters->items[i], IMAGE_FILTER_LIST, &value) == DANGLING &&
            parse_bool(value, &on) == 0)
            ret = on;
    }
    return ret;
}

static void limit_before(struct image_filter *f, int64_t at)
{
    if (!f->before || at < f->before)
        f->before = at;
}

static int look_up(struct cli *c, enum key key, const char *value, struct image_filter *f,
                   struct mtd_error *err)
{
    auto_done(mtd_image_done) struct mtd_image image = {0};
    int rc = mtd_image_find(c->engine, value, &image, err);
    if (rc < 0)
        return rc;
    if (key == BEFORE)
        limit_before(f, image.created_at);
    else if (image.created_at > f->after)
        f->after = image.created_at;
    return 0;
}

int image_filter_init(struct cli *c, const struct option_list *filters,
                      struct image_filter *ret, struct mtd_error *err)
{
    struct image_filter f = {.filters = filters};
    int rc = 0;
    for (size_t i = 0; i < filters->len && rc == 0; i++) {
        const char *value;
        int64_t moment = 0;
        enum key key = key_of(filters->items[i], IMAGE_FILTER_LIST, &value);
        if (key == BEFORE || key == SINCE)
            rc = look_up(c, key, value, &f, err);
        if (key == UNTIL && (rc = value_moment(&moment, value, err)) == 0)
            limit_before(&f, moment);
    }
    *ret = f;
    return rc;
}

static bool has(const struct mtd_image *i, const char *name, enum key key,
                const char *value)
{
    bool on = false;
    if (key == DANGLING)
        return parse_bool(value, &on) == 0 && on == !name;
    if (key == LABEL || key == NOT_LABEL)
        return match_label(i, value) == (key == LABEL);
    return true;
}

bool image_filter_match(const struct image_filter *f, const struct mtd_image *i,
                        const char *name)
{
    bool asked = false, named = false;
    if ((f->before && i->created_at >= f->before) ||
        (f->after && i->created_at <= f->after))
        return false;
    for (size_t n = 0; n < f->filters->len; n++) {
        const char *value, *text = f->filters->items[n];
        enum key key = key_of(text, IMAGE_FILTER_PRUNE, &value);
        if (key == NONE)
            key = key_of(text, IMAGE_FILTER_LIST, &value);
        if (!has(i, name, key, value))
            return false;
        asked = asked || key == REFERENCE;
        named = named || (key == REFERENCE && image_filter_reference(name, value));
    }
    return !asked || named;
}
