/* verb_prune - container, image, volume, network, builder and system prune. docker asks before it removes;
 * here no command asks, so without -f it reports what it would remove and removes
 * nothing. */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/size.h"
#include "cli/du.h"
#include "cli/image_filter.h"
#include "cli/labels.h"
#include "cli/network_list.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/report.h"
#include "cli/values.h"
#include "cli/verb.h"
#include "cli/volume_filter.h"

struct prune_values {
    bool force, all, volumes, blobs;
    enum progress_mode progress;
    struct option_list filters;
    int64_t until; /* only what was created before; 0 = everything */
};

#define FIELD(f) offsetof(struct prune_values, f)
static const struct option_row CONTAINER_OPTIONS[] = {
    {"filter", 0, OPTION_FILTER, FIELD(filters), NULL, "KEY=VALUE",
     "Only those created before a time (until=TIME), with a label (label=KEY[=VALUE]) or "
     "without it (label!=...)"},
    {"force", 'f', OPTION_FLAG, FIELD(force), NULL, NULL,
     "Remove them; without -f only their number is shown"},
    OPTION_END,
};

static const struct option_row IMAGE_OPTIONS[] = {
    {"all", 'a', OPTION_FLAG, FIELD(all), NULL, NULL,
     "All images that no container uses, not only unnamed ones"},
    {"filter", 0, OPTION_FILTER, FIELD(filters), NULL, "KEY=VALUE",
     "Only those created before a time (until=TIME), with a label (label=KEY[=VALUE]) or "
     "without it (label!=...)"},
    {"force", 'f', OPTION_FLAG, FIELD(force), NULL, NULL,
     "Remove them; without -f only their number is shown"},
    OPTION_END,
};

static const struct option_row BLOB_OPTIONS[] = {
    PROGRESS_OPTION(FIELD(progress)),
    {"blobs", 0, OPTION_FLAG, FIELD(blobs), NULL, NULL,
     "Instead the blobs of layers that are unpacked; push and save make them again"},
    OPTION_END,
};

static const struct option_row SYSTEM_OPTIONS[] = {
    {"all", 'a', OPTION_FLAG, FIELD(all), NULL, NULL,
     "All images that no container uses, not only unnamed ones"},
    {"volumes", 0, OPTION_FLAG, FIELD(volumes), NULL, NULL,
     "And anonymous volumes that no container has"},
    OPTION_END,
};

static const struct option_row VOLUME_OPTIONS[] = {
    {"all", 'a', OPTION_FLAG, FIELD(all), NULL, NULL,
     "All volumes that no container has, not only anonymous ones"},
    {"filter", 0, OPTION_FILTER, FIELD(filters), NULL, "KEY=VALUE",
     "Only those with this label (label=KEY[=VALUE]), or without it (label!=...)"},
    {"force", 'f', OPTION_FLAG, FIELD(force), NULL, NULL,
     "Remove them; without -f only their number is shown"},
    OPTION_END,
};

static const struct option_row BUILDER_OPTIONS[] = {
    {"all", 'a', OPTION_FLAG, FIELD(all)},
    {"filter", 0, OPTION_REFUSE, 0, NULL, "KEY=VALUE",
     "not supported; the cache goes as a whole"},
    {"force", 'f', OPTION_FLAG, FIELD(force), NULL, NULL,
     "Remove it; without -f it stays"},
    {"keep-storage", 0, OPTION_REFUSE, 0, NULL, "BYTES",
     "not supported; the cache goes as a whole"},
    OPTION_END,
};

static int check_volume_prune(void *values, const struct operands *o,
                              struct mtd_error *err)
{
    struct prune_values *v = values;
    (void)o;
    int rc = volume_filter_check(&v->filters, VOLUME_FILTER_PRUNE, err);
    if (rc == 0 && v->all && volume_filter_all(&v->filters))
        return mtd_fail(err, EINVAL,
                        "conflicting options: cannot specify both --all and "
                        "--filter all=1");
    v->all = v->all || volume_filter_all(&v->filters);
    return rc;
}

static int check_image_prune(void *values, const struct operands *o,
                             struct mtd_error *err)
{
    struct prune_values *v = values;
    (void)o;
    int rc = image_filter_check(&v->filters, IMAGE_FILTER_PRUNE, err);
    for (size_t i = 0; i < v->filters.len && rc == 0; i++)
        if (strncmp(v->filters.items[i], "until=", 6) == 0)
            rc = value_moment(&v->until, v->filters.items[i] + 6, err);
    v->all =
        v->all || image_filter_dangling(&v->filters) == 0; /* docker's spelling of -a */
    return rc;
}

