#include "cli/volume_filter.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cli/labels.h"

static int check_bool(const char *value)
{
    bool on;
    return parse_bool(value, &on);
}

static bool match_dangling(const struct mtd_volume *v, const char *value)
{
    bool on = false;
    parse_bool(value, &on);
    return on == (v->used_by.len == 0);
}

static bool match_driver(const struct mtd_volume *v, const char *value)
{
    (void)v;
    return strcmp(value, "local") == 0;
}

static bool match_label(const struct mtd_volume *v, const char *value)
{
    return labels_have(&v->labels, value);
}

static bool match_no_label(const struct mtd_volume *v, const char *value)
{
    return !match_label(v, value);
}

static bool match_name(const struct mtd_volume *v, const char *value)
{
    return strstr(v->name, value) != NULL;
}

static bool match_any(const struct mtd_volume *v, const char *value)
{
    (void)v, (void)value;
    return true;
}

/* Of one with `any` it suffices that one value matches. */
static const struct key {
    const char *word; /* "label=" */
    bool list, prune, any;
    bool (*match)(const struct mtd_volume *v, const char *value);
    int (*check)(const char *value);
} KEYS[] = {
    {"dangling=", true, false, false, match_dangling, check_bool},
    {"driver=", true, false, true, match_driver, NULL},
    {"label=", true, true, false, match_label, NULL},
    {"label!=", false, true, false, match_no_label, NULL},
    {"name=", true, false, true, match_name, NULL},
    {"all=", false, true, false, match_any, check_bool},
};

static const struct key *find_key(const char *text)
{
    for (size_t i = 0; i < ARRAY_SIZE(KEYS); i++)
        if (strncmp(text, KEYS[i].word, strlen(KEYS[i].word)) == 0)
            return &KEYS[i];
    return NULL;
}

int volume_filter_check(const struct option_list *filters, enum volume_filter_for what,
                        struct mtd_error *err)
{
    bool list = what == VOLUME_FILTER_LIST;
    for (size_t i = 0; i < filters->len; i++) {
        const char *text = filters->items[i];
        const struct key *key = find_key(text);
        if (!key || !(list ? key->list : key->prune))
            return mtd_fail(err, EINVAL, "--filter: \"%.60s\" is not KEY=VALUE with %s",
                            text,
                            list ? "dangling, driver, label or name as the key"
                                 : "label, label! or all as the key");
        if (key->check && key->check(text + strlen(key->word)) < 0)
            return mtd_fail(err, EINVAL, "--filter: \"%.60s\": true or false is expected",
                            text);
    }
    return 0;
}

static bool match_key(const struct option_list *filters, const struct key *key,
                      const struct mtd_volume *v)
{
    size_t asked = 0, hits = 0;
    for (size_t i = 0; i < filters->len; i++) {
        if (find_key(filters->items[i]) != key)
            continue;
        asked++;
        hits += key->match(v, filters->items[i] + strlen(key->word));
    }
    return key->any ? asked == 0 || hits > 0 : hits == asked;
}

bool volume_filter_match(const struct option_list *filters, const struct mtd_volume *v)
{
    bool all = true;
    for (size_t i = 0; i < ARRAY_SIZE(KEYS) && all; i++)
        all = match_key(filters, &KEYS[i], v);
    return all;
}

bool volume_filter_all(const struct option_list *filters)
{
    bool on = false;
    for (size_t i = 0; i < filters->len; i++)
        if (strncmp(filters->items[i], "all=", 4) == 0)
            parse_bool(filters->items[i] + 4, &on);
    return on;
}
