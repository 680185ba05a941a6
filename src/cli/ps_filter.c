/* ps_filter - `ps --filter KEY=VALUE`. Keys and values are checked before the list is
 * read; before= and since= are resolved in the list itself. */

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "cli/labels.h"
#include "cli/ps.h"

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

/* docker matches names as a regular expression; an invalid one is compared as text. */
static bool match_name(const struct mtd_summary *s, const char *value)
{
    regex_t regex;
    const char *name = or_empty(s->name);
    if (*value == '/')
        value++;
    if (*value == '^' && value[1] == '/') {
        auto_free char *anchored = NULL;
        if (asprintf(&anchored, "^%s", value + 2) < 0)
            return false;
        return match_name(s, anchored);
    }
    if (regcomp(&regex, value, REG_EXTENDED | REG_NOSUB) != 0)
        return strstr(name, value) != NULL;
    bool hit = regexec(&regex, name, 0, NULL, 0) == 0;
    regfree(&regex);
    return hit;
}

static bool match_id(const struct mtd_summary *s, const char *value)
{
    return strncmp(s->id, value, strlen(value)) == 0;
}

static bool match_status(const struct mtd_summary *s, const char *value)
{
    return strcmp(mtd_state_name(s->state), value) == 0;
}

static bool match_label(const struct mtd_summary *s, const char *value)
{
    return labels_have(&s->labels, value);
}

static bool same_reference(const char *a, const char *b)
{
    size_t len = strlen(a);
    return strncmp(a, b, len) == 0 && (!b[len] || strcmp(b + len, ":latest") == 0);
}

static bool match_ancestor(const struct mtd_summary *s, const char *value)
{
    const char *image = or_empty(s->image), *id = or_empty(s->image_id);
    const char *hex = strncmp(id, "sha256:", 7) == 0 ? id + 7 : id;
    return same_reference(image, value) || same_reference(value, image) ||
           strcmp(id, value) == 0 ||
           (strlen(value) >= 4 && strncmp(hex, value, strlen(value)) == 0);
}

static bool match_exited(const struct mtd_summary *s, const char *value)
{
    int64_t code;
    return s->state == MTD_STATE_EXITED && parse_i64(value, 0, 255, &code) == 0 &&
           s->exit_code == code;
}

static bool match_volume(const struct mtd_summary *s, const char *value)
{
    for (size_t i = 0; i < s->mounts.len; i++) {
        const char *mount = s->mounts.items[i];
        size_t len = strcspn(mount, ":");
        if ((strlen(value) == len && strncmp(mount, value, len) == 0) ||
            strcmp(mount + len + (mount[len] == ':'), value) == 0)
            return true;
    }
    return false;
}

static bool match_network(const struct mtd_summary *s, const char *value)
{
    return strv_contains(&s->networks, value);
}

static bool match_health(const struct mtd_summary *s, const char *value)
{
    return strcmp(s->health && *s->health ? s->health : "none", value) == 0;
}

struct port_range {
    unsigned first, last;
    const char *protocol;
};

/* "8080", "8080/udp", "8000-8010/tcp". */
static int parse_ports(const char *value, struct port_range *ret)
{
    char number[16];
    uint64_t first, last;
    size_t slash = strcspn(value, "/"), dash = strcspn(value, "-/");
    if (dash >= sizeof(number) || slash - dash >= sizeof(number))
        return -EINVAL;
    snprintf(number, sizeof(number), "%.*s", (int)dash, value);
    if (parse_u64(number, UINT16_MAX, &first) < 0)
        return -EINVAL;
    last = first;
    snprintf(number, sizeof(number), "%.*s", (int)(slash > dash ? slash - dash - 1 : 0),
             value + dash + 1);
    if (slash > dash && (parse_u64(number, UINT16_MAX, &last) < 0 || last < first))
        return -EINVAL;
    *ret = (struct port_range){(unsigned)first, (unsigned)last,
                               value[slash] ? value + slash + 1 : "tcp"};
    return strcmp(ret->protocol, "tcp") == 0 || strcmp(ret->protocol, "udp") == 0 ||
                   strcmp(ret->protocol, "sctp") == 0
               ? 0
               : -EINVAL;
}

