/* ps - the texts are docker's to the letter: scripts match "Up", "Exited (" and the
 * like. */

#include "cli/ps.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/size.h"
#include "cli/platform.h"
#include "cli/print.h"

static const struct mtd_summary *container_of(const void *row)
{
    return ((const struct ps_row *)row)->container;
}

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

int ps_short_id(const char *id, bool no_trunc, struct buf *out)
{
    size_t len = strlen(id);
    return buf_add(out, id, no_trunc || len < MTD_SHORT_ID_LEN ? len : MTD_SHORT_ID_LEN);
}

/* ---- status ---- */

static int add_up(const struct mtd_summary *s, int64_t now, struct buf *out)
{
    char age[TIME_TEXT];
    time_human_duration(now > s->started_at ? now - s->started_at : 0, age);
    if (s->state == MTD_STATE_PAUSED)
        return buf_printf(out, "Up %s (Paused)", age);
    if (!s->health || !*s->health)
        return buf_printf(out, "Up %s", age);
    return buf_printf(out, "Up %s (%s%s)", age,
                      strcmp(s->health, "starting") == 0 ? "health: " : "", s->health);
}

static int add_ended(const struct mtd_summary *s, const char *word, int64_t now,
                     struct buf *out)
{
    char age[TIME_TEXT], code[16] = "unknown";
    time_human_duration(now > s->finished_at ? now - s->finished_at : 0, age);
    if (s->exit_code >= 0)
        snprintf(code, sizeof(code), "%d", s->exit_code);
    bool known = s->finished_at && s->finished_at >= s->started_at;
    return known ? buf_printf(out, "%s (%s) %s ago", word, code, age)
                 : buf_printf(out, "%s (%s)", word, code);
}

int ps_status(const struct mtd_summary *s, int64_t now, struct buf *out)
{
    switch (s->state) {
    case MTD_STATE_CREATED: return buf_puts(out, "Created");
    case MTD_STATE_RUNNING:
    case MTD_STATE_PAUSED: return add_up(s, now, out);
    case MTD_STATE_RESTARTING: return add_ended(s, "Restarting", now, out);
    case MTD_STATE_REMOVING: return buf_puts(out, "Removal In Progress");
    case MTD_STATE_EXITED: return add_ended(s, "Exited", now, out);
    case MTD_STATE_DEAD: return buf_puts(out, "Dead");
    default:
        return buf_printf(out, "Broken: %s", s->error ? s->error : "unreadable record");
    }
}

/* ---- fields ---- */

static int get_id(const void *row, struct buf *out)
{
    return ps_short_id(container_of(row)->id, ((const struct ps_row *)row)->no_trunc,
                       out);
}

static int get_image(const void *row, struct buf *out)
{
    return buf_puts(out, or_empty(container_of(row)->image));
}

static int get_command(const void *row, struct buf *out)
{
    struct buf cut = {0};
    const char *command = or_empty(container_of(row)->command);
    int rc = ((const struct ps_row *)row)->no_trunc ? buf_puts(&cut, command)
                                                    : print_ellipsis(&cut, command, 20);
    if (rc == 0)
        rc = print_quoted(out, cut.data ? cut.data : "");
    buf_done(&cut);
    return rc;
}

static int get_created_at(const void *row, struct buf *out)
{
    char text[TIME_TEXT];
    time_format_created(container_of(row)->created_at, text);
    return buf_puts(out, text);
}

static int get_running_for(const void *row, struct buf *out)
{
    char age[TIME_TEXT];
    int64_t ns = ((const struct ps_row *)row)->now - container_of(row)->created_at;
    time_human_duration(ns > 0 ? ns : 0, age);
    return buf_printf(out, "%s ago", age);
}

static int get_status(const void *row, struct buf *out)
{
    return ps_status(container_of(row), ((const struct ps_row *)row)->now, out);
}

static int get_state(const void *row, struct buf *out)
{
    return buf_puts(out, mtd_state_name(container_of(row)->state));
}

static int join(const struct strv *v, const char *between, struct buf *out)
{
    int rc = 0;
    for (size_t i = 0; i < v->len && rc == 0; i++)
        rc = buf_printf(out, "%s%s", i ? between : "", v->items[i]);
    return rc;
}

static int get_ports(const void *row, struct buf *out)
{
    const struct mtd_summary *s = container_of(row);
    return mtd_state_is_active(s->state) ? mtd_ports_text(&s->ports, out) : 0;
}

