/* verb_events - events: the lines of <root>/events.log, and those that are appended to
 * it. Damaged lines are skipped and counted. */

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/follow.h"
#include "cli/format.h"
#include "cli/print.h"
#include "cli/report.h"
#include "cli/values.h"
#include "cli/verb.h"

#define ROOT_LOOK_MS 1000
#define LINE_MAX_BYTES (1 << 20)

struct events_values {
    bool follow; /* so it is anyway */
    int64_t since, until;
    const char *format;
    struct option_list filters;
    struct format compiled;
};

#define FIELD(f) offsetof(struct events_values, f)
static const struct option_row EVENTS_OPTIONS[] = {
    {"filter", 0, OPTION_FILTER, FIELD(filters), NULL, "KEY=VALUE",
     "Filter by container, image, volume, event, label or type; a KEY=VALUE argument does the "
     "same"},
    {"follow", 'f', OPTION_FLAG, FIELD(follow)},
    {"format", 0, OPTION_TEXT, FIELD(format), NULL, "FORMAT",
     "json, or a template such as '{{.Action}} {{.ID}}'"},
    {"since", 0, OPTION_LATE, FIELD(since), value_moment, "TIME",
     "Begin with the events since this time"},
    {"until", 0, OPTION_LATE, FIELD(until), value_moment, "TIME", "End at this time"},
    OPTION_END,
};

struct events {
    struct cli *cli;
    struct events_values *v;
    const struct operands *filters; /* `events -f type=container`: docker's -f takes it */
    int dir_fd, fd;
    ino_t ino;
    uint64_t offset;
    struct buf pending; /* a line without its end */
    uint64_t damaged;
    bool past_until;
};

static const char *text_of(const json_t *line, const char *name)
{
    const char *s = json_string_value(json_object_get(line, name));
    return s ? s : "";
}

static bool is_of(const json_t *line, const char *type)
{
    return strcmp(text_of(line, "type"), type) == 0;
}

/* ---- filters ---- */

static bool is_named(const json_t *line, const char *type, const char *value)
{
    if (!is_of(line, type))
        return false;
    return strcmp(text_of(line, "name"), value) == 0 ||
           (*value && strncmp(text_of(line, "id"), value, strlen(value)) == 0);
}

static bool match_container(const json_t *line, const char *value)
{
    return is_named(line, "container", value);
}

static bool match_network(const json_t *line, const char *value)
{
    return is_named(line, "network", value);
}

/* Of a container, the image it is made from. A name matches without its tag, too. */
static bool match_image(const json_t *line, const char *value)
{
    const char *name = text_of(line, is_of(line, "image") ? "name" : "image");
    const char *colon = strrchr(name, ':');
    size_t bare = colon && !strchr(colon, '/') ? (size_t)(colon - name) : strlen(name);
    return strcmp(name, value) == 0 || strcmp(text_of(line, "id"), value) == 0 ||
           (strlen(value) == bare && strncmp(name, value, bare) == 0);
}

static bool match_volume(const json_t *line, const char *value)
{
    return is_of(line, "volume") && strcmp(text_of(line, "id"), value) == 0;
}

/* "key" = the label exists, "key=value" = it has this value. */
static bool match_label(const json_t *line, const char *value)
{
    size_t len = strcspn(value, "=");
    const char *label = json_string_value(
        json_object_getn(json_object_get(line, "attributes"), value, len));
    return label && (!value[len] || strcmp(label, value + len + 1) == 0);
}

/* "health_status" finds "health_status: healthy" too. */
static bool match_event(const json_t *line, const char *value)
{
    const char *action = text_of(line, "action");
    size_t len = strlen(value);
    return strncmp(action, value, len) == 0 && (!action[len] || action[len] == ':');
}

static bool match_type(const json_t *line, const char *value)
{
    return is_of(line, value);
}

static bool match_scope(const json_t *line, const char *value)
{
    (void)line;
    return strcmp(value, "local") == 0;
}

/* Of a daemon or a swarm: there is none. */
static bool match_nothing(const json_t *line, const char *value)
{
    (void)line, (void)value;
    return false;
}