static int check_prune(void *values, const struct operands *o, struct mtd_error *err)
{
    struct prune_values *v = values;
    (void)o;
    for (size_t i = 0; i < v->filters.len; i++) {
        const char *text = v->filters.items[i];
        if (labels_is_filter(text))
            continue;
        if (strncmp(text, "until=", 6) != 0)
            return mtd_fail(
                err, EINVAL,
                "--filter: \"%.60s\" is not until=TIME, label=KEY or label!=KEY", text);
        if (v->volumes)
            return mtd_fail(err, EINVAL,
                            "--volumes: the \"until\" filter is not supported with it");
        if (value_moment(&v->until, text + 6, err) < 0)
            return mtd_context(err, "--filter"), -EINVAL;
    }
    return 0;
}

static const char DELETED_CONTAINERS[] = "Deleted Containers:",
                  DELETED_NETWORKS[] = "Deleted Networks:",
                  DELETED_IMAGES[] = "Deleted Images:",
                  DELETED_VOLUMES[] = "Deleted Volumes:",
                  DELETED_BUILDS[] = "Deleted build cache";

/* A prune under way and its results. */
struct prune {
    struct cli *cli;
    const struct prune_values *v;
    unsigned found;
    uint64_t bytes;
    struct buf report;
    bool takes_no_room;  /* what it removes has no size */
    const char *heading; /* of the report's last line; NULL = there is none */
    int status;
};

/* docker's report: a heading, what was deleted, an empty line. line: NULL = the heading says it. */
static void say_deleted(struct prune *p, const char *heading, const char *line)
{
    if (p->heading != heading)
        (void)buf_printf(&p->report, "%s%s\n", p->heading ? "\n" : "", heading);
    p->heading = heading;
    if (line)
        (void)buf_printf(&p->report, "%s\n", line);
}

static bool is_old_enough(const struct prune *p, int64_t created_at)
{
    return !p->v->until || created_at < p->v->until;
}

static void prune_container(struct prune *p, const struct mtd_summary *s)
{
    struct mtd_error err = {0};
    auto_free char *upper = mtd_path(p->cli->engine, s->id, "upper");
    p->found++;
    if (!p->v->force)
        return;
    uint64_t size = upper ? du_tree(upper) : 0;
    /* Without force, so that a container started in the meantime stays. */
    int rc = mtd_remove(p->cli->engine, s->id, false, false, &err);
    if (rc == -ENOENT || rc == -EBUSY)
        return;
    if (rc < 0) {
        p->status = report_error(p->cli, STATUS_FAILED, &err);
        return;
    }
    p->bytes += size;
    say_deleted(p, DELETED_CONTAINERS, s->id);
}

static int prune_containers(struct prune *p, struct mtd_error *err)
{
    auto_done(mtd_list_done) struct mtd_list list = {0};
    int rc = mtd_list(p->cli->engine, &list, err);
    for (size_t i = 0; i < list.len; i++) {
        enum mtd_state s = list.items[i].state;
        bool stopped =
            s == MTD_STATE_CREATED || s == MTD_STATE_EXITED || s == MTD_STATE_DEAD;
        if (stopped && is_old_enough(p, list.items[i].created_at) &&
            labels_pass(&list.items[i].labels, &p->v->filters))
            prune_container(p, &list.items[i]);
    }
    return rc;
}

static void prune_image(struct prune *p, const struct mtd_image *image)
{
    struct mtd_error err = {0};
    auto_done(strv_done) struct strv report = {0};
    p->found++;
    if (!p->v->force)
        return;
    int rc = 0;
    for (size_t i = 0; i < image->names.len && rc == 0; i++)
        rc =
            mtd_image_remove(p->cli->engine, image->names.items[i], false, &report, &err);
    if (image->names.len == 0)
        rc = mtd_image_remove(p->cli->engine, image->id, false, &report, &err);
    if (rc < 0 && rc != -ENOENT && rc != -EBUSY)
        p->status = report_error(p->cli, STATUS_FAILED, &err);
    if (rc == 0)
        p->bytes += image->size;
    for (size_t i = 0; i < report.len; i++) {
        report.items[i][0] = (char)tolower((unsigned char)report.items[i][0]);
        say_deleted(p, DELETED_IMAGES, report.items[i]);
    }
}

static bool is_used(const struct mtd_list *list, const char *image_id)
{
    for (size_t i = 0; i < list->len; i++)
        if (list->items[i].image_id && strcmp(list->items[i].image_id, image_id) == 0)
            return true;
    return false;
}

static int prune_images(struct prune *p, struct mtd_error *err)
{
    auto_done(mtd_list_done) struct mtd_list list = {0};
    auto_done(mtd_image_list_done) struct mtd_image_list images = {0};
    int rc = mtd_list(p->cli->engine, &list, err);
    if (rc == 0)
        rc = mtd_images(p->cli->engine, &images, err);
    for (size_t i = 0; i < images.len && rc == 0; i++) {
        const struct mtd_image *image = &images.items[i];
        if ((p->v->all || image->names.len == 0) && !is_used(&list, image->id) &&
            is_old_enough(p, image->created_at) &&
            labels_pass(&image->config.labels, &p->v->filters))
            prune_image(p, image);
    }
    return rc;
}