/* Not docker's: those that can be reached from outside the host. */
static int get_public_ports(const void *row, struct buf *out)
{
    const struct mtd_summary *s = container_of(row);
    auto_done(strv_done) struct strv found = {0};
    struct mtd_port_line line;
    int rc = 0;
    for (size_t i = 0; i < s->ports.len && rc == 0; i++)
        if (mtd_port_line_read(s->ports.items[i], &line) == 0 &&
            mtd_port_line_is_public(&line))
            rc = strv_add(&found, s->ports.items[i]);
    return rc == 0 && mtd_state_is_active(s->state) ? mtd_ports_text(&found, out) : rc;
}

static int get_names(const void *row, struct buf *out)
{
    return buf_puts(out, or_empty(container_of(row)->name));
}

static int add_joined(const struct strv *v, struct buf *out)
{
    int rc = 0;
    for (size_t i = 0; i < v->len && rc == 0; i++)
        rc = buf_printf(out, "%s%s", i ? "," : "", v->items[i]);
    return rc;
}

static int get_labels(const void *row, struct buf *out)
{
    return add_joined(&container_of(row)->labels, out);
}

static int get_label(const void *row, const char *key, struct buf *out)
{
    const struct strv *labels = &container_of(row)->labels;
    size_t len = strlen(key);
    for (size_t i = 0; i < labels->len; i++)
        if (strncmp(labels->items[i], key, len) == 0 && labels->items[i][len] == '=')
            return buf_puts(out, labels->items[i] + len + 1);
    return 0;
}

/* docker shows the sources, each cut to 15 characters. */
static int get_mounts(const void *row, struct buf *out)
{
    const struct strv *mounts = &container_of(row)->mounts;
    bool no_trunc = ((const struct ps_row *)row)->no_trunc;
    int rc = 0;
    for (size_t i = 0; i < mounts->len && rc == 0; i++) {
        struct buf source = {0};
        rc = buf_add(&source, mounts->items[i], strcspn(mounts->items[i], ":"));
        if (rc == 0 && i)
            rc = buf_putc(out, ',');
        if (rc == 0)
            rc = no_trunc ? buf_puts(out, source.data ? source.data : "")
                          : print_ellipsis(out, source.data ? source.data : "", 15);
        buf_done(&source);
    }
    return rc;
}

static int get_local_volumes(const void *row, struct buf *out)
{
    const struct strv *mounts = &container_of(row)->mounts;
    size_t n = 0;
    for (size_t i = 0; i < mounts->len; i++)
        n += mounts->items[i][0] != '/' && mounts->items[i][0] != ':';
    return buf_printf(out, "%zu", n);
}

static int get_networks(const void *row, struct buf *out)
{
    return join(&container_of(row)->networks, ",", out);
}

static int get_size(const void *row, struct buf *out)
{
    const struct ps_row *r = row;
    char own[SIZE_TEXT], all[SIZE_TEXT];
    if (!r->has_size)
        return buf_puts(out, "0B");
    size_decimal(r->size, own);
    size_decimal(r->virtual_size, all);
    return buf_printf(out, "%s (virtual %s)", own, all);
}

static int get_health(const void *row, struct buf *out)
{
    return buf_puts(out, or_empty(container_of(row)->health));
}

/* No container runs on another. */
static int get_platform(const void *row, struct buf *out)
{
    (void)row;
    return buf_printf(out, "linux/%s", platform_architecture());
}

const struct format_field PS_FIELDS[] = {
    {"ID", "CONTAINER ID", get_id},
    {"Image", "IMAGE", get_image},
    {"Command", "COMMAND", get_command},
    {"CreatedAt", "CREATED AT", get_created_at},
    {"RunningFor", "CREATED", get_running_for},
    {"Status", "STATUS", get_status},
    {"State", "STATE", get_state},
    {"Ports", "PORTS", get_ports},
    {"PublicPorts", "PUBLIC PORTS", get_public_ports},
    {"Names", "NAMES", get_names},
    {"Labels", "LABELS", get_labels},
    {"Label", NULL, NULL, get_label},
    {"Mounts", "MOUNTS", get_mounts},
    {"LocalVolumes", "LOCAL VOLUMES", get_local_volumes},
    {"Networks", "NETWORKS", get_networks},
    {"Size", "SIZE", get_size},
    {"HealthStatus", "HEALTH", get_health},
    {"Platform", "PLATFORM", get_platform},
    FORMAT_FIELDS_END,
};