static const struct event_key {
    const char *name;
    bool (*match)(const json_t *line, const char *value);
    bool all; /* each value must match, not one of them */
} KEYS[] = {
    {"container", match_container, false}, {"image", match_image, false},
    {"event", match_event, false},         {"label", match_label, true},
    {"network", match_network, false},     {"type", match_type, false},
    {"volume", match_volume, false},       {"scope", match_scope, false},
    {"daemon", match_nothing, false},      {"plugin", match_nothing, false},
    {"node", match_nothing, false},        {"service", match_nothing, false},
    {"secret", match_nothing, false},      {"config", match_nothing, false},
};

static const struct event_key *find_key(const char *text)
{
    size_t len = strcspn(text, "=");
    for (size_t i = 0; i < ARRAY_SIZE(KEYS); i++)
        if (text[len] && strlen(KEYS[i].name) == len && !strncmp(KEYS[i].name, text, len))
            return &KEYS[i];
    return NULL;
}

/* A key that does not exist is no mistake: docker looks at those it knows. */
static int check_events(void *values, const struct operands *o, struct mtd_error *err)
{
    const struct events_values *v = values;
    for (size_t i = 0; i < v->filters.len + o->len; i++) {
        const char *text =
            i < v->filters.len ? v->filters.items[i] : o->items[i - v->filters.len];
        if (!strchr(text, '='))
            return mtd_fail(err, EINVAL, "filter \"%.60s\" is not KEY=VALUE", text);
    }
    return 0;
}

static bool match_key(const struct events *e, const struct event_key *key,
                      const json_t *line)
{
    size_t n = e->v->filters.len + e->filters->len, asked = 0, hits = 0;
    for (size_t i = 0; i < n; i++) {
        const char *text = i < e->v->filters.len
                               ? e->v->filters.items[i]
                               : e->filters->items[i - e->v->filters.len];
        if (find_key(text) != key)
            continue;
        asked++;
        hits += key->match(line, strchr(text, '=') + 1);
    }
    return key->all ? hits == asked : asked == 0 || hits > 0;
}

/* All keys must hold. */
static bool matches(const struct events *e, const json_t *line)
{
    for (size_t k = 0; k < ARRAY_SIZE(KEYS); k++)
        if (!match_key(e, &KEYS[k], line))
            return false;
    return true;
}

/* ---- printing ---- */