static bool match_ports(const struct mtd_summary *s, const char *value, bool outside)
{
    struct port_range want;
    struct mtd_port_line line;
    if (parse_ports(value, &want) < 0 || !mtd_state_is_active(s->state))
        return false;
    for (size_t i = 0; i < s->ports.len; i++) {
        if (mtd_port_line_read(s->ports.items[i], &line) < 0)
            continue;
        unsigned port = outside ? line.host : line.target;
        if (port && port >= want.first && port <= want.last &&
            strcmp(line.protocol, want.protocol) == 0)
            return true;
    }
    return false;
}

static bool match_publish(const struct mtd_summary *s, const char *value)
{
    return match_ports(s, value, true);
}

static bool match_expose(const struct mtd_summary *s, const char *value)
{
    return match_ports(s, value, false);
}

static int check_ports(const char *value)
{
    struct port_range range;
    return parse_ports(value, &range);
}

static int check_status(const char *value)
{
    enum mtd_state state;
    return mtd_state_parse(value, &state);
}

static int check_exit_code(const char *value)
{
    int64_t code;
    return parse_i64(value, 0, 255, &code);
}

static int check_health(const char *value)
{
    static const char *const WORDS[] = {"none", "starting", "healthy", "unhealthy"};
    for (size_t i = 0; i < ARRAY_SIZE(WORDS); i++)
        if (strcmp(value, WORDS[i]) == 0)
            return 0;
    return -EINVAL;
}

/* Of a swarm's: none is. */
static bool match_task(const struct mtd_summary *s, const char *value)
{
    bool wanted = true;
    (void)s;
    return parse_bool(value, &wanted) == 0 && !wanted;
}

/* Windows has several; docker on Linux does not look at it. */
static bool match_isolation(const struct mtd_summary *s, const char *value)
{
    (void)s, (void)value;
    return true;
}

static int check_bool(const char *value)
{
    bool ignored;
    return parse_bool(value, &ignored);
}

static const struct filter_key {
    const char *name;
    bool all; /* implies ps -a */
    bool (*match)(const struct mtd_summary *s, const char *value);
    int (*check)(const char *value);
    const char *with; /* values of this key are alternatives as well */
} KEYS[] = {
    {"id", false, match_id, NULL},
    {"name", false, match_name, NULL},
    {"status", true, match_status, check_status},
    {"label", false, match_label, NULL},
    {"ancestor", false, match_ancestor, NULL},
    {"exited", true, match_exited, check_exit_code},
    {"volume", false, match_volume, NULL},
    {"network", false, match_network, NULL},
    {"health", false, match_health, check_health},
    {"publish", false, match_publish, check_ports, "expose"},
    {"expose", false, match_expose, check_ports, "publish"},
    {"is-task", false, match_task, check_bool},
    {"isolation", false, match_isolation, NULL},
    {"before", false, NULL, NULL},
    {"since", false, NULL, NULL},
};

static const struct filter_key *find_key(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_SIZE(KEYS); i++)
        if (strlen(KEYS[i].name) == len && strncmp(KEYS[i].name, name, len) == 0)
            return &KEYS[i];
    return NULL;
}

void ps_filters_done(struct ps_filters *f)
{
    free(f->items);
    strv_done(&f->names);
    *f = (struct ps_filters){0};
}

static int parse_one(const char *text, struct ps_filters *f, struct mtd_error *err)
{
    size_t len = strcspn(text, "=");
    const struct filter_key *key = find_key(text, len);
    if (!key)
        return mtd_fail(
            err, EINVAL,
            "--filter: unknown key \"%.*s\"; the keys are id, name, status, label, "
            "ancestor, exited, volume, network, health, publish, expose, is-task, isolation, "
            "before, since",
            (int)(len > 40 ? 40 : len), text);
    if (key->check && key->check(text + len + 1) < 0)
        return mtd_fail(err, EINVAL, "--filter: \"%.40s\" is not a valid value of %s",
                        text + len + 1, key->name);
    f->all = f->all || key->all;
    f->items[f->len++] = (struct ps_filter){key->name, text + len + 1};
    return 0;
}