static int prune_blobs(struct prune *p, struct mtd_error *err)
{
    struct mtd_dropped dropped = {0};
    struct progress *bars = progress_new(p->v->progress);
    int rc = mtd_image_drop_blobs(p->cli->engine, !p->v->force, progress_of(bars),
                                  &dropped, err);
    progress_free(bars);
    p->found += (unsigned)dropped.blobs;
    p->bytes += p->v->force ? dropped.bytes : 0;
    if (dropped.kept && p->v->force)
        (void)buf_printf(&p->report,
                         "Kept: %zu, as packing their layers would not give them again\n",
                         dropped.kept);
    return rc;
}

static void prune_volume(struct prune *p, const struct mtd_volume *v)
{
    struct mtd_error err = {0};
    p->found++;
    if (!p->v->force)
        return;
    uint64_t size = mtd_volume_size(p->cli->engine, v->name);
    int rc = mtd_volume_remove(p->cli->engine, v->name, &err);
    if (rc == -ENOENT || rc == -EBUSY)
        return;
    if (rc < 0) {
        p->status = report_error(p->cli, STATUS_FAILED, &err);
        return;
    }
    p->bytes += size;
    say_deleted(p, DELETED_VOLUMES, v->name);
}

/* Of `system prune` -a does not mean volumes with names, as in docker. */
static int prune_some_volumes(struct prune *p, bool all,
                              const struct option_list *filters, struct mtd_error *err)
{
    auto_done(mtd_volume_list_done) struct mtd_volume_list list = {0};
    int rc = mtd_volumes(p->cli->engine, false, &list, err);
    for (size_t i = 0; i < list.len && rc == 0; i++) {
        const struct mtd_volume *v = &list.items[i];
        if (v->used_by.len == 0 && !v->error && (all || v->anonymous) &&
            volume_filter_match(filters, v))
            prune_volume(p, v);
    }
    return rc;
}

static int prune_volumes(struct prune *p, struct mtd_error *err)
{
    return prune_some_volumes(p, p->v->all, &p->v->filters, err);
}

static int prune_system_volumes(struct prune *p, struct mtd_error *err)
{
    return p->v->volumes ? prune_some_volumes(p, false, &p->v->filters, err) : 0;
}

static bool is_joined(const struct mtd_list *l, const char *network)
{
    for (size_t i = 0; i < l->len; i++)
        if (strv_contains(&l->items[i].networks, network))
            return true;
    return false;
}

/* Those that somebody made and no container is in. */
static int prune_networks(struct prune *p, struct mtd_error *err)
{
    auto_done(mtd_net_list_done) struct mtd_net_list nets = {0};
    auto_done(mtd_list_done) struct mtd_list all = {0};
    int rc = mtd_network_list(p->cli->engine, &nets, err);
    if (rc == 0)
        rc = mtd_list(p->cli->engine, &all, err);
    for (size_t i = 0; i < nets.len && rc == 0; i++) {
        const struct mtd_net *n = &nets.items[i];
        if (!network_is_custom(n) || is_joined(&all, n->name) ||
            !is_old_enough(p, n->created_at) || !labels_pass(&n->labels, &p->v->filters))
            continue;
        p->found++;
        if (p->v->force && mtd_network_remove(p->cli->engine, n->name, NULL) == 0)
            say_deleted(p, DELETED_NETWORKS, n->name);
    }
    return rc;
}

/* The cache of builds, which the next ones make again. */
static int prune_builds(struct prune *p, struct mtd_error *err)
{
    auto_free char *dir = NULL;
    struct mtd_error busy = {0};
    if (asprintf(&dir, "%s/build/storage", mtd_root(p->cli->engine)) < 0)
        return mtd_fail(err, ENOMEM, "out of memory");
    if (access(dir, F_OK) < 0)
        return 0;
    p->found++;
    if (!p->v->force)
        return 0;
    uint64_t size = du_tree(dir);
    if (mtd_drop_builds(p->cli->engine, &busy) < 0) {
        p->status = report_error(p->cli, STATUS_FAILED, &busy);
        return 0;
    }
    p->bytes += size;
    say_deleted(p, DELETED_BUILDS, NULL);
    return 0;
}