static int add_attributes(struct buf *out, const json_t *attributes)
{
    const char *key;
    json_t *value;
    bool first = true;
    int rc = buf_puts(out, " (");
    json_object_foreach((json_t *)attributes, key, value)
    {
        if (!json_is_string(value))
            continue; /* damaged */
        if (rc == 0)
            rc = buf_printf(out, "%s%s=%s", first ? "" : ", ", key,
                            json_string_value(value));
        first = false;
    }
    return rc < 0 ? rc : buf_putc(out, ')');
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* docker's attributes are sorted by name. Takes all. */
static json_t *sort_members(json_t *all)
{
    size_t n = 0;
    const char *key;
    json_t *value, *sorted = json_object();
    auto_free const char **keys = calloc(json_object_size(all) + 1, sizeof(*keys));
    json_object_foreach(all, key, value)
    {
        if (keys)
            keys[n++] = key;
    }
    if (n > 1)
        qsort(keys, n, sizeof(*keys), compare_names);
    for (size_t i = 0; i < n; i++)
        json_object_set(sorted, keys[i], json_object_get(all, keys[i]));
    json_decref(all);
    return sorted;
}

static json_t *make_attributes(const json_t *line)
{
    static const char *const TEXTS[] = {"detail", "image", "name"};
    char code[24];
    json_t *a = json_object();
    json_object_update(a, json_object_get(line, "attributes"));
    for (size_t i = 0; i < ARRAY_SIZE(TEXTS); i++)
        if (*text_of(line, TEXTS[i]))
            json_object_set_new(a, TEXTS[i], json_string(text_of(line, TEXTS[i])));
    if (json_is_integer(json_object_get(line, "exitCode"))) {
        snprintf(code, sizeof(code), "%lld",
                 (long long)json_integer_value(json_object_get(line, "exitCode")));
        json_object_set_new(a, "exitCode", json_string(code));
    }
    return sort_members(a);
}

/* docker's object, for templates and --format json. */
static json_t *make_message(const json_t *line, int64_t when)
{
    const char *from = text_of(line, "image");
    return json_pack("{s:s, s:s, s:s*, s:s, s:s, s:{s:s, s:o}, s:s, s:I, s:I}", "status",
                     text_of(line, "action"), "id", text_of(line, "id"), "from",
                     *from ? from : NULL, "Type", text_of(line, "type"), "Action",
                     text_of(line, "action"), "Actor", "ID", text_of(line, "id"),
                     "Attributes", make_attributes(line), "scope", "local", "time",
                     (json_int_t)(when / NS_PER_SEC), "timeNano", (json_int_t)when);
}

static int add_event(struct events *e, const json_t *line, int64_t when, struct buf *out,
                     struct mtd_error *err)
{
    char time[TIME_TEXT];
    json_t *message = make_message(line, when);
    time_format_local(when, true, time);
    int rc = message ? 0 : -ENOMEM;
    if (rc == 0 && e->v->format)
        rc = format_json_row(&e->v->compiled, message, out, err);
    else if (rc == 0)
        rc = buf_printf(out, "%s %s %s %s", time, text_of(line, "type"),
                        text_of(line, "action"), text_of(line, "id"));
    const json_t *attributes =
        json_object_get(json_object_get(message, "Actor"), "Attributes");
    if (rc == 0 && !e->v->format && json_object_size(attributes))
        rc = add_attributes(out, attributes);
    json_decref(message);
    return rc < 0 ? rc : buf_putc(out, '\n');
}

static int show_line(struct events *e, const char *text, size_t len, struct buf *out,
                     struct mtd_error *err)
{
    int64_t when = 0;
    json_t *line = json_loadb(text, len, JSON_DISABLE_EOF_CHECK, NULL);
    int rc = 0;
    if (!json_is_object(line) || time_parse(text_of(line, "time"), 0, &when) < 0)
        e->damaged++;
    else if (e->v->until && when > e->v->until)
        e->past_until = true;
    else if (when >= e->v->since && matches(e, line))
        rc = add_event(e, line, when, out, err);
    json_decref(line);
    return rc;
}

/* ---- reading ---- */

static int take_lines(struct events *e, struct mtd_error *err)
{
    auto_done(buf_done) struct buf out = {0};
    size_t start = 0;
    int rc = 0;
    const char *end;
    while (rc == 0 && !e->past_until && start < e->pending.len &&
           (end = memchr(e->pending.data + start, '\n', e->pending.len - start))) {
        size_t len = (size_t)(end - e->pending.data) - start;
        rc = len ? show_line(e, e->pending.data + start, len, &out, err) : 0;
        start += len + 1;
    }
    memmove(e->pending.data, e->pending.data + start, e->pending.len - start);
    e->pending.len -= start;
    if (e->pending.len > LINE_MAX_BYTES) {
        e->pending.len = 0;
        e->damaged++;
    }
    return rc < 0 ? rc : print_out(&out, err);
}

static int read_file(struct events *e, struct mtd_error *err)
{
    char chunk[65536];
    ssize_t n;
    while (!e->past_until && e->fd >= 0 &&
           (n = pread(e->fd, chunk, sizeof(chunk), (off_t)e->offset)) > 0) {
        e->offset += (uint64_t)n;
        int rc = buf_add(&e->pending, chunk, (size_t)n);
        if (rc == 0)
            rc = take_lines(e, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void open_file(struct events *e, const char *name)
{
    struct stat st;
    if (e->fd >= 0)
        close(e->fd);
    e->fd = openat(e->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    e->offset = 0;
    e->ino = e->fd >= 0 && fstat(e->fd, &st) == 0 ? st.st_ino : 0;
}

/* The rest of the open file, then the file that replaced it by rotation. */
static int read_on(struct events *e, struct mtd_error *err)
{
    struct stat st;
    int rc = read_file(e, err);
    if (rc < 0 || fstatat(e->dir_fd, "events.log", &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        (e->fd >= 0 && st.st_ino == e->ino))
        return rc;
    e->pending.len = 0;
    open_file(e, "events.log");
    return read_file(e, err);
}

/* `--until` in the future ends the stream at that time. */
static int wait_until(const struct events *e)
{
    if (!e->v->until)
        return -1;
    int64_t left = (e->v->until - clock_wall_ns()) / NS_PER_MS + 1;
    return left < 0 ? 0 : left > 3600000 ? 3600000 : (int)left;
}

static int follow_events(struct events *e, struct mtd_error *err)
{
    struct follow f;
    int rc = follow_open(&f, mtd_root(e->cli->engine));
    if (rc < 0)
        return mtd_fail_errno(err, -rc, "cannot watch %.120s", mtd_root(e->cli->engine));
    while ((rc = read_on(e, err)) == 0 && !e->past_until) {
        int wait = wait_until(e);
        rc = wait == 0 ? -EPIPE : follow_wait(&f, wait);
        if (rc < 0)
            break;
    }
    follow_close(&f);
    return rc == -EPIPE ? 0 : rc;
}

static int run_all(struct events *e, struct mtd_error *err)
{
    open_file(e, "events.log.1");
    int rc = read_file(e, err);
    e->pending.len = 0;
    open_file(e, "events.log");
    return rc == 0 ? follow_events(e, err) : rc;
}

/* Before the first container there is nothing to watch, and this makes nothing. -ETIME = it is
 * past --until. */
static int open_root(struct events *e)
{
    for (;;) {
        e->dir_fd = open(mtd_root(e->cli->engine), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (e->dir_fd >= 0 || errno != ENOENT)
            return e->dir_fd < 0 ? -errno : 0;
        int left = wait_until(e);
        if (left == 0)
            return -ETIME;
        poll(NULL, 0, left > 0 && left < ROOT_LOOK_MS ? left : ROOT_LOOK_MS);
    }
}

static int run_events(struct cli *c, void *values, const struct operands *o)
{
    struct mtd_error err = {0};
    struct events e = {.cli = c, .v = values, .filters = o, .dir_fd = -1, .fd = -1};
    /* As docker: without a time it shows new events only, and only --until ends it. */
    if (!e.v->since && !e.v->until)
        e.v->since = clock_wall_ns();
    int rc = format_compile(&e.v->compiled, e.v->format, NULL, NULL, &err);
    if (rc == 0) {
        rc = open_root(&e);
        if (rc == 0)
            rc = run_all(&e, &err);
        else if (rc == -ETIME)
            rc = 0;
        else
            rc = mtd_fail_errno(&err, -rc, "cannot open %.120s", mtd_root(c->engine));
    }
    if (e.damaged)
        report_warning(c, "%llu damaged lines were skipped",
                       (unsigned long long)e.damaged);
    if (e.fd >= 0)
        close(e.fd);
    if (e.dir_fd >= 0)
        close(e.dir_fd);
    buf_done(&e.pending);
    mtd_fail_errno(rc < 0 ? &err : NULL, -rc, "cannot show the events");
    return rc < 0 ? report_error(c, STATUS_FAILED, &err) : 0;
}

static void done_events(void *values)
{
    format_done(&((struct events_values *)values)->compiled);
}

const struct verb VERBS_EVENTS[] = {
    {.name = "events",
     .operands = "[KEY=VALUE...]",
     .summary = "Show events of containers and images as they happen",
     .group = GROUP_QUERY,
     .flags = VERB_READ_ONLY,
     .options = {{EVENTS_OPTIONS}},
     .values_size = sizeof(struct events_values),
     .max = VERB_MANY,
     .check = check_events,
     .run = run_events,
     .done = done_events},
    VERB_END,
};