int ps_filters_parse(const struct option_list *list, struct ps_filters *ret,
                     struct mtd_error *err)
{
    struct ps_filters f = {.before = -1, .since = -1};
    f.items = calloc(list->len + 1, sizeof(*f.items));
    int rc = 0;
    if (!f.items)
        return mtd_fail(err, ENOMEM, "out of memory");
    for (size_t i = 0; i < list->len && rc == 0; i++)
        rc = parse_one(list->items[i], &f, err);
    if (rc < 0) {
        ps_filters_done(&f);
        return rc;
    }
    *ret = f;
    return 0;
}

static const struct mtd_summary *find_container(const struct mtd_list *list,
                                                const char *ref)
{
    const struct mtd_summary *by_id = NULL;
    for (size_t i = 0; i < list->len; i++) {
        if (strcmp(or_empty(list->items[i].name), ref) == 0)
            return &list->items[i];
        if (strncmp(list->items[i].id, ref, strlen(ref)) == 0)
            by_id = &list->items[i];
    }
    return by_id;
}

static int resolve_network(struct ps_filters *f, struct ps_filter *item,
                           struct mtd_engine *e, const struct mtd_list *list,
                           struct mtd_error *err)
{
    auto_done(mtd_net_done) struct mtd_net n = {0};
    for (size_t i = 0; i < list->len; i++)
        if (strv_contains(&list->items[i].networks, item->value))
            return 0;
    if (mtd_network_inspect(e, item->value, &n, NULL) < 0)
        return 0; /* as docker: then there is no container on it */
    if (strv_add(&f->names, n.name) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    item->value = f->names.items[f->names.len - 1];
    return 0;
}

static int resolve_time(struct ps_filters *f, const struct ps_filter *item,
                        const struct mtd_list *list, struct mtd_error *err)
{
    const struct mtd_summary *s = find_container(list, item->value);
    if (!s)
        return mtd_fail(err, ENOENT, "no such container: %.80s", item->value);
    *(strcmp(item->key, "before") == 0 ? &f->before : &f->since) = s->created_at;
    f->all = true;
    return 0;
}

int ps_filters_resolve(struct ps_filters *f, struct mtd_engine *e,
                       const struct mtd_list *list, struct mtd_error *err)
{
    int rc = 0;
    for (size_t i = 0; i < f->len && rc == 0; i++) {
        struct ps_filter *item = &f->items[i];
        if (strcmp(item->key, "network") == 0)
            rc = resolve_network(f, item, e, list, err);
        else if (!find_key(item->key, strlen(item->key))->match)
            rc = resolve_time(f, item, list, err);
    }
    return rc;
}

/* As docker: the values of a key are alternatives, but a container has all labels asked for. */
static bool match_key(const struct ps_filters *f, const struct filter_key *key,
                      const struct mtd_summary *s)
{
    size_t asked = 0, hits = 0;
    for (size_t i = 0; i < f->len; i++) {
        const struct filter_key *own = find_key(f->items[i].key, strlen(f->items[i].key));
        if (own != key && !(key->with && strcmp(own->name, key->with) == 0))
            continue;
        asked++;
        hits += own->match(s, f->items[i].value);
    }
    return key->match == match_label ? hits == asked : asked == 0 || hits > 0;
}

bool ps_filters_match(const struct ps_filters *f, const struct mtd_summary *s)
{
    if ((f->before >= 0 && s->created_at >= f->before) ||
        (f->since >= 0 && s->created_at <= f->since))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(KEYS); i++)
        if (KEYS[i].match && !match_key(f, &KEYS[i], s))
            return false;
    return true;
}