static int finish(struct prune *p, int rc, const char *what, struct mtd_error *err)
{
    char size[SIZE_TEXT];
    if (rc == 0 && !p->v->force && p->found)
        return report_fail(p->cli, STATUS_FAILED,
                           "this would remove %u %s; add -f to do it", p->found, what);
    size_usage(p->bytes, size);
    if (rc == 0 && p->heading)
        rc = buf_putc(&p->report, '\n');
    if (rc == 0 && !p->takes_no_room)
        rc = buf_printf(&p->report, "Total reclaimed space: %s\n", size);
    if (rc == 0)
        rc = print_out(&p->report, err);
    mtd_fail_errno(rc < 0 ? err : NULL, -rc, "cannot prune");
    return rc < 0 ? report_error(p->cli, STATUS_FAILED, err) : p->status;
}

typedef int (*prune_fn)(struct prune *p, struct mtd_error *err);

/* steps: ended by NULL. Containers come first: what only they had is then unused. */
static int run_prune(struct cli *c, const struct prune_values *v, const prune_fn steps[],
                     const char *what)
{
    struct mtd_error err = {0};
    struct prune p = {.cli = c, .v = v, .takes_no_room = steps[0] == prune_networks};
    int rc = 0;
    for (size_t i = 0; steps[i] && rc == 0; i++)
        rc = steps[i](&p, &err);
    int status = finish(&p, rc, what, &err);
    buf_done(&p.report);
    return status;
}

static int run_container_prune(struct cli *c, void *values, const struct operands *o)
{
    (void)o;
    return run_prune(c, values, (const prune_fn[]){prune_containers, NULL},
                     "stopped containers");
}

static int run_image_prune(struct cli *c, void *values, const struct operands *o)
{
    (void)o;
    const struct prune_values *v = values;
    if (v->blobs)
        return run_prune(c, v, (const prune_fn[]){prune_blobs, NULL}, "blobs of layers");
    return run_prune(c, v, (const prune_fn[]){prune_images, NULL}, "images");
}

static int run_system_prune(struct cli *c, void *values, const struct operands *o)
{
    (void)o;
    const struct prune_values *v = values;
    return run_prune(
        c, v,
        (const prune_fn[]){prune_containers, prune_networks, prune_system_volumes,
                           prune_images, prune_builds, NULL},
        v->volumes ? "stopped containers, networks, volumes, images and build caches"
                   : "stopped containers, networks, images and build caches");
}

static int run_volume_prune(struct cli *c, void *values, const struct operands *o)
{
    (void)o;
    return run_prune(c, values, (const prune_fn[]){prune_volumes, NULL}, "volumes");
}

static int run_network_prune(struct cli *c, void *values, const struct operands *o)
{
    (void)o;
    return run_prune(c, values, (const prune_fn[]){prune_networks, NULL}, "networks");
}

static int run_builder_prune(struct cli *c, void *values, const struct operands *o)
{
    (void)o;
    return run_prune(c, values, (const prune_fn[]){prune_builds, NULL}, "build cache");
}

const struct verb VERBS_PRUNE[] = {
    {.name = "container prune",
     .operands = "",
     .summary = "Remove all stopped containers",
     .group = GROUP_SYSTEM,
     .flags = VERB_EXISTING,
     .options = {{CONTAINER_OPTIONS}},
     .values_size = sizeof(struct prune_values),
     .check = check_prune,
     .run = run_container_prune},
    {.name = "image prune",
     .operands = "",
     .summary = "Remove unused images",
     .group = GROUP_SYSTEM,
     .flags = VERB_EXISTING,
     .options = {{IMAGE_OPTIONS, BLOB_OPTIONS}},
     .values_size = sizeof(struct prune_values),
     .check = check_image_prune,
     .run = run_image_prune},
    {.name = "volume prune",
     .operands = "",
     .summary = "Remove anonymous volumes that no container has",
     .group = GROUP_VOLUME,
     .flags = VERB_EXISTING,
     .options = {{VOLUME_OPTIONS}},
     .values_size = sizeof(struct prune_values),
     .check = check_volume_prune,
     .run = run_volume_prune},
    {.name = "network prune",
     .operands = "",
     .summary = "Remove networks that no container uses",
     .group = GROUP_NETWORK,
     .flags = VERB_EXISTING,
     .options = {{CONTAINER_OPTIONS}},
     .values_size = sizeof(struct prune_values),
     .check = check_prune,
     .run = run_network_prune},
    {.name = "builder prune",
     .operands = "",
     .summary = "Remove what builds keep for the next ones",
     .group = GROUP_SYSTEM,
     .flags = VERB_EXISTING,
     .options = {{BUILDER_OPTIONS}},
     .values_size = sizeof(struct prune_values),
     .run = run_builder_prune},
    {.name = "system prune",
     .operands = "",
     .summary = "Remove stopped containers, unused networks and images",
     .group = GROUP_SYSTEM,
     .flags = VERB_EXISTING,
     .options = {{SYSTEM_OPTIONS, CONTAINER_OPTIONS}},
     .values_size = sizeof(struct prune_values),
     .check = check_prune,
     .run = run_system_prune},
    VERB_END,
};
